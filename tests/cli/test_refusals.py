"""A refused render writes nothing at all, and a check changes nothing, whatever it finds."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from blueprint.render import writer
from tests.cli.conftest import tree


@pytest.fixture
def rendered(run):
    """Everything, as it is committed."""
    assert run("--all", "--no-lint").code == 0


# -- nothing is written --------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--check",), ("--layer", "network"), ("--out", "elsewhere")], ids=str)
def test_without_the_ledger_of_rendered_templates_nothing_is_known_and_nothing_is_written(
    run, project, rendered, words
):
    """Else a renamed resource would be a new one, and the ledger begin anew without the old one."""
    (project / "ledger" / "dev.json").unlink()
    before = tree(project)
    result = run("--env", "dev", "--no-lint", *words)
    assert result.code == 1
    assert "ledger/dev.json is gone, and templates/dev is there; restore it" in result.err
    assert "LED005" in result.err
    assert len(result.err.splitlines()) == 1
    assert tree(project) == before


def test_without_ledger_and_templates_a_deployment_begins_anew(run, project, rendered):
    (project / "ledger" / "dev.json").unlink()
    shutil.rmtree(project / "templates" / "dev")
    assert run("--env", "dev", "--no-lint").code == 0
    assert (project / "ledger" / "dev.json").is_file()


@pytest.mark.parametrize("kind", ["folder", "pipe", "no records"])
def test_a_ledger_that_is_none_is_told_at_once_and_nothing_is_written(run, project, rendered, kind):
    path = project / "ledger" / "dev.json"
    data = json.loads(path.read_text())
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.write_text(json.dumps({**data, "records": []}))
    before = tree(project)
    result = run("--env", "dev", "--no-lint")
    assert result.code == 1
    assert "LED001" in result.err
    assert len(result.err.splitlines()) == 1
    assert tree(project) == before


def test_what_is_not_ours_and_in_the_way_leaves_templates_and_ledger_as_they_were(run, project):
    """A ledger must not know what was never rendered: it would be lost as soon as one thinks better of it."""
    folder = project / "templates" / "dev"
    folder.mkdir(parents=True)
    (folder / "02-network.json").write_text("mine")
    result = run("--env", "dev", "--no-lint")
    assert result.code == 2
    assert "templates/dev/02-network.json: cannot be written: it is not ours and in the way" in result.err
    assert len(result.err.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["02-network.json"]
    assert {path.name for path in project.iterdir()} == {"environments", "templates"}


def test_the_ledger_is_written_before_the_templates(run, project, monkeypatch):
    """A kill between the two must not leave templates with resources that no ledger knows."""

    def killed(folder, files):
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "write", killed)
    assert run("--env", "dev", "--no-lint").code == 130
    assert (project / "ledger" / "dev.json").is_file()
    assert not (project / "templates").exists()


# -- check ---------------------------------------------------------------------------------------------


def test_check_says_nothing_of_files_of_people(run, project, rendered):
    (project / "templates/dev/10-parameters.json").write_text("[]")
    result = run("--env", "dev", "--check", "--no-lint")
    assert (result.code, result.err) == (0, "")


def test_check_renames_nothing_that_a_kill_left_aside(run, project, rendered):
    """It changes nothing, and the render between whose two renames it came may still be going on."""
    folder = project / "templates" / "dev"
    folder.rename(folder.with_name(".dev.old"))
    before = tree(project)
    run("--env", "dev", "--check", "--no-lint")
    assert tree(project) == before
    assert run("--env", "dev", "--no-lint").code == 0
    assert not folder.with_name(".dev.old").exists()
    assert (folder / "manifest.json").is_file()
