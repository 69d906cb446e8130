"""What goes into the gate and what comes out of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # gravest first
CFN_LINT = "cfn-lint"
VALIDATE = "cloudformation-validate"
VALIDATORS = (CFN_LINT, VALIDATE)


@dataclass(frozen=True)
class GateInput:
    """One rendered template."""

    name: str  # file name, for progress
    body: bytes
    regions: tuple[str, ...]  # every region it is deployed in; its order changes nothing
    path: str  # as shown to people, relative to the project, with forward slashes


@dataclass(frozen=True)
class Finding:
    """One thing a validator says. ``error`` and ``warning`` fail the gate, ``info`` is only reported."""

    template: str  # the input's ``path``
    logical_id: str  # of the resource, parameter, output...; empty when it is about the template
    property_path: str  # below the resource (``Properties.Tags.0``), else from the top (``Outputs.Id.Value``)
    rule: str
    severity: Severity
    message: str
    link: str
    validator: str
    line: int = 1  # 1-based
    column: int = 1  # 1-based

    @property
    def fails(self) -> bool:
        return self.severity != "info"

    @property
    def order(self) -> tuple[object, ...]:
        """A total order, so that two runs print the same bytes."""
        place = (
            self.template,
            SEVERITIES.index(self.severity),
            self.line,
            self.column,
            self.validator,
            self.rule,
        )
        return (*place, self.logical_id, self.property_path, self.message)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def split_path(parts: list[str]) -> tuple[str, str]:
    """Path in a template to (logical id, property path)."""
    logical_id = parts[1] if len(parts) > 1 else ""
    below = parts[2:] if parts[:1] == ["Resources"] else parts
    return logical_id, ".".join(below)
