"""The platform that is found, and the check that fails a stack whose load balancer has a way past sign-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
import yaml
from botocore.awsrequest import AWSResponse

from blueprint.environment import load_environment
from tests.conftest import LEAST
from tests.layers import application_stubs
from tests.layers.elb import (
    BALANCER,
    BEANSTALK_CONDITIONS,
    CLIENTS,
    CNAME,
    GROUP,
    POOL_ARN,
    REGION,
    TLS_GROUP,
    Balancer,
    Services,
    forwarding,
    host_is,
    path_is,
    resolved,
    whole,
)
from tests.layers.test_application_access import TABLE

from .conftest import Context

BRANCH = "PHP 8.4 running on 64bit Amazon Linux 2023"
OLDER = "PHP 8.3 running on 64bit Amazon Linux 2023"


def platform_arn(version: str, branch: str = BRANCH) -> str:
    return f"arn:aws:elasticbeanstalk:eu-west-1::platform/{branch}/{version}"


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(load, cloudformation, monkeypatch) -> Run:
    def call(services: Services, kind: str, properties: dict[str, Any], **over: Any) -> dict[str, Any]:
        monkeypatch.setattr(boto3, "client", services.client)
        monkeypatch.setenv("AWS_REGION", REGION)
        event = cloudformation.event(kind, ResourceProperties=properties, **over)
        load("beanstalk")["handler"](event, Context())
        answer: dict[str, Any] = cloudformation.answers[-1]
        return answer

    return call


# -- platform ----------------------------------------------------------------------------------------------


def asked(version: str = "latest", branch: str = BRANCH, **over: Any) -> dict[str, Any]:
    base = {"Branch": branch, "Version": version, "EnvironmentName": "acme-prod", "Recheck": "1"}
    return {**base, "Changes": ["digest", "2"], **over}


def found(answer: dict[str, Any]) -> str:
    assert answer["Status"] == "SUCCESS", answer
    return str(answer["Data"]["PlatformArn"])


NEW = Services(Balancer(), environments=[])


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_latest_is_the_newest_version_of_the_branch_by_number_on_whichever_page(run, kind):
    versions = ["4.7.5", "4.10.0", "4.9.12", "4.8.0", "4.10.0"]
    services = replace(
        NEW, platforms=[*map(platform_arn, versions), platform_arn("9.0.0", OLDER)], environments=[]
    )
    assert found(run(services, kind, asked())) == platform_arn("4.10.0")


MANY = [platform_arn("4.7.5"), platform_arn("4.10.1")]


def test_an_update_that_asks_for_nothing_new_keeps_what_runs(run):
    """A change of a size at night must not replace every instance, nor take back a managed update."""
    services = Services(Balancer(), platforms=MANY, running=platform_arn("4.8.0"))
    before = asked(Changes=["digest", "4"])
    assert found(run(services, "Update", asked(), OldResourceProperties=before)) == platform_arn("4.8.0")
    assert "list_platform_versions" not in services.calls


@pytest.mark.parametrize(
    "before", [asked(Recheck="0"), asked(platform_arn("4.0.1")), asked(branch=OLDER), {}, asked()]
)
def test_an_update_that_asks_brings_the_newest(run, before):
    services = Services(Balancer(), platforms=MANY, running=platform_arn("4.8.0"))
    kind = "Create" if before == asked() else "Update"
    assert found(run(services, kind, asked(), OldResourceProperties=before)) == platform_arn("4.10.1")


def test_an_update_that_finds_no_environment_brings_the_newest(run):
    services = Services(Balancer(), platforms=MANY, environments=[])
    assert found(run(services, "Update", asked(), OldResourceProperties=asked())) == platform_arn("4.10.1")


def test_the_other_resource_looks_again_whenever_this_one_was_asked_something_new(run):
    services = Services(Balancer(), platforms=MANY)
    first, same, other, again = (
        run(services, "Update", properties)["Data"]["Asked"]
        for properties in (asked(), asked(), asked(Changes=["digest", "3"]), asked(Recheck="2"))
    )
    assert first == same
    assert len({first, other, again}) == 3


def test_it_is_never_older_than_what_managed_updates_have_installed(run):
    services = Services(Balancer(), platforms=[platform_arn("4.7.5")], running=platform_arn("4.8.0"))
    assert found(run(services, "Update", asked())) == platform_arn("4.8.0")


def test_a_version_that_is_no_longer_listed_goes_on_when_it_runs(run):
    services = Services(Balancer(), running=platform_arn("4.8.0"))
    assert found(run(services, "Update", asked())) == platform_arn("4.8.0")


def test_another_branch_takes_its_own_newest_whatever_runs(run):
    services = Services(Balancer(), platforms=[platform_arn("4.1.0")], running=platform_arn("9.9.9", OLDER))
    assert found(run(services, "Update", asked())) == platform_arn("4.1.0")


def test_an_environment_that_is_gone_does_not_count(run):
    services = Services(
        Balancer(),
        platforms=[platform_arn("4.1.0")],
        running=platform_arn("4.9.0"),
        environments=[{"EnvironmentId": "e-old", "Status": "Terminated"}],
    )
    assert found(run(services, "Create", asked())) == platform_arn("4.1.0")


def test_a_full_arn_is_kept_and_nothing_is_asked(run):
    services = Services(Balancer(), running=platform_arn("4.8.0"))
    assert found(run(services, "Update", asked(platform_arn("4.0.1")))) == platform_arn("4.0.1")
    assert services.calls == []


def test_one_pinned_version_serves_both_regions(run):
    """The recovery region has the same versions under ARNs of its own."""
    elsewhere = platform_arn("4.0.1").replace(REGION, "eu-central-1")
    assert found(run(Services(Balancer()), "Create", asked(elsewhere))) == platform_arn("4.0.1")


def test_questions_are_repeated_while_they_are_throttled(load, cloudformation, monkeypatch):
    """With the real client, which is answered here instead of by the service."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    asked_for: list[str] = []
    real = boto3.client

    def client(name: str, **options: Any) -> Any:
        made = real(name, **options)
        made.meta.events.register("before-send", answer)
        return made

    def answer(request: Any, **_: Any) -> AWSResponse:
        action = re.search(r"Action=(\w+)", str(request.body))
        assert action
        asked_for.append(action[1])
        if len(asked_for) % 3:
            return reply(400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>")
        arn = f"<PlatformArn>{platform_arn('4.7.5')}</PlatformArn>"
        summaries = f"<PlatformSummaryList><member>{arn}</member></PlatformSummaryList>"
        result = summaries if asked_for[-1] == "ListPlatformVersions" else "<Environments/>"
        name = asked_for[-1]
        return reply(200, f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>")

    monkeypatch.setattr(boto3, "client", client)
    event = cloudformation.event("Create", ResourceProperties=asked())
    load("beanstalk")["handler"](event, Context())
    assert found(cloudformation.answers[-1]) == platform_arn("4.7.5")
    assert asked_for == ["DescribeEnvironments"] * 3 + ["ListPlatformVersions"] * 3


def reply(status: int, body: str) -> AWSResponse:
    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield body.encode()

    return AWSResponse("https://elasticbeanstalk", status, {}, Raw())


def test_a_branch_without_versions_fails_and_says_so(run):
    answer = run(replace(NEW, environments=[]), "Create", asked(branch="PHP 7.4 running on 64bit Amazon"))
    assert answer["Status"] == "FAILED"
    assert "no platform 'PHP 7.4" in answer["Reason"]


def test_the_platform_keeps_its_id_so_that_a_new_version_replaces_nothing(run):
    services = Services(Balancer(), platforms=[platform_arn("4.1.0")])
    first = run(services, "Create", asked())["PhysicalResourceId"]
    services.platforms.append(platform_arn("4.2.0"))
    again = run(services, "Update", asked(), PhysicalResourceId=first)
    assert again["PhysicalResourceId"] == first
    assert found(again) == platform_arn("4.2.0")


@pytest.mark.parametrize("properties", [asked(), {"EnvironmentName": "acme-prod"}])
def test_deleting_asks_and_changes_nothing(run, properties):
    services = Services(Balancer())
    assert run(services, "Delete", properties, PhysicalResourceId="platform")["Status"] == "SUCCESS"
    assert services.calls == []


# -- target group ------------------------------------------------------------------------------------------


@pytest.fixture
def template(tmp_path) -> dict[str, Any]:
    (tmp_path / "prod.yaml").write_text(yaml.safe_dump(LEAST))
    return application_stubs.template(load_environment(tmp_path, "prod"))


@pytest.fixture
def properties(template) -> dict[str, Any]:
    """What the template hands to the function."""
    given: dict[str, Any] = resolved(template["Resources"]["TargetGroup"]["Properties"], template)
    return given


def guards_only(template: dict[str, Any]) -> Balancer:
    balancer = whole(template)
    for listener in balancer.listeners.values():
        listener.rules = [rule for rule in listener.rules if "forward" not in str(rule["Actions"])]
    return balancer


def test_the_template_hands_over_what_the_rules_say(properties):
    assert properties["LoadBalancerArn"] == BALANCER
    assert properties["EnvironmentName"] == "acme-prod"
    assert properties["Protocol"] == "HTTP"
    assert properties["Hosts"] == ["api.shop.example.com", "shop.example.com"]
    assert properties["PublicPaths"] == ["/health"]
    assert properties["UserPools"] == [POOL_ARN]
    assert properties["Clients"] == CLIENTS


def test_the_group_is_found_at_creation_with_beanstalk_s_rule_parked(run, template, properties):
    balancer = guards_only(template)
    balancer.listeners["ParkingListener"].rules.append(forwarding(BEANSTALK_CONDITIONS[0], 1))
    answer = run(Services(balancer), "Create", properties)
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == GROUP
    assert answer["Data"] == {
        "TargetGroupArn": GROUP,
        "SpareTargetGroupArn": GROUP,
        "TargetGroupFullName": "targetgroup/awseb-AWSEB-ABC/0123456789abcdef",
        "AutoScalingGroupName": "awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup-1",
    }


def test_our_own_rules_pass_on_every_update(run, template, properties):
    assert run(Services(whole(template)), "Update", properties)["Status"] == "SUCCESS"


def test_with_two_groups_the_protocol_decides(run, template, properties):
    groups = [
        {"TargetGroupArn": GROUP, "Protocol": "HTTP"},
        {"TargetGroupArn": TLS_GROUP, "Protocol": "HTTPS"},
    ]
    services = Services(whole(template), groups=groups)
    assert run(services, "Update", properties)["PhysicalResourceId"] == GROUP
    assert run(services, "Update", {**properties, "Protocol": "HTTPS"})["PhysicalResourceId"] == TLS_GROUP


def test_the_other_group_is_told_as_well_and_of_one_alone_itself(run, template, properties):
    groups = [
        {"TargetGroupArn": TLS_GROUP, "Protocol": "HTTPS"},
        {"TargetGroupArn": GROUP, "Protocol": "HTTP"},
    ]
    data = run(Services(whole(template), groups=groups), "Update", properties)["Data"]
    assert (data["TargetGroupArn"], data["SpareTargetGroupArn"]) == (GROUP, TLS_GROUP)
    data = run(Services(whole(template)), "Update", properties)["Data"]
    assert (data["TargetGroupArn"], data["SpareTargetGroupArn"]) == (GROUP, GROUP)


def test_tls_that_was_not_added_fails_and_says_so(run, template, properties):
    answer = run(Services(whole(template)), "Update", {**properties, "Protocol": "HTTPS"})
    assert answer["Status"] == "FAILED"
    assert "0 target groups with HTTPS" in answer["Reason"]


def test_an_environment_without_a_target_group_fails_and_says_so(run, template, properties):
    answer = run(Services(whole(template), groups=[]), "Create", properties)
    assert answer["Status"] == "FAILED"
    assert "0 target groups with HTTP," in answer["Reason"]


def test_a_load_balancer_that_beanstalk_made_beside_ours_fails_the_stack(run, template, properties):
    """It would be open to the internet and ask nobody, whatever the rules of ours say."""
    services = Services(guards_only(template), load_balancers=["loadbalancer/app/awseb-AWSEB-XYZ/1"])
    answer = run(services, "Create", properties)
    assert answer["Status"] == "FAILED"
    assert (
        "a load balancer of its own, which asks nobody: loadbalancer/app/awseb-AWSEB-XYZ" in answer["Reason"]
    )


@pytest.mark.parametrize("status", ["Terminated", "Terminating"])
def test_an_environment_that_is_gone_fails(run, template, properties, status):
    environments = [{"EnvironmentId": "e-abcdefghij", "Status": status}]
    answer = run(Services(whole(template), environments=environments), "Create", properties)
    assert answer["Status"] == "FAILED"
    assert "there is no environment acme-prod" in answer["Reason"]


def positions(template: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """In front of, between and behind all rules of every listener."""
    for name, listener in whole(template).listeners.items():
        for rule in listener.rules:
            yield name, rule["Priority"] - 1
            yield name, rule["Priority"] + 1


@pytest.mark.parametrize("kind", range(len(BEANSTALK_CONDITIONS)))
def test_the_stack_fails_exactly_where_a_rule_lets_somebody_past(run, template, properties, kind):
    """Wherever Beanstalk's rule is put by force, the function and the evaluator agree."""
    seen = set()
    for listener, priority in positions(template):
        balancer = whole(template)
        balancer.listeners[listener].rules.append(forwarding(BEANSTALK_CONDITIONS[kind], priority))
        # Everything that the table asks, and the same at the host that Beanstalk's rule is for.
        requests = [(replace(r, host=host), w) for r, w in TABLE for host in (r.host, CNAME)]
        past = [
            r for r, w in requests if balancer.answer(r) == "forward" and (w != "forward" or r.host == CNAME)
        ]
        answer = run(Services(balancer), "Update", properties)
        assert (answer["Status"] == "FAILED") == bool(past), (listener, priority, past[:1])
        if past:
            port = balancer.listeners[listener].port
            assert f"rule {priority} of port {port} forwards to awseb-AWSEB-ABC" in answer["Reason"]
        seen.add((listener, bool(past)))
    assert seen == {
        *(("HttpsListener", past) for past in (True, False)),
        *(("HttpListener", past) for past in (True, False)),
        ("ParkingListener", False),
    }


@pytest.mark.parametrize(
    "transform",
    [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": ".*", "Replace": "/"}]}}],
)
def test_a_public_rule_that_turns_its_path_into_another_fails(run, template, properties, transform):
    balancer = whole(template)
    rule = forwarding([host_is("api.shop.example.com"), path_is("/health")], 1)
    balancer.listeners["HttpsListener"].rules.append({**rule, "Transforms": [transform]})
    assert run(Services(balancer), "Update", properties)["Status"] == "FAILED"


@pytest.mark.parametrize("group", [GROUP, TLS_GROUP, GROUP.replace("awseb", "other")])
def test_it_does_not_matter_where_an_open_rule_forwards_to(run, template, properties, group):
    balancer = whole(template)
    rule = forwarding([host_is("*")], 1, group)
    groups = [{"TargetGroupArn": TLS_GROUP, "Weight": 0}, {"TargetGroupArn": group, "Weight": 1}]
    weighted = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    for actions in (rule["Actions"], [weighted]):
        balancer.listeners["HttpsListener"].rules = [{**rule, "Actions": actions}]
        assert run(Services(balancer), "Update", properties)["Status"] == "FAILED"


def test_a_default_action_that_forwards_fails_where_no_guard_stands(run, template, properties):
    balancer = whole(template)
    listener = balancer.listeners["HttpsListener"]
    listener.default = [{"Type": "forward", "TargetGroupArn": GROUP}]
    assert run(Services(balancer), "Update", properties)["Status"] == "SUCCESS"  # nobody reaches it
    listener.rules = [rule for rule in listener.rules if rule["Priority"] < 40000]
    answer = run(Services(balancer), "Update", properties)
    assert "rule default of port 443" in answer["Reason"]


def cognito(**over: Any) -> list[dict[str, Any]]:
    config = {"UserPoolArn": POOL_ARN, "UserPoolClientId": CLIENTS[1], **over}
    config.setdefault("OnUnauthenticatedRequest", "authenticate")
    return [{"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": config}]


def token(
    issuer: str = application_stubs.VALUES["Issuer"],
    keys: str = application_stubs.VALUES["JwksUri"],
    **claims: list[str],
) -> list[dict[str, Any]]:
    wanted = {"client_id": [CLIENTS[0]], "token_use": ["access"], **claims}
    listed = [{"Name": name, "Values": values} for name, values in wanted.items() if values]
    config = {"Issuer": issuer, "JwksEndpoint": keys, "AdditionalClaims": listed}
    return [{"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": config}]


@pytest.mark.parametrize(
    ("check", "passes"),
    [
        (cognito(), True),
        (cognito(OnUnauthenticatedRequest="deny"), True),
        (cognito(OnUnauthenticatedRequest="allow"), False),
        (cognito(UserPoolArn="arn:aws:cognito-idp:eu-west-1:999988887777:userpool/eu-west-1_Evil"), False),
        (cognito(UserPoolClientId="another-client-of-the-pool"), False),
        (token(), True),
        (token(client_id=CLIENTS), True),
        (token(client_id=["another"]), False),
        (token(client_id=[*CLIENTS, "another"]), False),
        (token(client_id=[]), False),
        (token(token_use=["access", "id"]), False),
        (token(token_use=[]), False),
        (token("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Evil"), False),
        (token(keys="https://evil.example.net/.well-known/jwks.json"), False),
        ([{"Type": "authenticate-cognito", "Order": 1}], False),
        ([{"Type": "jwt-validation", "Order": 1}], False),
        ([{"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {}}], False),
        ([], False),
    ],
)
def test_sign_in_counts_only_with_our_pool_our_issuer_and_our_clients(
    run, template, properties, check, passes
):
    balancer = whole(template)
    rule = forwarding([path_is("/shop/*")], 1)
    rule["Actions"] = [*check, {"Type": "forward", "Order": 2, "TargetGroupArn": GROUP}]
    balancer.listeners["HttpsListener"].rules.append(rule)
    answer = run(Services(balancer), "Update", properties)
    assert (answer["Status"] == "SUCCESS") == passes, answer


@pytest.mark.parametrize(
    ("conditions", "passes"),
    [
        ([host_is("api.shop.example.com"), path_is("/health")], True),
        ([host_is("api.shop.example.com"), path_is("/health", "/api/*")], False),
        ([host_is("api.shop.example.com", CNAME), path_is("/health")], False),
        ([path_is("/health")], False),
        ([host_is("api.shop.example.com")], False),
        ([host_is("*"), path_is("/health")], False),
        (
            [
                host_is("api.shop.example.com"),
                {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/health"]}},
            ],
            False,
        ),
    ],
)
def test_only_public_paths_of_our_hosts_may_be_open(run, template, properties, conditions, passes):
    balancer = whole(template)
    balancer.listeners["HttpsListener"].rules.append(forwarding(conditions, 1))
    answer = run(Services(balancer), "Update", properties)
    assert (answer["Status"] == "SUCCESS") == passes, answer


def test_a_path_that_was_public_until_now_does_not_stop_the_update_that_closes_it(run, template, properties):
    """Its rule goes at the very end of the update."""
    balancer = whole(template)
    opened = forwarding([host_is("api.shop.example.com"), path_is("/open")], 1)
    balancer.listeners["HttpsListener"].rules.append(opened)
    before = {**properties, "PublicPaths": ["/health", "/open"]}
    answer = run(Services(balancer), "Update", properties, OldResourceProperties=before)
    assert answer["Status"] == "SUCCESS"
    answer = run(Services(balancer), "Update", properties, OldResourceProperties=properties)
    assert answer["Status"] == "FAILED"


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ([("tcp", 443, 443)], True),
        ([("tcp", 8081, 8081)], False),
        ([("tcp", 8000, 9000)], False),
        ([("6", 8081, 8081)], False),
        ([("-1", -1, -1)], False),
        ([("udp", 8081, 8081)], True),
        ([], True),
    ],
)
def test_a_rule_in_front_of_the_parking_guard_counts_once_its_port_is_open(
    run, template, properties, rules, passes
):
    balancer = whole(template)
    balancer.listeners["ParkingListener"].rules.append(forwarding([host_is(CNAME)], 1))
    services = Services(balancer)
    services.security_group_rules = [
        {"IsEgress": False, "IpProtocol": protocol, "FromPort": first, "ToPort": last}
        for protocol, first, last in rules
    ]
    answer = run(services, "Update", properties)
    assert (answer["Status"] == "SUCCESS") == passes, answer


def test_a_reason_with_many_open_rules_still_fits_an_answer(run, template, properties):
    balancer = whole(template)
    balancer.listeners["HttpsListener"].rules = [
        forwarding([host_is(f"{n}.example.com")], n + 1) for n in range(100)
    ]
    answer = run(Services(balancer), "Create", properties)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("instances can be reached without signing in: rule 1 of port 443")


def test_a_lost_answer_is_sent_again_and_the_check_is_made_once(run, template, properties, cloudformation):
    cloudformation.refuse = 2
    assert run(Services(whole(template)), "Create", properties)["PhysicalResourceId"] == GROUP


def test_a_failed_creation_leaves_nothing_to_delete(run, template, properties):
    balancer = whole(template)
    balancer.listeners["HttpsListener"].rules.append(forwarding([host_is("*")], 1))
    answer = run(Services(balancer), "Create", properties)
    services = Services(balancer)
    gone = run(services, "Delete", properties, PhysicalResourceId=answer["PhysicalResourceId"])
    assert gone["Status"] == "SUCCESS"
    assert services.calls == []
