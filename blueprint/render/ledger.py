"""The ledger: which stateful resources an environment has had, so that none is lost by a rename.

A changed logical id replaces a database. So every stateful resource of an environment stands in
``ledger/<environment>.json`` with its stack, its type, the accounts and regions where it lives, and the
properties that decide which physical resource it is. New ones, and new places, are added by rendering; a
render that changes or drops one fails until a person appends a record that says so and names a migration
note. Records are appended, never edited: the last one for a resource counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from troposphere import AWSObject

from blueprint.environment import Environment
from blueprint.problems import EXIT_FINDINGS, BlueprintError, Problem, Where, shown_path
from blueprint.stacks.places import Subject
from blueprint.stacks.stack import IS_PRIMARY, IS_RECOVERY, Stack
from blueprint.stacks.stateful import REASONS, STATEFUL, holds_data

VERSION = 1

Record = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """What a ledger file holds. ``identity`` says which deployment it is about."""

    identity: dict[str, str]
    records: list[Record]

    def current(self) -> dict[str, Record]:
        """The resources that should exist, by ``stack/LogicalId``."""
        state = {record["resource"]: record for record in self.records}
        return {name: record for name, record in state.items() if not record.get("dropped")}


def identity(subject: Subject) -> dict[str, str]:
    """What makes it another deployment altogether, with stacks of its own."""
    same = {"project": subject.project, "environment": subject.name}
    if isinstance(subject, Environment):
        return {**same, "account": subject.account, "region": subject.region}
    return {**same, "region": subject.home_region}


def records_of(stacks: Iterable[Stack]) -> list[Record]:
    """One record per stateful resource that is rendered now."""
    return [
        {
            "resource": f"{stack.name}/{logical_id}",
            "stack_name": stack.stack_name,
            "type": resource.resource_type,
            "targets": _targets(stack, resource),
            "identity": _identity_properties(resource),
        }
        for stack in stacks
        for logical_id, resource in stack.resources.items()
        if holds_data(str(resource.resource_type), resource.properties)
    ]


def _targets(stack: Stack, resource: AWSObject) -> list[str]:
    """The accounts and regions where the resource exists: all of the stack's, or those of its origin."""
    condition = resource.resource.get("Condition")
    recovery = {IS_PRIMARY: False, IS_RECOVERY: True}.get(str(condition))
    return sorted(
        f"{target.account}/{target.region}"
        for target, place in stack.targets.items()
        if recovery is None or place.is_recovery == recovery
    )


def _identity_properties(resource: AWSObject) -> dict[str, Any]:
    properties = resource.to_dict().get("Properties", {})
    return {name: properties[name] for name in STATEFUL[str(resource.resource_type)] if name in properties}


# -- the file ------------------------------------------------------------------------------------------


def read(path: Path) -> Ledger | None:
    """The committed ledger, or None where there is none yet.

    Raises BlueprintError for a file that is not a ledger.
    """
    try:
        if not path.exists():
            return None
        if not path.is_file():
            raise ValueError("it is not a file")
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"its version is {data['version']}")
        if not isinstance(data["records"], list) or not data["records"]:
            raise ValueError("it has no records")
        records = [_checked(record) for record in data["records"]]
        return Ledger({str(key): str(value) for key, value in data["identity"].items()}, records)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise _problem(
            "LED001",
            path,
            f"the ledger cannot be read: {what}",
            "mend it, or restore it from version control",
        ) from None


def _checked(record: Any) -> Record:
    """A record as it must be, as people write them by hand. Raises ValueError, KeyError or TypeError."""
    if not isinstance(record["resource"], str):
        raise ValueError("a record has a resource that is not text")
    if record.get("dropped"):
        return dict(record)
    shapes = {"stack_name": str, "type": str, "targets": list, "identity": dict}
    for key, shape in shapes.items():
        if not isinstance(record[key], shape):
            raise ValueError(f"the record of {record['resource']} has a wrong {key}")
    if not all(isinstance(target, str) for target in record["targets"]):
        raise ValueError(f"the record of {record['resource']} has targets that are not text")
    return dict(record)


def to_bytes(ledger: Ledger) -> bytes:
    data = {"version": VERSION, "identity": ledger.identity, "records": ledger.records}
    return (json.dumps(data, indent=1) + "\n").encode()


