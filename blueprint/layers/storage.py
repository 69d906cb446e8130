"""Storage: buckets for static assets, what users upload, and logs. Promises R5, R11, R13 and R15.

The region that takes over has the same buckets under names that can be foreseen. Further recovery regions
have none: they receive keys and copies of databases only.
"""

from __future__ import annotations

from awacs import s3 as actions
from awacs.aws import Statement, StringEquals
from troposphere import GetAtt, Parameter, Ref
from troposphere.s3 import (
    Bucket,
    CorsConfiguration,
    CorsRules,
    IntelligentTieringConfiguration,
    LifecycleConfiguration,
    LifecycleRule,
    LifecycleRuleTransition,
    Tiering,
)

from blueprint.environment import Environment
from blueprint.layers.shared import bucket_policies as policies
from blueprint.layers.shared.buckets import (
    ELB_LOGS,
    add_access_bucket,
    add_bucket,
    housekeeping,
    log_ages,
    log_lifecycle,
)
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

CORS_SECONDS = 3600  # for which a browser remembers what it may do
_GROUP = "Archive and retention"


def stacks(env: Environment) -> list[Stack]:
    stack = Stack(
        "storage",
        env,
        Place.PRIMARY,
        Place.FIRST_RECOVERY,
        purpose="Buckets for static assets, user uploads and logs.",
    )
    data_key = stack.output_of("security", "StorageKeyArn")
    logs_key = stack.output_of("security", "LogsKeyArn")
    ages = log_ages(
        stack,
        group=_GROUP,
        archives="Objects of users move to the archive after so long without access, logs at that age",
        archive_days=env.storage.archive_after_days,
        least=180,
        most=730,
        expire_days=env.storage.log_retention_days,
    )
    noncurrent = stack.option(
        "NoncurrentDays", "storage.noncurrent_days", group=_GROUP, label="Days to keep old versions"
    )
    logs = log_lifecycle(ages, Ref(noncurrent))

    add_access_bucket(
        stack,
        "access logs of load balancers and buckets",
        lifecycle=logs,
        statements=_load_balancer_logs,
        setting="storage.log_retention_days",
    )
    add_bucket(
        stack,
        "Static",
        "static assets",
        key_arn=data_key,
        lifecycle=LifecycleConfiguration(Rules=[housekeeping(Ref(noncurrent))]),
        statements=_read_by_cloudfront,
        setting="storage.noncurrent_days",
    )
    add_bucket(
        stack,
        "Uploads",
        "what users upload",
        key_arn=data_key,
        lifecycle=LifecycleConfiguration(Rules=[_to_intelligent_tiering(), housekeeping(Ref(noncurrent))]),
        setting="storage.archive_after_days",
        IntelligentTieringConfigurations=[_archive_by_inactivity(ages.archive)],
        CorsConfiguration=_from_own_pages(env.domain),
    )
    add_bucket(
        stack,
        "Logs",
        "logs that can be encrypted with a key of ours",
        key_arn=logs_key,
        lifecycle=logs,
        statements=_vended_logs,
        setting="storage.log_retention_days",
    )
    return [stack]


# -- user objects ------------------------------------------------------------------------------------------


def _to_intelligent_tiering() -> LifecycleRule:
    """On the first day, because only objects of this class are watched for inactivity.

    Objects below 128 KB stay in S3 Standard: Intelligent-Tiering would never move them either.
    """
    return LifecycleRule(
        Id="WatchForInactivity",
        Status="Enabled",
        Transitions=[LifecycleRuleTransition(StorageClass="INTELLIGENT_TIERING", TransitionInDays=0)],
    )


def _archive_by_inactivity(days: Parameter) -> IntelligentTieringConfiguration:
    """Archive Access rather than Deep Archive Access: whoever asks for an old photograph waits for hours.

    Minutes if it is restored expedited, else three to five hours; from the deeper tier it were twelve. The
    deeper tier would cost a quarter, but what is archived here costs a sixth of S3 Standard already.
    """
    return IntelligentTieringConfiguration(
        Id="ArchiveByInactivity",
        Status="Enabled",
        Tierings=[Tiering(AccessTier="ARCHIVE_ACCESS", Days=Ref(days))],
    )


def _from_own_pages(domain: str) -> CorsConfiguration:
    """Pages of the application upload and download by pre-signed URLs; others' pages do not."""
    return CorsConfiguration(
        CorsRules=[
            CorsRules(
                Id="OwnPages",
                AllowedOrigins=[f"https://{domain}", f"https://*.{domain}"],
                AllowedMethods=["GET", "HEAD", "POST", "PUT"],
                AllowedHeaders=["*"],
                ExposedHeaders=["ETag"],  # needed to complete an upload in parts
                MaxAge=CORS_SECONDS,
            )
        ]
    )


# -- who else may read or write ----------------------------------------------------------------------------


def _read_by_cloudfront(bucket: Bucket) -> list[Statement]:
    """Distributions of this account, by origin access control. The key's policy says the same."""
    return [
        policies.delivery(
            "CloudFrontReads",
            "cloudfront.amazonaws.com",
            [actions.GetObject],
            policies.objects(bucket),
            policies.from_sources("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*"),
        )
    ]


def _load_balancer_logs(bucket: Bucket) -> list[Statement]:
    # The account stands in the path too, because a load balancer writes below the number of its owner.
    return [
        policies.delivery(
            "LoadBalancerLogs",
            "logdelivery.elasticloadbalancing.amazonaws.com",
            [actions.PutObject],
            policies.objects_of_account(bucket, f"{ELB_LOGS}/AWSLogs/"),
            policies.from_sources(
                "arn:${AWS::Partition}:elasticloadbalancing:${AWS::Region}:${AWS::AccountId}:loadbalancer/*"
            ),
        )
    ]


def _vended_logs(bucket: Bucket) -> list[Statement]:
    """Logs that CloudWatch Logs delivers for other services, as its guide spells them.

    It compares this policy with its own and would rewrite one that says less.
    """
    service = "delivery.logs.amazonaws.com"
    here = (
        policies.from_this_account(),
        policies.from_sources("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"),
    )
    return [
        policies.delivery(
            "VendedLogsLook",
            service,
            [actions.GetBucketAcl, actions.ListBucket],
            GetAtt(bucket, "Arn"),
            *here,
        ),
        policies.delivery(
            "VendedLogsWrite",
            service,
            [actions.PutObject],
            policies.objects_of_account(bucket, "AWSLogs/"),
            *here,
            StringEquals("s3:x-amz-acl", "bucket-owner-full-control"),
        ),
    ]
