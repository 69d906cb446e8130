"""A small judge of resource policies: what does this template's policy say to that request?

It knows the few conditions that our policies use, with IAM's rules for absent keys: a positive condition does
not match without its key, a negated one does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "999988887777"
REGION = "eu-west-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::StackName": "stack",
}


def arn_of(logical_id: str) -> str:
    """What Fn::GetAtt Arn of a resource stands for here."""
    return f"arn:of:{logical_id}"


def resolved(value: Any) -> Any:
    """``value`` with intrinsic functions replaced; an import becomes ``import:<name>``."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref":
            return _PSEUDO.get(argument, argument)
        if name == "Fn::GetAtt":
            assert argument[1] == "Arn"
            return arn_of(argument[0])
        if name == "Fn::ImportValue":
            return f"import:{argument}"
        if name == "Fn::Sub":
            return re.sub(
                r"\$\{([\w:]+)(\.Arn)?\}",
                lambda found: arn_of(found[1]) if found[2] else _PSEUDO[found[1]],
                argument,
            )
        assert not name.startswith("Fn::"), name
    return {key: resolved(item) for key, item in value.items()}


@dataclass(frozen=True)
class Request:
    """``who`` is an ARN or a service's name; ``context`` the condition keys of the request."""

    who: str
    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def by_service(self) -> bool:
        return self.who.endswith(".amazonaws.com")

    def keys(self) -> dict[str, str]:
        over_tls = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
        return {**over_tls, "aws:PrincipalIsAWSService": str(self.by_service).lower(), **self.context}


def verdict(policy: Any, request: Request) -> str:
    """``deny``, ``allow`` or ``nothing``: then the identity's own policies decide, if it has any."""
    effects = {
        statement["Effect"] for statement in resolved(policy)["Statement"] if _applies(statement, request)
    }
    return "deny" if "Deny" in effects else "allow" if "Allow" in effects else "nothing"


def sids(policy: Any, request: Request) -> set[str]:
    """The statements that a request meets."""
    return {s["Sid"] for s in resolved(policy)["Statement"] if _applies(s, request)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _applies(statement: dict[str, Any], request: Request) -> bool:
    return (
        _principal(statement["Principal"], request)
        and any(fnmatchcase(request.action, action) for action in _listed(statement["Action"]))
        and any(fnmatchcase(request.resource, resource) for resource in _listed(statement["Resource"]))
        and all(
            holds(operator, str(wanted_key), wanted, request.keys())
            for operator, tests in statement.get("Condition", {}).items()
            for wanted_key, wanted in tests.items()
        )
    )


def _principal(principal: Any, request: Request) -> bool:
    if principal == "*" or principal == {"AWS": "*"}:
        return True
    kind, name = next(iter(principal.items()))
    if kind == "Service":
        return request.who in (name if isinstance(name, list) else [name])
    # The root stands for the account: it lets identities in whose own policies allow the request.
    return name == ROOT and request.who.startswith(f"arn:aws:iam::{ACCOUNT}:")


def holds(operator: str, key: str, wanted: Any, keys: Mapping[str, str]) -> bool:
    """Whether a test of a condition key matches a request with those keys."""
    wanted = _listed(wanted)
    if operator == "Null":
        return (key not in keys) == (str(wanted[0]).lower() == "true")
    if key not in keys:
        return operator == "StringNotEquals"
    value = keys[key]
    if operator == "Bool":
        return any(str(item).lower() == value for item in wanted)
    if operator in ("StringEquals", "ArnEquals"):
        return value in wanted
    if operator == "StringNotEquals":
        return value not in wanted
    if operator in ("StringLike", "ArnLike"):
        return any(fnmatchcase(value, item) for item in wanted)
    assert operator == "NumericLessThan", operator
    return any(float(value) < float(item) for item in wanted)
