"""cfn-lint's processes end when the gate does, however it ends, and failures have a name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from blueprint.gate import Finding, GateInput, check, workers
from blueprint.problems import BlueprintError
from tests.gate.conftest import GOOD, template

ROOT = Path(__file__).parents[2]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process the gate starts."""
    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(popen(*args, **options))
        return begun[-1]

    monkeypatch.setattr(workers.subprocess, "Popen", start)
    return begun


@pytest.mark.parametrize("forks", [True, False])
def test_the_processes_end_with_the_gate(
    processes: list[subprocess.Popen[bytes]], forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_FORKS", forks)
    templates = [template(f"{name}.json", **{name: GOOD}) for name in "ABC"]
    check(templates, cache_dir=None, processes=2)
    assert [process.poll() is not None for process in processes] == ([True] if forks else [True, True])
    if forks:
        assert _gone(processes[0].pid)


@pytest.mark.parametrize("forks", [True, False])
def test_forked_and_started_processes_find_the_same(
    faulty: list[GateInput], findings: list[Finding], forks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_FORKS", forks)
    assert check(faulty, cache_dir=None, processes=3) == findings


def test_there_are_no_more_lanes_than_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    start = workers._Process.__init__
    monkeypatch.setattr(
        workers._Process, "__init__", lambda self, lanes: begun.append(lanes) or start(self, lanes)
    )
    check([template(Topic=GOOD)], cache_dir=None, processes=4)
    assert begun == [1]


def test_an_interrupt_ends_the_processes(processes: list[subprocess.Popen[bytes]]) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    templates = [template(f"{name}.json", **{name: GOOD}) for name in "ABC"]
    with pytest.raises(KeyboardInterrupt):
        check(templates, cache_dir=None, processes=2, progress=interrupt)
    assert [process.poll() is not None for process in processes] == [True]
    assert _gone(processes[0].pid)


def test_an_interrupt_does_not_wait_for_a_slow_template(
    processes: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    start = "main({lanes!r})"
    slow = workers._MAIN.replace(start, "import blueprint.gate.cfnlint_worker as w, time\n")
    slow += "w._Linter.lint = lambda self, text, regions: 'Slow' in text and time.sleep(60) or "
    slow += "{{'complete': True, 'findings': []}}\n" + start
    monkeypatch.setattr(workers, "_MAIN", slow)
    templates = [template(f"{name}.json", **{name: GOOD}) for name in ("SlowA", "SlowB", "Quick")]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        check(templates, cache_dir=None, processes=3, progress=interrupt, validators=("cfn-lint",))
    assert _gone(processes[0].pid)
    assert time.monotonic() - began < 30


def test_a_process_that_dies_is_a_problem_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_MAIN", "import sys; {path!r}; sys.exit('out of memory, say')")
    with pytest.raises(BlueprintError) as caught:
        check([template(Topic=GOOD)], cache_dir=None)
    problem = caught.value.problems[0]
    assert problem.code == "GATE003"
    assert "out of memory, say" in problem.what
    assert problem.where is not None
    assert problem.where.file == "templates/prod/10-a.json"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at /proc")
@pytest.mark.parametrize("left", range(2, 6))
def test_too_few_open_files_are_one_problem_and_none_stays_open(left: int) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import os, resource\n"
        "from blueprint.gate import check, native, suppressions, workers\n"
        "from blueprint.problems import BlueprintError\n"
        "from tests.gate.conftest import GOOD, template\n"
        "templates = [template(name, A=GOOD) for name in 'ab']\n"
        "before = os.listdir('/proc/self/fd')\n"
        f"most = max(map(int, before)) + {left}\n"
        "limits = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (most, limits[1]))\n"
        "try:\n"
        "    check(templates, cache_dir=None, processes=2, validators=('cfn-lint',))\n"
        "except BlueprintError as error:\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, limits)\n"
        "    print(error.problems[0].code, len(os.listdir('/proc/self/fd')) - len(before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("GATE005 0\n", "")


def test_too_few_threads_are_a_problem_too(
    processes: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(workers, "Linting", refuse)
    with pytest.raises(BlueprintError, match=r"could not be started: can't start new thread.*GATE005"):
        check([template(Topic=GOOD)], cache_dir=None)
    assert [process.poll() is not None for process in processes] == [True]


def test_what_a_library_prints_does_not_disturb_the_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    start = "main({lanes!r})"
    assert start in workers._MAIN
    noisy = workers._MAIN.replace(start, "import cfnlint.runner as r; old = r.Runner.__init__\n")
    noisy += "def new(self, *a): print('noise', flush=True); old(self, *a)\nr.Runner.__init__ = new; " + start
    monkeypatch.setattr(workers, "_MAIN", noisy)
    assert check([template(Topic=GOOD)], cache_dir=None) == []


PARENT = """
import subprocess, sys, time
sys.path.insert(0, {root!r})
from blueprint.gate import check, workers
from tests.gate.conftest import GOOD, template
popen = subprocess.Popen
def start(*args, **options):
    process = popen(*args, **options)
    print(process.pid, flush=True)
    return process
workers.subprocess.Popen = start
templates = [template(f"{name}.json", **{name: GOOD}) for name in "AB"]
check(templates, cache_dir=None, processes=2, progress=lambda done, *_: done < 3 or time.sleep(60))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_a_killed_gate_leaves_no_process_behind() -> None:
    """Neither the process that was started nor what it forked."""
    code = PARENT.replace("{root!r}", repr(str(ROOT)))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        deadline = time.monotonic() + 30
        while _members(child) < 2:
            assert time.monotonic() < deadline, "it never forked"
            time.sleep(0.02)
        os.kill(parent.pid, signal.SIGKILL)
    assert _gone(child)


def _gone(group: int) -> bool:
    """Soon at least: a killed process takes a moment to die."""
    deadline = time.monotonic() + 20
    while _members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return _members(group) == 0


def _members(group: int) -> int:
    """How many processes of a group live; a zombie that nobody fetches does not count."""
    count = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, owner = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += owner == str(group) and state != "Z"
    return count
