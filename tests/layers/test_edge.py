"""The edge: names lead where they should, certificates can be had, and nothing waits in a circle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from troposphere.ssm import Parameter

from blueprint.environment import Environment, load_environment
from blueprint.layers import edge
from blueprint.problems import BlueprintError
from blueprint.render import ledger, render
from blueprint.schemas import create_only
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY, Rendering, Template
from tests.invariants import CHECKS, cases, violations

DOMAIN, API, AUTH = "shop.example.com", "api.shop.example.com", "auth.shop.example.com"
ZONE = "Z0123456789ABCDEFGHIJ"
EXISTING = {"edge": {"hosted_zone_id": ZONE}}
SIGN_IN = {"edge": {"custom_sign_in": True}}
DUAL_STACK = {"network": {"dual_stack": True}}
#: Shapes of an environment that change something here.
SHAPES: dict[str, dict[str, Any]] = {
    "least": {},
    "sign-in": SIGN_IN,
    "recovery": RECOVERY,
    "existing zone": {**RECOVERY, **EXISTING},
    "records of others": {"edge": {"hosted_zone_id": ZONE, "apex_records": False}},
    "one more authority": {**DUAL_STACK, "edge": {"certificate_authorities": ["letsencrypt.org"]}},
    "us-east-1": {"region": "us-east-1", **RECOVERY, **DUAL_STACK},
    "recovery in us-east-1": {"recovery": [{"region": "us-east-1", "cidr": "10.1.0.0/16"}]},
}


# -- neighbours, as far as this layer sees them ----------------------------------------------------------


def neighbour(stack: Stack, **needs: Any) -> list[Stack]:
    """A stack of another layer, with what it reads and nothing else."""
    stack.add(Parameter("Itself", Type="String", Value="-"))
    for name, value in needs.items():
        if value is not None:
            stack.add(Parameter(name, Type="String", Value=value))
    return [stack]


def identity(env: Environment) -> list[Stack]:
    stack = Stack("identity", env, Place.PRIMARY, purpose="A neighbour.")
    stack.output("Issuer", "https://issuer.example.com", "Who signs tokens")
    certificate = stack.output_of("edge-signin", "SignInCertificateArn") if env.sign_in_domain else None
    return neighbour(stack, Zone=stack.output_of("edge-dns", "HostedZoneId"), Certificate=certificate)


def application(env: Environment) -> list[Stack]:
    stack = Stack("application", env, Place.PRIMARY, Place.FIRST_RECOVERY, purpose="A neighbour.")
    stack.output("LoadBalancerDnsName", "lb-1.eu-west-1.elb.amazonaws.com", "Name of the load balancer")
    stack.output("LoadBalancerZoneId", "Z32O12XQLNTSW2", "Zone of that name")
    issuer = stack.from_primary(
        "Issuer",
        stack="identity",
        output="Issuer",
        group="Recovery",
        label="Issuer",
        description="Issuer of tokens.",
        pattern="https://.*",
    )
    return neighbour(stack, Certificate=stack.output_of("edge", "CertificateArn"), Issuer=issuer)


LAYERS = {"application": application, "edge": edge.stacks, "identity": identity}
Make = Callable[..., Rendering]


@pytest.fixture
def rendered_edge(environments) -> Make:
    def make(**over: Any) -> Rendering:
        subject = load_environment(environments(prod=over), "prod")
        return Rendering(render(subject, LAYERS))

    return make


def own(rendering: Rendering) -> Iterator[Template]:
    return (template for template in rendering if template.name.startswith("edge"))


def records(rendering: Rendering) -> list[dict[str, Any]]:
    return [
        resource["Properties"]
        for template in own(rendering)
        for resource in template.of_type("AWS::Route53::RecordSet").values()
    ]


def certificates(rendering: Rendering) -> dict[str, dict[str, Any]]:
    return {
        template.name: resource
        for template in own(rendering)
        for resource in template.of_type("AWS::CertificateManager::Certificate").values()
    }


def names(certificate: dict[str, Any]) -> list[str]:
    properties = certificate["Properties"]
    return [properties["DomainName"], *properties.get("SubjectAlternativeNames", ())]


def steps(rendering: Rendering) -> list[tuple[str, str, int]]:
    return [(step["stack"], step["region"], step["wave"]) for step in rendering.manifest["steps"]]


# -- the zone ------------------------------------------------------------------------------------------


def test_a_new_zone_outlives_its_stack_and_says_which_name_servers_to_point_to(rendered_edge):
    template = rendered_edge()["edge-dns"]
    zone = template.resources["HostedZone"]
    assert zone["Properties"]["Name"] == DOMAIN
    assert (zone["DeletionPolicy"], zone["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    servers = template.data["Outputs"]["NameServers"]["Value"]
    assert servers == {"Fn::Join": [", ", {"Fn::GetAtt": ["HostedZone", "NameServers"]}]}
    assert "NameServers" in template.data["Description"]


def test_a_zone_of_another_domain_is_refused_by_the_ledger(environments, tmp_path):
    folder = environments(prod={})
    before = load_environment(folder, "prod")
    book = ledger.reconcile(None, before, edge.stacks(before), tmp_path / "prod.json")
    after = load_environment(environments(prod={"domain": "other.example.com"}), "prod")
    with pytest.raises(BlueprintError, match=r"edge-dns/HostedZone holds data and would be lost"):
        ledger.reconcile(book, after, edge.stacks(after), tmp_path / "prod.json")


def test_an_existing_zone_is_used_and_not_made(rendered_edge):
    rendering = rendered_edge(**EXISTING)
    template = rendering["edge-dns"]
    assert not template.of_type("AWS::Route53::HostedZone")
    assert "NameServers" not in template.data["Outputs"]
    assert template.data["Outputs"]["HostedZoneId"]["Value"] == ZONE
    zones = [r["Properties"]["HostedZoneId"] for r in template.of_type("AWS::Route53::RecordSet").values()]
    assert zones
    assert set(zones) == {ZONE}


def test_what_others_keep_at_the_domain_itself_is_left_to_them(rendered_edge):
    made = records(rendered_edge(**SHAPES["records of others"]))
    assert made
    assert DOMAIN not in [record["Name"] for record in made]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_stack_has_something_in_it(rendered_edge, shape):
    """CloudFormation refuses a template without resources."""
    assert all(template.resources for template in own(rendered_edge(**SHAPES[shape])))


# -- the address that Cognito wants to see -------------------------------------------------------------


@pytest.mark.parametrize("shape", ["least", "recovery", "us-east-1", "existing zone"])
def test_the_domain_has_an_address_at_which_nobody_can_answer(rendered_edge, shape):
    [record] = [r for r in records(rendered_edge(**SHAPES[shape])) if (r["Name"], r["Type"]) == (DOMAIN, "A")]
    [address] = record["ResourceRecords"]
    assert IPv4Address(address) in IPv4Network("192.0.2.0/24")  # RFC 5737: never routed, never anybody's
    assert not IPv4Address(address).is_global
    assert not IPv4Address(address).is_loopback  # the visitor's own machine would answer
    assert int(record["TTL"]) <= 300


def test_it_is_there_before_the_sign_in_domain_is_made(rendered_edge):
    rendering = rendered_edge(**RECOVERY)
    assert "DomainAddress" in rendering["edge-dns"].resources
    waves = {(stack, region): wave for stack, region, wave in steps(rendering)}
    assert waves["edge-dns", "eu-west-1"] < waves["edge-signin", "us-east-1"] < waves["identity", "eu-west-1"]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_waits_in_a_circle(rendered_edge, shape):
    rendering = rendered_edge(**SHAPES[shape])
    order = [stack for stack, region, _ in steps(rendering) if region in ("us-east-1", "eu-west-1")]
    first = {stack: order.index(stack) for stack in order}
    assert first["edge-dns"] < first["edge"] < first["application"] < first["edge-records"]
    assert first["edge-dns"] < first["identity"] < first["application"]


# -- who may issue certificates ------------------------------------------------------------------------


def authorities(rendering: Rendering, name: str) -> set[str] | None:
    """Who may issue for ``name`` as RFC 8659 has it: the nearest name with CAA records decides."""
    found = {r["Name"]: r["ResourceRecords"] for r in records(rendering) if r["Type"] == "CAA"}
    labels = name.split(".")
    for start in range(len(labels)):
        values = found.get(".".join(labels[start:]))
        if values is not None:
            assert all(value.startswith('0 issue "') and value.endswith('"') for value in values)
            return {value.split('"')[1] for value in values}
    return None


@pytest.mark.parametrize("shape", SHAPES)
def test_amazon_may_issue_every_certificate_of_ours(rendered_edge, shape):
    rendering = rendered_edge(**SHAPES[shape])
    for certificate in certificates(rendering).values():
        for name in names(certificate):
            allowed = authorities(rendering, name)
            assert allowed is None or "amazon.com" in allowed


@pytest.mark.parametrize("shape", ["one more authority", "records of others", "recovery"])
def test_nobody_else_may_for_the_names_at_which_we_answer(rendered_edge, shape):
    rendering = rendered_edge(**SHAPES[shape])
    assert authorities(rendering, API) == {"amazon.com"}
    if shape == "recovery":
        assert authorities(rendering, AUTH) == {"amazon.com"}


def test_an_authority_of_the_file_may_for_the_domains_other_names(rendered_edge):
    rendering = rendered_edge(**SHAPES["one more authority"])
    assert authorities(rendering, f"blog.{DOMAIN}") == {"amazon.com", "letsencrypt.org"}
    assert authorities(rendered_edge(), f"blog.{DOMAIN}") == {"amazon.com"}


def test_an_authority_named_twice_or_amazon_itself_stands_once(rendered_edge):
    rendering = rendered_edge(edge={"certificate_authorities": ["amazon.com", "a.org", "a.org"]})
    [record] = [r for r in records(rendering) if (r["Name"], r["Type"]) == (DOMAIN, "CAA")]
    assert record["ResourceRecords"] == ['0 issue "amazon.com"', '0 issue "a.org"']


# -- certificates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_every_name_of_a_certificate_is_proved_in_the_zone(rendered_edge, shape):
    """A name without a zone would let the stack wait for three days, and then fail."""
    made = certificates(rendered_edge(**SHAPES[shape]))
    assert made
    for certificate in made.values():
        properties = certificate["Properties"]
        assert properties["ValidationMethod"] == "DNS"
        options = properties["DomainValidationOptions"]
        assert [option["DomainName"] for option in options] == names(certificate)
        assert all(option.keys() == {"DomainName", "HostedZoneId"} for option in options)


def test_the_load_balancers_certificate_is_for_the_api_and_the_domain_in_both_regions(rendered_edge):
    rendering = rendered_edge(**RECOVERY)
    assert names(certificates(rendering)["edge"]) == [API, DOMAIN]
    assert {region for stack, region, _ in steps(rendering) if stack == "edge"} == {
        "eu-west-1",
        "eu-central-1",
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_no_certificate_has_a_wildcard(rendered_edge, shape):
    made = certificates(rendered_edge(**SHAPES[shape])).values()
    assert not [name for certificate in made for name in names(certificate) if "*" in name]


def test_recovery_asks_no_other_region_for_the_zone(rendered_edge):
    rendering = rendered_edge(**RECOVERY)
    body = json.dumps(rendering["edge"].data)
    assert "Fn::GetStackOutput" not in body
    [option, *_] = certificates(rendering)["edge"]["Properties"]["DomainValidationOptions"]
    condition, in_primary, in_recovery = option["HostedZoneId"]["Fn::If"]
    assert condition == "IsPrimary"
    assert in_primary == {"Fn::ImportValue": "acme:prod:edge-dns:HostedZoneId"}
    assert in_recovery == {"Ref": "HostedZoneId"}
    [step] = [s for s in rendering.manifest["steps"] if (s["stack"], s["region"]) == ("edge", "eu-central-1")]
    assert step["parameters"]["HostedZoneId"]["from"]["output"] == "HostedZoneId"


@pytest.mark.parametrize("shape", SHAPES)
def test_validation_records_belong_to_no_stack_so_that_deleting_a_region_takes_nothing_away(
    rendered_edge, shape
):
    """Both regions prove the same name by the same record. ACM renews by it for as long as it is there."""
    for record in records(rendered_edge(**SHAPES[shape])):
        assert record["Type"] in ("A", "AAAA", "CAA")
        assert not record["Name"].startswith("_")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_certificate_that_is_replaced_stays_for_those_who_still_use_it(rendered_edge, shape):
    for certificate in certificates(rendered_edge(**SHAPES[shape])).values():
        assert certificate["UpdateReplacePolicy"] == "Retain"
        assert certificate["DeletionPolicy"] == "Delete"  # ACM refuses while somebody uses it


# -- the sign-in domain --------------------------------------------------------------------------------


def test_where_cognitos_own_domain_is_used_there_is_nothing_in_us_east_1(rendered_edge):
    rendering = rendered_edge()
    assert "edge-signin" not in rendering.templates
    assert AUTH not in json.dumps([template.data for template in own(rendering)])


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if RECOVERY.keys() & SHAPES[shape].keys()])
def test_with_a_recovery_region_the_sign_in_domain_is_ours_from_the_first_day(rendered_edge, shape):
    rendering = rendered_edge(**SHAPES[shape])
    assert names(certificates(rendering)["edge-signin"]) == [AUTH]
    assert [region for stack, region, _ in steps(rendering) if stack == "edge-signin"] == ["us-east-1"]


@pytest.mark.parametrize(
    ("shape", "way"),
    [
        ("sign-in", "Fn::GetStackOutput"),
        ("recovery", "Fn::GetStackOutput"),
        ("recovery in us-east-1", "Fn::GetStackOutput"),
        ("us-east-1", "Fn::ImportValue"),
    ],
)
def test_its_certificate_finds_the_zone_across_regions_or_in_its_own(rendered_edge, shape, way):
    certificate = certificates(rendered_edge(**SHAPES[shape]))["edge-signin"]
    [option] = certificate["Properties"]["DomainValidationOptions"]
    [used] = option["HostedZoneId"]
    assert used == way


# -- the load balancer's address -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_the_api_is_the_load_balancer_by_ipv4_and_by_ipv6_where_there_is_such(rendered_edge, shape):
    made = [r for r in records(rendered_edge(**SHAPES[shape])) if "AliasTarget" in r]
    kinds = ["A", "AAAA"] if "network" in SHAPES[shape] else ["A"]
    assert [(r["Name"], r["Type"]) for r in made] == [(API, kind) for kind in kinds]
    for record in made:
        prefix, name = record["AliasTarget"]["DNSName"]["Fn::Join"][1]
        assert (prefix, name) == (
            "dualstack",
            {"Fn::ImportValue": "acme:prod:application:LoadBalancerDnsName"},
        )
        zone = {"Fn::ImportValue": "acme:prod:application:LoadBalancerZoneId"}
        assert record["AliasTarget"]["HostedZoneId"] == zone
        assert "TTL" not in record  # of an alias it is the target's


@pytest.mark.parametrize("shape", SHAPES)
def test_the_address_is_born_in_a_failover_group(rendered_edge, shape):
    made = [r for r in records(rendered_edge(**SHAPES[shape])) if "AliasTarget" in r]
    region = SHAPES[shape].get("region", "eu-west-1")
    assert {(r["Failover"], r["SetIdentifier"]) for r in made} == {("PRIMARY", region)}
    assert all(r["AliasTarget"]["EvaluateTargetHealth"] is True for r in made)  # the API demands it


def test_the_recovery_regions_address_can_join_without_touching_it(rendered_edge):
    """What a later release adds: a second record of the name, in a stack of the recovery region."""
    rendering = rendered_edge(**RECOVERY)
    check = "a_name_in_dns_has_one_record_of_a_type_or_a_group_with_one_policy"
    assert violations(rendering, check) == []
    primary = rendering["edge-records"].resources["ApiAddress"]
    secondary = json.loads(json.dumps(primary))
    secondary["Properties"] |= {"Failover": "SECONDARY", "SetIdentifier": "eu-central-1"}
    rendering["application"].data["Resources"]["ApiAddressInRecovery"] = secondary
    assert violations(rendering, check) == []
    del secondary["Properties"]["SetIdentifier"]  # a simple record cannot
    assert violations(rendering, check) != []


#: What makes a record this one and no other (its primary identifier), besides what is create-only.
IDENTITY = {"AWS::Route53::RecordSet": {"Name", "Type", "SetIdentifier"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("least", "recovery"),
        ("least", "sign-in"),
        ("least", "one more authority"),
        ("sign-in", "recovery"),
        ("recovery", "recovery in us-east-1"),
    ],
)
def test_what_comes_later_replaces_nothing(rendered_edge, before, after):
    """A recovery region, another one, IPv6, one more authority: no resource is another one afterwards."""
    old, new = rendered_edge(**SHAPES[before]), rendered_edge(**SHAPES[after])
    for template in own(old):
        for name, resource in template.resources.items():
            fixed = IDENTITY.get(resource["Type"], set()) | set(create_only(resource["Type"]))
            was, will = ({k: v for k, v in r["Properties"].items() if k in fixed}
                         for r in (resource, new[template.name].resources[name]))  # fmt: skip
            assert settled(will) == settled(was), f"{template.name}/{name}"


def settled(value: Any) -> Any:
    """A value as it arrives in the primary region."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::If"}:
            assert value["Fn::If"][0] == "IsPrimary"
            return settled(value["Fn::If"][1])
        return {key: settled(item) for key, item in value.items()}
    return [settled(item) for item in value] if isinstance(value, list) else value


