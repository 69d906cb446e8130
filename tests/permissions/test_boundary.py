"""The boundary: every role may do what its own policies say, and no role changes who may do what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from troposphere import Ref
from troposphere.iam import Policy, Role

from blueprint.permissions.boundary import boundary
from blueprint.permissions.names import Names
from blueprint.permissions.policies import MOST_CHARACTERS, characters
from blueprint.permissions.resources import Made
from blueprint.problems import BlueprintError
from blueprint.stacks import deployment
from blueprint.stacks.places import Place as StackPlace
from blueprint.stacks.stack import Stack
from tests.conftest import SHIPPED, Rendering, load_shipped
from tests.iam import Judge, boundary_policy, listed
from tests.requirements import RANDOM, Place, arns, concrete, places

#: Resource type -> kind of IAM, for what policies of roles are about.
KINDS = {
    "AWS::ElastiCache::ReplicationGroup": "elasticache:replicationgroup",
    "AWS::IAM::Role": "iam:role",
    "AWS::KMS::Key": "kms:key",
    "AWS::KMS::ReplicaKey": "kms:key",
    "AWS::Lambda::Function": "lambda:function",
    "AWS::Logs::LogGroup": "logs:log-group",
    "AWS::RDS::DBCluster": "rds:cluster",
    "AWS::RDS::DBInstance": "rds:db",
    "AWS::S3::Bucket": "s3:bucket",
    "AWS::SecretsManager::Secret": "secretsmanager:Secret",
}


@cache
def shipped(name: str) -> Rendering:
    return load_shipped(name)


class Filled:
    """Values of a template as CloudFormation would fill them in, at one place."""

    def __init__(self, rendering: Rendering, stack: str, place: Place) -> None:
        self.rendering, self.stack, self.place = rendering, stack, place
        self.template = rendering[stack].data

    def text(self, value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        ((name, argument),) = value.items()
        return str(getattr(self, f"_{name.replace('::', '_').lower()}")(argument))

    def _ref(self, name: str) -> str:
        known = {
            "AWS::Partition": "aws",
            "AWS::AccountId": self.place.account,
            "AWS::Region": self.place.region,
        }
        if name in known:
            return known[name]
        if name in self.template["Resources"]:
            arn = self._fn_getatt([name, "Arn"])
            is_arn = self.template["Resources"][name]["Type"].endswith("::Secret")
            return arn if is_arn else re.split(r"[:/]", arn)[-1]
        stack = next(s for s in self.rendering.manifest["stacks"] if s["name"] == self.stack)
        parameter = next(p for p in stack["parameters"] if p["name"] == name)
        if parameter["binding"]:  # what a recovery region was given of the primary's
            return self._output(parameter["binding"]["from"]["stack"], parameter["binding"]["from"]["output"])
        return str(parameter["default"])

    def _output(self, stack: str, output: str) -> str:
        value = self.rendering[stack].data["Outputs"][output]["Value"]
        return Filled(self.rendering, stack, places(self.rendering, stack)[0]).text(value)

    def _fn_getatt(self, path: list[str]) -> str:
        resource = self.template["Resources"][path[0]]
        kind = KINDS.get(resource["Type"])
        if kind is None or not path[-1].endswith("Arn"):
            return f"{path[0]}-{RANDOM}"
        (arn,) = arns(self.rendering, self.place, path[0], resource, kind)
        return f"{arn}:*" if kind.startswith("logs:") else arn

    def _fn_sub(self, argument: Any) -> str:
        text, values = argument if isinstance(argument, list) else (argument, {})

        def fill(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "1234"  # a variable of IAM's own, which stands for somebody
            if name in values:
                return self.text(values[name])
            return self._fn_getatt(name.split(".")) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^}]+)\}", fill, text)

    def _fn_importvalue(self, export: str) -> str:
        stack = export.split(":")[2]
        for output in self.rendering[stack].data["Outputs"].values():
            if json.dumps(output["Export"]["Name"]).strip('"') == export:
                there = next(p for p in places(self.rendering, stack) if p.region == self.place.region)
                return Filled(self.rendering, stack, there).text(output["Value"])
        raise AssertionError(export)

    def _fn_join(self, argument: Any) -> str:
        return str(argument[0]).join(self.text(item) for item in argument[1])

    def _fn_if(self, argument: Any) -> str:
        return self.text(argument[1] if self.place.region == "eu-west-1" else argument[2])

    def _fn_select(self, argument: Any) -> str:
        separator, whole = argument[1]["Fn::Split"]
        return self.text(whole).split(separator)[int(argument[0])]

    def _fn_findinmap(self, argument: Any) -> str:
        found = self.template["Mappings"][argument[0]][self.text(argument[1])][self.text(argument[2])]
        return str(found)


def statements(rendering: Rendering) -> Iterator[tuple[Filled, str, dict[str, Any]]]:
    for template in rendering:
        if template.name == deployment.STACK:
            continue
        for logical_id, resource in template.resources.items():
            properties = resource.get("Properties", {})
            is_role = resource["Type"] == "AWS::IAM::Role"
            policies = properties.get("Policies", ()) if is_role else ()
            inline = [policy["PolicyDocument"] for policy in policies]
            managed = resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for document in [*inline, *([properties["PolicyDocument"]] if managed else [])]:
                for place in places(rendering, template.name):
                    for statement in document["Statement"]:
                        yield Filled(rendering, template.name, place), logical_id, statement


def known(filled: Filled, statement: dict[str, Any]) -> dict[str, Any]:
    """Keys of a request that the statement's own conditions let through."""
    found: dict[str, Any] = {"kms:ViaService": f"ec2.{filled.place.region}.amazonaws.com"}
    for tests in statement.get("Condition", {}).values():
        for key, wanted in tests.items():
            found[key] = filled.text(listed(wanted)[0]).replace("*", "x")
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_every_role_may_do_all_that_its_own_policies_say(name):
    rendering = shipped(name)
    accounts = {step["account"] for step in rendering.manifest["steps"]}
    judges = {account: Judge([boundary_policy(rendering, account)]) for account in accounts}
    seen = 0
    for filled, role, statement in statements(rendering):
        judge, context = judges[filled.place.account], known(filled, statement)
        direct = not any("kms:ViaService" in tests for tests in statement.get("Condition", {}).values())
        for action in (one for wide in listed(statement["Action"]) for one in concrete(wide)):
            if direct and action.startswith("kms:"):
                context = {key: value for key, value in context.items() if key != "kms:ViaService"}
            for resource in listed(statement["Resource"]):
                arn = filled.text(resource)
                arn = arn if arn == "*" else arn.replace("*", "x")
                assert judge.allows(action, arn, context), f"{role}: {action} on {arn}"
                seen += 1
    assert seen > 5


