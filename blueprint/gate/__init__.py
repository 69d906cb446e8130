"""The gate: both validators over every rendered template, as one list of findings.

What fails: errors and warnings. Informational findings are reported and let pass, because the validators
use them for advice on which sensible people differ. Left out altogether are the two kinds in
:data:`native.NOT_FINDINGS`, which say nothing about quality, and cfn-lint's experimental rules, whose
meaning changes between patch releases.

Nothing heavy is imported here: a run that finds everything in the cache reads small JSON files and is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from blueprint.gate.cache import Cache
from blueprint.gate.findings import CFN_LINT, VALIDATE, VALIDATORS, Finding, GateInput
from blueprint.gate.jobs import Job, Progress, Raw

__all__ = ["VALIDATORS", "Finding", "GateInput", "check"]


def check(
    templates: Sequence[GateInput],
    *,
    cache_dir: Path | None,
    progress: Callable[[int, int, str], None] | None = None,
    validators: Sequence[str] = VALIDATORS,
    processes: int | None = None,
) -> list[Finding]:
    """Lint ``templates``; findings sorted, suppressions at the resources applied, unused ones reported.

    ``progress(done, total, path)`` is called from this thread as jobs end, and not at all when the cache
    knows everything. ``processes`` is for cfn-lint, by default one per core this process may use.
    """
    cache = Cache(cache_dir)
    jobs = [Job.of(template, validator) for validator in validators for template in templates]
    known = cache.read(jobs)
    missing = list({job.key: job for job in jobs if job.key not in known}.values())
    if missing:
        fresh = _run(missing, Progress(progress, len(missing)), processes)
        cache.write([job for job in missing if fresh[job.key].complete], fresh)
        known.update(fresh)
    findings = (finding for job in jobs for finding in known[job.key].findings_of(job.template.path))
    return sorted(findings, key=lambda finding: finding.order)


def _run(jobs: Sequence[Job], progress: Progress, processes: int | None) -> dict[str, Raw]:
    from blueprint.gate import native, suppressions, workers

    here = [job for job in jobs if job.validator == VALIDATE]
    elsewhere = [job for job in jobs if job.validator == CFN_LINT]
    with workers.started(elsewhere, processes) as linting:  # they import while this process goes on
        found = native.run(here, progress)
        found.update(linting.results(progress))
    return {job.key: suppressions.apply(job, found[job.key]) for job in jobs}
