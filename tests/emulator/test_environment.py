"""The emulator's environment is made once, from its lock file, and made anew when that changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueprint.emulator import environment
from blueprint.problems import BlueprintError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose emulator needs no packages at all."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "emulator.lock").write_text("# nothing\n")
    return tmp_path


def test_it_is_made_once_and_again_when_the_lock_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = environment.emulator_python(root)
    assert python.exists()
    made: list[Path] = []
    monkeypatch.setattr(environment, "_make", lambda folder, handle: made.append(folder))
    assert environment.emulator_python(root) == python
    assert not made
    (root / "requirements" / "emulator.lock").write_text("# something\n")
    environment.emulator_python(root)
    assert made == [root]


def test_an_interrupted_set_up_is_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".venv-emulator" / "bin").mkdir(parents=True)  # a folder without the stamp that comes last
    made: list[Path] = []
    monkeypatch.setattr(environment, "_make", lambda folder, handle: made.append(folder))
    environment.emulator_python(root)
    assert made == [root]


def test_a_missing_lock_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BlueprintError, match=r"emulator\.lock is missing or empty"):
        environment.emulator_python(tmp_path)
