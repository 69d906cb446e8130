"""Whose a file is, what a person saves while templates are written, and what a kill leaves aside."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from blueprint.problems import BlueprintError
from blueprint.render import writer
from tests.small import codes, rendered

OLD = rendered("old", "01-security.json", "02-network.json")
NEW = rendered("new", "01-security.json", "02-storage.json")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "templates" / "prod"


@pytest.fixture
def without_swap(monkeypatch):
    """A system that cannot exchange two folders in one call."""
    monkeypatch.setattr(writer, "_swap", lambda one, other: False)


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# -- whose a file is -----------------------------------------------------------------------------------

FOREIGN = {
    "10-parameters.json": b"[]",  # the name of a template, and none
    "11-other.json": b'{"Description": "Rendered by hand from a sketch"}',
    "package.json": b"{}",
    "1-x.json": OLD["01-security.json"],  # the mark, and no name of a template
}


def lay(folder, files) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_files_that_only_have_the_name_of_ours_are_not_ours_and_stay(folder, swap, request):
    if not swap:
        request.getfixturevalue("without_swap")
    lay(folder, FOREIGN)
    assert writer.current(folder) == {}
    for files in (OLD, NEW):
        writer.write(folder, files)
        assert writer.current(folder) == files
        assert content(folder) == {**files, **FOREIGN}


@pytest.mark.parametrize("mark", writer.OUR_MARKS, ids=["template", "manifest"])
def test_a_file_with_one_of_our_marks_is_ours(folder, mark):
    lay(folder, {"07-gone.json": b"{" + mark})
    assert list(writer.current(folder)) == ["07-gone.json"]
    writer.write(folder, NEW)
    assert content(folder) == NEW


def test_what_a_manifest_of_ours_names_is_ours_whatever_has_become_of_it(folder):
    spoilt = {**OLD, "01-security.json": b"", "02-network.json": b"<<<<<<< HEAD"}
    lay(folder, spoilt)
    assert writer.current(folder) == spoilt
    writer.write(folder, NEW)
    assert content(folder) == NEW


def test_what_a_manifest_of_others_names_is_theirs(folder):
    theirs = {"manifest.json": OLD["manifest.json"].replace(b"blueprint-manifest", b"bundle")}
    lay(folder, {**theirs, "02-network.json": b"{}"})
    assert writer.current(folder) == {}


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"}",
        b', "stacks": 7}',
        b', "stacks": [7]}',
        b', "stacks": [{"file": []}]}',
        b', "stacks": ' + b"[" * 100_000,
    ],
    ids=lambda rest: rest[:30].decode() or "cut off",
)
def test_a_damaged_manifest_of_ours_is_ours_and_every_other_file_speaks_for_itself(folder, rest):
    damaged = b"{" + writer.OUR_MARKS[1] + rest
    lay(folder, {**OLD, "manifest.json": damaged, "10-parameters.json": b"[]"})
    assert writer.current(folder) == {**OLD, "manifest.json": damaged}


@pytest.mark.parametrize("name", ["02-storage.json", "manifest.json"])
@pytest.mark.parametrize("kind", ["file", "folder", "link to nowhere"])
def test_what_is_not_ours_and_in_the_way_is_one_problem_and_nothing_is_written(folder, name, kind):
    before = {key: body for key, body in OLD.items() if key != name}
    lay(folder, before)
    match kind:
        case "file":
            (folder / name).write_bytes(b"{}")
        case "folder":
            (folder / name).mkdir()
        case _:
            (folder / name).symlink_to("nowhere")
    inode = folder.stat().st_ino
    with pytest.raises(BlueprintError) as error:
        writer.write(folder, NEW)
    assert codes(error) == ["OUT001"]
    assert f"{name}: cannot be written: it is not ours and in the way" in str(error.value)
    assert folder.stat().st_ino == inode
    assert writer.current(folder) == before
    assert os.path.lexists(folder / name)
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


# -- while it is written -------------------------------------------------------------------------------


@pytest.fixture(params=["one call", "two renames"])
def meanwhile(request, monkeypatch):
    """Have something happen after the new folder was filled and before it is put in place."""
    if request.param == "two renames":
        request.getfixturevalue("without_swap")

    def install(happens):
        put = writer._put

        def late(staged, folder):
            monkeypatch.setattr(writer, "_put", put)
            happens()
            put(staged, folder)

        monkeypatch.setattr(writer, "_put", late)

    return install


def test_a_file_saved_while_templates_are_written_is_brought_along(folder, meanwhile):
    writer.write(folder, OLD)
    meanwhile(lambda: (folder / "NOTES.md").write_text("just now"))
    writer.write(folder, NEW)
    assert content(folder) == {**NEW, "NOTES.md": b"just now"}
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_a_file_saved_again_while_templates_are_written_keeps_its_new_text(folder, meanwhile):
    writer.write(folder, OLD)
    (folder / "parameters").mkdir()
    notes, deep = folder / "NOTES.md", folder / "parameters" / "prod.json"
    for path in (notes, deep):
        path.write_text("before")
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def save():
        notes.write_text("just now")
        deep.write_text("just now too")
        (folder / "parameters" / "dev.json").write_text("new")

    meanwhile(save)
    writer.write(folder, NEW)
    assert notes.read_text() == "just now"
    assert deep.read_text() == "just now too"
    assert (folder / "parameters" / "dev.json").read_text() == "new"
    assert writer.current(folder) == NEW


def test_templates_that_another_render_wrote_meanwhile_are_nothing_of_a_persons(folder, meanwhile):
    """Brought along, they would make a mix of two renders."""
    between = rendered("between", "01-security.json", "05-more.json")
    writer.write(folder, OLD)
    meanwhile(lambda: writer.write(folder, between))
    writer.write(folder, NEW)
    assert content(folder) == NEW


def test_templates_that_another_render_wrote_before_the_copying_are_not_copied(folder, monkeypatch):
    writer.write(folder, OLD)
    fill = writer._fill

    def late(*arguments):
        monkeypatch.setattr(writer, "_fill", fill)
        writer.write(folder, rendered("between", "01-security.json", "05-more.json"))
        fill(*arguments)

    monkeypatch.setattr(writer, "_fill", late)
    writer.write(folder, NEW)
    assert content(folder) == NEW


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_the_folder_keeps_its_mode(folder, swap, request):
    if not swap:
        request.getfixturevalue("without_swap")
    writer.write(folder, OLD)
    folder.chmod(0o2770)
    writer.write(folder, NEW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2770


# -- after a kill ----------------------------------------------------------------------------------------


def test_after_a_kill_between_two_renames_reading_finds_the_old_ones_and_renames_nothing(folder):
    """``--check`` changes nothing, and it may run beside a render that is between its two renames."""
    writer.write(folder, OLD)
    folder.rename(writer._aside(folder))
    assert writer.current(folder) == OLD
    assert [path.name for path in folder.parent.iterdir()] == [".prod.old"]


@pytest.mark.parametrize("files", [OLD, NEW], ids=["the same", "others"])
def test_after_a_kill_between_two_renames_writing_brings_the_folder_back(folder, files):
    writer.write(folder, OLD)
    (folder / "NOTES.md").write_text("mine")
    folder.rename(writer._aside(folder))
    writer.write(folder, files)
    assert content(folder) == {**files, "NOTES.md": b"mine"}
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


@pytest.mark.parametrize("swap", [True, False], ids=["one call", "two renames"])
def test_what_a_killed_run_left_aside_of_a_folder_does_not_block_the_next(folder, swap, request):
    if not swap:
        request.getfixturevalue("without_swap")
    writer.write(folder, OLD)
    writer.write(writer._aside(folder), NEW)
    assert writer.current(folder) == OLD
    writer.write(folder, NEW)
    assert content(folder) == NEW
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


# -- single files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write_bytes", "replace"])
def test_an_error_while_a_single_file_is_written_leaves_the_old_one_and_nothing_beside_it(
    tmp_path, monkeypatch, call
):
    path = tmp_path / "prod.json"
    writer.write_file(path, b"one")
    original = Path.write_bytes

    def full(self, argument):
        if call == "write_bytes":
            original(self, argument[:1])  # as much as there was room for
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, call, full)
    with pytest.raises(BlueprintError) as error:
        writer.write_file(path, b"two")
    assert codes(error) == ["OUT001"]
    assert "No space left on device" in str(error.value)
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["prod.json"]
