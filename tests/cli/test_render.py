"""``build.py --env prod``: what it writes, what it says where, and how it ends."""

from __future__ import annotations

import json
import shutil
from xml.etree import ElementTree

import pytest

from blueprint.cli import render as command
from blueprint.gate import Finding
from tests.cli.conftest import tree

BAD = Finding(
    "templates/dev/01-security.json", "LogsKey", "Properties", "E3012", "error", "no", "link", "cfn-lint"
)
HINT = Finding(
    "templates/dev/01-security.json", "LogsKey", "Properties", "I1022", "info", "hm", "link", "cfn-lint"
)


@pytest.fixture
def findings(monkeypatch):
    """Have the gate find these, and count how often it is asked."""
    found: list[Finding] = []
    asked: list[str] = []

    def check(inputs, *, cache_dir, progress):
        for number, one in enumerate(inputs, start=1):
            asked.append(one.path)
            progress(number, len(inputs), one.path)
        return found

    monkeypatch.setattr(command, "check", check)
    return found, asked


@pytest.fixture
def rendered(run):
    """``dev`` and everything else, as it is committed."""
    assert run("--all", "--no-lint").code == 0


# -- writing -------------------------------------------------------------------------------------------


def test_an_environment_is_written_with_its_manifest_and_its_ledger(run, project):
    assert run("--env", "dev", "--no-lint").code == 0
    names = [path.name for path in sorted((project / "templates" / "dev").iterdir())]
    assert names == ["01-security.json", "02-network.json", "03-storage.json", "manifest.json"]
    assert (project / "ledger" / "dev.json").is_file()
    assert not (project / "templates" / "prod").exists()


def test_all_is_the_account_and_every_environment(run, project):
    run("--all", "--no-lint")
    assert {p.name for p in (project / "templates").iterdir()} == {"account", "dev", "staging", "prod"}
    assert {p.stem for p in (project / "ledger").iterdir()} == {"account", "dev", "staging", "prod"}


def test_environments_can_be_named_one_by_one_and_twice(run, project):
    assert run("--env", "dev", "--env", "account", "--env", "dev", "--no-lint").code == 0
    assert {p.name for p in (project / "templates").iterdir()} == {"account", "dev"}


def test_rendering_again_changes_no_byte(run, project, rendered):
    before = tree(project)
    run("--all", "--no-lint")
    assert tree(project) == before


def test_out_writes_elsewhere_and_touches_neither_templates_nor_ledger(run, project, tmp_path):
    assert run("--env", "dev", "--no-lint", "--out", str(tmp_path / "elsewhere")).code == 0
    assert (tmp_path / "elsewhere" / "dev" / "manifest.json").is_file()
    assert {path.name for path in project.iterdir()} == {"environments"}


def test_templates_of_removed_layers_are_removed_and_files_of_people_stay(run, project, rendered):
    folder = project / "templates" / "dev"
    shutil.copy(folder / "01-security.json", folder / "04-gone.json")
    (folder / "07-mine.json").write_text("{}")
    (folder / "README.md").write_text("mine")
    run("--env", "dev", "--no-lint")
    assert not (folder / "04-gone.json").exists()
    assert (folder / "README.md").read_text() == "mine"
    assert (folder / "07-mine.json").read_text() == "{}"


def test_an_error_in_one_environment_leaves_all_as_they_were(run, project, rendered):
    before = tree(project / "templates")
    (project / "environments" / "prod.yaml").write_text("extends: base.yaml\nzones: 3\n")
    base = project / "environments" / "base.yaml"
    base.write_text(base.read_text() + "tags: {new: tag}\n")
    assert run("--all", "--no-lint").code == 2
    assert tree(project / "templates") == before


def test_a_template_that_cannot_be_written_is_one_line(run, project):
    (project / "templates").write_text("a file in the way")
    result = run("--env", "dev", "--no-lint")
    assert result.code == 2
    assert "OUT001" in result.err
    assert len(result.err.splitlines()) == 1


# -- one layer -----------------------------------------------------------------------------------------


