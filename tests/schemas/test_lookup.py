"""The schemas are found, say what a property is, and are read without cfn-lint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blueprint.problems import BlueprintError
from blueprint.schemas import (
    create_only,
    property_schema,
    read_only,
    regions,
    schema,
    types_in,
    types_missing,
)

ROOT = Path(__file__).parents[2]


def test_a_schema_is_that_of_the_type_and_of_the_region() -> None:
    assert schema("AWS::KMS::Key")["typeName"] == "AWS::KMS::Key"
    assert schema("AWS::EC2::VPC", "eu-west-1")["primaryIdentifier"] == ["/properties/VpcId"]
    assert schema("Custom::Anything")["typeName"] == "AWS::CloudFormation::CustomResource"


def test_they_are_those_that_cfn_lint_uses() -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER as theirs

    for kind in ("AWS::S3::Bucket", "AWS::EC2::NatGateway"):
        assert schema(kind, "eu-central-1") == theirs.get_resource_schema("eu-central-1", kind).schema
    known = {kind for kind in theirs.get_resource_types("eu-west-2") if "::Serverless::" not in kind}
    assert types_in("eu-west-2") == known  # AWS::Serverless exists only before a transform


def test_a_type_is_known_only_where_it_can_be_created() -> None:
    region = next(name for name in regions() if "AWS::Cognito::UserPoolReplica" not in types_in(name))
    assert "AWS::Cognito::UserPoolReplica" in types_in("us-east-1")
    assert types_missing(["AWS::S3::Bucket", "AWS::Cognito::UserPoolReplica", "Custom::X"], region) == [
        "AWS::Cognito::UserPoolReplica"
    ]
    with pytest.raises(BlueprintError, match=f"UserPoolReplica does not exist in {region}"):
        schema("AWS::Cognito::UserPoolReplica", region)


def test_a_property_is_found_through_references_lists_and_branches() -> None:
    assert property_schema("AWS::KMS::Key", "EnableKeyRotation")["type"] == "boolean"
    algorithm = (
        "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.SSEAlgorithm"
    )
    assert "aws:kms" in property_schema("AWS::S3::Bucket", algorithm)["enum"]
    assert property_schema("AWS::S3::Bucket", "Tags.0.Key") == property_schema("AWS::S3::Bucket", "Tags.Key")


def test_create_only_and_read_only_properties_are_named_by_path() -> None:
    assert {"CidrBlock", "InstanceTenancy"} <= set(create_only("AWS::EC2::VPC"))
    assert "EnableDnsHostnames" not in create_only("AWS::EC2::VPC")
    assert "VpcId" in read_only("AWS::EC2::VPC")


@pytest.mark.parametrize(
    ("ask", "hint"),
    [
        (lambda: schema("AWS::S3::Buckets"), "did you mean AWS::S3::Bucket?"),
        (lambda: property_schema("AWS::S3::Bucket", "BucketNam"), "did you mean BucketName?"),
        (lambda: property_schema("AWS::S3::Bucket", "Tags.Kee"), "did you mean Key?"),
        (lambda: property_schema("AWS::S3::Bucket", "BucketName.X"), "has no property 'X'"),
        (lambda: types_in("eu-west-9"), "eu-west-"),
        (lambda: types_in("sam"), "no resource schemas for region 'sam'"),
        (lambda: types_in("../providers/us-east-1"), "no resource schemas"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest(ask, hint: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BlueprintError) as caught:
        ask()
    assert hint in str(caught.value)


def test_looking_up_imports_no_validator() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from blueprint.schemas import property_schema, types_in\n"
        "types_in('eu-west-1'); property_schema('AWS::S3::Bucket', 'BucketName')\n"
        "print([name for name in ('cfnlint', 'difflib', 'importlib.metadata') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
