"""AWS's cloudformation-validate: compiled, in this process.

It takes 0.2 s to start and then about 5 ms per template and region.

It knows no suppressions of its own (tried with 1.14.0: metadata of cfn-lint, Guard, cfn_nag, checkov and
cdk_nag at the resource and at the top change nothing), so ``suppressions.py`` applies the ones at the
resource. A region is given through the pseudo parameter ``AWS::Region``, one run each; what it says for
some regions only is marked so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueprint.gate.findings import VALIDATE, Finding, Severity
from blueprint.gate.jobs import Job, Progress, Raw

if TYPE_CHECKING:
    from cloudformation_validate import CompositeEngine, Diagnostic

# Rules that state a fact about a template and find no fault in it.
NOT_FINDINGS = {
    "I9001": "names every create-only property that is set; the plan tells what an actual change replaces",
    "I4010": "wants a block of prose for language models, whose format is not settled",
}
_SEVERITIES: dict[str, Severity] = {"FATAL": "error", "ERROR": "error", "WARN": "warning"}
_LINK = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-validate.html"


def run(jobs: Sequence[Job], progress: Progress) -> dict[str, Raw]:
    if not jobs:
        return {}
    from cloudformation_validate import CompositeEngine

    engine = CompositeEngine()
    results = {}
    for job in jobs:
        results[job.key] = _validate(engine, job)
        progress.ended(job)
    return results


def _validate(engine: CompositeEngine, job: Job) -> Raw:
    from cloudformation_validate import (
        PseudoParameterOverrides,
        ReportStatus,
        RuleFilterConfig,
        ValidateConfig,
    )

    said_for: dict[Finding, list[str]] = {}
    complete = True
    for region in job.regions:
        config = ValidateConfig(
            exclude=RuleFilterConfig(ids=list(NOT_FINDINGS)),
            pseudo_parameter_overrides=PseudoParameterOverrides(region=region),
        )
        report = engine.validate_template(job.template.body, config)
        complete = complete and report.status is not ReportStatus.ANALYSIS_INCOMPLETE
        for diagnostic in report.diagnostics:
            said_for.setdefault(_finding(diagnostic), []).append(region)
    findings = [_with_regions(finding, heard, job.regions) for finding, heard in said_for.items()]
    return Raw(tuple(findings if complete else [*findings, _INCOMPLETE]), complete)


def _finding(diagnostic: Diagnostic) -> Finding:
    path = (diagnostic.property_path or "").replace("/", ".")
    message = diagnostic.message
    if diagnostic.suggested_fix:
        message += f" ({diagnostic.suggested_fix})"
    return Finding(
        template="",
        logical_id=diagnostic.entity.logical_id if diagnostic.entity else "",
        property_path=path,
        rule=diagnostic.rule_id,
        severity=_SEVERITIES.get(diagnostic.severity.name, "info"),
        message=" ".join(message.split()),
        link=diagnostic.documentation_url or _LINK,
        validator=VALIDATE,
        line=diagnostic.start_line or 1,
        column=diagnostic.start_column or 1,
    )


def _with_regions(finding: Finding, heard: Sequence[str], everywhere: Sequence[str]) -> Finding:
    if len(set(heard)) == len(everywhere):
        return finding
    fields: dict[str, Any] = finding.as_dict()
    fields["message"] += f" (only in {', '.join(heard)})"
    return Finding(**fields)


_INCOMPLETE = Finding(
    template="",
    logical_id="",
    property_path="",
    rule="incomplete",
    severity="warning",
    message="cloudformation-validate gave up before the end, so it may have missed something",
    link=_LINK,
    validator=VALIDATE,
)
