"""Rotations: what a function may do to its secret and its key, who calls it, and not before it can work."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from troposphere import Ref, encode_to_dict
from troposphere.s3 import Bucket

from blueprint.layers.shared.functions import add_function
from blueprint.layers.shared.rotation import rotate, rotates
from blueprint.stacks.stack import Stack
from tests.small import stack_of

SECRET, KEY, REPLICA = Ref("Secret"), Ref("Key"), Ref("ReplicaOfKey")


@pytest.fixture
def stack(env) -> Stack:
    """A stack with one secret that rotates once a bucket is there."""
    stack = stack_of(env(), "data")
    function = add_function(
        stack,
        "Rotator",
        "cache_password",
        purpose="Rotates",
        statements=rotates(SECRET, [KEY, REPLICA]),
        timeout_seconds=60,
    )
    rotate(
        stack,
        "Cache",
        SECRET,
        function,
        Ref("Days"),
        after=stack.add(Bucket("First")),
        setting="cache.rotation_days",
    )
    return stack


def resource(stack: Stack, name: str) -> dict[str, Any]:
    return json.loads(json.dumps(encode_to_dict(stack.resources[name])))


def statements() -> list[dict[str, Any]]:
    return [json.loads(json.dumps(encode_to_dict(s.JSONrepr()))) for s in rotates(SECRET, [KEY, REPLICA])]


def rights() -> dict[str, list[Any]]:
    """Action -> what it is allowed on; every action stands in one statement."""
    found: dict[str, list[Any]] = {}
    for statement in statements():
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert action not in found
            found[action] = statement["Resource"]
    return found


# -- permissions -------------------------------------------------------------------------------------------


def test_it_reads_and_writes_its_own_secret_and_no_other() -> None:
    own = {action for action, on in rights().items() if on == [{"Ref": "Secret"}]}
    assert own == {
        f"secretsmanager:{name}"
        for name in ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
    }


def test_it_uses_the_secret_s_key_in_every_region_and_does_not_manage_it() -> None:
    ofkey = {action for action, on in rights().items() if on == [{"Ref": "Key"}, {"Ref": "ReplicaOfKey"}]}
    assert ofkey == {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"}


def test_nothing_else_is_granted_and_only_what_belongs_to_no_secret_on_everything() -> None:
    granted = rights()
    assert [action for action, on in granted.items() if "*" in on] == ["secretsmanager:GetRandomPassword"]
    assert len(granted) == 4 + 3 + 1


@pytest.mark.parametrize(
    ("via", "allowed"),
    [
        ("secretsmanager.eu-west-1.amazonaws.com", True),
        ("secretsmanager.eu-central-1.amazonaws.com", True),  # where the replica is written
        ("s3.eu-west-1.amazonaws.com", False),
        ("secretsmanager.amazonaws.com.example.com", False),
    ],
)
def test_the_key_is_used_through_secrets_manager_only(via: str, allowed: bool) -> None:
    [conditions] = [s["Condition"] for s in statements() if "kms:Decrypt" in s["Action"]]
    [(operator, tests)] = conditions.items()
    assert (operator, list(tests)) == ("StringLike", ["kms:ViaService"])
    assert fnmatchcase(via, tests["kms:ViaService"]) == allowed


# -- the schedule ------------------------------------------------------------------------------------------


def test_secrets_manager_alone_calls_the_function_and_for_this_secret_of_this_account(stack: Stack) -> None:
    assert resource(stack, "CacheRotationPermission")["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "Rotator"},
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Ref": "Secret"},
    }


def test_the_schedule_begins_when_the_call_is_allowed_and_what_it_needs_is_there(stack: Stack) -> None:
    assert set(resource(stack, "CacheRotation")["DependsOn"]) == {"CacheRotationPermission", "First"}


def test_it_rotates_every_so_many_days_and_not_at_once(stack: Stack) -> None:
    properties = resource(stack, "CacheRotation")["Properties"]
    assert properties["SecretId"] == {"Ref": "Secret"}
    assert properties["RotationLambdaARN"] == {"Fn::GetAtt": ["Rotator", "Arn"]}
    assert properties["RotationRules"] == {"AutomaticallyAfterDays": {"Ref": "Days"}}
    assert properties["RotateImmediatelyOnUpdate"] is False


def test_the_schedule_is_traced_to_the_key_of_the_file_that_sets_it(stack: Stack) -> None:
    assert stack.traces["CacheRotation"].setting == "cache.rotation_days"
