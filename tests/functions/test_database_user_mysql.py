"""The way to RDS for MySQL: through the proxy, signed in by a token, and what is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .mysql import MySql
from .secrets_manager import SecretsManager

PASSWORD = "Old".ljust(40, "x")


class Proxy:
    """Stands where a session with RDS Proxy would begin; that one has tests of its own."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.names["try_again"] = lambda seconds: None
        self.names["over_proxy"] = self.over_proxy
        self.database = MySql(names["sha256_crypt"])
        self.secrets = SecretsManager(application={"username": "application", "password": PASSWORD})
        self.asked: set[tuple[str, str]] = set()
        self.fail: list[Exception] = []

    def over_proxy(self, host: str, username: str) -> Callable[[str], list[list[str]]]:
        self.asked.add((host, username))

        def run(sql: str) -> list[list[str]]:
            if self.fail:
                raise self.fail.pop(0)
            return self.database.run(sql)

        return run


@pytest.fixture
def proxy(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Proxy:
    proxy = Proxy(load("database_user_mysql"))
    monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": proxy.secrets}[name])
    for key, value in {
        "USERNAME": "application",
        "SCHEMA": "application",
        "PROXY": "proxy.example",
        "MASTER": "administrator",
    }.items():
        monkeypatch.setenv(key, value)
    return proxy


def create(proxy: Proxy, cloudformation: CloudFormation) -> dict[str, Any]:
    event = cloudformation.event("Create", ResourceProperties={"Secret": "application"})
    proxy.names["handler"](event, Context(180))
    return cloudformation.answers[-1]


def test_the_user_is_made_as_the_master_and_rotates(proxy: Proxy, cloudformation: CloudFormation) -> None:
    assert create(proxy, cloudformation)["Status"] == "SUCCESS"
    assert proxy.asked == {("proxy.example", "administrator")}
    proxy.secrets.begin("application", "next")
    proxy.secrets.rotate(proxy.names["handler"], "application", "next", Context())
    assert proxy.database.accepts(proxy.secrets.current("application")["password"])
    assert proxy.database.accepts(PASSWORD)


@pytest.mark.parametrize("number", [1040, 1045, 9501])
def test_a_proxy_that_cannot_sign_in_yet_is_waited_for(
    proxy: Proxy, cloudformation: CloudFormation, number: int
) -> None:
    """The function's role is a moment old, or the proxy has not read the new master password."""
    proxy.fail = [proxy.names["MySqlError"](number)] * 3
    assert create(proxy, cloudformation)["Status"] == "SUCCESS"


def test_a_proxy_that_is_not_there_yet_is_waited_for(proxy: Proxy, cloudformation: CloudFormation) -> None:
    proxy.fail = [ConnectionRefusedError(), TimeoutError(), OSError("no route")]
    assert create(proxy, cloudformation)["Status"] == "SUCCESS"


def test_an_error_of_the_server_fails_the_stack_by_its_number(
    proxy: Proxy, cloudformation: CloudFormation
) -> None:
    proxy.fail = [proxy.names["MySqlError"](1064)] * 2
    answer = create(proxy, cloudformation)
    assert answer["Status"] == "FAILED"
    assert "the database refused a statement: error 1064;" in answer["Reason"]
    assert len(proxy.fail) == 1, "it is not tried again"
