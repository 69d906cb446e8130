"""The key of a job says everything that its result depends on, and nothing else."""

from __future__ import annotations

import pytest

from blueprint.gate import jobs
from blueprint.gate.findings import CFN_LINT, VALIDATE, Finding, GateInput
from blueprint.gate.jobs import Job, Raw, finding_from
from blueprint.problems import BlueprintError

ONE = GateInput("a.json", b"{}", ("eu-west-1", "us-east-1"), "templates/a.json")
FOUND = Finding("", "Key", "Properties", "E1", "error", "m", "l", "cfn-lint", 3, 4)


@pytest.mark.parametrize(
    ("other", "validator"),
    [
        (GateInput("a.json", b"{ }", ONE.regions, ONE.path), CFN_LINT),
        (GateInput("a.json", b"{}", ("eu-west-1",), ONE.path), CFN_LINT),
        (ONE, VALIDATE),
    ],
    ids=["content", "regions", "validator"],
)
def test_another_content_region_or_validator_is_another_job(other, validator):
    assert Job.of(other, validator).key != Job.of(ONE, CFN_LINT).key


def test_name_path_and_order_of_regions_make_no_other_job():
    same = GateInput("b.json", b"{}", ("us-east-1", "eu-west-1", "eu-west-1"), "elsewhere/b.json")
    assert Job.of(same, CFN_LINT).key == Job.of(ONE, CFN_LINT).key
    assert Job.of(same, CFN_LINT).regions == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("change", ["version_of", "own_code"])
def test_another_version_of_the_validator_or_of_ourselves_makes_another_job(monkeypatch, change):
    before = Job.of(ONE, CFN_LINT).key
    monkeypatch.setattr(jobs, change, lambda *_: "another")
    assert Job.of(ONE, CFN_LINT).key != before


def test_a_result_is_told_for_each_template_that_has_it():
    assert [f.template for f in Raw((FOUND,)).findings_of("templates/b.json")] == ["templates/b.json"]


def test_a_finding_survives_being_written_and_read():
    assert finding_from(FOUND.as_dict()) == FOUND


@pytest.mark.parametrize(
    "over", [{"line": "3"}, {"line": True}, {"severity": "awful"}, {"rule": None}, {"extra": 1}, {"link": 7}]
)
def test_what_is_no_finding_is_not_taken_for_one(over):
    with pytest.raises((TypeError, ValueError)):
        finding_from({**FOUND.as_dict(), **over})


def test_a_validator_that_is_not_installed_is_a_problem_with_a_remedy(monkeypatch):
    monkeypatch.setattr(jobs, "find_spec", lambda name: None)
    with pytest.raises(BlueprintError, match="--no-lint"):
        jobs.version_of.__wrapped__(CFN_LINT)
