"""The holes of the schemas: each addition is of something real, and says where it is known from."""

from __future__ import annotations

import pytest

from blueprint.permissions import additions, facts
from blueprint.schemas import schema, types_in

REGION = "us-east-1"


@pytest.mark.parametrize("row", additions.ADDITIONS, ids=lambda row: f"{row.resource_type} {row.service}")
def test_an_addition_is_of_a_type_and_of_actions_that_exist(row):
    assert row.resource_type in types_in(REGION)
    for action in row.actions:
        assert facts.action(action) == action if "*" not in action else action.endswith("*")
    assert len(row.source) > 15


@pytest.mark.parametrize("row", additions.ADDITIONS, ids=lambda row: f"{row.resource_type} {row.service}")
def test_an_addition_goes_when_the_schema_has_learnt_it(row):
    """Not every action: a row stays while it has one that the schema lacks."""
    known = {facts.action(text) for text in facts.handlers_in_schema(row.resource_type)}
    assert set(row.actions) - known


@pytest.mark.parametrize("key", additions.ONLY_WITH, ids=str)
def test_what_only_a_property_needs_is_in_the_schema_of_the_type(key):
    resource_type, what = key
    texts = {text.lower() for text in facts.handlers_in_schema(resource_type)}
    assert any(text == what.lower() or text.startswith(f"{what}:") for text in texts), what
    whole = str(schema(resource_type))
    assert any(f"'{word}'" in whole for word in additions.ONLY_WITH[key]) or what == "lambda"


def test_what_is_refused_is_asked_for_by_a_schema():
    assert set(additions.REFUSED) <= set(facts.handlers_in_schema("AWS::IAM::Role"))


def test_service_linked_roles_follow_from_what_there_is(makes):
    def linked(**resources):
        return additions.linked_services(makes(resources).made)

    def thing(kind, **properties):
        return {"Type": kind, "Properties": properties}

    assert linked() == []
    assert linked(A=thing("AWS::RDS::DBCluster")) == ["rds.amazonaws.com"]
    target = thing("AWS::ApplicationAutoScaling::ScalableTarget", ServiceNamespace="dynamodb")
    assert linked(A=target) == ["dynamodb.application-autoscaling.amazonaws.com"]
    assert linked(A=thing("AWS::KMS::Key")) == []
    assert linked(A=thing("AWS::KMS::Key", MultiRegion=True)) == ["mrk.kms.amazonaws.com"]
    pool = thing("AWS::Cognito::UserPool", EmailConfiguration={"SourceArn": "arn"})
    assert linked(A=pool) == ["email.cognito-idp.amazonaws.com"]
    assert linked(A=thing("AWS::Cognito::UserPool")) == []
