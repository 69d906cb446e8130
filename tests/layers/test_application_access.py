"""Who gets through to instances, at every moment and whatever Beanstalk adds. Promise R7, decision 0009."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from graphlib import TopologicalSorter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.environment import load_environment
from tests.conftest import LEAST, merged
from tests.layers import application_stubs
from tests.layers.elb import (
    BEANSTALK_CONDITIONS,
    CLIENTS,
    CNAME,
    Balancer,
    Request,
    bearer,
    dependencies,
    forwarding,
    whole,
)

API, APEX = "api.shop.example.com", "shop.example.com"
BALANCER_NAME = "acme-prod-1234567890.eu-west-1.elb.amazonaws.com"


def forged(header: str) -> Request:
    return Request("/health", headers=((header, "eyJ"),))


#: Every request with what must become of it once everything is there. "forward" alone asks nobody.
TABLE: list[tuple[Request, str]] = [
    # public paths
    (Request("/health"), "forward"),
    (Request("/health", host=APEX), "forward"),
    (Request("/health", host=API.upper()), "forward"),
    (Request("/health", method="HEAD"), "forward"),
    (Request("/health", method="POST"), "forward"),
    (bearer("/health"), "forward"),
    (Request("/health/"), "302"),
    (Request("/healthy"), "302"),
    (Request("/Health"), "302"),
    (Request("/health."), "302"),
    (Request("/health;x"), "302"),
    (Request("/health%20"), "302"),
    (Request("/health", headers=(("x-forwarded-for", "10.0.0.1"),)), "forward"),
    (Request("/health", headers=(("x_amzn_oidc_data", "eyJ"),)), "forward"),  # and without that header
    (Request("/health", headers=(("upgrade", "websocket"), ("connection", "upgrade"))), "forward"),
    (Request("/health", host=CNAME), "403"),
    (Request("/health", host=BALANCER_NAME), "403"),
    (Request("/health", host="evil.example.net"), "403"),
    (Request("/health", host="10.0.0.1"), "403"),
    (Request("/health", host=""), "403"),
    (Request("/health", host="*"), "403"),
    (Request("/health", host=f"{API}."), "403"),
    (Request("/health", host=f"x{API}"), "403"),
    (Request("/health", host=f"{API}.evil.example.net"), "403"),
    (Request("/health", host=f"evil.{APEX}"), "403"),
    (Request("/health", host=CNAME, headers=(("x-forwarded-host", API),)), "403"),
    # the API, with and without a token
    (bearer("/api/orders"), "forward with token"),
    (bearer("/api/orders", method="POST"), "forward with token"),
    (bearer("/api"), "forward with token"),
    (bearer("/api/"), "forward with token"),
    (bearer("/api/orders", host=APEX), "forward with token"),
    (bearer("/api/a/b/c", method="DELETE"), "forward with token"),
    (bearer("/api/orders", client_id=CLIENTS[1]), "forward with token"),
    (bearer("/api/orders", client_id=CLIENTS[2]), "forward with token"),
    (Request("/api/orders"), "401"),
    (Request("/api"), "401"),
    (Request("/api/orders", method="OPTIONS"), "401"),
    (Request("/api/orders", session=True), "401"),
    (Request("/api/orders", headers=(("authorization", "Basic YWxhZGRpbg=="),)), "401"),
    (Request("/api/orders", headers=(("authorization", "Bearer garbage"),)), "401"),
    (bearer("/api/orders", client_id="another-client-of-the-pool"), "401"),
    (bearer("/api/orders", client_id=""), "401"),
    (bearer("/api/orders", token_use="id"), "401"),
    (bearer("/api/orders", token_use=""), "401"),
    (bearer("/api/orders", iss="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another"), "401"),
    (bearer("/api/orders", iss=""), "401"),
    (bearer("/api/orders", host=CNAME), "403"),
    (bearer("/api/orders", host=BALANCER_NAME), "403"),
    (bearer("/api/orders", token_use="ACCESS"), "401"),
    (bearer("/api/orders", client_id=CLIENTS[0].upper()), "401"),
    (bearer("/api/orders", client_id=" ".join(CLIENTS)), "401"),
    (replace(bearer("/api/orders"), session=True), "forward with token"),
    (replace(bearer("/api/orders", token_use="id"), session=True), "401"),
    (Request("/api/orders", method="TRACE"), "401"),
    (Request("/api/live", headers=(("upgrade", "websocket"),)), "401"),
    (Request("/api/orders", headers=(("x-http-method-override", "GET"),)), "401"),
    (Request("/api/orders", headers=(("cookie", "AWSELBAuthSessionCookie-0=made-up"),)), "401"),
    (Request("/api/a..b", session=True), "401"),
    (bearer("/api/a..b"), "forward with token"),
    (bearer("/api/files/app.min.js"), "forward with token"),
    (bearer("/api/caf%C3%A9/a%20b%2B%40c"), "forward with token"),
    (bearer("/API/orders"), "302"),
    (bearer("/apis"), "302"),
    # browsers
    (Request("/"), "302"),
    (Request("/", host=APEX), "302"),
    (Request("/account"), "302"),
    (Request("/account", method="POST"), "302"),
    (Request("/account", headers=(("cookie", "AWSELBAuthSessionCookie-0=made-up"),)), "302"),
    (Request("/account", session=True), "forward with session"),
    (Request("/account", session=True, host=APEX), "forward with session"),
    (Request("/account", session=True, host=CNAME), "403"),
    (replace(bearer("/account"), session=True), "forward with session"),
    (bearer("/account"), "302"),
    (Request("/live", headers=(("upgrade", "websocket"),)), "302"),
    (Request("/live", headers=(("upgrade", "websocket"),), session=True), "forward with session"),
    (Request("/.well-known/assetlinks.json"), "302"),
    (Request("/.well-known/assetlinks.json", session=True), "forward with session"),
    (Request("/~bob/a..b/...", session=True), "forward with session"),
    (Request("/search/%252e%252e", session=True), "forward with session"),  # two dots for nobody
    # Another name for the same code; why an API must look for the token itself.
    (Request("/index.php/api/orders"), "302"),
    (Request("/index.php/api/orders", session=True), "forward with session"),
    (Request("/oauth2/idpresponse"), "302"),
    (Request("/oauth2/idpresponse", session=True), "forward with session"),
    # what is refused whoever asks
    (Request("/health/../api/orders"), "400"),
    (Request("/health/%2e%2e/api/orders"), "400"),
    (Request("/health/.%2E/api/orders"), "400"),
    (bearer("/api/../account"), "400"),
    (Request("/account/..", session=True), "400"),
    (Request("/health/..;/api/orders"), "400"),
    (Request("/health/..%00/api/orders"), "400"),
    (Request("/health/..%2Fapi/orders"), "400"),
    (Request("/health/..%5Capi"), "400"),
    (Request("/health/..\\api"), "400"),
    (Request("/health/..#/"), "400"),
    (Request("/health%00"), "400"),
    (Request("/health/."), "400"),
    (Request("/health/%2E/"), "400"),
    (Request("//health"), "400"),
    (Request("/health//"), "400"),
    (Request("/%68ealth"), "400"),
    # A session is no good for the API, however its path is spelt.
    (Request("//api/orders", session=True), "400"),
    (Request("/./api/orders", session=True), "400"),
    (Request("/%61pi/orders", session=True), "400"),
    (Request("/api%2Forders", session=True), "400"),
    (Request("/api%2forders", session=True), "400"),
    (Request("/x/../api/orders", session=True), "400"),
    (forged("x-amzn-oidc-data"), "400"),
    (forged("X-Amzn-Oidc-Identity"), "400"),
    (forged("X-AMZN-OIDC-ACCESSTOKEN"), "400"),
    (Request("/health", headers=(("x-amzn-oidc-data", ""),)), "400"),
    (Request("/health", headers=(("x-amzn-oidc-data", ""), ("x-amzn-oidc-data", "eyJ"))), "400"),
    (replace(bearer("/api/orders"), headers=(("x-amzn-oidc-identity", "you"),)), "400"),
    (Request("/account", session=True, headers=(("X-Amzn-Oidc-Data", "eyJ"),)), "400"),
    (forged("X-Original-URL"), "400"),
    (forged("x-rewrite-url"), "400"),
    (replace(bearer("/api/orders"), headers=(("x-original-url", "/admin"),)), "400"),
    # other ports
    (Request("/health", port=80), "301"),
    (Request("/", port=80), "301"),
    (replace(bearer("/api/orders"), port=80), "301"),
    (Request("/", port=80, host=CNAME), "301"),
    (Request("/account", port=80, session=True), "301"),
    (Request("/health", port=8081), "no connection"),
    (Request("/", port=8081, host=CNAME), "no connection"),
    (Request("/", port=22), "no connection"),
]


def rendered(folder: Path, **over: Any) -> dict[str, Any]:
    (folder / "prod.yaml").write_text(yaml.safe_dump(merged(LEAST, over)))
    return application_stubs.template(load_environment(folder, "prod"))


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> dict[str, Any]:
    return rendered(tmp_path_factory.mktemp("environments"))


def beanstalk_s(template: dict[str, Any], balancer: Balancer, listener: str, kind: int) -> None:
    """Beanstalk adds a rule of one kind to a listener, behind all that are there."""
    rules = balancer.listeners[listener].rules
    last = max([0, *(rule["Priority"] for rule in rules)])
    rule = forwarding(BEANSTALK_CONDITIONS[kind], last + 1)
    rules.append({**rule, "LogicalId": "Environment"})  # with which it goes


def creations(template: dict[str, Any], count: int) -> list[list[str]]:
    """Orders in which CloudFormation may create the resources: it goes by references alone."""
    graph, orders = dependencies(template), []
    for seed in range(count):
        chance = random.Random(seed)  # noqa: S311
        sorter: TopologicalSorter[str] = TopologicalSorter(graph)
        sorter.prepare()
        ready, order = [], []
        while sorter.is_active():
            ready += sorter.get_ready()
            name = ready.pop(chance.randrange(len(ready)))
            order.append(name)
            sorter.done(name)
        orders.append(order)
    return orders


def see_that_nobody_gets_past(balancer: Balancer) -> None:
    """Nobody reaches instances who will not do so, in the same way, when everything is there."""
    for request, wanted in TABLE:
        answer = balancer.answer(request)
        assert not answer.startswith("forward") or answer == wanted, (request, answer)


def test_the_table_is_large_and_shows_every_answer() -> None:
    assert len({request for request, _ in TABLE}) == len(TABLE) >= 50
    assert {wanted for _, wanted in TABLE} == {
        *("forward", "forward with token", "forward with session"),
        *("301", "302", "400", "401", "403", "no connection"),
    }


def identities(headers: dict[str, str]) -> dict[str, str]:
    """Headers in which PHP would look for who is signed in, or for another path than was asked."""
    read = ("HTTP_X_AMZN_OIDC_", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL")
    return {name: value for name, value in headers.items() if name.startswith(read)}


def test_no_identity_that_a_caller_made_up_reaches_an_instance(template) -> None:
    """Hyphens and underscores are the same to PHP: what no rule refuses, the load balancer drops."""
    balancer = whole(template)
    passed = [request for request, _ in TABLE if balancer.answer(request).startswith("forward")]
    assert [identities(balancer.delivered(request)) for request in passed] == [{}] * len(passed)
    balancer.attributes["routing.http.drop_invalid_header_fields.enabled"] = "false"
    assert [r for r in passed if identities(balancer.delivered(r))], "else the test could not fail"


@pytest.mark.parametrize(("request_", "wanted"), TABLE, ids=lambda value: str(value)[:60])
def test_a_request_gets_the_answer_of_the_table(template, request_: Request, wanted: str) -> None:
    assert whole(template).answer(request_) == wanted


def test_nobody_gets_past_at_any_stage_of_creation_wherever_beanstalk_puts_its_rule(template) -> None:
    tried = 0
    for order in creations(template, count=6):
        begun = order.index("Environment")
        listeners = [n for n in order[:begun] if template["Resources"][n]["Type"].endswith("::Listener")]
        assert len(listeners) == 3, "all of them stand before Beanstalk comes"
        after = [n for n in order[begun:] if "::ListenerRule" in template["Resources"][n]["Type"]]
        for comes in range(len(after) + 1):
            for listener, kind in product(listeners, range(len(BEANSTALK_CONDITIONS))):
                balancer = Balancer()
                for name in order[:begun]:
                    balancer.make(name, template)
                    if not comes:  # the same for all of them: look once
                        see_that_nobody_gets_past(balancer)
                for number, name in enumerate([*after, ""]):
                    if number == comes:
                        beanstalk_s(template, balancer, listener, kind)
                    if number >= comes:
                        see_that_nobody_gets_past(balancer)
                    if name:
                        balancer.make(name, template)
                tried += 1
    assert tried == 6 * 5 * 3 * len(BEANSTALK_CONDITIONS)


def test_nobody_gets_past_at_any_stage_of_deletion(template) -> None:
    """CloudFormation goes back the way that it came, in any order that references allow."""
    for order, listener in zip(creations(template, count=3), whole(template).listeners, strict=True):
        balancer = whole(template)
        beanstalk_s(template, balancer, listener, 0)
        for name in reversed(order):
            balancer.unmake(name)
            see_that_nobody_gets_past(balancer)
        assert not balancer.listeners


#: An environment before and after an update of its paths.
UPDATES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"public_paths": ["/health"]}, {"public_paths": ["/health", "/api/orders", "/account"]}),
    ({"public_paths": ["/a", "/account", "/b", "/c"]}, {"public_paths": ["/account"], "api_paths": []}),
    ({"api_paths": ["/x", "/y", "/api/*", "/z"]}, {"api_paths": ["/w", "/x", "/y", "/api/*", "/z"]}),
    ({"browser_paths": ["/*"]}, {"browser_paths": ["/account", "/b", "/c", "/d"], "api_paths": ["/*"]}),
    ({"browser_paths": []}, {"browser_paths": ["/*"]}),
]


@pytest.mark.parametrize(("before", "after"), [*UPDATES, *((b, a) for a, b in UPDATES)])
def test_no_moment_of_an_update_is_more_open_than_before_and_after(tmp_path, before, after) -> None:
    old, new = (rendered(tmp_path, application=paths) for paths in (before, after))
    ends = whole(old), whole(new)
    gone = [name for name in old["Resources"] if name not in new["Resources"]]
    for order in creations(new, count=4):
        balancer = whole(old)
        # What goes is deleted when all else is done.
        for step in [*(name for name in order), *gone]:
            balancer.unmake(step) if step in gone else balancer.make(step, new)
            for request, _ in TABLE:
                if balancer.answer(request) == "forward":
                    assert "forward" in {end.answer(request) for end in ends}, (step, request)
        assert [balancer.answer(r) for r, _ in TABLE] == [ends[1].answer(r) for r, _ in TABLE]


def test_everything_there_answers_as_the_table_says_whatever_beanstalk_added_behind(template) -> None:
    for listener, kind in product(whole(template).listeners, range(len(BEANSTALK_CONDITIONS))):
        balancer = whole(template)
        beanstalk_s(template, balancer, listener, kind)
        assert [balancer.answer(request) for request, _ in TABLE] == [wanted for _, wanted in TABLE]


def test_the_parking_port_would_let_nobody_through_even_if_it_were_open(template) -> None:
    for kind in range(len(BEANSTALK_CONDITIONS)):
        balancer = whole(template)
        balancer.open_ports = frozenset({80, 443, 8081})
        beanstalk_s(template, balancer, "ParkingListener", kind)
        for request, _ in TABLE:
            if request.port == 8081:
                assert balancer.answer(request) == "403"


def test_without_the_guards_beanstalk_s_rule_would_be_a_way_in(template) -> None:
    """The reason for the guards, and a proof that the evaluator would see it."""
    bare = deepcopy(template)
    for name in [n for n in bare["Resources"] if n.endswith("Guard")]:
        del bare["Resources"][name]
    balancer = Balancer()
    for name in ("HttpsListener", "HttpListener", "ParkingListener"):
        balancer.make(name, bare)
    beanstalk_s(bare, balancer, "HttpsListener", 0)
    with pytest.raises(AssertionError):
        see_that_nobody_gets_past(balancer)


def test_a_guard_stands_on_every_listener_before_the_environment_is_begun(template) -> None:
    graph = dependencies(template)
    before: set[str] = set()
    todo = ["Environment"]
    while todo:
        for name in graph[todo.pop()] - before:
            before.add(name)
            todo.append(name)
    listeners = {n for n, r in template["Resources"].items() if r["Type"].endswith("::Listener")}
    guards = {n for n in before if n.endswith("Guard")}
    guarded = {template["Resources"][guard]["Properties"]["ListenerArn"]["Ref"] for guard in guards}
    assert guarded == listeners
    assert len(listeners) == 3


def test_no_listener_forwards_by_default(template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ElasticLoadBalancingV2::Listener":
            [action] = resource["Properties"]["DefaultActions"]
            assert action["Type"] in ("fixed-response", "redirect")


def test_what_forwards_asks_first_unless_its_paths_are_public(template) -> None:
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::ElasticLoadBalancingV2::ListenerRule":
            continue
        actions = sorted(resource["Properties"]["Actions"], key=lambda action: action["Order"])
        if actions[-1]["Type"] == "forward" and not name.startswith("PublicPaths"):
            assert [action["Order"] for action in actions] == [1, 2]
            assert actions[0]["Type"] in ("jwt-validation", "authenticate-cognito")


def test_rules_that_let_through_wait_for_the_check(template) -> None:
    for name, needed in dependencies(template).items():
        rule = template["Resources"][name]
        if rule["Type"].endswith("::ListenerRule") and "forward" in str(rule["Properties"]["Actions"]):
            assert "TargetGroup" in needed
    assert "Environment" in dependencies(template)["TargetGroup"]


def test_a_session_of_the_browser_ends_within_hours(template) -> None:
    [session, _] = template["Resources"]["BrowserPaths1"]["Properties"]["Actions"]
    config = session["AuthenticateCognitoConfig"]
    assert config["SessionTimeout"] == 12 * 3600
    assert config["OnUnauthenticatedRequest"] == "authenticate"
