"""Both validators speak, for every region, and as they would alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from blueprint.gate import VALIDATORS, Finding, GateInput, check
from blueprint.problems import BlueprintError
from blueprint.schemas import regions, types_in
from tests.gate.conftest import CFN_LINT, GOOD, MISSPELT, OPEN, REGIONS, summary, template


def test_both_validators_report_a_misspelt_property_as_an_error_where_it_stands(
    findings: list[Finding], faulty: list[GateInput]
) -> None:
    said = [finding for finding in findings if "BucketNam" in finding.message]
    assert {finding.validator for finding in said} == {"cfn-lint", "cloudformation-validate"}
    for finding in said:
        assert (finding.template, finding.severity) == ("templates/prod/10-misspelt.json", "error")
        assert (finding.logical_id, finding.property_path) == ("Bucket", "Properties.BucketNam")
        near = faulty[0].body.decode().splitlines()[finding.line - 2 : finding.line]
        assert any("Properties" in line or "BucketNam" in line for line in near)


def test_every_finding_can_be_looked_up(findings: list[Finding]) -> None:
    assert findings
    assert [finding for finding in findings if not finding.link.startswith("https://")] == []


def test_informational_rules_are_included_and_do_not_fail(findings: list[Finding]) -> None:
    advice = [finding for finding in findings if finding.template.endswith("40-join.json")]
    assert ("cfn-lint", "Topic", "I1022") in summary(advice)
    assert not any(finding.fails for finding in advice)


def test_facts_that_are_no_fault_are_left_out(findings: list[Finding]) -> None:
    assert not {"I9001", "I4010"} & {finding.rule for finding in findings}
    assert not any(finding.template.endswith("50-good.json") for finding in findings)


def test_a_type_that_one_of_the_regions_lacks_is_an_error() -> None:
    kind, region = _lacking()
    found = check([template(regions=("us-east-1", region), A={"Type": kind})], cache_dir=None)
    assert any(finding.fails and region in finding.message for finding in found)


def _lacking() -> tuple[str, str]:
    for region in regions():
        missing = sorted(types_in("us-east-1") - types_in(region))
        if missing and region.startswith("eu-"):
            return missing[0], region
    raise AssertionError("every region has every type")


def test_one_process_and_several_find_the_same(findings: list[Finding], faulty: list[GateInput]) -> None:
    assert check(faulty, cache_dir=None, processes=1) == findings
    assert check(faulty[::-1], cache_dir=None, processes=5) == findings


def test_findings_are_those_of_the_cfn_lint_command(
    findings: list[Finding], faulty: list[GateInput], tmp_path: Path
) -> None:
    for item in faulty:
        (tmp_path / item.name).write_bytes(item.body)
    names = [item.name for item in faulty]
    done = subprocess.run([*CFN_LINT, *names], cwd=tmp_path, capture_output=True, text=True, check=False)
    theirs = {
        (match["Rule"]["Id"], match["Filename"], match["Location"]["Start"]["LineNumber"], match["Message"])
        for match in json.loads(done.stdout)
    }
    ours = {
        (finding.rule, Path(finding.template).name, finding.line, finding.message)
        for finding in findings
        if finding.validator == "cfn-lint"
    }
    assert ours == theirs


def test_settings_of_a_person_or_of_the_folder_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cfnlintrc").write_text("ignore_checks: [E]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = check([template(Bucket=MISSPELT)], cache_dir=None)
    assert ("cfn-lint", "Bucket", "E3002") in summary(found)


def test_what_is_no_template_is_an_error_of_both_and_no_crash() -> None:
    contents = [b"", b"{", b"[]", b"\xff\xfe", b'{"Resources": {"A": 3}}']
    odd = [GateInput("odd", content, REGIONS, str(number)) for number, content in enumerate(contents)]
    found = check(odd, cache_dir=None)
    said = {(finding.template, finding.validator) for finding in found if finding.severity == "error"}
    assert said == {(item.path, validator) for item in odd for validator in VALIDATORS}


def test_progress_counts_every_job_and_names_the_template(faulty: list[GateInput]) -> None:
    heard: list[tuple[int, int, str]] = []
    check(faulty[:2], cache_dir=None, progress=lambda *event: heard.append(event))
    assert [event[:2] for event in heard] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {event[2] for event in heard} == {item.path for item in faulty[:2]}


def test_equal_templates_are_linted_once_and_reported_each(quick: Any) -> None:
    heard: list[Any] = []
    twins = [template("a.json", Group=OPEN), template("b.json", Group=OPEN)]
    found = quick(*twins, progress=lambda *event: heard.append(event))
    assert len(heard) == 1
    assert [finding.template for finding in found] == ["templates/prod/a.json", "templates/prod/b.json"]


def test_what_is_said_for_some_regions_only_names_them(quick: Any) -> None:
    kind, region = _lacking()
    found = quick(template(regions=("us-east-1", region), A={"Type": kind, "Properties": {}}, B=OPEN))
    messages = {finding.rule: finding.message for finding in found}
    assert messages["F3006"].endswith(f"(only in {region})")
    assert "only in" not in messages["W2508"]


def test_an_unknown_validator_is_refused_by_name() -> None:
    with pytest.raises(BlueprintError, match=r"cfn-nag.*known are cfn-lint"):
        check([template(Topic=GOOD)], cache_dir=None, validators=("cfn-nag",))


def test_a_template_without_regions_is_refused_and_not_passed_over() -> None:
    with pytest.raises(BlueprintError, match=r"templates/prod/10-a\.json: a template without a region"):
        check([template(regions=(), Bucket=MISSPELT)], cache_dir=None)


def test_no_templates_cost_nothing() -> None:
    assert check([], cache_dir=None) == []
