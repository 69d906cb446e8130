"""Every file of ``broken/`` begins with the exact lines that loading it must print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_there_is_a_broken_file_for_every_code_of_a_format_and_of_a_check() -> None:
    from blueprint.environment import formats
    from blueprint.environment.checks import CHECKS

    source = Path(formats.__file__).read_text()
    of_formats = {f"ENV0{number}" for number in range(30, 50) if f'"ENV0{number}"' in source}
    wanted = {*of_formats, *(check.code for check in CHECKS)} - {"ENV041"}  # the account's, tested below
    shown = "".join(case.read_text() for case in BROKEN)
    assert len(of_formats) > 10
    assert {code for code in wanted if f"[{code}]" not in shown} == set()
