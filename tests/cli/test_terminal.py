"""Colour and moving lines are for terminals; files and pipes get plain lines."""

from __future__ import annotations

import io

import pytest

from blueprint.cli.terminal import Progress, colour, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def ordinary(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_colour():
    assert colour("bad", "red", Terminal()) == "\x1b[31mbad\x1b[0m"


def test_a_pipe_gets_none():
    assert colour("bad", "red", io.StringIO()) == "bad"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colour_gets_none(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert colour("bad", "red", Terminal()) == "bad"


def test_an_empty_no_color_does_not_count(monkeypatch):
    """As no-color.org has it: present and not an empty string."""
    monkeypatch.setenv("NO_COLOR", "")
    assert colour("bad", "red", Terminal()) != "bad"


def progress(monkeypatch, stream, *, quiet: bool = False) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    tell = Progress(quiet=quiet)
    for done in (1, 2):
        tell(done, 2, f"t{done}.json")
    return stream.getvalue()


def test_progress_on_a_terminal_is_one_line_that_leaves_no_trace(monkeypatch):
    text = progress(monkeypatch, Terminal())
    assert "\n" not in text
    assert "checked 2 of 2: t2.json" in text
    assert text.endswith("\r\x1b[K")


def test_progress_elsewhere_is_plain_lines(monkeypatch):
    assert progress(monkeypatch, io.StringIO()) == "checked 1 of 2: t1.json\nchecked 2 of 2: t2.json\n"


def test_quiet_is_quiet(monkeypatch):
    assert progress(monkeypatch, Terminal(), quiet=True) == ""


def test_columns_are_as_wide_as_their_widest_cell():
    assert table([("a", "b"), ("long", "x")]) == "  a     b\n  long  x"
