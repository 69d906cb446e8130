"""Set-up: an interpreter that has exactly the locked dependencies, from nothing but Python.

``build.py`` calls :func:`ensure` before it imports anything else of the package. There are three ways on:

1. **The running interpreter will do.** Each direct dependency is found, and its ``.dist-info`` folder beside
   it bears the locked version. Merely importable is not enough: another troposphere or PyYAML renders other
   bytes, and another cfn-lint finds other things, so that ``--check`` would fail on one machine only.
2. **``.venv`` is complete**: the process is replaced by the same command inside it.
3. **Otherwise ``.venv`` is made** (or mended), with one line to say so, and then comes 2.

A ``.venv`` of ours carries a marker from the first moment, and a stamp (level, folder, base interpreter and
the whole lock file) that is written last: marker without a matching stamp means an interrupted or outdated
set-up, which is redone. A ``.venv`` without the marker belongs to the user: it is used if it has the locked
versions, and never changed. Whatever prevents the set-up is one line on stderr and exit code 2.

Only the standard library, and as little of it as can be: this runs in front of every command. What only a
set-up needs is in :mod:`blueprint.setup_venv`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers take this for true; importing typing would cost 8 ms
if TYPE_CHECKING:
    from typing import NoReturn

EXIT_BAD_INPUT = 2  # as in blueprint.problems, whose imports would cost more than this whole check
EXIT_INTERRUPTED = 130  # what shells report for Ctrl-C

# Import name of each direct dependency, by its name in requirements/*.in (a test compares them).
RUNTIME = {
    "troposphere": "troposphere",
    "awacs": "awacs",
    "pydantic": "pydantic",
    "pyyaml": "yaml",
    "cfn-lint": "cfnlint",
    "cloudformation-validate": "cloudformation_validate",
    "boto3": "boto3",
}
DEV = {
    "pytest": "pytest",
    "pytest-xdist": "xdist",
    "hypothesis": "hypothesis",
    "ruff": "ruff",
    "mypy": "mypy",
    "types-pyyaml": "yaml-stubs",
}
LEVELS = {"runtime": RUNTIME, "dev": {**RUNTIME, **DEV}}
DEV_COMMANDS = frozenset({"test"})

MARKER = ".made-by-build-py"
STAMP = ".complete"
# Counts re-executions of one command. Taken out of the environment on arrival, so that child processes start
# with a clean slate. A sound way needs two at most: out of a stale .venv, and back into the new one.
HOPS = "BLUEPRINT_BOOTSTRAP_HOPS"
MAX_HOPS = 3


class SetUpError(Exception):
    """Set-up cannot go on; the message says why, and what to install or do."""


def level_for(argv: list[str]) -> str:
    """Which requirements the command needs; it must be known before anything can parse the options."""
    if not argv or argv[0] in ("-h", "--help", "--version"):
        return "none"  # nobody should wait for an installation to read what the command can do
    return "dev" if argv[0] in DEV_COMMANDS else "runtime"


def ensure(root: str | os.PathLike[str], level: str) -> None:
    """Return if this interpreter has the locked dependencies of ``level``; else go on in one that has.

    Replaces the process (see :func:`_go_on_in`) with the same command line in ``.venv``, or exits with 2.
    """
    hops = _take_hops()
    if level == "none":
        return
    root = os.path.abspath(root)
    try:
        if running_has(root, level):
            return
        if hops >= MAX_HOPS:
            raise SetUpError(
                f"{venv_of(root)} was set up, but Python cannot use it; remove that folder and run this again"
            )
        if sys.flags.no_site:
            raise SetUpError("with -S, Python finds no installed package; run this without -S")
        _go_on(root, level, hops + 1)
    except SetUpError as error:
        stop(str(error))
    except OSError as error:
        stop(f"set-up failed: {error}; see to that and run this again")
    except KeyboardInterrupt:
        sys.stderr.write("build.py: set-up was interrupted; the same command starts it afresh\n")
        sys.exit(EXIT_INTERRUPTED)


def stop(message: str) -> NoReturn:
    """One line, whatever the message contains, and exit code 2."""
    sys.stderr.write("build.py: " + " ".join(message.split()) + "\n")
    sys.exit(EXIT_BAD_INPUT)


# --- what is there -----------------------------------------------------------------------------------------


def venv_of(root: str) -> str:
    return os.path.join(root, ".venv")


def python_in(venv: str) -> str:
    return (
        os.path.join(venv, "Scripts", "python.exe")
        if os.name == "nt"
        else os.path.join(venv, "bin", "python")
    )


def lock_path(root: str, level: str) -> str:
    return os.path.join(root, "requirements", level + ".lock")


def read(path: str) -> str:
    """Text of a file, empty if there is none. Newlines are kept as they are: this is compared, not parsed.

    Bytes that are no text become replacement characters: a damaged file is like no other, and no error.
    """
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def lock_text(root: str, level: str) -> str:
    path = lock_path(root, level)
    if text := read(path):
        return text
    raise SetUpError(f"{path} is missing or empty; restore it (git checkout -- requirements)")


def locked_versions(lock: str, names: dict[str, str]) -> dict[str, set[str]]:
    """``{name: versions}`` of the wanted ones (a lock may pin one version per range of Pythons)."""
    versions: dict[str, set[str]] = {}
    for line in lock.splitlines():
        name, equals, rest = line.partition("==")
        version = (rest.split(None, 1) or [""])[0]
        if equals and name in names and version[:1].isalnum():
            versions.setdefault(name, set()).add(version)
    return versions


def wanted_versions(root: str, level: str) -> dict[str, set[str]]:
    """``{name: versions}`` of every direct dependency of ``level``.

    Without this a lock that was cut off would ask for nothing, and any interpreter would have all of that.
    """
    versions = locked_versions(lock_text(root, level), LEVELS[level])
    if missing := sorted(LEVELS[level].keys() - versions.keys()):
        raise SetUpError(
            f"{lock_path(root, level)} is damaged: it pins no version of {', '.join(missing)}; "
            "restore it (git checkout -- requirements)"
        )
    return versions


def normal(name: str) -> str:
    """A distribution's name the way its ``.dist-info`` folder spells it, in small letters."""
    return name.replace("-", "_").replace(".", "_").lower()


