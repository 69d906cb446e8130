"""The one function that makes buckets: none differs from the others but where its parameters say so."""

from __future__ import annotations

import json

import pytest
from awacs.aws import Allow, Statement
from troposphere import Ref, encode_to_dict
from troposphere.s3 import LifecycleConfiguration

from blueprint.layers.shared import buckets
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

LIFECYCLE = LifecycleConfiguration(Rules=[buckets.housekeeping(30)])


@pytest.fixture
def stack(env):
    stack = Stack("storage", env(), Place.PRIMARY, purpose="Files.")
    buckets.add_access_bucket(stack, "logs", lifecycle=LIFECYCLE)
    return stack


def data(stack) -> dict:
    return {name: json.loads(json.dumps(encode_to_dict(r))) for name, r in stack.resources.items()}


def add(stack, **options):
    options = {"key_arn": Ref("KeyArn"), "lifecycle": LIFECYCLE, **options}
    return buckets.add_bucket(stack, "Files", "files", **options)


def test_a_bucket_comes_with_its_policy_and_its_outputs(stack):
    bucket = add(stack, setting="storage")
    made = data(stack)
    assert made["FilesBucketPolicy"]["Properties"]["Bucket"] == {"Ref": "FilesBucket"}
    assert stack.outputs["FilesBucketName"].to_dict()["Value"] == {"Ref": "FilesBucket"}
    assert stack.outputs["FilesBucketArn"].to_dict()["Value"] == {"Fn::GetAtt": ["FilesBucket", "Arn"]}
    assert stack.traces[bucket.title].setting == "storage"
    assert made["FilesBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_a_bucket_logs_to_the_access_bucket_of_its_stack_and_waits_for_its_policy(stack):
    add(stack)
    made = data(stack)["FilesBucket"]
    assert made["Properties"]["LoggingConfiguration"]["DestinationBucketName"] == {"Ref": "AccessBucket"}
    assert made["DependsOn"] == "AccessBucketPolicy"
    access = data(stack)["AccessBucket"]
    assert "LoggingConfiguration" not in access["Properties"]
    assert "DependsOn" not in access


def test_a_bucket_cannot_come_before_the_one_that_takes_its_logs(env):
    with pytest.raises(KeyError, match="AccessBucket"):
        add(Stack("storage", env(), Place.PRIMARY, purpose="Files."))


def rule(made) -> dict:
    (only,) = made["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return only


@pytest.mark.parametrize("bucket_key", [True, False])
def test_a_bucket_has_our_key_and_no_key_of_the_caller(stack, bucket_key):
    add(stack, bucket_key=bucket_key)
    assert rule(data(stack)["FilesBucket"]) == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KeyArn"}},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
        "BucketKeyEnabled": bucket_key,
    }
    sids = [s["Sid"] for s in data(stack)["FilesBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]]
    assert "RefuseOtherKey" in sids


def test_the_access_bucket_has_the_key_of_s3_and_asks_for_no_other(stack):
    made = data(stack)
    assert rule(made["AccessBucket"])["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    sids = [s["Sid"] for s in made["AccessBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]]
    assert sids == ["RefuseWithoutTls", "RefuseOldTls", "S3AccessLogs"]


def test_a_stack_whose_access_bucket_is_not_on_the_list_is_refused(env):
    """Without a key of ours only where somebody wrote down why."""
    with pytest.raises(KeyError, match="elsewhere"):
        buckets.add_access_bucket(
            Stack("elsewhere", env(), Place.PRIMARY, purpose="X."), "logs", lifecycle=LIFECYCLE
        )


def test_statements_of_a_layer_come_on_top_of_those_of_every_bucket(stack):
    add(stack, statements=lambda bucket: [Statement(Sid="Own", Effect=Allow, Resource=[Ref(bucket)])])
    made = data(stack)["FilesBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert made[-1]["Sid"] == "Own"
    assert made[-1]["Resource"] == [{"Ref": "FilesBucket"}]
    assert len(made) == 6


@pytest.mark.parametrize(
    ("most", "expire", "archive_range", "retention_range"),
    [
        (730, 1096, (30, 730), (820, 36500)),
        (730, 400, (30, 310), (400, 36500)),  # an archived object costs 90 days anyhow
        (730, 820, (30, 730), (820, 36500)),
    ],
)
def test_whatever_the_console_accepts_archives_before_it_expires(
    stack, most, expire, archive_range, retention_range
):
    ages = buckets.log_ages(
        stack, group="G", archives="Age", archive_days=180, least=30, most=most, expire_days=expire
    )
    archive, retention = ages.archive.to_dict(), ages.expire.to_dict()
    assert (archive["MinValue"], archive["MaxValue"]) == archive_range
    assert (retention["MinValue"], retention["MaxValue"]) == retention_range
    assert archive["MaxValue"] + buckets.GLACIER_DAYS <= retention["MinValue"]
    assert retention["MinValue"] <= retention["Default"] == expire


def test_logs_are_archived_however_small_they_are_and_housekeeping_stays(stack):
    ages = buckets.log_ages(
        stack, group="G", archives="Age", archive_days=180, least=30, most=730, expire_days=1096
    )
    made = json.loads(json.dumps(encode_to_dict(buckets.log_lifecycle(ages, 90))))
    by_age, housekeeping = made["Rules"]
    assert by_age["Transitions"] == [
        {"StorageClass": "GLACIER", "TransitionInDays": {"Ref": "ArchiveAfterDays"}}
    ]
    assert by_age["ExpirationInDays"] == {"Ref": "LogRetentionDays"}
    assert made["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    assert housekeeping["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert housekeeping["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": buckets.UNFINISHED_DAYS}
