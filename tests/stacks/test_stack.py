"""What a layer writes down in a stack, and what the stack adds by itself."""

from __future__ import annotations

import pytest
from troposphere import GetAtt, Ref, Tags
from troposphere.ec2 import VPC, VPCGatewayAttachment
from troposphere.kms import Key, ReplicaKey
from troposphere.s3 import Bucket
from troposphere.ssm import Parameter as SsmParameter

from blueprint.problems import BlueprintError
from blueprint.stacks.places import Place
from blueprint.stacks.stack import UNBOUND, Stack
from tests.conftest import RECOVERY
from tests.small import codes, stack_of

TEXTS = {"group": "G", "label": "L", "description": "D", "constraint": "C"}


def both(env) -> Stack:
    return Stack("data", env(**RECOVERY), Place.PRIMARY, Place.RECOVERY, purpose="Data.")


# -- names and regions ---------------------------------------------------------------------------------


def test_a_stack_is_named_after_project_environment_and_stack(env):
    stack = stack_of(env(), "data")
    assert stack.stack_name == "acme-prod-data"
    assert stack.export_name("Id") == "acme:prod:data:Id"


def test_regions_that_coincide_are_deployed_once(env):
    stack = stack_of(env(region="us-east-1"), "edge", Place.PRIMARY, Place.US_EAST_1)
    assert stack.regions == ("us-east-1",)
    assert list(stack.targets.values()) == [Place.PRIMARY]


def test_a_value_that_is_the_same_everywhere_is_written_out(env):
    stack = both(env)
    assert stack.by_region("Size", {"eu-west-1": 1, "eu-central-1": 1}) == 1
    assert not stack.mapping


def test_a_value_that_differs_between_regions_is_looked_up_by_region(env):
    stack = both(env)
    found = stack.by_region("Size", {"eu-west-1": 1, "eu-central-1": 2})
    assert found.to_dict() == {"Fn::FindInMap": ["Region", {"Ref": "AWS::Region"}, "Size"]}
    assert stack.mapping == {"eu-west-1": {"Size": 1}, "eu-central-1": {"Size": 2}}


def test_one_name_stands_for_one_value_by_region(env):
    stack = both(env)
    stack.by_region("Size", {"eu-west-1": 1, "eu-central-1": 2})
    stack.by_region("Size", {"eu-west-1": 1, "eu-central-1": 2})
    with pytest.raises(ValueError, match="Size"):
        stack.by_region("Size", {"eu-west-1": 1, "eu-central-1": 3})


def test_origin_is_a_condition_on_the_region_and_never_a_parameter(env):
    stack = both(env)
    assert stack.spans_recovery
    condition = stack.conditions[stack.is_primary()].to_dict()
    assert condition == {
        "Fn::Equals": [{"Fn::FindInMap": ["Region", {"Ref": "AWS::Region"}, "Origin"]}, "primary"]
    }
    assert stack.mapping == {"eu-west-1": {"Origin": "primary"}, "eu-central-1": {"Origin": "recovery"}}
    assert stack.conditions[stack.is_recovery()].to_dict() == {"Fn::Not": [{"Condition": "IsPrimary"}]}


def test_a_stack_of_one_region_does_not_span_recovery(env):
    assert not stack_of(env(), "data", Place.PRIMARY, Place.RECOVERY).spans_recovery
    assert not stack_of(env(**RECOVERY), "data", Place.RECOVERY).spans_recovery


# -- parameters ----------------------------------------------------------------------------------------


def test_a_parameter_says_what_it_is_and_what_it_takes(env):
    stack = stack_of(env(), "data")
    parameter = stack.parameter("Days", 7, kind="Number", minimum=1, maximum=30, **TEXTS)
    assert parameter.to_dict() == {
        "Type": "Number",
        "Default": 7,
        "MinValue": 1,
        "MaxValue": 30,
        "Description": "D",
        "ConstraintDescription": "C",
    }
    assert stack.groups["G"].parameters == ["Days"]
    assert stack.labels == {"Days": "L"}


