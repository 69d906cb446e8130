"""What is derived from the code is committed, and a stale copy is noticed."""

from __future__ import annotations

import shutil

from blueprint.cli.docs import derived
from tests.cli.conftest import tree
from tests.conftest import ROOT


def test_what_is_committed_is_what_the_code_says():
    for path, text in derived(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, f"run python build.py docs: {path}"


def test_there_is_a_schema_for_each_kind_of_file_and_a_page(project):
    assert [str(path.relative_to(project)) for path in derived(project)] == [
        "environments/schema.json",
        "environments/account-schema.json",
        "docs/environment-reference.md",
    ]


def test_docs_writes_what_is_missing_or_stale_and_only_that(run, project):
    (project / "environments" / "schema.json").write_text("{}")
    result = run("docs")
    assert result.code == 0
    assert [line.rpartition("/")[2] for line in result.out.splitlines()] == [
        "schema.json",
        "environment-reference.md",
    ]
    assert run("docs").out == ""
    assert run("docs", "--check").code == 0


def test_check_changes_nothing_and_fails_for_what_is_stale(run, project):
    shutil.copytree(ROOT / "docs", project / "docs")
    (project / "environments" / "schema.json").write_text("{}")
    before = tree(project)
    result = run("docs", "--check")
    assert result.code == 1
    assert "schema.json is stale; run python build.py docs" in result.err
    assert result.out == ""
    assert tree(project) == before
