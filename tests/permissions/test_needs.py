"""What deploying takes: the handlers of what is there, what they leave out, and the command's own calls."""

from __future__ import annotations

import pytest

from blueprint.permissions.names import BEANSTALK, EVERYTHING, STACK_SETS, STACKS
from blueprint.permissions.needs import command_needs, needs, resource_needs


def actions(found) -> set[str]:
    return {need.action for need in found}


def thing(resource_type: str, **properties) -> dict:
    return {"Thing": {"Type": resource_type, "Properties": properties}}


def test_a_type_needs_what_its_handlers_call_and_nothing_of_other_types(makes):
    found = actions(resource_needs(makes(thing("AWS::KMS::Alias")).made))
    assert found == {"kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:ListAliases"}


def test_what_the_schema_leaves_out_is_added(makes):
    assert "kms:GenerateDataKey" in actions(resource_needs(makes(thing("AWS::SecretsManager::Secret")).made))


def test_what_only_a_property_needs_comes_with_it(makes):
    without = actions(resource_needs(makes(thing("AWS::EC2::VPCEndpoint")).made))
    with_it = actions(resource_needs(makes(thing("AWS::EC2::VPCEndpoint", ServiceRegion="eu-west-1")).made))
    assert with_it - without == {"vpce:AllowMultiRegion"}


def test_taking_a_boundary_away_is_never_needed(makes):
    found = actions(
        resource_needs(makes(thing("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": []})).made)
    )
    assert "iam:PutRolePermissionsBoundary" in found
    assert "iam:DeleteRolePermissionsBoundary" not in found


def test_names_in_schemas_that_are_no_actions_are_left_out(makes):
    found = actions(resource_needs(makes(thing("AWS::Logs::LogGroup")).made))
    assert "s3:REST.PUT.OBJECT" not in found
    assert "logs:CreateLogGroup" in found


def test_a_custom_resource_needs_its_function_to_be_called(makes):
    assert actions(resource_needs(makes(thing("Custom::Thing")).made)) == {"lambda:InvokeFunction"}


def test_what_beanstalk_does_with_the_callers_rights_is_about_what_it_makes(makes):
    found = list(resource_needs(makes(thing("AWS::ElasticBeanstalk::Environment")).made))
    scopes = {need.action: need.scope for need in found}
    assert scopes["autoscaling:CreateAutoScalingGroup"] is BEANSTALK
    assert scopes["s3:GetObject"] is not EVERYTHING


@pytest.mark.parametrize(
    ("text", "scoped"),
    [
        ("{{resolve:secretsmanager:${Secret}:SecretString:x}}", False),
        ("{{resolve:secretsmanager:acme/g:S:x}}", True),
    ],
)
def test_a_secret_that_cloudformation_reads_must_be_readable(makes, text, scoped):
    (need,) = (n for n in resource_needs(makes(thing("Custom::X", P=text)).made) if "GetSecret" in n.action)
    assert (need.scope is not EVERYTHING) == scoped


def test_a_secret_that_a_person_fills_in_is_looked_for(makes):
    made = makes({}, secrets=("acme/google",))
    assert "secretsmanager:DescribeSecret" in actions(command_needs(made.subject, made.made))
    assert "secretsmanager:DescribeSecret" not in actions(command_needs(made.subject, makes({}).made))


def test_stack_sets_are_called_where_there_are_any(makes):
    one, two = makes(thing("AWS::EC2::VPC")), makes(thing("AWS::EC2::VPC"), recovery=True)
    without, with_sets = (actions(needs(made.subject, made.made)) for made in (one, two))
    assert with_sets - without == {
        action for action in with_sets if "StackSet" in action or "StackInstance" in action
    }
    scopes = {need.scope for need in command_needs(two.subject, two.made)}
    assert {STACKS, STACK_SETS} <= scopes
