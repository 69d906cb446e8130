"""The audit trail: complete, tamper-evident, in an archive that people can read and not write."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.layers.shared.names import bucket_name, trail_name
from blueprint.schemas import create_only
from tests.conftest import Template
from tests.layers.policy import ACCOUNT, OTHER_ACCOUNT, REGION, Request, arn_of, verdict

SOMEBODY = f"arn:aws:iam::{ACCOUNT}:role/somebody"
CLOUDTRAIL = "cloudtrail.amazonaws.com"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/acme-account-trail"
OTHER_TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/other"
BY_TRAIL = {"aws:SourceArn": TRAIL}
RECORD = f"{arn_of('ArchiveBucket')}/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/23/record.json.gz"
ACL = {"s3:x-amz-acl": "bucket-owner-full-control"}
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"

OPTIONS: list[dict[str, Any]] = [
    {},
    {"trail": {"archive_after_days": 90, "retention_days": 180}},
    {"trail": {"archive_after_days": 3650, "retention_days": 36500}},
    {"tags": {"cost-center": "1234"}, "owner": "other@example.com"},
    {"ebs_encryption": {"mode": "off"}},
]


def archive_policy(template: Template) -> Any:
    return template.properties("ArchiveBucketPolicy")["PolicyDocument"]


def key_policy(template: Template) -> Any:
    return template.properties("ArchiveKey")["KeyPolicy"]


# -- trail --------------------------------------------------------------------------------------------------


def test_the_trail_records_every_management_event_of_every_region(audit_template):
    template = audit_template()
    (trail,) = template.of_type("AWS::CloudTrail::Trail").values()
    properties = trail["Properties"]
    assert properties["IsLogging"] is True
    assert properties["IsMultiRegionTrail"] is True
    assert properties["IncludeGlobalServiceEvents"] is True
    assert properties["EventSelectors"] == [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]


def test_records_are_signed_encrypted_with_our_key_and_delivered_to_the_archive(audit_template):
    properties = audit_template().properties("Trail")
    assert properties["EnableLogFileValidation"] is True
    assert properties["KMSKeyId"] == {"Fn::GetAtt": ["ArchiveKey", "Arn"]}
    assert properties["S3BucketName"] == {"Ref": "ArchiveBucket"}


def test_the_trail_begins_when_the_bucket_lets_it_in(audit_template):
    assert audit_template().resources["Trail"]["DependsOn"] == "ArchiveBucketPolicy"


def test_there_is_one_trail_for_each_account_in_its_home_region(account_rendered):
    rendered = account_rendered({"recovery": [{"region": "eu-central-1", "cidr": "10.1.0.0/16"}]})
    targets = [step.deployment.target for step in rendered.plan.steps_of("audit")]
    assert [(target.account, target.region) for target in targets] == [(ACCOUNT, REGION)]


# -- archive ------------------------------------------------------------------------------------------------


def test_the_trail_and_no_other_writes_records(audit_template):
    policy = archive_policy(audit_template())
    look = Request(CLOUDTRAIL, "s3:GetBucketAcl", arn_of("ArchiveBucket"), BY_TRAIL)
    assert verdict(policy, look) == "allow"
    assert verdict(policy, Request(CLOUDTRAIL, "s3:PutObject", RECORD, {**BY_TRAIL, **ACL})) == "allow"
    # Digests come with SSE-S3: no refusal may hit them.
    digest = {**BY_TRAIL, **ACL, "s3:x-amz-server-side-encryption": "AES256"}
    assert verdict(policy, Request(CLOUDTRAIL, "s3:PutObject", RECORD, digest)) == "allow"
    for context in ({}, ACL, {**ACL, "aws:SourceArn": OTHER_TRAIL}):
        assert verdict(policy, Request(CLOUDTRAIL, "s3:PutObject", RECORD, context)) == "nothing"
    elsewhere = RECORD.replace(f"AWSLogs/{ACCOUNT}", f"AWSLogs/{OTHER_ACCOUNT}")
    assert verdict(policy, Request(CLOUDTRAIL, "s3:PutObject", elsewhere, {**BY_TRAIL, **ACL})) == "nothing"


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_people_neither_write_nor_delete_records(audit_template, action):
    policy = archive_policy(audit_template())
    for who in (SOMEBODY, f"arn:aws:iam::{ACCOUNT}:root"):
        assert verdict(policy, Request(who, action, RECORD)) == "deny"


def test_people_read_records_if_their_own_policies_say_so(audit_template):
    policy = archive_policy(audit_template())
    for action in ("s3:GetObject", "s3:RestoreObject"):
        assert verdict(policy, Request(SOMEBODY, action, RECORD)) == "nothing"  # neither refused nor given


def test_a_stack_that_fails_can_delete_the_archive_it_has_just_made(audit_template):
    policy = archive_policy(audit_template())
    assert verdict(policy, Request(SOMEBODY, "s3:DeleteBucket", arn_of("ArchiveBucket"))) == "nothing"


@pytest.mark.parametrize("bucket", ["ArchiveBucket", "AccessBucket"])
def test_records_move_to_glacier_by_age_and_expire_after_retention(audit_template, bucket):
    template = audit_template(trail={"archive_after_days": 100, "retention_days": 400})
    lifecycle = template.properties(bucket)["LifecycleConfiguration"]
    by_age = next(rule for rule in lifecycle["Rules"] if rule["Id"] == "ArchiveByAge")
    assert by_age["Transitions"] == [
        {"StorageClass": "GLACIER", "TransitionInDays": {"Ref": "ArchiveAfterDays"}}
    ]
    assert by_age["ExpirationInDays"] == {"Ref": "LogRetentionDays"}
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    parameters = template.data["Parameters"]
    assert parameters["ArchiveAfterDays"]["Default"] == 100
    assert parameters["LogRetentionDays"]["Default"] == 400


def test_records_are_kept_for_seven_years_by_default(audit_template):
    assert audit_template().data["Parameters"]["LogRetentionDays"]["Default"] == 2555


@pytest.mark.parametrize(("archive", "retention"), [(90, 180), (180, 2555), (3650, 3740), (3650, 36500)])
def test_whatever_the_console_accepts_is_a_lifecycle_that_s3_accepts(audit_template, archive, retention):
    options = {"archive_after_days": archive, "retention_days": retention}
    parameters = audit_template(trail=options).data["Parameters"]
    to_archive, to_end = parameters["ArchiveAfterDays"], parameters["LogRetentionDays"]
    assert 90 == to_archive["MinValue"] <= to_archive["Default"] <= to_archive["MaxValue"] <= 3650
    assert to_archive["MaxValue"] + 90 <= to_end["MinValue"] <= to_end["Default"] <= to_end["MaxValue"]


def test_the_archive_is_encrypted_with_its_key_without_a_bucket_key(audit_template):
    """A bucket key would replace the context by which the key's policy knows the trail."""
    encryption = audit_template().properties("ArchiveBucket")["BucketEncryption"]
    (rule,) = encryption["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": ["ArchiveKey", "Arn"]},
    }
    assert rule["BucketKeyEnabled"] is False


