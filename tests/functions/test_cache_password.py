"""The cache's password: its user has two, and the secret holds one that works at any moment."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import Context
from .secrets_manager import SecretsManager, refusal

OLD = "Old".ljust(40, "x")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class ElastiCache:
    """One user, whose passwords count after ``looks`` looks at it."""

    def __init__(self, looks: int = 2, fail: str = "") -> None:
        self.looks, self.fail = looks, fail
        self.passwords = [OLD]
        self.left = 0

    def modify_user(self, UserId: str, AuthenticationMode: dict[str, Any]) -> None:
        if self.fail:
            raise refusal(self.fail, "ModifyUser")
        assert (UserId, AuthenticationMode["Type"]) == ("acme-prod-cache", "password")
        passwords = AuthenticationMode["Passwords"]
        assert 1 <= len(passwords) == len(set(passwords)) <= 2, "ElastiCache takes up to two, each once"
        self.passwords, self.left = passwords, self.looks

    def describe_users(self, UserId: str) -> dict[str, Any]:
        self.left -= 1
        status = "modifying" if self.left > 0 else "active"
        authentication = {"Type": "password", "PasswordCount": len(self.passwords)}
        return {"Users": [{"Status": status, "Authentication": authentication}]}


@pytest.fixture
def world(load, monkeypatch: pytest.MonkeyPatch):
    def make(cache: ElastiCache) -> tuple[Any, SecretsManager]:
        names = load("cache_password")
        names["look_again"] = lambda seconds: None
        secrets = SecretsManager(cache={"username": "default", "password": OLD})
        monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": secrets}.get(name, cache))
        monkeypatch.setenv("USER_ID", "acme-prod-cache")
        secrets.begin("cache", "next")
        return names["handler"], secrets

    return make


@pytest.mark.parametrize("looks", [1, 4])
def test_a_rotation_waits_and_keeps_the_former_password(world, looks: int) -> None:
    cache = ElastiCache(looks)
    handler, secrets = world(cache)
    secrets.rotate(handler, "cache", "next", Context(600))
    assert cache.passwords == [secrets.current("cache")["password"], OLD]


@pytest.mark.parametrize("repeated", STEPS)
def test_each_step_may_be_repeated(world, repeated: str) -> None:
    cache = ElastiCache()
    handler, secrets = world(cache)
    for step in STEPS:
        secrets.rotate(handler, "cache", "next", Context(600), *[step] * (3 if step == repeated else 1))
    assert secrets.made == 1
    assert cache.passwords == [secrets.current("cache")["password"], OLD]


def test_a_new_rotation_after_one_that_broke_off_loses_nobody(world) -> None:
    cache = ElastiCache()
    handler, secrets = world(cache)
    secrets.rotate(handler, "cache", "next", Context(600), "createSecret", "setSecret")
    secrets.stages["cache"]["next"].clear()
    secrets.begin("cache", "later")
    secrets.rotate(handler, "cache", "later", Context(600))
    assert cache.passwords == [secrets.current("cache")["password"], OLD]


def test_a_cache_that_refuses_keeps_its_password_and_the_secret_too(world) -> None:
    cache = ElastiCache(fail="InvalidUserState")
    handler, secrets = world(cache)
    with pytest.raises(Exception, match="InvalidUserState"):
        secrets.rotate(handler, "cache", "next", Context(600))
    assert cache.passwords == [OLD]
    assert secrets.current("cache")["password"] == OLD


def test_a_cache_that_is_not_done_in_time_is_tried_again(world) -> None:
    cache = ElastiCache(looks=99)
    handler, secrets = world(cache)
    with pytest.raises(TimeoutError, match="not in force yet"):
        secrets.rotate(handler, "cache", "next", Context(10))
    assert secrets.current("cache")["password"] == OLD
    cache.looks = 1
    secrets.rotate(handler, "cache", "next", Context(600))
    assert cache.passwords == [secrets.current("cache")["password"], OLD]


def test_passwords_that_somebody_took_away_are_not_handed_out(world) -> None:
    """An update of the stack, say, between two steps: it names the current password alone."""
    cache = ElastiCache()
    handler, secrets = world(cache)
    secrets.rotate(handler, "cache", "next", Context(600), "createSecret", "setSecret")
    cache.passwords = [OLD]
    with pytest.raises(ValueError, match="both"):
        secrets.rotate(handler, "cache", "next", Context(600), "testSecret")
    assert secrets.current("cache")["password"] == OLD


def test_the_trial_of_a_new_schedule_finds_one_password_enough(world) -> None:
    cache = ElastiCache()
    handler, secrets = world(cache)
    secrets.begin("cache", "trial", username="default", password=OLD)
    secrets.rotate(handler, "cache", "trial", Context(600), "testSecret")
    assert cache.passwords == [OLD]
