"""A job is one template for one validator; its key says everything that the result depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blueprint.gate.findings import CFN_LINT, VALIDATE, VALIDATORS, Finding, GateInput
from blueprint.problems import BlueprintError, Problem, Where

_MODULES = {
    CFN_LINT: ("cfnlint", "cfn_lint"),
    VALIDATE: ("cloudformation_validate", "cloudformation_validate"),
}


@dataclass(frozen=True)
class Raw:
    """The result of a job; not ``complete`` when the validator says that it may have missed something."""

    findings: tuple[Finding, ...]
    complete: bool = True

    def findings_of(self, path: str) -> tuple[Finding, ...]:
        return tuple(replace(finding, template=path) for finding in self.findings)


@dataclass(frozen=True)
class Job:
    template: GateInput
    validator: str
    key: str

    @classmethod
    def of(cls, template: GateInput, validator: str) -> Job:
        if not template.regions:  # would be no run of the one validator, and every region for the other
            where = Where(template.path)
            remedy = "name the regions it is deployed in"
            raise BlueprintError(Problem("a template without a region", where, remedy, "GATE004"))
        parts = (validator, version_of(validator), ",".join(sorted(set(template.regions))), own_code())
        digest = sha256("\0".join(parts).encode() + b"\0" + template.body)
        return cls(template, validator, digest.hexdigest())

    @property
    def regions(self) -> list[str]:
        return sorted(set(self.template.regions))


class Progress:
    """Counts jobs that ended."""

    def __init__(self, tell: Callable[[int, int, str], None] | None, total: int) -> None:
        self._tell, self._total, self._done = tell, total, 0

    def ended(self, job: Job) -> None:
        self._done += 1
        if self._tell is not None:
            self._tell(self._done, self._total, job.template.path)


@cache
def version_of(validator: str) -> str:
    """From the name of the folder that pip leaves beside a package; importlib.metadata takes 30 ms."""
    if validator not in _MODULES:
        known = ", ".join(_MODULES)
        raise BlueprintError(
            Problem(f"no validator {validator!r}", remedy=f"known are {known}", code="GATE001")
        )
    module, distribution = _MODULES[validator]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        remedy = "install it: python build.py (or skip the gate with --no-lint)"
        raise BlueprintError(Problem(f"{validator} is not installed", remedy=remedy, code="GATE002"))
    package = Path(spec.origin).parent
    for folder in sorted(package.parent.glob(f"{distribution}-*.dist-info")):
        return folder.name.removeprefix(f"{distribution}-").removesuffix(".dist-info")
    # A checkout on the path has no version; its age at least makes no stale result look fresh.
    return f"installed-{package.stat().st_mtime_ns}"


@cache
def own_code() -> str:
    """A digest of this package: what it makes of a validator's words is part of every cached result."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def finding_from(fields: Mapping[str, Any]) -> Finding:
    """The inverse of :meth:`Finding.as_dict`; anything but that is a ``TypeError`` or ``ValueError``."""
    finding = Finding(**fields)
    numbers = (finding.line, finding.column)
    places = (finding.template, finding.logical_id, finding.property_path)
    words = (*places, finding.rule, finding.message, finding.link)
    if not all(type(number) is int for number in numbers) or not all(isinstance(word, str) for word in words):
        raise TypeError("not a finding")
    if min(numbers) < 1 or finding.validator not in VALIDATORS:
        raise ValueError("not a finding of a validator")
    finding.order  # noqa: B018  raises ValueError for a severity that does not exist
    return finding
