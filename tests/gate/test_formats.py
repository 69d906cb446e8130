"""A finding arrives whole in every format, whatever a template put into its message."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from blueprint.gate import Finding
from blueprint.gate.formats import to_dicts, to_junit, to_sarif, to_table
from blueprint.gate.jobs import version_of


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  our own


FIRST = Finding(
    template="templates/prod/10 a.json",
    logical_id="Bucket",
    property_path="Properties.BucketNam",
    rule="E3002",
    severity="error",
    message="no property <BucketNam> & 'so on'",
    link="https://example.com/E3002",
    validator="cfn-lint",
    line=6,
    column=5,
)
OTHERS = [
    replace(FIRST, severity="warning", rule="W2508", validator="cloudformation-validate", line=9),
    replace(FIRST, severity="info", rule="I1022", logical_id="", property_path="", link=""),
    replace(FIRST, line=8),
]


def test_the_table_holds_every_part_of_a_finding_in_one_aligned_line() -> None:
    head, *lines = to_table([FIRST, *OTHERS]).splitlines()
    assert len(lines) == 4
    for part in (
        "error",
        "E3002",
        "templates/prod/10 a.json:6",
        "Bucket",
        FIRST.property_path,
        FIRST.message,
        FIRST.link,
    ):
        assert part in lines[0]
    assert {line.index(FIRST.message) for line in lines} == {head.index("message")}
    assert to_table([]) == ""


def test_sarif_has_a_run_per_validator_whose_results_name_its_rules() -> None:
    log = json.loads(to_sarif([FIRST, *OTHERS]))
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    drivers = [run["tool"]["driver"] for run in log["runs"]]
    assert [driver["name"] for driver in drivers] == ["cfn-lint", "cloudformation-validate"]
    assert [driver["version"] for driver in drivers] == [version_of(driver["name"]) for driver in drivers]
    assert [len(run["results"]) for run in log["runs"]] == [3, 1]
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_places_a_result_by_a_relative_address_and_a_line() -> None:
    result = json.loads(to_sarif([FIRST]))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "templates/prod/10%20a.json"},
        "region": {"startLine": 6, "startColumn": 5},
    }
    assert (
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "Bucket.Properties.BucketNam"
    )
    assert FIRST.message in result["message"]["text"]


def test_sarif_levels_are_those_of_the_standard() -> None:
    log = json.loads(to_sarif([FIRST, *OTHERS]))
    levels = {result["ruleId"]: result["level"] for run in log["runs"] for result in run["results"]}
    assert levels == {"E3002": "error", "W2508": "warning", "I1022": "note"}


def test_an_alert_stays_the_same_when_its_line_moves() -> None:
    one, moved, other = (
        json.loads(to_sarif([finding]))["runs"][0]["results"][0]["partialFingerprints"]
        for finding in (FIRST, replace(FIRST, line=99), replace(FIRST, logical_id="Other"))
    )
    assert one == moved != other


def test_junit_has_a_case_per_template_and_validator_and_fails_those_with_findings() -> None:
    root = parsed(to_junit([FIRST, *OTHERS], ["templates/prod/10 a.json", "templates/prod/20.json"]))
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert len(cases) == 4
    failed = {key for key, case in cases.items() if case.find("failure") is not None}
    assert failed == {("cfn-lint", FIRST.template), ("cloudformation-validate", FIRST.template)}
    assert (root.get("tests"), root.get("failures")) == ("4", "2")
    assert [suite.get("failures") for suite in root] == ["1", "1"]
    failure = cases["cfn-lint", FIRST.template].find("failure")
    assert failure is not None
    assert failure.get("message") == "2 errors"
    assert FIRST.message in (failure.text or "")


def test_junit_passes_a_template_with_nothing_but_advice_and_shows_it() -> None:
    root = parsed(to_junit([replace(FIRST, severity="info")]))
    assert root.get("failures") == "0"
    assert "E3002" in (root.findtext(".//system-out") or "")


@pytest.mark.parametrize("odd", ["\x00\x1b[31m", "]]>", "\u2028é 漢", "\"<a b='c'>"])
def test_no_message_breaks_a_format(odd: str) -> None:
    finding = replace(FIRST, message=f"before {odd} after", logical_id=odd)
    parsed(to_junit([finding]))
    assert odd in json.loads(to_sarif([finding]))["runs"][0]["results"][0]["message"]["text"]
    assert json.loads(json.dumps(to_dicts([finding])))[0]["message"] == finding.message
