"""What cloudformation-validate says becomes findings: of every region, and never half of it in silence."""

from __future__ import annotations

from typing import Any

from cloudformation_validate import CompositeEngine, ReportStatus

from blueprint.gate import native
from blueprint.gate.findings import VALIDATE
from blueprint.gate.jobs import Job, Progress
from tests.gate.conftest import GOOD, OPEN, template

QUIET = Progress(None, 0)


def test_without_jobs_the_validator_is_not_even_started(monkeypatch: Any) -> None:
    monkeypatch.setattr("cloudformation_validate.CompositeEngine", None)
    assert native.run([], QUIET) == {}


def test_every_job_has_a_result_and_is_counted() -> None:
    heard: list[Any] = []
    jobs = [Job.of(template(One=resource), VALIDATE) for resource in (GOOD, OPEN)]
    found = native.run(jobs, Progress(lambda *event: heard.append(event), 2))
    assert [found[job.key].complete for job in jobs] == [True, True]
    assert [[f.rule for f in found[job.key].findings] for job in jobs] == [[], ["W2508"]]
    assert [event[:2] for event in heard] == [(1, 2), (2, 2)]


def test_a_finding_knows_its_resource_line_and_where_to_read_about_it() -> None:
    job = Job.of(template(One=GOOD, Two=OPEN), VALIDATE)
    (finding,) = native.run([job], QUIET)[job.key].findings
    assert (finding.logical_id, finding.severity, finding.validator) == ("Two", "warning", VALIDATE)
    lines = job.template.body.decode().splitlines()
    assert any('"Two"' in line for line in lines[: finding.line])
    assert finding.link.startswith("https://")


class Interrupted:
    """The engine, giving up in one region."""

    def __init__(self, region: str) -> None:
        self.engine, self.region = CompositeEngine(), region

    def validate_template(self, body: bytes, config: Any) -> Any:
        report = self.engine.validate_template(body, config)
        gave_up = config.pseudo_parameter_overrides.region == self.region
        status = ReportStatus.ANALYSIS_INCOMPLETE if gave_up else report.status
        return type("Report", (), {"status": status, "diagnostics": report.diagnostics})


def test_an_analysis_that_gave_up_in_one_region_fails_and_is_not_complete() -> None:
    """It must not be cached as clean, nor pass for it."""
    job = Job.of(template(One=GOOD), VALIDATE)
    raw = native._validate(Interrupted("eu-central-1"), job)  # type: ignore[arg-type]
    assert not raw.complete
    assert [(f.rule, f.fails) for f in raw.findings] == [("incomplete", True)]
    assert native._validate(Interrupted("us-east-1"), job).complete  # type: ignore[arg-type]
