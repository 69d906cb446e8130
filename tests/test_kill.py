"""A kill at any moment leaves the old templates or the new ones, never a mix, and nothing of a person's."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueprint.render import writer
from tests.conftest import EXAMPLE, ROOT

KILLS = 12  # of a real render, at moments spread over its time


def command(project: Path) -> list[str]:
    return [sys.executable, "-m", "blueprint", "--env", "dev", "--no-lint", "-q"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def render(project: Path) -> None:
    subprocess.run(command(project), cwd=project, env=environment(), check=True)


def templates(project: Path) -> dict[str, bytes]:
    return writer.current(project / "templates" / "dev")


def killed_after(project: Path, seconds: float) -> bool:
    """Whether the kill came before the end."""
    with subprocess.Popen(
        command(project), cwd=project, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, root / "environments")
    render(root)
    return root


def switch(project: Path) -> None:
    """Change the environment file, so that every template with tags differs from the one before."""
    path = project / "environments" / "dev.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("tags: {turn: b}\n", "") if "turn: b" in text else f"{text}\ntags: {{turn: b}}\n",
        encoding="utf-8",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX thing")
def test_a_kill_while_rendering_leaves_old_or_new_templates_and_never_a_mix(project):
    notes = project / "templates" / "dev" / "NOTES.md"
    notes.write_text("mine", encoding="utf-8")
    old = templates(project)
    switch(project)
    started = time.perf_counter()
    render(project)
    took = time.perf_counter() - started
    new = templates(project)
    assert old.keys() == new.keys()
    assert sum(old[name] != new[name] for name in old) > 3, "a mix would be seen"

    chance = random.Random(1)  # noqa: S311  the same moments every time
    killed = 0
    for turn in range(KILLS):
        switch(project)  # what is there now is the other one of the two
        killed += killed_after(project, took * (0.3 + 0.7 * (turn + chance.random()) / KILLS))
        assert templates(project) in (old, new)
        assert notes.read_text(encoding="utf-8") == "mine"
    assert killed  # the moments were not all after the end
    render(project)
    assert templates(project) in (old, new)


#: Writes one set of files, and dies by its own hand at the given system call of the writer.
SUICIDE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from blueprint.render import writer

count = 0
def deadly(function):
    def call(*arguments, **options):
        global count
        count += 1
        if count == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

if sys.argv[3] == "two renames":
    writer._swap = lambda one, other: False
for module, names in ((os, ("fsync", "rename", "mkdir", "rmdir", "unlink")), (writer, ("_swap", "_fill"))):
    for name in names:
        setattr(module, name, deadly(getattr(module, name)))
writer.write(Path(sys.argv[1]), {{name: {new!r} for name in ("01-a.json", "02-c.json", "manifest.json")}})
print(count)
"""
OURS = writer.OUR_MARKS[0]
OLD = dict.fromkeys(("01-a.json", "02-b.json", "manifest.json"), b"old " + OURS)
NEW = dict.fromkeys(("01-a.json", "02-c.json", "manifest.json"), b"new " + OURS)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX thing")
@pytest.mark.parametrize("way", ["one call", "two renames"])
def test_a_kill_at_any_step_of_the_writer_leaves_old_or_new_files(tmp_path, way):
    script = SUICIDE.format(root=str(ROOT), new=NEW["manifest.json"])
    outcomes = []
    for moment in range(1, 40):
        folder = tmp_path / str(moment) / "dev"
        writer.write(folder, OLD)
        (folder / "README.md").write_text("mine", encoding="utf-8")
        result = subprocess.run(
            [sys.executable, "-c", script, str(folder), str(moment), way],
            capture_output=True,
            text=True,
            check=False,
        )
        found = writer.current(folder)  # what the next command sees
        assert found in (OLD, NEW), f"killed at step {moment}"
        outcomes.append(found == NEW)
        writer.write(folder, NEW)  # and the next render goes through
        assert writer.current(folder) == NEW
        assert (folder / "README.md").read_text(encoding="utf-8") == "mine"
        if result.returncode == 0:
            break
    else:
        pytest.fail("the writer never came to its end")
    assert outcomes == sorted(outcomes)
    assert not outcomes[0]
    assert outcomes[-1]
    assert len(outcomes) > 4
