"""Closed, full and odd outputs: one line where there is room for one, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blueprint.cli import EXIT_CLOSED_PIPE
from tests.conftest import ROOT

FULL = Path("/dev/full")
GOOD = "--env dev --no-lint"
ESCAPE = "\x1b[31mred"

needs_full = pytest.mark.skipif(not FULL.exists(), reason="no device here that is always full")


@pytest.fixture
def shell(project):
    """``shell("--help", ">&-")``: the command line as a program, its streams turned as in a shell."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)  # so that what fails is the flush at the end

    def call(words: str, streams: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", f'"{sys.executable}" -m blueprint {words} {streams}'],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_render_with_closed_streams_does_its_work(shell, project, streams):
    result = shell(GOOD, streams)
    assert (result.returncode, result.stderr) == (0, "")
    assert (project / "templates" / "dev" / "manifest.json").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(("words", "code"), [("--help", 0), ("--env prdo", 2), ("--env", 2)])
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_change_no_exit_code(shell, words, code, streams):
    result = shell(words, streams)
    assert result.returncode == code
    assert "Traceback" not in result.stdout + result.stderr


@needs_full
@pytest.mark.parametrize("words", [GOOD, f"{GOOD} --format json", "--help", "render --help", "--version"])
def test_a_full_standard_output_is_one_line_and_no_success(shell, words):
    result = shell(words, "> /dev/full")
    assert result.returncode == 2
    assert result.stderr == ("error: cannot print: No space left on device; give the output another place\n")


@needs_full
@pytest.mark.parametrize(
    ("words", "streams"),
    [
        ("--env prdo", "2> /dev/full"),
        ("nope", "2> /dev/full"),
        ("", "2> /dev/full"),
        ("--env", "2> /dev/full"),
        (GOOD, "> /dev/full 2> /dev/full"),
    ],
)
def test_a_full_standard_error_is_still_the_exit_code_of_what_could_not_be_done(shell, words, streams):
    result = shell(words, streams)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", "")


@pytest.mark.parametrize("words", [["--help"], ["render", "--help"], ["--version"]], ids=" ".join)
def test_help_for_a_reader_that_has_gone_is_no_traceback(project, words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "blueprint", *words],
            cwd=project,
            env=environment,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (result.returncode, result.stderr) == (EXIT_CLOSED_PIPE, b"")


# -- what is typed -------------------------------------------------------------------------------------


def test_an_empty_folder_name_is_a_usage_error_and_nothing_is_written(run, project):
    """``--out "$UNSET"`` must not write into the folder one stands in."""
    result = run("--env", "dev", "--no-lint", "--out", "")
    assert (result.code, result.out) == (2, "")
    assert "argument --out: an empty name is no folder" in result.err
    assert {path.name for path in project.iterdir()} == {"environments"}


@pytest.mark.parametrize(
    "words",
    [
        [ESCAPE],
        ["--env", ESCAPE],
        ["--env", "dev", "--layer", ESCAPE],
        ["--env", "dev", f"--{ESCAPE}"],
        ["--env", "dev", "--format", ESCAPE],
    ],
    ids=["command", "environment", "layer", "option", "choice"],
)
def test_what_was_typed_is_repeated_without_upsetting_the_terminal(run, words):
    result = run(*words, "--no-lint")
    assert result.code == 2
    assert "\\x1b[31m" in result.err
    assert "\x1b" not in result.err + result.out


def test_a_value_of_an_environment_file_is_shown_without_upsetting_the_terminal(run, project):
    path = project / "environments" / "dev.yaml"
    path.write_text(path.read_text(encoding="utf-8") + '"a\\e[31mb": 1\n', encoding="utf-8")
    result = run("--env", "dev", "--no-lint")
    assert result.code == 2
    assert "\\x1b[31m" in result.err
    assert "\x1b" not in result.err + result.out