def test_one_layer_leaves_the_templates_of_others_alone(run, project, rendered):
    folder = project / "templates" / "dev"
    (folder / "01-security.json").write_text("{}\n")
    (folder / "02-network.json").write_text("{}\n")
    result = run("--env", "dev", "--layer", "network", "--no-lint")
    assert result.code == 0
    assert (folder / "01-security.json").read_text() == "{}\n"
    assert len((folder / "02-network.json").read_text()) > 1000
    assert result.err == (
        "warning: templates/dev/manifest.json was not written, because other templates are stale or missing; "
        "render without --layer\n"
    )


def test_a_layer_that_makes_the_folder_whole_again_needs_no_warning(run, project, rendered):
    before = tree(project)
    (project / "templates/dev/02-network.json").write_text("{}\n")
    result = run("--env", "dev", "--layer", "network", "--no-lint")
    assert (result.code, result.err) == (0, "")
    assert tree(project) == before


def test_only_the_layers_asked_for_are_linted(run, findings):
    run("--env", "dev", "--layer", "network", "--layer", "storage")
    assert findings[1] == ["templates/dev/02-network.json", "templates/dev/03-storage.json"]


def test_with_all_a_layer_is_rendered_wherever_there_is_one(run, project):
    assert run("--all", "--layer", "network", "--no-lint").code == 0
    assert {p.name for p in (project / "templates").iterdir()} == {"dev", "staging", "prod"}


def test_an_unknown_layer_is_told_with_the_nearest_one(run):
    result = run("--env", "dev", "--layer", "netwrok", "--no-lint")
    assert result.code == 2
    assert "there is no layer netwrok in dev; did you mean network?" in result.err


def test_a_layer_like_no_other_is_told_with_all_there_are(run):
    result = run("--env", "account", "--layer", "zzz", "--no-lint")
    assert "layers are: artifacts, audit, deployment, encryption" in result.err


# -- check ---------------------------------------------------------------------------------------------


def test_check_is_content_with_what_was_just_rendered(run, project, rendered):
    before = tree(project)
    result = run("--all", "--check", "--no-lint")
    assert (result.code, result.err) == (0, "")
    assert tree(project) == before


def test_check_before_the_first_render_fails_and_writes_nothing(run, project):
    result = run("--env", "dev", "--check", "--no-lint")
    assert result.code == 1
    assert "templates/dev/01-security.json is missing" in result.err
    assert {path.name for path in project.iterdir()} == {"environments"}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "templates/dev/02-network.json").write_text("{}"), "02-network.json is stale"),
        (lambda root: (root / "templates/dev/02-network.json").unlink(), "02-network.json is missing"),
        (
            lambda root: shutil.copy(
                root / "templates/dev/02-network.json", root / "templates/dev/09-old.json"
            ),
            "09-old.json is left over",
        ),
        (lambda root: (root / "templates/dev/manifest.json").write_text("{}"), "manifest.json is stale"),
    ],
    ids=["edited", "deleted", "left over", "manifest"],
)
def test_check_notices_whatever_differs_and_says_what_to_type(run, project, rendered, spoil, said):
    spoil(project)
    before = tree(project)
    result = run("--env", "dev", "--check", "--no-lint")
    assert result.code == 1
    assert said in result.err
    assert "run python build.py --env dev" in result.err
    assert tree(project) == before


@pytest.mark.parametrize("words", [["--check"], []], ids=["check", "write"])
def test_a_ledger_that_is_gone_is_not_quietly_begun_anew(run, project, rendered, words):
    """It would guard nothing that was renamed in the meantime."""
    (project / "ledger/dev.json").unlink()
    before = tree(project)
    result = run("--env", "dev", "--no-lint", *words)
    assert result.code == 1
    assert "ledger/dev.json is gone" in result.err
    assert "LED005" in result.err
    assert tree(project) == before


def test_check_notices_a_changed_environment_file(run, project, rendered):
    path = project / "environments" / "dev.yaml"
    path.write_text(path.read_text().replace("zones: 2", "zones: 3"))
    result = run("--env", "dev", "--check", "--no-lint")
    assert result.code == 1
    assert "02-network.json is stale" in result.err
    assert "01-security.json" not in result.err


