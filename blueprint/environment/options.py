"""An option of an environment file as a parameter needs it: value, meaning and limits, from the model.

So that an option that an operator may also turn in the console is described in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from blueprint.environment.model import Subject


@dataclass(frozen=True)
class Option:
    """A key of an environment file with its value there."""

    value: Any
    description: str
    allowed: tuple[Any, ...]  # empty where any value within the limits will do
    minimum: int | None
    maximum: int | None

    @property
    def constraint(self) -> str:
        """What is allowed, in words."""
        if self.allowed:
            return f"One of {', '.join(str(value) for value in self.allowed)}."
        return f"A whole number from {self.minimum} to {self.maximum}."


def option(subject: Subject, path: str) -> Option:
    """The option at a dotted ``path`` such as ``network.flow_logs.retention_days``.

    Raises KeyError where the model has no such key.
    """
    *sections, name = path.split(".")
    owner: Any = subject
    for section in sections:
        owner = getattr(owner, section)
    field = type(owner).model_fields[name]
    limits = {
        kind: getattr(item, kind) for item in field.metadata for kind in ("ge", "le") if hasattr(item, kind)
    }
    literal = get_origin(field.annotation) is Literal
    return Option(
        value=getattr(owner, name),
        description=field.description or "",
        allowed=get_args(field.annotation) if literal else (),
        minimum=limits.get("ge"),
        maximum=limits.get("le"),
    )
