"""What is known is not linted again, and nothing else is taken for known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blueprint.gate import Finding, GateInput, check, jobs, native
from blueprint.gate import cache as cache_module
from tests.gate.conftest import OPEN, template

ROOT = Path(__file__).parents[2]
HEAVY = [
    "cfnlint",
    "cloudformation_validate",
    "concurrent.futures",
    "importlib.metadata",
    "subprocess",
    "ssl",
]


@pytest.fixture
def linted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which templates reach the validator."""
    seen: list[str] = []
    run = native.run

    def spy(jobs: Any, progress: Any) -> Any:
        seen.extend(job.template.name for job in jobs)
        return run(jobs, progress)

    monkeypatch.setattr(native, "run", spy)
    return seen


Quick = Callable[..., list[Finding]]


def test_a_full_hit_reports_the_same_and_imports_no_validator(
    faulty: list[GateInput], findings: list[Finding], tmp_path: Path
) -> None:
    assert check(faulty, cache_dir=tmp_path) == findings
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path\n"
        "from blueprint.gate import check, GateInput\n"
        f"found = check({faulty!r}, cache_dir=Path({str(tmp_path)!r}))\n"
        f"print(len(found), [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [str(len(findings)), "[]\n"]


def test_the_second_time_nothing_is_linted(quick: Quick, linted: list[str]) -> None:
    one = quick(template(Group=OPEN))
    assert quick(template(Group=OPEN)) == one
    assert linted == ["10-a.json"]


def test_the_name_and_the_order_of_regions_are_no_part_of_the_result(quick: Quick, linted: list[str]) -> None:
    quick(template("a.json", Group=OPEN))
    moved = quick(replace(template("b.json", Group=OPEN), regions=("eu-central-1", "eu-west-1")))
    assert linted == ["a.json"]
    assert {finding.template for finding in moved} == {"templates/prod/b.json"}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(template(Group=OPEN, Other=OPEN), id="content"),
        pytest.param(template(regions=("eu-west-1",), Group=OPEN), id="regions"),
    ],
)
def test_another_content_or_region_is_linted(quick: Quick, linted: list[str], changed: GateInput) -> None:
    quick(template(Group=OPEN))
    quick(changed)
    assert len(linted) == 2


@pytest.mark.parametrize("what", ["version_of", "own_code"])
def test_another_version_of_the_validator_or_of_the_gate_is_asked_again(
    quick: Quick, linted: list[str], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(template(Group=OPEN))
    monkeypatch.setattr(jobs, what, lambda *_: "9.9.9")
    quick(template(Group=OPEN))
    assert len(linted) == 2


def test_versions_are_those_that_pip_installed() -> None:
    from importlib.metadata import version

    for validator in ("cfn-lint", "cloudformation-validate"):
        assert jobs.version_of(validator) == version(validator)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b'{"format": 1}',
        b"[" * 100_000,
        lambda entry: {**entry, "key": "0" * 64},
        lambda entry: {**entry, "format": 0},
        lambda entry: {**entry, "findings": [{"rule": "E1"}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "severity": "grave"}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "line": "1"}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "line": 0}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "column": True}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "validator": "nobody"}]},
        lambda entry: {**entry, "findings": [{**entry["findings"][0], "template": ["a"]}]},
        lambda entry: {**entry, "findings": 7},
        lambda entry: {**entry, "findings": ""},
        lambda entry: {**entry, "findings": {}},
    ],
)
def test_a_damaged_entry_is_linted_again_and_mended(
    quick: Quick, linted: list[str], tmp_path: Path, content: Any
) -> None:
    good = quick(template(Group=OPEN))
    (entry,) = (tmp_path / "cache").iterdir()
    stored = json.loads(entry.read_bytes())
    entry.write_bytes(json.dumps(content(stored)).encode() if callable(content) else content)
    assert quick(template(Group=OPEN)) == good
    assert len(linted) == 2
    assert json.loads(entry.read_bytes()) == stored


def test_a_folder_that_cannot_be_made_means_no_cache(quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert quick(template(Group=OPEN), cache=tmp_path / "file" / "cache")


def test_a_folder_that_cannot_be_written_means_no_cache(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    assert quick(template(Group=OPEN))
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_incomplete_result_is_reported_and_not_kept(
    quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate = native._validate
    monkeypatch.setattr(native, "_validate", lambda *args: replace(validate(*args), complete=False))
    assert quick(template(Group=OPEN))
    assert not list((tmp_path / "cache").glob("*"))


def test_old_entries_make_room(quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "KEEP", 4)
    for number in range(9):
        quick(template(**{f"Group{number}": OPEN}))
    kept = list((tmp_path / "cache").iterdir())
    assert 0 < len(kept) <= 4