# -- the check -----------------------------------------------------------------------------------------


def reconcile(old: Ledger | None, subject: Subject, stacks: Iterable[Stack], path: Path) -> Ledger:
    """The ledger after this render, or BlueprintError when the render changes or drops a resource."""
    now = records_of(stacks)
    if old is None:
        return Ledger(identity(subject), now)
    if old.identity != identity(subject):
        raise _problem(
            "LED004",
            path,
            f"this ledger is about {_text(old.identity)}, and this is {_text(identity(subject))}",
            "undo the change; or, if it is another deployment and nothing of the old one matters any "
            "more, delete the ledger",
        )
    problems = [*_unexplained(old, path), *_lost(old, now, path)]
    if problems:
        raise BlueprintError(problems, EXIT_FINDINGS)
    known = old.current()
    changed = (record for record in now if not _is_same(known.get(record["resource"]), record))
    return Ledger(old.identity, [*old.records, *changed])


def _lost(old: Ledger, now: list[Record], path: Path) -> Iterator[Problem]:
    rendered = {record["resource"]: record for record in now}
    new = sorted(rendered.keys() - old.current().keys())
    for name, record in old.current().items():
        replacement = rendered.get(name)
        if replacement is None:
            hint = f" (new are {', '.join(new)}: was it renamed?)" if new else ""
            what = f"{name} ({record['type']}) holds data and is no longer rendered{hint}"
            append: Record = {"resource": name, "dropped": True}
        elif _is_other(record, replacement):
            change = f"{_text(record)} becomes {_text(replacement)}{_why(record, replacement)}"
            what = f"{name} holds data and would be lost: {change}"
            append = replacement
        else:
            continue
        record_text = json.dumps({**append, "note": "docs/migrations/<your note>.md"})
        remedy = f"undo the change, or write a migration note and append the record {record_text}"
        yield Problem(what, Where(shown_path(path)), remedy, "LED002")


def _is_same(old: Record | None, new: Record) -> bool:
    """Whether ``old`` says all that ``new`` does; it may have a note besides."""
    return old is not None and all(old.get(key) == value for key, value in new.items())


def _is_other(old: Record, new: Record) -> bool:
    """Whether something is lost. One more target, where the resource is made anew, loses nothing."""
    same = all(old[key] == new[key] for key in ("stack_name", "type", "identity"))
    return not same or not set(old["targets"]) <= set(new["targets"])


def _why(record: Record, new: Record) -> str:
    """What is known about the properties that differ."""
    names = record["identity"].keys() | new["identity"].keys()
    changed = [name for name in sorted(names) if record["identity"].get(name) != new["identity"].get(name)]
    reasons = [f"{name}: {REASONS[key]}" for name in changed if (key := (new["type"], name)) in REASONS]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _unexplained(old: Ledger, path: Path) -> Iterator[Problem]:
    """Records that lose a live resource without a migration note that exists and names it."""
    live: dict[str, Record] = {}
    for record in old.records:
        name = record["resource"]
        before = live.pop(name, None)
        if not record.get("dropped"):
            live[name] = record
        if before and (record.get("dropped") or _is_other(before, record)) and not _has_note(record, path):
            yield Problem(
                f"the record that changes {name} has no migration note naming it",
                Where(shown_path(path)),
                'write one, for instance docs/migrations/2026-11-uploads.md, and set "note" to it',
                "LED003",
            )


def _has_note(record: Record, path: Path) -> bool:
    """Whether the note lies in docs/migrations and names the resource."""
    folder = path.parent.parent / "docs" / "migrations"
    note = path.parent.parent / str(record.get("note", ""))
    try:
        if note.resolve().parent != folder.resolve() or not note.is_file():
            return False
        text = note.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # a path that no system takes
        return False
    # As a whole: a note about data/UploadsArchive says nothing of data/Uploads.
    return bool(re.search(rf"(?<![\w/])(?<!\w-){re.escape(record['resource'])}(?!\w)", text))


def _problem(code: str, path: Path, what: str, remedy: str) -> BlueprintError:
    return BlueprintError(Problem(what, Where(shown_path(path)), remedy, code), EXIT_FINDINGS)


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in data.items() if key != "resource"})
