"""The application's database user: made, repaired, rotated and proved, whatever fails in between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .mysql import MySql
from .secrets_manager import SecretsManager

OLD, OTHER = "Old".ljust(40, "x"), "Other".ljust(40, "x")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass
class World:
    """A database, the secret of its user, and the function between them."""

    names: dict[str, Any]
    secrets: SecretsManager
    database: MySql
    lose: str = ""  # the answer of the statement that begins so is lost

    def connect(self) -> Callable[[str], list[list[str]]]:
        def run(sql: str) -> list[list[str]]:
            rows = self.database.run(sql)
            if self.lose and sql.endswith(self.lose):
                self.lose = ""
                raise self.names["Failure"]("the answer was lost")
            return rows

        return run

    def handle(self, event: dict[str, Any], seconds: float = 180) -> None:
        self.names["handler_over"](self.connect)(event, Context(seconds))

    def rotate(self, *steps: str, version: str = "next") -> None:
        handler = self.names["handler_over"](self.connect)
        self.secrets.rotate(handler, "application", version, Context(), *steps)

    @property
    def current(self) -> str:
        return str(self.secrets.current("application")["password"])


@pytest.fixture
def world(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> World:
    names = load("database_user")
    names["try_again"] = lambda seconds: None
    secrets = SecretsManager(application={"username": "application", "password": OLD})
    monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": secrets}[name])
    monkeypatch.setenv("USERNAME", "application")
    monkeypatch.setenv("SCHEMA", "application")
    return World(names, secrets, MySql(names["sha256_crypt"]))


@pytest.fixture
def made(world: World) -> World:
    """A world with the user in it, and a rotation that has begun."""
    world.database.users["application"] = world.database.user(OLD)
    world.secrets.begin("application", "next")
    return world


def event(cloudformation: CloudFormation, kind: str, **over: Any) -> dict[str, Any]:
    return cloudformation.event(kind, ResourceProperties={"Secret": "application"}, **over)


# -- how MySQL keeps a password ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "salt", "digest"),
    [
        ("Hello world!", b"saltstring", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("This is just a test", b"toolongsaltstrin", "Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"),
        (
            "Old password of forty characters and more",
            b"anothersalt",
            "Gut2sGXSKJ1dZUz6cIm94t4/cuVaC/gSO9jBA/tGapB",
        ),
        # Kept by a MySQL server: 20 bytes of salt, of which not all are letters.
        (
            "hashcat",
            bytes.fromhex("F9CC98CE08892924F50A213B6BC571A2C11778C5"),
            "bTy95Y99eAME1dwEkHOA1ndHGBWz.1bxSSRkuTXFGV/",
        ),
    ],
)
def test_digests_are_those_of_sha256_crypt(world: World, password: str, salt: bytes, digest: str) -> None:
    """As the C library and OpenSSL (``openssl passwd -5``) make them, with MySQL's number of rounds."""
    assert world.names["sha256_crypt"](password.encode(), salt, 5000) == digest.encode()


def test_each_digest_has_a_salt_of_its_own(world: World) -> None:
    digests = {world.names["digest"](OLD) for _ in range(5)}
    assert len(digests) == 5
    assert all(re.fullmatch(r"\$A\$005\$[./0-9A-Za-z]{63}", digest) for digest in digests)


# -- making the user -----------------------------------------------------------------------------------