def test_check_of_one_layer_looks_at_that_layer(run, project, rendered):
    (project / "templates/dev/03-storage.json").write_text("{}")
    (project / "templates/dev/manifest.json").unlink()
    assert run("--env", "dev", "--layer", "network", "--check", "--no-lint").code == 0
    result = run("--env", "dev", "--layer", "storage", "--check", "--no-lint")
    assert result.code == 1
    assert [line.split(";")[0] for line in result.err.splitlines()] == [
        "stale: templates/dev/03-storage.json is stale"
    ]


def test_check_of_one_layer_is_content_with_what_rendering_that_layer_wrote(run, project):
    """The first render of one layer writes no ledger; a check of that layer must not miss it."""
    assert run("--env", "dev", "--layer", "network", "--no-lint").code == 0
    assert not (project / "ledger").exists()
    result = run("--env", "dev", "--layer", "network", "--check", "--no-lint")
    assert (result.code, result.err) == (0, "")


def test_check_of_all_reports_what_no_environment_file_stands_for(run, project, rendered):
    (project / "environments" / "staging.yaml").unlink()
    result = run("--all", "--check", "--no-lint")
    assert result.code == 1
    assert [line for line in result.err.splitlines() if "left over" in line] == [
        f"stale: {path} is left over: there is no environment staging; destroy what was deployed from it, "
        "then delete it [OUT003]"
        for path in ("ledger/staging.json", "templates/staging")
    ]


def test_check_of_one_environment_says_nothing_of_others(run, project, rendered):
    (project / "environments" / "staging.yaml").unlink()
    result = run("--env", "dev", "--check", "--no-lint")
    assert (result.code, result.err) == (0, "")


# -- exit codes and streams ----------------------------------------------------------------------------


def test_findings_are_exit_code_1_and_on_standard_output(run, findings):
    findings[0].append(BAD)
    result = run("--env", "dev")
    assert result.code == 1
    assert "E3012" in result.out
    assert "1 errors and warnings" in result.out
    assert "E3012" not in result.err


def test_templates_with_findings_are_written_all_the_same(run, project, findings):
    findings[0].append(BAD)
    run("--env", "dev")
    assert (project / "templates" / "dev" / "manifest.json").is_file()


def test_hints_are_counted_and_fail_nothing(run, findings):
    findings[0].append(HINT)
    result = run("--env", "dev")
    assert result.code == 0
    assert "(1 hints)" in result.out
    assert "I1022" not in result.out


def test_progress_goes_to_standard_error_in_plain_lines(run, findings):
    result = run("--env", "dev")
    assert result.err.splitlines()[-1] == "checked 3 of 3: templates/dev/03-storage.json"
    assert "checked" not in result.out.splitlines()[0]
    assert "\x1b" not in result.out + result.err


def test_no_lint_asks_no_validator(run, findings):
    result = run("--env", "dev", "--no-lint")
    assert findings[1] == []
    assert "skipped" in result.out
    assert "not checked" in result.out


def test_quiet_prints_nothing_when_all_is_well(run, findings):
    result = run("--env", "dev", "-q")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_quiet_still_prints_findings(run, findings):
    findings[0].append(BAD)
    result = run("--env", "dev", "-q")
    assert result.code == 1
    assert "E3012" in result.out


# -- formats -------------------------------------------------------------------------------------------


def test_json_is_all_that_standard_output_gets(run, findings):
    findings[0].append(BAD)
    result = run("--env", "dev", "--format", "json")
    data = json.loads(result.out)
    assert [manifest["environment"] for manifest in data["environments"]] == ["dev"]
    assert data["findings"][0]["rule"] == "E3012"
    assert data["stale"] == []


def test_json_says_null_for_findings_that_nobody_looked_for(run):
    assert json.loads(run("--env", "dev", "--no-lint", "--format", "json").out)["findings"] is None


def test_json_holds_what_is_stale(run):
    data = json.loads(run("--env", "dev", "--check", "--no-lint", "--format", "json").out)
    assert {problem["code"] for problem in data["stale"]} == {"OUT002"}


def test_json_holds_the_problems_of_bad_input(run):
    result = run("--env", "prdo", "--format", "json")
    assert result.code == 2
    assert json.loads(result.out)["problems"][0]["code"] == "ENV011"


