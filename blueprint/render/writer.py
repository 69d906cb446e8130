"""Writing an environment's templates all at once: the old ones stay until the new ones are complete.

The new folder is made beside the old one and exchanged with it in one system call where the kernel has one
(Linux ``renameat2``, macOS ``renamex_np``). Elsewhere two renames do it; a kill between them is mended by
the next command that looks (:func:`recover`).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Mapping, Set
from pathlib import Path

from blueprint.problems import BlueprintError, Problem, Where, shown_path

_NAME = re.compile(r"\d{2,}-[a-z0-9-]+\.json|manifest\.json")
#: What tells our files from others of such names, which a person may keep beside them.
OUR_MARKS = (b"Rendered by Blueprint from", b'"format": "blueprint-manifest"')
_LEFTOVER_SECONDS = 600  # no render takes that long
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # macOS sys/stdio.h


def current(folder: Path, attempts: int = 5) -> dict[str, bytes]:
    """The rendered files that are in ``folder`` now, by name."""
    try:
        return _read(folder)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and attempts > 1:  # another render came between list and file
            return current(folder, attempts - 1)
        raise _cannot(folder, error, "read") from None


def _read(folder: Path) -> dict[str, bytes]:
    if not folder.exists() and _aside(folder).is_dir():
        folder = _aside(folder)  # a kill came between two renames; reading mends nothing
    if not folder.is_dir():
        return {}
    named = [path for path in sorted(folder.iterdir()) if _NAME.fullmatch(path.name) and path.is_file()]
    found = {path.name: path.read_bytes() for path in named}
    listed = _listed(found.get("manifest.json", b""))
    return {
        name: body
        for name, body in found.items()
        if name in listed or any(mark in body for mark in OUR_MARKS)
    }


def _listed(manifest: bytes) -> set[str]:
    """The templates that a manifest of ours names: they are ours whatever has become of them."""
    if OUR_MARKS[1] not in manifest:
        return set()
    try:
        return {stack["file"] for stack in json.loads(manifest)["stacks"]}
    except (ValueError, KeyError, TypeError, RecursionError):  # damaged; each file speaks for itself
        return set()


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make ``folder`` hold exactly ``files``; what a person put there besides stays.

    Raises BlueprintError when the folder cannot be written; then nothing has changed.
    """
    folder = Path(os.path.realpath(folder))  # a link stays, and what it points to is written
    try:
        recover(folder)
    except OSError as error:
        raise _cannot(folder, error) from None
    refuse(folder, files)
    now = current(folder)
    if now == files:
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
    except OSError as error:
        raise _cannot(folder, error) from None
    try:
        _fill(staged, folder, now, files)
        _put(staged, folder)
        _rescue(staged, folder)
    except OSError as error:
        raise _cannot(folder, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    _sweep(folder)


def refuse(folder: Path, files: Mapping[str, bytes]) -> None:
    """Raise BlueprintError when something that is not ours is where ``files`` belong. Changes nothing."""
    if folder.exists() and not folder.is_dir():
        raise _cannot(folder, NotADirectoryError(errno.ENOTDIR, "a file is in the way"))
    taken = [name for name in sorted(files) if os.path.lexists(folder / name)]
    ours = current(folder) if taken else {}  # after the look, as another render may come before it
    for name in taken:
        if name not in ours and os.path.lexists(folder / name):
            raise _cannot(folder / name, FileExistsError(errno.EEXIST, "it is not ours and in the way"))


def write_file(path: Path, body: bytes) -> None:
    """Replace one file atomically, and leave it alone when it holds ``body`` already."""
    staged = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        if path.is_file() and path.read_bytes() == body:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(body)
        staged.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
        raise _cannot(path, error) from None


def recover(folder: Path) -> None:
    """Bring back a folder that a kill between two renames left aside."""
    aside = _aside(folder)
    if aside.is_dir() and not folder.exists():
        aside.rename(folder)


def _sweep(folder: Path) -> None:
    """Remove what killed runs left; a younger one may belong to a run that is going on now."""
    shutil.rmtree(_aside(folder), ignore_errors=True)
    for leftover in folder.parent.glob(f".{folder.name}.new-*"):
        with contextlib.suppress(FileNotFoundError):  # that run has just removed it by itself
            if time.time() - leftover.stat().st_mtime > _LEFTOVER_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)


def _fill(staged: Path, folder: Path, ours: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
    staged.chmod(0o755)  # mkdtemp makes it private; templates are for everybody in the checkout
    if folder.is_dir():
        shutil.copymode(folder, staged)
        for path in folder.iterdir():
            if path.name not in ours:
                _copy(path, staged / path.name)
        for name in current(staged):  # of another render, which came after we looked
            (staged / name).unlink()
    for name, body in files.items():
        with open(staged / name, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())


def _copy(path: Path, copy: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, copy, symlinks=True)
        return
    with contextlib.suppress(FileNotFoundError):  # it went meanwhile
        shutil.copy2(path, copy, follow_symlinks=False)


def _rescue(former: Path, folder: Path) -> None:
    """What a person saved in the folder while it was rendered is in the former one: move it."""
    if former.is_dir():
        _bring_along(former, folder, current(former).keys() | current(folder).keys())


def _bring_along(former: Path, folder: Path, ours: Set[str] = frozenset()) -> None:
    for path in former.iterdir():
        there = folder / path.name
        if path.name in ours:
            continue
        if not os.path.lexists(there) or _was_saved_since(path, there):
            path.replace(there)
        elif all(one.is_dir() and not one.is_symlink() for one in (path, there)):
            _bring_along(path, there)


def _was_saved_since(path: Path, copy: Path) -> bool:
    """Whether a file is younger than the copy made of it, which has its time."""
    one, other = path.lstat(), copy.lstat()
    return stat.S_ISREG(one.st_mode) and stat.S_ISREG(other.st_mode) and one.st_mtime_ns > other.st_mtime_ns


def _put(staged: Path, folder: Path) -> None:
    if not folder.exists():
        try:
            staged.rename(folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else another render was first, and the two are exchanged
    _exchange(staged, folder)


def _exchange(staged: Path, folder: Path) -> None:
    if _swap(staged, folder):
        return
    aside = _aside(folder)
    shutil.rmtree(aside, ignore_errors=True)  # of a killed run, whose folder has been made anew since
    folder.rename(aside)
    try:
        staged.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    _rescue(aside, folder)
    shutil.rmtree(aside, ignore_errors=True)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two folders atomically; False where the system or file system cannot."""
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            result = libc.renamex_np(first, second, _RENAME_SWAP)
        else:
            result = libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE)
    except (OSError, TypeError, AttributeError):  # no such function here
        return False
    if result == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EXDEV):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _aside(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"


def _cannot(path: Path, error: OSError, do: str = "written") -> BlueprintError:
    what = f"cannot be {do}: {error.strerror or error}"
    remedy = "mend its permissions, or move what is in the way"
    return BlueprintError(Problem(what, Where(shown_path(path)), remedy, "OUT001"))
