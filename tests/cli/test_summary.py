"""The summary is what a person wants to read: what was made, how full it is, what to do with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from blueprint.cli import summary
from blueprint.cli.output import Output
from blueprint.gate import Finding
from blueprint.render.limits import Quota, Use
from tests.conftest import RECOVERY

FOLDER = "templates/prod"


def finding(severity: str, file: str = "01-security.json") -> Finding:
    return Finding(f"{FOLDER}/{file}", "Key", "Properties", "X1", severity, "m", "l", "cfn-lint")


@pytest.fixture
def prod(rendered):
    return rendered(**RECOVERY).rendered


@pytest.fixture
def text(tmp_path, monkeypatch):
    """The summary for a person who stands in the project: ``text(prod, findings, layers)``."""
    monkeypatch.chdir(tmp_path)
    return lambda made, findings, layers=(): summary.text(made, Output(tmp_path, None, layers), findings)


def rows(text: str) -> dict[str, str]:
    """Lines of the table of templates, by file."""
    return {line.split()[0]: line for line in text.splitlines() if re.match(r"  \d\d-\S+\.json", line)}


def test_it_says_environment_project_regions_and_folder(prod, text):
    first = text(prod, []).splitlines()[0]
    assert first == "prod of acme (primary eu-west-1, recovery eu-central-1) in templates/prod"


def test_the_account_names_its_home_and_its_accounts(rendered_account, text):
    made = rendered_account().rendered
    first = text(made, []).splitlines()[0]
    assert first == "account of acme (home eu-west-1, accounts 111122223333) in templates/account"


def test_each_template_is_told_with_stack_name_resources_size_and_shares(prod, text):
    line = rows(text(prod, []))["01-security.json"]
    (stack,) = (stack for stack in prod.manifest["stacks"] if stack["name"] == "security")
    assert "acme-prod-security" in line
    assert f" {len(stack['resources'])} " in line
    assert f"{stack['bytes']:,}" in line
    assert "% of inline)" in line
    assert re.search(r"\d+% of (bytes|resources|outputs|parameters)", line)


def test_it_names_the_folder_that_was_written_and_finds_its_lint_results_there(prod, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = Output(tmp_path, tmp_path / "out", ())
    bad = replace(finding("error"), template="out/prod/01-security.json")
    shown = summary.text(prod, elsewhere, [bad])
    assert shown.splitlines()[0].endswith(" in out/prod")
    assert rows(shown)["01-security.json"].endswith("1 errors, 0 warnings")


def test_only_the_layers_asked_for_are_told(prod, text):
    shown = text(prod, [], ["security"])
    assert list(rows(shown)) == ["01-security.json"]
    order = shown[shown.index("Upload in this order") :]
    assert "acme-prod-security" in order
    assert "acme-prod-network" not in order
    assert "acme-prod-network" in text(prod, [])


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        (None, "skipped"),
        ([], "ok"),
        ([finding("info"), finding("info")], "ok (2 hints)"),
        ([finding("error"), finding("warning"), finding("warning")], "1 errors, 2 warnings"),
    ],
)
def test_each_template_is_told_with_its_lint_result(prod, text, findings, verdict):
    lines = rows(text(prod, findings))
    assert lines["01-security.json"].endswith(f"  {verdict}")
    other = next(line for name, line in lines.items() if "security" not in name)
    assert other.endswith("skipped" if findings is None else "ok")


def test_the_order_has_a_line_for_each_step_with_all_that_a_person_types_and_ticks(prod, text):
    shown = text(prod, [])
    order = shown[shown.index("Upload in this order") :].splitlines()
    for step in prod.manifest["steps"]:
        (line,) = (line for line in order if re.match(rf"  {step['step']} ", line))
        words = line.split()
        assert words[:5] == [
            str(step["step"]),
            str(step["wave"]),
            step["account"],
            step["region"],
            step["stack_name"],
        ]
        assert step["file"] in line
        assert words[-1] == (step["capabilities"][0] if step["capabilities"] else "-")


def test_values_to_fill_in_stand_under_their_step_with_their_source(prod, text):
    order = text(prod, []).splitlines()
    recovery = next(i for i, line in enumerate(order) if "eu-central-1  acme-prod-security" in line)
    assert order[recovery + 1] == (
        "        DatabaseKeyArn: output DatabaseKeyArn of acme-prod-security in eu-west-1"
    )


def test_a_second_pass_is_told_as_an_update(prod, text):
    step = prod.manifest["steps"][0]
    prod.manifest["steps"].append({**step, "step": 99, "pass": 1, "parameters": {"Replicate": "true"}})
    shown = text(prod, [])
    assert f"{step['file']} (update)" in shown
    assert "        Replicate: change it to true" in shown


def test_a_template_above_the_inline_limit_is_named_with_its_heaviest_types_and_what_that_means(prod, text):
    heavy = {f"Rule{n}": {"Type": "AWS::EC2::Route", "Properties": {"X": "x" * 1000}} for n in range(3)}
    light = {f"L{n}": {"Type": kind} for n, kind in enumerate(["A::B::C", "A::B::C", "A::B::D", "A::B::E"])}
    prod.bodies["security"] = json.dumps({"Resources": {**light, **heavy}}).encode()
    prod.manifest["stacks"][0]["bytes"] = 60_000
    (note,) = [line for line in text(prod, []).splitlines() if "is above 51,200 bytes" in line]
    assert note.startswith("  01-security.json is above 51,200 bytes (3 AWS::EC2::Route: 3,1")
    assert re.search(r", 2 A::B::C: \d+, 1 A::B::[DE]: \d+\): the console stages it", note)


def test_a_template_below_the_inline_limit_is_no_news(prod, text):
    prod.manifest["stacks"][0]["bytes"] = 51_200
    assert "01-security.json is above" not in text(prod, [])


def test_a_template_that_fills_up_is_named_well_ahead(prod, text):
    assert "split the layer" not in text(prod, [])
    prod.uses["security"].append(Use(Quota("resources", 500, "Resources"), 400))
    assert "01-security.json has 400 of 500 resources: split the layer" in text(prod, [])


def test_colours_are_for_terminals(prod, text):
    assert "\x1b" not in text(prod, [finding("error")])


def test_findings_are_counted_by_severity():
    assert summary.count([finding("error"), finding("info"), finding("info")]) == {
        "error": 1,
        "warning": 0,
        "info": 2,
    }
