"""The network: what may reach what, and what another option changes about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from ipaddress import IPv4Network
from itertools import product
from typing import Any, get_args

import pytest

from blueprint.environment import load_environment
from blueprint.environment.model import Endpoint
from blueprint.gate import GateInput, check
from blueprint.layers import _network_endpoints, network, security
from blueprint.render import render
from blueprint.schemas import create_only
from tests.conftest import RECOVERY, Template

NAT_MODES = ("regional", "per-zone", "single", "none")
#: Regions with four zones, so that every number of zones can be asked for.
WIDE = {"region": "us-west-2"}
WIDE_RECOVERY = {**WIDE, "recovery": [{"region": "us-east-1", "cidr": "10.1.0.0/16"}]}
#: Endpoints without which a private Beanstalk instance does not start, or cannot be looked after.
PRIVATE_INSTANCES_NEED = {
    *("autoscaling", "cloudformation", "ec2", "ec2messages", "elasticbeanstalk", "elasticbeanstalk-health"),
    *("kms", "logs", "monitoring", "secretsmanager", "sqs", "ssm", "ssmmessages", "sts", "xray"),
}

MYSQL = {
    "engine": "rds-mysql",
    "version": "8.4.11",
    "instance_class": "db.m8g.large",
    "proxy": {"enabled": True},
}
#: What a function does to a secret that it rotates (tests/layers/shared/test_rotation.py).
ROTATION_NEEDS = (
    *("DescribeSecret", "GetRandomPassword", "GetSecretValue", "PutSecretValue"),
    "UpdateSecretVersionStage",
)

Network = Callable[..., Template]


@pytest.fixture
def rendered_network(environments) -> Network:
    """The network's template: ``rendered_network({"region": "us-west-2"}, nat="single")``."""
    return lambda regions=None, **options: _rendered(environments, "network", regions, options)


@pytest.fixture
def rendered_endpoints(environments) -> Network:
    """The template of the interface endpoints; without resources where there are none."""
    return lambda regions=None, **options: _rendered(environments, "network-endpoints", regions, options)


def _rendered(environments, stack: str, regions: dict[str, Any] | None, options: dict[str, Any]) -> Template:
    subject = load_environment(environments(prod={**(regions or {}), "network": options}), "prod")
    layers = {"security": security.stacks, "network": network.stacks}
    body = render(subject, layers).bodies.get(stack, b'{"Resources": {}}')
    return Template(stack, json.loads(body), body)


