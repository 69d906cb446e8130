"""The master user's password: rotated by the API of RDS, for a cluster and for an instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .secrets_manager import SecretsManager, refusal

OLD = "Old".ljust(40, "x")
CLUSTER = "arn:aws:rds:eu-west-1:111122223333:cluster:acme-prod-database"
INSTANCE = "arn:aws:rds:eu-west-1:111122223333:db:acme-prod-database"
ALL = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Rds:
    """A database whose password changes ``delay`` looks after it was asked for."""

    def __init__(self, delay: int = 2, fail: str = "") -> None:
        self.delay, self.fail = delay, fail
        self.password = OLD
        self.wanted: str | None = None
        self.looks = 0
        self.calls: list[tuple[str, str]] = []

    def modify_db_cluster(self, DBClusterIdentifier: str, **change: Any) -> None:
        self._modify("cluster", DBClusterIdentifier, **change)

    def modify_db_instance(self, DBInstanceIdentifier: str, **change: Any) -> None:
        self._modify("instance", DBInstanceIdentifier, **change)

    def _modify(self, kind: str, name: str, MasterUserPassword: str, ApplyImmediately: bool) -> None:
        if self.fail:
            raise refusal(self.fail, "Modify")
        assert ApplyImmediately
        self.calls.append((kind, name))
        self.wanted, self.looks = MasterUserPassword, 0

    def describe_db_clusters(self, DBClusterIdentifier: str) -> dict[str, Any]:
        status, pending = self._look()
        return {"DBClusters": [{"Status": status, "PendingModifiedValues": pending}]}

    def describe_db_instances(self, DBInstanceIdentifier: str) -> dict[str, Any]:
        status, pending = self._look()
        return {"DBInstances": [{"DBInstanceStatus": status, "PendingModifiedValues": pending}]}

    def _look(self) -> tuple[str, dict[str, Any]]:
        """First still "available" with the change pending, then changing, then done."""
        if self.wanted is None:
            return "available", {}
        self.looks += 1
        if self.looks == 1 < self.delay:
            return "available", {"MasterUserPassword": "****"}
        if self.looks < self.delay:
            return "resetting-master-credentials", {}
        self.password, self.wanted = self.wanted, None
        return "available", {}


@pytest.fixture
def world(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def make(rds: Rds, database: str = CLUSTER) -> tuple[dict[str, Any], SecretsManager]:
        names = load("database_master")
        names["look_again"] = lambda seconds: None
        secrets = SecretsManager(master={"username": "administrator", "password": OLD})
        clients = {"secretsmanager": secrets, "rds": rds}
        monkeypatch.setattr(boto3, "client", lambda name: clients[name])
        monkeypatch.setenv("DATABASE", database)
        return names, secrets

    return make


class Impatient(Context):
    """Time that passes with every look at it."""

    def get_remaining_time_in_millis(self) -> float:
        self.seconds -= 60
        return self.seconds * 1000


@pytest.mark.parametrize(("database", "kind"), [(CLUSTER, "cluster"), (INSTANCE, "instance")])
@pytest.mark.parametrize("delay", [1, 2, 5])
def test_a_rotation_waits_until_the_password_is_in_force(world, database, kind, delay) -> None:
    rds = Rds(delay)
    names, secrets = world(rds, database)
    secrets.begin("master", "next")
    secrets.rotate(names["handler"], "master", "next", Context(300))
    assert rds.password == secrets.current("master")["password"] != OLD
    assert secrets.current("master")["username"] == "administrator"
    assert rds.calls == [(kind, "acme-prod-database")]


@pytest.mark.parametrize("repeated", ALL)
def test_each_step_may_be_repeated(world, repeated) -> None:
    rds = Rds()
    names, secrets = world(rds)
    secrets.begin("master", "next")
    for step in ALL:
        secrets.rotate(
            names["handler"], "master", "next", Context(300), *[step] * (2 if step == repeated else 1)
        )
    assert secrets.made == 1
    assert rds.password == secrets.current("master")["password"]


def test_a_database_that_refuses_keeps_its_password_and_the_secret_too(world) -> None:
    rds = Rds(fail="InvalidDBClusterStateFault")
    names, secrets = world(rds)
    secrets.begin("master", "next")
    with pytest.raises(Exception, match="InvalidDBClusterStateFault"):
        secrets.rotate(names["handler"], "master", "next", Context(300))
    assert secrets.current("master")["password"] == OLD == rds.password


def test_a_password_that_is_not_in_force_in_time_is_not_handed_out_and_the_next_try_ends_it(world) -> None:
    rds = Rds(delay=50)
    names, secrets = world(rds)
    secrets.begin("master", "next")
    with pytest.raises(Exception, match="not in force yet"):
        secrets.rotate(names["handler"], "master", "next", Impatient(300))
    assert secrets.current("master")["password"] == OLD
    rds.delay = 1
    secrets.rotate(names["handler"], "master", "next", Context(300))
    assert rds.password == secrets.current("master")["password"] != OLD


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
