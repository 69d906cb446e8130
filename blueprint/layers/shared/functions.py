"""Lambda functions: own role, own log group, code inline.

Custom resources are the exception: only where CloudFormation has no type. A function's code is a tested file
under ``blueprint/functions``; a template carries its text, so that what is reviewed is what runs. A file that
imports others of that folder (the skeleton of custom resources, say) gets their text in front.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from awacs import ec2, logs, sts
from awacs.aws import Allow, PolicyDocument, Principal, Statement
from troposphere import AWSHelperFn, AWSObject, GetAtt, Ref
from troposphere.awslambda import Code, Environment, Function, LoggingConfig, VPCConfig
from troposphere.iam import Policy, Role
from troposphere.logs import LogGroup

from blueprint.layers.shared.suppress import suppress
from blueprint.stacks.stack import Stack

RUNTIME = "python3.14"  # supported by Lambda until June 2029
LOG_DAYS = 90  # such a function runs when a stack changes; the audit trail keeps who changed it
_FOLDER = Path(__file__).parents[2] / "functions"
_IMPORT = re.compile(r"^from blueprint\.functions\.(\w+) import .*\n", re.MULTILINE)
_FUTURE = "from __future__ import annotations\n"


def add_function(
    stack: Stack,
    name: str,
    module: str,
    *,
    purpose: str,
    statements: Sequence[Statement],
    timeout_seconds: int,
    log_key_arn: AWSHelperFn | None = None,
    memory_mb: int = 256,  # boto3 starts twice as fast as with the least
    environment: Mapping[str, Any] | None = None,
    network: VPCConfig | None = None,
) -> Function:
    """Add a function, with its role and log group.

    ``module`` is a file of ``blueprint/functions`` that defines ``handler``; ``statements`` is what it may do
    besides writing its log; ``timeout_seconds`` (up to 900) of a custom resource's function is 30 at least,
    because it includes 12 for sending an answer. ``environment`` must hold no secret. With ``network`` it
    runs inside the VPC and may make its interfaces there.
    """
    log_options: dict[str, Any] = {"KmsKeyId": log_key_arn} if log_key_arn else {}
    log = stack.add_stateful(LogGroup(f"{name}Logs", RetentionInDays=LOG_DAYS, **log_options))
    if network:
        statements = [*statements, _has_interfaces()]
    role = stack.add(
        Role(
            f"{name}Role",
            Description=purpose,
            AssumeRolePolicyDocument=_assumed_by("lambda.amazonaws.com"),
            # Inside the role, so that neither is missing when a function runs while a stack is deleted.
            Policies=[
                Policy(
                    PolicyName="Work",
                    PolicyDocument=PolicyDocument(
                        Version="2012-10-17", Statement=[_writes_log(log), *statements]
                    ),
                )
            ],
        )
    )
    inline = "The policy belongs to this one role and must go neither before it nor after it."
    suppress(role, "guard", "IAM_NO_INLINE_POLICY_CHECK", inline)
    function = stack.add(
        Function(
            name,
            Description=purpose,
            Architectures=["arm64"],
            Runtime=RUNTIME,
            Handler="index.handler",  # Lambda names the file of inline code
            Code=Code(ZipFile=inline_code(module)),
            Role=GetAtt(role, "Arn"),
            Timeout=timeout_seconds,
            MemorySize=memory_mb,
            LoggingConfig=LoggingConfig(LogGroup=Ref(log)),
            **{"Environment": Environment(Variables=dict(environment))} if environment else {},
            **{"VpcConfig": network} if network else {},
        )
    )
    _say_what_it_does_without(function, inside=bool(network))
    if environment:
        suppress(
            function,
            "checkov",
            "CKV_AWS_173",
            "Its variables are names and ARNs, which everybody who may read the template knows; Lambda "
            "encrypts them with its own key.",
        )
    if network:
        suppress(
            role,
            "checkov",
            "CKV_AWS_111",
            "Lambda makes the function's network interfaces with its role, before they have a name that a "
            "policy could hold.",
        )
    return function


def _say_what_it_does_without(function: Function, inside: bool) -> None:
    reason = "A reserved share would be taken from every other function of the account; it needs none."
    _suppress(function, reason, checkov="CKV_AWS_115", cfn_nag="W92", guard="LAMBDA_CONCURRENCY_CHECK")
    reason = "Its caller waits for the answer and reports every failure, so there is nothing to queue."
    _suppress(function, reason, checkov="CKV_AWS_116", guard="LAMBDA_DLQ_CHECK")
    if not inside:
        reason = (
            "It calls public AWS APIs only, over TLS; inside a VPC it would need a way out and gain nothing."
        )
        _suppress(function, reason, checkov="CKV_AWS_117", cfn_nag="W89", guard="LAMBDA_INSIDE_VPC_CHECK")


def _suppress(function: Function, reason: str, *, checkov: str, guard: str, cfn_nag: str = "") -> None:
    suppress(function, "checkov", checkov, reason)
    suppress(function, "guard", guard, reason)
    if cfn_nag:
        suppress(function, "cfn_nag", cfn_nag, reason)


def add_custom_resource(
    stack: Stack,
    name: str,
    resource_type: str,
    function: Function,
    properties: Mapping[str, Any],
    *,
    depends_on: Sequence[AWSObject] = (),
    setting: str = "",
) -> AWSObject:
    """Add the resource that ``function`` makes; ``resource_type`` begins with ``Custom::``."""
    props = {"ServiceToken": (str, True), "ServiceTimeout": (int, True)}
    props.update(dict.fromkeys(properties, (object, False)))
    kind = type(resource_type, (AWSObject,), {"resource_type": resource_type, "props": props})
    resource: AWSObject = kind(
        name,
        ServiceToken=GetAtt(function, "Arn"),
        ServiceTimeout=_patience(function.Timeout),
        **properties,
    )
    if depends_on:
        resource.DependsOn = [other.title for other in depends_on]
    return stack.add(resource, setting)


def _patience(timeout_seconds: int) -> int:
    """Seconds to wait, not an hour: Lambda runs an event three times, one and two minutes apart."""
    return min(3600, math.ceil(3 * timeout_seconds + 180))


@cache
def inline_code(module: str) -> str:
    """The text of a function as it stands in a template: what it imports of ours, then its own file.

    With its comments: without them the largest template were 4 % smaller and still twice what can be sent
    inline, and nobody who looks at the function in the console would read why it does what it does.
    """
    *needed, own = (_text(name) for name in _with_needs(module))
    if not needed:
        return own
    parts = [needed[0], *(_IMPORT.sub("", text.replace(_FUTURE, "")).strip() + "\n" for text in needed[1:])]
    parts.append(_IMPORT.sub("", own.replace(_FUTURE, "")).strip() + "\n")
    return "\n\n".join(parts)


def _with_needs(module: str) -> list[str]:
    """``module`` behind everything that it imports from its folder, each once, what is needed first."""
    order: dict[str, None] = {}
    for needed in _IMPORT.findall(_text(module)):
        order.update(dict.fromkeys(_with_needs(needed)))
    return [*order, module]


def _text(module: str) -> str:
    return (_FOLDER / f"{module}.py").read_text(encoding="utf-8")


def _assumed_by(service: str) -> PolicyDocument:
    return PolicyDocument(
        Version="2012-10-17",
        Statement=[Statement(Effect=Allow, Principal=Principal("Service", service), Action=[sts.AssumeRole])],
    )


def _writes_log(log: LogGroup) -> Statement:
    return Statement(
        Effect=Allow,
        Action=[logs.CreateLogStream, logs.PutLogEvents],
        Resource=[GetAtt(log, "Arn")],  # ends in :* and so means the streams of this group
    )


def _has_interfaces() -> Statement:
    """Lambda makes a function's network interfaces with the function's own rights."""
    return Statement(
        Effect=Allow,
        Action=[
            ec2.AssignPrivateIpAddresses,
            ec2.CreateNetworkInterface,
            ec2.DeleteNetworkInterface,
            ec2.DescribeNetworkInterfaces,
            ec2.DescribeSubnets,
            ec2.UnassignPrivateIpAddresses,
        ],
        Resource=["*"],  # the interfaces do not exist yet, and EC2's Describe actions know no resources
    )
