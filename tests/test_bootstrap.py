"""From nothing but Python to the locked dependencies, whatever the machine is like.

Each test gets a project of its own: the real ``build.py`` and bootstrap, a command line that reports where it
runs, and locks that pin made-up wheels in a folder, so that the real pip installs them without a network.
"""

from __future__ import annotations

import ast
import base64
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from blueprint import bootstrap, setup_venv

ROOT = Path(__file__).parent.parent
COMMAND_LINE = """
import json, os, sys

def main(argv, root):
    try:
        from troposphere import version
    except ImportError:
        version = None
    print(json.dumps({
        "prefix": os.path.realpath(sys.prefix), "troposphere": version, "argv": argv, "root": str(root),
        "dev_mode": sys.flags.dev_mode, "isolated": sys.flags.isolated,
        "left": [name for name in os.environ if name.startswith("BLUEPRINT_BOOTSTRAP")],
    }))
    return 7
"""
posix_only = pytest.mark.skipif(os.name == "nt", reason="stand-ins for Python are shell scripts")


class Project:
    """A checkout in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root.parent / "wheels"
        self.wheels.mkdir(exist_ok=True)
        (root / "blueprint" / "cli").mkdir(parents=True)
        (root / "requirements").mkdir()
        shutil.copy(ROOT / "build.py", root)
        for name in ("__init__", "bootstrap", "setup_venv"):
            shutil.copy(ROOT / "blueprint" / f"{name}.py", root / "blueprint")
        (root / "blueprint" / "cli" / "__init__.py").write_text(COMMAND_LINE, encoding="utf-8")
        self.lock("0.0.1")

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        return self.venv / bootstrap.STAMP

    def lock(self, version: str) -> None:
        """Pin that version of a made-up troposphere, and made-up ones of everything else."""
        versions = {"troposphere": version}
        for level, names in bootstrap.LEVELS.items():
            pins = [self.wheel(name, names[name], versions.get(name, "0.0.1")) for name in sorted(names)]
            (self.root / "requirements" / f"{level}.lock").write_text("".join(pins), encoding="utf-8")

    def wheel(self, name: str, module: str, version: str) -> str:
        """Make a wheel, and return its lines in a lock file."""
        path = self.wheels / f"{bootstrap.normal(name)}-{version}-py3-none-any.whl"
        info = f"{bootstrap.normal(name)}-{version}.dist-info"
        files = {
            f"{module}/__init__.py": f"version = {version!r}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{member},sha256={_hash(text)},{len(text)}\n" for member, text in files.items())
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                archive.writestr(zipfile.ZipInfo(member), text)
        return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def command(
        self, *argv: str, python: str | Path = sys.executable, options: tuple[str, ...] = ()
    ) -> list[str]:
        return [str(python), *options, str(self.root / "build.py"), *argv]

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON", "COV_", "PYTEST_"))
        }
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        return {**kept, **offline, **extra}

    def run(
        self, *argv: str, env: dict[str, str] | None = None, **how: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*argv, **how),
            env=self.environment(**(env or {})),
            cwd=self.root.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def arrives(self, *argv: str, **how: Any) -> tuple[dict[str, Any], str]:
        """Run a command that must reach the command line; what that reported, and stderr."""
        done = self.run(*argv, **how)
        assert done.returncode == 7, done.stderr
        return json.loads(done.stdout), done.stderr

    def refuses(self, *argv: str, **how: Any) -> str:
        """Run a command that must end with one line and exit code 2; that line."""
        done = self.run(*argv, **how)
        lines = [line for line in done.stderr.splitlines() if "setting up .venv" not in line]
        assert (done.returncode, done.stdout, len(lines)) == (2, "", 1), done.stderr
        return lines[0]


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "a checkout")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("original") / "checkout")
    project.arrives("--all")
    return project


@pytest.fixture
def made(project: Project, original: Project) -> Project:
    """A project whose ``.venv`` is complete, with a file in it by which a new one can be told from it.

    A copy, because making one takes seconds; the stamp is then that of its new folder.
    """
    shutil.copytree(original.venv, project.venv, symlinks=True)
    head, _, lock = original.stamp.read_text(encoding="utf-8").partition("\n")
    level, _, rest = head.partition("\t" + os.path.realpath(original.venv) + "\t")
    head = "\t".join((level, os.path.realpath(project.venv), rest))
    project.stamp.write_text(f"{head}\n{lock}", encoding="utf-8", newline="")
    assert bootstrap.is_complete(str(project.root), "runtime")
    (project.venv / "sentinel").touch()
    return project


def was_remade(project: Project) -> bool:
    return not (project.venv / "sentinel").exists()


# --- the way that works ------------------------------------------------------------------------------------


def test_first_run_sets_up_in_one_line_and_goes_on_inside_it_with_the_same_arguments(
    project: Project,
) -> None:
    report, said = project.arrives("--env", "prod", "-q")
    assert said.count("\n") == 1
    assert "setting up .venv" in said
    assert report["prefix"] == os.path.realpath(project.venv)
    assert report["troposphere"] == "0.0.1"
    assert report["argv"] == ["--env", "prod", "-q"]
    assert report["root"] == str(project.root)


def test_second_run_is_silent_and_keeps_interpreter_options_but_leaves_nothing_to_child_processes(
    made: Project,
) -> None:
    report, said = made.arrives("--all", options=("-X", "dev", "-I"))
    assert said == ""
    assert report["dev_mode"]
    assert report["isolated"]
    assert report["left"] == []
    assert not was_remade(made)


def test_the_test_command_adds_what_tests_need_and_keeps_the_rest(made: Project) -> None:
    report, said = made.arrives("test")
    assert "test dependencies" in said
    assert report["prefix"] == os.path.realpath(made.venv)
    assert not was_remade(made)
    assert list(made.venv.glob("**/pytest-0.0.1.dist-info"))
    assert made.arrives("test")[1] == made.arrives("--all")[1] == ""


def test_two_first_runs_at_once_set_up_once_and_both_succeed(project: Project) -> None:
    both = [
        subprocess.Popen(
            project.command("--all"),
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [7, 7], said
    assert "".join(said).count("setting up .venv") == 1


def test_an_interpreter_that_has_the_locked_versions_is_used_as_it_is_and_at_no_cost(tmp_path: Path) -> None:
    """Nothing is started or written, and none of the modules is loaded that only a set-up needs."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    _satisfied_or_skip("runtime")
    code = f"""
import sys
before = set(sys.modules)
from blueprint import bootstrap
bootstrap.ensure({str(tmp_path)!r}, "runtime")
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, '.')" + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) <= {"__future__", "blueprint", "blueprint.bootstrap"}
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["requirements"]


def _satisfied_or_skip(level: str) -> None:
    if bootstrap.wrong_here(str(ROOT), level):
        pytest.skip("the tests run in an environment that is not the locked one")


def test_an_importable_dependency_of_another_version_is_not_good_enough(made: Project) -> None:
    inside = str(bootstrap.python_in(str(made.venv)))
    made.lock("0.0.2")
    report, said = made.arrives("--all", python=inside)
    assert report["troposphere"] == "0.0.2"
    assert said.count("setting up .venv") == 1
    assert was_remade(made)


@pytest.mark.parametrize(
    ("argv", "level"),
    [
        (["--env", "prod"], "runtime"),
        (["render", "--all"], "runtime"),
        (["--env", "test"], "runtime"),
        (["test"], "dev"),
        (["test", "--full"], "dev"),
        (["--help"], "none"),
        ([], "none"),
    ],
)
def test_the_command_decides_what_is_installed(argv: list[str], level: str) -> None:
    assert bootstrap.level_for(argv) == level


def test_help_needs_no_set_up(project: Project) -> None:
    assert project.arrives("--help")[1] == ""
    assert not project.venv.exists()


# --- what is broken is mended ------------------------------------------------------------------------------


@posix_only
def test_a_killed_set_up_is_redone_and_not_before_its_orphaned_installer_has_ended(project: Project) -> None:
    process = subprocess.Popen(project.command("--all"), env=project.environment(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not os.path.lexists(bootstrap.python_in(str(project.venv))) and time.monotonic() < deadline:
        time.sleep(0.01)  # from here on the child that installs pip runs for a second or more
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert bootstrap.is_ours(str(project.venv))
    assert not project.stamp.exists()

    report, said = project.arrives("--all")
    assert "waiting for another process" in said
    assert "as the last time was interrupted" in said
    assert report["troposphere"] == "0.0.1"


def test_an_environment_without_its_stamp_is_incomplete(made: Project) -> None:
    assert bootstrap.is_complete(str(made.root), "runtime")
    assert not bootstrap.is_complete(str(made.root), "dev")
    made.stamp.unlink()
    assert not bootstrap.is_complete(str(made.root), "runtime")


def test_an_environment_is_outdated_when_lock_folder_interpreter_or_base_python_changes(
    made: Project,
) -> None:
    root, stamp = str(made.root), made.stamp.read_text(encoding="utf-8")
    base = setup_venv.base_python()

    lock = made.root / "requirements" / "runtime.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text + "# one more line\n", encoding="utf-8")
    assert not bootstrap.is_complete(root, "runtime")
    lock.write_text(text, encoding="utf-8")
    assert bootstrap.is_complete(root, "runtime")

    made.stamp.write_text(stamp.replace(base, base + "-removed", 1), encoding="utf-8")
    assert not bootstrap.is_complete(root, "runtime")
    made.stamp.write_text(stamp.replace(str(os.stat(base).st_mtime_ns), "1", 1), encoding="utf-8")
    assert not bootstrap.is_complete(root, "runtime")
    made.stamp.write_text(stamp, encoding="utf-8")

    moved = made.root.with_name("moved")
    made.root.rename(moved)
    assert not bootstrap.is_complete(str(moved), "runtime")
    moved.rename(made.root)
    assert bootstrap.is_complete(root, "runtime")

    os.remove(bootstrap.python_in(str(made.venv)))
    assert not bootstrap.is_complete(root, "runtime")


def test_an_environment_that_lost_a_package_is_made_anew_instead_of_going_round_in_circles(
    made: Project,
) -> None:
    for path in made.venv.glob("**/troposphere*"):
        shutil.rmtree(path)
    report, said = made.arrives("--all")
    assert report["troposphere"] == "0.0.1"
    assert said.count("setting up .venv") == 1


def test_python_that_cannot_use_the_environment_gives_up_after_some_tries(made: Project) -> None:
    line = made.refuses("--all", env={bootstrap.HOPS: str(bootstrap.MAX_HOPS)})
    assert "remove that folder" in line


def test_python_without_its_site_folders_says_so_and_makes_nothing_anew(made: Project) -> None:
    line = made.refuses("--all", options=("-S",))
    assert "run this without -S" in line
    assert not was_remade(made)


@pytest.mark.parametrize("content", [b"\xff", b"runtime\t/x\t1\t1\t/a\0b\n", b"", b"runtime", b"\t" * 9])
def test_a_damaged_stamp_is_none_and_the_environment_is_made_anew(made: Project, content: bytes) -> None:
    made.stamp.write_bytes(content)
    assert not bootstrap.is_complete(str(made.root), "runtime")
    if content == b"\xff":
        assert made.arrives("--all")[1].count("setting up .venv") == 1
        assert was_remade(made)


@pytest.mark.parametrize("content", [b"\xff", b"pyyaml==\n", b"pyyaml== \\\n", b"foo\n", b"foo==1\n"])
def test_a_damaged_lock_is_named_and_nothing_is_made_of_it(made: Project, content: bytes) -> None:
    (made.root / "requirements" / "runtime.lock").write_bytes(content)
    line = made.refuses("--all")
    assert "runtime.lock is damaged: it pins no version of awacs, boto3" in line
    assert "git checkout -- requirements" in line
    assert not was_remade(made)


def test_a_lock_that_lost_one_package_names_that_one(made: Project) -> None:
    lock = made.root / "requirements" / "runtime.lock"
    lock.write_text(lock.read_text().replace("pyyaml==", "pyyaml>="))
    assert "no version of pyyaml;" in made.refuses("--all")


@posix_only
def test_a_python_in_the_environment_that_is_no_program_is_made_anew(made: Project) -> None:
    python = Path(bootstrap.python_in(str(made.venv)))
    python.unlink()
    python.write_bytes(b"\0junk")
    python.chmod(0o755)
    _, said = made.arrives("--all")
    assert said.count("setting up .venv") == 1
    assert was_remade(made)


@pytest.mark.parametrize("where", ["import", "run"])
@pytest.mark.parametrize("damage", ["emptied", "removed_part"])
def test_a_damaged_package_is_one_line_and_the_next_run_mends_it(
    made: Project, where: str, damage: str
) -> None:
    statement = "from troposphere import version" if damage == "emptied" else "import troposphere"
    indent = "" if where == "import" else "    "
    head = "" if where == "import" else "def main(argv, root):\n"
    text = f"{head}{indent}{statement}\n" + COMMAND_LINE.replace("def main", "def report")
    text += "\nmain = report\n" if where == "import" else ""
    if where == "run":
        text = text.replace(f"    {statement}\n", f"    {statement}\n    return report(argv, root)\n", 1)
    (made.root / "blueprint" / "cli" / "__init__.py").write_text(text, encoding="utf-8")
    (package,) = made.venv.glob("**/troposphere/__init__.py")
    package.write_text("" if damage == "emptied" else "import troposphere_core\n")
    line = made.refuses("--all")
    assert "the installed package troposphere" in line
    assert "is damaged" in line
    assert "run this again" in line
    _, said = made.arrives("--all")
    assert said.count("setting up .venv") == 1
    assert was_remade(made)


def test_a_damaged_package_of_the_users_own_environment_is_named_with_the_remedy(project: Project) -> None:
    own_environment(project, "0.0.1")
    (project.root / "blueprint" / "cli" / "__init__.py").write_text("import troposphere.lost\n")
    line = project.refuses("--all")
    assert "package troposphere is damaged" in line
    assert "--force-reinstall --require-hashes" in line


def test_an_import_that_we_got_wrong_ourselves_is_no_damage(made: Project) -> None:
    (made.root / "blueprint" / "cli" / "__init__.py").write_text("from blueprint.cli import nothing\n")
    done = made.run("--all")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert made.stamp.exists()


def test_an_empty_folder_is_what_a_very_early_kill_leaves_and_is_used(project: Project) -> None:
    project.venv.mkdir()
    assert project.arrives("--all")[0]["troposphere"] == "0.0.1"


# --- what is not ours is left alone ------------------------------------------------------------------------


def own_environment(project: Project, version: str) -> None:
    """What a person makes himself: no marker, and that version of the made-up troposphere."""
    subprocess.run(
        [sys.executable, "-I", "-m", "venv", "--without-pip", str(project.venv)],
        check=True,
        env=project.environment(),
    )
    name = "Lib" if os.name == "nt" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    site = project.venv / name / "site-packages"
    for path in project.wheels.glob(f"*-{version}-py3-none-any.whl"):
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(site)


def contents(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def test_an_environment_of_the_users_own_is_used_when_it_has_the_locked_versions(project: Project) -> None:
    own_environment(project, "0.0.1")
    before = contents(project.venv)
    report, said = project.arrives("--all")
    assert (report["prefix"], report["troposphere"]) == (os.path.realpath(project.venv), "0.0.1")
    assert said == ""
    assert contents(project.venv) == before


@pytest.mark.parametrize("from_inside", [False, True])
def test_an_environment_of_the_users_own_with_other_versions_is_not_touched(
    project: Project, from_inside: bool
) -> None:
    own_environment(project, "0.0.1")
    project.lock("0.0.2")
    before = contents(project.venv)
    python = bootstrap.python_in(str(project.venv)) if from_inside else sys.executable
    line = project.refuses("--all", python=python)
    assert "not made by build.py and lacks the locked troposphere" in line
    assert "remove it, or run" in line
    assert contents(project.venv) == before


def test_something_else_of_that_name_is_not_touched(project: Project) -> None:
    project.venv.write_text("mine", encoding="utf-8")
    assert "move it elsewhere" in project.refuses("--all")
    assert project.venv.read_text(encoding="utf-8") == "mine"


def test_a_package_on_pythonpath_that_hides_ours_is_named_and_nothing_is_made_anew(made: Project) -> None:
    other = made.root.parent / "other"
    (other / "troposphere").mkdir(parents=True)
    (other / "troposphere" / "__init__.py").write_text("version = 'mine'\n", encoding="utf-8")
    line = made.refuses("--all", env={"PYTHONPATH": str(other)})
    assert f"another troposphere in {other}" in line
    assert not was_remade(made)


# --- where it cannot be done, one line says why ------------------------------------------------------------


def test_a_package_that_the_index_lacks_ends_in_one_line_and_the_next_run_starts_afresh(
    project: Project,
) -> None:
    wheel = next(project.wheels.glob("troposphere-*"))
    hidden = wheel.rename(wheel.with_suffix(".hidden"))
    line = project.refuses("--all")
    assert "troposphere==0.0.1" in line
    hidden.rename(wheel)
    assert "interrupted" in project.arrives("--all")[1]


def test_a_package_whose_hash_is_not_in_the_lock_is_not_installed(project: Project) -> None:
    lock = project.root / "requirements" / "runtime.lock"
    wheel = project.wheels / "troposphere-0.0.1-py3-none-any.whl"
    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(lock.read_text(encoding="utf-8").replace(right, 64 * "0"), encoding="utf-8")
    assert "another file than the lock expects" in project.refuses("--all")
    assert not list(project.venv.glob("**/troposphere*"))


def test_pip_settings_that_would_install_elsewhere_do_not(project: Project) -> None:
    elsewhere = project.root.parent / "elsewhere"
    env = {"PIP_TARGET": str(elsewhere), "PIP_USER": "1"}
    assert project.arrives("--all", env=env)[0]["troposphere"] == "0.0.1"
    assert not elsewhere.exists()


@pytest.mark.parametrize("setting", ["target", "prefix", "dry-run"])
def test_files_of_pip_that_install_elsewhere_are_noticed_before_all_is_called_complete(
    project: Project, setting: str
) -> None:
    elsewhere = project.root.parent / "elsewhere"
    file = project.root.parent / "pip.conf"
    file.write_text(f"[install]\n{setting} = {'true' if setting == 'dry-run' else elsewhere}\n")
    line = project.refuses("--all", env={"PIP_CONFIG_FILE": str(file)})
    assert "elsewhere than in .venv, or not at all; remove target" in line
    assert not project.stamp.exists()
    assert project.arrives("--all")[0]["troposphere"] == "0.0.1"


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_or_ensurepip_is_told_the_package_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setattr(setup_venv, "find_spec", lambda name: None if name == module else True)
    with pytest.raises(bootstrap.SetUpError, match=rf"without {module}.*apt install python3\.\d+-venv"):
        setup_venv.make(str(project.root), "runtime")
    assert not project.venv.exists()


@posix_only
def test_a_python_whose_ensurepip_fails_is_told_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = project.root.parent / "python"
    stub.write_text("#!/bin/sh\necho 'not created because ensurepip is not available.'\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setattr(setup_venv, "base_python", lambda: str(stub))
    with pytest.raises(bootstrap.SetUpError, match=r"ensurepip.*apt install"):
        setup_venv.make(str(project.root), "runtime")


@posix_only
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_named(project: Project) -> None:
    project.root.chmod(0o555)
    try:
        assert "cannot write to" in project.refuses("--all")
    finally:
        project.root.chmod(0o755)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EROFS, "cannot write to .*make the project's folder writable"),
        (errno.ENOSPC, "disk .*is full: free"),
    ],
)
def test_a_folder_that_takes_no_files_is_named_with_the_remedy(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(path: str, *_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(setup_venv.os, "makedirs", refuse)
    with pytest.raises(bootstrap.SetUpError, match=remedy):
        setup_venv.make(str(project.root), "runtime")


FAILED = "ERROR: Could not install packages due to an OSError: "
PIP_SAYS = {
    "cannot reach the package index": (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/\n"
        "ERROR: Could not find a version that satisfies the requirement awacs==2.6.1 (from versions: none)\n"
        "ERROR: No matching distribution found for awacs==2.6.1\n"
    ),
    "the disk that holds": FAILED + "[Errno 28] No space left on device\n",
    "folder writable": FAILED + "[Errno 30] Read-only file system: 'x'\n",
    "does not exist for this platform": "ERROR: No matching distribution found for regex==1\n\n[notice]\n",
    "pip failed: no output": "",
}


@pytest.mark.parametrize("expected", PIP_SAYS)
def test_the_noise_of_pip_becomes_one_line_with_the_cause(expected: str) -> None:
    assert expected in setup_venv.explain_pip(PIP_SAYS[expected], "folder")


def test_a_missing_lock_file_is_named(project: Project) -> None:
    (project.root / "requirements" / "runtime.lock").unlink()
    assert "runtime.lock is missing" in project.refuses("--all")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 9, 18)])
def test_a_python_that_is_too_old_says_so_in_one_line(version: tuple[int, ...]) -> None:
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path('build.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "needs Python 3.10 or newer" in done.stderr


def test_old_pythons_can_parse_the_file_that_tells_them() -> None:
    """Python 2.7 included: no f-strings, annotations, assignment expressions or __future__ imports."""
    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Match, ast.Starred)
    for node in ast.walk(ast.parse((ROOT / "build.py").read_text(encoding="ascii"))):
        assert not isinstance(node, new), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            assert node.returns is None
            assert [*arguments.kwonlyargs, *arguments.posonlyargs] == []
            assert [argument.annotation for argument in arguments.args if argument.annotation] == []
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__"
