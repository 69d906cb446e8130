"""What must hold at the end, for every template of the shipped environments; see ``invariants.py``."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from awacs.aws import Condition

from blueprint.layers import layer_names
from blueprint.layers.shared.buckets import SSE_S3_BUCKETS
from blueprint.render.limits import INLINE_BYTES
from tests.conftest import ROOT, SHIPPED, Rendering, load_example, load_shipped
from tests.invariants import CHECKS, Case, cases, encryption_of, fixed_names, violations

shipped: Callable[[str], Rendering] = cache(load_shipped)
example: Callable[[str], Rendering] = cache(load_example)
OPTIONAL = {"cache"}  # layers that an environment may do without


@pytest.mark.parametrize("name", CHECKS)
def test_every_shipped_template_keeps_to_it(name):
    assert [line for environment in SHIPPED for line in violations(shipped(environment), name)] == []


def test_there_is_something_to_check_in_every_shipped_environment():
    assert "account" in SHIPPED
    assert len(SHIPPED) > 1
    for name in SHIPPED:
        package = "blueprint.layers.account" if name == "account" else "blueprint.layers"
        made = {stack["layer"] for stack in shipped(name).manifest["stacks"]}
        assert made | OPTIONAL == set(layer_names(package)) | OPTIONAL
    assert {"cache"} <= {stack["layer"] for stack in shipped("prod").manifest["stacks"]}


# -- every check finds what it is for ------------------------------------------------------------------


def setting(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Put a value into a template."""

    def change(template: dict[str, Any]) -> None:
        *way, last = path
        node: Any = template
        for step in way:
            node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
        node[last] = value

    return change


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(template: dict[str, Any]) -> None:
        *way, last = path
        node: Any = template
        for step in way:
            node = node[int(step)] if isinstance(node, list) else node[step]
        del node[last]

    return change


R, P = "Resources", "Properties"
ROTATION = ("Parameters", "RotationDays")
TLS = (R, "StaticBucketPolicy", P, "PolicyDocument", "Statement", "0")
POLICY = (R, "DatabaseKey", P, "KeyPolicy", "Statement", "0")
ENDPOINT = (R, "S3Endpoint", P, "PolicyDocument", "Statement", "1")
OPEN_DATABASE = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {"CidrIp": "0.0.0.0/0", "FromPort": 3306, "ToPort": 3306},
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "acme-prod-role"}}

