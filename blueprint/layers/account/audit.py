"""Audit: who did what in the account, in an archive that nobody rewrites. Promise R11.

The trail, its key and its bucket are one stack because they name one another. The archive is the account's:
later layers deliver below ``AWSLogs/`` beside the trail and get the same protection.
"""

from __future__ import annotations

from awacs import kms
from awacs import s3 as actions
from awacs.aws import Allow, Principal, Statement, StringEquals, StringLike
from troposphere import AWSHelperFn, GetAtt, Ref, Sub
from troposphere.cloudtrail import EventSelector, Trail
from troposphere.kms import Alias, Key
from troposphere.s3 import Bucket

from blueprint.environment import Account
from blueprint.layers.shared import bucket_policies as policies
from blueprint.layers.shared import keys
from blueprint.layers.shared.buckets import Ages, add_access_bucket, add_bucket, log_ages, log_lifecycle
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.names import key_alias, trail_name
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

CLOUDTRAIL = "cloudtrail.amazonaws.com"
NONCURRENT_DAYS = 90  # expired records are noncurrent versions first; nothing else makes any here


def stacks(account: Account) -> list[Stack]:
    stack = Stack(
        "audit",
        account,
        Place.ACCOUNT_HOME,
        purpose="Audit trail of the account, and the archive of its logs.",
    )
    lifecycle = log_lifecycle(_ages(stack, account), NONCURRENT_DAYS)
    add_access_bucket(
        stack,
        "access logs of this stack's buckets",
        lifecycle=lifecycle,
        setting="trail.retention_days",
        statements=policies.services_write,  # who read the records is a record too
    )
    key = _key(stack)
    archive = add_bucket(
        stack,
        "Archive",
        "the account's logs",
        key_arn=GetAtt(key, "Arn"),
        # CloudTrail encrypts in a context of its own, by which the key knows it. With a bucket key the
        # context would be the bucket's. At one file per region and five minutes it would save cents.
        bucket_key=False,
        lifecycle=lifecycle,
        statements=lambda bucket: [*policies.services_write(bucket), *_trail_delivers(stack, bucket)],
        setting="trail.retention_days",
    )
    _trail(stack, key, archive)
    stack.output("ArchiveKeyArn", GetAtt(key, "Arn"), "Key for the account's logs")
    return [stack]


def _ages(stack: Stack, account: Account) -> Ages:
    return log_ages(
        stack,
        group="Archive and retention",
        archives="Age at which records of the trail and other logs move to S3 Glacier",
        archive_days=account.trail.archive_after_days,
        least=90,
        most=3650,
        expire_days=account.trail.retention_days,
    )


# -- key ---------------------------------------------------------------------------------------------------


def _key(stack: Stack) -> Key:
    key = stack.add_stateful(
        Key(
            "ArchiveKey",
            Description=f"{stack.subject.project} {stack.subject.name}: the audit trail and other logs",
            EnableKeyRotation=True,
            KeyPolicy=keys.key_policy(_readers(), _trail_encrypts(stack), _trail_looks_at_key(stack)),
        )
    )
    stack.add(Alias("ArchiveKeyAlias", AliasName=key_alias(stack.subject, "archive"), TargetKeyId=Ref(key)))
    return key


def _readers() -> Statement:
    """Identities of this account that IAM allows read through S3. Nobody but services needs to encrypt."""
    return Statement(
        Sid="AccountReadsThroughS3",
        Effect=Allow,
        Principal=keys.ACCOUNT_ROOT,
        Action=[kms.Decrypt],
        Resource=keys.THIS_KEY,
        Condition=all_of(
            StringEquals("kms:ViaService", Sub("s3.${AWS::Region}.amazonaws.com")),
            StringEquals("kms:CallerAccount", Ref("AWS::AccountId")),
        ),
    )


def _trail_encrypts(stack: Stack) -> Statement:
    return Statement(
        Sid="TrailEncrypts",
        Effect=Allow,
        Principal=Principal("Service", CLOUDTRAIL),
        Action=[keys.GENERATE_DATA_KEY],
        Resource=keys.THIS_KEY,
        Condition=all_of(
            StringEquals("aws:SourceArn", _trail_arn(stack)),
            StringLike(
                "kms:EncryptionContext:aws:cloudtrail:arn",
                Sub("arn:${AWS::Partition}:cloudtrail:*:${AWS::AccountId}:trail/*"),
            ),
        ),
    )


def _trail_looks_at_key(stack: Stack) -> Statement:
    return Statement(
        Sid="TrailLooksAtKey",
        Effect=Allow,
        Principal=Principal("Service", CLOUDTRAIL),
        Action=[kms.DescribeKey],
        Resource=keys.THIS_KEY,
        Condition=all_of(StringEquals("aws:SourceArn", _trail_arn(stack))),
    )


# -- trail -------------------------------------------------------------------------------------------------


def _trail_arn(stack: Stack) -> AWSHelperFn:
    """By name: the trail itself waits for the key and the bucket whose policies let it in."""
    name = trail_name(stack.subject)
    return Sub(f"arn:${{AWS::Partition}}:cloudtrail:${{AWS::Region}}:${{AWS::AccountId}}:trail/{name}")


def _trail_delivers(stack: Stack, bucket: Bucket) -> list[Statement]:
    from_trail = StringEquals("aws:SourceArn", _trail_arn(stack))
    return [
        policies.delivery(
            "TrailLooksAtBucket",
            CLOUDTRAIL,
            [actions.GetBucketAcl],
            GetAtt(bucket, "Arn"),
            from_trail,
        ),
        policies.delivery(
            "TrailWrites",
            CLOUDTRAIL,
            [actions.PutObject],
            policies.objects_of_account(bucket, "AWSLogs/"),
            from_trail,
            StringEquals("s3:x-amz-acl", "bucket-owner-full-control"),
        ),
    ]


def _trail(stack: Stack, key: Key, archive: Bucket) -> None:
    trail = stack.add(
        Trail(
            "Trail",
            DependsOn=f"{archive.title}Policy",
            # Else one deleted stack would end the audit, which is the first thing that an intruder tries.
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
            TrailName=trail_name(stack.subject),
            IsLogging=True,
            IsMultiRegionTrail=True,  # also of regions that nobody means to use: there intruders hide
            IncludeGlobalServiceEvents=True,
            EnableLogFileValidation=True,
            KMSKeyId=GetAtt(key, "Arn"),
            S3BucketName=Ref(archive),
            EventSelectors=[EventSelector(IncludeManagementEvents=True, ReadWriteType="All")],
        ),
        setting="trail",
    )
    suppress(
        trail,
        "checkov",
        "CKV_AWS_252",
        "A notice for each log file reaches nobody; alarms on events come with the layer that detects.",
    )
    suppress(
        trail,
        "checkov",
        "CKV2_AWS_10",
        "A second copy in CloudWatch Logs costs more than the trail; Athena reads the archive instead.",
    )
