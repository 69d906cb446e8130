"""Secrets that rotate: what a rotation's function may do, who may call it, and when."""

from __future__ import annotations

from awacs import kms, secretsmanager
from awacs.aws import Allow, ConditionElement, Statement, StringLike
from troposphere import AWSHelperFn, AWSObject, GetAtt, Ref
from troposphere.awslambda import Function, Permission
from troposphere.secretsmanager import RotationRules, RotationSchedule

from blueprint.layers.shared import keys
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack


def rotates(secret: AWSHelperFn, key_arns: list[AWSHelperFn]) -> list[Statement]:
    """A function reads and writes its own secret; Secrets Manager does the same to replicas, with its rights.

    ``key_arns`` are those of the secret's key in every region that has it.
    """
    return [
        Statement(
            Effect=Allow,
            Action=[
                secretsmanager.DescribeSecret,
                secretsmanager.GetSecretValue,
                secretsmanager.PutSecretValue,
                secretsmanager.UpdateSecretVersionStage,
            ],
            Resource=[secret],
        ),
        Statement(
            Effect=Allow,
            Action=[secretsmanager.GetRandomPassword],
            Resource=["*"],  # it belongs to no secret
        ),
        Statement(
            Effect=Allow,
            Action=[kms.Decrypt, kms.Encrypt, keys.GENERATE_DATA_KEY],
            Resource=key_arns,
            Condition=all_of(_through_secrets_manager()),
        ),
    ]


def _through_secrets_manager() -> ConditionElement:
    return StringLike("kms:ViaService", "secretsmanager.*.amazonaws.com")


def rotate(
    stack: Stack,
    name: str,
    secret: AWSHelperFn,
    function: Function,
    days: AWSHelperFn,
    *,
    after: AWSObject,
    setting: str,
) -> None:
    """Have ``function`` rotate ``secret`` every so many days, the first time then and not at once.

    Secrets Manager tries the function's testSecret step when the schedule is made, so ``after`` is what must
    be done before that can succeed.
    """
    suppress(
        stack.resources[f"{function.title}Role"],
        "cdk_nag",
        "AwsSolutions-IAM5",
        "GetRandomPassword belongs to no resource, GenerateDataKey* stands for a family of calls that "
        "Secrets Manager makes with one key, and a log group's ARN ends in its streams.",
    )
    allowed = stack.add(
        Permission(
            f"{name}RotationPermission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(function),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
            SourceArn=secret,
        )
    )
    stack.add(
        RotationSchedule(
            f"{name}Rotation",
            DependsOn=[allowed.title, after.title],
            SecretId=secret,
            RotationLambdaARN=GetAtt(function, "Arn"),
            RotationRules=RotationRules(AutomaticallyAfterDays=days),
            RotateImmediatelyOnUpdate=False,
        ),
        setting=setting,
    )
