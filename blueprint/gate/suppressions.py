"""A suppression sits at the resource, says why, and is needed.

Read from the resource's ``Metadata``, in the form each tool reads (or, where it reads none, the usual one)::

    cfn-lint:                 {config: {ignore_checks: [W1234]}, reasons: {W1234: "..."}}
    cloudformation-validate:  {rules_to_suppress: [{id: W1234, reason: "..."}]}

Both validators run as if nothing were suppressed, and the suppressions are applied here. So one pass
suffices to know which of them are not needed any more, and that is a warning like any other: it fails the
gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blueprint.gate.findings import CFN_LINT, Finding
from blueprint.gate.jobs import Job, Raw

SHORTEST_REASON = 40  # characters; "not needed" is no reason
UNUSED, UNREASONED, TOO_WIDE = "unused-suppression", "suppression-without-reason", "suppression-too-wide"


@dataclass(frozen=True)
class Suppression:
    logical_id: str  # empty: for the whole template
    rule: str
    reason: str


def apply(job: Job, raw: Raw) -> Raw:
    """Take out what is suppressed, and add what is wrong with the suppressions."""
    suppressions = list(read(job.template.body, job.validator))
    if not suppressions:
        return raw
    wanted = {(item.logical_id, item.rule) for item in suppressions}
    kept = [finding for finding in raw.findings if not _hits(finding, wanted)]
    used = {(finding.logical_id, finding.rule) for finding in raw.findings}
    return Raw(
        (*kept, *(complaint for item in suppressions for complaint in _complaints(job, item, used))),
        raw.complete,
    )


def _hits(finding: Finding, wanted: set[tuple[str, str]]) -> bool:
    # Only what is at a resource can be suppressed there: a parameter of the same name is another thing.
    at_resource = finding.property_path.partition(".")[0] not in (
        "Parameters",
        "Outputs",
        "Mappings",
        "Conditions",
    )
    return at_resource and (finding.logical_id, finding.rule) in wanted


def _complaints(job: Job, item: Suppression, used: set[tuple[str, str]]) -> Iterator[Finding]:
    where = f"Metadata.{job.validator}"
    if not item.logical_id:
        message = (
            f"{item.rule} is suppressed for the whole template; suppress it at the resource, with a reason"
        )
        yield _complaint(job, item, TOO_WIDE, message, where)
        return
    if len(item.reason) < SHORTEST_REASON:
        message = (
            f"{item.rule} is suppressed for {item.reason!r}; say why in {SHORTEST_REASON} characters or more"
        )
        yield _complaint(job, item, UNREASONED, message, where)
    if (item.logical_id, item.rule) not in used:
        message = (
            f"{item.rule} is suppressed, but {job.validator} does not report it here; remove the suppression"
        )
        yield _complaint(job, item, UNUSED, message, where)


def _complaint(job: Job, item: Suppression, rule: str, message: str, where: str) -> Finding:
    line = _line(job.template.body, item.logical_id)
    return Finding("", item.logical_id, where, rule, "warning", message, "", job.validator, line)


def _line(body: bytes, logical_id: str) -> int:
    """Of the resource: the renderer writes one key a line."""
    before, found, _ = body.partition(f'\n  "{logical_id}": {{'.encode())
    return before.count(b"\n") + 2 if found and logical_id else 1


def read(body: bytes, validator: str) -> Iterator[Suppression]:
    """Every suppression of one validator in a template; none in what is no JSON."""
    try:
        template = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(template, dict):
        return
    yield from _of(template, "", validator)
    resources = template.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, dict) else ():
        yield from _of(resource, logical_id, validator)


def _of(holder: Any, logical_id: str, validator: str) -> Iterator[Suppression]:
    settings = _mapping(_mapping(_mapping(holder).get("Metadata")).get(validator))
    if validator == CFN_LINT:
        reasons = _mapping(settings.get("reasons"))
        for rule in _list(_mapping(settings.get("config")).get("ignore_checks")):
            yield Suppression(logical_id, str(rule), str(reasons.get(str(rule), "")))
        return
    for entry in _list(settings.get("rules_to_suppress")):
        yield Suppression(
            logical_id, str(_mapping(entry).get("id", "")), str(_mapping(entry).get("reason", ""))
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
