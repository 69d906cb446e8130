"""Reading YAML: the rules for scalars, and files that are hardly YAML or meant to do harm."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.environment import load_environment, parse
from blueprint.environment.parse import MOST_BYTES, read
from blueprint.environment.tree import plain
from blueprint.problems import BlueprintError
from tests.environment.conftest import BASE, problems


def values(text: str) -> Any:
    found: list[Any] = []
    tree = read(text.encode(), "a.yaml", found)
    assert found == []
    return plain(tree)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("7", 7),
        ("-7", -7),
        ("0.5", 0.5),
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("12:30", "12:30"),
        ("0123", "0123"),
        ("0x1f", "0x1f"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("2026-11-23", "2026-11-23"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("+7", "+7"),
        ("'7'", "7"),
        ('"true"', "true"),
        ("9" * 30, "9" * 30),
        ("1e999", "1e999"),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, value: object) -> None:
    got = values(f"key: {written}\n")["key"]
    assert got == value
    assert isinstance(got, type(value))


def test_numbers_where_text_is_wanted_are_taken_as_they_were_written(write: Callable[..., Path]) -> None:
    text = "extends: base.yaml\naccount: 012345678901\ntags: {version: 1.10, number: 007, cost: 12}\n"
    env = load_environment(write(text), "prod")
    assert env.account == "012345678901"
    assert env.tags == {"version": "1.10", "number": "007", "cost": "12"}


def test_an_account_id_needs_no_quotes(write: Callable[..., Path]) -> None:
    assert (
        load_environment(write("extends: base.yaml\naccount: 444455556666\n"), "prod").account
        == "444455556666"
    )


def test_an_alias_stands_for_its_anchor_whose_line_is_blamed(
    write: Callable[..., Path],
) -> None:
    good = "extends: base.yaml\nsecurity:\n  rotation_days: &days 200\nstorage:\n  noncurrent_days: *days\n"
    assert load_environment(write(good), "prod").storage.noncurrent_days == 200
    (problem,) = problems(write(good.replace("200", "20")))
    assert problem.startswith("prod.yaml:3:18 security.rotation_days: 20 is out of range")


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(write: Callable[..., Path]) -> None:
    text = "extends: base.yaml\r\nnetwork:\r\n  zones: 2\r\n"
    env = load_environment(write(b"\xef\xbb\xbf" + text.encode()), "prod")
    assert env.network.zones == 2
    assert (env.where("network.zones").line, env.where("network.zones").column) == (3, 10)
    (got,) = problems(write(b"\xef\xbb\xbf" + text.replace("2\r", "9\r").encode()))
    assert got.startswith("prod.yaml:3:10 network.zones")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "prod.yaml:1:1: the file is empty; write at least one key, such as region: eu-west-1 [ENV005]"),
        (b"\n# only a comment\n", "prod.yaml:1:1: the file is empty;"),
        (b"---\n", "prod.yaml:1:1: the file is empty;"),
        (b"region: eu-west-1\ndomain: caf\xe9.com", "prod.yaml:2:12: the file is not UTF-8: byte 0xe9;"),
        ("region: eu-west-1\n".encode("utf-16"), "prod.yaml:1:1: the file is not UTF-8: byte 0xff;"),
        (b"a: b\nc: \x00\n", "prod.yaml:2:4: the file contains the control character U+0000; remove it"),
        (b"a: \x1b[31m\n", "prod.yaml:1:4: the file contains the control character U+001B; remove it"),
        (b"a: \xed\xa0\x80\n", "prod.yaml:1:4: the file is not UTF-8: byte 0xed;"),
        (b'a: "\\ud800"\n', "prod.yaml:1:7: not valid YAML: an escape in double quotes stands for no"),
        (b"a: " + b"x" * MOST_BYTES, "prod.yaml: the file has more than 262,144 bytes,"),
        (b"[" * 5000, "prod.yaml:1:33: values are nested more than 32 levels deep;"),
        (b"{a: " * 5000, "prod.yaml:1:129: values are nested more than 32 levels deep;"),
        (b"? " * 5000, "prod.yaml:1:65: values are nested more than 32 levels deep;"),
        (b"a: *a\n", "prod.yaml:1:4 a: the alias *a has no anchor before it;"),
        (b"a: &a\n  b: *a\n", "prod.yaml:2:6 a.b: the alias *a stands inside its own anchor;"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_file_that_is_hardly_yaml_gives_one_clean_line(
    data: bytes, wanted: str, write: Callable[..., Path]
) -> None:
    (got,) = problems(write(data))
    assert got.startswith(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "x, " * 80_000,
        "".join(f"k{i}: 1\n" for i in range(20_000)),
        "a: 1\n" * 40_000,
        "a: " + "&b " * 80_000,
        "- " * 100_000,
        "a: '" + "'' " * 80_000,
        "? a\n" * 60_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_file_made_to_exhaust_the_reader_is_refused_soon(text: str, write: Callable[..., Path]) -> None:
    folder = write(text[: MOST_BYTES - 1])
    begin = time.process_time()
    assert 0 < len(problems(folder)) <= 51
    assert time.process_time() - begin < 5


def test_at_most_fifty_problems_are_shown_and_the_others_counted(write: Callable[..., Path]) -> None:
    got = problems(write("extends: base.yaml\n" + "".join(f"unknown{number}: 1\n" for number in range(80))))
    assert len(got) == 51
    assert got[-1] == "prod.yaml: 30 more problems; mend these first [ENV000]"


def test_without_the_compiled_parser_the_same_values_are_read_and_nothing_else_escapes(
    monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    monkeypatch.setattr(parse, "_LOADER", yaml.SafeLoader)
    assert load_environment(write(BASE), "prod").region == "eu-west-1"
    for case in sorted((Path(__file__).parent / "broken").glob("*.yaml")):
        assert all(re.search(r" \[ENV\d{3}\]$", line) for line in problems(write(case.read_text()))), case
    assert problems(write('a: "\\ud800"\n'))


def test_what_was_wrong_before_the_file_broke_off_is_shown_as_well(write: Callable[..., Path]) -> None:
    got = problems(write("region: eu-west-1\nregion: eu-west-2\ndomain: [\n"))
    assert [line.split(":")[1] for line in got] == ["2", "4"]


def test_reading_raises_one_kind_of_error_only() -> None:
    with pytest.raises(BlueprintError):
        read(b"\x80", "a.yaml", [])
