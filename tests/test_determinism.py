"""The same environment file gives the same bytes, whatever the day, machine, shell, Python or network."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SHIPPED, load_shipped

#: What a render may not do, put into the interpreter before anything of ours is imported: it runs under
#: ``-c`` with the names of environments, and prints a digest of every file.
GUARDED = """
import sys

def forbidden(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
        raise SystemExit(f"rendering did {event} {arguments}")
    if event == "open" and any(letter in str(arguments[1]) for letter in "wax+"):
        raise SystemExit(f"rendering opened {arguments[0]} to write")

import hashlib
from pathlib import Path
sys.dont_write_bytecode = True
sys.addaudithook(forbidden)

import random, time, uuid
import email, importlib.metadata, pydantic, troposphere, yaml  # some look at the clock when they are loaded
def clock(*_, **__):
    raise SystemExit("rendering asked for the time, or for chance")
for name in ("time", "time_ns", "localtime", "gmtime", "strftime"):
    setattr(time, name, clock)
for module, names in ((random, ("random", "randint", "choice", "getrandbits")), (uuid, ("uuid1", "uuid4"))):
    for name in names:
        setattr(module, name, clock)

from blueprint.environment import load_account, load_environment
from blueprint.layers import layers_for
from blueprint.render import ledger, render

folder = Path(sys.argv[1])
for name in sys.argv[2:]:
    subject = load_account(folder) if name == "account" else load_environment(folder, name)
    rendered = render(subject, layers_for(subject))
    book = ledger.reconcile(None, subject, rendered.plan.stacks.values(), Path("none"))
    for file, body in [*rendered.files.items(), ("ledger", ledger.to_bytes(book))]:
        print(name, file, hashlib.sha256(body).hexdigest())
"""


def digests(python: str = sys.executable, folder: Path = ROOT / "environments", **options: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}  # type: ignore[dict-item]
    command = [python, "-c", GUARDED, str(folder), *SHIPPED]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, **{"cwd": ROOT, **options}
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    """Digests of what this process renders."""
    from blueprint.render import ledger

    lines = []
    for name in SHIPPED:
        rendered = load_shipped(name).rendered
        book = ledger.reconcile(None, rendered.subject, rendered.plan.stacks.values(), Path("none"))
        for file, body in [*rendered.files.items(), ("ledger", ledger.to_bytes(book))]:
            lines.append(f"{name} {file} {hashlib.sha256(body).hexdigest()}\n")
    return "".join(lines)


@pytest.mark.parametrize(
    "deed",
    [
        "import time; time.time()",
        "import socket; socket.socket()",
        "open('x', 'w')",
        "import subprocess; subprocess.run(['true'])",
        "import random; random.random()",
    ],
)
def test_the_guard_notices(deed):
    result = subprocess.run(
        [sys.executable, "-c", f"{GUARDED}\n{deed}", "."],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 1
    assert result.stderr.startswith("rendering ")


@pytest.mark.parametrize("seed", ["0", "1", "4294967295"])
def test_hash_seeds_change_nothing_and_no_network_clock_or_chance_is_asked(expected, seed):
    assert digests(env={"PYTHONHASHSEED": seed}) == expected


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-west-2", "AWS_PROFILE": "other"},
        {"HOME": "/nonexistent", "USER": "somebody", "COLUMNS": "20"},
    ],
    ids=["C locale and another day", "Turkish", "another region's profile", "somebody else"],
)
def test_the_shell_changes_nothing(expected, environment):
    assert digests(env=environment) == expected


def test_the_folder_where_one_stands_and_where_the_files_are_change_nothing(expected, tmp_path):
    folder = tmp_path / "a folder" / "environments"
    shutil.copytree(ROOT / "environments", folder)
    assert digests(folder=folder, cwd=tmp_path) == expected


def test_line_ends_and_a_byte_order_mark_change_nothing(expected, tmp_path):
    folder = tmp_path / "environments"
    shutil.copytree(ROOT / "environments", folder)
    for path in folder.glob("*.yaml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert digests(folder=folder) == expected


def test_optimised_python_renders_the_same(expected):
    assert digests(env={"PYTHONOPTIMIZE": "2"}) == expected


def other_pythons() -> list[str]:
    """Interpreters on this machine, other than this one, that have what rendering needs."""
    found = []
    for minor in range(10, 16):
        python = shutil.which(f"python3.{minor}")
        if python and (sys.version_info[:2] != (3, minor)) and _has_dependencies(python):
            found.append(python)
    return found


def _has_dependencies(python: str) -> bool:
    code = "import troposphere, awacs, yaml, pydantic, cfnlint"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def test_other_versions_of_python_render_the_same(expected):
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python here has the dependencies")
    for python in pythons:
        assert digests(python) == expected


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_committed_is_what_is_rendered(name):
    folder = ROOT / "templates" / name
    committed = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert committed == load_shipped(name).rendered.files, f"run python build.py --env {name}"
