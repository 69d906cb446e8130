"""What a rule across fields is, and what it says when it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from blueprint.environment.model import Subject

Checked = TypeVar("Checked", bound=Subject)


@dataclass(frozen=True)
class Finding:
    """A broken rule: the field to blame, the fact that makes it wrong, and what to do."""

    field: str
    why: str
    remedy: str
    reads: tuple[str, ...] = ()  # further fields it rests on


@dataclass(frozen=True)
class Check(Generic[Checked]):
    code: str
    rule: str
    find: Callable[[Checked], Iterator[Finding]]


def repeated(field: str, values: Sequence[str]) -> Iterator[Finding]:
    """A finding for each value of a list that stands there before."""
    for index, value in enumerate(values):
        if value in values[:index]:
            yield Finding(f"{field}[{index}]", f"{value} is listed twice", "remove one of the two")