def test_the_user_is_made_for_its_schema_and_for_tls(world: World, cloudformation: CloudFormation) -> None:
    world.handle(event(cloudformation, "Create"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "SUCCESS", answer
    assert answer["PhysicalResourceId"] == "application-application"
    assert world.database.accepts(OLD)
    assert world.database.grants == [("application", "application")]
    assert world.database.schemas == {"application"}
    creations = [sql for sql in world.database.said if "REQUIRE" in sql]
    assert len(creations) == 2
    assert all("REQUIRE SSL" in sql for sql in creations)


def test_no_password_is_ever_said_to_the_database(made: World, cloudformation: CloudFormation) -> None:
    """What a log, a service between or a statement's history keeps lets nobody in."""
    made.handle(event(cloudformation, "Create"))
    made.rotate()
    assert made.current != OLD
    assert not [sql for sql in made.database.said if OLD in sql or made.current in sql]


def test_nothing_printed_or_answered_holds_a_password(
    made: World, cloudformation: CloudFormation, capsys: pytest.CaptureFixture[str]
) -> None:
    made.handle(event(cloudformation, "Create"))
    made.rotate()
    printed = capsys.readouterr()
    for password in (OLD, made.current):
        assert password not in printed.out + printed.err + str(cloudformation.answers)


def test_made_again_in_the_middle_of_a_rotation_the_secret_still_fits(
    made: World, cloudformation: CloudFormation
) -> None:
    made.rotate("createSecret", "setSecret")
    made.handle(event(cloudformation, "Update", PhysicalResourceId="application-application"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"
    assert made.database.accepts(made.current)
    with pytest.raises(Exception, match="another password"):
        made.rotate("testSecret")
    made.rotate()
    assert made.current != OLD
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


@pytest.mark.parametrize(
    ("password", "over"),
    [
        (OTHER, {}),
        (OLD, {"ssl": ""}),
        (OLD, {"locked": "Y"}),
        (OLD, {"plugin": "mysql_native_password"}),
    ],
)
def test_a_user_of_a_snapshot_is_made_fit(
    world: World, cloudformation: CloudFormation, password: str, over: dict[str, str]
) -> None:
    world.database.users["application"] = world.database.user(password, **over)
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"
    user = world.database.users["application"]
    assert (user.plugin, user.ssl, user.locked) == ("caching_sha2_password", "ANY", "N")
    assert world.database.accepts(OLD)


@pytest.mark.parametrize(
    "table",
    [
        "information_schema.user_privileges",
        "information_schema.schema_privileges",
        "information_schema.table_privileges",
        "mysql.role_edges",
    ],
)
def test_a_user_that_may_do_more_is_not_accepted(
    world: World, cloudformation: CloudFormation, table: str
) -> None:
    world.database.too_much.add(table)
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "FAILED"
    assert "more than its schema" in cloudformation.answers[0]["Reason"]


def test_a_user_of_the_same_name_for_some_hosts_is_not_accepted(
    world: World, cloudformation: CloudFormation
) -> None:
    """MySQL takes the closer one: with another password, and other rights."""
    world.database.namesakes.append(world.database.user(OTHER, host="10.%"))
    world.handle(event(cloudformation, "Create"))
    assert "another user of its name" in cloudformation.answers[0]["Reason"]


@pytest.mark.parametrize("password", ["x' OR '1'='1", "short", "with space in the middle"])
def test_a_password_that_is_none_of_ours_is_refused(
    world: World, cloudformation: CloudFormation, password: str
) -> None:
    value = json.dumps({"username": "application", "password": password})
    world.secrets.put_secret_value("application", "first", value, [])
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "FAILED"
    assert not [sql for sql in world.database.said if password in sql]


@pytest.mark.parametrize("name", ["application'@'%' --", "Application", "app_lication", "", "a" * 33])
@pytest.mark.parametrize("which", ["USERNAME", "SCHEMA"])
def test_a_name_that_must_not_stand_in_sql_is_refused(
    world: World, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch, which: str, name: str
) -> None:
    monkeypatch.setenv(which, name)
    value = json.dumps({"username": name if which == "USERNAME" else "application", "password": OLD})
    world.secrets.put_secret_value("application", "first", value, [])
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "FAILED"
    assert "must not stand in SQL" in cloudformation.answers[0]["Reason"]
    assert world.database.said == []


def test_the_secret_of_somebody_else_is_refused(
    world: World, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERNAME", "somebody")
    world.handle(event(cloudformation, "Create"))
    assert "not that of somebody" in cloudformation.answers[0]["Reason"]
    assert world.database.said == []


def test_an_answer_that_got_lost_is_sent_again(world: World, cloudformation: CloudFormation) -> None:
    cloudformation.refuse = 2
    world.handle(event(cloudformation, "Create"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_a_delete_and_a_rollback_leave_the_user(made: World, cloudformation: CloudFormation) -> None:
    made.handle(event(cloudformation, "Delete", PhysicalResourceId="application-application"))
    made.handle(event(cloudformation, "Delete", PhysicalResourceId="not-created"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"] * 2
    assert made.database.said == []


# -- patience ------------------------------------------------------------------------------------------


def refusing(world: World, times: int, *, passes: bool) -> tuple[Any, list[str]]:
    tries: list[str] = []

    def run(sql: str) -> list[list[str]]:
        tries.append(sql)
        if len(tries) <= times:
            raise world.names["Refused"]("error 42", passes=passes)
        return [["ok"]]

    return world.names["patient"](run), tries


def test_what_passes_is_waited_for(world: World) -> None:
    run, tries = refusing(world, 7, passes=True)
    assert run("SELECT 1") == [["ok"]]
    assert len(tries) == 8


@pytest.mark.parametrize(("passes", "tried"), [(False, 1), (True, 8)])
def test_what_does_not_pass_fails_and_quotes_no_statement(world: World, passes: bool, tried: int) -> None:
    run, tries = refusing(world, 99, passes=passes)
    with pytest.raises(Exception, match=r"^the database refused a statement: error 42$"):
        run("SELECT 'hunter2'")
    assert len(tries) == tried


# -- rotation ------------------------------------------------------------------------------------------


def test_a_rotation_changes_the_password_and_keeps_the_former_one(made: World) -> None:
    made.rotate()
    assert made.current != OLD
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)
    assert made.secrets.stages["application"]["first"] == {"AWSPREVIOUS"}


@pytest.mark.parametrize("repeated", STEPS)
def test_each_step_may_be_repeated(made: World, repeated: str) -> None:
    """Above all setSecret: said twice, MySQL would forget the password that everybody still uses."""
    for step in STEPS:
        made.rotate(*[step] * (3 if step == repeated else 1))
    assert made.secrets.made == 1
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_a_password_that_is_set_already_is_only_looked_at(made: World) -> None:
    made.rotate("createSecret", "setSecret")
    made.database.said.clear()
    made.rotate("setSecret")
    assert made.database.said
    assert all(sql.startswith("SELECT") for sql in made.database.said)


@pytest.mark.parametrize("broken_after", range(1, 4))
def test_the_steps_may_begin_again_from_the_first(made: World, broken_after: int) -> None:
    made.rotate(*STEPS[:broken_after])
    made.rotate()
    assert made.secrets.made == 1
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_an_answer_of_the_database_that_got_lost_does_not_lose_the_former_password(made: World) -> None:
    made.rotate("createSecret")
    made.lose = "RETAIN CURRENT PASSWORD"
    with pytest.raises(Exception, match="answer was lost"):
        made.rotate("setSecret")
    made.rotate("setSecret", "testSecret", "finishSecret")
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_until_the_last_step_the_secret_holds_a_password_that_works(made: World) -> None:
    for step in STEPS:
        made.rotate(step)
        assert made.database.accepts(made.current)


def test_a_new_rotation_after_one_that_broke_off_loses_nobody(made: World) -> None:
    """The broken one's password is the user's by then, and the current one only kept beside it."""
    made.rotate("createSecret", "setSecret")
    made.secrets.stages["application"]["next"].clear()
    made.secrets.begin("application", "later")
    for step in STEPS:
        made.rotate(step, version="later")
        assert made.database.accepts(OLD), step
        assert made.database.accepts(made.current), step
    assert made.secrets.made == 2


def test_two_that_set_the_password_at_once_are_found_and_mended(made: World) -> None:
    """Both see the old password, both say RETAIN: what is kept then is the new one."""
    made.rotate("createSecret", "setSecret")
    user = made.database.users["application"]
    user.former = user.primary
    with pytest.raises(Exception, match="does not count any more"):
        made.rotate("testSecret")
    made.rotate()
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_a_user_with_a_password_of_another_kind_gets_both(made: World) -> None:
    made.database.users["application"] = made.database.user(OTHER, plugin="mysql_native_password")
    made.rotate()
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_a_password_that_is_not_in_force_is_not_handed_out(made: World) -> None:
    made.rotate("createSecret", "setSecret")
    made.database.users["application"] = made.database.user(OTHER)
    with pytest.raises(Exception, match="another password"):
        made.rotate("testSecret")
    assert made.current == OLD


def test_a_user_that_loses_tls_meanwhile_stops_the_rotation(made: World) -> None:
    made.rotate("createSecret", "setSecret")
    made.database.users["application"].ssl = ""
    with pytest.raises(Exception, match="without TLS"):
        made.rotate("testSecret")


@pytest.mark.parametrize("over", [{"ssl": ""}, {"locked": "Y"}, None], ids=["no TLS", "locked", "missing"])
def test_a_rotation_makes_the_user_fit_again(made: World, over: dict[str, str] | None) -> None:
    """So there is one thing to do at night, whatever happened to it: rotate."""
    made.database.users.clear()
    if over:
        made.database.users["application"] = made.database.user(OLD, **over)
    made.rotate()
    user = made.database.users["application"]
    assert (user.ssl, user.locked) == ("ANY", "N")
    assert made.database.accepts(made.current)
    assert made.database.accepts(OLD)


def test_the_trial_of_a_new_schedule_changes_nothing(made: World) -> None:
    """Without a rotation at once, Secrets Manager tries testSecret with a version that equals the current."""
    made.secrets.begin("application", "trial", username="application", password=OLD)
    made.rotate("testSecret", version="trial")
    assert all(sql.startswith("SELECT") for sql in made.database.said)
    assert made.current == OLD


@pytest.mark.parametrize(
    ("token", "step", "enabled"),
    [("unknown", "createSecret", True), ("old", "setSecret", True), ("next", "setSecret", False)],
)
def test_a_rotation_that_nobody_asked_for_is_refused(
    made: World, token: str, step: str, enabled: bool
) -> None:
    made.secrets.stages["application"]["old"] = {"AWSPREVIOUS"}
    made.secrets.enabled = enabled
    with pytest.raises(ValueError, match="application"):
        made.rotate(step, version=token)
    assert made.database.said == []


def test_an_unknown_step_is_refused(made: World) -> None:
    with pytest.raises(ValueError, match="no step"):
        made.rotate("forgetSecret")