#: Check -> what breaks it: the stack of the example's prod, and the change.
ADDRESS_WITHOUT_POLICY = {
    "Type": "AWS::Route53::RecordSet",
    P: {"Name": "api.acme.example.com", "Type": "A", "TTL": "300", "ResourceRecords": ["192.0.2.7"]},
}
BREAKS: dict[str, list[tuple[str, Callable[[dict[str, Any]], None]]]] = {
    "every_parameter_is_explained_in_exactly_one_labelled_group": [
        ("security", without(*ROTATION, "Default")),
        ("security", without(*ROTATION, "ConstraintDescription")),
        ("security", setting("Metadata", "AWS::CloudFormation::Interface", "ParameterGroups", value=[])),
        ("security", setting("Metadata", "AWS::CloudFormation::Interface", "ParameterLabels", value={})),
    ],
    "every_default_is_a_value_that_the_parameter_takes": [
        ("security", setting(*ROTATION, "Default", value=1)),
        ("security", setting("Parameters", "DatabaseKeyArn", "Default", value="arn")),
    ],
    "every_operators_parameter_has_bounds": [
        ("security", setting("Parameters", "Free", value={"Type": "String", "Default": "x"})),
    ],
    "what_holds_data_is_kept_when_its_stack_or_its_resource_goes": [
        ("security", without(R, "DatabaseKey", "DeletionPolicy")),
        ("storage", setting(R, "UploadsBucket", "UpdateReplacePolicy", value="Delete")),
    ],
    "what_cfn_lint_calls_stateful_is_in_our_ledger_too": [
        ("security", setting(R, "DatabaseKey", "Type", value="AWS::SQS::Queue")),
    ],
    "buckets_are_private_encrypted_and_versioned": [
        ("storage", without(R, "StaticBucket", P, "BucketEncryption")),
        ("storage", without(R, "StaticBucket", P, "VersioningConfiguration")),
        ("storage", without(R, "StaticBucket", P, "OwnershipControls")),
        (
            "storage",
            setting(R, "LogsBucket", P, "PublicAccessBlockConfiguration", "BlockPublicAcls", value=False),
        ),
    ],
    "buckets_are_reached_by_tls_alone": [
        ("storage", without(R, "UploadsBucketPolicy")),
        ("storage", setting(*TLS, "Effect", value="Allow")),
        ("storage", setting(*TLS, "Resource", value=[{"Fn::GetAtt": ["StaticBucket", "Arn"]}])),
    ],
    "log_groups_forget_in_time": [("network", without(R, "FlowLogGroup", P, "RetentionInDays"))],
    "keys_rotate_and_can_be_administered": [
        ("security", without(R, "LogsKey", P, "EnableKeyRotation")),
        ("security", setting(*POLICY, "Action", value=["kms:DescribeKey"])),
        ("security", setting(*POLICY, "Condition", value={"Bool": {"aws:MultiFactorAuthPresent": True}})),
    ],
    "nobody_may_do_everything": [
        ("security", setting(*POLICY, "Action", value="kms:*")),
        ("security", setting(*POLICY, "Action", value=["*"])),
        ("security", setting(*POLICY, "Action", value="*:*")),
        ("security", setting(*POLICY, "NotAction", value="kms:Delete*")),
        ("storage", setting(*TLS, "Effect", value="Allow")),
    ],
    "every_role_is_under_the_boundary_and_comes_after_it": [
        ("network", without(R, "FlowLogRole", P, "PermissionsBoundary")),
        ("network", setting(R, "FlowLogRole", P, "Path", value="/")),
    ],
    "a_role_has_no_more_managed_policies_than_iam_attaches": [
        ("deployment", setting(R, "DeploymentRole", P, "ManagedPolicyArns", value=["x"] * 11)),
    ],
    "policies_are_of_the_current_language": [
        ("security", without(R, "DatabaseKey", P, "KeyPolicy", "Version")),
        ("network", setting(R, "S3Endpoint", P, "PolicyDocument", "Version", value="2008-10-17")),
    ],
    "statements_say_who_does_what_to_which": [
        ("security", without(*POLICY, "Action")),
        ("security", without(*POLICY, "Principal")),
        ("storage", without(*TLS, "Resource")),
        ("network", without(*ENDPOINT, "Action")),
    ],
    "whoever_is_let_in_is_named_or_bounded": [
        ("security", setting(*POLICY, "Principal", value={"AWS": "*"})),
        ("network", setting(*ENDPOINT, "Resource", value="*")),
    ],
    "policies_fit_into_what_services_take": [("security", setting(*POLICY, "Sid", value="x" * 33_000))],
    "nothing_but_the_web_is_open_to_the_internet": [("network", setting(R, "Hole", value=OPEN_DATABASE))],
    "a_template_of_several_regions_fixes_no_name_that_is_global": [("network", setting(R, "X", value=ROLE))],
    "another_stacks_resource_is_never_named_literally": [
        ("network", setting("Outputs", "X", "Value", value="acme-prod-uploads")),
        ("storage", setting("Mappings", "X", "Y", "Z", value="alias/acme-prod-logs")),
    ],
    "no_arn_is_written_out": [
        ("storage", setting("Outputs", "X", "Value", value="arn:aws:kms:eu-west-1:111122223333:key/1")),
    ],
    "imports_are_exactly_those_of_the_manifest": [
        ("storage", setting("Outputs", "X", "Value", value={"Fn::ImportValue": "acme:prod:network:VpcId"})),
    ],
    "recovery_reads_no_other_region": [
        ("storage", setting("Outputs", "X", "Value", value={"Fn::GetStackOutput": {"StackName": "x"}})),
    ],
    "every_output_is_exported_under_its_stacks_name": [
        ("storage", setting("Outputs", "UploadsBucketName", "Export", "Name", value="uploads")),
        ("storage", without("Outputs", "UploadsBucketName", "Description")),
    ],
    "templates_are_plain": [
        ("storage", setting("Transform", value="AWS::LanguageExtensions")),
        ("storage", setting("Outputs", "X", "Value", value={"Fn::Transform": {"Name": "AWS::Include"}})),
        ("storage", setting(R, "Nested", value={"Type": "AWS::CloudFormation::Stack"})),
    ],
    "every_resource_type_exists_wherever_it_is_deployed": [
        ("storage", setting(R, "LogsBucket", "Type", value="AWS::S3::Bukket")),
    ],
    "templates_are_within_the_quotas": [
        ("storage", setting("Parameters", value=dict.fromkeys(map(str, range(201))))),
    ],
    "whatever_can_carry_tags_carries_ours": [
        ("network", without(R, "Vpc", P, "Tags")),
        ("network", setting(R, "Vpc", P, "Tags", value=[{"Key": "project", "Value": "acme"}])),
    ],
    "a_name_in_dns_has_one_record_of_a_type_or_a_group_with_one_policy": [
        ("edge-dns", setting(R, "Second", value=ADDRESS_WITHOUT_POLICY)),
        ("edge-records", setting(R, "Second", value=ADDRESS_WITHOUT_POLICY)),
    ],
    "the_description_tells_a_person_what_to_do": [
        ("network", setting("Description", value="A network.")),
        ("security", setting("Description", value="Stack name: acme-prod-security.")),
    ],
    "no_secret_is_written_out": [
        ("storage", setting(R, "X", P, "MasterUserPassword", value="correct horse")),
        ("storage", setting("Outputs", "X", "Value", value="AKIAIOSFODNN7EXAMPLE")),
        ("network", setting("Outputs", "X", "Value", value='{"password": "hunter22"}')),
    ],
    "nothing_tells_where_it_was_rendered": [
        ("storage", setting("Metadata", "From", value="/home/me/blueprint/layers")),
    ],
}
#: Checks of what only the manifest knows.
OF_THE_MANIFEST = {"every_resource_can_be_traced_to_its_layer"}


