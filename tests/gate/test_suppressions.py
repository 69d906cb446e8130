"""A suppression works at one resource for one rule, and only with a reason and while it is needed."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from troposphere.sqs import Queue

from blueprint.gate import Finding, GateInput, check
from blueprint.gate.suppressions import TOO_WIDE, UNREASONED, UNUSED
from blueprint.layers.shared.suppress import suppress
from tests.gate.conftest import GOOD, OPEN, REASON, REGIONS, TWICE, summary, template


def suppressed(resource: dict[str, Any], tool: Any, rule: str) -> dict[str, Any]:
    """The resource, with what the layers' helper writes."""
    holder = Queue("Any")
    suppress(holder, tool, rule, REASON)
    return {**copy.deepcopy(resource), "Metadata": holder.resource["Metadata"]}


def gate(*resources: dict[str, Any]) -> list[Finding]:
    names = ("One", "Two", "Other")
    return check([template(**dict(zip(names, resources, strict=False)))], cache_dir=None)


def test_each_validator_keeps_quiet_about_that_rule_at_that_resource_only() -> None:
    quiet = suppressed(OPEN, "cloudformation-validate", "W2508")
    assert summary(gate(quiet, OPEN)) == {("cloudformation-validate", "Two", "W2508")}
    quiet = suppressed(TWICE, "cfn-lint", "W3005")
    assert summary(gate(quiet, TWICE, GOOD)) == {("cfn-lint", "Two", "W3005")}


@pytest.mark.parametrize(
    "tool, rule", [("cfn-lint", "W3005"), ("cloudformation-validate", "W2508")], ids=["cfn-lint", "validate"]
)
def test_a_suppression_of_what_is_not_reported_fails(tool: str, rule: str) -> None:
    (finding,) = gate(suppressed(GOOD, tool, rule))
    assert (finding.validator, finding.rule, finding.logical_id) == (tool, UNUSED, "One")
    assert finding.fails
    assert rule in finding.message
    assert finding.line == 4


def test_a_suppression_without_a_reason_fails() -> None:
    lax = suppressed(TWICE, "cfn-lint", "W3005")
    del lax["Metadata"]["cfn-lint"]["reasons"]
    assert summary(gate(lax, GOOD, GOOD)) == {("cfn-lint", "One", UNREASONED)}
    lax = suppressed(OPEN, "cloudformation-validate", "W2508")
    lax["Metadata"]["cloudformation-validate"]["rules_to_suppress"][0]["reason"] = "known"
    assert summary(gate(lax)) == {("cloudformation-validate", "One", UNREASONED)}


def test_a_suppression_for_the_whole_template_fails_and_suppresses_nothing() -> None:
    data = json.loads(template(One=TWICE, Other=GOOD).body)
    data["Metadata"] = suppressed(GOOD, "cfn-lint", "W3005")["Metadata"]
    found = check([GateInput("a", json.dumps(data).encode(), REGIONS, "a")], cache_dir=None)
    assert summary(found) == {("cfn-lint", "One", "W3005"), ("cfn-lint", "", TOO_WIDE)}


@pytest.mark.parametrize(
    "value", [3, [], "x", {"config": 5}, {"config": {"ignore_checks": 5}}, {"rules_to_suppress": 7}]
)
def test_a_malformed_suppression_suppresses_nothing(value: Any) -> None:
    odd = {**OPEN, "Metadata": {"cfn-lint": value, "cloudformation-validate": value}}
    found = check([template(One=odd)], cache_dir=None, validators=("cloudformation-validate",))
    assert summary(found) == {("cloudformation-validate", "One", "W2508")}
