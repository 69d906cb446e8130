"""Buckets: private, encrypted, versioned, logged, reached by TLS alone. Promises R11 and R13.

One function makes them all, so that none can differ by oversight. What may differ is named by its
parameters; the one exception from our own keys is the list :data:`SSE_S3_BUCKETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from awacs import s3 as actions
from awacs.aws import PolicyDocument, Statement
from troposphere import AWSHelperFn, GetAtt, Parameter, Ref
from troposphere.s3 import (
    AbortIncompleteMultipartUpload,
    BlockedEncryptionTypes,
    Bucket,
    BucketEncryption,
    BucketPolicy,
    LifecycleConfiguration,
    LifecycleRule,
    LifecycleRuleTransition,
    LoggingConfiguration,
    NoncurrentVersionExpiration,
    OwnershipControls,
    OwnershipControlsRule,
    PartitionedPrefix,
    PublicAccessBlockConfiguration,
    ServerSideEncryptionByDefault,
    ServerSideEncryptionRule,
    TargetObjectKeyFormat,
    VersioningConfiguration,
)

from blueprint.layers.shared import bucket_policies as policies
from blueprint.layers.shared.names import bucket_prefix
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

ACCESS = "Access"  # the bucket that takes the access logs of the others
S3_LOGS = "s3/"  # below it: S3 server access logs
ELB_LOGS = "elb"  # below it: load balancers' logs; they append a slash
UNFINISHED_DAYS = 7  # parts of an upload that nobody completes are charged like objects
GLACIER_DAYS = 90  # S3 Glacier Flexible Retrieval charges for at least so many

#: Buckets that cannot have a key of ours, by stack and logical id, with the reason.
SSE_S3_BUCKETS = {
    ("storage", "AccessBucket"): "load balancers and S3 server access logging write to SSE-S3 buckets only",
    ("artifacts", "AccessBucket"): "S3 server access logging writes to SSE-S3 buckets only",
    ("audit", "AccessBucket"): "S3 server access logging writes to SSE-S3 buckets only",
}

#: Statements that need the bucket they stand for.
Statements = Callable[[Bucket], Sequence[Statement]]


@dataclass(frozen=True)
class Ages:
    """When logs move to the archive and when they go, as parameters in days."""

    archive: Parameter
    expire: Parameter


def add_bucket(
    stack: Stack,
    name: str,
    what: str,
    *,
    key_arn: AWSHelperFn | None,
    lifecycle: LifecycleConfiguration,
    statements: Statements = lambda bucket: (),
    bucket_key: bool = True,
    setting: str = "",
    prefix: str = "",
    **properties: Any,
) -> Bucket:
    """Add bucket ``<name>Bucket`` with its policy and the outputs of its name and ARN.

    In S3 it is called after ``prefix`` where that is not its name. ``key_arn`` is the KMS key, None for a
    bucket of SSE_S3_BUCKETS. Every bucket but the access bucket logs to that of its stack, which must be
    there already.
    """
    logical_id = f"{name}Bucket"
    bucket = stack.add_stateful(
        Bucket(
            logical_id,
            BucketNamespace="account-regional",
            BucketNamePrefix=bucket_prefix(stack.subject, prefix or name.lower()),
            BucketEncryption=_encryption(key_arn, bucket_key),
            OwnershipControls=OwnershipControls(
                Rules=[OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            PublicAccessBlockConfiguration=PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            VersioningConfiguration=VersioningConfiguration(Status="Enabled"),
            LifecycleConfiguration=lifecycle,
            **({} if name == ACCESS else {"LoggingConfiguration": _logging(stack)}),
            **properties,
        ),
        setting,
    )
    if name != ACCESS:
        bucket.DependsOn = f"{ACCESS}BucketPolicy"  # S3 refuses logging to where it may not write
    own_key = policies.own_key_only(bucket, key_arn) if key_arn else []
    stack.add(
        BucketPolicy(
            f"{logical_id}Policy",
            # The bucket outlives its stack, so what protects it does too.
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
            Bucket=Ref(bucket),
            PolicyDocument=PolicyDocument(
                Version="2012-10-17",
                Statement=[*policies.tls_only(bucket), *own_key, *statements(bucket)],
            ),
        )
    )
    stack.output(f"{logical_id}Name", Ref(bucket), f"Name of the bucket of {what}")
    stack.output(f"{logical_id}Arn", GetAtt(bucket, "Arn"), f"ARN of the bucket of {what}")
    return bucket


def add_access_bucket(
    stack: Stack,
    what: str,
    *,
    lifecycle: LifecycleConfiguration,
    statements: Statements = lambda bucket: (),
    setting: str = "",
    prefix: str = "",
) -> Bucket:
    """Add the bucket that takes the access logs of the stack's other buckets, and what else needs SSE-S3."""
    sources = f"arn:${{AWS::Partition}}:s3:::{stack.subject.project}-{stack.subject.name}-*"

    def deliveries(bucket: Bucket) -> list[Statement]:
        s3_logs = policies.delivery(
            "S3AccessLogs",
            "logging.s3.amazonaws.com",
            [actions.PutObject],
            policies.objects(bucket, S3_LOGS),
            policies.from_this_account(),
            policies.from_sources(sources),
        )
        return [s3_logs, *statements(bucket)]

    bucket = add_bucket(
        stack,
        ACCESS,
        what,
        key_arn=None,
        lifecycle=lifecycle,
        statements=deliveries,
        setting=setting,
        prefix=prefix,
    )
    reason = "Access logs of a bucket written to itself would never end, so this one bucket has none."
    suppress(bucket, "checkov", "CKV_AWS_18", reason)
    suppress(bucket, "cfn_nag", "W35", reason)
    suppress(bucket, "cdk_nag", "AwsSolutions-S1", reason)
    suppress(bucket, "guard", "S3_BUCKET_LOGGING_ENABLED", reason)
    reason = f"No KMS key is possible: {SSE_S3_BUCKETS[stack.name, bucket.title]}."
    suppress(bucket, "checkov", "CKV_AWS_145", reason)
    suppress(bucket, "guard", "S3_DEFAULT_ENCRYPTION_KMS", reason)
    return bucket


