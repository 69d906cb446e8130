"""The ledger: which stateful resources an environment has had, so that none is lost by a rename.

A changed logical id replaces a database. So every stateful resource of an environment stands in
``ledger/<environment>.json`` with its type and the properties that decide which physical resource it is.
New ones are added by rendering; a render that changes or drops one fails until a person appends a record
that says so and names a migration note. Records are appended, never edited: the last one for a resource
counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from troposphere import AWSObject

from blueprint.environment import Environment
from blueprint.problems import BlueprintError, Problem, Where
from blueprint.render.places import Subject
from blueprint.render.stack import Stack
from blueprint.render.stateful import REASONS, STATEFUL, holds_data

VERSION = 1


@dataclass(frozen=True)
class Ledger:
    """What a ledger file holds. ``identity`` says which deployment it is about."""

    identity: dict[str, str]
    records: list[dict[str, Any]]

    def current(self) -> dict[str, dict[str, Any]]:
        """The resources that should exist, by ``stack/LogicalId``."""
        state: dict[str, dict[str, Any]] = {}
        for record in self.records:
            state[record["resource"]] = record
        return {name: record for name, record in state.items() if not record.get("dropped")}


def identity(subject: Subject) -> dict[str, str]:
    """What makes it another deployment altogether: then nothing old is touched, and a ledger begins anew."""
    same = {"project": subject.project, "environment": subject.name}
    if isinstance(subject, Environment):
        return {**same, "account": subject.account, "region": subject.region}
    return {**same, "region": subject.home_region}


def records_of(stacks: Iterable[Stack]) -> list[dict[str, Any]]:
    """One record per stateful resource that is rendered now."""
    return [
        {
            "resource": f"{stack.name}/{logical_id}",
            "type": resource.resource_type,
            "identity": _identity_properties(resource),
        }
        for stack in stacks
        for logical_id, resource in stack.resources.items()
        if holds_data(str(resource.resource_type), resource.properties)
    ]


def _identity_properties(resource: AWSObject) -> dict[str, Any]:
    properties = resource.to_dict().get("Properties", {})
    return {name: properties[name] for name in STATEFUL[str(resource.resource_type)] if name in properties}


def read(path: Path) -> Ledger | None:
    """The committed ledger, or None where there is none yet.

    Raises BlueprintError for a file that is not a ledger.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        ledger = Ledger(data["identity"], data["records"])
        ledger.current()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BlueprintError(
            Problem(
                f"the ledger cannot be read: {error}",
                Where(str(path)),
                "restore it from version control; it guards your databases",
                "LED001",
            )
        ) from None
    return ledger


def reconcile(old: Ledger | None, subject: Subject, stacks: Iterable[Stack], path: Path) -> Ledger:
    """The ledger after this render, or BlueprintError when the render changes or drops a resource."""
    now = records_of(stacks)
    if old is None or old.identity != identity(subject):
        return Ledger(identity(subject), now)
    problems = [*_unexplained(old, path), *_lost(old, now, path)]
    if problems:
        raise BlueprintError(problems)
    known = old.current()
    return Ledger(old.identity, [*old.records, *(r for r in now if r["resource"] not in known)])


def _lost(old: Ledger, now: list[dict[str, Any]], path: Path) -> list[Problem]:
    rendered = {record["resource"]: record for record in now}
    problems = []
    for name, record in old.current().items():
        new = rendered.get(name)
        if new is None:
            what = f"{name} ({record['type']}) holds data and is no longer rendered"
            append = {"resource": name, "dropped": True, "note": "docs/migrations/<your note>.md"}
        elif (new["type"], new["identity"]) != (record["type"], record["identity"]):
            why = _why(record, new)
            what = (
                f"{name} holds data and {'must not change so' if why else 'would be replaced'}: "
                f"{record['type']} {_text(record['identity'])} becomes {new['type']} "
                f"{_text(new['identity'])}{why}"
            )
            append = {**new, "note": "docs/migrations/<your note>.md"}
        else:
            continue
        problems.append(
            Problem(
                what,
                Where(str(path)),
                f"undo the change, or write a migration note and append the record {json.dumps(append)}",
                "LED002",
            )
        )
    return problems


def _why(record: dict[str, Any], new: dict[str, Any]) -> str:
    """What is known about the properties that differ."""
    names = record["identity"].keys() | new["identity"].keys()
    changed = [name for name in sorted(names) if record["identity"].get(name) != new["identity"].get(name)]
    reasons = [f"{name}: {REASONS[key]}" for name in changed if (key := (new["type"], name)) in REASONS]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _unexplained(old: Ledger, path: Path) -> list[Problem]:
    """Records that supersede another without a migration note that exists and names the resource."""
    problems = []
    seen: set[str] = set()
    for record in old.records:
        name = record["resource"]
        if name in seen or record.get("dropped"):
            note = path.parent.parent / str(record.get("note", ""))
            if not note.is_file() or name not in note.read_text(encoding="utf-8", errors="replace"):
                problems.append(
                    Problem(
                        f"the record that changes {name} has no migration note naming it",
                        Where(str(path)),
                        'write one, for instance docs/migrations/2026-11-uploads.md, and set "note" to it',
                        "LED003",
                    )
                )
        seen.add(name)
    return problems


def _text(identity: dict[str, Any]) -> str:
    return json.dumps(identity, sort_keys=True)


def to_bytes(ledger: Ledger) -> bytes:
    data = {"version": VERSION, "identity": ledger.identity, "records": ledger.records}
    return (json.dumps(data, indent=1) + "\n").encode()
