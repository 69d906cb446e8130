"""Policies fit what IAM takes, or the render says so."""

from __future__ import annotations

import json

import pytest

from blueprint.permissions.policies import MOST_CHARACTERS, MOST_POLICIES, characters, document, pack
from blueprint.problems import BlueprintError
from tests.iam import filled_in


def statement(actions: int, letters: int = 40) -> dict:
    names = [f"ec2:A{number:04d}{'x' * (letters - 9)}" for number in range(actions)]
    return {
        "Effect": "Allow",
        "Action": names,
        "Resource": ["arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:*/*"],
    }


def size(policy: list[dict]) -> int:
    """As IAM counts, worked out from the template's document."""
    made = json.loads(json.dumps(document(policy), default=lambda sub: sub.to_dict()))
    return len(json.dumps(filled_in(made, "1" * 12), separators=(",", ":")))


@pytest.mark.parametrize("count", [1, 10, 60])
def test_every_policy_is_as_full_as_it_may_be_and_no_fuller(count):
    policies = pack([statement(12)] * count, "the role")
    assert all(size(policy) <= MOST_CHARACTERS for policy in policies)
    assert all(size([*policy, statement(12)]) > MOST_CHARACTERS for policy in policies[:-1])
    assert sum(len(policy) for policy in policies) == count


def test_statements_keep_their_order():
    made = [statement(number) for number in range(1, 40)]
    packed = [s for policy in pack(made, "the role") for s in policy]
    assert packed == made


def test_a_statement_that_is_too_long_becomes_several_with_the_same_actions():
    long = statement(300)
    packed = [s for policy in pack([long], "the role") for s in policy]
    assert len(packed) > 1
    assert [action for s in packed for action in s["Action"]] == long["Action"]
    assert all(s["Resource"] == long["Resource"] for s in packed)


def test_more_policies_than_a_role_may_have_are_an_error_before_anything_is_deployed():
    fits = pack([statement(100)] * MOST_POLICIES, "the role")
    assert len(fits) == MOST_POLICIES
    with pytest.raises(BlueprintError, match=f"the role needs {MOST_POLICIES + 1} managed policies"):
        pack([statement(100)] * (MOST_POLICIES + 1), "the role")


def test_what_counts_is_what_cloudformation_fills_in():
    assert characters("${AWS::Partition}") == len('"aws"')
    assert characters({"a": ["${AWS::AccountId}"]}) == len('{"a":["111122223333"]}')


def test_texts_with_pseudo_parameters_are_filled_in_and_others_left():
    made = document(
        [
            {
                "Effect": "Allow",
                "Action": ["a:B"],
                "Resource": ["arn:${AWS::Partition}:x"],
                "Condition": {"Bool": {"k": True}},
            }
        ]
    )
    (only,) = made["Statement"]
    assert only["Resource"][0].to_dict() == {"Fn::Sub": "arn:${AWS::Partition}:x"}
    assert only["Action"] == ["a:B"]
    assert only["Condition"] == {"Bool": {"k": True}}
