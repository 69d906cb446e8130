"""cfn-lint in processes of its own, one per core.

It takes 0.45 s to import and then 0.1 s and more per template, on one core.

Plain child processes that speak JSON lines, and not multiprocessing: spawning would import the caller's
``__main__`` again, forking is unsafe beside the threads of the native validator and unknown to Windows, and
a child that reads its standard input ends by itself when its parent is gone, however that died.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from blueprint.gate.jobs import Job, Progress, Raw, finding_from
from blueprint.problems import BlueprintError, Problem, Where

_MAIN = "import sys; sys.path[:] = {path!r}; from blueprint.gate.cfnlint_worker import main; main()"
_MOST = 8  # each holds up to 200 MB


class Linting:
    """Running workers, one thread here for each, which hands out the next template when one is done."""

    def __init__(self, jobs: Sequence[Job], workers: Sequence[_Worker]) -> None:
        self._total = len(jobs)
        self._waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Job, Raw | Problem]] = queue.SimpleQueue()
        for job in sorted(
            jobs, key=lambda job: -len(job.template.body)
        ):  # a large one last would be waited for
            self._waiting.put(job)
        self._threads = [
            threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in workers
        ]
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

    def _serve(self, worker: _Worker) -> None:
        with suppress(queue.Empty):
            while True:
                job = self._waiting.get_nowait()
                result = worker.lint(job)
                self._ended.put((job, result))
                if isinstance(result, Problem):
                    return

    def join(self) -> None:
        """Wait for the threads, which end at once when their workers are stopped."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        for thread in self._threads:
            thread.join()


class _Worker:
    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._process = subprocess.Popen(  # noqa: S603  this Python, our code
            [sys.executable, "-c", _MAIN.format(path=[os.path.abspath(folder) for folder in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            cwd=os.path.dirname(os.path.abspath(__file__)),  # no .cfnlintrc of the caller's folder
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._replies = cast("IO[bytes]", self._process.stdout)

    def lint(self, job: Job) -> Raw | Problem:
        request = {
            "key": job.key,
            "text": job.template.body.decode("utf-8", "replace"),
            "regions": job.regions,
        }
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
            reply: dict[str, Any] = json.loads(self._replies.readline())
            if "error" in reply:
                return _broken(job, reply["error"])
            return Raw(tuple(finding_from(fields) for fields in reply["findings"]), reply["complete"])
        except (OSError, ValueError) as error:
            return _broken(job, self._last_words() or f"{type(error).__name__}: {error}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        for stream in (self._requests, self._replies, self._log):
            with suppress(OSError):  # a request that nobody reads any more
                stream.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "")
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=1)
            said = f"{said} (the process ended with {code})".strip()
        return said


@contextmanager
def started(jobs: Sequence[Job], processes: int | None) -> Iterator[Linting]:
    """Workers for the jobs; however this is left, none of them survives."""
    workers: list[_Worker] = []
    linting: Linting | None = None
    try:
        for _ in range(min(processes or _cores(), len(jobs), _MOST)):
            workers.append(_Worker(tempfile.TemporaryFile()))  # noqa: SIM115  closed by the worker
        linting = Linting(jobs, workers)
        yield linting
    finally:
        for worker in workers:
            worker.stop()
        if linting is not None:
            linting.join()
        for worker in workers:
            worker.close()


def _cores() -> int:
    with suppress(AttributeError):  # what this process may use, where the system tells (containers, CI)
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _environment() -> dict[str, str]:
    """No settings and no schemas from a person's home: the same template lints the same for everybody."""
    nowhere = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"), os.devnull)
    return {**os.environ, **nowhere}


def _broken(job: Job, why: str) -> Problem:
    return Problem(
        f"cfn-lint could not check this template: {why}",
        Where(job.template.path),
        remedy="run again, or skip the gate with --no-lint",
        code="GATE003",
    )
