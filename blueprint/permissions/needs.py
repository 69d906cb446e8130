"""Which actions deploying takes: those of every resource type's handlers, and the deploy command's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blueprint.permissions import additions
from blueprint.permissions.facts import action, handlers
from blueprint.permissions.names import (
    BEANSTALK,
    BEANSTALK_GIVES,
    EVERYTHING,
    STACK_SETS,
    STACKS,
    Scope,
    artifacts,
    secret,
)
from blueprint.permissions.resources import Made
from blueprint.stacks.places import Subject

_BEANSTALK = "AWS::ElasticBeanstalk::"


class Need(NamedTuple):
    """An action, what asks for it (a resource type, or ``deploy``), and whose names it goes by."""

    action: str
    by: str
    scope: Scope = EVERYTHING


def needs(subject: Subject, made: Made) -> list[Need]:
    return [*resource_needs(made), *command_needs(subject, made)]


def resource_needs(made: Made) -> Iterator[Need]:
    """What CloudFormation calls for each resource type, with the rights of whoever deploys."""
    for kind in made.types:
        scope = BEANSTALK if kind.startswith(_BEANSTALK) else EVERYTHING
        unused = {*additions.REFUSED, *_unused(made, kind)}
        for spelt in filter(None, map(action, handlers(kind))):
            if unused.isdisjoint((spelt, spelt.partition(":")[0])):
                yield Need(spelt, kind, scope)
        for addition in additions.ADDITIONS:
            if addition.resource_type == kind:
                yield from (Need(text, kind, scope) for text in addition.actions)
    if any(kind.startswith("Custom::") for kind in made.types):
        yield from (Need(text, "Custom::*") for text in additions.CUSTOM.actions)
    if any(kind.startswith(_BEANSTALK) for kind in made.types):
        # Releases are read where AWS keeps samples and platforms, and where the command put them.
        yield Need("s3:GetObject", _BEANSTALK, BEANSTALK_GIVES)
    for name in made.resolved_secrets:
        scope = EVERYTHING if "$" in name else secret(name)  # a reference is to one of ours
        yield Need("secretsmanager:GetSecretValue", "a dynamic reference", scope)


def _unused(made: Made, kind: str) -> set[str]:
    """Services and actions that only a property needs which no resource of the type sets."""
    return {
        what
        for (resource_type, what), keys in additions.ONLY_WITH.items()
        if resource_type == kind and not made.mentions(kind, *keys)
    }


# -- the command -------------------------------------------------------------------------------------------

_STACKS = """CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet DeleteStack
DescribeChangeSet DescribeChangeSetHooks DescribeEvents DescribeStackEvents DescribeStackResource
DescribeStackResourceDrifts DescribeStackResources DescribeStacks DetectStackDrift DetectStackResourceDrift
ExecuteChangeSet GetStackPolicy GetTemplate ListChangeSets ListHookResults ListStackResources RollbackStack
SetStackPolicy UpdateStack UpdateTerminationProtection"""
#: They know no stack: names of exports, a template that is validated, a resource that is looked at (Cloud
#: Control).
_ANY_STACK = """DescribeStackDriftDetectionStatus GetHookResult GetResource ListExports ListImports ListStacks
ValidateTemplate"""
_STACK_SETS = """CreateStackInstances DeleteStackInstances DeleteStackSet DescribeStackInstance
DescribeStackSet DescribeStackSetOperation DetectStackSetDrift ListStackInstanceResourceDrifts
ListStackInstances ListStackSetOperationResults ListStackSetOperations StopStackSetOperation
UpdateStackInstances UpdateStackSet"""
_ANY_STACK_SET = "CreateStackSet ListStackSets"  # one that does not exist yet has no resource
_BOTH = "GetTemplateSummary TagResource UntagResource"
_ARTIFACTS = "AbortMultipartUpload DeleteObject GetObject GetObjectVersion PutObject"
_LOOKS = {
    # A rollback trigger is looked up with the rights of whoever names it.
    "cloudwatch": "DescribeAlarms",
    # No listener has an open door: the check after every deployment.
    "ec2": "DescribeSecurityGroupRules DescribeSecurityGroups",
    "elasticloadbalancing": "DescribeListeners DescribeLoadBalancers DescribeRules DescribeTargetGroups",
    "sts": "GetCallerIdentity",
}


def command_needs(subject: Subject, made: Made) -> Iterator[Need]:
    """What the deploy command calls itself."""
    own = artifacts(subject)
    calls = {"cloudformation": f"{_STACKS} {_ANY_STACK}", **_LOOKS}
    if made.recovers:
        calls["cloudformation"] += f" {_STACK_SETS} {_ANY_STACK_SET}"
    for service, text in calls.items():
        yield from (Need(f"{service}:{name}", "deploy") for name in text.split())
    for scope in (STACKS, STACK_SETS) if made.recovers else (STACKS,):
        yield from (Need(f"cloudformation:{name}", "deploy", scope) for name in _BOTH.split())
    for name in (*_ARTIFACTS.split(), "GetBucketLocation", "ListBucket"):
        yield Need(f"s3:{name}", "deploy", own)
    yield Need("s3:ListBucketVersions", "deploy")  # destroying says which buckets are not empty
    for name in ("Decrypt", "GenerateDataKey"):
        yield Need(f"kms:{name}", "deploy")  # of the artifacts' key, through S3
    for name in made.wanted_secrets:
        yield Need("secretsmanager:DescribeSecret", "deploy", secret(name))
