"""The facts are cut from a larger definition, and written so that a newer one is read as a difference."""

from __future__ import annotations

import json

from blueprint.permissions import facts, refresh
from tests.conftest import ROOT

DEFINITION = {
    "s3": {
        "resources": {
            "bucket": {
                "arn": "arn:${Partition}:s3:::${BucketName}",
                "condition_keys": ["aws:ResourceTag/${TagKey}"],
            },
            "object": {"arn": "arn:${Partition}:s3:::${BucketName}/${ObjectName}", "condition_keys": []},
        },
        "privileges": {
            "ListAllMyBuckets": {"resource_types": {"": {"required": False}}},
            "DeleteBucket": {"resource_types": {"bucket": {"required": True}, "": {"required": False}}},
            "CreateBucket": {"resource_types": {"bucket": {"required": True}}},
            "Copy": {"resource_types": {"object": {"required": True}, "bucket": {"required": False}}},
        },
    },
    "unheard-of": {"resources": {}, "privileges": {}},
}


def test_actions_stand_together_by_the_kinds_that_they_know():
    made = refresh.compact(DEFINITION, "the test", [])
    assert set(made["services"]) == {"s3"}
    assert made["services"]["s3"] == {
        "kinds": {
            "bucket": "arn:${Partition}:s3:::${BucketName}",
            "object": "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
        },
        "tagged": ["bucket"],
        "actions": {"": "ListAllMyBuckets", "?bucket|object": "Copy", "bucket": "CreateBucket DeleteBucket"},
    }


def test_handlers_are_those_of_the_types_asked_for():
    made = refresh.compact({}, "the test", ["AWS::KMS::Alias"])
    assert made["handlers"] == {"AWS::KMS::Alias": " ".join(facts.handlers_in_schema("AWS::KMS::Alias"))}


def test_what_is_written_reads_back_a_line_for_each_service_and_type(tmp_path):
    made = refresh.compact(DEFINITION, "the test", ["AWS::KMS::Alias", "AWS::KMS::Key"])
    file = tmp_path / "facts.json"
    refresh.write(file, made)
    text = file.read_text(encoding="utf-8")
    assert json.loads(text) == made
    assert sum(line.startswith('  "') for line in text.splitlines()) == 3


def test_the_committed_file_is_one_that_was_written_like_this(tmp_path):
    file = tmp_path / "facts.json"
    refresh.write(file, json.loads(facts.FILE.read_text(encoding="utf-8")))
    assert file.read_bytes() == facts.FILE.read_bytes()


def test_the_types_are_those_of_the_committed_manifests():
    types = refresh.committed_types(ROOT / "templates")
    assert {"AWS::EC2::VPC", "AWS::CloudTrail::Trail"} <= types
    assert not any(kind.startswith("Custom::") for kind in types)