def references(value: Any) -> Iterator[str]:
    """Logical ids that a piece of a template names by Ref, Fn::GetAtt or Fn::Sub."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if set(value) == {"Ref"}:
            yield value["Ref"]
        if set(value) == {"Fn::GetAtt"}:
            yield value["Fn::GetAtt"][0]
        if "Fn::Sub" in value:
            text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
            yield from re.findall(r"\$\{(\w+)", text)
        for item in value.values():
            yield from references(item)


def refs(template: Template, logical_id: str, name: str) -> set[str]:
    return set(references(template.properties(logical_id)[name]))


def tables_of(template: Template, kind: str) -> dict[str, str]:
    """The route table of each subnet of a kind."""
    found = {}
    for properties in (
        r["Properties"] for r in template.of_type("AWS::EC2::SubnetRouteTableAssociation").values()
    ):
        if properties["SubnetId"]["Ref"].startswith(f"{kind}Subnet"):
            found[properties["SubnetId"]["Ref"]] = properties["RouteTableId"]["Ref"]
    assert len(found) == len([s for s in template.of_type("AWS::EC2::Subnet") if s.startswith(kind)]) > 0
    return found


def routes_of(template: Template, table: str) -> dict[str, set[str]]:
    """Destination -> what it goes through, of a route table."""
    routes = {}
    for resource in template.of_type("AWS::EC2::Route").values():
        properties = dict(resource["Properties"])
        if properties.pop("RouteTableId")["Ref"] == table:
            destination = properties.pop("DestinationCidrBlock", "") or properties.pop(
                "DestinationIpv6CidrBlock"
            )
            routes[destination] = set(references(properties))
    return routes


def rules(template: Template, group: str, direction: str) -> list[tuple[int, int, str]]:
    """(port, port, other side) of the rules of a group, those inside the group left out."""
    found = []
    for resource in template.of_type(f"AWS::EC2::SecurityGroup{direction}").values():
        p = resource["Properties"]
        if p["GroupId"]["Fn::GetAtt"][0] != f"{group}SecurityGroup":
            continue
        other = p.get("SourceSecurityGroupId") or p.get("DestinationSecurityGroupId")
        assert p["IpProtocol"] == "tcp"
        side = other["Fn::GetAtt"][0] if other else p.get("CidrIp") or p["CidrIpv6"]
        found.append((p["FromPort"], p["ToPort"], side))
    return sorted(found)


# -- zones ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", NAT_MODES)
@pytest.mark.parametrize("dual_stack", [False, True])
def test_one_more_zone_adds_resources_and_changes_none(rendered_network, nat, dual_stack):
    options = {"nat": nat, "dual_stack": dual_stack}
    for zones in (2, 3):
        before = rendered_network(WIDE_RECOVERY, zones=zones, **options)
        after = rendered_network(WIDE_RECOVERY, zones=zones + 1, **options)
        for name, resource in before.resources.items():
            now = after.resources[name]
            if resource["Type"] == "AWS::EC2::VPCEndpoint":  # reaches one more subnet or table, in place
                assert json.dumps(without_lists(now)) == json.dumps(without_lists(resource))
                for key in ("SubnetIds", "RouteTableIds"):
                    old = resource["Properties"].get(key, [])
                    assert now["Properties"].get(key, [])[: len(old)] == old
            else:
                assert json.dumps(now) == json.dumps(resource), name
        for region, values in before.data["Mappings"]["Region"].items():
            assert values.items() <= after.data["Mappings"]["Region"][region].items()
        subnets = [len(t.of_type("AWS::EC2::Subnet")) for t in (before, after)]
        assert subnets == [3 * zones, 3 * zones + 3]


def without_lists(endpoint: dict[str, Any]) -> dict[str, Any]:
    properties = endpoint["Properties"].items()
    return {
        **endpoint,
        "Properties": {k: v for k, v in properties if k not in ("SubnetIds", "RouteTableIds")},
    }


def test_one_more_zone_changes_no_export_that_other_stacks_import(rendered_network):
    before = rendered_network(WIDE, zones=2, nat="per-zone").data["Outputs"]
    after = rendered_network(WIDE, zones=4, nat="per-zone").data["Outputs"]
    assert before.items() < after.items()


def test_zones_are_given_by_id_and_differ_by_region(rendered_network):
    template = rendered_network(RECOVERY, zones=2)
    for subnet in template.of_type("AWS::EC2::Subnet").values():
        properties = subnet["Properties"]
        assert "AvailabilityZone" not in properties
        _, _, key = properties["AvailabilityZoneId"]["Fn::FindInMap"]
        zones = {region: values[key] for region, values in template.data["Mappings"]["Region"].items()}
        assert zones["eu-west-1"].startswith("euw1-az")
        assert zones["eu-central-1"].startswith("euc1-az")


def test_zone_ids_of_the_environment_file_replace_the_table(rendered_network):
    ids = ["euw1-az3", "euw1-az2"]
    template = rendered_network(zones=2, zone_ids={"eu-west-1": ids})
    for kind in ("Public", "Application", "Data"):
        found = [template.properties(f"{kind}Subnet{n}")["AvailabilityZoneId"] for n in (1, 2)]
        assert found == ids


def test_subnets_lie_in_the_vpc_and_do_not_overlap(rendered_network):
    template = rendered_network(WIDE, zones=4, cidr="172.16.4.0/22")
    vpc = IPv4Network(template.properties("Vpc")["CidrBlock"])
    subnets = [
        IPv4Network(s["Properties"]["CidrBlock"]) for s in template.of_type("AWS::EC2::Subnet").values()
    ]
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])


def test_no_subnet_gives_public_addresses(rendered_network):
    subnets = rendered_network().of_type("AWS::EC2::Subnet").values()
    assert len(subnets) == 9
    assert not any(subnet["Properties"]["MapPublicIpOnLaunch"] for subnet in subnets)


# -- ways out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nat", NAT_MODES)
def test_application_subnets_leave_through_the_nat_of_the_mode(rendered_network, nat):
    template = rendered_network(zones=3, nat=nat)
    tables = tables_of(template, "Application")
    assert len(set(tables.values())) == 3, "a table for each zone, whatever the mode"
    out = [routes_of(template, tables[f"ApplicationSubnet{n}"]).get("0.0.0.0/0") for n in (1, 2, 3)]
    assert (
        out
        == {
            "regional": [{"RegionalNatGateway"}] * 3,
            "per-zone": [{"NatGateway1"}, {"NatGateway2"}, {"NatGateway3"}],
            "single": [{"NatGateway1"}] * 3,
            "none": [None] * 3,
        }[nat]
    )
    assert len(template.of_type("AWS::EC2::NatGateway")) == {"per-zone": 3, "none": 0}.get(nat, 1)
    for name in template.of_type("AWS::EC2::NatGateway"):
        if name != "RegionalNatGateway":
            number = name.removeprefix("NatGateway")
            assert refs(template, name, "SubnetId") == {f"PublicSubnet{number}"}
            assert refs(template, name, "AllocationId") == {f"NatAddress{number}"}


def test_a_regional_nat_belongs_to_the_vpc_and_to_no_subnet(rendered_network):
    properties = rendered_network(nat="regional").properties("RegionalNatGateway")
    assert properties["AvailabilityMode"] == "regional"
    assert properties["ConnectivityType"] == "public"
    assert properties["VpcId"] == {"Ref": "Vpc"}
    assert not {"SubnetId", "AllocationId", "AvailabilityZoneAddresses"} & set(properties)


@pytest.mark.parametrize("nat", NAT_MODES)
def test_what_needs_the_internet_gateway_waits_until_it_is_attached(rendered_network, nat):
    template = rendered_network(nat=nat, dual_stack=True)
    waiting = {
        name
        for name, resource in template.resources.items()
        if resource["Type"] in ("AWS::EC2::NatGateway", "AWS::EC2::EIP") or name.startswith("PublicRouteV6")
    } | {"PublicRoute"}
    assert all(template.resources[name]["DependsOn"] == "InternetAttachment" for name in waiting)


@pytest.mark.parametrize(("before", "after"), [(a, b) for a in NAT_MODES for b in NAT_MODES if a != b])
def test_another_nat_mode_replaces_nothing_that_stays(rendered_network, before, after):
    old, new = (rendered_network(zones=3, nat=mode, dual_stack=True) for mode in (before, after))
    for kind in ("Subnet", "RouteTable", "SubnetRouteTableAssociation", "SecurityGroup", "VPC"):
        assert set(old.of_type(f"AWS::EC2::{kind}")) <= set(new.of_type(f"AWS::EC2::{kind}")) | {
            "EndpointsSecurityGroup"
        }
    assert_nothing_is_replaced(old, new)


def test_dual_stack_replaces_nothing_that_was_there(rendered_network):
    assert_nothing_is_replaced(rendered_network(), rendered_network(dual_stack=True))


#: Replaced on conditions that are not ours: a subnet that has IPv4 as well is given an IPv6 range in place.
SOMETIMES = {"AWS::EC2::Subnet": {"Ipv6CidrBlock"}}


def assert_nothing_is_replaced(old: Template, new: Template) -> None:
    for name in old.resources.keys() & new.resources.keys():
        kind = old.resources[name]["Type"]
        assert new.resources[name]["Type"] == kind
        if not kind.startswith("Custom::"):
            fixed = {path.split(".")[0] for path in create_only(kind)} - SOMETIMES.get(kind, set())
            for key in fixed & {*old.properties(name), *new.properties(name)}:
                assert old.properties(name).get(key) == new.properties(name).get(key), f"{name}.{key}"


@pytest.mark.parametrize("nat", NAT_MODES)
@pytest.mark.parametrize("dual_stack", [False, True])
def test_data_subnets_have_no_route_out(rendered_network, nat, dual_stack):
    template = rendered_network(nat=nat, dual_stack=dual_stack, interface_endpoints=["sqs"])
    tables = set(tables_of(template, "Data").values())
    assert not tables & {
        *tables_of(template, "Public").values(),
        *tables_of(template, "Application").values(),
    }
    for table in tables:
        assert routes_of(template, table) == {}
    for endpoint in template.of_type("AWS::EC2::VPCEndpoint"):
        assert not tables & set(references(template.properties(endpoint).get("RouteTableIds", [])))


def test_public_subnets_leave_through_the_internet_gateway(rendered_network):
    template = rendered_network(dual_stack=True)
    (table,) = set(tables_of(template, "Public").values())
    assert routes_of(template, table) == {"0.0.0.0/0": {"InternetGateway"}, "::/0": {"InternetGateway"}}


# -- IPv6 ----------------------------------------------------------------------------------------------


def test_without_dual_stack_there_is_no_ipv6(rendered_network):
    assert not re.search(rb"[Ii]pv6|::/0", rendered_network().body)


@pytest.mark.parametrize("nat", NAT_MODES)
def test_application_subnets_leave_by_ipv6_without_being_reachable(rendered_network, nat):
    template = rendered_network(dual_stack=True, nat=nat)
    gateways = set(template.of_type("AWS::EC2::EgressOnlyInternetGateway"))
    for subnet, table in tables_of(template, "Application").items():
        out = routes_of(template, table).get("::/0")
        assigned = template.properties(subnet)["AssignIpv6AddressOnCreation"]
        if nat == "none":  # no way out means none
            assert (out, assigned, gateways) == (None, False, set())
        else:
            assert (out, assigned, len(gateways)) == (gateways, True, 1)


def test_each_subnet_has_an_ipv6_range_of_its_own_and_waits_for_the_vpc_s(rendered_network):
    template = rendered_network(WIDE, zones=4, dual_stack=True)
    slots = []
    for name, subnet in template.of_type("AWS::EC2::Subnet").items():
        slot, cidrs = template.properties(name)["Ipv6CidrBlock"]["Fn::Select"]
        _, count, bits = cidrs["Fn::Cidr"]
        assert (bits, slot < count) == (64, True)
        assert subnet["DependsOn"] == "VpcCidrV6"
        slots.append(slot)
    assert len(set(slots)) == 12


# -- security groups -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("dual_stack", "internet"), [(False, ["0.0.0.0/0"]), (True, ["0.0.0.0/0", "::/0"])])
def test_groups_let_in_what_they_must_and_no_more(rendered_network, dual_stack, internet):
    template = rendered_network(dual_stack=dual_stack)
    balancer, application = "LoadBalancerSecurityGroup", "ApplicationSecurityGroup"
    assert rules(template, "LoadBalancer", "Ingress") == [(p, p, s) for p in (80, 443) for s in internet]
    assert rules(template, "Application", "Ingress") == [(80, 80, balancer), (443, 443, balancer)]
    assert rules(template, "Database", "Ingress") == [(3306, 3306, application)]
    assert len(template.of_type("AWS::EC2::SecurityGroup")) == 3


def test_groups_let_out_what_they_must_and_no_more(rendered_network):
    template = rendered_network(interface_endpoints=["sqs"])
    application = "ApplicationSecurityGroup"
    assert rules(template, "LoadBalancer", "Egress") == [
        (80, 80, application),
        (443, 443, "0.0.0.0/0"),  # signing keys and sign-in at Cognito
        (443, 443, application),
    ]
    assert rules(template, "Application", "Egress") == [
        (443, 443, "0.0.0.0/0"),
        (3306, 3306, "DatabaseSecurityGroup"),
    ]
    assert rules(template, "Database", "Egress") == []
    assert rules(template, "Endpoints", "Egress") == []


def test_no_group_is_given_the_rule_that_lets_everything_out(rendered_network):
    for group in rendered_network(nat="none").of_type("AWS::EC2::SecurityGroup").values():
        (rule,) = group["Properties"]["SecurityGroupEgress"]
        assert rule["CidrIp"] == "127.0.0.1/32"
        assert "SecurityGroupIngress" not in group["Properties"]


@pytest.mark.parametrize("nat", NAT_MODES)
def test_nothing_in_the_template_waits_for_itself(rendered_network, nat):
    template = rendered_network(nat=nat, dual_stack=True)
    graph = {}
    for name, resource in template.resources.items():
        depends = resource.get("DependsOn", [])
        graph[name] = {
            *([depends] if isinstance(depends, str) else depends),
            *(target for target in references(resource) if target in template.resources),
        }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_default_security_group_is_closed_by_a_function_that_can_touch_no_other(rendered_network):
    template = rendered_network()
    default = {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}
    (closed,) = template.of_type("Custom::ClosedSecurityGroup").values()
    assert closed["Properties"]["GroupId"] == default
    assert closed["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["CloseDefaultSecurityGroup", "Arn"]}
    assert closed["Properties"]["ServiceTimeout"] < 600, "a stack must not hang for an hour"

    (policy,) = template.properties("CloseDefaultSecurityGroupRole")["Policies"]
    _, look, revoke = policy["PolicyDocument"]["Statement"]
    assert look["Action"] == ["ec2:DescribeSecurityGroupRules"]
    assert revoke["Action"] == ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
    ((text, values),) = (resource["Fn::Sub"] for resource in revoke["Resource"])
    assert text.endswith(":security-group/${Group}")
    assert values == {"Group": default}


def test_functions_log_into_a_group_of_their_own_with_our_key(rendered_network):
    template = rendered_network()
    function = template.properties("CloseDefaultSecurityGroup")
    group = function["LoggingConfig"]["LogGroup"]["Ref"]
    log = template.properties(group)
    assert log["KmsKeyId"] == {"Fn::ImportValue": "acme:prod:security:LogsKeyArn"}
    assert log["RetentionInDays"] == 90
    assert "LogGroupName" not in log
    (policy,) = template.properties(function["Role"]["Fn::GetAtt"][0])["Policies"]
    writes = policy["PolicyDocument"]["Statement"][0]
    assert writes["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert writes["Resource"] == [{"Fn::GetAtt": [group, "Arn"]}]


# -- endpoints -----------------------------------------------------------------------------------------


def interface_services(template: Template) -> set[str]:
    names = {
        resource["Properties"]["ServiceName"]["Fn::Sub"]
        for resource in template.of_type("AWS::EC2::VPCEndpoint").values()
        if resource["Properties"]["VpcEndpointType"] == "Interface"
    }
    return {name.removeprefix("com.amazonaws.${AWS::Region}.") for name in names}


def test_only_the_application_reaches_interface_endpoints(rendered_endpoints):
    template = rendered_endpoints(interface_endpoints=["sqs"])
    (rule,) = template.of_type("AWS::EC2::SecurityGroupIngress").values()
    assert (rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]) == (443, 443)
    source = rule["Properties"]["SourceSecurityGroupId"]
    assert source == {"Fn::ImportValue": "acme:prod:network:ApplicationSecurityGroupId"}


def test_the_function_that_makes_users_of_mysql_gets_through_the_endpoints_it_needs(
    rendered_network, rendered_endpoints
):
    """It rotates a secret, and answers CloudFormation at an address in S3: both from inside the network."""
    endpoints = rendered_endpoints({"database": MYSQL}, interface_endpoints=["secretsmanager"])
    sources = {
        rule["Properties"]["SourceSecurityGroupId"]["Fn::ImportValue"].rpartition(":")[2]
        for rule in endpoints.of_type("AWS::EC2::SecurityGroupIngress").values()
    }
    assert sources == {"ApplicationSecurityGroupId", "DatabaseUserSecurityGroupId"}
    (statement,) = endpoints.properties("SecretsmanagerEndpoint")["PolicyDocument"]["Statement"]
    assert {f"secretsmanager:{name}" for name in ROTATION_NEEDS} <= set(statement["Action"])
    s3 = rendered_network({"database": MYSQL}).properties("S3Endpoint")["PolicyDocument"]["Statement"]
    [answers] = [statement for statement in s3 if statement["Sid"] == "AnswersToCloudFormation"]
    assert answers["Action"] == ["s3:PutObject"]
    text, parts = answers["Resource"][0]["Fn::Sub"]  # the region without hyphens: euwest1
    assert text.endswith(":::cloudformation-custom-resource-response-${Region}/*")
    assert parts["Region"] == {"Fn::Join": ["", {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}


def test_without_that_function_no_endpoint_lets_more_through(rendered_network, rendered_endpoints):
    endpoints = rendered_endpoints(interface_endpoints=["secretsmanager"])
    (statement,) = endpoints.properties("SecretsmanagerEndpoint")["PolicyDocument"]["Statement"]
    assert not [action for action in statement["Action"] if "Put" in action or "Update" in action]
    s3 = rendered_network().properties("S3Endpoint")["PolicyDocument"]["Statement"]
    assert "AnswersToCloudFormation" not in {statement["Sid"] for statement in s3}


def test_without_nat_private_instances_reach_all_that_they_need(rendered_endpoints):
    template = rendered_endpoints(nat="none")
    assert interface_services(template) >= PRIVATE_INSTANCES_NEED
    assert interface_services(rendered_endpoints(nat="none", interface_endpoints=["sns"])) >= {
        *PRIVATE_INSTANCES_NEED,
        "sns",
    }


def test_a_region_that_never_had_ec2messages_is_not_asked_for_it(rendered_endpoints):
    template = rendered_endpoints({"region": "mx-central-1"}, nat="none")
    assert interface_services(template) == PRIVATE_INSTANCES_NEED - {"ec2messages"}


@pytest.mark.parametrize("nat", ["regional", "per-zone", "single"])
def test_with_nat_there_are_the_interface_endpoints_asked_for(rendered_endpoints, nat):
    assert interface_services(rendered_endpoints(nat=nat)) == set()
    template = rendered_endpoints(nat=nat, interface_endpoints=["ssm", "secretsmanager"])
    assert interface_services(template) == {"ssm", "secretsmanager"}


def test_interface_endpoints_answer_in_every_zone_to_the_services_usual_names(
    rendered_network, rendered_endpoints
):
    endpoints = rendered_endpoints(zones=3, nat="none")
    subnets = [{"Fn::ImportValue": f"acme:prod:network:ApplicationSubnet{n}Id"} for n in (1, 2, 3)]
    assert endpoints.of_type("AWS::EC2::VPCEndpoint")
    for name, endpoint in endpoints.of_type("AWS::EC2::VPCEndpoint").items():
        assert endpoint["Properties"]["VpcEndpointType"] == "Interface"
        assert endpoint["Properties"]["PrivateDnsEnabled"] is True
        assert endpoint["Properties"]["SubnetIds"] == subnets
        assert refs(endpoints, name, "SecurityGroupIds") == {"EndpointsSecurityGroup"}
    template = rendered_network(zones=3, nat="none")
    assert template.properties("Vpc")["EnableDnsSupport"] is True
    assert template.properties("Vpc")["EnableDnsHostnames"] is True


@pytest.mark.parametrize("nat", NAT_MODES)
def test_s3_and_dynamodb_are_reached_inside_the_network_from_every_zone(rendered_network, nat):
    template = rendered_network(zones=3, nat=nat)
    for name, service in {"S3Endpoint": "s3", "DynamoDbEndpoint": "dynamodb"}.items():
        properties = template.properties(name)
        assert properties["VpcEndpointType"] == "Gateway"
        assert properties["ServiceName"]["Fn::Sub"] == f"com.amazonaws.${{AWS::Region}}.{service}"
        assert refs(template, name, "RouteTableIds") == set(tables_of(template, "Application").values())


def test_s3_lets_through_the_account_s_buckets_and_those_of_aws_that_instances_read(rendered_network):
    policy = rendered_network().properties("S3Endpoint")["PolicyDocument"]
    own, read, signal = policy["Statement"]
    assert own["Condition"] == {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}
    assert read["Action"] == ["s3:GetObject"]
    buckets = {arn["Fn::Sub"].rpartition(":::")[2] for arn in [*read["Resource"], *signal["Resource"]]}
    assert buckets >= {
        "al2023-repos-${AWS::Region}-de612dc2/*",
        "elasticbeanstalk-platform-assets-${AWS::Region}/*",
        "elasticbeanstalk-samples-${AWS::Region}/*",
        "cloudformation-waitcondition-${AWS::Region}/*",
    }
    assert all("*" not in bucket.removesuffix("/*") for bucket in buckets), "anybody can own a similar name"


def test_beanstalk_s_odd_bucket_names_are_known_in_the_region_that_has_them(rendered_network):
    alone = rendered_network({"region": "me-central-1"}).body
    assert b"elasticbeanstalk-platform-assets-${AWS::Region}-f08b818c/*" in alone
    recovery = {"recovery": [{"region": "me-central-1", "cidr": "10.1.0.0/16"}]}
    both = rendered_network(recovery).data["Mappings"]["Region"]
    assert both["me-central-1"]["BeanstalkSuffix"] == "-f08b818c"
    assert both["eu-west-1"]["BeanstalkSuffix"] == ""


def test_other_endpoints_serve_identities_of_this_account_only(rendered_network, rendered_endpoints):
    template = rendered_endpoints(nat="none", interface_endpoints=list(get_args(Endpoint)))
    policies = {name: template.properties(name).get("PolicyDocument") for name in endpoints_of(template)}
    policies["DynamoDbEndpoint"] = rendered_network().properties("DynamoDbEndpoint")["PolicyDocument"]
    open_endpoints = set()
    for name, policy in policies.items():
        if policy is None:
            open_endpoints.add(name)
            continue
        (statement,) = policy["Statement"]
        own = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
        assert statement["Condition"] == own
    # Each with its reason beside WITHOUT_POLICY.
    assert open_endpoints == {"CloudformationEndpoint", "ElasticbeanstalkHealthEndpoint"}


def endpoints_of(template: Template) -> set[str]:
    return set(template.of_type("AWS::EC2::VPCEndpoint"))


def test_every_endpoint_that_can_be_asked_for_is_known_to_the_layer():
    assert set(get_args(Endpoint)) == {*_network_endpoints.ACTIONS, *_network_endpoints.WITHOUT_POLICY}


def test_every_action_of_an_endpoint_policy_exists(rendered_endpoints):
    import awacs

    template = rendered_endpoints(nat="none", interface_endpoints=list(get_args(Endpoint)))
    actions = {action for statement in statements(template) for action in statement["Action"]}
    modules = {"lambda": "awslambda"}
    for action in actions:
        prefix, _, name = action.partition(":")
        module = __import__(f"{awacs.__name__}.{modules.get(prefix, prefix)}", fromlist=["x"])
        known = [value for value in vars(module) if re.fullmatch(name.replace("*", ".*"), value)]
        assert known, action


# -- flow logs and policies ----------------------------------------------------------------------------


@pytest.mark.parametrize("traffic", ["all", "reject"])
def test_flow_logs_are_kept_encrypted_for_as_long_as_asked(rendered_network, traffic):
    template = rendered_network(flow_logs={"traffic": traffic, "retention_days": 30})
    (log,) = template.of_type("AWS::EC2::FlowLog").values()
    properties = log["Properties"]
    assert (properties["ResourceType"], properties["ResourceId"]) == ("VPC", {"Ref": "Vpc"})
    assert properties["TrafficType"] == traffic.upper()
    group = properties["LogGroupName"]["Ref"]
    assert template.properties(group)["KmsKeyId"] == {"Fn::ImportValue": "acme:prod:security:LogsKeyArn"}
    assert template.properties(group)["RetentionInDays"] == {"Ref": "FlowLogRetentionDays"}
    parameter = template.data["Parameters"]["FlowLogRetentionDays"]
    assert parameter["Default"] == 30
    assert {1, 30, 365, 3653} <= set(parameter["AllowedValues"])


def test_flow_logs_are_written_by_a_role_that_can_do_nothing_else(rendered_network):
    template = rendered_network()
    role = template.properties("FlowLogRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":vpc-flow-log/*")
    (policy,) = role["Policies"]
    write, look = policy["PolicyDocument"]["Statement"]
    assert write["Resource"] == [{"Fn::GetAtt": ["FlowLogGroup", "Arn"]}]
    assert look["Action"] == ["logs:DescribeLogGroups"]


def test_log_groups_outlive_the_stack(rendered_network):
    groups = rendered_network().of_type("AWS::Logs::LogGroup")
    assert len(groups) == 2
    for group in groups.values():
        assert group["DeletionPolicy"] == "RetainExceptOnCreate"
        assert group["UpdateReplacePolicy"] == "Retain"


def statements(template: Template) -> list[dict[str, Any]]:
    found = []

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if "Effect" in value and "Action" in value:
                found.append(value)
            for item in value.values():
                walk(item)

    walk(template.resources)
    assert len(found) >= 7
    return found


def test_no_statement_allows_every_action_of_a_service(rendered_network):
    template = rendered_network(nat="none", interface_endpoints=list(get_args(Endpoint)))
    for statement in statements(template):
        assert isinstance(statement["Action"], list)
        assert not [action for action in statement["Action"] if action == "*" or action.endswith(":*")]


def test_nothing_has_a_fixed_name(rendered_network):
    names = {"GroupName", "LogGroupName", "RoleName", "FunctionName"}
    for name, resource in rendered_network(nat="none").resources.items():
        fixed = {
            key
            for key in names & set(resource.get("Properties", {}))
            if isinstance(resource["Properties"][key], str)
        }
        assert not fixed, name


# -- validators ----------------------------------------------------------------------------------------


@pytest.fixture
def gate_inputs(rendered_network) -> Callable[..., GateInput]:
    def make(regions: dict[str, Any], **options: Any) -> GateInput:
        body = rendered_network(regions, **options).body
        deployed = (regions["region"], *(r["region"] for r in regions.get("recovery", [])))
        label = json.dumps([deployed, options])
        return GateInput(label, body, deployed, f"templates/prod/{label}")

    return make


def test_every_combination_of_options_passes_cloudformation_validate(gate_inputs):
    every = list(get_args(Endpoint))
    inputs = [
        gate_inputs(regions, nat=nat, zones=zones, dual_stack=dual_stack, interface_endpoints=services)
        for regions, nat, zones, dual_stack, services in product(
            (WIDE, WIDE_RECOVERY), NAT_MODES, (2, 3, 4), (False, True), ([], every)
        )
    ]
    assert len(inputs) == 96
    assert check(inputs, cache_dir=None, validators=("cloudformation-validate",)) == []


def test_the_extremes_pass_cfn_lint(gate_inputs):
    odd = {"region": "us-east-1", "recovery": [{"region": "me-central-1", "cidr": "10.1.0.0/16"}]}
    inputs = [
        gate_inputs(WIDE, nat="none", zones=2),
        gate_inputs(WIDE_RECOVERY, nat="per-zone", zones=4, dual_stack=True, interface_endpoints=["lambda"]),
        gate_inputs(odd, nat="regional", zones=3, dual_stack=True, interface_endpoints=["sns", "events"]),
    ]
    assert check(inputs, cache_dir=None, processes=2) == []
