"""One emulator for all tests of this folder; each test takes an account of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprint.emulator import Emulator, running
from blueprint.emulator.trial import StackAt, Trial

ROOT = Path(__file__).parents[2]
_accounts = itertools.count(200000000000)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with running(ROOT) as started:
        yield started


@pytest.fixture
def trial(emulator: Emulator) -> Trial:
    return Trial(emulator)


@pytest.fixture
def account() -> str:
    return str(next(_accounts))


@pytest.fixture
def at(account: str) -> StackAt:
    """Where the test's first stack goes."""
    return StackAt("acme-prod-first", account, "eu-central-1")
