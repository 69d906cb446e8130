"""The deployment role: everything that a deployment takes, and nothing of anybody else.

What it takes is worked out beside the code under test (``tests/requirements.py``) and put to a judge of IAM
policies (``tests/iam.py``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from blueprint.environment.regions import ENABLED_BY_DEFAULT, ZONES
from blueprint.permissions.policies import MOST_POLICIES
from blueprint.schemas import schema
from blueprint.stacks import deployment
from tests.conftest import EXAMPLE, RECOVERY, SHIPPED, Rendering, load_example, load_shipped
from tests.iam import Judge, allowed, boundary_policy, deployment_policies, filled_in, listed
from tests.requirements import Call, calls

SAMPLE = 25  # actions that are taken away for real; that each is needed is shown for all
OPT_IN = {"recovery": [{"region": "ap-southeast-7", "cidr": "10.1.0.0/16"}]}


@cache
def shipped(name: str) -> Rendering:
    return load_shipped(name)


@cache
def wanted(name: str) -> tuple[Call, ...]:
    unique = {(call.account, call.action, call.resource, call.why): call for call in calls(shipped(name))}
    return tuple(unique.values())


@cache
def judges(name: str) -> dict[str, Judge]:
    accounts = {call.account for call in wanted(name)}
    return {account: Judge(deployment_policies(shipped(name), account)) for account in accounts}


def refused(calls_: tuple[Call, ...], judge: Judge, account: str) -> Iterator[str]:
    for call in calls_:
        if call.account == account and not judge.allows(call.action, call.resource, call.context):
            yield f"{call.action} on {call.resource}, for {call.why}"


# -- enough ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_the_role_may_do_everything_that_a_deployment_takes(name):
    assert len(wanted(name)) > 1000
    for account, judge in judges(name).items():
        assert list(refused(wanted(name), judge, account)) == []


def parts(judge: Judge) -> set[tuple[int, str, str]]:
    """Every action and every resource of every statement that allows."""
    return {
        (index, part, text)
        for index, statement in enumerate(judge.statements)
        if statement["Effect"] == "Allow"
        for part in ("Action", "Resource")
        for text in listed(statement[part])
    }


def needed(judge: Judge, call: Call) -> Iterator[tuple[int, str, str]]:
    """What of the policies the call cannot do without."""
    met = judge.applying(call.action, call.resource, call.context)
    if len(met) != 1:
        return
    (statement,) = met
    index = next(i for i, other in enumerate(judge.statements) if other is statement)
    for part, text in (("Action", call.action), ("Resource", call.resource)):
        hits = [wide for wide in listed(statement[part]) if matches(part, wide, text)]
        if len(hits) == 1:
            yield index, part, hits[0]


def matches(part: str, wide: str, text: str) -> bool:
    statement = {"Effect": "Allow", "Action": ["x:y"], "Resource": ["z"], part: [wide]}
    action, resource = (text, "z") if part == "Action" else ("x:y", text)
    return Judge([{"Statement": [statement]}]).allows(action, resource)


@pytest.mark.parametrize("name", SHIPPED)
def test_without_any_one_action_or_resource_something_is_refused(name):
    """So nothing is there that no deployment takes, and nothing can go unnoticed."""
    account, judge = next(iter(judges(name).items()))
    used = {part for call in wanted(name) if call.account == account for part in needed(judge, call)}
    assert sorted(parts(judge) - used) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_an_action_that_is_taken_away_is_missed(name):
    account = next(iter(judges(name)))
    policies = deployment_policies(shipped(name), account)
    places = [
        (statement, action)
        for policy in policies
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    for statement, action in random.Random(0).sample(places, SAMPLE):  # noqa: S311
        left = [
            {**s, "Action": [a for a in s["Action"] if a != action]} if s is statement else s
            for p in policies
            for s in p["Statement"]
        ]
        judge = Judge([{"Statement": [s for s in left if s["Action"]]}])
        assert any(refused(wanted(name), judge, account)), action


# -- and nothing more --------------------------------------------------------------------------------------

MINE, HERE = "111122223333", "eu-west-1"
BASE = {
    "aws:RequestedRegion": HERE,
    "aws:ResourceTag/project": "acme",
    "aws:ResourceTag/environment": "prod",
    "iam:PermissionsBoundary": f"arn:aws:iam::{MINE}:policy/acme-prod-boundary",
    "kms:ViaService": "s3.eu-west-1.amazonaws.com",
}


def _iam(path: str) -> str:
    return f"arn:aws:iam::{MINE}:{path}"


def _at(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{HERE}:{MINE}:{rest}"


OWN_ROLE = _iam("role/acme-prod/acme-prod-network-FlowLogRole-1ABC")
NOT_ALLOWED: dict[str, tuple[str, str, dict[str, Any]]] = {
    # -- other environments, and whoever else is in the account
    "another environment's stack": (
        "cloudformation:DeleteStack",
        _at("cloudformation", "stack/acme-staging-network/1"),
        {},
    ),
    "somebody's stack": ("cloudformation:UpdateStack", _at("cloudformation", "stack/payroll/1"), {}),
    "another environment's stack set": (
        "cloudformation:UpdateStackSet",
        _at("cloudformation", "stackset/acme-staging-x:1"),
        {},
    ),
    "another environment's bucket": (
        "s3:DeleteBucket",
        f"arn:aws:s3:::acme-staging-uploads-{MINE}-{HERE}-an",
        {},
    ),
    "another account's bucket of the same name": (
        "s3:PutBucketPolicy",
        f"arn:aws:s3:::acme-prod-uploads-999988887777-{HERE}-an",
        {},
    ),
    "users' files": ("s3:GetObject", f"arn:aws:s3:::acme-prod-uploads-{MINE}-{HERE}-an/users/1/x", {}),
    "another environment's lock": (
        "s3:DeleteObject",
        f"arn:aws:s3:::acme-account-artifacts-{MINE}-{HERE}-an/locks/staging.json",
        {},
    ),
    "another environment's templates": (
        "s3:PutObject",
        f"arn:aws:s3:::acme-account-artifacts-{MINE}-{HERE}-an/templates/staging/1.json",
        {},
    ),
    "another environment's database": (
        "rds:DeleteDBCluster",
        _at("rds", "cluster:acme-staging-database"),
        {},
    ),
    "another environment's secret": (
        "secretsmanager:GetSecretValue",
        _at("secretsmanager", "secret:acme-staging-database-master-AbCdEf"),
        {},
    ),
    "another environment's function": (
        "lambda:UpdateFunctionCode",
        _at("lambda", "function:acme-staging-network-X-1"),
        {},
    ),
    "another environment's logs": (
        "logs:DeleteLogGroup",
        _at("logs", "log-group:/aws/rds/cluster/acme-staging-database/error"),
        {},
    ),
    "another environment's alias": ("kms:UpdateAlias", _at("kms", "alias/acme-staging-database"), {}),
    "a key without our tags": (
        "kms:ScheduleKeyDeletion",
        _at("kms", "key/1"),
        {"aws:ResourceTag/environment": "staging"},
    ),
    "a network without our tags": (
        "ec2:DeleteVpc",
        _at("ec2", "vpc/vpc-1"),
        {"aws:ResourceTag/environment": "staging"},
    ),
    "users without our tags": (
        "cognito-idp:DeleteUserPool",
        _at("cognito-idp", "userpool/x"),
        {"aws:ResourceTag/project": "other"},
    ),
    "somebody's instance": ("ec2:TerminateInstances", _at("ec2", "instance/i-1"), {}),
    "an instance without Beanstalk's template": ("ec2:RunInstances", _at("ec2", "instance/*"), {}),
    "a record elsewhere": (
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z1",
        {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["payroll.example.com"]},
    ),
    "data with a key, directly": ("kms:Decrypt", _at("kms", "key/1"), {"kms:ViaService": None}),
    "another region": (
        "rds:CreateDBCluster",
        f"arn:aws:rds:us-west-2:{MINE}:cluster:acme-prod-x",
        {"aws:RequestedRegion": "us-west-2"},
    ),
    # -- more power
    "a role without the boundary": ("iam:CreateRole", OWN_ROLE, {"iam:PermissionsBoundary": None}),
    "a role with another boundary": (
        "iam:CreateRole",
        OWN_ROLE,
        {"iam:PermissionsBoundary": _iam("policy/wide")},
    ),
    "a policy for a role without the boundary": (
        "iam:PutRolePolicy",
        OWN_ROLE,
        {"iam:PermissionsBoundary": None},
    ),
    "taking the boundary away": ("iam:DeleteRolePermissionsBoundary", OWN_ROLE, {}),
    "another boundary": (
        "iam:PutRolePermissionsBoundary",
        OWN_ROLE,
        {"iam:PermissionsBoundary": _iam("policy/wide")},
    ),
    "a role of another environment": ("iam:PutRolePolicy", _iam("role/acme-staging/x"), {}),
    "a role that only begins alike": ("iam:CreateRole", _iam("role/acme-prod-x"), {}),
    "a user": ("iam:CreateUser", _iam("user/acme-prod/eve"), {}),
    "a key of a user": ("iam:CreateAccessKey", _iam("user/eve"), {}),
    "itself": ("iam:AttachRolePolicy", _iam("role/acme-prod-deployment"), {}),
    "its trust": ("iam:UpdateAssumeRolePolicy", _iam("role/acme-prod-deployment"), {}),
    "its policies": ("iam:CreatePolicyVersion", _iam("policy/acme-prod-deployment-Permissions1-X"), {}),
    "the boundary itself": ("iam:CreatePolicyVersion", _iam("policy/acme-prod-boundary"), {}),
    "the role of stack sets": ("iam:PutRolePolicy", _iam("role/acme-prod-stack-sets"), {}),
    "its own stack": (
        "cloudformation:ExecuteChangeSet",
        _at("cloudformation", "stack/acme-prod-deployment/1"),
        {},
    ),
    "the stack of its boundary": (
        "cloudformation:DeleteStack",
        _at("cloudformation", "stack/acme-prod-deployment/1"),
        {},
    ),
    "another role's rights": ("sts:AssumeRole", _iam("role/admin"), {}),
    "passing an administrator": (
        "iam:PassRole",
        _iam("role/admin"),
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    "passing a role to another service": (
        "iam:PassRole",
        OWN_ROLE,
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    "passing itself": (
        "iam:PassRole",
        _iam("role/acme-prod-deployment"),
        {"iam:PassedToService": "cloudformation.amazonaws.com"},
    ),
    "a service-linked role of another service": (
        "iam:CreateServiceLinkedRole",
        _iam("role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"),
        {"iam:AWSServiceName": "guardduty.amazonaws.com"},
    ),
    "the organization": ("organizations:LeaveOrganization", "*", {}),
    "the audit": ("cloudtrail:StopLogging", _at("cloudtrail", "trail/acme-account-trail"), {}),
}


@pytest.fixture(scope="module")
def prod() -> Judge:
    return Judge(deployment_policies(load_example("prod"), MINE))


@pytest.mark.parametrize("what", NOT_ALLOWED)
def test_the_role_may_not_reach(what, prod):
    action, resource, over = NOT_ALLOWED[what]
    context = {key: value for key, value in {**BASE, **over}.items() if value is not None}
    assert not prod.allows(action, resource, context)


def test_what_is_refused_is_refused_for_what_it_says_and_allowed_otherwise(prod):
    """Else the list above would hold for a typing mistake as well."""
    for action, resource, over in (
        ("cloudformation:DeleteStack", _at("cloudformation", "stack/acme-prod-network/1"), {}),
        ("s3:DeleteBucket", f"arn:aws:s3:::acme-prod-uploads-{MINE}-{HERE}-an", {}),
        ("kms:ScheduleKeyDeletion", _at("kms", "key/1"), {}),
        ("iam:CreateRole", OWN_ROLE, {}),
        ("iam:PassRole", OWN_ROLE, {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}),
        ("rds:CreateDBCluster", _at("rds", "cluster:acme-prod-database"), {}),
        (
            "rds:CreateDBCluster",
            f"arn:aws:rds:eu-central-1:{MINE}:cluster:acme-prod-x",
            {"aws:RequestedRegion": "eu-central-1"},
        ),
    ):
        assert prod.allows(action, resource, {**BASE, **over}), action


def test_the_guard_refuses_even_what_another_policy_would_allow():
    """Somebody attaches AdministratorAccess to the role: it still cannot free itself."""
    policies = [
        *deployment_policies(load_example("prod"), MINE),
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
    ]
    for what in (
        "itself",
        "its policies",
        "the boundary itself",
        "its own stack",
        "taking the boundary away",
        "another region",
    ):
        action, resource, over = NOT_ALLOWED[what]
        assert not allowed(policies, action, resource, {**BASE, **over}), what


# -- the boundary ------------------------------------------------------------------------------------------


def test_what_a_role_must_not_have_its_boundary_has_not():
    policy = boundary_policy(load_example("prod"), MINE)
    for action, resource in (
        ("iam:CreateRole", OWN_ROLE),
        ("iam:PutRolePolicy", OWN_ROLE),
        ("iam:PassRole", _iam("role/admin")),
        ("organizations:LeaveOrganization", "*"),
        ("s3:GetObject", "arn:aws:s3:::payroll/x"),
        ("secretsmanager:GetSecretValue", _at("secretsmanager", "secret:payroll-AbCdEf")),
        ("lambda:CreateFunction", _at("lambda", "function:x")),
    ):
        assert not allowed([policy], action, resource, BASE), action
    assert not allowed([policy], "kms:Decrypt", _at("kms", "key/1"), {})
    assert allowed([policy], "kms:Decrypt", _at("kms", "key/1"), BASE)


# -- who takes it on ---------------------------------------------------------------------------------------


def trust(rendering: Rendering, role: str = "DeploymentRole") -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = rendering["deployment"].properties(role)["AssumeRolePolicyDocument"][
        "Statement"
    ]
    return statements


def test_users_show_a_second_factor_and_roles_need_none(rendered):
    by_sid = {statement["Sid"]: statement for statement in trust(rendered())}
    assert by_sid["UsersWithSecondFactor"]["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": True}}
    assert by_sid["Roles"]["Condition"] == {"StringEquals": {"aws:PrincipalType": "AssumedRole"}}


def test_the_account_decides_unless_principals_are_named(rendered):
    template = rendered()["deployment"]
    everybody = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    who = {"Fn::If": ["EverybodyOfTheAccount", everybody, {"Ref": "Deployers"}]}
    assert [statement["Principal"] for statement in trust(rendered())] == [{"AWS": who}] * 2
    assert template.data["Conditions"]["EverybodyOfTheAccount"] == {
        "Fn::Equals": [{"Fn::Join": ["", {"Ref": "Deployers"}]}, ""]
    }
    assert template.data["Parameters"]["Deployers"]["Default"] == ""


# -- stack sets --------------------------------------------------------------------------------------------


def test_stack_sets_reach_the_role_by_one_that_can_do_nothing_else(rendered):
    made = rendered(**RECOVERY)
    role = made["deployment"].properties("StackSetsRole")
    (policy,) = role["Policies"]
    (statement,) = filled_in(policy["PolicyDocument"], MINE)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Resource": [_iam("role/acme-prod-deployment")],
    }
    assert trust(made)[-1]["Principal"] == {"AWS": {"Fn::GetAtt": ["StackSetsRole", "Arn"]}}
    assert role["RoleName"] == made.manifest["deployment"]["stack_sets"]["administration_role"]


def test_only_stack_sets_of_this_environment_take_their_role_on(rendered):
    (statement,) = trust(rendered(**RECOVERY), "StackSetsRole")
    assert statement["Principal"] == {"Service": ["cloudformation.amazonaws.com"]}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {
            "aws:SourceArn": {
                "Fn::Sub": "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stackset/acme-prod-*"
            }
        },
    }


def test_a_region_that_accounts_enable_has_a_principal_of_its_own(rendered):
    (statement,) = trust(rendered(**OPT_IN), "StackSetsRole")
    assert statement["Principal"]["Service"] == [
        "cloudformation.amazonaws.com",
        "cloudformation.ap-southeast-7.amazonaws.com",
    ]
    assert not ENABLED_BY_DEFAULT - set(ZONES)


@pytest.mark.parametrize(
    "over",
    [
        {},
        {
            **RECOVERY,
            "deployment": {
                "stack_sets": {"permission_model": "service-managed", "organizational_units": ["r-ab12"]}
            },
        },
    ],
)
def test_without_stack_sets_of_ours_there_is_no_role_for_them(rendered, over):
    made = rendered(**over)
    assert "StackSetsRole" not in made["deployment"].resources
    assert len(trust(made)) == 2
    passed = {"iam:PassedToService": "cloudformation.amazonaws.com", "aws:RequestedRegion": HERE}
    assert not allowed(
        deployment_policies(made, MINE), "iam:PassRole", _iam("role/acme-prod-stack-sets"), passed
    )


# -- its place ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_the_first_stack_of_all_and_nothing_begins_before_it(name):
    manifest = shipped(name).manifest
    first = [step["stack"] for step in manifest["steps"] if step["wave"] == 1]
    assert set(first) == {deployment.STACK}
    assert manifest["stacks"][0]["name"] == deployment.STACK
    assert (
        manifest["deployment"]["role"] == shipped(name)["deployment"].properties("DeploymentRole")["RoleName"]
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_its_policies_are_fewer_than_a_role_may_have(name):
    attached = shipped(name)["deployment"].properties("DeploymentRole")["ManagedPolicyArns"]
    assert 1 <= len(attached) <= MOST_POLICIES


def test_the_example_is_there():
    assert (EXAMPLE / "prod.yaml").is_file()


# -- what is destroyed by its tags -------------------------------------------------------------------------

#: Types that act on another type's resource (a route table's, a user pool's), which has the tags.
ACT_ON_OTHERS = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Cognito::ManagedLoginBranding",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::EC2::Route",
    "AWS::KMS::Alias",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_deleted_by_its_tags_has_them(name):
    (account, *_) = judges(name)
    by_tags = {
        action
        for policy in deployment_policies(shipped(name), account)
        for statement in policy["Statement"]
        if "aws:ResourceTag/environment" in str(statement.get("Condition"))
        for action in statement["Action"]
    }
    assert by_tags
    for template in shipped(name):
        for logical_id, resource in template.resources.items():
            kind = resource["Type"]
            if kind.startswith("Custom::") or kind in ACT_ON_OTHERS or template.name == deployment.STACK:
                continue
            deletes = schema(kind).get("handlers", {}).get("delete", {}).get("permissions", ())
            if by_tags & set(deletes):
                tags = [key for key in resource["Properties"] if key.endswith("Tags")]
                assert tags, f"{logical_id} of {template.name}"
                text = str(resource["Properties"][tags[0]])
                assert shipped(name).manifest["environment"] in text
