"""No role without a boundary, and nothing before the stack that holds it.

In one place, so that no layer can forget it, and by name, because IAM is the same in every region: a
recovery stack reads nothing of the primary for it. The path tells whose roles they are, whatever
CloudFormation makes of their names.
"""

from __future__ import annotations

from collections.abc import Sequence

from troposphere import Sub

from blueprint.stacks import deployment
from blueprint.stacks.stack import Stack

_BOUNDED = "AWS::IAM::Role"
_BELOW_PATH = (_BOUNDED, "AWS::IAM::ManagedPolicy")


def bound(stacks: Sequence[Stack]) -> None:
    """Put every role under the boundary, and every stack after the one that holds it, where there is one."""
    if not any(stack.name == deployment.STACK for stack in stacks):
        return
    for stack in stacks:
        if stack.name != deployment.STACK:
            stack.wait_for(deployment.STACK)
            _bound(stack)


def _bound(stack: Stack) -> None:
    name = deployment.boundary(stack.subject)
    for resource in stack.resources.values():
        if resource.resource_type in _BELOW_PATH:
            resource.Path = deployment.path(stack.subject)
        if resource.resource_type == _BOUNDED:
            resource.PermissionsBoundary = Sub(
                f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:policy/{name}"
            )
