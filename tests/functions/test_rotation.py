"""The four steps of a rotation: each may come again, none before its time, and readers see whole results."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from .conftest import Context
from .secrets_manager import SecretsManager

OLD = "Old".ljust(40, "x")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class World:
    """A service with one password, the secret that holds it, and a rotation between them."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.secrets = SecretsManager(cache={"username": "default", "password": OLD, "host": "h"})
        self.password = OLD
        self.applied: list[str] = []
        self.refuses = ""
        self.handler = names["rotation"](apply=self.apply, prove=self.prove)

    def apply(self, new: dict[str, Any], current: dict[str, Any], context: Any) -> None:
        assert isinstance(context, Context)
        assert current == self.secrets.current("cache")
        if self.refuses == "setSecret":
            raise RuntimeError("the service is busy")
        self.password = new["password"]
        self.applied.append(self.password)

    def prove(self, new: dict[str, Any], current: dict[str, Any], context: Any) -> None:
        assert current == self.secrets.current("cache")
        if self.refuses == "testSecret" or new["password"] != self.password:
            raise RuntimeError("not in force")

    def rotate(self, token: str, *steps: str) -> None:
        self.secrets.rotate(self.handler, "cache", token, Context(), *steps)

    @property
    def seen(self) -> str:
        """The password that readers of the secret see."""
        return str(self.secrets.current("cache")["password"])


@pytest.fixture
def world(load, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(load("rotation"))
    monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": world.secrets}[name])
    world.secrets.begin("cache", "next")
    return world


def test_a_rotation_changes_the_password_and_nothing_else_and_keeps_the_former_version(world: World) -> None:
    world.rotate("next")
    assert world.seen == world.password != OLD
    assert world.secrets.current("cache") == {"username": "default", "password": world.password, "host": "h"}
    assert world.secrets.stages["cache"]["first"] == {"AWSPREVIOUS"}


def test_readers_see_the_new_password_after_the_last_step_only(world: World) -> None:
    seen = []
    for step in STEPS:
        world.rotate("next", step)
        seen.append(world.seen == OLD)
    assert seen == [True, True, True, False]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_comes_again_changes_nothing_more(world: World, step: str) -> None:
    for each in STEPS:
        world.rotate("next", *[each] * (3 if each == step else 1))
    assert world.secrets.made == 1
    assert set(world.applied) == {world.seen}


def test_a_rotation_that_is_done_does_nothing_when_it_comes_again(world: World) -> None:
    world.rotate("next")
    password = world.password
    world.rotate("next")
    assert (world.applied, world.secrets.made, world.seen) == ([password], 1, password)


@pytest.mark.parametrize("step", ["setSecret", "testSecret"])
def test_a_rotation_that_broke_off_is_resumed_with_the_same_password(world: World, step: str) -> None:
    world.refuses = step
    with pytest.raises(RuntimeError):
        world.rotate("next")
    assert world.seen == OLD
    world.refuses = ""
    world.rotate("next")
    assert world.secrets.made == 1
    assert world.seen == world.password != OLD


def test_a_new_rotation_after_one_that_broke_off_wins_and_the_former_cannot_come_back(world: World) -> None:
    world.refuses = "testSecret"
    with pytest.raises(RuntimeError):
        world.rotate("next")
    world.refuses = ""
    world.secrets.stages["cache"]["next"].clear()
    world.secrets.begin("cache", "later")
    world.rotate("later")
    assert (world.seen, world.secrets.made) == (world.password, 2)
    world.secrets.stages["cache"]["next"].add("AWSPREVIOUS")
    with pytest.raises(ValueError, match="next of cache is not to be rotated to"):
        world.rotate("next")
    assert world.seen == world.password


def test_a_password_that_somebody_has_put_there_is_the_one_that_is_set(world: World) -> None:
    world.secrets.begin("cache", "next", username="default", password="Chosen")
    world.rotate("next")
    assert (world.seen, world.password, world.secrets.made) == ("Chosen", "Chosen", 0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("token", "stages", "enabled", "words"),
    [
        ("other", {"AWSPENDING"}, True, "cache has no version other"),
        ("next", {"AWSPREVIOUS"}, True, "next of cache is not to be rotated to"),
        ("next", {"AWSPENDING"}, False, "cache does not rotate"),
    ],
)
def test_nothing_happens_for_a_version_or_a_secret_that_is_not_to_rotate(
    world: World, token: str, stages: set[str], enabled: bool, words: str, step: str
) -> None:
    world.secrets.stages["cache"]["next"], world.secrets.enabled = stages, enabled
    with pytest.raises(ValueError, match=words):
        world.rotate(token, step)
    assert (world.applied, world.secrets.made, world.seen) == ([], 0, OLD)


@pytest.mark.parametrize("step", ["", "deleteSecret", "createsecret"])
def test_a_step_that_nobody_knows_is_refused(world: World, step: str) -> None:
    with pytest.raises(ValueError, match="there is no step"):
        world.rotate("next", step)
    assert (world.applied, world.seen) == ([], OLD)


def test_a_password_fits_what_rds_and_elasticache_take_and_is_not_printed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.rotate("next")
    assert 16 <= len(world.seen) <= 41  # AUTH takes 16 to 128, RDS 8 to 41; no punctuation: see the fake
    printed = capsys.readouterr().out
    assert "finishSecret of cache" in printed
    assert not [word for word in ("Old", "New") if word in printed]
