"""The master user's password: rotated by the API of RDS, for a cluster and for an instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import Context
from .rds import CLUSTER, INSTANCE, OLD, Impatient, Rds
from .secrets_manager import SecretsManager

ALL = ("createSecret", "setSecret", "testSecret", "finishSecret")


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
