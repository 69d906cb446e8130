"""CloudFormation's quotas, and how much of them a template uses.

Source: AWS CloudFormation User Guide, "Understand CloudFormation quotas" (read November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INLINE_BYTES = 51_200  # TemplateBody of the API; the console stages larger files in a bucket of its own
WARN_AT = 0.8  # of a hard limit: time to split a layer before it hurts


@dataclass(frozen=True)
class Quota:
    what: str
    limit: int
    section: str = ""  # the template section it counts; empty for those measured on the text

    def share(self, used: int) -> float:
        return used / self.limit


QUOTAS = (
    Quota("bytes", 1_000_000),
    Quota("resources", 500, "Resources"),
    Quota("parameters", 200, "Parameters"),
    Quota("outputs", 200, "Outputs"),
    Quota("mappings", 200, "Mappings"),
    Quota("dynamic references", 60),
)


@dataclass(frozen=True)
class Use:
    """How many of a quota a template uses."""

    quota: Quota
    used: int

    @property
    def share(self) -> float:
        return self.quota.share(self.used)

    def __str__(self) -> str:
        return f"{self.used} of {self.quota.limit} {self.quota.what}"


def measure(template: Mapping[str, Any], body: bytes) -> list[Use]:
    """How much of each quota ``template`` uses; ``body`` is the file as it is uploaded."""
    counted = {"bytes": len(body), "dynamic references": body.count(b"{{resolve:")}
    return [
        Use(quota, counted[quota.what] if not quota.section else len(template.get(quota.section, ())))
        for quota in QUOTAS
    ]
