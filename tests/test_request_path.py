"""One request from the phone to the database, followed through the rendered ``prod`` from stack to stack.

Layers test their own promises. Here it is shown that what one hands on is what the next one takes: no link of
the chain is missing, and none leads elsewhere. ``docs/request-path.md`` tells it in words, and names for each
step the resources and the test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT, Rendering, load_shipped

PAGE = ROOT / "docs" / "request-path.md"
API = "api.acme.example.com"
PATH = "/api/orders"


class Node(NamedTuple):
    """A resource of an environment."""

    stack: str
    name: str

    def __str__(self) -> str:
        return f"{self.stack}/{self.name}"


@cache
def prod() -> Rendering:
    return load_shipped("prod")


def properties(node: Node) -> dict[str, Any]:
    return prod()[node.stack].properties(node.name)


def of_type(kind: str, *stacks: str) -> list[Node]:
    return [
        Node(template.name, name)
        for template in prod()
        if not stacks or template.name in stacks
        for name in template.of_type(kind)
    ]


@cache
def exports() -> dict[str, tuple[str, Any]]:
    """Export -> the stack and the value of its output. Of two for one name, that of the primary region."""
    found: dict[str, tuple[str, Any]] = {}
    for template in prod():
        for output in template.data.get("Outputs", {}).values():
            name = output["Export"]["Name"]
            if isinstance(name, str):
                found[name] = (template.name, output["Value"])
    return found


def leads_to(stack: str, value: Any) -> Iterator[Node]:
    """The resources that a value of a template names, through exports, in the primary region."""
    if isinstance(value, list):
        for item in value:
            yield from leads_to(stack, item)
    if not isinstance(value, dict):
        return
    for key, argument in value.items():
        if key in ("Ref", "Fn::GetAtt"):
            name = argument if key == "Ref" else argument[0]
            if name in prod()[stack].resources:
                yield Node(stack, name)
        elif key == "Fn::ImportValue":
            yield from leads_to(*exports()[argument])
        elif key == "Fn::GetStackOutput":
            where = argument["StackName"].removeprefix("acme-prod-")
            yield from leads_to(where, prod()[where].data["Outputs"][argument["OutputName"]]["Value"])
        elif key == "Fn::Sub":
            text, more = (argument, {}) if isinstance(argument, str) else argument
            for name in re.findall(r"\$\{(\w+)", text):
                yield from leads_to(stack, more.get(name, {"Ref": name}))
        elif key == "Fn::If" and argument[0] == "IsPrimary":
            yield from leads_to(stack, argument[1])
        else:
            yield from leads_to(stack, argument)


def named(node: Node, *way: str | int) -> list[Node]:
    """What the property at ``way`` leads to."""
    value: Any = properties(node)
    for step in way:
        value = value[step]
    return list(dict.fromkeys(leads_to(node.stack, value)))


def the(nodes: list[Node]) -> Node:
    assert len(nodes) == 1, nodes
    return nodes[0]


# -- the way in ----------------------------------------------------------------------------------------


def address() -> Node:
    return the([n for n in of_type("AWS::Route53::RecordSet") if properties(n)["Name"] == API
                and properties(n)["Type"] == "A"])  # fmt: skip


def load_balancer() -> Node:
    return the(named(address(), "AliasTarget", "DNSName"))


def test_the_phone_finds_the_load_balancer_by_its_name():
    assert the(named(address(), "HostedZoneId")) == Node("edge-dns", "HostedZone")
    assert properties(Node("edge-dns", "HostedZone"))["Name"] == API.removeprefix("api.")
    assert load_balancer() == the(named(address(), "AliasTarget", "HostedZoneId"))
    assert properties(load_balancer())["Scheme"] == "internet-facing"


def ingress(group: Node) -> list[dict[str, Any]]:
    return [
        properties(rule)
        for rule in of_type("AWS::EC2::SecurityGroupIngress")
        if the(named(rule, "GroupId")) == group
    ]


def comes_from(group: Node) -> set[Any]:
    """Who is let into a group: address ranges and other groups."""
    return {
        rule.get("CidrIp")
        or rule.get("CidrIpv6")
        or the(list(leads_to(group.stack, rule["SourceSecurityGroupId"])))
        for rule in ingress(group)
    }


def test_the_load_balancer_is_reached_from_the_internet_by_tls():
    subnets = named(load_balancer(), "Subnets")
    assert len(subnets) == 3
    assert all(subnet.name.startswith("PublicSubnet") for subnet in subnets)
    group = the(named(load_balancer(), "SecurityGroups"))
    assert {(rule["FromPort"], rule["ToPort"]) for rule in ingress(group)} == {(80, 80), (443, 443)}
    assert comes_from(group) == {"0.0.0.0/0"}


def listener(port: int) -> Node:
    return the([n for n in of_type("AWS::ElasticLoadBalancingV2::Listener") if properties(n)["Port"] == port])


def test_the_load_balancer_shows_a_certificate_of_the_name_that_was_asked_for():
    assert the(named(listener(443), "LoadBalancerArn")) == load_balancer()
    certificate = properties(the(named(listener(443), "Certificates")))
    assert API in [certificate["DomainName"], *certificate["SubjectAlternativeNames"]]
    assert properties(listener(443))["Protocol"] == "HTTPS"
    assert "TLS13" in properties(listener(443))["SslPolicy"]


def test_a_request_without_tls_is_sent_there():
    [action] = properties(listener(80))["DefaultActions"]
    assert action["Type"] == "redirect"
    assert (action["RedirectConfig"]["Protocol"], action["RedirectConfig"]["Port"]) == ("HTTPS", "443")


# -- past the load balancer ----------------------------------------------------------------------------


def rules() -> list[Node]:
    """The rules of the public listener, in the order in which they are asked."""
    found = [
        rule
        for rule in of_type("AWS::ElasticLoadBalancingV2::ListenerRule")
        if the(named(rule, "ListenerArn")) == listener(443)
    ]
    return sorted(found, key=lambda rule: properties(rule)["Priority"])


def matches(rule: Node, host: str, path: str) -> bool:
    """Whether a request without odd headers meets all conditions of a rule."""
    return all(_meets(condition, host, path) for condition in properties(rule)["Conditions"])


def _meets(condition: dict[str, Any], host: str, path: str) -> bool:
    if condition["Field"] == "http-header":
        return False
    config = condition["HostHeaderConfig" if condition["Field"] == "host-header" else "PathPatternConfig"]
    text = host if condition["Field"] == "host-header" else path
    if "RegexValues" in config:
        return any(re.fullmatch(pattern, text) for pattern in config["RegexValues"])
    wild = [re.escape(value).replace(r"\*", ".*").replace(r"\?", ".") for value in config["Values"]]
    return any(re.fullmatch(pattern, text) for pattern in wild)


def test_the_request_is_none_of_those_that_are_refused_at_once():
    refusals = []
    for rule in rules():
        [action, *_] = properties(rule)["Actions"]
        if action["Type"] != "fixed-response":
            break
        refusals.append(rule)
    assert {"AmbiguousPath", "ForgedData"} <= {rule.name for rule in refusals}
    assert not any(matches(rule, API, PATH) for rule in refusals)
    assert any(matches(rule, API, f"/health/..{PATH}") for rule in refusals)


def api_rule() -> Node:
    return next(rule for rule in rules() if matches(rule, API, PATH))


def test_the_token_is_checked_against_our_user_pool_and_our_clients():
    check, forward = sorted(properties(api_rule())["Actions"], key=lambda action: action["Order"])
    assert (check["Type"], forward["Type"]) == ("jwt-validation", "forward")
    config = check["JwtValidationConfig"]
    for key in ("Issuer", "JwksEndpoint"):
        assert set(leads_to("application", config[key])) == {Node("identity", "UserPool")}
    claims = {claim["Name"]: claim["Values"] for claim in config["AdditionalClaims"]}
    assert claims["token_use"] == ["access"]
    clients = set(leads_to("application", claims["client_id"]))
    assert Node("identity", "MobileClient") in clients
    assert all(prod()[c.stack].resources[c.name]["Type"] == "AWS::Cognito::UserPoolClient" for c in clients)


def test_what_meets_no_rule_is_refused():
    [default] = properties(listener(443))["DefaultActions"]
    assert default["Type"] == "fixed-response"
    assert default["FixedResponseConfig"]["StatusCode"].startswith("4")


def environment() -> Node:
    return the(of_type("AWS::ElasticBeanstalk::Environment"))


def option(namespace: str, name: str) -> list[Node]:
    settings = [
        given["Fn::If"][1] if "Fn::If" in given else given
        for given in properties(environment())["OptionSettings"]
    ]
    [value] = [s["Value"] for s in settings if (s["Namespace"], s["OptionName"]) == (namespace, name)]
    return list(dict.fromkeys(leads_to("application", value)))


def test_the_request_goes_on_to_the_group_of_our_environment():
    forward = properties(api_rule())["Actions"][-1]
    group = the(list(leads_to("application", forward["TargetGroupArn"])))
    assert the(named(group, "EnvironmentName")) == environment()
    assert the(option("aws:elbv2:loadbalancer", "SharedLoadBalancer")) == load_balancer()


def test_an_instance_in_a_private_subnet_takes_it_from_the_load_balancer_alone():
    subnets = option("aws:ec2:vpc", "Subnets")
    assert len(subnets) == 3
    assert all(subnet.name.startswith("ApplicationSubnet") for subnet in subnets)
    group = the(option("aws:autoscaling:launchconfiguration", "SecurityGroups"))
    assert comes_from(group) == {the(named(load_balancer(), "SecurityGroups"))}


# -- to the database -----------------------------------------------------------------------------------

PROPERTY = "aws:elasticbeanstalk:application:environment"


def database() -> Node:
    """What the application connects to: the proxy, or the cluster where there is none."""
    return the(option(PROPERTY, "DATABASE_WRITER_HOST"))


def secret() -> Node:
    return the(option(PROPERTY, "DATABASE_SECRET_ARN"))


def cluster() -> Node:
    return the(of_type("AWS::RDS::DBCluster", "database"))


def test_the_instance_may_read_the_secret_of_the_applications_own_user_and_no_other():
    assert prod()[secret().stack].resources[secret().name]["Type"] == "AWS::SecretsManager::Secret"
    profile = the(option("aws:autoscaling:launchconfiguration", "IamInstanceProfile"))
    role = the(named(profile, "Roles"))
    readable = [
        node
        for policy in properties(role)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "secretsmanager:GetSecretValue" in statement["Action"]
        for node in leads_to("application", statement["Resource"])
    ]
    assert {node for node in readable if node.stack == "database"} == {secret()}
    assert secret() != the(named(cluster(), "MasterUserPassword"))


def test_the_database_is_reached_from_the_application_alone():
    """From its instances, and from the proxy, into which its instances alone come."""
    ours = the(option("aws:autoscaling:launchconfiguration", "SecurityGroups"))
    proxies = {
        group
        for proxy in of_type("AWS::RDS::DBProxy", "database")
        for group in named(proxy, "VpcSecurityGroupIds")
    }
    for group in proxies:
        assert comes_from(group) == {ours}
    clusters = named(cluster(), "VpcSecurityGroupIds")
    for group in clusters:
        assert comes_from(group) == {ours, *proxies}
    way_in = named(database(), "VpcSecurityGroupIds")
    assert ours in set().union(*(comes_from(group) for group in way_in))
    out = {
        the(named(rule, "DestinationSecurityGroupId"))
        for rule in of_type("AWS::EC2::SecurityGroupEgress")
        if the(named(rule, "GroupId")) == ours and properties(rule)["FromPort"] == 3306
    }
    assert out == {*clusters, *proxies}


def test_nothing_reaches_the_database_without_tls():
    group = properties(the(named(cluster(), "DBClusterParameterGroupName")))
    assert str(group["Parameters"]["require_secure_transport"]) in ("1", "ON")
    for proxy in of_type("AWS::RDS::DBProxy", "database"):
        assert properties(proxy)["RequireTLS"] is True


def test_what_answers_is_our_cluster_or_a_proxy_in_front_of_it():
    proxies = of_type("AWS::RDS::DBProxy", "database")
    assert database() in (proxies or [cluster()])
    for target in of_type("AWS::RDS::DBProxyTargetGroup", "database"):
        assert cluster() in named(target, "DBClusterIdentifiers")
        assert database() in named(target, "DBProxyName")


def test_the_cluster_has_no_way_out_and_is_encrypted_with_our_key():
    subnets = named(the(named(cluster(), "DBSubnetGroupName")), "SubnetIds")
    assert len(subnets) == 3
    assert all(subnet.name.startswith("DataSubnet") for subnet in subnets)
    assert properties(cluster())["StorageEncrypted"] is True
    assert the(named(cluster(), "KmsKeyId")) == Node("security", "DatabaseKey")


# -- the page ------------------------------------------------------------------------------------------


class Step(NamedTuple):
    number: int
    resources: list[Node]
    tests: list[str]


def steps() -> list[Step]:
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"\d+", cells[0]) and len(cells) == 4:
            resources = [Node(*name.split("/")) for name in re.findall(r"`([\w-]+/\w+)`", cells[2])]
            found.append(
                Step(int(cells[0]), resources, re.findall(r"`((?:[\w/]+\.py::)?test_\w+)`", cells[3]))
            )
    return found


def test_the_page_has_every_step_in_order():
    assert [step.number for step in steps()] == list(range(1, len(steps()) + 1))
    assert len(steps()) >= 10


@pytest.mark.parametrize("step", steps(), ids=lambda step: f"step {step.number}")
def test_a_step_names_resources_that_there_are_and_tests_that_there_are(step: Step):
    assert step.resources
    assert step.tests
    for node in step.resources:
        assert node.name in prod()[node.stack].resources
    for test in step.tests:
        file, _, name = test.rpartition("::")
        path = ROOT / (file or "tests/test_request_path.py")
        source = ast.parse(path.read_text(encoding="utf-8"))
        assert name in [node.name for node in source.body if isinstance(node, ast.FunctionDef)]


def test_every_test_of_a_step_is_on_the_page():
    source = ast.parse((ROOT / "tests" / "test_request_path.py").read_text(encoding="utf-8"))
    ours = {n.name for n in source.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}
    about_the_page = {name for name in ours if "page" in name or "step" in name}
    assert ours - about_the_page <= {test for step in steps() for test in step.tests}


def test_each_step_touches_one_before_it_so_that_the_path_of_the_page_never_jumps():
    behind: set[Node] = set()
    for step in steps():
        if behind:
            near = {node for one in step.resources for node in (one, *leads_to(one.stack, properties(one)))}
            from_behind = {n for one in behind for n in leads_to(one.stack, properties(one))}
            assert near & behind or from_behind & set(step.resources), f"step {step.number}"
        behind |= set(step.resources)