def is_installed(name: str, versions: set[str], listing: frozenset[str]) -> bool:
    return any(f"{normal(name)}-{version}.dist-info" in listing for version in versions)


def listing_of(folder: str) -> frozenset[str]:
    try:
        return frozenset(entry.lower() for entry in os.listdir(folder))
    except OSError:
        return frozenset()


def found_in(module: str) -> str | None:
    """The folder of ``sys.path`` that an import of ``module`` would be served from; imports nothing."""
    if module.endswith("-stubs"):  # read by the type checker only, and not an importable name
        module = module[: -len("-stubs")]
    # What importlib.util.find_spec does, without the milliseconds that importing it takes.
    specs = (finder.find_spec(module, None) for finder in sys.meta_path)
    spec = next((spec for spec in specs if spec is not None), None)
    if spec is None or not spec.origin:
        return None
    folder = os.path.dirname(spec.origin)
    return os.path.dirname(folder) if spec.submodule_search_locations else folder


def wrong_here(root: str, level: str) -> dict[str, str | None]:
    """Direct dependencies that this interpreter lacks in the locked version: ``{name: folder or None}``."""
    wanted = LEVELS[level]
    listings: dict[str, frozenset[str]] = {}
    wrong: dict[str, str | None] = {}
    for name, versions in wanted_versions(root, level).items():
        folder = found_in(wanted[name])
        if folder is not None and folder not in listings:
            listings[folder] = listing_of(folder)
        if folder is None or not is_installed(name, versions, listings[folder]):
            wrong[name] = folder
    return wrong


def inside(venv: str) -> bool:
    """Does the running interpreter belong to that virtual environment?"""
    try:
        return sys.prefix != sys.base_prefix and os.path.samefile(sys.prefix, venv)
    except OSError:
        return False


def is_ours(venv: str) -> bool:
    return os.path.exists(os.path.join(venv, MARKER))


def stamp_head(level: str, venv: str, base: str) -> str:
    """First line of a stamp: what a complete environment depends on besides its lock file.

    The folder, because tools installed in it name it in their first line; the base interpreter's size and
    time, because an upgraded or removed Python leaves an environment that looks whole and is not.
    """
    status = os.stat(base)
    return "\t".join((level, os.path.realpath(venv), str(status.st_size), str(status.st_mtime_ns), base))