def test_zero_and_empty_text_are_defaults_like_any_other(env):
    stack = stack_of(env(), "data")
    assert stack.parameter("Least", 0, kind="Number", minimum=0, **TEXTS).to_dict()["Default"] == 0
    assert stack.parameter("Text", "", **TEXTS).to_dict()["Default"] == ""


def test_parameters_of_a_group_stand_in_the_order_of_the_layer(env):
    stack = stack_of(env(), "data")
    for name in ("Zebra", "Ant"):
        stack.parameter(name, 1, kind="Number", **TEXTS)
    assert stack.groups["G"].parameters == ["Zebra", "Ant"]


def bound(stack: Stack):
    return stack.bound_parameter(
        "KeyArn", stack="keys", output="Arn", group="G", label="L", description="D", pattern="arn:.+"
    )


def test_a_bound_parameter_has_a_default_that_deploys_in_the_primary(env):
    parameter = bound(both(env)).to_dict()
    assert parameter["Default"] == UNBOUND
    assert parameter["AllowedPattern"] == f"{UNBOUND}|arn:.+"


def test_a_recovery_region_refuses_an_unbound_parameter(env):
    stack = both(env)
    bound(stack)
    rule = stack.rules["KeyArnInRecovery"]
    assert rule["RuleCondition"] == {"Fn::Contains": [["eu-central-1"], {"Ref": "AWS::Region"}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KeyArn"}, UNBOUND]}]}


def test_nothing_is_bound_where_there_is_no_recovery_region(env):
    with pytest.raises(ValueError, match="no recovery region"):
        bound(stack_of(env(), "data", Place.PRIMARY, Place.RECOVERY))


def test_a_parameters_name_is_given_once(env):
    stack = stack_of(env(), "data")
    stack.parameter("Days", 7, kind="Number", **TEXTS)
    with pytest.raises(BlueprintError) as error:
        stack.parameter("Days", 8, kind="Number", **TEXTS)
    assert codes(error) == ["REN001"]


# -- resources -----------------------------------------------------------------------------------------


def test_whatever_can_carry_tags_carries_the_environments_and_the_stacks(env):
    stack = stack_of(env(tags={"team": "web"}), "data")
    vpc = stack.add(VPC("Vpc", CidrBlock="10.0.0.0/16", Tags=Tags(Name="mine")))
    tags = {tag["Key"]: tag["Value"] for tag in vpc.to_dict()["Properties"]["Tags"]}
    assert tags == {
        "Name": "mine",
        "team": "web",
        "project": "acme",
        "environment": "prod",
        "owner": "platform@example.com",
        "stack": "data",
    }


def test_tags_that_a_service_takes_as_a_mapping_are_a_mapping(env):
    stack = stack_of(env(), "data")
    parameter = stack.add(SsmParameter("P", Type="String", Value="v", Tags={"own": "1"}))
    tags = parameter.to_dict()["Properties"]["Tags"]
    assert tags["own"] == "1"
    assert tags["stack"] == "data"


def test_what_cannot_carry_tags_is_left_alone(env):
    stack = stack_of(env(), "data")
    attachment = stack.add(VPCGatewayAttachment("A", VpcId="v", InternetGatewayId="i"))
    assert "Tags" not in attachment.to_dict()["Properties"]


def test_a_resource_that_holds_data_outlives_its_stack(env):
    bucket = stack_of(env(), "data").resources["Bucket"].to_dict()
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"


def test_only_types_that_the_ledger_watches_can_be_added_as_stateful(env):
    with pytest.raises(TypeError, match="STATEFUL"):
        stack_of(env(), "data").add_stateful(VPC("Vpc", CidrBlock="10.0.0.0/16"))


def test_a_logical_id_is_given_once(env):
    stack = stack_of(env(), "data")
    with pytest.raises(BlueprintError) as error:
        stack.add(Bucket("Bucket"))
    assert codes(error) == ["REN001"]
    assert "Bucket" in str(error.value)


def test_a_resource_remembers_the_setting_that_asked_for_it(env):
    stack = stack_of(env(), "data")
    stack.add(Bucket("Uploads"), setting="storage.uploads")
    assert stack.traces["Uploads"].setting == "storage.uploads"


def test_every_resource_of_a_layer_remembers_the_layer_and_the_function_that_made_it(rendered):
    for stack in rendered().rendered.plan.stacks.values():
        for name, trace in stack.traces.items():
            layer, _, function = trace.source.partition(":")
            assert layer.lstrip("_").startswith(stack.layer), (stack.name, name)
            assert function, (stack.name, name)


# -- outputs -------------------------------------------------------------------------------------------


def test_an_output_is_exported_under_a_name_that_others_can_foresee(env):
    output = stack_of(env(), "data").outputs["Id"].to_dict()
    assert output["Export"] == {"Name": "acme:prod:data:Id"}
    assert output["Description"]


def test_one_export_is_made_by_whichever_resource_exists_in_the_region(env):
    stack = both(env)
    key = stack.add_stateful(Key("Key", KeyPolicy={}, Condition=stack.is_primary()))
    replica = stack.add_stateful(
        ReplicaKey("Replica", KeyPolicy={}, PrimaryKeyArn="arn", Condition=stack.is_recovery())
    )
    stack.output_by_origin("KeyArn", GetAtt(key, "Arn"), GetAtt(replica, "Arn"), "The key")
    primary, recovery = (stack.outputs[name].to_dict() for name in ("KeyArn", "KeyArnInRecovery"))
    assert (primary["Condition"], recovery["Condition"]) == ("IsPrimary", "IsRecovery")
    separator, parts = recovery["Export"]["Name"]["Fn::Join"]
    assert separator.join(parts) == primary["Export"]["Name"] == "acme:prod:data:KeyArn"


def test_a_stack_knows_the_exports_that_it_makes(env):
    stack = both(env)
    stack.output("Id", "i", "The id")
    stack.output_by_origin("KeyArn", "here", "there", "The key")
    assert stack.exports == {
        "Id": "acme:prod:data:Id",
        "KeyArn": "acme:prod:data:KeyArn",
        "KeyArnInRecovery": "acme:prod:data:KeyArn",
    }


def test_an_output_by_origin_is_asked_for_by_its_one_name(env):
    stack = both(env)
    stack.output_by_origin("KeyArn", "here", "there", "The key")
    primary, recovery = (stack.outputs[name].to_dict() for name in ("KeyArn", "KeyArnInRecovery"))
    assert (primary["Value"], recovery["Value"]) == ("here", "there")
    with pytest.raises(BlueprintError) as error:
        stack.output("KeyArnInRecovery", "x", "again")
    assert codes(error) == ["REN001"]


def test_a_place_of_another_kind_of_subject_is_refused(env, account):
    with pytest.raises(ValueError, match="an environment has no place account-regions"):
        Stack("data", env(), Place.PRIMARY, Place.ACCOUNT_REGIONS, purpose="P.")
    with pytest.raises(ValueError, match="the account has no place us-east-1"):
        Stack("data", account(), Place.US_EAST_1, purpose="P.")


def test_an_outputs_name_is_given_once(env):
    with pytest.raises(BlueprintError) as error:
        stack_of(env(), "data").output("Id", Ref("Bucket"), "again")
    assert codes(error) == ["REN001"]


def test_a_secret_is_named_and_never_held(env):
    stack = stack_of(env(), "data")
    stack.require_secret("acme/prod/google", "Client secret of the sign-in")
    assert [(s.name, s.description) for s in stack.secrets] == [
        ("acme/prod/google", "Client secret of the sign-in")
    ]


def test_an_option_becomes_a_parameter_with_the_model_s_text_and_limits(rendered):
    security = rendered(security={"rotation_days": 200})
    parameter = security["security"].data["Parameters"]["RotationDays"]
    assert (parameter["Default"], parameter["MinValue"], parameter["MaxValue"]) == (200, 90, 2560)
    (entry,) = [p for p in _stack(security, "security")["parameters"] if p["name"] == "RotationDays"]
    assert entry["setting"] == "security.rotation_days"


def _stack(rendering, name):
    return next(stack for stack in rendering.manifest["stacks"] if stack["name"] == name)
