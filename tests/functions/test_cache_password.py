"""The cache's password: ElastiCache keeps two, and the secret holds one that works at any moment."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import Context
from .secrets_manager import SecretsManager, refusal

OLD = "Old".ljust(40, "x")


class ElastiCache:
    def __init__(self, looks: int = 2, fail: str = "") -> None:
        self.looks, self.fail = looks, fail
        self.passwords = [OLD]
        self.left = 0

    def modify_replication_group(
        self, ReplicationGroupId: str, AuthToken: str, AuthTokenUpdateStrategy: str, ApplyImmediately: bool
    ) -> None:
        if self.fail:
            raise refusal(self.fail, "ModifyReplicationGroup")
        assert (ReplicationGroupId, AuthTokenUpdateStrategy, ApplyImmediately) == ("cache-1", "ROTATE", True)
        self.passwords = [AuthToken, self.passwords[0]]
        self.left = self.looks

    def describe_replication_groups(self, ReplicationGroupId: str) -> dict[str, Any]:
        self.left -= 1
        busy = self.left > 0
        pending = {"AuthTokenStatus": "ROTATING"} if busy else {}
        state = {"Status": "modifying" if busy else "available", "PendingModifiedValues": pending}
        return {"ReplicationGroups": [state]}


@pytest.fixture
def world(load, monkeypatch: pytest.MonkeyPatch):
    def make(cache: ElastiCache) -> tuple[Any, SecretsManager]:
        names = load("cache_password")
        names["look_again"] = lambda seconds: None
        secrets = SecretsManager(cache={"username": "default", "password": OLD})
        monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": secrets}.get(name, cache))
        monkeypatch.setenv("CACHE", "cache-1")
        secrets.begin("cache", "next")
        return names["handler"], secrets

    return make


@pytest.mark.parametrize("looks", [1, 4])
def test_a_rotation_waits_and_keeps_the_former_password(world, looks: int) -> None:
    cache = ElastiCache(looks)
    handler, secrets = world(cache)
    secrets.rotate(handler, "cache", "next", Context(600))
    assert cache.passwords == [secrets.current("cache")["password"], OLD]


def test_a_cache_that_refuses_keeps_its_password_and_the_secret_too(world) -> None:
    cache = ElastiCache(fail="InvalidReplicationGroupState")
    handler, secrets = world(cache)
    with pytest.raises(Exception, match="InvalidReplicationGroupState"):
        secrets.rotate(handler, "cache", "next", Context(600))
    assert cache.passwords == [OLD]
    assert secrets.current("cache")["password"] == OLD


def test_a_cache_that_is_not_done_in_time_is_tried_again(world) -> None:
    cache = ElastiCache(looks=99)
    handler, secrets = world(cache)
    with pytest.raises(TimeoutError, match="not in force yet"):
        secrets.rotate(handler, "cache", "next", Context(10))
    assert secrets.current("cache")["password"] == OLD
    cache.left = 0
    secrets.rotate(handler, "cache", "next", Context(600), "testSecret", "finishSecret")
    assert cache.passwords == [secrets.current("cache")["password"], OLD]
