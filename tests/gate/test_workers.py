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

from blueprint.gate import check, workers
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


def test_there_are_no_more_processes_than_templates(processes: list[subprocess.Popen[bytes]]) -> None:
    check([template(Topic=GOOD)], cache_dir=None, processes=4)
    assert [process.poll() is not None for process in processes] == [True]


def test_an_interrupt_ends_the_processes(processes: list[subprocess.Popen[bytes]]) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    templates = [template(f"{name}.json", **{name: GOOD}) for name in "ABC"]
    with pytest.raises(KeyboardInterrupt):
        check(templates, cache_dir=None, processes=2, progress=interrupt)
    assert [process.poll() is not None for process in processes] == [True, True]


def test_a_process_that_dies_is_a_problem_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_MAIN", "import sys; {path!r}; sys.exit('out of memory, say')")
    with pytest.raises(BlueprintError) as caught:
        check([template(Topic=GOOD)], cache_dir=None)
    problem = caught.value.problems[0]
    assert problem.code == "GATE003"
    assert "out of memory, say" in problem.what
    assert problem.where is not None
    assert problem.where.file == "templates/prod/10-a.json"


def test_what_a_library_prints_does_not_disturb_the_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = workers._MAIN.replace("main()", "import cfnlint.runner as r; old = r.Runner.__init__\n")
    noisy += "def new(self, *a): print('noise', flush=True); old(self, *a)\nr.Runner.__init__ = new; main()"
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
check([template(Topic=GOOD)], cache_dir=None, progress=lambda *_: time.sleep(60))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_a_killed_gate_leaves_no_process_behind() -> None:
    code = PARENT.format(root=str(ROOT))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _alive(child)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _alive(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
