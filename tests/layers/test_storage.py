"""Buckets: who gets in, with what key, how long things stay, and what they are called."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from blueprint.environment import load_environment
from blueprint.layers.shared.buckets import SSE_S3_BUCKETS
from blueprint.layers.shared.names import bucket_name
from blueprint.schemas import create_only
from tests.conftest import RECOVERY, SHIPPED, Template, load_shipped
from tests.layers.policy import ACCOUNT, OTHER_ACCOUNT, REGION, Request, arn_of, resolved, sids, verdict

BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
STORAGE = ("AccessBucket", "StaticBucket", "UploadsBucket", "LogsBucket")
KEYS = {"StaticBucket": "StorageKeyArn", "UploadsBucket": "StorageKeyArn", "LogsBucket": "LogsKeyArn"}
SOMEBODY = f"arn:aws:iam::{ACCOUNT}:role/somebody"
SSE, SSE_KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
HERE = {"aws:SourceAccount": ACCOUNT}
TWO_RECOVERIES = {
    "recovery": [
        {"region": "eu-central-1", "cidr": "10.1.0.0/16"},
        {"region": "eu-north-1", "cidr": "10.2.0.0/16"},
    ]
}


@pytest.fixture(params=["storage", "audit"])
def template(request, storage_template, audit_template) -> Template:
    """Each template that makes buckets."""
    return storage_template() if request.param == "storage" else audit_template()


def policy_of(template: Template, bucket: str) -> Any:
    found = [
        p["Properties"]
        for p in template.of_type(POLICY).values()
        if p["Properties"]["Bucket"]["Ref"] == bucket
    ]
    assert len(found) == 1
    return found[0]["PolicyDocument"]


def rules_of(template: Template, bucket: str) -> dict[str, dict[str, Any]]:
    rules = template.properties(bucket)["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    return {rule["Id"]: rule for rule in rules}


def put(bucket: str, who: str = SOMEBODY, key: str = "a/b", **context: Any) -> Request:
    return Request(who, "s3:PutObject", f"{arn_of(bucket)}/{key}", context)


# -- private, encrypted, versioned --------------------------------------------------------------------------


def test_there_are_buckets_for_assets_uploads_logs_and_access_logs(storage_template):
    assert set(storage_template().of_type(BUCKET)) == set(STORAGE)


def test_no_bucket_is_public_or_knows_access_lists(template):
    for bucket in template.of_type(BUCKET):
        properties = template.properties(bucket)
        assert properties["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert "AccessControl" not in properties
        assert "WebsiteConfiguration" not in properties


def test_every_bucket_keeps_versions_and_outlives_its_stack(template):
    for bucket, resource in template.of_type(BUCKET).items():
        assert template.properties(bucket)["VersioningConfiguration"] == {"Status": "Enabled"}
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def encryption(template: Template, bucket: str) -> dict[str, Any]:
    (rule,) = template.properties(bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return dict(rule)


@pytest.mark.parametrize(("bucket", "output"), KEYS.items())
def test_objects_are_encrypted_with_our_key_by_its_arn_and_a_bucket_key(storage_template, bucket, output):
    rule = encryption(storage_template(), bucket)
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::ImportValue": f"acme:prod:security:{output}"},
    }
    assert rule["BucketKeyEnabled"] is True


def test_nobody_brings_keys_of_his_own(template):
    for bucket in template.of_type(BUCKET):
        assert encryption(template, bucket)["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}


def test_the_buckets_without_our_key_are_exactly_those_on_the_list():
    without = {
        (template.name, logical_id)
        for name in SHIPPED
        for template in load_shipped(name)
        for logical_id, resource in template.of_type(BUCKET).items()
        if not str(
            resource["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
                "ServerSideEncryptionByDefault"
            ]["SSEAlgorithm"]
        ).startswith("aws:kms")
    }
    assert without == set(SSE_S3_BUCKETS)
    assert all(len(reason) > 30 for reason in SSE_S3_BUCKETS.values())


# -- policies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"])
@pytest.mark.parametrize("who", [SOMEBODY, "logging.s3.amazonaws.com"])
def test_no_bucket_answers_without_tls_or_with_old_tls(template, action, who):
    for bucket in template.of_type(BUCKET):
        resource = arn_of(bucket) if action == "s3:ListBucket" else f"{arn_of(bucket)}/a"
        policy = policy_of(template, bucket)
        for context, refusal in (
            ({"aws:SecureTransport": "false"}, "RefuseWithoutTls"),
            ({"s3:TlsVersion": "1.1"}, "RefuseOldTls"),
            ({"s3:TlsVersion": "1.0"}, "RefuseOldTls"),
        ):
            assert refusal in sids(policy, Request(who, action, resource, context))
        assert not {"RefuseWithoutTls", "RefuseOldTls"} & sids(
            policy, Request(who, action, resource, {"s3:TlsVersion": "1.2"})
        )


@pytest.mark.parametrize(("bucket", "output"), KEYS.items())
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "nothing"),  # the bucket's default: our key
        ({SSE: "aws:kms", SSE_KEY: "OURS"}, "nothing"),
        ({SSE_KEY: "OURS"}, "nothing"),
        ({SSE: "AES256"}, "deny"),
        ({SSE: "aws:kms"}, "deny"),  # the AWS managed key
        ({SSE: "aws:kms:dsse", SSE_KEY: "OURS"}, "deny"),
        ({SSE: "aws:kms", SSE_KEY: "arn:aws:kms:eu-west-1:999988887777:key/theirs"}, "deny"),
        ({SSE_KEY: "alias/aws/s3"}, "deny"),
    ],
)
def test_an_upload_names_our_key_or_none(storage_template, bucket, output, headers, expected):
    ours = f"import:acme:prod:security:{output}"
    context = {key: ours if value == "OURS" else value for key, value in headers.items()}
    assert verdict(policy_of(storage_template(), bucket), put(bucket, **context)) == expected


def test_people_of_the_account_get_no_right_from_a_bucket_and_others_none_at_all(template):
    for bucket in template.of_type(BUCKET):
        for who in (SOMEBODY, f"arn:aws:iam::{OTHER_ACCOUNT}:role/stranger"):
            read = Request(who, "s3:GetObject", f"{arn_of(bucket)}/a")
            assert verdict(policy_of(template, bucket), read) == "nothing"


def test_refusals_are_no_wider_than_the_bucket(template):
    """Nothing else in our policies is as wide as ``s3:*``."""
    for bucket in template.of_type(BUCKET):
        for statement in resolved(policy_of(template, bucket))["Statement"]:
            assert all(r.startswith(arn_of(bucket)) for r in statement["Resource"])
            assert statement["Effect"] == "Deny" or statement["Principal"] != "*"
            assert statement["Effect"] == "Deny" or not any("*" in a for a in statement["Action"])


LOAD_BALANCER = {"aws:SourceArn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/a/b"}
LOGS_SOURCE = {**HERE, "aws:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:delivery-source:a"}
VENDED = {**LOGS_SOURCE, "s3:x-amz-acl": "bucket-owner-full-control"}
DISTRIBUTION = {**HERE, "aws:SourceArn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"}
SERVER_LOGS = {**HERE, "aws:SourceArn": "arn:aws:s3:::acme-prod-uploads-111122223333-eu-west-1-an"}
ELB, VENDOR = "logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"
DELIVERIES = [
    ("AccessBucket", ELB, "PutObject", f"/elb/AWSLogs/{ACCOUNT}/x", LOAD_BALANCER),
    ("AccessBucket", "logging.s3.amazonaws.com", "PutObject", "/s3/x", SERVER_LOGS),
    ("LogsBucket", VENDOR, "PutObject", f"/AWSLogs/{ACCOUNT}/x", VENDED),
    ("LogsBucket", VENDOR, "GetBucketAcl", "", LOGS_SOURCE),
    ("LogsBucket", VENDOR, "ListBucket", "", LOGS_SOURCE),
    ("StaticBucket", "cloudfront.amazonaws.com", "GetObject", "/app.js", DISTRIBUTION),
]


@pytest.mark.parametrize(("bucket", "service", "action", "below", "context"), DELIVERIES)
class TestServices:
    def test_get_in_for_what_is_ours_and_no_refusal_stops_them(
        self, storage_template, bucket, service, action, below, context
    ):
        policy = policy_of(storage_template(), bucket)
        resource = arn_of(bucket) + below
        for headers in ({}, {SSE: "AES256"}):  # some services name their own encryption
            request = Request(service, f"s3:{action}", resource, {**context, **headers})
            assert verdict(policy, request) == "allow"

    def test_do_not_get_in_for_another_account(
        self, storage_template, bucket, service, action, below, context
    ):
        policy = policy_of(storage_template(), bucket)
        theirs = {key: value.replace(ACCOUNT, OTHER_ACCOUNT) for key, value in context.items()}
        if service == "logging.s3.amazonaws.com":
            theirs = {**context, "aws:SourceAccount": OTHER_ACCOUNT}
        assert verdict(policy, Request(service, f"s3:{action}", arn_of(bucket) + below, theirs)) == "nothing"

    def test_touch_nothing_but_their_own_part(
        self, storage_template, bucket, service, action, below, context
    ):
        policy = policy_of(storage_template(), bucket)
        for other in STORAGE:
            resource = f"{arn_of(other)}/elsewhere/x"
            assert verdict(policy, Request(service, "s3:PutObject", resource, context)) == "nothing"
        assert (
            verdict(policy, Request(service, "s3:DeleteObject", arn_of(bucket) + below, context)) == "nothing"
        )


# -- access logs --------------------------------------------------------------------------------------------


def test_every_bucket_but_the_access_bucket_logs_into_it_by_day(template):
    for bucket in template.of_type(BUCKET):
        logging = template.properties(bucket).get("LoggingConfiguration")
        if bucket == "AccessBucket":
            assert logging is None  # else every log would make another
        else:
            assert logging == {
                "DestinationBucketName": {"Ref": "AccessBucket"},
                "LogFilePrefix": "s3/",
                "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
            }


def test_access_logs_are_let_in_before_anything_logs(template):
    """S3 refuses to log into a bucket that would not take it."""
    for bucket, resource in template.of_type(BUCKET).items():
        assert resource.get("DependsOn") == (None if bucket == "AccessBucket" else "AccessBucketPolicy")
        source = f"arn:aws:s3:::{template.properties(bucket)['BucketNamePrefix']}-{ACCOUNT}-{REGION}-an"
        request = put("AccessBucket", "logging.s3.amazonaws.com", "s3/x", **HERE, **{"aws:SourceArn": source})
        assert verdict(policy_of(template, "AccessBucket"), request) == "allow"


# -- lifecycle ----------------------------------------------------------------------------------------------


def test_old_versions_unfinished_uploads_and_empty_markers_go_from_every_bucket(template):
    for bucket in template.of_type(BUCKET):
        rule = rules_of(template, bucket)["Housekeeping"]
        days = {"Ref": "NoncurrentDays"} if template.name == "storage" else 90
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": days}
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
        assert rule["ExpiredObjectDeleteMarker"] is True
        assert "Prefix" not in rule
        assert "TagFilters" not in rule


@pytest.mark.parametrize("bucket", ["LogsBucket", "AccessBucket"])
def test_logs_move_to_glacier_by_age_small_ones_too_and_expire(storage_template, bucket):
    template = storage_template()
    rule = rules_of(template, bucket)["ArchiveByAge"]
    assert rule["Transitions"] == [
        {"StorageClass": "GLACIER", "TransitionInDays": {"Ref": "ArchiveAfterDays"}}
    ]
    assert rule["ExpirationInDays"] == {"Ref": "LogRetentionDays"}
    lifecycle = template.properties(bucket)["LifecycleConfiguration"]
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


def test_user_objects_are_archived_by_inactivity_and_never_by_age(storage_template):
    template = storage_template()
    rules = rules_of(template, "UploadsBucket")
    assert rules["WatchForInactivity"]["Transitions"] == [
        {"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 0}
    ]
    (tiering,) = template.properties("UploadsBucket")["IntelligentTieringConfigurations"]
    assert tiering["Status"] == "Enabled"
    assert tiering["Tierings"] == [{"AccessTier": "ARCHIVE_ACCESS", "Days": {"Ref": "ArchiveAfterDays"}}]
    assert "Prefix" not in tiering
    assert "TagFilters" not in tiering
    text = json.dumps(rules)
    assert "GLACIER" not in text
    assert "DEEP_ARCHIVE" not in text
    assert all("ExpirationInDays" not in rule for rule in rules.values())


def test_static_assets_are_never_archived_or_expired(storage_template):
    template = storage_template()
    assert set(rules_of(template, "StaticBucket")) == {"Housekeeping"}
    assert "IntelligentTieringConfigurations" not in template.properties("StaticBucket")


def test_days_come_from_the_environment_file(storage_template):
    options = {"archive_after_days": 200, "noncurrent_days": 5, "log_retention_days": 400}
    parameters = storage_template(storage=options).data["Parameters"]
    assert [parameters[n]["Default"] for n in ("ArchiveAfterDays", "NoncurrentDays", "LogRetentionDays")] == [
        200,
        5,
        400,
    ]


def test_the_default_archives_after_half_a_year(storage_template):
    assert storage_template().data["Parameters"]["ArchiveAfterDays"]["Default"] == 180


@pytest.mark.parametrize(
    ("archive", "retention"), [(180, 270), (180, 365), (180, 1096), (300, 390), (730, 820), (730, 36500)]
)
def test_whatever_the_console_accepts_is_a_lifecycle_that_s3_accepts(storage_template, archive, retention):
    options = {"archive_after_days": archive, "log_retention_days": retention}
    parameters = storage_template(storage=options).data["Parameters"]
    to_archive, to_end = parameters["ArchiveAfterDays"], parameters["LogRetentionDays"]
    assert to_archive["MinValue"] == 180
    assert to_archive["MinValue"] <= to_archive["Default"] <= to_archive["MaxValue"] <= 730
    assert to_end["MinValue"] <= to_end["Default"] <= to_end["MaxValue"]
    # Glacier charges for 90 days; S3 refuses to expire before it archives.
    assert to_end["MinValue"] >= to_archive["MaxValue"] + 90


# -- uploads ------------------------------------------------------------------------------------------------


def test_browsers_upload_from_our_own_pages_only(storage_template):
    template = storage_template(domain="shop.example.org")
    (rule,) = template.properties("UploadsBucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["https://shop.example.org", "https://*.shop.example.org"]
    assert {"PUT", "POST", "GET"} <= set(rule["AllowedMethods"])
    assert "DELETE" not in rule["AllowedMethods"]
    for other in ("StaticBucket", "LogsBucket", "AccessBucket"):
        assert "CorsConfiguration" not in template.properties(other)


# -- places, names, outputs ---------------------------------------------------------------------------------


def test_the_region_that_takes_over_has_the_buckets_and_further_ones_do_not(storage_rendered):
    rendered = storage_rendered(**TWO_RECOVERIES)
    steps = [step.deployment for step in rendered.plan.steps if step.deployment.stack == "storage"]
    assert {(step.target.region, step.place.value) for step in steps} == {
        ("eu-west-1", "primary"),
        ("eu-central-1", "first-recovery"),
    }
    assert rendered.plan.stacks["storage"].regions == ("eu-west-1", "eu-central-1")


def test_a_recovery_region_changes_nothing_about_the_primarys_buckets(storage_template):
    assert storage_template().resources == storage_template(**RECOVERY).resources


def test_nothing_crosses_between_regions(storage_template):
    assert b"Fn::GetStackOutput" not in storage_template(**RECOVERY).body


def test_every_bucket_is_an_output_by_name_and_arn(template):
    outputs = template.data["Outputs"]
    for bucket in template.of_type(BUCKET):
        assert outputs[f"{bucket}Name"]["Value"] == {"Ref": bucket}
        assert outputs[f"{bucket}Arn"]["Value"] == {"Fn::GetAtt": [bucket, "Arn"]}


def test_the_name_of_a_bucket_is_known_before_it_exists(environments, storage_template):
    template = storage_template(**RECOVERY)
    env = load_environment(environments(prod=RECOVERY), "prod")
    properties = template.properties("UploadsBucket")
    assert properties["BucketNamespace"] == "account-regional"
    assert "BucketName" not in properties
    name = bucket_name(env, "uploads", "eu-central-1", env.account)
    assert name == "acme-prod-uploads-111122223333-eu-central-1-an"
    assert name.startswith(properties["BucketNamePrefix"])
    assert bucket_name(env, "uploads") == "acme-prod-uploads-${AWS::AccountId}-${AWS::Region}-an"


def test_the_longest_names_fit(environments, storage_rendered):
    folder = environments(**{"long-name1": {"project": "project-abcd", "region": "ap-southeast-2"}})
    env = load_environment(folder, "long-name1")
    assert (len(env.project), len(env.name)) == (12, 10)
    for bucket in STORAGE:
        name = bucket_name(env, bucket.removesuffix("Bucket").lower(), env.region, env.account)
        assert len(name) <= 63


def test_a_name_that_does_not_fit_is_a_mistake_of_the_layer(environments):
    env = load_environment(environments(prod={}), "prod")
    with pytest.raises(ValueError, match="longer than"):
        bucket_name(env, "a-name-much-too-long-for-us")


#: Every option of the YAML that reaches this layer, away from its default.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "domain": [{}, {"domain": "other.example.org"}],
    "days": [
        {},
        {"storage": {"archive_after_days": 365, "noncurrent_days": 1, "log_retention_days": 455}},
    ],
    "recovery": [{}, RECOVERY, TWO_RECOVERIES],
    "tags": [{}, {"tags": {"cost-center": "1234"}, "owner": "other@example.com"}],
    "security": [{}, {"security": {"rotation_days": 90, "deletion_window_days": 7}}],
}


def variants() -> list[dict[str, Any]]:
    return [
        {key: value for option in options for key, value in option.items()}
        for options in product(*OPTIONS.values())
    ]


def identity(template: Template, logical_id: str) -> dict[str, Any]:
    """The create-only properties: a change of one makes another bucket."""
    paths = create_only(BUCKET)
    assert "BucketNamePrefix" in paths
    return {path: template.properties(logical_id).get(path.split(".")[0]) for path in paths}


def test_no_option_changes_what_a_bucket_is_while_its_name_stays(storage_template):
    known = {bucket: identity(storage_template(), bucket) for bucket in STORAGE}
    assert all(found["BucketNamePrefix"].startswith("acme-prod-") for found in known.values())
    for options in variants():
        template = storage_template(**options)
        assert {bucket: identity(template, bucket) for bucket in template.of_type(BUCKET)} == known


def test_the_fast_validator_finds_nothing_under_any_options(storage_rendered, complaints):
    elsewhere = [{"region": "us-east-1"}, {"region": "us-east-1", **RECOVERY}]
    rendered = [storage_rendered(**options) for options in [*variants(), *elsewhere]]
    assert complaints(*rendered, validators=("cloudformation-validate",)) == []


def test_cfn_lint_finds_nothing(storage_rendered, complaints):
    assert complaints(storage_rendered(**RECOVERY), validators=("cfn-lint",)) == []