# -- the whole -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_invariants_hold(rendered_edge, shape):
    found = [
        line
        for case in cases(rendered_edge(**SHAPES[shape]))
        for line in violations(case, *CHECKS)
        if case.stack["name"].startswith("edge")
    ]
    assert found == []


def test_both_validators_have_nothing_to_say(environments, complaints):
    made = []
    for number, (shape, dual_stack) in enumerate(product(SHAPES, (False, True))):
        name = f"e{number}"
        over = {**SHAPES[shape], "network": {"dual_stack": dual_stack}}
        made.append(render(load_environment(environments(**{name: over}), name), LAYERS))
    found = complaints(*made, validators=("cfn-lint", "cloudformation-validate"))
    assert [f for f in found if "edge" in f.template] == []


# -- deployed ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    from blueprint.emulator import running

    with running(Path(__file__).parents[2]) as started:
        yield started


@pytest.mark.parametrize("shape", ["least", "recovery", "us-east-1"])
def test_it_is_deployed_changed_and_deleted(emulator, rendered_edge, tmp_path, shape):
    from blueprint.emulator.trial import StackAt, Trial

    account = f"{list(SHAPES).index(shape):012d}"
    trial = Trial(emulator)

    def deploy(**over: Any) -> Rendering:
        rendering = rendered_edge(account=account, **over)
        for name, body in rendering.rendered.files.items():
            (tmp_path / name).write_bytes(body)
        for step in rendering.manifest["steps"]:
            trial.deploy(tmp_path, step)
        return rendering

    region = SHAPES[shape].get("region", "eu-west-1")
    deploy(**SHAPES[shape])
    zone = trial.outputs(StackAt("acme-prod-edge-dns", account, region))["HostedZoneId"]
    assert addresses(emulator, account, zone) == {
        (DOMAIN, "A", None): ["192.0.2.1"],
        **{
            (API, kind, region): "dualstack.lb-1.eu-west-1.elb.amazonaws.com"
            for kind in (("A", "AAAA") if "network" in SHAPES[shape] else ("A",))
        },
    }
    grown = SHAPES[shape] | DUAL_STACK | RECOVERY
    deploy(**grown)
    assert trial.outputs(StackAt("acme-prod-edge-dns", account, region))["HostedZoneId"] == zone
    assert (API, "AAAA", region) in addresses(emulator, account, zone)
    trial.delete_all()
    assert not addresses(emulator, account, zone)  # the zone itself is still there to be asked


def addresses(emulator: Any, account: str, zone: str) -> dict[tuple[str, str, str | None], Any]:
    client = emulator.client("route53", "us-east-1", account)
    found = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        (r["Name"].rstrip("."), r["Type"], r.get("SetIdentifier")): r["AliasTarget"]["DNSName"].rstrip(".")
        if "AliasTarget" in r
        else [value["Value"] for value in r["ResourceRecords"]]
        for r in found
        if r["Type"] in ("A", "AAAA")
    }
