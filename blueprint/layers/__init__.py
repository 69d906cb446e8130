"""Room 2: the layers, one module each, found by their file names.

A layer is a module with ``stacks(subject)``: it takes the environment (or, under ``account``, the
description of every account) and returns the stacks it makes. To add one, add its file and its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from blueprint.environment import Account, Environment
from blueprint.stacks.stack import Stack


def layers_for(subject: Environment | Account) -> dict[str, Callable[[Any], Iterable[Stack]]]:
    """The layers of an environment, or of the account, by name and in sorted order."""
    package = f"{__name__}.account" if isinstance(subject, Account) else __name__
    return {name: _stacks_of(f"{package}.{name}") for name in layer_names(package)}


def _stacks_of(module: str) -> Callable[[Any], Iterable[Stack]]:
    """The ``stacks`` of a layer; without one, a function that says so once it is called."""

    def missing(subject: Environment | Account) -> Iterable[Stack]:
        raise TypeError(f"{module} has no function stacks(subject); files that are no layers begin with _")

    found: Callable[[Any], Iterable[Stack]] = getattr(import_module(module), "stacks", missing)
    return found


def layer_names(package: str = __name__) -> list[str]:
    """The modules of a layer package, sorted: what lies beside them in folders is shared by layers."""
    folder = Path(__file__).parent.joinpath(*package.split(".")[2:])
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
