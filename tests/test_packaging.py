"""What is installed, from where, and that every way of running it runs the same thing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from blueprint import bootstrap

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"
TABLES = {"runtime": bootstrap.RUNTIME, "dev": bootstrap.DEV}
SETUPTOOLS = "setuptools"  # for this file only; it is no tool that a command of ours imports
posix_only = pytest.mark.skipif(os.name == "nt", reason=".ci/run is a shell script")


def direct(level: str) -> dict[str, Requirement]:
    """The requirements of one ``.in`` file, by name; each must say what it is for."""
    found = {}
    for line in (REQUIREMENTS / f"{level}.in").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            text, _, reason = line.partition("#")
            assert reason.strip(), f"no reason given: {line}"
            requirement = Requirement(text.strip())
            found[canonicalize_name(requirement.name)] = requirement
    return found


def pins(level: str) -> dict[str, list[str]]:
    """``{"name==version ; marker": hashes}`` of a lock file."""
    found: dict[str, list[str]] = {}
    for line in (REQUIREMENTS / f"{level}.lock").read_text(encoding="utf-8").splitlines():
        text = line.rstrip("\\ ")
        if text.startswith("    --hash="):
            found[next(reversed(found))].append(text.strip())
        elif text and not text.lstrip().startswith("#"):
            found[text] = []
    return found


def tracked(*folders: str) -> set[str]:
    done = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return {name for name in done.stdout.decode().split("\0") if name and (ROOT / name).exists()}


# --- requirements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", TABLES)
def test_set_up_checks_exactly_the_requirements_that_are_written_down(level: str) -> None:
    assert set(TABLES[level]) == set(direct(level)) - {SETUPTOOLS}


@pytest.mark.parametrize("level", TABLES)
def test_every_requirement_is_locked_within_its_range(level: str) -> None:
    locked: dict[str, list[str]] = {}
    for text in pins(level):
        requirement = Requirement(text)
        locked.setdefault(requirement.name, []).append(str(requirement.specifier).removeprefix("=="))
    for name, requirement in direct(level).items():
        assert all(requirement.specifier.contains(version) for version in locked[name]), name


def test_every_python_gets_the_same_version_of_what_decides_the_output() -> None:
    """One pin per direct dependency, so that templates and findings do not depend on the interpreter."""
    versions = bootstrap.locked_versions(bootstrap.lock_text(str(ROOT), "runtime"), bootstrap.RUNTIME)
    assert {name: len(found) for name, found in versions.items()} == dict.fromkeys(bootstrap.RUNTIME, 1)


def test_tests_run_with_the_versions_that_users_have() -> None:
    runtime, dev = pins("runtime"), pins("dev")
    assert {text: dev.get(text) for text in runtime} == runtime


@pytest.mark.parametrize("lock", sorted(REQUIREMENTS.glob("*.lock")), ids=lambda path: path.stem)
def test_a_lock_names_hashes_and_no_host(lock: Path) -> None:
    assert all(hashes and all(":" in text for text in hashes) for hashes in pins(lock.stem).values())
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ", text)


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = "3.10"
    assert f'python_requires=">={oldest}"' in (ROOT / "setup.py").read_text(encoding="utf-8")
    assert f"({oldest.replace('.', ', ')})" in (ROOT / "build.py").read_text(encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'target-version = "py{oldest.replace(".", "")}"' in settings
    assert f'python_version = "{oldest}"' in settings
    assert workflow()["jobs"]["tests"]["strategy"]["matrix"]["python"][0] == oldest


# --- the installed package ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tracked files, built with the setuptools of the lock and without a network."""
    pytest.importorskip(SETUPTOOLS, minversion="77")
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        if name.split("/")[0] in {"blueprint", "requirements", "setup.py", "pyproject.toml", "MANIFEST.in"}:
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "source"))
    return next(folder.glob("*.whl"))


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.startswith("blueprint/")} == tracked("blueprint")


