"""Tell a checker that what it dislikes at one resource is meant, and why.

A suppression names one resource, one rule and a reason that a reviewer can judge. It goes into the
resource's own Metadata, in the form which the tool reads. The gate runs cfn-lint and
cloudformation-validate, and reports those of their suppressions that are not needed (any more); the other
tools are not run here, but by many who receive the templates.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from troposphere import AWSObject

Tool = Literal["cfn-lint", "cloudformation-validate", "cfn_nag", "cdk_nag", "checkov", "guard"]

SHORTEST_REASON = 40  # characters; the gate demands as many

_RULES: dict[
    Tool, str
] = {  # what a rule of the tool looks like: a rule in the wrong drawer suppresses nothing
    "cfn-lint": r"[EWI]\d{4}",
    "cloudformation-validate": r"[FEWI]\d{4}",
    "cfn_nag": r"[FW]\d+",
    "cdk_nag": r"[A-Za-z0-9.]+-[A-Za-z0-9]+",
    "checkov": r"CKV2?_[A-Z]+_\d+",
    "guard": r"[A-Z][A-Z0-9_]+",
}


def suppress(resource: AWSObject, tool: Tool, rule: str, reason: str) -> None:
    """Write into the Metadata of ``resource`` that ``tool`` is to keep quiet about ``rule``.

    Suppress what a tool says of every environment: one that only some of them need is reported as unused in
    the others, so write it under the condition under which the resource looks that way.
    """
    if not re.fullmatch(_RULES[tool], rule):
        raise ValueError(f"{rule!r} is no rule of {tool}")
    reason = " ".join(reason.split())
    if len(reason) < SHORTEST_REASON:
        raise ValueError(f"the reason for {rule} is shorter than {SHORTEST_REASON} characters: {reason!r}")
    metadata: dict[str, Any] = resource.resource.setdefault("Metadata", {})
    _WRITERS[tool](metadata.setdefault(tool, {}), rule, reason)


def _cfn_lint(settings: dict[str, Any], rule: str, reason: str) -> None:
    # cfn-lint reads only the list; the reasons beside it are for people and for the gate.
    settings.setdefault("config", {}).setdefault("ignore_checks", []).append(rule)
    settings.setdefault("reasons", {})[rule] = reason


def _rules_to_suppress(settings: dict[str, Any], rule: str, reason: str) -> None:
    settings.setdefault("rules_to_suppress", []).append({"id": rule, "reason": reason})


def _checkov(settings: dict[str, Any], rule: str, reason: str) -> None:
    settings.setdefault("skip", []).append({"id": rule, "comment": reason})


def _guard(settings: dict[str, Any], rule: str, reason: str) -> None:
    # Guard reads only the list; like cfn-lint's, the reasons stand beside it.
    settings.setdefault("SuppressedRules", []).append(rule)
    settings.setdefault("Reasons", {})[rule] = reason


_WRITERS = {
    "cfn-lint": _cfn_lint,
    "cloudformation-validate": _rules_to_suppress,  # reads none itself; the gate applies them
    "cfn_nag": _rules_to_suppress,
    "cdk_nag": _rules_to_suppress,
    "checkov": _checkov,
    "guard": _guard,
}
