"""What a run writes where, and what it finds stale, with and without ``--layer``."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueprint.cli.output import Output
from blueprint.environment import load_environment
from blueprint.problems import Problem
from blueprint.render import Rendered, ledger, manifest, render, writer
from tests.cli.conftest import tree
from tests.small import stack_of

Book = ledger.Ledger


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def item(environments) -> Rendered:
    """Three layers of one stack each."""
    subject = load_environment(environments(prod={}), "prod")
    return render(subject, {name: lambda s, name=name: [stack_of(s, name)] for name in ("a", "b", "c")})


@pytest.fixture
def book(item) -> Book:
    return Book(ledger.identity(item.subject), ledger.records_of(item.plan.stacks.values()))


def whats(problems) -> list[str]:
    return [problem.what for problem in problems]


# -- paths ---------------------------------------------------------------------------------------------


def test_files_go_below_templates_and_ledger(root, item):
    output = Output(root, None, ())
    assert output.folder(item) == root / "templates" / "prod"
    assert output.ledger_path(item) == root / "ledger" / "prod.json"
    assert output.path(item, "b") == "templates/prod/02-b.json"


def test_another_folder_takes_the_templates_and_never_the_ledger(root, item, book):
    output = Output(root, root.parent / "out", ())
    output.write(item, book)
    assert sorted(tree(root.parent / "out")) == [
        f"prod/{name}" for name in ("01-a.json", "02-b.json", "03-c.json", manifest.FILE_NAME)
    ]
    assert tree(root) == {}


# -- writing -------------------------------------------------------------------------------------------


def test_a_whole_render_is_templates_manifest_and_ledger(root, item, book, capsys):
    Output(root, None, ()).write(item, book)
    wanted = {f"templates/prod/{name}": body for name, body in item.files.items()}
    assert tree(root) == {**wanted, "ledger/prod.json": ledger.to_bytes(book)}
    assert capsys.readouterr() == ("", "")


def test_one_layer_of_a_new_environment_is_one_template_and_a_warning(root, item, book, capsys):
    """A manifest would promise templates that are not there, and a ledger resources that are not rendered."""
    Output(root, None, ["b"]).write(item, book)
    assert tree(root) == {"templates/prod/02-b.json": item.bodies["b"]}
    warning = capsys.readouterr().err
    assert warning.startswith("warning: templates/prod/manifest.json was not written")
    assert warning.endswith("render without --layer\n")


def test_the_last_missing_layer_brings_manifest_and_ledger(root, item, book, capsys):
    for layer in ("c", "a", "b"):
        assert not (root / "ledger").exists()
        Output(root, None, [layer]).write(item, book)
    whole = tree(root)
    assert {f"templates/prod/{name}" for name in item.files} | {"ledger/prod.json"} == set(whole)
    assert len(capsys.readouterr().err.splitlines()) == 2
    Output(root, None, ()).write(item, book)
    assert tree(root) == whole


def test_a_stale_neighbour_keeps_its_bytes_and_the_old_manifest_and_ledger(root, item, book, capsys):
    folder = root / "templates" / "prod"
    names = ("01-a.json", "02-b.json", "03-c.json", manifest.FILE_NAME)
    old = dict.fromkeys(names, b"old " + writer.OUR_MARKS[0])
    folder.mkdir(parents=True)
    for name, body in old.items():
        (folder / name).write_bytes(body)
    (root / "ledger").mkdir()
    (root / "ledger" / "prod.json").write_bytes(b"old ledger")
    Output(root, None, ["a", "c"]).write(item, book)
    assert tree(folder) == {**old, "01-a.json": item.bodies["a"], "03-c.json": item.bodies["c"]}
    assert (root / "ledger" / "prod.json").read_bytes() == b"old ledger"
    assert "manifest.json was not written" in capsys.readouterr().err


def test_a_layer_whose_number_changed_leaves_no_second_file_of_it(root, item, book):
    folder = root / "templates" / "prod"
    folder.mkdir(parents=True)
    (folder / "07-b.json").write_bytes(b"under its old number " + writer.OUR_MARKS[0])
    (folder / "08-bb.json").write_bytes(b"of another stack " + writer.OUR_MARKS[0])
    Output(root, None, ["b"]).write(item, book)
    assert sorted(path.name for path in folder.iterdir()) == ["02-b.json", "08-bb.json"]


# -- checking ------------------------------------------------------------------------------------------


def test_nothing_is_stale_after_writing(root, item, book):
    for layers in ((), ["b"]):
        output = Output(root, None, layers)
        output.write(item, book)
        assert list(output.stale(item, book)) == []


def test_everything_is_missing_before_the_first_render(root, item, book):
    said = whats(Output(root, None, ()).stale(item, book))
    assert said == [
        *(f"templates/prod/{name} is missing" for name in sorted(item.files)),
        "ledger/prod.json is stale",
    ]


def test_a_check_of_a_layer_says_nothing_of_others_nor_of_manifest_and_ledger(root, item, book):
    Output(root, None, ["b"]).write(item, book)
    assert list(Output(root, None, ["b"]).stale(item, book)) == []
    assert whats(Output(root, None, ["c"]).stale(item, book)) == ["templates/prod/03-c.json is missing"]


def test_what_is_stale_says_what_to_type(root, item, book):
    Output(root, None, ()).write(item, book)
    (root / "templates" / "prod" / "02-b.json").write_bytes(b"edited")
    (problem,) = Output(root, None, ()).stale(item, book)
    assert problem == Problem(
        "templates/prod/02-b.json is stale",
        remedy="run python build.py --env prod and commit what it writes",
        code="OUT002",
    )


# -- left over -----------------------------------------------------------------------------------------


def test_folders_and_ledgers_without_an_environment_are_left_over(root):
    for name in ("prod", "gone", "prod.v1"):
        (root / "templates" / name).mkdir(parents=True)
    (root / "templates" / "README.md").touch()
    (root / "ledger").mkdir()
    for name in ("prod.json", "gone.json", "notes.md"):
        (root / "ledger" / name).touch()
    problems = list(Output(root, None, ()).left_over(["prod", "dev"]))
    assert whats(problems) == [
        "ledger/gone.json is left over: there is no environment gone",
        "templates/gone is left over: there is no environment gone",
        "templates/prod.v1 is left over: there is no environment prod.v1",
    ]
    assert {problem.code for problem in problems} == {"OUT003"}


def test_what_a_render_is_making_right_now_is_not_left_over(root):
    """Nor what a killed one left: to destroy what was deployed from it would be bad advice."""
    for name in (".prod.new-x1y2", ".prod.old"):
        (root / "templates" / name).mkdir(parents=True)
    assert list(Output(root, None, ()).left_over(["prod"])) == []


def test_a_project_without_a_render_has_nothing_left_over(root):
    assert list(Output(root, None, ()).left_over([])) == []
