"""Which resources hold data: checked against what others know of them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from blueprint.schemas import create_only, property_schema, schema
from blueprint.stacks.stateful import REASONS, STATEFUL, holds_data

#: Decided at creation by the service, though the schema does not say so ("CreateKey" of KMS). Object lock
#: can be switched on later and never off again: watched, as it decides what can be deleted.
DECIDED_AT_CREATION = {
    *(("AWS::KMS::Key", name) for name in ("MultiRegion", "KeySpec", "KeyUsage", "Origin")),
    ("AWS::S3::Bucket", "ObjectLockEnabled"),
    # Refused by UpdateUserPool, or (issuer and kind of key) ending every session.
    *(("AWS::Cognito::UserPool", name) for name in STATEFUL["AWS::Cognito::UserPool"]),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in STATEFUL.items() for name in names]
)
def test_what_identifies_a_resource_cannot_change_without_replacing_it(kind, name):
    assert property_schema(kind, name)
    assert name in create_only(kind) or (kind, name) in DECIDED_AT_CREATION


def test_every_property_with_a_reason_is_watched():
    assert REASONS
    for (kind, name), reason in REASONS.items():
        assert name in STATEFUL[kind]
        assert len(reason) > 30


def test_all_that_cognito_decides_at_creation_is_watched_with_its_reason():
    assert {name for kind, name in REASONS if kind == "AWS::Cognito::UserPool"} == set(
        STATEFUL["AWS::Cognito::UserPool"]
    )


def test_replicas_of_keys_are_watched_like_keys():
    assert STATEFUL["AWS::KMS::ReplicaKey"] == ("PrimaryKeyArn",)


def test_every_create_only_property_of_a_watched_type_is_watched():
    for kind, names in STATEFUL.items():
        sometimes = {
            pointer.removeprefix("/properties/")
            for pointer in schema(kind).get("conditionalCreateOnlyProperties", ())
        }
        top_level = {path for path in create_only(kind) if "." not in path}
        assert top_level - sometimes <= set(names), kind


def test_cfn_lints_list_of_stateful_types_is_where_we_expect_it():
    data = Path(find_spec("cfnlint").origin).parent / "data" / "AdditionalSpecs" / "StatefulResources.json"
    known = set(json.loads(data.read_text(encoding="utf-8"))["ResourceTypes"])
    # Theirs lacks these: losing one loses data, the way to a second region, or the name servers in use.
    assert set(STATEFUL) - known == {
        "AWS::KMS::ReplicaKey",
        "AWS::RDS::GlobalCluster",
        "AWS::Route53::HostedZone",
    }


def test_members_of_a_cluster_and_read_replicas_hold_nothing_of_their_own():
    assert holds_data("AWS::RDS::DBInstance", {"Engine": "mysql"})
    assert not holds_data("AWS::RDS::DBInstance", {"DBClusterIdentifier": "one"})
    assert not holds_data("AWS::RDS::DBInstance", {"SourceDBInstanceIdentifier": "one"})
    assert holds_data("AWS::RDS::DBCluster", {"SourceDBClusterIdentifier": "restored-from"})
