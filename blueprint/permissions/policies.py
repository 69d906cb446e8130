"""Policy documents within IAM's quotas, from statements with texts for ``Fn::Sub``.

Quotas: IAM User Guide, "IAM and AWS STS quotas" (read November 2026). White space does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from troposphere import Sub

from blueprint.permissions.grants import Statement
from blueprint.problems import BlueprintError, Problem

MOST_CHARACTERS = 6144  # of a managed policy
MOST_POLICIES = 10  # managed policies of a role, unless AWS raises it
_EMPTY = {"Version": "2012-10-17", "Statement": []}
#: As long as they get: every region that an environment may name is in the partition "aws".
_RESOLVED = {"${AWS::Partition}": "aws", "${AWS::AccountId}": "0" * 12}


def pack(statements: Iterable[Statement], what: str) -> list[list[Statement]]:
    """The statements in as many policies as they need, in their order.

    Raises BlueprintError where a role could not hold so many.
    """
    policies: list[list[Statement]] = []
    left = 0
    for statement in _split(statements):
        size = characters(statement) + 1  # a comma
        if size > left:
            policies.append([])
            left = MOST_CHARACTERS - characters(_EMPTY)
        policies[-1].append(statement)
        left -= size
    if len(policies) > MOST_POLICIES:
        raise BlueprintError(
            Problem(
                f"{what} needs {len(policies)} managed policies, and IAM attaches {MOST_POLICIES} to a role",
                remedy="ask AWS for 20 (quota L-0DA4ABF3) and raise MOST_POLICIES, or leave a layer out",
                code="REN031",
            )
        )
    return policies


def _split(statements: Iterable[Statement]) -> Iterator[Statement]:
    """One that fills a policy by itself becomes two with half the actions each."""
    for statement in statements:
        actions = statement["Action"]
        if characters(statement) > MOST_CHARACTERS // 2 and len(actions) > 1:
            half = len(actions) // 2
            yield from _split({**statement, "Action": part} for part in (actions[:half], actions[half:]))
        else:
            yield statement


def characters(part: Any) -> int:
    """What IAM counts of a document, or a part of one, once CloudFormation has filled it in."""
    text = json.dumps(part, separators=(",", ":"))
    for variable, value in _RESOLVED.items():
        text = text.replace(variable, value)
    return len(text)


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """For a template: what names partition or account is filled in by CloudFormation."""
    return {"Version": "2012-10-17", "Statement": [_sub(statement) for statement in statements]}


def _sub(value: Any) -> Any:
    if isinstance(value, str):
        return Sub(value) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: _sub(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sub(item) for item in value]
    return value
