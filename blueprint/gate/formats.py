"""Findings for people and for CI systems: a table, SARIF 2.1.0, JUnit XML, plain data.

SARIF is what GitHub and others show beside the line of a pull request (one run per validator, as each has
its own rules); JUnit is what everybody shows as passed and failed tests.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from blueprint.gate.findings import CFN_LINT, SEVERITIES, VALIDATE, VALIDATORS, Finding
from blueprint.gate.jobs import version_of

LONGEST = 200  # characters of a message in the table; the other formats give all of it
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_HOMES = {
    CFN_LINT: "https://github.com/aws-cloudformation/cfn-lint",
    VALIDATE: "https://github.com/aws-cloudformation/cloudformation-validate",
}


def to_dicts(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [finding.as_dict() for finding in findings]


def to_table(findings: Sequence[Finding]) -> str:
    """One line a finding, columns aligned, the long ones last; empty without findings."""
    head = ("severity", "rule", "template", "logical id", "property path", "message", "link")
    rows = [
        (
            finding.severity,
            finding.rule,
            f"{finding.template}:{finding.line}",
            finding.logical_id or "-",
            finding.property_path or "-",
            _short(finding.message),
            finding.link,
        )
        for finding in findings
    ]
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows))
    return "\n".join(lines)


def to_sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0; a validator that found nothing has a run too, so that its old alerts are closed."""
    runs = [_run(name, [finding for finding in findings if finding.validator == name]) for name in VALIDATORS]
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": runs}, indent=1)


def to_junit(findings: Sequence[Finding], templates: Iterable[str] = ()) -> str:
    """JUnit XML: one test case per template and validator; it fails when a finding does.

    ``templates`` are the paths that were linted, so that those without findings show as passed.
    """
    from xml.etree import ElementTree as Xml  # only written here, and never read

    paths = sorted({*templates, *(finding.template for finding in findings)})
    root = Xml.Element("testsuites", name="blueprint gate")
    for validator in VALIDATORS:
        suite = Xml.SubElement(root, "testsuite", name=validator)
        failed = 0
        for path in paths:
            case = Xml.SubElement(suite, "testcase", classname=validator, name=path)
            own = [item for item in findings if item.validator == validator and item.template == path]
            failed += _fill_case(Xml, case, own)
        _count(suite, len(paths), failed)
    _count(root, len(paths) * len(VALIDATORS), sum(int(suite.get("failures", 0)) for suite in root))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _fill_case(xml: Any, case: Any, findings: Sequence[Finding]) -> bool:
    failing = [finding for finding in findings if finding.fails]
    if failing:
        counts = Counter(finding.severity for finding in failing)
        summary = ", ".join(f"{counts[severity]} {severity}s" for severity in SEVERITIES if counts[severity])
        worst = min((finding.severity for finding in failing), key=SEVERITIES.index)
        failure = xml.SubElement(case, "failure", type=worst, message=summary)
        failure.text = "\n".join(map(_sentence, failing))
    if advice := [_sentence(finding) for finding in findings if not finding.fails]:
        xml.SubElement(case, "system-out").text = "\n".join(advice)
    return bool(failing)


def _count(element: Any, tests: int, failures: int) -> None:
    for name, value in (("tests", tests), ("failures", failures), ("errors", 0), ("skipped", 0)):
        element.set(name, str(value))


def _sentence(finding: Finding) -> str:
    place = ".".join(part for part in (finding.logical_id, finding.property_path) if part)
    text = f"{finding.template}:{finding.line}: {finding.severity} {finding.rule} {place}: {finding.message}"
    # XML has no way to hold most control characters, and a template may contain any.
    return "".join(letter if letter.isprintable() else "?" for letter in f"{text} {finding.link}".rstrip())


def _short(message: str) -> str:
    """For the table: a list of every instance type there is would push the link out of sight."""
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 4]} ..."


def _run(validator: str, findings: Sequence[Finding]) -> dict[str, Any]:
    first_of = {finding.rule: finding for finding in reversed(findings)}
    rules = sorted(first_of)
    index = {rule: number for number, rule in enumerate(rules)}
    driver = {
        "name": validator,
        "version": version_of(validator),
        "informationUri": _HOMES[validator],
        "rules": [_rule(first_of[rule]) for rule in rules],
    }
    return {"tool": {"driver": driver}, "results": [_result(finding, index) for finding in findings]}


def _rule(example: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": example.rule, "defaultConfiguration": {"level": _level(example)}}
    if example.link:
        rule["helpUri"] = example.link
    return rule


def _result(finding: Finding, index: Mapping[str, int]) -> dict[str, Any]:
    place = ".".join(part for part in (finding.logical_id, finding.property_path) if part)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(finding.template)},
            "region": {"startLine": finding.line, "startColumn": finding.column},
        }
    }
    if place:
        location["logicalLocations"] = [{"fullyQualifiedName": place, "kind": "resource"}]
    identity = "\0".join((finding.template, finding.rule, place, finding.message))
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _level(finding),
        "message": {"text": f"{place}: {finding.message}" if place else finding.message},
        "locations": [location],
        # An alert stays the same alert when lines above it come and go.
        "partialFingerprints": {"finding/v1": sha256(identity.encode()).hexdigest()[:32]},
    }


def _level(finding: Finding) -> str:
    return _SARIF_LEVELS[finding.severity]
