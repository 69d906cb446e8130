"""A template reads top to bottom, and tells a person in the console what to do with it."""

from __future__ import annotations

import json

import pytest
from troposphere import Ref, Template
from troposphere.iam import InstanceProfile, ManagedPolicy, Role
from troposphere.s3 import Bucket, VersioningConfiguration

from blueprint.problems import BlueprintError
from blueprint.render.linking import link
from blueprint.render.template import assemble, capabilities, description, fill_in, to_bytes
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY
from tests.small import codes, stack_of

BOTH = (Place.PRIMARY, Place.RECOVERY)
TEXTS = {"group": "Keys", "label": "Label", "description": "D"}
TRUST = {"Version": "2012-10-17", "Statement": []}


def assembled(stack: Stack, *others: Stack) -> dict:
    return assemble(stack, link([stack, *others]))


# -- sections ------------------------------------------------------------------------------------------


def test_sections_stand_in_the_order_in_which_people_read_them(env):
    stack = stack_of(env(**RECOVERY), "data", *BOTH)
    stack.parameter("Days", "7", constraint="C", **TEXTS)
    stack.is_primary()
    assert list(assembled(stack)) == [
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Mappings",
        "Conditions",
        "Resources",
        "Outputs",
    ]


def test_empty_sections_are_left_out(env):
    sections = assembled(stack_of(env(), "data", outputs=()))
    assert not {"Metadata", "Parameters", "Mappings", "Conditions", "Outputs"} & set(sections)


def test_every_parameter_stands_in_its_labelled_group(env):
    stack = stack_of(env(), "data")
    stack.parameter("Days", "7", constraint="C", **TEXTS)
    assert assembled(stack)["Metadata"]["AWS::CloudFormation::Interface"] == {
        "ParameterGroups": [{"Label": {"default": "Keys"}, "Parameters": ["Days"]}],
        "ParameterLabels": {"Days": {"default": "Label"}},
    }


def test_a_template_refuses_a_region_that_it_was_not_rendered_for(env):
    rule = assembled(stack_of(env(**RECOVERY), "data", *BOTH))["Rules"]["RegionIsForeseen"]
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Contains": [["eu-west-1", "eu-central-1"], {"Ref": "AWS::Region"}]
    }


def test_a_template_is_indented_ascii_that_ends_in_a_newline():
    body = to_bytes({"Description": "Café"})
    assert body == b'{\n "Description": "Caf\\u00e9"\n}\n'


def test_what_troposphere_refuses_names_layer_stack_and_resource(env):
    stack = stack_of(env(), "data")
    stack.layer = "storage"
    stack.add(ManagedPolicy("NoDocument"))
    with pytest.raises(BlueprintError) as error:
        assembled(stack)
    assert codes(error) == ["REN010"]
    for word in ("storage", "data", "NoDocument", "PolicyDocument"):
        assert word in str(error.value)


def test_a_resource_becomes_what_troposphere_itself_makes_of_it(env):
    stack = stack_of(env(), "data")
    bucket = stack.add(Bucket("Other", VersioningConfiguration=VersioningConfiguration(Status="Enabled")))
    template = Template()
    template.add_resource(bucket)
    assert assembled(stack)["Resources"]["Other"] == json.loads(template.to_json())["Resources"]["Other"]


# -- capabilities --------------------------------------------------------------------------------------


def test_nothing_is_to_be_ticked_where_no_identity_is_made(env):
    assert capabilities(stack_of(env(), "data")) == []


def test_an_unnamed_role_needs_the_smaller_capability(env):
    stack = stack_of(env(), "data")
    stack.add(Role("Role", AssumeRolePolicyDocument=TRUST))
    assert capabilities(stack) == ["CAPABILITY_IAM"]


@pytest.mark.parametrize(
    "resource",
    [
        Role("R", RoleName="acme-prod", AssumeRolePolicyDocument=TRUST),
        ManagedPolicy("R", ManagedPolicyName="acme-prod", PolicyDocument=TRUST),
        InstanceProfile("R", InstanceProfileName="acme-prod", Roles=["x"]),
    ],
    ids=lambda resource: resource.resource_type,
)
def test_a_named_identity_needs_the_larger_one(env, resource):
    stack = stack_of(env(), "data")
    stack.add(resource)
    assert capabilities(stack) == ["CAPABILITY_NAMED_IAM"]


# -- description ---------------------------------------------------------------------------------------


def test_the_description_says_what_to_type_and_where_to_upload_and_what_to_tick(env):
    stack = stack_of(env(**RECOVERY), "data", *BOTH)
    stack.add(Role("Role", AssumeRolePolicyDocument=TRUST))
    text = description(stack, link([stack]))
    assert text.startswith("The data. Stack name: acme-prod-data. ")
    assert "Region: eu-west-1, then eu-central-1." in text
    assert "Tick: CAPABILITY_IAM." in text


def test_the_description_carries_no_step_numbers(env):
    """They would make one more layer an update of every stack."""
    subject = env(**RECOVERY)
    stack = stack_of(subject, "data", *BOTH)
    stack.output_of("keys", "Id")
    before = description(stack, link([stack, stack_of(subject, "keys", *BOTH)]))
    more = link([stack, stack_of(subject, "keys", *BOTH), stack_of(subject, "aaa", *BOTH)])
    assert description(stack, more) == before
    assert "step" not in before


def test_the_description_says_which_values_come_from_where(env):
    subject = env(**RECOVERY)
    keys, data = stack_of(subject, "keys", *BOTH, outputs=["Arn", "Id"]), stack_of(subject, "data", *BOTH)
    for name, output in (("KeyArn", "Arn"), ("Id", "Id")):
        data.bound_parameter(name, stack="keys", output=output, pattern=".+", **TEXTS)
    plan = link([keys, data])
    assert fill_in(data, plan) == [
        "In eu-central-1 fill in, from the outputs of acme-prod-keys in eu-west-1: "
        "KeyArn (its output Arn), Id."
    ]
    assert fill_in(data, plan)[0] in description(data, plan)


def test_the_description_says_when_to_change_a_parameter_later(env):
    stack = stack_of(env(), "data")
    parameter = stack.parameter("Replicate", "false", constraint="C", **TEXTS)
    stack.second_pass(parameter, "true", after=[], why="the other side must exist.")
    text = description(stack, link([stack]))
    assert "Then update Replicate to true: the other side must exist." in text


def test_a_description_that_cloudformation_would_cut_is_refused(env):
    stack = Stack("data", env(), Place.PRIMARY, purpose="é" * 600)
    stack.add_stateful(Bucket("Bucket"))
    with pytest.raises(BlueprintError) as error:
        assembled(stack)
    assert codes(error) == ["REN011"]


def test_outputs_keep_their_description_and_condition(env):
    stack = stack_of(env(**RECOVERY), "data", *BOTH)
    stack.output_by_origin("Name", Ref("Bucket"), Ref("Bucket"), "Its name")
    outputs = assembled(stack)["Outputs"]
    assert outputs["NameInRecovery"]["Condition"] == "IsRecovery"
    assert outputs["NameInRecovery"]["Description"] == "Its name"
