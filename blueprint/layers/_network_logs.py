"""Flow logs of the network: who talked to whom, in a log group with our key."""

from __future__ import annotations

from typing import get_args

from awacs import logs, sts
from awacs.aws import Allow, ArnLike, Condition, PolicyDocument, Principal, Statement, StringEquals
from troposphere import AWSHelperFn, GetAtt, Parameter, Ref, Sub
from troposphere.ec2 import VPC, FlowLog
from troposphere.iam import Policy, Role
from troposphere.logs import LogGroup

from blueprint.environment import Environment
from blueprint.environment.section import LogDays
from blueprint.render.stack import Stack

_FLOW_LOGS = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"


def add_flow_logs(stack: Stack, env: Environment, vpc: VPC, logs_key: AWSHelperFn) -> None:
    group = stack.add_stateful(
        LogGroup("FlowLogGroup", KmsKeyId=logs_key, RetentionInDays=Ref(_retention(stack, env))),
        setting="network.flow_logs.retention_days",
    )
    role = stack.add(
        Role(
            "FlowLogRole",
            Description="Writes the flow logs of the VPC",
            AssumeRolePolicyDocument=_assumed_by_flow_logs(),
            Policies=[Policy(PolicyName="Write", PolicyDocument=_writes(group))],
        )
    )
    stack.add(
        FlowLog(
            "FlowLog",
            ResourceType="VPC",
            ResourceId=Ref(vpc),
            TrafficType=env.network.flow_logs.traffic.upper(),
            LogDestinationType="cloud-watch-logs",
            LogGroupName=Ref(group),
            DeliverLogsPermissionArn=GetAtt(role, "Arn"),
        ),
        setting="network.flow_logs.traffic",
    )


def _retention(stack: Stack, env: Environment) -> Parameter:
    return stack.parameter(
        "FlowLogRetentionDays",
        env.network.flow_logs.retention_days,
        kind="Number",
        allowed=get_args(LogDays),
        group="Logs",
        label="Days to keep flow logs",
        description="How long records of the network's traffic are kept, in days. Their storage is charged.",
        constraint="A number of days that CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, ..., 3653.",
    )


def _assumed_by_flow_logs() -> PolicyDocument:
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Principal=Principal("Service", "vpc-flow-logs.amazonaws.com"),
                Action=[sts.AssumeRole],
                Condition=Condition(
                    [
                        StringEquals("aws:SourceAccount", Ref("AWS::AccountId")),
                        ArnLike("aws:SourceArn", Sub(_FLOW_LOGS)),
                    ]
                ),
            )
        ],
    )


def _writes(group: LogGroup) -> PolicyDocument:
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[
            Statement(
                Effect=Allow,
                Action=[logs.CreateLogStream, logs.DescribeLogStreams, logs.PutLogEvents],
                Resource=[GetAtt(group, "Arn")],
            ),
            Statement(
                Effect=Allow,
                Action=[logs.DescribeLogGroups],
                Resource=["*"],  # the service looks its group up by name among all
            ),
        ],
    )
