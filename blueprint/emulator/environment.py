"""The emulator's own virtual environment: ministack pins libraries that the project must be free to move on from."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from blueprint.problems import BlueprintError, Problem

FOLDER = ".venv-emulator"
LOCK = Path("requirements") / "emulator.lock"


def emulator_python(root: Path) -> Path:
    """The interpreter of the emulator's environment, which is made when it is missing or out of date."""
    folder, lock = root / FOLDER, root / LOCK
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "blueprint.stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not python.exists() or not stamp.exists() or stamp.read_text() != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock))
        stamp.write_text(wanted)
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BlueprintError(
            Problem(
                f"the emulator's environment could not be made: {said[-1] if said else 'no message'}",
                remedy="check the network and try again",
                code="EMU002",
            )
        )
