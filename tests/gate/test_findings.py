"""A finding knows whether it fails the gate, where it belongs among others, and what it is about."""

from __future__ import annotations

import pytest

from blueprint.gate.findings import Finding, split_path


def finding(**over: object) -> Finding:
    fields = {
        "template": "b.json",
        "logical_id": "Key",
        "property_path": "Properties",
        "rule": "E1",
        "severity": "error",
        "message": "m",
        "link": "l",
        "validator": "cfn-lint",
        **over,
    }
    return Finding(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("severity", "fails"), [("error", True), ("warning", True), ("info", False)])
def test_errors_and_warnings_fail_the_gate_and_advice_does_not(severity, fails):
    assert finding(severity=severity).fails is fails


def test_findings_stand_by_template_then_gravest_first_then_by_line():
    wanted = [
        finding(template="a.json", severity="info", line=9),
        finding(severity="error", line=5),
        finding(severity="error", line=7),
        finding(severity="warning", line=1),
    ]
    shuffled = [wanted[index] for index in (2, 0, 3, 1)]
    assert sorted(shuffled, key=lambda item: item.order) == wanted


def test_no_two_different_findings_are_equal_in_order():
    one, other = finding(message="one"), finding(message="other")
    assert one.order != other.order


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (["Resources", "Key", "Properties", "Tags", "0"], ("Key", "Properties.Tags.0")),
        (["Outputs", "Id", "Value"], ("Id", "Outputs.Id.Value")),
        (["Parameters", "Days"], ("Days", "Parameters.Days")),
        (["Description"], ("", "Description")),
        ([], ("", "")),
    ],
)
def test_a_path_tells_the_logical_id_and_what_is_below_it(parts, found):
    assert split_path(parts) == found
