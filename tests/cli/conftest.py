"""A project of its own for each test, and the command line called in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from blueprint import layers
from blueprint.cli import main
from tests.conftest import EXAMPLE, ROOT


@dataclass
class Result:
    """What a command said and returned."""

    code: int
    out: str
    err: str


#: Layers of the tests here: the command is what is tested, and it must not matter how many layers there are.
FEW = ("network", "security", "storage")


@pytest.fixture(autouse=True)
def few_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    every = layers.layer_names

    def names(package: str = "blueprint.layers") -> list[str]:
        return [name for name in every(package) if package != "blueprint.layers" or name in FEW]

    monkeypatch.setattr(layers, "layer_names", names)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the example's environment files and nothing rendered, and the person standing in it."""
    root = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, root / "environments")
    for schema in (ROOT / "environments").glob("*schema.json"):
        shutil.copy(schema, root / "environments")
    monkeypatch.chdir(root)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """``run("--env", "prod")``."""

    def call(*words: str) -> Result:
        capsys.readouterr()
        try:
            code = main(words, root=project)
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
