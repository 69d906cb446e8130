"""How full a template is, counted as CloudFormation counts."""

from __future__ import annotations

import pytest
from troposphere.iam import ManagedPolicy
from troposphere.sns import Topic

from blueprint.problems import BlueprintError
from blueprint.render import render
from blueprint.render.limits import QUOTAS, measure
from tests.small import codes, stack_of


def used(template: dict, body: bytes = b"{}") -> dict[str, int]:
    return {use.quota.what: use.used for use in measure(template, body)}


def test_every_quota_of_a_template_is_measured():
    assert {quota.what: quota.limit for quota in QUOTAS} == {
        "bytes": 1_000_000,
        "resources": 500,
        "parameters": 200,
        "outputs": 200,
        "mappings": 200,
        "dynamic references": 60,
    }


def test_the_size_that_counts_is_that_of_the_file():
    assert used({}, b"x" * 77)["bytes"] == 77


def test_sections_are_counted_and_missing_ones_are_empty():
    counts = used({"Resources": {"A": {}, "B": {}}, "Outputs": {"C": {}}})
    assert (counts["resources"], counts["outputs"], counts["parameters"]) == (2, 1, 0)


def test_dynamic_references_are_counted_which_no_validator_does():
    assert used({}, b'"{{resolve:ssm:a}}{{resolve:secretsmanager:b}}"')["dynamic references"] == 2


def test_a_use_reads_as_a_sentence_and_knows_its_share():
    use = next(use for use in measure({"Resources": dict.fromkeys("abcde")}, b"") if use.used == 5)
    assert str(use) == "5 of 500 resources"
    assert use.share == pytest.approx(0.01)


def test_a_template_beyond_a_quota_is_not_rendered(env):
    stack = stack_of(env(), "big")
    for number in range(500):
        stack.add(Topic(f"Topic{number}"))
    with pytest.raises(BlueprintError) as error:
        render(stack.subject, {"big": lambda subject: [stack]})
    assert codes(error) == ["REN021"]
    assert "501 of 500 resources" in str(error.value)


def test_a_template_with_too_many_dynamic_references_is_not_rendered(env):
    stack = stack_of(env(), "dynamic")
    names = [f"{{{{resolve:ssm:/name/{number}}}}}" for number in range(61)]
    stack.add(ManagedPolicy("Policy", PolicyDocument={"Statement": names}))
    with pytest.raises(BlueprintError) as error:
        render(stack.subject, {"dynamic": lambda subject: [stack]})
    assert "61 of 60 dynamic references" in str(error.value)
