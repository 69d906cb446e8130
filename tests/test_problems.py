"""A problem is one line that a person can act on: where, what, what to do, and a name to search for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blueprint.problems import BlueprintError, Problem, Where, printable, shown_path


def test_a_problem_reads_place_fault_remedy_and_code():
    where = Where("environments/dev.yaml", 7, 3, "network.zones")
    problem = Problem("9 zones are too many", where, "use 2 to 4", "ENV020")
    assert str(problem) == (
        "environments/dev.yaml:7:3 network.zones: 9 zones are too many; use 2 to 4 [ENV020]"
    )


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where("a.yaml"), "a.yaml"),
        (Where("a.yaml", 7), "a.yaml:7"),
        (Where(field="Key.Properties"), "Key.Properties"),
        (Where("a.yaml", field="region"), "a.yaml region"),
    ],
)
def test_a_place_says_what_is_known_of_it(where, text):
    assert str(where) == text


def test_whatever_a_value_holds_a_problem_is_one_line():
    assert str(Problem("is 'a\nb\r\n  c\t'", remedy="write\nit")) == "is 'a b c '; write it"


def test_an_error_holds_all_its_problems_and_its_exit_code():
    error = BlueprintError([Problem("one"), Problem("two")], exit_code=1)
    assert [problem.what for problem in error.problems] == ["one", "two"]
    assert (str(error), error.exit_code) == ("one\ntwo", 1)


def test_bad_input_is_what_an_error_means_unless_it_says_otherwise():
    assert BlueprintError(Problem("one")).exit_code == 2


def test_a_problem_is_plain_data_for_machines():
    assert Problem("x", Where("a.yaml", 1), "y", "Z1").as_dict() == {
        "what": "x",
        "where": {"file": "a.yaml", "line": 1, "column": None, "field": ""},
        "remedy": "y",
        "code": "Z1",
    }


@pytest.mark.parametrize(
    ("text", "shown"), [("plain é", "plain é"), ("a\x1b[31m", "a\\x1b[31m"), ("\ud800", "\\ud800")]
)
def test_nothing_shown_can_upset_a_terminal(text, shown):
    assert printable(text) == shown


def test_only_what_would_upset_a_terminal_is_escaped():
    assert printable('\\d it\'s "\x07"') == '\\d it\'s "\\x07"'


def test_a_problem_holds_no_raw_escape_wherever_it_comes_from():
    text = str(Problem("is \x1b[31m", Where("a\x1b.yaml", field="b\x9b"), "mend \x07it", "X\x00"))
    assert text == "a\\x1b.yaml b\\x9b: is \\x1b[31m; mend \\x07it [X\\x00]"
    assert text.isprintable()


def test_paths_are_shown_from_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "a" / ".." / "b.yaml") == "b.yaml"
    assert shown_path(tmp_path) == "."
    assert shown_path(tmp_path.parent / "b.yaml") == str(tmp_path.parent / "b.yaml")
    assert shown_path(Path(f"{tmp_path}-two") / "b.yaml") == f"{tmp_path}-two/b.yaml"
    assert shown_path(tmp_path / "a\nb") == "a\\nb"


def test_a_path_is_shown_even_where_one_stands_nowhere(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert shown_path(tmp_path / "b.yaml") == str(tmp_path / "b.yaml")
    finally:
        os.chdir(tmp_path)
