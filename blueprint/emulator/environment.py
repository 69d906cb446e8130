"""The emulator's own virtual environment: ministack pins libraries that the project moves on from.

It is made like ``.venv`` (see ``blueprint.setup_venv``): from a lock file with hashes, by one process at a
time, with a stamp that is written last.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from blueprint import bootstrap, setup_venv
from blueprint.problems import BlueprintError, Problem

LEVEL = "emulator"  # requirements/emulator.lock


def folder_in(root: Path) -> Path:
    return root / ".venv-emulator"


def emulator_python(root: Path) -> Path:
    """The interpreter of the emulator's environment, which is made when it is missing or out of date."""
    folder = folder_in(root)
    try:
        if not _is_complete(root):
            with setup_venv.one_at_a_time(str(root)) as handle:
                if not _is_complete(root):  # another process may have made it while this one waited
                    _make(root, handle)
    except bootstrap.SetUpError as error:
        raise _failed(str(error)) from error
    except OSError as error:
        raise _failed(setup_venv.explain(error, str(root))) from error
    return Path(bootstrap.python_in(str(folder)))


def _make(root: Path, handle: int) -> None:
    folder = str(folder_in(root))
    setup_venv.say("setting up .venv-emulator (once, about 15 s) ...")
    shutil.rmtree(folder, ignore_errors=True)
    setup_venv.create(folder, handle)
    setup_venv.install(str(root), LEVEL, folder, handle)
    Path(_stamp(root)).write_text(_wanted(root), encoding="utf-8", newline="")


def _is_complete(root: Path) -> bool:
    python = bootstrap.python_in(str(folder_in(root)))
    return bootstrap.read(_stamp(root)) == _wanted(root) and os.access(python, os.X_OK)


def _stamp(root: Path) -> str:
    return str(folder_in(root) / bootstrap.STAMP)


def _wanted(root: Path) -> str:
    """What a finished environment says about itself; another lock, folder or Python makes it out of date."""
    head = bootstrap.stamp_head(LEVEL, str(folder_in(root)), setup_venv.base_python())
    return head + "\n" + bootstrap.lock_text(str(root), LEVEL)


def _failed(what: str) -> BlueprintError:
    return BlueprintError(Problem(f"the emulator's environment could not be made: {what}", code="EMU002"))
