"""Encryption of every new disk (EBS), whoever makes it, in every region in use. Promise R11.

Elastic Beanstalk cannot be told a key for its instances' disks; EC2's default for the region can, by three
API calls that CloudFormation has no type for. Two custom resources make them: the first remembers what the
region had before and changes nothing, the second sets and, when deleted, gives back. The memory is the first
one's physical id, so it is CloudFormation's, survives any repetition of the second, and is never written
again.
"""

from __future__ import annotations

from collections.abc import Iterable

from awacs import ec2, kms
from awacs.aws import (
    Action,
    Allow,
    ArnEquals,
    Bool,
    ConditionElement,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AWSHelperFn, FindInMap, GetAtt, Ref, Sub
from troposphere.awslambda import Function
from troposphere.kms import Alias, Key

from blueprint.environment import Account
from blueprint.environment.formats import key_place
from blueprint.layers.shared import keys
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.functions import add_custom_resource, add_function
from blueprint.layers.shared.names import key_alias
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.places import Place
from blueprint.stacks.stack import REGION_MAP, Stack

TIMEOUT_SECONDS = 90
_MODE = "ebs_encryption.mode"
_PURPOSE = "Encryption of every new disk with a key of the account's."
_KEY_MUST = (
    " The key's policy must let the role AWSServiceRoleForAutoScaling use it, or instances of groups end as "
    "soon as they start (statements: docs/layers/account.md)."
)
_AUTO_SCALING_ROLE = (
    "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/autoscaling.amazonaws.com/"
    "AWSServiceRoleForAutoScaling"
)
_ANY_KEY_HERE = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"
_DEFAULTS = [
    ec2.DisableEbsEncryptionByDefault,
    ec2.EnableEbsEncryptionByDefault,
    ec2.GetEbsDefaultKmsKeyId,
    ec2.GetEbsEncryptionByDefault,
    ec2.ModifyEbsDefaultKmsKeyId,
    ec2.ResetEbsDefaultKmsKeyId,
]
# None of them knows resources (Service Authorization Reference, Amazon EC2): they set the region's default.
_EVERY_RESOURCE = ["*"]  # all that these actions take; see above


def stacks(account: Account) -> list[Stack]:
    if account.ebs_encryption.mode == "off":
        return []
    stack = Stack(
        "encryption",
        account,
        Place.ACCOUNT_REGIONS,
        purpose=_PURPOSE + (_KEY_MUST if account.ebs_encryption.mode == "existing" else ""),
    )
    if account.ebs_encryption.mode == "create":
        key = GetAtt(_key(stack), "Arn")
        function = _function(stack, key)
    else:
        key = _given_key(stack, account.ebs_encryption.key_arns)
        # Its log is encrypted by AWS: what another's key lets in is not known here.
        function = _function(stack, None, key)
    before = add_custom_resource(stack, "DiskEncryptionBefore", "Custom::EbsEncryptionBefore", function, {})
    add_custom_resource(
        stack,
        "DiskEncryption",
        "Custom::EbsEncryption",
        function,
        {"KeyArn": key, "Before": Ref(before)},
        setting=_MODE,
    )
    stack.output("DiskKeyArn", key, "Key that encrypts new disks")
    return [stack]


def _given_key(stack: Stack, arns: Iterable[str]) -> AWSHelperFn:
    """The key of the account and region where the template runs; one template serves them all.

    A mapping even for one key: validators take a literal ARN in a property for a slip.
    """
    for arn in sorted(arns):
        account_id, region = key_place(arn)
        stack.mapping.setdefault(region, {})[account_id] = arn
    return FindInMap(REGION_MAP, Ref("AWS::Region"), Ref("AWS::AccountId"))


def _function(stack: Stack, log_key: AWSHelperFn | None, *given_keys: AWSHelperFn) -> Function:
    function = add_function(
        stack,
        "DiskEncryptionFunction",
        "ebs_encryption",
        purpose="Sets the region's default encryption of disks, and gives the former one back",
        statements=[
            Statement(Effect=Allow, Action=_DEFAULTS, Resource=_EVERY_RESOURCE),
            # Is it there, enabled, symmetric? EC2 finds out only when somebody starts an instance.
            Statement(Effect=Allow, Action=[kms.DescribeKey], Resource=[Sub(_ANY_KEY_HERE), *given_keys]),
        ],
        timeout_seconds=TIMEOUT_SECONDS,
        log_key_arn=log_key,
    )
    role = stack.resources[f"{function.title}Role"]
    reason = "The EC2 actions on encryption by default set a region's default; they know no resources."
    suppress(role, "cfn_nag", "W11", reason)
    suppress(role, "cdk_nag", "AwsSolutions-IAM5", reason)
    suppress(role, "checkov", "CKV_AWS_111", reason)
    return function


# -- key ---------------------------------------------------------------------------------------------------


def _key(stack: Stack) -> Key:
    key = stack.add_stateful(
        Key(
            "DiskKey",
            Description=f"{stack.subject.project} {stack.subject.name}: disks of instances",
            EnableKeyRotation=True,
            KeyPolicy=keys.key_policy(
                _anybody_through_ec2(),
                _anybody_through_ec2_grants(),
                _auto_scaling_uses(),
                _auto_scaling_grants(),
                keys.log_groups(),  # of the function below
            ),
        ),
        setting=_MODE,
    )
    stack.add(Alias("DiskKeyAlias", AliasName=key_alias(stack.subject, "disks"), TargetKeyId=Ref(key)))
    reason = (
        "Every statement for everybody demands kms:CallerAccount, and EC2 between or one role: the reach of "
        "the AWS managed key that this one replaces."
    )
    suppress(key, "checkov", "CKV_AWS_33", reason)
    suppress(key, "cfn_nag", "F76", reason)
    return key


# Who may start an instance today needs no right to a key, because the AWS managed key lets in everybody of
# the account who comes through EC2. A default that asked for more would stop launches all over the account.
# So the key's policy says the same. It cannot name the account's root instead, which only lets IAM policies
# decide; nor the service-linked role of Auto Scaling, whose own policy has no KMS: KMS refuses a policy that
# names a role which does not exist, and in a new account it does not until the first group.


def _anybody_through_ec2() -> Statement:
    return _for_account("AccountThroughEc2", keys.USE, _through_ec2())


def _anybody_through_ec2_grants() -> Statement:
    return _for_account("AccountThroughEc2Grants", [kms.CreateGrant], _through_ec2(), _FOR_AWS)


def _auto_scaling_uses() -> Statement:
    return _for_account("AutoScalingUses", keys.USE, _auto_scaling())


def _auto_scaling_grants() -> Statement:
    return _for_account("AutoScalingGrants", [kms.CreateGrant], _auto_scaling(), _FOR_AWS)


_FOR_AWS = Bool("kms:GrantIsForAWSResource", True)


def _through_ec2() -> ConditionElement:
    return StringEquals("kms:ViaService", Sub("ec2.${AWS::Region}.amazonaws.com"))


def _auto_scaling() -> ConditionElement:
    return ArnEquals("aws:PrincipalArn", Sub(_AUTO_SCALING_ROLE))


def _for_account(sid: str, actions: list[Action], *conditions: ConditionElement) -> Statement:
    """Everybody, and then only this account's: see above why it must be so."""
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("AWS", "*"),
        Action=actions,
        Resource=keys.THIS_KEY,
        Condition=all_of(StringEquals("kms:CallerAccount", Ref("AWS::AccountId")), *conditions),
    )