@pytest.mark.parametrize(
    ("name", "stack", "change"),
    [(name, *change) for name, changes in BREAKS.items() for change in changes],
    ids=[f"{name}-{number}" for name, changes in BREAKS.items() for number, _ in enumerate(changes, 1)],
)
def test_a_check_finds_what_it_is_for(name, stack, change):
    (case,) = (case for case in cases(example("prod")) if case.stack["name"] == stack)
    broken = Case(case.rendering, case.stack, copy.deepcopy(case.template))
    change(broken.template)
    before = violations(case, name)
    assert [line for line in violations(broken, name) if line not in before]


def test_every_check_has_been_seen_to_fail():
    assert CHECKS.keys() - BREAKS.keys() == OF_THE_MANIFEST
    assert BREAKS.keys() <= CHECKS.keys()


# -- what holds for the shipped environments -----------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_keys_buckets_and_the_account_can_be_uploaded_inline(name):
    """Others carry the code of functions, and go through a bucket, as the console does by itself."""
    inline = {"security", "storage", "audit", "encryption"}
    stacks = [stack for stack in shipped(name).manifest["stacks"] if stack["name"] in inline]
    sizes = {stack["stack_name"]: stack["bytes"] for stack in stacks}
    assert sizes
    assert {stack: size for stack, size in sizes.items() if size >= INLINE_BYTES} == {}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_deploys_as_it_is(name):
    for stack in shipped(name).manifest["stacks"]:
        assert [p["name"] for p in stack["parameters"] if p["default"] is None] == []


def test_buckets_without_a_key_of_ours_are_those_of_the_list_and_no_others():
    found = {
        (case.stack["name"], logical_id)
        for name in SHIPPED
        for case in cases(shipped(name))
        for logical_id, bucket in case.of_type("AWS::S3::Bucket").items()
        if encryption_of(bucket)[0] == "AES256"
    }
    assert found == set(SSE_S3_BUCKETS)
    assert all(SSE_S3_BUCKETS.values())


# -- conditions of statements --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_no_condition_of_a_statement_is_lost_to_another(name, monkeypatch):
    """awacs keeps the last of two conditions with one operator, silently: a statement would let more in."""
    original = Condition.__init__
    operators: list[list[str]] = []

    def remember(self: Condition, conditions: Any) -> None:
        original(self, conditions)
        operators.append([element.condition for element in self.conditions])

    monkeypatch.setattr(Condition, "__init__", remember)
    load_shipped(name)
    assert operators
    assert [each for each in operators if len(set(each)) < len(each)] == []


# -- fixed names ---------------------------------------------------------------------------------------


def documented_names() -> dict[tuple[str, str, str], str]:
    """(stack, logical id, property) of each row of docs/physical-names.md, with its reason."""
    rows = {}
    for line in (ROOT / "docs" / "physical-names.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            stack, logical_id, name, _, reason = cells
            rows[stack, logical_id, name] = reason
    return rows


def test_fixed_names_are_those_of_the_list_and_no_others():
    found = {
        (case.stack["name"], *place)
        for name in SHIPPED
        for case in cases(shipped(name))
        for place in fixed_names(case.template)
    }
    assert found == set(documented_names())


def test_every_fixed_name_has_a_reason():
    assert all(len(reason) > 20 for reason in documented_names().values())


# -- reasons in the code -------------------------------------------------------------------------------

LAYERS = sorted((ROOT / "blueprint" / "layers").rglob("*.py"))


def stars(source: str) -> Iterator[int]:
    """Lines that say ``"*"`` as a whole resource: a keyword Resource, or a list that stands for one."""
    for node in ast.walk(ast.parse(source)):
        is_resource = isinstance(node, ast.keyword) and node.arg == "Resource"
        is_list = isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
        for part in ast.walk(node) if is_resource or is_list else ():
            if isinstance(part, ast.Constant) and part.value == "*":
                yield part.lineno


def has_reason(source: str, line: int) -> bool:
    """A comment in the line or just above, or words in the docstring of the module for one name of it."""
    lines = source.splitlines()
    if "#" in lines[line - 1] or (line > 1 and lines[line - 2].strip().startswith("#")):
        return True
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return re.match(r"[A-Z_]+ = ", lines[line - 1]) is not None and '"*"' in docstring


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: str(path.relative_to(ROOT / "blueprint")))
def test_every_resource_star_has_its_reason_in_the_code(path: Path):
    source = path.read_text(encoding="utf-8")
    assert [line for line in stars(source) if not has_reason(source, line)] == []


def test_a_resource_star_without_a_reason_is_found():
    source = 'first = 1\nf(Resource="*")'
    assert [has_reason(source, line) for line in stars(source)] == [False]
    assert list(stars('f(Resource=["*"])  # because'))


def test_there_are_resource_stars_to_look_at():
    assert sum(len(list(stars(path.read_text(encoding="utf-8")))) for path in LAYERS) > 0
