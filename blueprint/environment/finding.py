"""What a rule across fields is, and what it says when it is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
