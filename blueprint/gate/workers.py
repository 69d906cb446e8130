"""cfn-lint in processes of its own, one per core.

It takes 0.45 s to import and then 0.1 s and more per template, on one core. So one child imports it, while
this process runs the other validator, and then forks into as many as there are cores; where there is no
fork (Windows), each is started by itself. Even where the cores are busy with other things this takes less
time of a processor than the ``cfn-lint`` command (see ``cfnlint_worker.py`` for why).

Plain child processes that speak JSON lines, and not multiprocessing: that would import the caller's
``__main__`` again or fork a process that holds a native library and threads. A child that reads its
requests ends by itself when its parent is gone, however that died.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from blueprint.gate.jobs import Job, Progress, Raw, finding_from
from blueprint.problems import BlueprintError, Problem, Where

_MAIN = "import sys; sys.path[:] = {path!r}; from blueprint.gate.cfnlint_worker import main; main({lanes!r})"
_MOST = 8  # lanes; each may grow to 200 MB
_FORKS = hasattr(os, "fork")


class Linting:
    """One thread for each lane, which hands out the next template when one is done."""

    def __init__(self, jobs: Sequence[Job], lanes: Sequence[_Lane]) -> None:
        self._total = len(jobs)
        self._waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Job, Raw | Problem]] = queue.SimpleQueue()
        for job in sorted(
            jobs, key=lambda job: -len(job.template.body)
        ):  # one must not wait for a large last
            self._waiting.put(job)
        self._threads = [threading.Thread(target=self._serve, args=(lane,), daemon=True) for lane in lanes]
        for thread in self._threads:
            thread.start()

    def results(self, progress: Progress) -> dict[str, Raw]:
        found: dict[str, Raw] = {}
        while len(found) < self._total:
            job, result = self._ended.get()
            if isinstance(result, Problem):
                raise BlueprintError(result)
            found[job.key] = result
            progress.ended(job)
        return found

    def join(self) -> None:
        """Wait for the threads, which end at once when their processes are gone."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        for thread in self._threads:
            thread.join()

    def _serve(self, lane: _Lane) -> None:
        with suppress(queue.Empty):
            while True:
                job = self._waiting.get_nowait()
                result = lane.lint(job)
                self._ended.put((job, result))
                if isinstance(result, Problem):
                    return


@dataclass(frozen=True)
class _Lane:
    """The two pipes to one linting process."""

    requests: IO[bytes]
    replies: IO[bytes]
    process: _Process

    def lint(self, job: Job) -> Raw | Problem:
        text = job.template.body.decode("utf-8", "replace")
        request = {"key": job.key, "text": text, "regions": job.regions}
        try:
            self.requests.write(json.dumps(request).encode() + b"\n")
            self.requests.flush()
            reply: dict[str, Any] = json.loads(self.replies.readline())
            if "error" in reply:
                return _broken(job, reply["error"])
            return Raw(tuple(finding_from(fields) for fields in reply["findings"]), reply["complete"])
        except (OSError, ValueError, TypeError, KeyError):  # no reply, or not one of ours
            return _broken(job, self.process.last_words())

    def close(self) -> None:
        for stream in (self.requests, self.replies):
            with suppress(OSError):  # a request that nobody reads any more
                stream.close()


class _Process:
    """A child with one lane or, where it can fork, several."""

    def __init__(self, lanes: int) -> None:
        with ExitStack() as theirs, ExitStack() as ours:
            self._log = ours.enter_context(tempfile.TemporaryFile())
            pipes = [(*_pipe(theirs, ours), *_pipe(ours, theirs)) for _ in range(lanes)]
            (first, *others) = [(request, reply) for request, _, _, reply in pipes]
            self._child = subprocess.Popen(  # noqa: S603  this Python, our code
                [sys.executable, "-c", _MAIN.format(path=_search_path(), lanes=others)],
                stdin=first[0],
                stdout=first[1],
                stderr=self._log,
                pass_fds=[end for pair in others for end in pair],
                env=_environment(),
                cwd=os.path.dirname(os.path.abspath(__file__)),  # no .cfnlintrc of the caller's folder
                start_new_session=True,  # Ctrl-C is for the parent, and one signal ends the whole group
            )
            ours.pop_all()  # no longer of the moment: close() does it
        self.lanes = [
            _Lane(os.fdopen(write, "wb"), os.fdopen(read, "rb"), self) for _, write, read, _ in pipes
        ]

    def stop(self) -> None:
        if _FORKS:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
        self._child.kill()
        self._child.wait()

    def close(self) -> None:
        for lane in self.lanes:
            lane.close()
        self._log.close()

    def last_words(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # one of several may be gone and the others not
            self._child.wait(timeout=1)
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        code = self._child.returncode
        said = next((line for line in reversed(lines) if line.strip()), "its process ended without a word")
        return said if code is None else f"{said} (it ended with {code})"


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    read, write = os.pipe()
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    return read, write


@contextmanager
def started(jobs: Sequence[Job], lanes: int | None) -> Iterator[Linting]:
    """Processes for the jobs; however this is left, none of them survives."""
    count = min(lanes or _cores(), len(jobs), _MOST)
    sizes = [count] if _FORKS and count else [1] * count
    processes: list[_Process] = []
    linting: Linting | None = None
    try:
        try:
            for size in sizes:
                processes.append(_Process(size))
            linting = Linting(jobs, [lane for process in processes for lane in process.lanes])
        except (OSError, RuntimeError) as error:  # no file descriptor, process, memory or thread left
            raise BlueprintError(_not_started(error)) from None
        yield linting
    finally:
        for process in processes:
            process.stop()
        if linting is not None:
            linting.join()
        for process in processes:
            process.close()


def _cores() -> int:
    with suppress(AttributeError):  # what this process may use, where the system tells (containers, CI)
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _search_path() -> list[str]:
    return [os.path.abspath(folder) for folder in sys.path]


def _environment() -> dict[str, str]:
    """No settings and no schemas from a person's home: the same template lints the same for everybody."""
    nowhere = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"), os.devnull)
    return {**os.environ, **nowhere}


def _not_started(error: OSError | RuntimeError) -> Problem:
    why = (isinstance(error, OSError) and error.strerror) or error
    remedy = "give it more of that (ulimit -a shows the limits), or skip the gate with --no-lint"
    return Problem(f"cfn-lint could not be started: {why}", remedy=remedy, code="GATE005")


def _broken(job: Job, why: str) -> Problem:
    return Problem(
        f"cfn-lint could not check this template: {why}",
        Where(job.template.path),
        remedy="run again, or skip the gate with --no-lint",
        code="GATE003",
    )
