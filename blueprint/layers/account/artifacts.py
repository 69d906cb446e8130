"""Artifacts: the bucket that long templates go through on their way to CloudFormation. Promise R11.

One per account and region, shared by the environments there, each below prefixes with its name:
``templates/`` for what CloudFormation reads once, ``locks/`` for who is deploying now, and the name itself
for the rest.
"""

from __future__ import annotations

from troposphere import GetAtt, Ref
from troposphere.kms import Alias, Key
from troposphere.s3 import LifecycleConfiguration, LifecycleRule

from blueprint.environment import Account
from blueprint.layers.shared import bucket_policies as policies
from blueprint.layers.shared import keys
from blueprint.layers.shared.buckets import add_access_bucket, add_bucket, housekeeping
from blueprint.layers.shared.names import key_alias
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack

TEMPLATES = "templates/"
TEMPLATE_DAYS = 90  # a stack keeps its template itself; the copy is for whoever asks what was uploaded
ACCESS_DAYS = 365  # who read or wrote what, for an inquiry that comes late
NONCURRENT_DAYS = 30


def stacks(account: Account) -> list[Stack]:
    stack = Stack(
        "artifacts",
        account,
        Place.ACCOUNT_REGIONS,
        purpose="Bucket that long templates and releases go through.",
    )
    add_access_bucket(
        stack,
        "access logs of the artifacts' bucket",
        lifecycle=_expire("AccessLogs", "", ACCESS_DAYS),
        statements=policies.services_write,
        prefix="bundle-log",  # not "access": in the home region that of the audit has the name
    )
    add_bucket(
        stack,
        "Artifacts",
        "templates on their way to CloudFormation",
        key_arn=GetAtt(_key(stack), "Arn"),
        lifecycle=_expire("Templates", TEMPLATES, TEMPLATE_DAYS),
    )
    return [stack]


def _expire(rule: str, prefix: str, days: int) -> LifecycleConfiguration:
    old = LifecycleRule(
        Id=rule, Status="Enabled", ExpirationInDays=days, **({"Prefix": prefix} if prefix else {})
    )
    return LifecycleConfiguration(Rules=[old, housekeeping(NONCURRENT_DAYS)])


def _key(stack: Stack) -> Key:
    key = stack.add_stateful(
        Key(
            "ArtifactsKey",
            Description=f"{stack.subject.project} {stack.subject.name}: templates and releases",
            EnableKeyRotation=True,
            KeyPolicy=keys.key_policy(keys.through_services("s3")),
        )
    )
    stack.add(
        Alias("ArtifactsKeyAlias", AliasName=key_alias(stack.subject, "artifacts"), TargetKeyId=Ref(key))
    )
    return key