def test_the_wheel_requires_the_ranges_that_are_written_down(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA")))
    required = [Requirement(text) for text in re.findall(r"^Requires-Dist: (.+)$", metadata.decode(), re.M)]
    assert {canonicalize_name(found.name): found.specifier for found in required} == {
        name: requirement.specifier for name, requirement in direct("runtime").items()
    }


@pytest.mark.parametrize("words", [["--help"], ["render", "--help"], ["test", "--help"]], ids=" ".join)
def test_the_installed_command_has_the_options_of_build_py(
    wheel: Path, tmp_path: Path, words: list[str]
) -> None:
    """Run outside the checkout, so that the installed package answers."""
    pip("install", "--no-deps", "--no-index", "--target", str(tmp_path / "site"), str(wheel))
    script = next((tmp_path / "site" / "bin").glob("blueprint*"))
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "100"}
    installed = output([sys.executable, str(script), *words], env, tmp_path)
    checkout = output(
        [sys.executable, str(ROOT / "build.py"), *words], {**os.environ, "COLUMNS": "100"}, tmp_path
    )
    assert without_program(installed) == without_program(checkout)


def output(command: list[str], env: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_program(text: str) -> str:
    """Help says how it was called, and breaks its lines accordingly."""
    return " ".join(re.sub(r"python3? build\.py|build\.py|blueprint", "PROGRAM", text).split())


# --- the checks of every change ----------------------------------------------------------------------------


def workflow() -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def steps(job: str, key: str) -> list[str]:
    return [step[key] for step in workflow()["jobs"][job]["steps"] if key in step]


@posix_only
def test_ci_runs_the_readmes_test_command_then_lint_types_and_templates(tmp_path: Path) -> None:
    """In this order, from any folder, and each with the interpreter that has what it needs."""
    log = tmp_path / "log"
    stub = tmp_path / "python3"
    stub.write_text(
        f'#!/bin/sh\necho "$(pwd) $*" >> {log}\ncase "$*" in *bootstrap) echo "$0";; esac\n', encoding="utf-8"
    )
    stub.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    env.pop("PYTHON", None)
    subprocess.run([ROOT / ".ci" / "run"], cwd=tmp_path, env=env, check=True, stdin=subprocess.DEVNULL)
    assert log.read_text(encoding="utf-8").splitlines()[1:] == [
        f"{ROOT} build.py test",
        f"{ROOT} -m blueprint.bootstrap",
        f"{ROOT} -m ruff check .",
        f"{ROOT} -m ruff format --check .",
        f"{ROOT} -m mypy",
        f"{ROOT} build.py --all --check",
    ]


@posix_only
@pytest.mark.parametrize("failing", ["test", "check .", "format --check .", "mypy", "--all --check"])
def test_ci_fails_when_any_of_its_steps_fails(tmp_path: Path, failing: str) -> None:
    stub = tmp_path / "python3"
    stub.write_text(
        f'#!/bin/sh\ncase "$*" in *"{failing}") exit 1;; *bootstrap) echo "$0";; esac\n', encoding="utf-8"
    )
    stub.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    env.pop("PYTHON", None)
    assert subprocess.run([ROOT / ".ci" / "run"], env=env, check=False).returncode == 1


@posix_only
def test_ci_without_a_python_that_is_new_enough_says_so(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [str(shutil.which("bash")), str(ROOT / ".ci" / "run")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs Python 3.10 or newer" in done.stderr


def test_the_workflow_runs_ci_and_uploads_findings_with_the_least_rights() -> None:
    found = workflow()
    assert found["permissions"] == {"contents": "read"}
    assert ".ci/run" in steps("tests", "run")
    assert "permissions" not in found["jobs"]["tests"]
    assert found["jobs"]["gate"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert any("build.py --all --check --format sarif > gate.sarif" in run for run in steps("gate", "run"))
    assert any(uses.startswith("github/codeql-action/upload-sarif@") for uses in steps("gate", "uses"))


def test_pre_commit_lints_with_the_locked_ruff_and_checks_the_templates() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    ruff = next(text for text in pins("dev") if text.startswith("ruff=="))
    assert hooks[0]["rev"] == "v" + ruff.removeprefix("ruff==")
    assert [hook["entry"] for hook in hooks[1]["hooks"]] == ["python build.py --all --check"]
