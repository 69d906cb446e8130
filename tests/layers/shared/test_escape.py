"""What troposphere does not know can be set when the schema allows it, and not for longer than needed."""

from __future__ import annotations

import pytest
from troposphere import Ref, Sub, Tags
from troposphere.ec2 import VPC
from troposphere.s3 import Bucket, PublicAccessBlockConfiguration

from blueprint.layers.shared import escape
from blueprint.layers.shared.escape import Use, caught_up, set_property
from blueprint.problems import BlueprintError
from tests.conftest import SHIPPED, load_shipped


@pytest.fixture(autouse=True)
def _own_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escape, "uses", {})


class OldVPC(VPC):  # type: ignore[misc]
    """The resource as an older troposphere knew it."""

    resource_type = "AWS::EC2::VPC"
    props = {name: prop for name, prop in VPC.props.items() if name != "InstanceTenancy"}  # noqa: RUF012


def test_a_property_that_the_schema_knows_is_set_though_troposphere_refuses_it() -> None:
    vpc = OldVPC("Vpc", CidrBlock="10.0.0.0/16")
    with pytest.raises(AttributeError):
        vpc.InstanceTenancy = "dedicated"
    set_property(vpc, "InstanceTenancy", "dedicated")
    assert vpc.to_dict()["Properties"] == {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "dedicated"}


def test_the_way_may_lead_through_what_is_set_and_what_is_not() -> None:
    bucket = Bucket(
        "Bucket", PublicAccessBlockConfiguration=PublicAccessBlockConfiguration(BlockPublicAcls=True)
    )
    set_property(bucket, "PublicAccessBlockConfiguration.IgnorePublicAcls", True)
    set_property(bucket, "VersioningConfiguration.Status", "Enabled")
    assert bucket.to_dict()["Properties"] == {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True},
        "VersioningConfiguration": {"Status": "Enabled"},
    }


def test_functions_pass_alone_and_inside() -> None:
    bucket = Bucket("Bucket")
    set_property(bucket, "BucketName", Sub("${AWS::AccountId}-x"))
    set_property(bucket, "Tags", [{"Key": "a", "Value": Ref("Parameter")}])
    assert bucket.to_dict()["Properties"]["Tags"] == [{"Key": "a", "Value": {"Ref": "Parameter"}}]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("BucketNam", "x", "did you mean BucketName?"),
        ("VersioningConfiguration.Statu", "Enabled", "did you mean Status?"),
        ("VersioningConfiguration.Status", "Enabld", "did you mean 'Enabled'?"),
        ("VersioningConfiguration", {"Stat": "Enabled"}, "no property 'Stat'"),
        ("PublicAccessBlockConfiguration.BlockPublicAcls", "yes", "expected boolean"),
        ("Arn", "arn:aws:s3:::x", "only the service sets it"),
        ("Tags.0.Key", "a", "set it as a whole"),
    ],
)
def test_what_the_schema_refuses_is_refused_here(path: str, value: object, sentence: str) -> None:
    bucket = Bucket("Bucket", Tags=Tags(a="b"))
    before = bucket.to_dict()
    with pytest.raises(BlueprintError) as caught:
        set_property(bucket, path, value)
    assert sentence in str(caught.value)
    assert bucket.to_dict() == before
    assert escape.uses == {}


def test_a_use_ends_when_troposphere_has_caught_up() -> None:
    set_property(OldVPC("Vpc"), "InstanceTenancy", "dedicated")
    (use,) = escape.uses.values()
    assert not caught_up(use)
    assert caught_up(Use(use.resource_type, use.path, VPC, use.value))
    assert caught_up(Use("AWS::S3::Bucket", "VersioningConfiguration.Status", Bucket, "Enabled"))


def test_a_value_that_troposphere_wrongly_refuses_still_needs_the_helper() -> None:
    assert not caught_up(Use("AWS::EC2::VPC", "InstanceTenancy", VPC, "a tenancy of next year"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_layers_use_the_helper_only_for_what_troposphere_lacks(name: str) -> None:
    load_shipped(name)
    late = [f"{use.resource_type}.{use.path}" for use in escape.uses.values() if caught_up(use)]
    assert late == [], "troposphere sets these itself now: write them as keyword arguments"
