"""The emulator must refuse what the service refuses, or a deployment that passes proves nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from blueprint.emulator import Emulator
from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from tests.emulator.templates import KEY, KEY_POLICY, NAT, ROLE, TOPIC, VPC, importing, parameter, template


def test_an_import_without_its_exporter_fails_and_works_after_it(trial: Trial, at: StackAt) -> None:
    second = replace(at, name="acme-prod-second")
    with pytest.raises(TrialFailed, match="Export 'acme:VpcId' not found"):
        trial.apply(second, importing("VpcId"))
    trial.emulator.client("cloudformation", at.region, at.account).delete_stack(StackName=second.name)
    trial.apply(at, template({"Vpc": VPC}, {"VpcId": {"Ref": "Vpc"}}))
    assert trial.apply(second, importing("VpcId")) == "CREATE"


def test_a_stack_whose_export_is_in_use_is_not_deleted(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Vpc": VPC}, {"VpcId": {"Ref": "Vpc"}}))
    trial.apply(replace(at, name="acme-prod-second"), importing("VpcId"))
    with pytest.raises(ClientError, match="acme:VpcId is imported by stack acme-prod-second"):
        trial.delete(at)
    trial.delete_all()
    assert not trial.deployed


@pytest.mark.parametrize("outputs", [{}, {"VpcId": "another value"}], ids=["dropped", "changed"])
def test_an_update_leaves_an_export_in_use_alone(trial: Trial, at: StackAt, outputs: dict[str, str]) -> None:
    trial.apply(at, template({"Vpc": VPC}, {"VpcId": {"Ref": "Vpc"}}))
    trial.apply(replace(at, name="acme-prod-second"), importing("VpcId"))
    with pytest.raises(TrialFailed, match="as it is in use by acme-prod-second"):
        trial.apply(at, template({"Vpc": VPC}, outputs))


def test_an_export_nobody_uses_can_go_and_its_name_is_free_again(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}}))
    assert trial.apply(at, template({"Topic": TOPIC})) == "UPDATE"
    trial.apply(replace(at, name="acme-prod-second"), template({"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}}))


def test_an_export_name_is_taken_once_in_a_region(trial: Trial, at: StackAt) -> None:
    body = template({"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}})
    trial.apply(at, body)
    trial.apply(replace(at, region="us-east-1"), body)
    with pytest.raises(TrialFailed, match="acme:Arn is already exported by stack acme-prod-first"):
        trial.apply(replace(at, name="acme-prod-second"), body)


def test_capabilities_must_be_acknowledged_and_names_need_their_own(trial: Trial, at: StackAt) -> None:
    with pytest.raises(ClientError, match="CAPABILITY_IAM"):
        trial.apply(at, template({"Role": ROLE}))
    named = {**ROLE, "Properties": {**ROLE["Properties"], "RoleName": "admin"}}
    with pytest.raises(ClientError, match="CAPABILITY_NAMED_IAM"):
        trial.apply(at, template({"Role": named}), capabilities=["CAPABILITY_IAM"])
    assert trial.apply(at, template({"Role": ROLE}), capabilities=["CAPABILITY_IAM"]) == "CREATE"


def test_a_stack_that_failed_to_be_created_can_only_be_deleted(trial: Trial, at: StackAt) -> None:
    message = r"ROLLBACK_COMPLETE.*no more topics"
    with trial.emulator.failing({"Topic": "no more topics"}), pytest.raises(TrialFailed, match=message):
        trial.apply(at, template({"Topic": TOPIC}))
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        trial.apply(at, template({"Topic": TOPIC}))


def test_an_ordered_failure_rolls_an_update_back(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Vpc": VPC}))
    ordered = {"AWS::EC2::NatGateway": "no capacity"}
    message = r"UPDATE_ROLLBACK_COMPLETE.*Nat: no capacity"
    with trial.emulator.failing(ordered), pytest.raises(TrialFailed, match=message):
        trial.apply(at, template({"Vpc": VPC, "Nat": NAT}))
    assert [resource["LogicalResourceId"] for resource in trial.resources(at)] == ["Vpc"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"AvailabilityMode": "regional", "Colour": "red"}, r"extraneous key \[Colour\]"),
        ({"ConnectivityType": "sideways"}, "does not match pattern|is not one of"),
        ({"NatGatewayId": "nat-1"}, r"read-only property \[NatGatewayId\]"),
        ({"MaxDrainDurationSeconds": "soon"}, "expected type integer"),
    ],
)
def test_properties_that_the_schema_forbids_fail(
    trial: Trial, at: StackAt, properties: dict[str, str], message: str
) -> None:
    with pytest.raises(TrialFailed, match=message):
        trial.apply(at, template({"Nat": {"Type": "AWS::EC2::NatGateway", "Properties": properties}}))


def test_missing_properties_fail_even_where_the_emulator_has_the_type(trial: Trial, at: StackAt) -> None:
    with pytest.raises(TrialFailed, match=r"required key \[KeyPolicy\] not found"):
        trial.apply(
            at, template({"Key": {"Type": "AWS::KMS::ReplicaKey", "Properties": {"PrimaryKeyArn": "x"}}})
        )
    body = template({"Key": {**KEY, "Properties": {**KEY["Properties"], "Rotate": True}}})
    with pytest.raises(TrialFailed, match=r"extraneous key \[Rotate\]"):
        trial.apply(replace(at, name="acme-prod-second"), body)


def test_a_value_of_the_wrong_form_is_found_after_it_was_resolved(trial: Trial, at: StackAt) -> None:
    role = {"Fn::GetAtt": ["Role", "RoleId"]}  # a function wants the ARN; no linter can see this
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}, "Role": role}}
    with pytest.raises(TrialFailed, match=r"Function:.*does not match pattern"):
        trial.apply(at, template({"Role": ROLE, "Function": function}), capabilities=["CAPABILITY_IAM"])


def test_a_type_that_its_region_lacks_is_refused(trial: Trial, account: str) -> None:
    function = {"Type": "AWS::CloudFront::Function", "Properties": {}}
    missing = StackAt("acme-prod-first", account, "mx-central-1")
    kind = "AWS::QuickSight::Dashboard"
    with pytest.raises(ClientError, match=re.escape(f"Unrecognized resource types: [{kind}]")):
        trial.apply(missing, template({"Board": {**function, "Type": kind}}))


def test_a_create_only_change_makes_a_new_resource_with_a_new_id(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Vpc": VPC, "Nat": NAT}, {"NatId": {"Ref": "Nat"}}))
    first = trial.outputs(at)["NatId"]
    private = {
        "Type": "AWS::EC2::NatGateway",
        "Properties": {"SubnetId": "subnet-0abc", "ConnectivityType": "private"},
    }
    trial.apply(at, template({"Vpc": VPC, "Nat": private}, {"NatId": {"Ref": "Nat"}}))
    assert re.fullmatch("nat-[0-9a-f]{17}", first)
    assert re.fullmatch("nat-[0-9a-f]{17}", trial.outputs(at)["NatId"])
    assert trial.outputs(at)["NatId"] != first


def test_a_name_is_taken_once_in_an_account_even_where_the_type_only_stands_in(
    trial: Trial, at: StackAt
) -> None:
    body = template({"Group": {"Type": "AWS::IAM::Group", "Properties": {"GroupName": "ops"}}})
    trial.apply(at, body, capabilities=["CAPABILITY_NAMED_IAM"])
    elsewhere = StackAt("acme-prod-second", at.account, "us-east-1")  # IAM's names know no region
    with pytest.raises(TrialFailed, match="ops already exists"):
        trial.apply(elsewhere, body, capabilities=["CAPABILITY_NAMED_IAM"])


def test_a_kept_resource_still_holds_its_name(trial: Trial, at: StackAt) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"BucketNamePrefix": "acme-prod-logs", "BucketNamespace": "account-regional"},
    }
    trial.apply(at, template({"Logs": bucket}, {"Name": {"Ref": "Logs"}}))
    assert trial.outputs(at)["Name"] == f"acme-prod-logs-{at.account}-eu-central-1-an"
    trial.delete(at)
    with pytest.raises(TrialFailed, match="already exists"):
        trial.apply(at, template({"Logs": bucket}))


def test_a_failed_creation_takes_back_what_it_would_keep_on_delete(trial: Trial, at: StackAt) -> None:
    key = {**KEY, "DeletionPolicy": "RetainExceptOnCreate"}
    with trial.emulator.failing({"Topic": "no"}), pytest.raises(TrialFailed):
        trial.apply(at, template({"Key": key, "Topic": {**TOPIC, "DependsOn": "Key"}}))
    client = trial.emulator.client("cloudformation", at.region, at.account)
    events = client.describe_stack_events(StackName=at.name)["StackEvents"]
    statuses = {event["ResourceStatus"] for event in events if event["LogicalResourceId"] == "Key"}
    assert "DELETE_COMPLETE" in statuses


def test_a_bucket_that_holds_something_is_not_deleted(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Bucket": {"Type": "AWS::S3::Bucket"}}, {"Name": {"Ref": "Bucket"}}))
    s3 = trial.emulator.client("s3", at.region, at.account)
    s3.put_object(Bucket=trial.outputs(at)["Name"], Key="kept", Body=b"x")
    with pytest.raises(TrialFailed, match=r"DELETE_FAILED.*is not empty"):
        trial.delete(at)


def test_one_template_serves_two_regions_by_mapping_condition_and_rule(trial: Trial, at: StackAt) -> None:
    body = json.dumps(
        {
            "Parameters": {"KeyId": {"Type": "String", "Default": ""}},
            "Mappings": {"Region": {at.region: {"Origin": "primary"}, "us-east-1": {"Origin": "recovery"}}},
            "Rules": {
                "KeyIdInRecovery": {
                    "RuleCondition": {"Fn::Contains": [["us-east-1"], {"Ref": "AWS::Region"}]},
                    "Assertions": [
                        {
                            "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "KeyId"}, ""]}]},
                            "AssertDescription": "KeyId: take the output of the primary",
                        }
                    ],
                }
            },
            "Conditions": {
                "IsPrimary": {
                    "Fn::Equals": [{"Fn::FindInMap": ["Region", {"Ref": "AWS::Region"}, "Origin"]}, "primary"]
                },
                "IsRecovery": {"Fn::Not": [{"Condition": "IsPrimary"}]},
            },
            "Resources": {
                "Key": {**KEY, "Condition": "IsPrimary"},
                "Replica": {
                    "Type": "AWS::KMS::ReplicaKey",
                    "Condition": "IsRecovery",
                    "Properties": {
                        "PrimaryKeyArn": {
                            "Fn::Sub": f"arn:aws:kms:{at.region}:${{AWS::AccountId}}:key/${{KeyId}}"
                        },
                        "KeyPolicy": KEY_POLICY,
                        "Description": {"Fn::If": ["IsPrimary", "never", {"Ref": "AWS::NoValue"}]},
                    },
                },
                "Name": {
                    "Type": "AWS::KMS::Alias",
                    "Properties": {
                        "AliasName": "alias/acme/storage",
                        "TargetKeyId": {"Fn::If": ["IsPrimary", {"Ref": "Key"}, {"Ref": "Replica"}]},
                    },
                },
            },
            "Outputs": {"KeyId": {"Value": {"Fn::If": ["IsPrimary", {"Ref": "Key"}, {"Ref": "Replica"}]}}},
        }
    )
    recovery = replace(at, region="us-east-1")
    trial.apply(at, body)
    key = trial.outputs(at)["KeyId"]
    with pytest.raises(ClientError, match="take the output of the primary"):
        trial.apply(recovery, body)
    trial.apply(recovery, body, {"KeyId": key})
    assert trial.outputs(recovery)["KeyId"] == key
    assert key.startswith("mrk-")
    kms = trial.emulator.client("kms", "us-east-1", at.account)
    assert kms.describe_key(KeyId="alias/acme/storage")["KeyMetadata"]["MultiRegion"]


def test_a_switch_that_brings_a_resource_is_a_change_and_so_is_an_output(trial: Trial, at: StackAt) -> None:
    sections = {
        "Parameters": {"Second": {"Type": "String", "Default": "false"}},
        "Conditions": {"Second": {"Fn::Equals": [{"Ref": "Second"}, "true"]}},
    }
    resources = {"Topic": TOPIC, "Other": {**TOPIC, "Condition": "Second"}}
    body = template(resources, **sections)
    assert trial.apply(at, body) == "CREATE"
    assert trial.apply(at, body) == "UNCHANGED"
    assert trial.apply(at, body, {"Second": "true"}) == "UPDATE"
    assert trial.apply(at, body) == "UNCHANGED"  # a parameter that is not given keeps its value
    assert trial.count(at)["real"] == 2
    assert trial.apply(at, template(resources, {"Arn": {"Ref": "Topic"}}, **sections)) == "UPDATE"


def test_an_output_is_read_from_another_region(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Vpc": VPC}, {"VpcId": {"Ref": "Vpc"}}))
    there = {"Fn::GetStackOutput": {"StackName": at.name, "OutputName": "VpcId", "Region": at.region}}
    second = StackAt("acme-prod-second", at.account, "us-east-1")
    trial.apply(second, template({"Kept": parameter(there)}, {"Seen": {"Fn::GetAtt": ["Kept", "Value"]}}))
    assert trial.outputs(second)["Seen"] == trial.outputs(at)["VpcId"]


def test_references_have_the_form_of_the_service(trial: Trial, at: StackAt) -> None:
    v6 = {"Fn::Select": [0, {"Fn::GetAtt": ["Vpc", "Ipv6CidrBlocks"]}]}
    body = template(
        {
            "Role": ROLE,
            "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}},
            "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
            "Vpc": VPC,
            "Trail": {
                "Type": "AWS::CloudTrail::Trail",
                "Properties": {"S3BucketName": "logs-bucket", "IsLogging": True},
            },
        },
        {
            "Secret": {"Ref": "Secret"},
            "Profile": {"Ref": "Profile"},
            "Address": {"Ref": "Address"},
            "Allocation": {"Fn::GetAtt": ["Address", "AllocationId"]},
            "Trail": {"Fn::GetAtt": ["Trail", "Arn"]},
            "V6": {"Fn::Select": [1, {"Fn::Cidr": [v6, 2, 64]}]},
        },
    )
    trial.apply(at, body, capabilities=["CAPABILITY_IAM"])
    forms = {
        "Secret": f"arn:aws:secretsmanager:eu-central-1:{at.account}:secret:.+",
        "Profile": "acme-prod-first-Profile-[0-9A-Z]+",
        "Address": r"203\.0\.113\.\d+",
        "Allocation": "eipalloc-[0-9a-f]{17}",
        "Trail": f"arn:aws:cloudtrail:eu-central-1:{at.account}:trail/.+",
        "V6": "2600:1f18:[0-9a-f]+:[0-9a-f]+::/64",
    }
    for name, form in forms.items():
        assert re.fullmatch(form, trial.outputs(at)[name]), name


def test_generated_names_of_global_services_differ_between_regions(trial: Trial, at: StackAt) -> None:
    names = set()
    for region in ("eu-central-1", "us-east-1"):
        stack = replace(at, region=region)
        trial.apply(
            stack, template({"Role": ROLE}, {"Name": {"Ref": "Role"}}), capabilities=["CAPABILITY_IAM"]
        )
        names.add(trial.outputs(stack)["Name"])
    assert len(names) == 2


def test_counts_tell_what_is_real_from_what_stands_in(trial: Trial, at: StackAt, emulator: Emulator) -> None:
    trial.apply(at, template({"Vpc": VPC, "Nat": NAT}))
    assert trial.count(at) == {"real": 1, "stood in": 1}
    assert emulator.is_real("Custom::Anything")


def test_encryption_by_default_is_kept_for_each_region(trial: Trial, at: StackAt) -> None:
    trial.apply(at, template({"Key": KEY}, {"Arn": {"Fn::GetAtt": ["Key", "Arn"]}}))
    arn = trial.outputs(at)["Arn"]
    ec2 = trial.emulator.client("ec2", at.region, at.account)
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
    ec2.enable_ebs_encryption_by_default()
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=arn.rpartition("/")[2])
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == arn
    elsewhere = trial.emulator.client("ec2", "us-east-1", at.account)
    assert elsewhere.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    with pytest.raises(ClientError, match="does not exist"):
        ec2.modify_ebs_default_kms_key_id(KmsKeyId="nothing")
    assert ec2.reset_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
