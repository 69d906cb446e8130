"""An environment's templates are exchanged whole; what a person put beside them stays."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blueprint.problems import BlueprintError
from blueprint.render import writer
from tests.small import codes


def ours(text: str) -> bytes:
    """A file as we write them: it says whose it is."""
    return b"%s %s" % (text.encode(), writer.OUR_MARKS[0])


OLD = {name: ours("old") for name in ("01-security.json", "02-network.json", "manifest.json")}
NEW = {name: ours("new") for name in ("01-security.json", "02-storage.json", "manifest.json")}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "templates" / "prod"


@pytest.fixture
def without_swap(monkeypatch):
    """A system that cannot exchange two folders in one call."""
    monkeypatch.setattr(writer, "_swap", lambda one, other: False)


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_folders_are_made_as_needed(folder):
    writer.write(folder, NEW)
    assert content(folder) == NEW


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_templates_of_removed_layers_are_removed(folder, swap, request):
    if not swap:
        request.getfixturevalue("without_swap")
    writer.write(folder, OLD)
    writer.write(folder, NEW)
    assert content(folder) == NEW


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_what_a_person_put_there_stays(folder, swap, request):
    if not swap:
        request.getfixturevalue("without_swap")
    writer.write(folder, OLD)
    (folder / "NOTES.md").write_text("mine")
    (folder / "parameters").mkdir()
    (folder / "parameters" / "prod.json").write_text("mine too")
    (folder / "link").symlink_to("NOTES.md")
    writer.write(folder, NEW)
    assert (folder / "NOTES.md").read_text() == "mine"
    assert (folder / "parameters" / "prod.json").read_text() == "mine too"
    assert os.readlink(folder / "link") == "NOTES.md"
    assert writer.current(folder) == NEW


def test_this_machine_exchanges_folders_in_one_call(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    (one / "x").touch()
    if not writer._swap(one, other):
        pytest.skip("this file system cannot; two renames are used here")
    assert (other / "x").exists()


class Kernel:
    """A C library whose exchange of folders fails as on some file systems."""

    def __init__(self, number: int) -> None:
        self.number = number

    def renameat2(self, *arguments: object) -> int:
        ctypes.set_errno(self.number)
        return -1

    renamex_np = renameat2


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_exchange_folders_gets_two_renames(folder, monkeypatch, number):
    writer.write(folder, OLD)
    monkeypatch.setattr(writer.ctypes, "CDLL", lambda name, use_errno: Kernel(number))
    writer.write(folder, NEW)
    assert content(folder) == NEW


def test_any_other_refusal_of_the_kernel_is_one_clean_problem(folder, monkeypatch):
    writer.write(folder, OLD)
    monkeypatch.setattr(writer.ctypes, "CDLL", lambda name, use_errno: Kernel(errno.EACCES))
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]
    assert content(folder) == OLD


def test_nothing_is_left_beside_the_folder(folder, without_swap):
    writer.write(folder, OLD)
    writer.write(folder, NEW)
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_the_same_files_are_not_written_again(folder):
    writer.write(folder, OLD)
    before = folder.stat().st_ino
    writer.write(folder, dict(OLD))
    assert folder.stat().st_ino == before


def test_everybody_in_the_checkout_may_read_the_templates(folder):
    writer.write(folder, OLD)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_kill_between_two_renames_is_mended_by_the_next_command_that_looks(folder):
    writer.write(folder, OLD)
    folder.rename(writer._aside(folder))
    assert writer.current(folder) == OLD


def test_what_killed_runs_left_is_removed_once_it_is_old(folder):
    writer.write(folder, OLD)
    young, old = folder.parent / ".prod.new-young", folder.parent / ".prod.new-old"
    for leftover in (young, old):
        leftover.mkdir()
    long_ago = time.time() - 3600
    os.utime(old, (long_ago, long_ago))
    writer.write(folder, NEW)
    assert young.is_dir()
    assert not old.exists()


def test_an_error_half_way_leaves_the_old_templates(folder, monkeypatch):
    writer.write(folder, OLD)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]
    assert "No space left on device" in str(error.value)
    assert content(folder) == OLD
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_a_linked_folder_is_followed_and_the_link_stays(folder, tmp_path):
    elsewhere = tmp_path / "disk" / "rendered"
    elsewhere.mkdir(parents=True)
    (elsewhere / "NOTES.md").write_text("mine")
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    for files in (OLD, NEW):
        writer.write(folder, files)
        assert folder.is_symlink()
        assert content(elsewhere) == {**files, "NOTES.md": b"mine"}
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]
    assert [path.name for path in elsewhere.parent.iterdir()] == ["rendered"]


def test_a_link_to_a_folder_that_is_still_to_be_made_is_followed(folder, tmp_path):
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "disk" / "rendered")
    writer.write(folder, NEW)
    assert folder.is_symlink()
    assert content(tmp_path / "disk" / "rendered") == NEW


def test_a_linked_folder_of_all_environments_stays_a_link(folder, tmp_path):
    (tmp_path / "disk").mkdir()
    folder.parent.symlink_to(tmp_path / "disk")
    writer.write(folder, NEW)
    assert folder.parent.is_symlink()
    assert content(tmp_path / "disk" / "prod") == NEW


def test_a_file_where_the_folder_belongs_is_one_clean_problem_and_stays(folder):
    folder.parent.mkdir()
    folder.write_text("mine")
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]
    assert "a file is in the way" in str(error.value)
    assert folder.read_text() == "mine"
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_of_two_first_renders_at_once_both_succeed(folder, monkeypatch, swap, request):
    """The other one comes between the look for the folder and the rename to it."""
    if not swap:
        request.getfixturevalue("without_swap")
    put = writer._put

    def second(staged, target):
        monkeypatch.setattr(writer, "_put", put)
        exists = Path.exists

        def raced(path, **options):
            if path == target and not exists(target):
                monkeypatch.setattr(Path, "exists", exists)
                writer.write(folder, OLD)
                return False
            return exists(path, **options)

        monkeypatch.setattr(Path, "exists", raced)
        put(staged, target)

    monkeypatch.setattr(writer, "_put", second)
    writer.write(folder, NEW)
    assert content(folder) == NEW
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_files_that_another_render_exchanges_meanwhile_are_read_as_they_are_then(folder, monkeypatch):
    writer.write(folder, OLD)
    read = Path.read_bytes

    def raced(path):
        monkeypatch.setattr(Path, "read_bytes", read)
        writer.write(folder, NEW)
        return read(folder / "02-network.json")  # listed before, and gone

    monkeypatch.setattr(Path, "read_bytes", raced)
    assert writer.current(folder) == NEW


def test_work_that_another_render_clears_away_meanwhile_is_no_error(folder):
    folder.parent.mkdir()
    (folder.parent / ".prod.new-gone").symlink_to("nowhere")  # listed, and not there to be looked at
    writer.write(folder, NEW)
    assert content(folder) == NEW


def test_renders_at_once_leave_the_files_of_one_of_them(tmp_path):
    for turn in range(10):
        folder = tmp_path / str(turn) / "prod"
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda files, folder=folder: writer.write(folder, files), [OLD, NEW] * 2))
        assert content(folder) in (OLD, NEW)
        assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_a_folder_that_is_a_file_is_one_clean_problem(folder):
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file")
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]


def test_only_files_of_ours_count_as_rendered(folder):
    """By name and by what they say: a person may keep templates of his own there, numbered like ours."""
    writer.write(folder, OLD)
    (folder / "package.json").write_bytes(ours("{}"))
    (folder / "1-x.json").write_bytes(ours("{}"))
    (folder / "07-mine.json").write_text("{}")
    assert writer.current(folder) == OLD
    writer.write(folder, NEW)
    assert (folder / "07-mine.json").read_text() == "{}"


def test_a_template_that_the_manifest_names_is_ours_whatever_has_become_of_it(folder):
    listing = b'{"format": "blueprint-manifest", "stacks": [{"file": "01-security.json"}]}'
    writer.write(folder, {**OLD, "manifest.json": listing})
    (folder / "01-security.json").write_text("edited by hand")
    assert writer.current(folder)["01-security.json"] == b"edited by hand"
    writer.write(folder, NEW)
    assert content(folder) == NEW


@pytest.mark.parametrize("damage", [b"{", b"{}", b'{"stacks": 7}', b'{"stacks": [{}]}'])
def test_with_a_damaged_manifest_each_file_speaks_for_itself(folder, damage):
    writer.write(folder, OLD)
    spoilt = damage + writer.OUR_MARKS[1]
    (folder / "manifest.json").write_bytes(spoilt)
    assert writer.current(folder) == {**OLD, "manifest.json": spoilt}


def test_a_file_of_a_person_is_not_overwritten_by_one_of_ours(folder):
    writer.write(folder, OLD)
    (folder / "02-storage.json").write_text("mine")
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]
    assert "02-storage.json" in str(error.value)
    assert (folder / "02-storage.json").read_text() == "mine"
    assert writer.current(folder) == OLD


def test_what_a_person_saves_while_we_write_is_brought_along(folder, monkeypatch):
    writer.write(folder, OLD)
    put = writer._put

    def meanwhile(staged, target):
        (folder / "NOTES.md").write_text("just saved")
        put(staged, target)

    monkeypatch.setattr(writer, "_put", meanwhile)
    writer.write(folder, NEW)
    assert content(folder) == {**NEW, "NOTES.md": b"just saved"}


def test_a_folder_that_does_not_exist_holds_nothing(folder):
    assert writer.current(folder) == {}


def test_a_single_file_is_replaced_in_one_step_and_only_when_it_changes(tmp_path):
    path = tmp_path / "ledger" / "prod.json"
    writer.write_file(path, b"one")
    before = path.stat().st_ino
    writer.write_file(path, b"one")
    assert path.stat().st_ino == before
    writer.write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["prod.json"]
