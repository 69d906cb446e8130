"""A folder of environment files that tests write into, and the problems that loading them gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint.environment import load_account, load_environment
from blueprint.problems import BlueprintError

BASE = """\
project: acme
owner: platform@example.com
account: "111122223333"
region: eu-west-1
domain: shop.example.com
"""
ACCOUNT = """\
project: acme
owner: platform@example.com
home_region: eu-west-1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a complete base, current, so that messages name files without a path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    """Write ``prod.yaml``, or another file, that extends the base."""

    def to(text: str | bytes, name: str = "prod.yaml") -> Path:
        data = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(data)
        return folder

    return to


def problems(folder: Path, name: str = "prod") -> list[str]:
    """What loading an environment (or the account) has to say, line by line."""
    try:
        if name == "account":
            load_account(folder)
        else:
            load_environment(folder, name)
    except BlueprintError as error:
        return [str(problem) for problem in error.problems]
    return []
