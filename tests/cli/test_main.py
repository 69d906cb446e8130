"""The command line as a whole: commands, help, usage errors, and what happens when things go wrong."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from blueprint import __version__
from blueprint.cli import COMMANDS, EXIT_CLOSED_PIPE, main
from blueprint.cli import render as render_command
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], *([command, "--help"] for command in COMMANDS)], ids=" ".join
)
def test_every_help_documents_the_exit_codes(run, words):
    result = run(*words)
    assert result.code == 0
    assert "exit codes:\n  0  good\n  1  findings" in result.out
    assert "  2  bad input or usage" in result.out


def test_help_lists_every_command_with_examples(run):
    out = run("--help").out
    assert all(f"  {name}" in out for name in COMMANDS)
    assert "python build.py --env prod" in out


def test_nothing_to_do_is_a_usage_error_that_shows_the_help(run):
    result = run()
    assert result.code == 2
    assert result.out == ""
    assert "commands:" in result.err


@pytest.mark.parametrize(
    "words",
    [
        ["render"],
        ["--env"],
        ["--env", "dev", "--all"],
        ["--env", "dev", "--frmat", "json"],
        ["--env", "dev", "--format", "xml"],
        ["--env", "dev", "--no-l"],
        ["redner", "--env", "dev"],
        ["docs", "--env", "dev"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_and_says_why_on_standard_error(run, words):
    result = run(*words)
    assert result.code == 2
    assert result.out == ""
    assert "error:" in result.err


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("redner", "did you mean render?"),
        ("tset", "did you mean test?"),
        ("doc", "did you mean docs?"),
        ("prod", "did you mean --env prod?"),
    ],
)
def test_an_unknown_command_is_told_with_what_was_probably_meant(run, word, remedy):
    result = run(word, "--no-lint")
    assert result.code == 2
    assert result.err == f"error: there is no command {word}; {remedy} [CLI004]\n"


def test_render_is_the_default_command(run, project):
    short = run("--env", "dev", "--no-lint", "-q")
    files = sorted(path.name for path in (project / "templates" / "dev").iterdir())
    shutil.rmtree(project / "templates")
    long = run("render", "--env", "dev", "--no-lint", "-q")
    assert (short.code, long.code) == (0, 0)
    assert sorted(path.name for path in (project / "templates" / "dev").iterdir()) == files


def test_the_version_is_told(run):
    assert run("--version").out.strip() == f"blueprint {__version__}"


def test_an_interrupt_ends_without_a_traceback(run, monkeypatch):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(render_command, "run", interrupt)
    result = run("--env", "dev")
    assert result.code == 130
    assert "Traceback" not in result.err


# -- as programs ---------------------------------------------------------------------------------------


def program(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "text": True, "check": False, "cwd": ROOT, **options}
    return subprocess.run([sys.executable, *words], **options)  # type: ignore[call-overload,no-any-return]


def test_build_py_and_the_module_are_the_same_command_line():
    """And so is the console script, which names the same function (tests/test_packaging.py installs it)."""
    outputs = [program(*start, "render", "--help").stdout for start in (["build.py"], ["-m", "blueprint"])]
    bodies = [text.replace("python build.py", "blueprint").split() for text in outputs]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 50


def test_the_console_script_is_the_function_that_build_py_calls():
    assert '"console_scripts": ["blueprint = blueprint.cli:main"]' in (ROOT / "setup.py").read_text()
    assert "from blueprint.cli import main" in (ROOT / "build.py").read_text()


def test_build_py_works_from_anywhere_and_the_module_where_one_stands(project, tmp_path):
    result = program(str(ROOT / "build.py"), "--env", "prdo", cwd=tmp_path)
    assert result.returncode == 2
    assert "there is no environment prdo" in result.stderr
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = program("-m", "blueprint", "--env", "dev", "--no-lint", "-q", cwd=project, env=environment)
    assert result.returncode == 0, result.stderr
    assert (project / "templates" / "dev" / "manifest.json").is_file()


def test_a_reader_that_goes_away_is_no_traceback_and_no_success(project):
    """What nobody read may have been findings: ``build.py ... | head`` with pipefail must not pass."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "blueprint", "--env", "dev", "--no-lint", "--format", "json"]
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=60) == EXIT_CLOSED_PIPE == 141
    assert errors == b""


def test_the_time_told_counts_from_the_start_of_the_process(project):
    """A person waits for the imports too: what is told is close to what a clock outside says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = "import blueprint, time; time.sleep(3); from blueprint.cli import main; raise SystemExit(main())"
    began = time.monotonic()
    result = program("-c", code, "--env", "dev", "--no-lint", cwd=project, env=environment)
    outside = time.monotonic() - began
    times = [float(text) for text in re.findall(r"([0-9.]+) s\b", result.stdout.splitlines()[-1])]
    assert len(times) == 2
    assert 3 <= times[0] <= times[1] <= outside + 0.01


def test_output_that_the_locale_cannot_show_is_no_error(project, monkeypatch):
    """A path or a name may hold any letter; a C locale must not turn it into a traceback."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    folder = project / "Übungen"
    assert main(["--env", "dev", "--no-lint", "--out", str(folder)], root=project) == 0
    assert (folder / "dev" / "manifest.json").is_file()
