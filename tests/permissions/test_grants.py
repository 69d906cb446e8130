"""Needs become statements: on what is ours, under the conditions that IAM knows."""

from __future__ import annotations

import pytest

from blueprint.permissions.grants import Grant, Granter, covers, statements, uncovered
from blueprint.permissions.names import BEANSTALK
from blueprint.permissions.needs import Need

ROLE = {
    "Worker": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": "lambda.amazonaws.com"}}]}
        },
    }
}


@pytest.fixture
def granted(makes):
    """The statement for one action: its resources and its condition."""

    def ask(action: str, scope=None, resources=None, **options):
        names = makes(resources or {}, **options)
        need = Need(action, "test", scope) if scope else Need(action, "test")
        found = statements(Granter(names.subject, names.made, names).grants([need]))
        return [(s["Resource"], s.get("Condition")) for s in found if action in s["Action"]]

    return ask


def test_an_action_that_knows_no_resource_is_for_all(granted):
    assert granted("ec2:DescribeVpcs") == [(["*"], None)]


def test_an_action_on_what_has_our_name_is_for_that(granted):
    ((resources, condition),) = granted("lambda:DeleteFunction")
    assert resources == ["arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:acme-prod-*"]
    assert condition is None


def test_what_has_no_name_of_ours_is_destroyed_by_its_tags_only(granted):
    tags = {"StringEquals": {"aws:ResourceTag/project": "acme", "aws:ResourceTag/environment": "prod"}}
    for action in (
        "kms:ScheduleKeyDeletion",
        "ec2:DeleteVpc",
        "ec2:ReleaseAddress",
        "cognito-idp:DeleteUserPool",
    ):
        assert [condition for _, condition in granted(action)] == [tags], action
    for action in ("kms:EnableKey", "ec2:CreateVpc", "ec2:DeleteTags", "route53:DeleteHostedZone"):
        assert [condition for _, condition in granted(action)] == [None], action


def test_roles_are_changed_with_our_boundary_only(granted):
    ((resources, condition),) = granted("iam:CreateRole")
    assert resources == ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/acme-prod/*"]
    ours = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/acme-prod-boundary"
    assert condition == {"StringEquals": {"iam:PermissionsBoundary": ours}}


def test_keys_are_used_through_services_and_granted_to_them(granted):
    assert granted("kms:Decrypt")[0][1] == {"Null": {"kms:ViaService": "false"}}
    assert granted("kms:CreateGrant")[0][1] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_records_are_those_at_the_domain(granted):
    names = ["shop.example.com", "*.shop.example.com"]
    assert granted("route53:ChangeResourceRecordSets")[0][1] == {
        "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": names}
    }


def test_a_role_is_passed_to_whom_it_trusts_and_to_no_other(granted):
    assert granted("iam:PassRole", resources=ROLE) == [
        (
            ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/acme-prod/*-Worker*"],
            {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        )
    ]
    assert granted("iam:PassRole") == []


def test_ec2_has_one_arn_for_all_and_beanstalk_the_images_of_aws_beside(granted):
    every = "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:*/*"
    assert granted("ec2:CreateTags") == [([every], None)]
    ((resources, condition),) = granted("ec2:RunInstances", BEANSTALK)
    assert resources == [
        every,
        *(f"arn:${{AWS::Partition}}:ec2:*::{kind}/*" for kind in ("image", "snapshot")),
    ]
    assert list(condition) == ["ArnLike"]


# -- together ----------------------------------------------------------------------------------------------


def test_grants_that_differ_in_their_action_alone_are_one_statement():
    found = statements(
        [Grant("a:One", "r"), Grant("a:Two", "r"), Grant("a:Three", "r", '{"Bool": {"x": "true"}}')]
    )
    assert found == [
        {"Effect": "Allow", "Action": ["a:One", "a:Two"], "Resource": ["r"]},
        {"Effect": "Allow", "Action": ["a:Three"], "Resource": ["r"], "Condition": {"Bool": {"x": "true"}}},
    ]


def test_what_a_wildcard_gives_already_is_not_said_again():
    wide, narrow = Grant("a:Get*", "*"), Grant("a:GetOne", "r")
    assert [s["Action"] for s in statements([wide, narrow])] == [["a:Get*"]]
    conditional = Grant("a:Get*", "*", '{"Bool": {"x": "true"}}')
    assert len(statements([conditional, narrow])) == 2
    assert len(statements([Grant("a:Get*", "other"), narrow])) == 2
    assert uncovered(["a*c", "abc", "abd"]) == ["a*c", "abd"]


@pytest.mark.parametrize(
    ("wide", "text", "does"),
    [
        ("a*", "abc", True),
        ("a*c", "abc", True),
        ("a*c", "abd", False),
        ("*", "", True),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXcYb", False),
        ("ab*ba", "aba", False),  # no character may stand for both
    ],
)
def test_what_a_wildcard_stands_for(wide, text, does):
    assert covers(wide, text) == does