@pytest.mark.parametrize("name", SHIPPED)
def test_it_grants_nothing_that_no_role_asks_for(name):
    """But the use of keys through services, which they make with a role's rights and without its asking."""
    rendering = shipped(name)
    asked = {wide for _, _, statement in statements(rendering) for wide in listed(statement["Action"])}
    (account, *_) = {step["account"] for step in rendering.manifest["steps"]}
    for statement in boundary_policy(rendering, account)["Statement"]:
        for action in statement["Action"]:
            begins = action.rstrip("*")
            if "kms:ViaService" not in str(statement.get("Condition")):
                assert any(other.startswith(begins) for other in asked), action
                assert (
                    "*" not in action
                    or re.fullmatch(r"[\w-]+:(Describe|List)\w*\*", action)
                    or action in asked
                )


# -- what it refuses to hold -------------------------------------------------------------------------------


@pytest.fixture
def made(env):
    """A stack with one role, and what is made of it."""

    def make(*actions: str, **role: Any) -> tuple[Made, Names]:
        stack = Stack("x", env(), StackPlace.PRIMARY, purpose="X.")
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        trust = {"Statement": [{"Principal": {"Service": "ec2.amazonaws.com"}}]}
        stack.add(
            Role(
                "Worker",
                AssumeRolePolicyDocument=trust,
                Policies=[Policy(PolicyName="Work", PolicyDocument=document)],
                **role,
            )
        )
        template = {"Resources": {"Worker": stack.resources["Worker"].to_dict()}}
        found = Made([stack], {"x": template}, "")
        return found, Names(stack.subject, found)

    return make


@pytest.mark.parametrize(
    "action",
    ["iam:CreateRole", "iam:PutRolePolicy", "organizations:LeaveOrganization", "sso:PutInlinePolicy"],
)
def test_a_role_that_would_change_who_may_do_what_is_refused(made, action):
    with pytest.raises(BlueprintError, match=rf"may call {action}, which the boundary"):
        boundary(*made(action))


def test_a_policy_of_aws_is_refused_because_nobody_knows_here_what_it_allows(made):
    with pytest.raises(BlueprintError, match="has AWS's policy AdministratorAccess"):
        boundary(*made("s3:GetObject", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]))


def test_a_policy_of_the_templates_is_none_of_aws(made):
    assert boundary(*made("ec2:RunInstances", ManagedPolicyArns=[Ref("Own")]))


def test_roles_that_do_too_much_to_be_bounded_are_refused(made):
    many = [f"ec2:Create{number:04d}{'x' * 40}" for number in range(150)]
    with pytest.raises(BlueprintError, match=f"IAM takes {MOST_CHARACTERS}"):
        boundary(*made(*many))


def test_actions_that_only_look_are_written_short_where_there_are_many(made):
    many = [
        "ec2:DescribeVpcs",
        "ec2:DescribeSubnets",
        "ec2:DescribeInstances",
        "rds:DescribeDBClusters",
        "ec2:CreateTags",
    ]
    first = boundary(*made(*many))[0]
    assert first["Action"] == ["ec2:CreateTags", "ec2:Describe*", "rds:DescribeDBClusters"]


def test_a_key_is_used_through_services_unless_a_role_says_otherwise(made):
    def free(*actions: str) -> list[str]:
        return [a for s in boundary(*made(*actions)) if "Condition" not in s for a in s["Action"]]

    assert free("ec2:CreateTags") == ["ec2:CreateTags"]
    assert free("kms:Decrypt") == ["kms:Decrypt"]


def test_passing_stays_among_the_roles_of_the_environment(made):
    found = boundary(*made("iam:PassRole", "ec2:CreateTags"))[-1]
    assert found["Resource"] == ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/acme-prod/*"]


@pytest.mark.parametrize("name", SHIPPED)
def test_there_is_room_left_in_the_policy_for_what_is_yet_to_come(name):
    policy = boundary_policy(shipped(name), "1" * 12)
    assert characters(policy) < 0.9 * MOST_CHARACTERS
