"""Where rendered files go, what is stale there, and what ``--layer`` leaves out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blueprint.problems import Problem, shown_path
from blueprint.render import Rendered, ledger, manifest, writer


@dataclass(frozen=True)
class Output:
    """The folders of a run: ``out`` instead of ``templates/`` if given, ``layers`` to write if not all."""

    root: Path
    out: Path | None
    layers: Sequence[str]

    def folder(self, item: Rendered) -> Path:
        return (self.out or self.root / "templates") / item.subject.name

    def ledger_path(self, item: Rendered) -> Path:
        return self.root / "ledger" / f"{item.subject.name}.json"

    def is_committed(self, item: Rendered) -> bool:
        """Whether templates of this environment were rendered here before."""
        return (self.root / "templates" / item.subject.name / manifest.FILE_NAME).is_file()

    def path(self, item: Rendered, stack: str) -> str:
        """The path of a template, as messages and reports show it."""
        return Path(shown_path(self.folder(item) / item.plan.file_name(stack))).as_posix()

    def chosen(self, item: Rendered) -> list[str]:
        """The names of the stacks that ``--layer`` leaves, all without it."""
        stacks = item.plan.stacks.items()
        return [name for name, stack in stacks if not self.layers or stack.layer in self.layers]

    # -- writing ---------------------------------------------------------------------------------------

    def write(self, item: Rendered, guarded: ledger.Ledger) -> None:
        """Write the templates; with manifest and ledger, if they describe what is there then.

        With ``--layer`` the other layers' templates stay as they are. Where one of those is stale or missing,
        a manifest would promise what is not there, so it stays as it is too.
        """
        files = self._files(item)
        whole = files == item.files
        writer.refuse(self.folder(item), files)  # before anything is written
        if whole and not self.out:  # first, so that nothing is ever rendered that it does not know
            writer.write_file(self.ledger_path(item), ledger.to_bytes(guarded))
        writer.write(self.folder(item), files)
        if not whole:
            path = shown_path(self.folder(item) / manifest.FILE_NAME)
            why = "was not written, because other templates are stale or missing"
            print(f"warning: {path} {why}; render without --layer", file=sys.stderr)

    def _files(self, item: Rendered) -> dict[str, bytes]:
        """What the folder holds after writing."""
        if not self.layers:
            return item.files
        now = writer.current(self.folder(item))
        chosen = self.chosen(item)
        new = {item.plan.file_name(name): item.bodies[name] for name in chosen}
        kept = {name: body for name, body in now.items() if name.partition("-")[2] not in _stems(chosen)}
        whole = {**kept, **new, manifest.FILE_NAME: item.files[manifest.FILE_NAME]}
        return whole if whole == item.files else {**kept, **new}

    # -- checking --------------------------------------------------------------------------------------

    def stale(self, item: Rendered, guarded: ledger.Ledger) -> Iterator[Problem]:
        """What differs from what is committed: with ``--layer`` only the templates of those layers."""
        folder = self.folder(item)
        wanted: Mapping[str, bytes] = item.files
        now = writer.current(folder)
        if self.layers:
            names = {item.plan.file_name(name) for name in self.chosen(item)}
        else:
            names = wanted.keys() | now.keys()
        for name in sorted(names):
            if wanted.get(name) != now.get(name):
                state = "is left over" if name not in wanted else "is stale"
                if not (folder / name).exists():
                    state = "is missing"
                yield _stale(folder / name, state, item.subject.name)
        if self.layers:  # rendering them may well leave manifest and ledger as they are
            return
        path = self.ledger_path(item)
        if not path.is_file() or path.read_bytes() != ledger.to_bytes(guarded):
            yield _stale(path, "is stale", item.subject.name)

    def left_over(self, names: Sequence[str]) -> Iterator[Problem]:
        """Rendered folders and ledgers whose environment file is gone; ``names`` are all that there are."""
        folders = {path: path.name for path in (self.root / "templates").glob("*") if path.is_dir()}
        ledgers = {path: path.stem for path in (self.root / "ledger").glob("*.json")}
        for path, name in sorted({**folders, **ledgers}.items()):
            # What begins with a dot is work of a render that is going on, or of one that was killed.
            if name not in names and not name.startswith("."):
                yield Problem(
                    f"{shown_path(path)} is left over: there is no environment {name}",
                    remedy="destroy what was deployed from it, then delete it",
                    code="OUT003",
                )


def _stems(stacks: Sequence[str]) -> set[str]:
    return {f"{name}.json" for name in stacks}


def _stale(path: Path, state: str, environment: str) -> Problem:
    remedy = f"run python build.py --env {environment} and commit what it writes"
    return Problem(f"{shown_path(path)} {state}", remedy=remedy, code="OUT002")
