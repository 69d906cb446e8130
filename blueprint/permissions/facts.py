"""Which IAM actions there are, which kinds of resources each knows, and which a type's handlers call.

From AWS's Service Authorization Reference and the resource schemas; ``refresh.py`` writes the file and
names the version. The kinds are those of the reference ("cluster-pg" of rds), which are not
CloudFormation's types.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from blueprint.schemas import schema

FILE = Path(__file__).with_name("facts.json")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class Service(NamedTuple):
    """One service's part of the reference."""

    kinds: dict[str, str]  # ARN format by kind
    tagged: frozenset[str]  # kinds whose tags a condition may test (aws:ResourceTag)
    actions: dict[str, tuple[str, ...]]  # kinds by action; those that it may do without begin with "?"


class Kind(NamedTuple):
    """A kind of resource of a service, as IAM sees it."""

    service: str
    name: str

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    @property
    def tagged(self) -> bool:
        known = _service(self.service)
        return known is not None and self.name in known.tagged

    def arn(self, *names: str) -> str:
        """The ARN for ``Fn::Sub``, in any region; ``names`` fill the variables, and ``*`` those left over."""
        left = list(names)

        def fill(variable: re.Match[str]) -> str:
            name = variable[1]
            known = {"Partition": "${AWS::Partition}", "Account": "${AWS::AccountId}", "Region": "*"}
            return known.get(name) or (left.pop(0) if left else "*")

        known = _service(self.service)
        return _VARIABLE.sub(fill, known.kinds[self.name]) if known else "*"


def action(text: str) -> str | None:
    """How IAM spells an action that a schema spells its own way; None for one that IAM does not know."""
    service, _, name = text.partition(":")
    return _spelt(service.lower()).get(name.lower())


@cache
def kinds(text: str) -> tuple[Kind, ...]:
    """The kinds that an action knows: what it must name first, then what it may; none if it knows none.

    Of an action with a wildcard, the kinds of every action that it stands for.
    """
    service, _, name = text.partition(":")
    matching = _matching(service, name)
    if not all(matching):  # one that knows no resource
        return ()
    names = (kind for kinds in matching for kind in sorted(kinds, key=lambda k: k[0] == "?"))
    return tuple(dict.fromkeys(Kind(service, kind.lstrip("?")) for kind in names))


@cache
def required(text: str) -> frozenset[Kind]:
    """The kinds without which the action cannot be called."""
    service, _, name = text.partition(":")
    named = (kind for kinds in _matching(service, name) for kind in kinds)
    return frozenset(Kind(service, kind) for kind in named if not kind.startswith("?"))


def _matching(service: str, name: str) -> list[tuple[str, ...]]:
    known = _service(service)
    if known is None:
        return []
    if "*" not in name:
        return [known.actions[name]] if name in known.actions else []
    return [kinds for other, kinds in known.actions.items() if fnmatchcase(other, name)]


def handlers(resource_type: str) -> list[str]:
    """The permissions of a type's handlers, as its schema spells them; custom resources have none."""
    if resource_type.startswith("Custom::"):
        return []
    known = _file()["handlers"].get(resource_type)
    return handlers_in_schema(resource_type) if known is None else known.split()


def handlers_in_schema(resource_type: str) -> list[str]:
    found = schema(resource_type).get("handlers", {}).values()
    return sorted({text for handler in found for text in handler.get("permissions", ())})


@cache
def _service(name: str) -> Service | None:
    """Read when it is asked for: most environments need a third of the file."""
    found = _file()["services"].get(name)
    return _read(found) if found else None


@cache
def _file() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return facts


def _read(service: dict[str, dict[str, str]]) -> Service:
    actions = {
        name: tuple(text.split("|")) if text else ()
        for text, names in service["actions"].items()
        for name in names.split()
    }
    return Service(service["kinds"], frozenset(service["tagged"]), actions)


@cache
def _spelt(service: str) -> dict[str, str]:
    known = _service(service)
    return {name.lower(): f"{service}:{name}" for name in known.actions} if known else {}
