"""Security: one KMS key for each domain of data, in every region that holds it. Promises R5 and R11.

A key of its own per domain keeps each policy short enough to read, and lets one domain's access be cut off
without the others'. A domain whose data recovery takes over has a multi-region key with a replica in each
recovery region: always, because MultiRegion can never be switched on later and an environment may gain a
recovery region (docs/decisions/0004-multi-region-keys.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from awacs import kms
from awacs.aws import Statement
from troposphere import AWSHelperFn, GetAtt, If, Parameter, Ref
from troposphere.kms import Alias, Key, ReplicaKey

from blueprint.environment import Environment
from blueprint.layers.shared import keys
from blueprint.layers.shared.names import key_alias
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


@dataclass(frozen=True)
class Domain:
    """A kind of data with a key of its own, and the statements that let its services use the key."""

    name: str
    what: str
    statements: Callable[[], list[Statement]]
    multi_region: bool = True
    for_everybody: str = ""  # why a statement names everybody, if one does: for the auditor


DOMAINS = (
    Domain(
        "Database",
        "databases, their replicas, snapshots and caches",
        lambda: [
            keys.through_services("rds", "elasticache", "backup"),
            keys.grants_through_services("rds", "elasticache", "backup"),
        ],
    ),
    Domain(
        "Storage",
        "objects in S3: static assets and what users upload",
        lambda: [
            keys.through_services("s3"),
            # Distributions of this account read static assets through origin access control.
            keys.cloudfront_reads(),
        ],
    ),
    Domain(
        "Credentials",
        "secrets in Secrets Manager and parameters in Systems Manager",
        lambda: [keys.through_services("secretsmanager", "ssm")],
    ),
    Domain(
        "Identity",
        "the user pool and its replica",
        keys.user_pools,
        for_everybody="Every statement for everybody demands this account as caller and Cognito between, as "
        "the Cognito guide has it: whoever signs people in need not have rights to keys.",
    ),
    Domain(
        "Logs",
        "log groups and log buckets",
        lambda: [
            keys.through_services("s3", "logs"),
            keys.log_groups(),
            # VPC flow logs and other vended logs that are delivered to a bucket.
            keys.service(
                "LogDelivery",
                "delivery.logs.amazonaws.com",
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*",
                [kms.Decrypt, kms.DescribeKey, keys.GENERATE_DATA_KEY],
            ),
        ],
        multi_region=False,  # logs stay in the region that wrote them
    ),
)


def stacks(env: Environment) -> list[Stack]:
    stack = Stack(
        "security",
        env,
        Place.PRIMARY,
        Place.RECOVERY,
        purpose="KMS keys, one for each domain of data.",
    )
    rotation = stack.option(
        "RotationDays", "security.rotation_days", group="Keys", label="Days between rotations"
    )
    window = stack.option(
        "DeletionWindowDays",
        "security.deletion_window_days",
        group="Keys",
        label="Days before a deleted key is gone",
    )
    for domain in DOMAINS:
        key = _key(stack, domain, rotation, window)
        if domain.multi_region and stack.spans_recovery:
            _replicated(stack, domain, key, window)
        else:
            _alias(stack, domain, Ref(key))
            stack.output(f"{domain.name}KeyArn", GetAtt(key, "Arn"), f"Key for {domain.what}")
    return [stack]


def _key(stack: Stack, domain: Domain, rotation: Parameter, window: Parameter) -> Key:
    key = stack.add_stateful(
        Key(
            f"{domain.name}Key",
            Description=f"{stack.subject.project} {stack.subject.name}: {domain.what}",
            EnableKeyRotation=True,
            RotationPeriodInDays=Ref(rotation),
            PendingWindowInDays=Ref(window),
            MultiRegion=domain.multi_region,
            KeyPolicy=keys.key_policy(*domain.statements()),
        ),
        setting="security.rotation_days",
    )
    _explain(domain, key)
    return key


def _explain(domain: Domain, key: Key | ReplicaKey) -> None:
    if domain.for_everybody:
        suppress(key, "checkov", "CKV_AWS_33", domain.for_everybody)
        suppress(key, "cfn_nag", "F76", domain.for_everybody)


def _replicated(stack: Stack, domain: Domain, key: Key, window: Parameter) -> None:
    """The key in the primary region, its replica in recovery regions, one pair of outputs for both."""
    key.Condition = stack.is_primary()
    primary_arn = stack.bound_parameter(
        f"{domain.name}KeyArn",
        stack="security",
        output=f"{domain.name}KeyArn",
        group="Recovery",
        label=f"ARN of the {domain.name.lower()} key",
        description=f"In a recovery region: ARN of the multi-region {domain.name.lower()} key to replicate.",
        pattern="arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/mrk-[0-9a-f]{32}",
    )
    replica = stack.add_stateful(
        ReplicaKey(
            f"{domain.name}ReplicaKey",
            Condition=stack.is_recovery(),
            Description=f"{stack.subject.project} {stack.subject.name}: {domain.what} (replica)",
            PendingWindowInDays=Ref(window),
            KeyPolicy=keys.key_policy(*domain.statements()).JSONrepr(),  # troposphere wants a dict here
            PrimaryKeyArn=Ref(primary_arn),
        ),
        setting="recovery",
    )
    _explain(domain, replica)
    _alias(stack, domain, If(stack.is_primary(), Ref(key), Ref(replica)))
    stack.output_by_origin(
        f"{domain.name}KeyArn", GetAtt(key, "Arn"), GetAtt(replica, "Arn"), f"Key for {domain.what}"
    )


def _alias(stack: Stack, domain: Domain, key_id: AWSHelperFn) -> None:
    """A name for people: the console lists keys by alias. It goes with the stack, the key stays."""
    stack.add(
        Alias(
            f"{domain.name}KeyAlias",
            AliasName=key_alias(stack.subject, domain.name.lower()),
            TargetKeyId=key_id,
        )
    )
