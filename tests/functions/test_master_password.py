"""The master password, set through the API of RDS: for a cluster and for an instance, and waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import Context
from .rds import CLUSTER, INSTANCE, OLD, Impatient, Rds

NEW = {"username": "administrator", "password": "New".ljust(40, "x")}
CURRENT = {"username": "administrator", "password": OLD}


@pytest.fixture
def names(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    names = load("master_password")
    names["look_again"] = lambda seconds: None
    names["rds"] = Rds()
    monkeypatch.setattr(boto3, "client", lambda name: {"rds": names["rds"]}[name])
    monkeypatch.setenv("DATABASE", CLUSTER)
    return names


@pytest.mark.parametrize(("database", "kind"), [(CLUSTER, "cluster"), (INSTANCE, "instance")])
def test_it_is_set_at_once_by_name_and_asks_for_no_former_one(
    names, monkeypatch: pytest.MonkeyPatch, database: str, kind: str
) -> None:
    monkeypatch.setenv("DATABASE", database)
    names["rds"].password = "nobody knows"
    names["set_password"](NEW, CURRENT, Context(300))
    names["wait_until_in_force"](NEW, CURRENT, Context(300))
    assert names["rds"].calls == [(kind, "acme-prod-database")]
    assert names["rds"].password == NEW["password"]


def test_a_database_that_goes_on_saying_available_is_not_believed_while_something_is_pending(names) -> None:
    names["rds"].delay = 4
    names["set_password"](NEW, CURRENT, Context(300))
    names["wait_until_in_force"](NEW, CURRENT, Context(300))
    assert names["rds"].looks == 4


def test_it_gives_up_before_lambda_does_and_says_what_the_database_is_at(names) -> None:
    names["rds"].delay = 99
    names["set_password"](NEW, CURRENT, Context(300))
    with pytest.raises(TimeoutError, match="resetting-master-credentials"):
        names["wait_until_in_force"](NEW, CURRENT, Impatient(300))
