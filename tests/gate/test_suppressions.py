"""A suppression works at one resource for one rule, and only with a reason and while it is needed."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from troposphere.sqs import Queue

from blueprint.gate import VALIDATORS, Finding, GateInput, check
from blueprint.gate.suppressions import TOO_WIDE, UNREASONED, UNUSED
from blueprint.layers.shared.suppress import suppress
from tests.gate.conftest import CFN_LINT, GOOD, OPEN, REASON, REGIONS, TWICE, summary, template


def suppressed(resource: dict[str, Any], tool: Any, rule: str) -> dict[str, Any]:
    """The resource, with what the layers' helper writes."""
    holder = Queue("Any")
    suppress(holder, tool, rule, REASON)
    return {**copy.deepcopy(resource), "Metadata": holder.resource["Metadata"]}


def gate(tool: str, *resources: dict[str, Any]) -> list[Finding]:
    """What one validator says of resources One, Two and Other."""
    names = ("One", "Two", "Other")
    own = template(**dict(zip(names, resources, strict=False)))
    return check([own], cache_dir=None, validators=(tool,))


@pytest.mark.parametrize("tool", VALIDATORS)
def test_a_validator_keeps_quiet_about_that_rule_at_that_resource_only(tool: str) -> None:
    quiet = suppressed(TWICE, tool, "W3005")
    assert summary(gate(tool, quiet, TWICE, GOOD)) == {(tool, "Two", "W3005")}


def test_the_cfn_lint_command_reads_the_same_suppression(tmp_path: Path) -> None:
    item = template(One=suppressed(TWICE, "cfn-lint", "W3005"), Two=TWICE, Other=GOOD)
    (tmp_path / item.name).write_bytes(item.body)
    done = subprocess.run([*CFN_LINT, item.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    matches = json.loads(done.stdout)
    assert [match["Location"]["Path"][1] for match in matches if match["Rule"]["Id"] == "W3005"] == ["Two"]


def test_a_suppression_is_for_one_validator() -> None:
    quiet = suppressed(TWICE, "cfn-lint", "W3005")
    assert summary(gate("cloudformation-validate", quiet, GOOD, GOOD)) == {
        ("cloudformation-validate", "One", "W3005")
    }


@pytest.mark.parametrize("tool", VALIDATORS)
def test_a_suppression_of_what_is_not_reported_fails(tool: str) -> None:
    (finding,) = gate(tool, suppressed(GOOD, tool, "W3005"))
    assert (finding.validator, finding.rule, finding.logical_id) == (tool, UNUSED, "One")
    assert finding.fails
    assert "W3005" in finding.message
    assert finding.line == 4


def test_the_same_rule_at_another_resource_does_not_make_a_suppression_used() -> None:
    found = gate("cfn-lint", suppressed(GOOD, "cfn-lint", "W3005"), TWICE, GOOD)
    assert summary(found) == {("cfn-lint", "One", UNUSED), ("cfn-lint", "Two", "W3005")}


def test_a_suppression_without_a_reason_fails() -> None:
    lax = suppressed(TWICE, "cfn-lint", "W3005")
    del lax["Metadata"]["cfn-lint"]["reasons"]
    assert summary(gate("cfn-lint", lax, GOOD, GOOD)) == {("cfn-lint", "One", UNREASONED)}
    lax = suppressed(OPEN, "cloudformation-validate", "W2508")
    lax["Metadata"]["cloudformation-validate"]["rules_to_suppress"][0]["reason"] = "known"
    assert summary(gate("cloudformation-validate", lax)) == {("cloudformation-validate", "One", UNREASONED)}


def test_a_suppression_for_the_whole_template_fails_and_suppresses_nothing() -> None:
    data = json.loads(template(One=TWICE, Other=GOOD).body)
    data["Metadata"] = suppressed(GOOD, "cfn-lint", "W3005")["Metadata"]
    own = GateInput("a", json.dumps(data).encode(), REGIONS, "a")
    found = check([own], cache_dir=None, validators=("cfn-lint",))
    assert summary(found) == {("cfn-lint", "One", "W3005"), ("cfn-lint", "", TOO_WIDE)}


@pytest.mark.parametrize(
    "value",
    [
        3,
        [],
        "x",
        {"config": 5},
        {"config": {"ignore_checks": 5}},
        {"rules_to_suppress": 7},
    ],
)
def test_a_malformed_suppression_suppresses_nothing(value: Any) -> None:
    odd = {**OPEN, "Metadata": {"cfn-lint": value, "cloudformation-validate": value}}
    found = check([template(One=odd)], cache_dir=None, validators=("cloudformation-validate",))
    assert summary(found) == {("cloudformation-validate", "One", "W2508")}


@pytest.mark.parametrize("rule", [["E"], {"E": 1}, None, 5])
def test_a_rule_that_is_no_name_is_an_unused_suppression_and_no_crash(rule: Any) -> None:
    metadata = {
        "cfn-lint": {"config": {"ignore_checks": [rule]}, "reasons": {"E": REASON}},
        "cloudformation-validate": {"rules_to_suppress": [{"id": rule, "reason": [REASON]}]},
    }
    found = check([template(One={**GOOD, "Metadata": metadata})], cache_dir=None)
    assert {finding.validator for finding in found if finding.rule == UNUSED} == set(VALIDATORS)
