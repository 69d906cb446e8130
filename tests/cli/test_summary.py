"""The summary is what a person wants to read: what was made, how full it is, what to do with it."""

from __future__ import annotations

import re

import pytest

from blueprint.cli import summary
from blueprint.gate import Finding
from blueprint.render.limits import Quota, Use
from tests.conftest import RECOVERY

FOLDER = "templates/prod"


def finding(severity: str, file: str = "01-security.json") -> Finding:
    return Finding(f"{FOLDER}/{file}", "Key", "Properties", "X1", severity, "m", "l", "cfn-lint")


@pytest.fixture
def prod(rendered):
    return rendered(**RECOVERY).rendered


def rows(text: str) -> dict[str, str]:
    """Lines of the table of templates, by file."""
    return {line.split()[0]: line for line in text.splitlines() if re.match(r"  \d\d-\S+\.json", line)}


def test_it_says_environment_project_regions_and_folder(prod):
    first = summary.text(prod, [], FOLDER).splitlines()[0]
    assert first == "prod of acme (primary eu-west-1, recovery eu-central-1) in templates/prod"


def test_the_account_names_its_home_and_its_accounts(rendered_account):
    made = rendered_account().rendered
    first = summary.text(made, [], "templates/account").splitlines()[0]
    assert first == "account of acme (home eu-west-1, accounts 111122223333) in templates/account"


def test_each_template_is_told_with_stack_name_resources_size_and_shares(prod):
    line = rows(summary.text(prod, [], FOLDER))["01-security.json"]
    (stack,) = (stack for stack in prod.manifest["stacks"] if stack["name"] == "security")
    assert "acme-prod-security" in line
    assert f" {len(stack['resources'])} " in line
    assert f"{stack['bytes']:,}" in line
    assert "% of inline)" in line
    assert re.search(r"\d+% of (bytes|resources|outputs|parameters)", line)


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [
        (None, "skipped"),
        ([], "ok"),
        ([finding("info"), finding("info")], "ok (2 hints)"),
        ([finding("error"), finding("warning"), finding("warning")], "1 errors, 2 warnings"),
    ],
)
def test_each_template_is_told_with_its_lint_result(prod, findings, verdict):
    lines = rows(summary.text(prod, findings, FOLDER))
    assert lines["01-security.json"].endswith(f"  {verdict}")
    other = next(line for name, line in lines.items() if "security" not in name)
    assert other.endswith("skipped" if findings is None else "ok")


def test_the_order_has_a_line_for_each_step_with_all_that_a_person_types_and_ticks(prod):
    text = summary.text(prod, [], FOLDER)
    order = text[text.index("Upload in this order") :].splitlines()
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


def test_values_to_fill_in_stand_under_their_step_with_their_source(prod):
    order = summary.text(prod, [], FOLDER).splitlines()
    recovery = next(i for i, line in enumerate(order) if "eu-central-1  acme-prod-security" in line)
    assert order[recovery + 1] == (
        "        DatabaseKeyArn: output DatabaseKeyArn of acme-prod-security in eu-west-1"
    )


def test_a_second_pass_is_told_as_an_update(prod):
    step = prod.manifest["steps"][0]
    prod.manifest["steps"].append({**step, "step": 99, "pass": 1, "parameters": {"Replicate": "true"}})
    text = summary.text(prod, [], FOLDER)
    assert f"{step['file']} (update)" in text
    assert "        Replicate: change it to true" in text


def test_a_template_above_the_inline_limit_is_named_with_what_that_means(prod):
    prod.manifest["stacks"][0]["bytes"] = 60_000
    text = summary.text(prod, [], FOLDER)
    assert "01-security.json is above 51,200 bytes: the console stages it" in text


def test_a_template_that_fills_up_is_named_well_ahead(prod):
    assert "split the layer" not in summary.text(prod, [], FOLDER)
    prod.uses["security"].append(Use(Quota("resources", 500, "Resources"), 400))
    assert "01-security.json has 400 of 500 resources: split the layer" in summary.text(prod, [], FOLDER)


def test_colours_are_for_terminals(prod):
    assert "\x1b" not in summary.text(prod, [finding("error")], FOLDER)


def test_findings_are_counted_by_severity():
    assert summary.count([finding("error"), finding("info"), finding("info")]) == {
        "error": 1,
        "warning": 0,
        "info": 2,
    }