def is_complete(root: str, level: str) -> bool:
    """Is our ``.venv`` finished, undamaged, and made from today's lock file, for ``level`` or more?"""
    venv = venv_of(root)
    if not is_ours(venv):
        return False
    head, _, lock = read(os.path.join(venv, STAMP)).partition("\n")
    made_for, _, _ = head.partition("\t")
    base = head.rpartition("\t")[2]
    if made_for not in LEVELS or (level == "dev" and made_for != "dev"):
        return False
    try:
        return (
            head == stamp_head(made_for, venv, base)
            and lock == lock_text(root, made_for)
            and os.access(python_in(venv), os.X_OK)
        )
    except (OSError, ValueError):  # the base interpreter is gone; its path in a damaged stamp is no path
        return False


def running_has(root: str, level: str) -> bool:
    """Way 1: go on with the interpreter that runs."""
    venv = venv_of(root)
    here = inside(venv)
    if here and is_ours(venv) and not is_complete(root, level):
        return False  # what is not a direct dependency may be outdated as well
    wrong = wrong_here(root, level)
    if here and wrong:
        _refuse_shadows(wrong)
    return not wrong


def _refuse_shadows(wrong: dict[str, str | None]) -> None:
    """Setting up again would not help when PYTHONPATH puts another version in front of the right one."""
    prefix = os.path.realpath(sys.prefix)
    for name, folder in sorted(wrong.items()):
        if folder is not None and not os.path.realpath(folder).startswith(prefix + os.sep):
            raise SetUpError(f"another {name} in {folder} hides the one in .venv; take it off PYTHONPATH")


# --- going on elsewhere ------------------------------------------------------------------------------------


def _interpreter(root: str, level: str) -> str:
    """Ways 2 and 3: the interpreter to go on in."""
    venv = venv_of(root)
    if is_complete(root, level) and not inside(venv):
        return python_in(venv)
    from blueprint import setup_venv

    if setup_venv.is_foreign(venv):
        return setup_venv.use_foreign(root, level)
    if inside(venv):  # nobody can saw off the branch he sits on: the base interpreter does it
        setup_venv.discard_stamp(venv)
        return setup_venv.base_python()
    setup_venv.make(root, level)
    return python_in(venv)


def _go_on(root: str, level: str, hops: int) -> NoReturn:
    """In the right interpreter; should the one in ``.venv`` be no program any more, in a new one."""
    try:
        _go_on_in(_interpreter(root, level), hops)
    except OSError as error:
        from errno import ENOEXEC

        venv = venv_of(root)
        if error.errno != ENOEXEC or not is_ours(venv):
            raise
    from blueprint import setup_venv

    setup_venv.discard_stamp(venv)
    _go_on_in(_interpreter(root, level), hops)


def stop_for_broken_package(root: str, error: ImportError) -> None:
    """Exit with 2 if ``error`` is about a package of others; one of ours is a bug, and stays an error.

    The names of installed packages are all that is looked at before every command, so that a damaged one
    shows when it is imported. In a ``.venv`` of ours the next run sets up afresh.
    """
    name = (error.name or "").partition(".")[0]
    if not name or name == __package__ or name in sys.stdlib_module_names:
        return
    venv = venv_of(os.path.abspath(root))
    damaged = f"the installed package {name} is damaged ({error})"
    if inside(venv) and is_ours(venv):
        from blueprint import setup_venv

        setup_venv.discard_stamp(venv)
        stop(f"{damaged}; run this again, which sets up .venv afresh")
    lock = os.path.join("requirements", "runtime.lock")
    stop(f"{damaged}; run: {sys.executable} -m pip install --force-reinstall --require-hashes -r {lock}")


def _take_hops() -> int:
    try:
        return int(os.environ.pop(HOPS, "0"))
    except ValueError:
        return MAX_HOPS


def _go_on_in(python: str, hops: int) -> NoReturn:
    """The same command line, interpreter options included, in another interpreter."""
    command = [python, *sys.orig_argv[1:]]
    environment = {**os.environ, HOPS: str(hops)}
    for name in ("PYTHONHOME", "__PYVENV_LAUNCHER__"):  # both would lead it back to the first interpreter
        environment.pop(name, None)
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # no exec there: wait, leave Ctrl-C to the child, pass its exit code on
        import signal
        import subprocess

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(subprocess.call(command, env=environment))
    os.execve(python, command, environment)


if __name__ == "__main__":
    # `python -m blueprint.bootstrap` prints the interpreter that has what the tests need; .ci/run uses it.
    ensure(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "dev")
    print(sys.executable)
