"""A small judge of identity policies: would IAM let this call through?

``allowed(policies, action, resource, context)`` is what other tests ask, with policies as plain JSON. IAM's
rules for absent keys hold: a positive condition does not match without its key, a negated one does, and
with ``IfExists`` or ``ForAllValues`` everything does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from tests.conftest import Rendering

Context = Mapping[str, Any]
Policy = Mapping[str, Any]


class Judge:
    """Policies that many calls are held against; looks through their actions once for each."""

    def __init__(self, policies: Iterable[Policy], boundary: Policy | None = None) -> None:
        self.statements = [statement for policy in policies for statement in policy["Statement"]]
        self._boundary = Judge([boundary]) if boundary else None
        self._of_action: dict[str, list[Mapping[str, Any]]] = {}

    def applying(self, action: str, resource: str, context: Context | None = None) -> list[Mapping[str, Any]]:
        """The statements, of both effects, that the call meets."""
        if action not in self._of_action:
            self._of_action[action] = [s for s in self.statements if _has_action(s, action)]
        return [s for s in self._of_action[action] if _applies(s, resource, context or {})]

    def allows(self, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether a statement lets the call through, none refuses it, and the boundary has it too."""
        effects = {statement["Effect"] for statement in self.applying(action, resource, context)}
        bounded = self._boundary is None or self._boundary.allows(action, resource, context)
        return effects == {"Allow"} and bounded


def allowed(
    policies: Iterable[Policy],
    action: str,
    resource: str,
    context: Context | None = None,
    *,
    boundary: Policy | None = None,
) -> bool:
    """Whether an identity with these policies, under this boundary, may make the call."""
    return Judge(policies, boundary).allows(action, resource, context)


def _has_action(statement: Mapping[str, Any], action: str) -> bool:
    return any(_like(wide.lower(), action.lower()) for wide in listed(statement["Action"]))


def _applies(statement: Mapping[str, Any], resource: str, context: Context) -> bool:
    if not any(_like(wide, resource) for wide in listed(statement["Resource"])):
        return False
    return all(
        _holds(operator, key, [str(item) for item in listed(wanted)], context)
        for operator, tests in statement.get("Condition", {}).items()
        for key, wanted in tests.items()
    )


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": lambda value, wanted: _like(wanted, value),
    "ArnEquals": lambda value, wanted: _like(wanted, value),
    "ArnLike": lambda value, wanted: _like(wanted, value),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
}


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    if operator == "Null":
        return (key not in context) == (wanted == ["true"])
    lenient = operator.endswith("IfExists") or operator.startswith("ForAllValues:")
    name = operator.removesuffix("IfExists").rpartition(":")[2]
    negated = "Not" in name
    test = _TESTS[name.replace("Not", "")]
    if key not in context:
        return lenient or negated
    values = [str(value) for value in listed(context[key])]
    hits = [any(test(value, each) for each in wanted) for value in values]
    if negated:
        return not any(hits)
    return all(hits) if operator.startswith("ForAllValues:") else any(hits)


def _like(wide: str, text: str) -> bool:
    """IAM's wildcards: ``*`` for any characters, slashes and colons included, ``?`` for one."""
    if "*" not in wide and "?" not in wide:
        return wide == text
    return _pattern(wide).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _pattern(wide: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in wide)
    return re.compile("".join(parts), re.DOTALL)


# -- policies of a rendered environment --------------------------------------------------------------------


def filled_in(value: Any, account: str, region: str = "eu-west-1") -> Any:
    """What CloudFormation makes of pseudo parameters in ``value``; nothing else may be left in it."""
    text = json.dumps(value)
    text = re.sub(r'\{"Fn::Sub": ("(?:[^"\\]|\\.)*")\}', r"\1", text)
    for name, known in (("Partition", "aws"), ("AccountId", account), ("Region", region)):
        text = text.replace(f"${{AWS::{name}}}", known)
    assert "Fn::" not in text, re.findall(r".{60}Fn::.{60}", text)
    return json.loads(text)


def deployment_policies(rendering: Rendering, account: str) -> list[Policy]:
    """What the deployment role of an environment may do: every policy that is attached to it."""
    template = rendering["deployment"]
    attached = [item["Ref"] for item in template.properties("DeploymentRole")["ManagedPolicyArns"]]
    return [filled_in(template.properties(name)["PolicyDocument"], account) for name in attached]


def boundary_policy(rendering: Rendering, account: str) -> Policy:
    policy: Policy = filled_in(rendering["deployment"].properties("Boundary")["PolicyDocument"], account)
    return policy
