"""What holds data says what becomes of it: no layer renders it so that it could vanish with its stack."""

from __future__ import annotations

import pytest
from troposphere.s3 import Bucket
from troposphere.sns import Topic

from blueprint.problems import EXIT_BAD_INPUT, BlueprintError
from blueprint.render import render
from blueprint.stacks.stateful import STATEFUL
from tests.small import codes, stack_of

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def layer(**policies):
    def stacks(subject):
        stack = stack_of(subject, "data")
        stack.add(Bucket("Uploads", **policies))
        return [stack]

    return {"data": stacks}


@pytest.mark.parametrize("policy", KEPT)
@pytest.mark.parametrize("value", [None, "Delete"], ids=["missing", "Delete"])
def test_what_holds_data_and_may_vanish_is_refused(env, policy, value):
    policies = {**KEPT, policy: value}
    if value is None:
        del policies[policy]
    with pytest.raises(BlueprintError) as error:
        render(env(), layer(**policies))
    assert codes(error) == ["REN023"]
    assert error.value.exit_code == EXIT_BAD_INPUT
    said = f"Uploads of stack data holds data, and its {policy} is {value or 'missing'}"
    assert f"{said}; add it with add_stateful" in str(error.value)


def test_all_that_may_vanish_is_told_at_once(env):
    with pytest.raises(BlueprintError) as error:
        render(env(), layer())
    assert codes(error) == ["REN023", "REN023"]


@pytest.mark.parametrize("value", ["Retain", "RetainExceptOnCreate", "Snapshot"])
def test_what_is_kept_in_any_way_is_rendered(env, value):
    kept = {**KEPT, "DeletionPolicy": value}
    assert b'"Uploads"' in render(env(), layer(**kept)).bodies["data"]


def test_what_holds_no_data_may_vanish(env):
    def stacks(subject):
        stack = stack_of(subject, "data")
        stack.add(Topic("News"))
        return [stack]

    assert Topic.resource_type not in STATEFUL
    assert b'"News"' in render(env(), {"data": stacks}).bodies["data"]