# -- key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "context", "expected"),
    [
        (TRAIL, TRAIL, "allow"),
        (TRAIL, TRAIL.replace(REGION, "us-east-1"), "allow"),  # records of the other regions
        (OTHER_TRAIL, TRAIL, "nothing"),
        (TRAIL, TRAIL.replace(ACCOUNT, OTHER_ACCOUNT), "nothing"),
        (TRAIL.replace(ACCOUNT, OTHER_ACCOUNT), TRAIL, "nothing"),
        (TRAIL, None, "nothing"),
    ],
)
def test_the_key_encrypts_for_our_trail_alone(audit_template, source, context, expected):
    keys = {"aws:SourceArn": source, **({CONTEXT: context} if context else {})}
    request = Request(CLOUDTRAIL, "kms:GenerateDataKey", "key", keys)
    assert verdict(key_policy(audit_template()), request) == expected


def test_the_trail_may_look_at_its_key_and_cannot_decrypt(audit_template):
    policy = key_policy(audit_template())
    assert verdict(policy, Request(CLOUDTRAIL, "kms:DescribeKey", "key", BY_TRAIL)) == "allow"
    assert (
        verdict(policy, Request(CLOUDTRAIL, "kms:Decrypt", "key", {**BY_TRAIL, CONTEXT: TRAIL})) == "nothing"
    )


def test_people_of_the_account_decrypt_records_through_s3_only_and_encrypt_none(audit_template):
    policy = key_policy(audit_template())
    through_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}
    assert verdict(policy, Request(SOMEBODY, "kms:Decrypt", "key", through_s3)) == "allow"
    assert (
        verdict(policy, Request(SOMEBODY, "kms:Decrypt", "key", {"kms:CallerAccount": ACCOUNT})) == "nothing"
    )
    for action in ("kms:GenerateDataKey", "kms:Encrypt", "kms:CreateGrant"):
        assert verdict(policy, Request(SOMEBODY, action, "key", through_s3)) == "nothing"
    stranger = f"arn:aws:iam::{OTHER_ACCOUNT}:role/stranger"
    assert verdict(policy, Request(stranger, "kms:Decrypt", "key", through_s3)) == "nothing"


def test_the_account_can_always_mend_the_keys_policy(audit_template):
    policy = key_policy(audit_template())
    for action in ("kms:PutKeyPolicy", "kms:DescribeKey", "kms:EnableKeyRotation"):
        assert verdict(policy, Request(SOMEBODY, action, "key")) == "allow"


def test_the_key_is_rotated_and_outlives_its_stack(audit_template):
    key = audit_template().resources["ArchiveKey"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


# -- names and validators -----------------------------------------------------------------------------------

NAMED = {
    "AccessBucket": "BucketNamePrefix",
    "ArchiveBucket": "BucketNamePrefix",
    "Trail": "TrailName",
    "ArchiveKeyAlias": "AliasName",
}


def identity(template: Template, logical_id: str) -> dict[str, Any]:
    paths = create_only(template.resources[logical_id]["Type"])
    assert NAMED[logical_id] in paths
    return {path: template.properties(logical_id).get(path.split(".")[0]) for path in paths}


def test_no_option_changes_what_a_resource_is_while_its_name_stays(audit_template):
    first = {name: identity(audit_template(), name) for name in NAMED}
    assert all(first[name][given] for name, given in NAMED.items())
    for options in OPTIONS:
        assert {name: identity(audit_template(**options), name) for name in NAMED} == first


def test_the_names_in_the_policies_are_those_of_the_resources(environments, audit_template, account_rendered):
    account = account_rendered().subject
    template = audit_template()
    assert template.properties("Trail")["TrailName"] == trail_name(account) == "acme-account-trail"
    prefix = template.properties("ArchiveBucket")["BucketNamePrefix"]
    assert bucket_name(account, "archive", REGION, ACCOUNT) == f"{prefix}-{ACCOUNT}-{REGION}-an"


def test_the_validators_find_nothing_under_any_options(account_rendered, complaints):
    rendered = [account_rendered(**options) for options in OPTIONS]
    assert complaints(*rendered, validators=("cloudformation-validate",)) == []
    assert complaints(rendered[0], validators=("cfn-lint",)) == []
