"""A suppression is written where its tool reads it, and not without a reason."""

from __future__ import annotations

from typing import Any

import pytest
from troposphere.s3 import Bucket

from blueprint.gate import suppressions
from blueprint.layers.shared import suppress as module
from blueprint.layers.shared.suppress import suppress

REASON = "Access logs of the load balancer can only be written with keys of S3."


@pytest.mark.parametrize(
    ("tool", "rule", "written"),
    [
        ("cfn-lint", "W1234", {"config": {"ignore_checks": ["W1234"]}, "reasons": {"W1234": REASON}}),
        ("cloudformation-validate", "W1234", {"rules_to_suppress": [{"id": "W1234", "reason": REASON}]}),
        ("cfn_nag", "W35", {"rules_to_suppress": [{"id": "W35", "reason": REASON}]}),
        ("cdk_nag", "AwsSolutions-S1", {"rules_to_suppress": [{"id": "AwsSolutions-S1", "reason": REASON}]}),
        ("checkov", "CKV_AWS_18", {"skip": [{"id": "CKV_AWS_18", "comment": REASON}]}),
        ("guard", "S3_LOGGING", {"SuppressedRules": ["S3_LOGGING"], "Reasons": {"S3_LOGGING": REASON}}),
    ],
)
def test_each_tool_gets_its_own_form(tool: Any, rule: str, written: dict[str, Any]) -> None:
    bucket = Bucket("Bucket", Metadata={"Kept": 1})
    suppress(bucket, tool, rule, REASON)
    assert bucket.to_dict()["Metadata"] == {"Kept": 1, tool: written}


def test_several_add_up() -> None:
    bucket = Bucket("Bucket")
    for rule in ("W1111", "W2222"):
        suppress(bucket, "cfn-lint", rule, REASON)
    assert bucket.to_dict()["Metadata"]["cfn-lint"]["config"]["ignore_checks"] == ["W1111", "W2222"]


def test_a_reason_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 40 characters"):
        suppress(Bucket("Bucket"), "cfn-lint", "W1234", "not needed" + " " * 40)


@pytest.mark.parametrize("rule", ["CKV_AWS_18", "W12", "W", "E30022", "", "W1234,W1235"])
def test_a_rule_of_another_tool_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="no rule of cfn-lint"):
        suppress(Bucket("Bucket"), "cfn-lint", rule, REASON)


def test_the_layers_and_the_gate_ask_for_equally_long_reasons() -> None:
    assert module.SHORTEST_REASON == suppressions.SHORTEST_REASON
