"""Takes every rule off a VPC's default security group, for which CloudFormation has no type.

EC2 makes the group with the VPC, open to its own members and to everywhere outward, and puts whatever names
no group into it. It cannot be deleted, so it is emptied. Deleting the custom resource leaves it empty.
"""

from __future__ import annotations

from typing import Any

import boto3

from blueprint.functions.custom_resource import Request, custom_resource

REVOKED_AT_ONCE = 100  # rules a call; far below the quota of rules of a group times two directions


def close(request: Request) -> dict[str, Any]:
    group = request.properties["GroupId"]
    request.physical_id = group
    ec2 = boto3.client("ec2")
    inward, outward = _rules(ec2, group)
    for rules in _portions(inward):
        ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=rules)
    for rules in _portions(outward):
        ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=rules)
    return {"Revoked": len(inward) + len(outward)}


def leave_closed(request: Request) -> None:
    """The group goes with its VPC; until then it stays closed."""


def _rules(ec2: Any, group: str) -> tuple[list[str], list[str]]:
    """The ids of the group's rules, inward and outward."""
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    rules = [rule for page in pages for rule in page["SecurityGroupRules"]]
    return (
        [rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]],
        [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"]],
    )


def _portions(rules: list[str]) -> list[list[str]]:
    return [rules[start : start + REVOKED_AT_ONCE] for start in range(0, len(rules), REVOKED_AT_ONCE)]


handler = custom_resource(create=close, update=close, delete=leave_closed)
