"""Key policies: the account administers, services use, and nobody locks himself out.

A key policy must say everything: IAM policies count only where the key policy lets them. ``Resource: "*"``
in a key policy means this key and nothing else (KMS Developer Guide, "Key policies in AWS KMS").
"""

from __future__ import annotations

from collections.abc import Sequence

from awacs import kms
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Bool,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import Ref, Sub

from blueprint.layers.shared.conditions import all_of

THIS_KEY = ["*"]
ACCOUNT_ROOT = Principal("AWS", Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))

# What the account's administrators may do through their IAM policies: manage the key, not use it. It holds
# PutKeyPolicy, so that no change of the policy can lock the account out of its own key.
_ADMINISTRATION = [
    kms.CancelKeyDeletion,
    kms.DeleteAlias,
    kms.CreateAlias,
    kms.DescribeKey,
    kms.DisableKey,
    kms.DisableKeyRotation,
    kms.EnableKey,
    kms.EnableKeyRotation,
    kms.GetKeyPolicy,
    kms.GetKeyRotationStatus,
    kms.ListAliases,
    kms.ListGrants,
    kms.ListKeyPolicies,
    kms.ListKeyRotations,
    kms.ListResourceTags,
    kms.PutKeyPolicy,
    kms.ReplicateKey,
    kms.RevokeGrant,
    kms.RotateKeyOnDemand,
    kms.ScheduleKeyDeletion,
    kms.SynchronizeMultiRegionKey,
    kms.TagResource,
    kms.UntagResource,
    kms.UpdateAlias,
    kms.UpdateKeyDescription,
    kms.UpdatePrimaryRegion,
]
# These two stand for families that services call by turns: GenerateDataKeyWithoutPlaintext, ReEncryptTo, ...
GENERATE_DATA_KEY = Action("kms", "GenerateDataKey*")
RE_ENCRYPT = Action("kms", "ReEncrypt*")
_CRYPTOGRAPHY = [kms.Decrypt, kms.Encrypt, GENERATE_DATA_KEY, RE_ENCRYPT]
USE = [*_CRYPTOGRAPHY, kms.DescribeKey]


def key_policy(*statements: Statement) -> PolicyDocument:
    """A key policy: administration by the account, then what a domain's services need."""
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Sid="AccountAdministers",
                Effect=Allow,
                Principal=ACCOUNT_ROOT,
                Action=_ADMINISTRATION,
                Resource=THIS_KEY,
            ),
            *statements,
        ],
    )


def through_services(*services: str) -> Statement:
    """Identities of this account that IAM allows may use the key, but only through these services."""
    return Statement(
        Sid="AccountUsesThroughServices",
        Effect=Allow,
        Principal=ACCOUNT_ROOT,
        Action=USE,
        Resource=THIS_KEY,
        Condition=all_of(_via(services)),
    )


def grants_through_services(*services: str) -> Statement:
    """Services that keep using a key while nobody calls them (a running database) work by grants."""
    return Statement(
        Sid="ServicesHoldGrants",
        Effect=Allow,
        Principal=ACCOUNT_ROOT,
        Action=[kms.CreateGrant, kms.ListGrants, kms.RevokeGrant],
        Resource=THIS_KEY,
        Condition=all_of(Bool("kms:GrantIsForAWSResource", True), _via(services)),
    )


def _via(services: Sequence[str]) -> StringEquals:
    hosts = [Sub(f"{service}.${{AWS::Region}}.amazonaws.com") for service in services]
    return StringEquals({"kms:ViaService": hosts, "kms:CallerAccount": Ref("AWS::AccountId")})


def log_groups() -> Statement:
    """CloudWatch Logs encrypts the log groups of this account and region."""
    return Statement(
        Sid="CloudWatchLogs",
        # The service under its regional name: no other works here.
        Effect=Allow,
        Principal=Principal("Service", Sub("logs.${AWS::Region}.amazonaws.com")),
        Action=USE,
        Resource=THIS_KEY,
        Condition=all_of(
            ArnLike(
                "kms:EncryptionContext:aws:logs:arn",
                Sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"),
            )
        ),
    )


def cloudfront_reads() -> Statement:
    """Distributions of this account read by origin access control; their ARN says whose they are."""
    source = Sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*")
    return Statement(
        Sid="CloudFront",
        Effect=Allow,
        Principal=Principal("Service", "cloudfront.amazonaws.com"),
        Action=[kms.Decrypt, kms.DescribeKey],
        Resource=THIS_KEY,
        Condition=all_of(ArnLike("aws:SourceArn", source)),
    )


def user_pools() -> list[Statement]:
    """User pools of this account, as the Cognito guide has it ("Data protection", read November 2026).

    Cognito keeps users in a directory service of AWS's, so that its principal needs the key too. Whoever
    calls Cognito must get through as well, and not everybody who signs people in has rights to keys: so
    everybody of this account, but through Cognito only.
    """
    pools = Sub("arn:${AWS::Partition}:cognito-idp:*:${AWS::AccountId}:userpool/*")
    services = Principal("Service", ["cognito-idp.amazonaws.com", "identitystore.amazonaws.com"])
    theirs = (StringEquals("aws:SourceAccount", Ref("AWS::AccountId")), ArnLike("aws:SourceArn", pools))
    in_context = StringLike("kms:EncryptionContext:aws:cognito-idp:userpool-arn", pools)
    through = _via(["cognito-idp"])
    return [
        Statement(
            Sid=sid,
            Effect=Allow,
            Principal=principal,
            Action=actions,
            Resource=THIS_KEY,
            Condition=all_of(*conditions),
        )
        for sid, principal, actions, conditions in (
            ("UserPoolsEncrypt", services, _CRYPTOGRAPHY, (*theirs, in_context)),
            ("UserPoolsLookAtKey", services, [kms.DescribeKey], theirs),
            ("CallersThroughCognito", Principal("AWS", "*"), _CRYPTOGRAPHY, (through, in_context)),
            ("CallersLookAtKey", Principal("AWS", "*"), [kms.DescribeKey], (through,)),
        )
    ]


def service(sid: str, principal: str, source_arn: str, actions: Sequence[Action] = USE) -> Statement:
    """A service principal uses the key for resources of this account whose ARN is like ``source_arn``."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("Service", principal),
        Action=list(actions),
        Resource=THIS_KEY,
        Condition=all_of(
            StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
            ArnLike("aws:SourceArn", Sub(source_arn)),
        ),
    )
