"""``build.py test``: pytest, on all cores, with whatever follows ``--``."""

from __future__ import annotations

import subprocess
import sys

import pytest

from blueprint.cli import test as command


@pytest.fixture
def started(monkeypatch, project):
    """Commands that would be started, with the environment they would have; each ends with ``code``."""
    calls: list[tuple[list[str], dict[str, str], object]] = []
    ends = {"code": 0}

    def start(command, *, cwd, env, check):
        calls.append((command, env, cwd))
        return subprocess.CompletedProcess(command, ends["code"])

    monkeypatch.setattr(command.subprocess, "run", start)
    monkeypatch.delenv("BLUEPRINT_FULL", raising=False)
    (project / "tests").mkdir()
    return calls, ends


def test_all_tests_run_with_this_python_in_the_project(run, started, project):
    assert run("test").code == 0
    ((command, environment, folder),) = started[0]
    assert command[:3] == [sys.executable, "-m", "pytest"]
    assert command[-1] == "tests"
    assert folder == project
    assert "BLUEPRINT_FULL" not in environment


def test_full_gives_everything_to_cfn_lint(run, started):
    run("test", "--full")
    assert started[0][0][1]["BLUEPRINT_FULL"] == "1"


def test_what_follows_two_hyphens_goes_to_pytest(run, started):
    run("test", "--", "tests/layers", "-k", "network")
    assert started[0][0][0][3:] == ["tests/layers", "-k", "network"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 1), (5, 1)])
def test_whatever_pytest_ends_with_failing_tests_are_exit_code_1(run, started, code, expected):
    started[1]["code"] = code
    assert run("test").code == expected


def test_where_there_are_no_tests_the_command_says_so(run):
    result = run("test")
    assert result.code == 2
    assert "CLI002" in result.err
