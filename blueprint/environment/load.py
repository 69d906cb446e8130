"""From files to a checked environment: reading, inheritance, validation; all problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from blueprint.environment.checks import ACCOUNT_CHECKS, CHECKS, ROLLOUT_CHECKS
from blueprint.environment.finding import Check, Finding
from blueprint.environment.formats import name_fault, nearest
from blueprint.environment.model import Account, Environment, Origin, Subject
from blueprint.environment.neighbours import clashes
from blueprint.environment.parse import EXTENDS, MOST_BYTES, read
from blueprint.environment.tree import Node, find, merged, plain, shown
from blueprint.problems import BlueprintError, Problem, Where, printable, shown_path

ACCOUNT = "account"
LONGEST_NAME = 10
SUFFIX = ".yaml"
MOST_PROBLEMS = 50

Kind = TypeVar("Kind", bound=Subject)


def environment_names(folder: Path) -> list[str]:
    """The environments of a folder: every YAML file but bases (``base*.yaml``) and the account's.

    Raises BlueprintError for a YAML file with another suffix, whose environment nobody would miss until it
    should have been deployed.
    """
    if stray := [path for path in _files(folder) if path.suffix != SUFFIX and not _is_base(path.name)]:
        raise BlueprintError(_wrong_suffix(path) for path in stray)
    return _names(folder)


def _names(folder: Path) -> list[str]:
    names = sorted(path.stem for path in _files(folder) if path.suffix == SUFFIX)
    return [name for name in names if name != ACCOUNT and not _is_base(name)]


def _files(folder: Path) -> list[Path]:
    """The YAML files, sorted; those with a suffix that we do not read, too."""
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in (SUFFIX, ".yml") and path.name[0] != "."
        )
    except OSError as error:
        raise BlueprintError(
            Problem(
                f"the folder of the environments cannot be read: {_reason(error)}",
                Where(shown_path(folder)),
                "run this in the project's folder",
                "ENV001",
            )
        ) from None


def _is_base(name: str) -> bool:
    """Whether a file is no environment, but there to be extended (so that its suffix does not matter)."""
    return name.startswith("base")


def _wrong_suffix(path: Path) -> Problem:
    right = printable(path.stem) + SUFFIX
    both = os.path.lexists(path.with_suffix(SUFFIX))
    return Problem(
        f"{printable(path.name)} is not read, because its name does not end in {SUFFIX}",
        Where(shown_path(path)),
        f"remove it, or {right} beside it" if both else f"rename it to {right}",
        "ENV012",
    )


def load_environment(folder: Path, name: str) -> Environment:
    """The environment ``name``, from ``<folder>/<name>.yaml`` and what that extends."""
    _check_name(folder, name)
    return _load(folder, name, Environment, CHECKS)


def load_account(folder: Path) -> Account:
    """The description of every account; accounts and regions come from the environments of the folder."""
    account = _load(folder, ACCOUNT, Account, ACCOUNT_CHECKS)
    environments = _all_environments(folder)
    problems = [_two_projects(env, account) for env in environments if env.project != account.project]
    problems += clashes(environments)
    if not environments:
        problems.append(
            Problem(
                "there is no environment, so that no account is known",
                Where(shown_path(folder)),
                "add one, for instance prod.yaml",
                "ENV011",
            )
        )
    _roll_out(account, environments)
    if environments:
        problems += [
            Problem(finding.why, account.where(finding.field), finding.remedy, check.code)
            for check in ROLLOUT_CHECKS
            for finding in check.find(account)
        ]
    if problems:
        raise BlueprintError(dict.fromkeys(problems))  # environments may share the base that is wrong
    return account


def _two_projects(env: Environment, account: Account) -> Problem:
    here, there = env.where("project"), account.where("project")
    return Problem(
        f"the project is {env.project} here, and {account.project} in {there.file}:{there.line}",
        here,
        f"write {env.project} in {there.file}:{there.line} too, or {account.project} here",
        "ENV062",
    )


def _roll_out(account: Account, environments: list[Environment]) -> None:
    """Tell the account which accounts and regions the environments use, and where they say so."""
    rollout: dict[str, dict[str, None]] = {}
    chosen = {account.home_region: account.where("home_region")}
    for env in environments:
        rollout.setdefault(env.account, {account.home_region: None}).update(dict.fromkeys(env.regions))
        for region in env.regions:
            chosen.setdefault(region, env.where_chosen(region))
    account._rollout = {number: tuple(regions) for number, regions in sorted(rollout.items())}
    account._chosen = chosen
    account._environments = tuple(environments)


def _all_environments(folder: Path) -> list[Environment]:
    environments: list[Environment] = []
    problems: list[Problem] = []
    for name in environment_names(folder):
        try:
            environments.append(load_environment(folder, name))
        except BlueprintError as error:
            problems += error.problems
    if problems:
        raise BlueprintError(dict.fromkeys(problems))  # two environments may share a broken base
    return environments


# -- files ---------------------------------------------------------------------------------------------------


def _check_name(folder: Path, name: str) -> None:
    where, fault = Where(shown_path(folder)), name_fault(name, 1, LONGEST_NAME)
    if name == ACCOUNT:
        fault = "is the account's name; it has no environment of its own"
    elif _is_base(name):
        fault = "is the name of a base, which environments extend"
    elif not fault and (outer := _outer(folder, name)):
        fault = f"begins with {outer} and a hyphen, so that the deployment role of {outer} would reach it"
    if fault:
        names = _names(folder)
        raise BlueprintError(
            Problem(
                f"the environment name {shown(name)} {fault}",
                where,
                f"there are {', '.join(names)}" if names else "choose another",
                "ENV011",
            )
        )
    if not os.path.lexists(folder / (name + SUFFIX)):
        names = _names(folder)
        guess = nearest(name, names)
        remedy = f"did you mean {guess}?" if guess else f"there are {', '.join(names) or 'none yet'}"
        if os.path.lexists(folder / f"{name}.yml"):
            remedy = f"rename {name}.yml to {name}{SUFFIX}"
        raise BlueprintError(
            Problem(f"there is no environment {name} ({name}{SUFFIX})", where, remedy, "ENV011")
        )


def _outer(folder: Path, name: str) -> str:
    """Another environment, or the account, whose names everything of this one would begin with."""
    return next((other for other in (ACCOUNT, *_names(folder)) if name.startswith(f"{other}-")), "")


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _bytes(path: Path, asked: Where | None = None) -> bytes:
    """The content of a file; ``asked`` is the place of the ``extends`` that names it."""
    code = "ENV010" if asked else "ENV001"
    where = asked or Where(shown_path(path))
    remedy = "name an existing file, relative to this one" if asked else "write it, or restore it from git"
    try:
        if not os.path.lexists(path):
            raise BlueprintError(Problem(f"the file {shown_path(path)} does not exist", where, remedy, code))
        if not path.is_file():  # a folder, or a pipe that would block
            raise BlueprintError(Problem(f"{shown_path(path)} is not a file", where, remedy, code))
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise BlueprintError(
            Problem(
                f"the file {shown(shown_path(path))} cannot be read: {_reason(error)}",
                where,
                "check its name and permissions",
                code,
            )
        ) from None


def _tree(folder: Path, name: str, problems: list[Problem]) -> tuple[Node, bool]:
    """The file and all it extends, merged; and whether all of it could be read."""
    path = folder / (name + SUFFIX)
    layers = [read(_bytes(path), shown_path(path), problems)]
    chain = [os.path.normpath(path)]
    whole = True
    while (entry := layers[-1].value.pop(EXTENDS, None)) is not None:
        try:
            base = _base(folder, chain, entry.node)
            layers.append(read(_bytes(base, entry.node.where), shown_path(base), problems))
        except BlueprintError as error:
            problems += error.problems
            whole = False
            break
        chain.append(os.path.normpath(base))
    return reduce(merged, reversed(layers)), whole


def _base(folder: Path, chain: list[str], node: Node) -> Path:
    """The file that ``extends`` names."""
    value, where = node.value, node.where
    if not isinstance(value, str) or not value:
        raise BlueprintError(
            Problem(
                f"extends must name one file, not {shown(value)}",
                where,
                "write extends: base.yaml",
                "ENV010",
            )
        )
    path = os.path.normpath(Path(chain[-1]).parent / value)
    if os.path.isabs(value) or not _within(path, folder):
        raise BlueprintError(
            Problem(
                f"{shown(value)} lies outside the folder of the environments",
                where,
                "extend a file of the same folder",
                "ENV010",
            )
        )
    seen = [os.path.realpath(file) for file in chain]  # a link into the folder gives a file endless names
    if (real := os.path.realpath(path)) in seen:
        circle = [*chain[seen.index(real) :], path]
        names = " -> ".join(os.path.basename(shown_path(Path(file))) for file in circle)
        raise BlueprintError(
            Problem(
                f"files extend one another in a circle: {names}",
                where,
                "let the last one extend nothing",
                "ENV010",
            )
        )
    return Path(path)


def _within(path: str, folder: Path) -> bool:
    """Whether a file lies in the folder, both as it is written and after following links."""
    pairs = ((path, os.path.normpath(folder)), (os.path.realpath(path), os.path.realpath(folder)))
    return all(os.path.relpath(one, other).split(os.sep)[0] != os.pardir for one, other in pairs)


# -- values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Origin(Origin):
    """Finds the place that set a value."""

    tree: Node
    file: str  # of the environment itself

    def where(self, path: str) -> Where:
        place, whole = find(self.tree, path)
        return replace(place, field=path) if place and whole else Where(self.file, field=path)

    def of_error(self, path: str, of_key: bool) -> Where:
        """The place to mend: for what is missing the section that lacks it, else the file itself."""
        place, _ = find(self.tree, path, of_key)
        return replace(place or Where(self.file, 1, 1), field=path)

    def of_finding(self, finding: Finding) -> Where:
        """The place of the blamed field or, where that has its default, of one that does not go with it."""
        for path in (finding.field, *finding.reads):
            place, whole = find(self.tree, path)
            if place and whole:
                return replace(place, field=path)
        return Where(self.file, 1, 1, finding.field)


def _load(folder: Path, name: str, model: type[Kind], checks: Iterable[Check[Kind]]) -> Kind:
    problems: list[Problem] = []
    file = shown_path(folder / (name + SUFFIX))
    try:
        tree, whole = _tree(folder, name, problems)
    except BlueprintError as error:
        raise BlueprintError(_presented([*problems, *error.problems], file)) from None
    origin = _Origin(tree, file)
    values = plain(tree)
    bad: list[str] = []
    try:
        subject: Kind | None = model.model_validate(values)
    except ValidationError as error:
        from blueprint.environment import messages  # needed on failure only

        faults = error.errors(include_url=False)
        for fault in faults:
            if whole or fault["type"] != "missing":  # it may stand in the file that could not be read
                problems.append(messages.problem(fault, model, origin.of_error))
        subject, bad = messages.without_faults(values, model, faults)
    if subject is not None:
        problems += _findings(subject, checks, bad, origin)
    if problems or subject is None:
        raise BlueprintError(_presented(problems, file))
    subject._name, subject._origin = name, origin
    return subject


def _presented(problems: list[Problem], file: str) -> list[Problem]:
    """In reading order, the environment's own file first, and not more than a person wants to see."""

    def order(problem: Problem) -> tuple[bool, str, int, int]:
        where = problem.where or Where()
        return where.file != file, where.file, where.line or 0, where.column or 0

    problems = sorted(dict.fromkeys(problems), key=order)
    more = len(problems) - MOST_PROBLEMS
    if more > 0:
        problems[MOST_PROBLEMS:] = [
            Problem(f"{more:,} more problems", Where(file), "mend these first", "ENV000")
        ]
    return problems


def _findings(subject: Kind, checks: Iterable[Check[Kind]], bad: list[str], origin: _Origin) -> list[Problem]:
    """Broken rules, except those that rest on a value that is bad in itself."""
    problems: list[Problem] = []
    for check in checks:
        for finding in check.find(subject):
            fields = (finding.field, *finding.reads)
            if not any(_touch(field, other) for field in fields for other in bad):
                where = origin.of_finding(finding)
                problems.append(Problem(finding.why, where, finding.remedy, check.code))
    return problems


def _touch(one: str, other: str) -> bool:
    """Whether one path is the other or lies within it."""
    short, long = sorted((one, other), key=len)
    return long == short or long.startswith((short + ".", short + "["))
