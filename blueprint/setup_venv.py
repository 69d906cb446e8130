"""Making ``.venv``: the slow part of :mod:`blueprint.bootstrap`, imported only when it is needed.

Only the standard library. Everything that can go wrong on somebody else's machine ends as one
:class:`~blueprint.bootstrap.SetUpError` that says what to install or do.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec

from blueprint.bootstrap import (
    MARKER,
    STAMP,
    SetUpError,
    inside,
    is_complete,
    is_installed,
    is_ours,
    listing_of,
    lock_path,
    lock_text,
    python_in,
    read,
    stamp_head,
    venv_of,
    wanted_versions,
)

ABOUT_SECONDS = {
    "runtime": 15,
    "dev": 20,
}  # measured on 2 cores, near package index; just announced
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
POLL_S = 0.2  # between two looks at a lock that another process holds

# Options of pip that a person may have set for himself and that would install to somewhere else than .venv.
# Everything else of his configuration (index, proxy, certificates, cache) is respected.
ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_DRY_RUN")


def base_python() -> str:
    """The interpreter under any virtual environment that may be active."""
    found: str = getattr(sys, "_base_executable", None) or sys.executable
    if found == sys.executable and sys.prefix != sys.base_prefix:  # Python 3.10 tells it on Windows only
        found = os.path.join(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    return found if os.path.exists(found) else os.path.realpath(sys.executable)


def is_foreign(venv: str) -> bool:
    """Is there something that we did not make? An empty folder is what a very early kill of ours leaves.

    One look at the folder decides, as another process may be claiming it in this moment.
    """
    try:
        names = os.listdir(venv)
    except FileNotFoundError:
        return os.path.islink(venv)  # a link to nowhere
    except NotADirectoryError:
        return True
    return bool(names) and MARKER not in names


def discard_stamp(venv: str) -> None:
    with suppress(FileNotFoundError):
        os.remove(os.path.join(venv, STAMP))


def make(root: str, level: str) -> None:
    """Create, redo or complete ``.venv``, one process at a time."""
    lock = lock_text(root, level)
    try:
        with one_at_a_time(root) as handle:
            if not is_complete(root, level):  # another process may have done it while this one waited
                _make(root, level, lock, handle)
    except OSError as error:
        raise SetUpError(explain(error, root)) from error


def _make(root: str, level: str, lock: str, handle: int) -> None:
    venv = venv_of(root)
    _require_venv_modules()
    adds_only = is_complete(root, "runtime")  # dev pins what runtime pins, so nothing in use is replaced
    reason = "test dependencies" if adds_only else _reason(venv)
    version = ".".join(map(str, sys.version_info[:2]))
    say(f"setting up .venv with Python {version} ({reason}, about {ABOUT_SECONDS[level]} s) ...")
    _claim(venv)
    discard_stamp(venv)
    if not adds_only:
        _clear(venv)
        create(venv, handle)
    install(root, level, venv, handle)
    if missing := _missing(root, level):  # pip's configuration files can say so, and no option takes it back
        raise SetUpError(
            f"pip installed {missing[0]} elsewhere than in .venv, or not at all; remove target, prefix, root "
            f"and dry-run from its settings (pip config list), or set PIP_CONFIG_FILE={os.devnull}"
        )
    _write_stamp(venv, stamp_head(level, venv, base_python()) + "\n" + lock)


def say(line: str) -> None:
    sys.stderr.write(f"build.py: {line}\n")
    sys.stderr.flush()


def _reason(venv: str) -> str:
    if not is_ours(venv):
        return "first run"
    if not read(os.path.join(venv, STAMP)):
        return "again, as the last time was interrupted"
    return "again, as requirements, folder or Python changed"


def _require_venv_modules() -> None:
    missing = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if missing:
        raise SetUpError(_no_module(" and ".join(missing)))


def _no_module(names: str) -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    return (
        f"{base_python()} comes without {names}, which making .venv takes; install it "
        f"(Debian and Ubuntu: apt install python{version}-venv) or run this with another Python"
    )


def _claim(venv: str) -> None:
    """Leave the marker before anything else, so that an interrupted set-up is known for what it is."""
    os.makedirs(venv, exist_ok=True)
    with open(os.path.join(venv, MARKER), "w", encoding="utf-8") as file:
        file.write("build.py made this folder, and may empty it to make it anew.\n")


def _write_stamp(venv: str, text: str) -> None:
    """Whole or not at all."""
    path = os.path.join(venv, STAMP)
    with open(path + ".draft", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(path + ".draft", path)


def _clear(venv: str) -> None:
    """Remove everything but the marker; the folder itself stays (it may be a link or a mount)."""
    with os.scandir(venv) as entries:
        found = [
            (entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name != MARKER
        ]
    for path, is_folder in found:
        if is_folder:
            shutil.rmtree(path)
        else:
            os.remove(path)


def create(venv: str, handle: int) -> None:
    done = _run([base_python(), "-I", "-m", "venv", venv], dict(os.environ), handle)
    if done.returncode:
        if "ensurepip" in done.stdout:
            raise SetUpError(_no_module("a working ensurepip"))
        raise SetUpError(f"cannot make .venv with {base_python()}: {_last_line(done.stdout)}")


def install(root: str, level: str, venv: str, handle: int) -> None:
    """Exactly the lock: its hashes, nothing beside it, and no package that would run code to be built."""
    command = [
        python_in(venv),
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", lock_path(root, level)]
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment["PIP_USER"] = "0"
    done = _run(command, environment, handle)
    if done.returncode:
        raise SetUpError(explain_pip(done.stdout, root))


def _run(command: list[str], environment: dict[str, str], handle: int) -> subprocess.CompletedProcess[str]:
    """Run quietly. The child inherits the lock: should this process be killed, nobody starts afresh in
    ``.venv`` while an orphaned pip still writes there."""
    environment.pop("PYTHONHOME", None)
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        pass_fds=() if os.name == "nt" else (handle,),
    )


# --- what went wrong ---------------------------------------------------------------------------------------


WRITABLE = "make the project's folder writable, or copy the project to one that is"


def explain(error: OSError, root: str) -> str:
    if error.errno in READ_ONLY:
        return f"cannot write to {error.filename or root}: {WRITABLE}"
    if error.errno == errno.ENOSPC:
        return f"the disk that holds {root} is full: free about 500 MB and run this again"
    return f"set-up failed: {error}"


# What pip says when it cannot reach an index; its last line then only claims that a version does not exist.
NO_NETWORK = (
    "Retrying (",
    "NewConnectionError",
    "name resolution",
    "Connection to ",
    "timed out",
    "ProxyError",
    "SSLError",
)


def explain_pip(output: str, root: str) -> str:
    """The one line of pip's output that tells, and what to do about it."""
    last = _last_line(output)
    if "No space left" in output or "Errno 28" in output:
        return explain(OSError(errno.ENOSPC, ""), root)
    if "Permission denied" in last or "Read-only file system" in last:
        return f"pip cannot write: {last}; {WRITABLE}"
    if "DO NOT MATCH THE HASHES" in output:
        return f"the package index serves another file than the lock expects, so it was not installed: {last}"
    check = "check the network, and pip's settings for index, proxy and certificates (pip config list)"
    if any(sign in output for sign in NO_NETWORK):
        return f"cannot reach the package index; {check}"
    if "No matching distribution" in output:
        needed = "Linux with glibc 2.34, macOS, or Windows on x86"
        return (
            f"pip: {last}; {check}; if they are right, it does not exist for this platform (needed: {needed})"
        )
    return f"pip failed: {last}"