def _encryption(key_arn: AWSHelperFn | None, bucket_key: bool) -> BucketEncryption:
    default = (
        ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=key_arn)
        if key_arn
        else ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    )
    # A bucket key saves almost all calls to KMS, which are charged.
    options = {"BucketKeyEnabled": bucket_key} if key_arn else {}
    return BucketEncryption(
        ServerSideEncryptionConfiguration=[
            ServerSideEncryptionRule(
                ServerSideEncryptionByDefault=default,
                BlockedEncryptionTypes=BlockedEncryptionTypes(EncryptionType=["SSE-C"]),
                **options,
            )
        ]
    )


def _logging(stack: Stack) -> LoggingConfiguration:
    return LoggingConfiguration(
        DestinationBucketName=Ref(stack.resources[f"{ACCESS}Bucket"]),
        LogFilePrefix=S3_LOGS,
        # S3 goes on with account, region, bucket and the day of the event: Athena reads only what is asked.
        TargetObjectKeyFormat=TargetObjectKeyFormat(
            PartitionedPrefix=PartitionedPrefix(PartitionDateSource="EventTime")
        ),
    )


# -- lifecycle ---------------------------------------------------------------------------------------------


def log_ages(
    stack: Stack, *, group: str, archives: str, archive_days: int, least: int, most: int, expire_days: int
) -> Ages:
    """Add the parameters of :class:`Ages`; ``archives`` says what is archived, for the console.

    ``least`` and ``most`` (days) bound the archive's. S3 refuses a lifecycle that expires objects before it
    archives them, and rules of a template cannot compare numbers: so the two ranges stay apart, by the 90
    days that an archived object costs anyhow, and whatever the console accepts deploys.
    """
    most = min(most, expire_days - GLACIER_DAYS)
    shortest = most + GLACIER_DAYS
    return Ages(
        stack.parameter(
            "ArchiveAfterDays",
            archive_days,
            kind="Number",
            minimum=least,
            maximum=most,
            group=group,
            label="Days before objects move to the archive",
            description=f"{archives}, in days.",
            constraint=f"A number of days from {least} to {most}, which is at least {GLACIER_DAYS} before "
            "logs are deleted.",
        ),
        stack.parameter(
            "LogRetentionDays",
            expire_days,
            kind="Number",
            minimum=shortest,
            maximum=36500,
            group=group,
            label="Days to keep logs",
            description="Age in days at which logs are deleted. To go below the range, change the "
            "environment file and render again.",
            constraint=f"A number of days from {shortest} to 36500.",
        ),
    )


def housekeeping(noncurrent_days: int | AWSHelperFn) -> LifecycleRule:
    """What every versioned bucket needs, else it grows with everything that was ever overwritten."""
    return LifecycleRule(
        Id="Housekeeping",
        Status="Enabled",
        AbortIncompleteMultipartUpload=AbortIncompleteMultipartUpload(DaysAfterInitiation=UNFINISHED_DAYS),
        NoncurrentVersionExpiration=NoncurrentVersionExpiration(NoncurrentDays=noncurrent_days),
        ExpiredObjectDeleteMarker=True,
    )


def log_lifecycle(ages: Ages, noncurrent_days: int | AWSHelperFn) -> LifecycleConfiguration:
    """By age: to Glacier Flexible Retrieval, later away. Small files too, which the default leaves behind."""
    by_age = LifecycleRule(
        Id="ArchiveByAge",
        Status="Enabled",
        Transitions=[LifecycleRuleTransition(StorageClass="GLACIER", TransitionInDays=Ref(ages.archive))],
        ExpirationInDays=Ref(ages.expire),
    )
    return LifecycleConfiguration(
        Rules=[by_age, housekeeping(noncurrent_days)],
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
