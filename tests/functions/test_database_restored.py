"""A restored database: its master user gets the password in our secret, and rotates like any other's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .rds import CLUSTER, OLD, Impatient, Rds
from .secrets_manager import SecretsManager


@pytest.fixture
def world(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def make(rds: Rds) -> tuple[dict[str, Any], SecretsManager]:
        names = load("database_restored")
        names["look_again"] = lambda seconds: None
        secrets = SecretsManager(master={"username": "administrator", "password": OLD})
        monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": secrets, "rds": rds}[name])
        monkeypatch.setenv("DATABASE", CLUSTER)
        return names, secrets

    return make


def test_a_restored_database_is_given_the_password_of_the_secret(
    world, cloudformation: CloudFormation
) -> None:
    rds = Rds()
    names, _ = world(rds)
    rds.password = "whatever the snapshot had"
    event = cloudformation.event("Create", ResourceProperties={"Secret": "master"})
    names["handler"](event, Context(300))
    [answer] = cloudformation.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "master-password")
    assert rds.password == OLD
    assert OLD not in str(answer)


def test_a_restored_database_that_refuses_fails_the_stack_and_a_rollback_leaves_it(
    world, cloudformation: CloudFormation
) -> None:
    rds = Rds(fail="InvalidDBClusterStateFault")
    names, _ = world(rds)
    event = cloudformation.event("Create", ResourceProperties={"Secret": "master"})
    names["handler"](event, Context(300))
    names["handler"](
        {**event, "RequestType": "Delete", "PhysicalResourceId": "master-password"}, Context(300)
    )
    assert [answer["Status"] for answer in cloudformation.answers] == ["FAILED", "SUCCESS"]
    assert "InvalidDBClusterStateFault" in cloudformation.answers[0]["Reason"]
    assert rds.calls == []


def test_a_password_that_is_not_in_force_in_time_fails_the_stack_and_says_why(
    world, cloudformation: CloudFormation
) -> None:
    names, _ = world(Rds(delay=99))
    event = cloudformation.event("Create", ResourceProperties={"Secret": "master"})
    names["handler"](event, Impatient(300))
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "not in force yet" in answer["Reason"]


def test_it_rotates_like_any_other(world) -> None:
    rds = Rds()
    names, secrets = world(rds)
    secrets.begin("master", "next")
    secrets.rotate(names["handler"], "master", "next", Context(300))
    assert rds.password == secrets.current("master")["password"] != OLD