def test_sarif_has_the_finding_at_its_file(run, findings):
    findings[0].append(BAD)
    result = run("--env", "dev", "--format", "sarif")
    assert result.code == 1
    results = [entry for sarif in json.loads(result.out)["runs"] for entry in sarif["results"]]
    place = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (results[0]["ruleId"], place) == ("E3012", "templates/dev/01-security.json")


def test_junit_has_a_case_for_each_template(run, findings):
    findings[0].append(BAD)
    result = run("--env", "dev", "--format", "junit")
    suites = ElementTree.fromstring(result.out)  # noqa: S314  our own
    assert {case.get("name") for case in suites.iter("testcase")} == {
        f"templates/dev/{name}.json" for name in ("01-security", "02-network", "03-storage")
    }
    assert len(list(suites.iter("failure"))) == 1


@pytest.mark.parametrize("name", ["sarif", "junit"])
def test_a_report_of_findings_without_the_gate_would_lie(run, name):
    result = run("--env", "dev", "--no-lint", "--format", name)
    assert result.code == 2
    assert result.out == ""
    assert "CLI003" in result.err


# -- bad input -----------------------------------------------------------------------------------------


def test_an_unknown_environment_is_told_with_the_nearest_one(run):
    result = run("--env", "prdo", "--no-lint")
    assert result.code == 2
    assert "did you mean prod?" in result.err
    assert result.out == ""


def test_problems_of_all_environments_are_told_at_once_and_each_once(run, project):
    base = project / "environments" / "base.yaml"
    base.write_text(base.read_text().replace("eu-west-1", "eu-west-9"))
    dev = project / "environments" / "dev.yaml"
    dev.write_text(dev.read_text().replace("zones: 2", "zones: 9"))
    result = run("--all", "--no-lint")
    assert result.code == 2
    lines = result.err.splitlines()
    assert len(lines) == len(set(lines)) == 2
    assert any("base.yaml" in line and "eu-west-9" in line for line in lines)
    assert any("dev.yaml" in line and "network.zones" in line for line in lines)


def test_a_lost_resource_is_refused_and_nothing_is_written(run, project, rendered):
    path = project / "ledger" / "dev.json"
    data = json.loads(path.read_text())
    lost = {**data["records"][-1], "resource": "storage/Old"}
    data["records"].append(lost)
    path.write_text(json.dumps(data))
    before = tree(project)
    result = run("--env", "dev", "--no-lint")
    assert result.code == 1
    assert "storage/Old" in result.err
    assert "LED002" in result.err
    assert tree(project) == before


@pytest.mark.parametrize(
    ("old", "new"), [("eu-west-1", "eu-west-2"), ("111122223333", "999988887777"), ("acme", "acma")]
)
def test_a_typo_that_makes_it_another_deployment_is_refused_and_nothing_is_written(
    run, project, rendered, old, new
):
    for path in (project / "environments").glob("*.yaml"):
        path.write_text(path.read_text().replace(old, new))
    before = tree(project / "templates"), tree(project / "ledger")
    result = run("--env", "prod", "--no-lint")
    assert result.code == 1
    assert "ledger/prod.json: this ledger is about" in result.err
    assert "LED004" in result.err
    assert len(result.err.splitlines()) == 1
    assert (tree(project / "templates"), tree(project / "ledger")) == before


def test_a_mistake_in_a_layer_is_one_line_with_its_place_and_nothing_is_written(run, project, monkeypatch):
    def stacks(subject):
        raise ValueError("BlockPublicAcl is no property")

    monkeypatch.setattr("blueprint.layers.storage.stacks", stacks)
    result = run("--env", "dev", "--no-lint")
    assert result.code == 2
    said = (
        "layer storage cannot be rendered: ValueError: BlockPublicAcl is no property; mend the layer [REN009]"
    )
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert {path.name for path in project.iterdir()} == {"environments"}


def test_outside_a_project_the_command_says_so(run, project):
    for path in (project / "environments").iterdir():
        path.unlink()
    (project / "environments").rmdir()
    result = run("--all", "--no-lint")
    assert result.code == 2
    assert "environments" in result.err