def _last_line(output: str) -> str:
    """The last line marked as an error, or else the last one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR:")]
    return ((errors or lines)[-1] if lines else "no output").removeprefix("ERROR: ")


# --- one process at a time ---------------------------------------------------------------------------------


@contextmanager
def one_at_a_time(root: str) -> Iterator[int]:
    """Hold the lock of the operating system, which dies with its last holder, so that none can go stale."""
    folder = os.path.join(root, ".blueprint")
    os.makedirs(folder, exist_ok=True)
    handle = os.open(os.path.join(folder, "setup.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _try_lock(handle):
            say("waiting for another process to finish .venv ...")
            while not _try_lock(handle):
                time.sleep(POLL_S)
        yield handle
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
        # A file system without locks: going on alone is what everybody does there nearly always.
    return True


# --- a .venv of the user's own -----------------------------------------------------------------------------


def use_foreign(root: str, level: str) -> str:
    """The interpreter of a ``.venv`` that we did not make, if it has the locked versions. Changes nothing."""
    venv = venv_of(root)
    if not os.access(python_in(venv), os.X_OK):
        raise SetUpError(f"{venv} is in the way and is no environment of build.py; move it elsewhere")
    missing = _missing(root, level)
    if missing or inside(venv):
        names = ", ".join(missing) or "them where Python finds them"
        lock = os.path.join("requirements", level + ".lock")
        raise SetUpError(
            f".venv was not made by build.py and lacks the locked {names}; remove it, "
            f"or run: {python_in(venv)} -m pip install --require-hashes -r {lock}"
        )
    return python_in(venv)


def _missing(root: str, level: str) -> list[str]:
    """Direct dependencies that are not in ``.venv`` in the locked version."""
    versions = wanted_versions(root, level)
    found = (_lacking(folder, versions) for folder in _site_folders(venv_of(root)))
    return min(found, key=len, default=sorted(versions))


def _lacking(folder: str, versions: dict[str, set[str]]) -> list[str]:
    listing = listing_of(folder)
    return sorted(name for name, pins in versions.items() if not is_installed(name, pins, listing))


def _site_folders(venv: str) -> list[str]:
    if os.name == "nt":
        return [os.path.join(venv, "Lib", "site-packages")]
    library = os.path.join(venv, "lib")
    return [os.path.join(library, name, "site-packages") for name in sorted(listing_of(library))]
