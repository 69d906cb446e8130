"""One error type: what is wrong, where, and how to mend it.

Rooms collect :class:`Problem` values and raise them together as one :class:`BlueprintError`, so that a
person with three typos runs the command once. The command line catches it in one place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

EXIT_GOOD = 0
EXIT_FINDINGS = 1  # the work was done, and something was found: lint findings, stale templates
EXIT_BAD_INPUT = 2  # the work could not be done: bad environment file, bad usage, missing set-up


def printable(text: str) -> str:
    """``text`` with escapes for what would upset a terminal or stand for nothing."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def shown_path(path: Path) -> str:
    """A path as messages show it: relative to where the person stands, if it lies below."""
    text = printable(os.path.normpath(path))
    try:
        here = os.getcwd()
    except OSError:  # the current folder is gone
        return text
    return "." if text == here else text.removeprefix(here + os.sep)


@dataclass(frozen=True)
class Where:
    """A place a person can go to: a line of a file, a field of it, or a resource of a template."""

    file: str = ""
    line: int | None = None  # 1-based, as editors count
    column: int | None = None  # 1-based
    field: str = ""  # dotted path in the file, for instance ``network.zones``

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return " ".join(part for part in (place, self.field) if part)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    ``what`` is one sentence with the value seen, ``remedy`` the next thing to do or type, and ``code`` a
    stable, searchable name such as ``ENV012``.
    """

    what: str
    where: Where | None = None
    remedy: str = ""
    code: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.remedy:
            text += f"; {self.remedy}"
        if self.code:
            text += f" [{self.code}]"
        # One problem is one line, whatever a value in it contains.
        return printable(" ".join(text.split()))

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class BlueprintError(Exception):
    """One or more problems; the command line prints them and exits with :attr:`exit_code`."""

    def __init__(self, problems: Problem | Iterable[Problem], exit_code: int = EXIT_BAD_INPUT) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(str(problem) for problem in self.problems))
