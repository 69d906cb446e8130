"""What the engines of the database layer share: settings, what they hand on, monitoring, log groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from awacs import logs, sts
from awacs.aws import Allow, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AWSHelperFn, AWSObject, GetAtt, Parameter, Ref, Sub
from troposphere.iam import Policy, Role
from troposphere.logs import LogGroup

from blueprint.environment import Environment
from blueprint.environment.section import LogDays
from blueprint.layers.shared.conditions import all_of
from blueprint.layers.shared.suppress import suppress
from blueprint.schemas import engine_versions
from blueprint.stacks.stack import Stack

PORT = 3306
SCHEMA = "application"
APPLICATION_USER = "application"
LOGS = ("audit", "error", "general", "slowquery")
#: Database Insights: advanced mode keeps exactly 15 months, standard mode a week for nothing.
INSIGHTS_DAYS = {"advanced": 465, "standard": 7}
#: Of members and replicas: kept without their cluster or source, they would only cost.
REPLACEABLE = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}


@dataclass(frozen=True)
class Settings:
    """Where a database lies, its keys, and its times (parameters of the operator)."""

    subnet_group: AWSHelperFn
    security_group: AWSHelperFn
    key_arn: AWSHelperFn
    logs_key_arn: AWSHelperFn
    backup_days: AWSHelperFn
    backup_window: AWSHelperFn
    maintenance_window: AWSHelperFn


@dataclass(frozen=True)
class Server:
    """A database as proxy, functions and outputs see it."""

    arn: AWSHelperFn
    writer: AWSHelperFn
    reader: AWSHelperFn
    has_readers: bool
    targets: Mapping[str, Any]  # of a proxy's target group
    members: Sequence[AWSObject] = field(
        default_factory=list
    )  # the writer first; run before anybody can connect


def monitoring_role(stack: Stack) -> AWSHelperFn:
    """Enhanced Monitoring writes to a log group of RDS's own, one for the account."""
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:RDSOSMetrics"
    role = stack.add(
        Role(
            "MonitoringRole",
            Description="RDS writes measurements of the operating system",
            AssumeRolePolicyDocument=assumed_by("monitoring.rds.amazonaws.com", names_its_source=True),
            Policies=[
                Policy(
                    PolicyName="Write",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17",
                        Statement=[
                            Statement(
                                Effect=Allow,
                                Action=[logs.CreateLogGroup, logs.PutRetentionPolicy],
                                Resource=[Sub(f"{group}:*")],
                            ),
                            Statement(
                                Effect=Allow,
                                Action=[
                                    logs.CreateLogStream,
                                    logs.DescribeLogStreams,
                                    logs.GetLogEvents,
                                    logs.PutLogEvents,
                                ],
                                Resource=[Sub(f"{group}:log-stream:*")],
                            ),
                        ],
                    ),
                )
            ],
        ),
        setting="database.monitoring_seconds",
    )
    explain_role(role)
    suppress(
        role,
        "cdk_nag",
        "AwsSolutions-IAM5",
        "The streams of one log group of RDS's own, which it names after instances that do not exist yet.",
    )
    return GetAtt(role, "Arn")


def explain_role(role: Role) -> None:
    reason = "The policy belongs to this one role and must go neither before it nor after it."
    suppress(role, "guard", "IAM_NO_INLINE_POLICY_CHECK", reason)


def assumed_by(service: str, *, names_its_source: bool) -> PolicyDocument:
    """Trust in a service; for resources of this account only, where the service says whose they are."""
    here = {"Condition": all_of(StringEquals("aws:SourceAccount", Ref("AWS::AccountId")))}
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", service),
                Action=[sts.AssumeRole],
                **(here if names_its_source else {}),
            )
        ],
    )


def log_retention(stack: Stack, env: Environment) -> Parameter:
    return stack.parameter(
        "LogRetentionDays",
        env.database.log_retention_days,
        kind="Number",
        allowed=get_args(LogDays),
        group="Logs",
        label="Days to keep logs",
        description="How long logs of errors, slow queries and sign-ins are kept, in days.",
        constraint="A number of days that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, ..., 3653.",
    )


def log_groups(
    stack: Stack, settings: Settings, kind: str, database: str, retention: Parameter, *, owner: str = ""
) -> list[LogGroup]:
    """The groups that RDS would make itself otherwise: unencrypted, and kept for ever.

    ``kind`` is cluster or instance, ``database`` its identifier; ``owner`` goes in front of logical ids.
    """
    return [
        stack.add_stateful(
            LogGroup(
                f"{owner}{log.capitalize()}Logs",
                LogGroupName=f"/aws/rds/{kind}/{database}/{log}",
                RetentionInDays=Ref(retention),
                KmsKeyId=settings.logs_key_arn,
            ),
            setting="database.log_retention_days",
        )
        for log in LOGS
    ]


def pinned(resource: AWSObject) -> None:
    """No minor version by itself: the template would be behind, and the regions would differ."""
    reason = (
        "The minor version is pinned so that all regions of a global database have the same and no update of "
        "the stack meets a newer one than its own; AWS patches it all the same, as a version with long-term "
        "support, and upgrades are made by changing database.version."
    )
    suppress(resource, "checkov", "CKV_AWS_226", reason)
    suppress(resource, "guard", "RDS_AUTOMATIC_MINOR_VERSION_UPGRADE_ENABLED", reason)
    _newer_than_the_table(resource)


def _newer_than_the_table(resource: AWSObject) -> None:
    """The environment's rules let through what RDS may have got since the validators' tables were written."""
    version = resource.properties.get("EngineVersion")  # members have none: the cluster decides
    if version and version not in engine_versions(resource.Engine).known:
        reason = (
            "This version is newer than the tables of the locked validators; database.version is checked for "
            "being the next of a known line, and RDS itself has the last word."
        )
        rules = {"AWS::RDS::DBCluster": "E3690", "AWS::RDS::DBInstance": "E3691"}
        suppress(resource, "cfn-lint", rules[resource.resource_type], reason)
        suppress(resource, "cloudformation-validate", "E9006", reason)


def usual_port(resource: AWSObject) -> None:
    reason = (
        "Only the application's security group reaches the port; another number would hide nothing from who "
        "is inside and RDS Proxy listens on this one anyhow."
    )
    suppress(resource, "cdk_nag", "AwsSolutions-RDS11", reason)


def unprotected(resource: AWSObject, rule: str) -> None:
    """For an environment whose file says that its database may be deleted."""
    reason = (
        "The environment's file switches deletion protection off, because the environment comes and goes; a "
        "last snapshot is kept when the database is deleted."
    )
    suppress(resource, "cdk_nag", "AwsSolutions-RDS10", reason)
    suppress(resource, "checkov", rule, reason)


def snapshot_of_an_account(resource: AWSObject) -> None:
    reason = "The snapshot to restore is named in the environment's file, and may belong to another account."
    suppress(resource, "cloudformation-validate", "W9013", reason)
