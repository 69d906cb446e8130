"""Results on disk: one small JSON file per job, named by the job's key.

The cache is a convenience and never a reason to fail: what cannot be read is linted again, what cannot be
written is not kept. Files appear whole, by renaming, so that two runs at once do no harm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from blueprint.gate.jobs import Job, Raw, finding_from

FORMAT = 1
KEEP = 2000  # files; about 100 renders of three environments, 1 MB


class Cache:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, jobs: Iterable[Job]) -> dict[str, Raw]:
        """The results that are known, by key."""
        if self._folder is None:
            return {}
        found = ((job.key, _read(_file(self._folder, job.key), job.key)) for job in jobs)
        return {key: result for key, result in found if result is not None}

    def write(self, jobs: Iterable[Job], results: Mapping[str, Raw]) -> None:
        if self._folder is None:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            for job in jobs:
                _write(_file(self._folder, job.key), job.key, results[job.key])
            _prune(self._folder)


def _file(folder: Path, key: str) -> Path:
    return folder / f"{key[:40]}.json"


def _read(file: Path, key: str) -> Raw | None:
    try:
        entry = json.loads(file.read_bytes())
        if entry["format"] != FORMAT or entry["key"] != key or not isinstance(entry["findings"], list):
            return None  # an empty text in place of a list would say that nothing was found
        return Raw(tuple(finding_from(fields) for fields in entry["findings"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _write(file: Path, key: str, result: Raw) -> None:
    # The whole key is repeated inside: a file under a wrong name is no result.
    entry = {"format": FORMAT, "key": key, "findings": [finding.as_dict() for finding in result.findings]}
    temporary = file.with_name(f".{file.stem}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(entry), encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    files = list(folder.glob("*.json"))
    if len(files) > KEEP:
        files.sort(key=lambda file: file.stat().st_mtime)
        for file in files[: len(files) - KEEP // 2]:
            file.unlink(missing_ok=True)
