"""Every file of ``broken/`` begins with the exact lines that loading it must print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint import environment
from blueprint.environment.checks import CHECKS
from tests.environment.conftest import problems

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


@pytest.mark.parametrize("case", BROKEN, ids=lambda path: path.stem)
def test_a_wrong_file_says_where_what_and_how_to_mend_it(case: Path, write: Callable[..., Path]) -> None:
    text = case.read_text()
    header = text.split("# wants:\n", 1)[1]
    wanted = []
    for line in header.splitlines():
        if not line.startswith("# "):
            break
        wanted.append(line[2:])
    assert wanted
    assert problems(write(text)) == wanted


def test_there_is_a_broken_file_for_every_code_of_a_value_and_of_a_check() -> None:
    sources = "".join(path.read_text() for path in Path(environment.__file__).parent.glob("*.py"))
    of_values = set(re.findall(r'refuse\(\s*"(ENV[0-9]{3})"', sources))
    wanted = {*of_values, *(check.code for check in CHECKS)} - {"ENV041"}  # the account's: test_load.py
    shown = "".join(case.read_text() for case in BROKEN)
    assert len(of_values) > 30
    assert {code for code in wanted if f"[{code}]" not in shown} == set()
