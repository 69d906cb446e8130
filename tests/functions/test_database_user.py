"""The application's database user: made, repaired, rotated and proved, whatever fails in between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .secrets_manager import SecretsManager, refusal

OLD = "Old".ljust(40, "x")
SALT = b"0123456789abcdefghij"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass
class User:
    passwords: list[str]  # the one in use, and one that was kept
    plugin: str = "caching_sha2_password"
    ssl: str = "ANY"
    locked: str = "N"


@dataclass
class Database:
    """As much of MySQL as the function says to it, behind the Data API."""

    crypt: Callable[[bytes, bytes, int], bytes]
    users: dict[str, User] = field(default_factory=dict)
    schemas: set[str] = field(default_factory=set)
    privileges: list[tuple[str, str]] = field(default_factory=list)  # of the user: schema or *, privilege
    said: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    fail: list[str] = field(default_factory=list)  # codes, one for each of the next calls
    lose: str = ""  # the answer of the statement that begins so is lost

    def execute_statement(self, sql: str, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if self.fail and (code := self.fail.pop(0)):
            raise refusal(code, "ExecuteStatement")
        self.said.append(sql)
        rows = self._rows(sql)
        if self.lose and sql.startswith(self.lose):
            self.lose = ""
            raise refusal("BadRequestException", "ExecuteStatement")
        return {"records": [[{"stringValue": value} for value in row] for row in rows]}

    def _rows(self, sql: str) -> list[list[str]]:
        if "FROM mysql.user" in sql:
            user = self.users.get(re.search(r"user = '(\w+)'", sql)[1])
            return [[user.plugin, self.stored(user).hex().upper(), user.ssl, user.locked]] if user else []
        if "user_privileges" in sql:
            return [[privilege] for where, privilege in self.privileges if where == "*"]
        if "schema_privileges" in sql:
            return [[where] for where, _ in self.privileges if where not in ("*", "application")]
        if schema := re.fullmatch(r"CREATE DATABASE IF NOT EXISTS `(\w+)`", sql):
            self.schemas.add(schema[1])
        elif made := re.fullmatch(r"CREATE USER IF NOT EXISTS '(\w+)'@'%' (.*) BY '(\w+)' REQUIRE SSL", sql):
            self.users.setdefault(made[1], User([made[3]]))
        elif kept := re.fullmatch(
            r"ALTER USER '(\w+)'@'%' IDENTIFIED BY '(\w+)' RETAIN CURRENT PASSWORD", sql
        ):
            user = self.users[kept[1]]
            user.passwords = [kept[2], user.passwords[0]]
        elif changed := re.fullmatch(
            r"ALTER USER '(\w+)'@'%' IDENTIFIED WITH caching_sha2_password BY '(\w+)' REQUIRE SSL "
            r"ACCOUNT UNLOCK",
            sql,
        ):
            self.users[changed[1]] = User([changed[2]])
        elif granted := re.fullmatch(r"GRANT ALL PRIVILEGES ON `(\w+)`\.\* TO '(\w+)'@'%'", sql):
            self.privileges.append((granted[1], "ALL"))
        else:
            raise AssertionError(f"not understood: {sql}")
        return []

    def stored(self, user: User) -> bytes:
        return b"$A$005$" + SALT + self.crypt(user.passwords[0].encode(), SALT, 5000)


@dataclass
class World:
    names: dict[str, Any]
    secrets: SecretsManager
    database: Database

    def handle(self, event: dict[str, Any], seconds: float = 180) -> None:
        self.names["handler"](event, Context(seconds))

    def rotate(self, *steps: str, version: str = "next") -> None:
        self.secrets.rotate(self.names["handler"], "application", version, Context(), *steps)


@pytest.fixture
def world(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> World:
    names = load("database_user")
    names["try_again"] = lambda seconds: None
    secrets = SecretsManager(application={"username": "application", "password": OLD})
    database = Database(names["sha256_crypt"])
    clients = {"secretsmanager": secrets, "rds-data": database}
    monkeypatch.setattr(boto3, "client", lambda name: clients[name])
    for key, value in {
        "USERNAME": "application",
        "SCHEMA": "application",
        "CLUSTER": "arn:cluster",
        "MASTER_SECRET": "arn:master",
    }.items():
        monkeypatch.setenv(key, value)
    return World(names, secrets, database)


@pytest.fixture
def made(world: World) -> World:
    """A world with the user in it."""
    world.database.users["application"] = User([OLD])
    world.database.privileges.append(("application", "ALL"))
    return world


def event(cloudformation: CloudFormation, kind: str, **over: Any) -> dict[str, Any]:
    return cloudformation.event(kind, ResourceProperties={"Secret": "application"}, **over)


# -- how MySQL keeps a password ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "salt", "digest"),
    [
        ("Hello world!", "saltstring", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("This is just a test", "toolongsaltstrin", "Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"),
        (
            "Old password of forty characters and more",
            "anothersalt",
            "Gut2sGXSKJ1dZUz6cIm94t4/cuVaC/gSO9jBA/tGapB",
        ),
    ],
)
def test_digests_are_those_of_sha256_crypt(world: World, password: str, salt: str, digest: str) -> None:
    """As the C library and OpenSSL (``openssl passwd -5``) make them, with MySQL's number of rounds."""
    assert world.names["sha256_crypt"](password.encode(), salt.encode(), 5000) == digest.encode()


# -- making the user -----------------------------------------------------------------------------------


def test_the_user_is_made_for_its_schema_and_for_tls(world: World, cloudformation: CloudFormation) -> None:
    world.handle(event(cloudformation, "Create"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "SUCCESS", answer
    assert answer["PhysicalResourceId"] == "application-application"
    assert world.database.users == {"application": User([OLD])}
    assert world.database.privileges == [("application", "ALL")]
    assert world.database.schemas == {"application"}
    creations = [sql for sql in world.database.said if sql.startswith(("CREATE USER", "ALTER USER"))]
    assert creations
    assert all("REQUIRE SSL" in sql for sql in creations)


def test_the_master_password_is_never_read_only_named(world: World, cloudformation: CloudFormation) -> None:
    world.handle(event(cloudformation, "Create"))
    assert "master" not in world.secrets.values  # reading it would have failed
    assert {call["secretArn"] for call in world.database.calls} == {"arn:master"}
    assert {call["resourceArn"] for call in world.database.calls} == {"arn:cluster"}


def test_made_again_nothing_is_changed(made: World, cloudformation: CloudFormation) -> None:
    made.handle(event(cloudformation, "Update", PhysicalResourceId="application-application"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"
    assert all(sql.startswith("SELECT") for sql in made.database.said)


@pytest.mark.parametrize(
    "came_with_a_snapshot",
    [
        User(["Another".ljust(40, "x")]),
        User([OLD], ssl=""),
        User([OLD], locked="Y"),
        User([OLD], plugin="mysql_native_password"),
    ],
)
def test_a_user_of_a_snapshot_is_made_fit(
    world: World, cloudformation: CloudFormation, came_with_a_snapshot: User
) -> None:
    world.database.users["application"] = came_with_a_snapshot
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"
    assert world.database.users["application"] == User([OLD])


@pytest.mark.parametrize("too_much", [("*", "SUPER"), ("mysql", "SELECT")])
def test_a_user_that_may_do_more_is_not_accepted(
    world: World, cloudformation: CloudFormation, too_much: tuple[str, str]
) -> None:
    world.database.privileges.append(too_much)
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "FAILED"
    assert "more than its schema" in cloudformation.answers[0]["Reason"]


@pytest.mark.parametrize("password", ["x' OR '1'='1", "short", "with space in the middle"])
def test_a_password_that_sql_would_have_to_escape_is_refused(
    world: World, cloudformation: CloudFormation, password: str
) -> None:
    world.secrets.put_secret_value(
        "application", "first", json.dumps({"username": "application", "password": password}), []
    )
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "FAILED"
    assert not [sql for sql in world.database.said if password in sql]


def test_the_secret_of_somebody_else_is_refused(
    world: World, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERNAME", "somebody")
    world.handle(event(cloudformation, "Create"))
    assert "not that of somebody" in cloudformation.answers[0]["Reason"]


@pytest.mark.parametrize("code", ["DatabaseResumingException", "ServiceUnavailableError"])
def test_a_database_that_wakes_up_is_waited_for(
    world: World, cloudformation: CloudFormation, code: str
) -> None:
    world.database.fail = [code] * 5
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_a_database_that_never_wakes_up_fails_the_stack_without_telling_a_secret(
    world: World, cloudformation: CloudFormation
) -> None:
    world.database.fail = ["DatabaseResumingException"] * 99
    world.handle(event(cloudformation, "Create"))
    [answer] = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "DatabaseResumingException" in answer["Reason"]
    assert OLD not in answer["Reason"]
    assert "with a secret in it" not in answer["Reason"]


def test_a_role_made_a_moment_ago_is_waited_for(world: World, cloudformation: CloudFormation) -> None:
    world.database.fail = ["AccessDeniedException"]
    world.handle(event(cloudformation, "Create"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_an_answer_that_got_lost_is_sent_again(world: World, cloudformation: CloudFormation) -> None:
    cloudformation.refuse = 2
    world.handle(event(cloudformation, "Create"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_a_delete_and_a_rollback_leave_the_user(made: World, cloudformation: CloudFormation) -> None:
    made.handle(event(cloudformation, "Delete", PhysicalResourceId="application-application"))
    made.handle(event(cloudformation, "Delete", PhysicalResourceId="not-created"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"] * 2
    assert made.database.said == []


# -- rotation ------------------------------------------------------------------------------------------


def test_a_rotation_changes_the_password_and_keeps_the_former_one(made: World) -> None:
    made.secrets.begin("application", "next")
    made.rotate()
    new = made.secrets.current("application")["password"]
    assert new != OLD
    assert made.database.users["application"].passwords == [new, OLD]
    assert made.secrets.stages["application"]["first"] == {"AWSPREVIOUS"}


@pytest.mark.parametrize("repeated", STEPS)
def test_each_step_may_be_repeated(made: World, repeated: str) -> None:
    """Above all setSecret: said twice, MySQL would forget the password that everybody still uses."""
    made.secrets.begin("application", "next")
    for step in STEPS:
        made.rotate(*[step] * (3 if step == repeated else 1))
    assert made.secrets.made == 1
    new = made.secrets.current("application")["password"]
    assert made.database.users["application"].passwords == [new, OLD]


def test_an_answer_of_the_database_that_got_lost_does_not_lose_the_former_password(made: World) -> None:
    made.secrets.begin("application", "next")
    made.rotate("createSecret")
    made.database.lose = "ALTER USER"
    with pytest.raises(Exception, match="refused a statement: BadRequestException"):
        made.rotate("setSecret")
    made.rotate("setSecret", "testSecret", "finishSecret")
    new = made.secrets.current("application")["password"]
    assert made.database.users["application"].passwords == [new, OLD]


def test_until_the_last_step_the_secret_holds_a_password_that_works(made: World) -> None:
    made.secrets.begin("application", "next")
    for step in STEPS:
        made.rotate(step)
        assert made.secrets.current("application")["password"] in made.database.users["application"].passwords


def test_a_password_that_is_not_in_force_is_not_handed_out(made: World) -> None:
    made.secrets.begin("application", "next")
    made.rotate("createSecret", "setSecret")
    made.database.users["application"].passwords = ["Meddled".ljust(40, "x"), OLD]
    with pytest.raises(Exception, match="another password"):
        made.rotate("testSecret")
    assert made.secrets.current("application")["password"] == OLD


def test_a_user_that_lost_tls_stops_the_rotation(made: World) -> None:
    made.secrets.begin("application", "next")
    made.database.users["application"].ssl = ""
    made.rotate("createSecret", "setSecret")
    with pytest.raises(Exception, match="without TLS"):
        made.rotate("testSecret")


def test_a_user_that_is_missing_is_not_made_by_a_rotation(made: World) -> None:
    made.secrets.begin("application", "next")
    made.database.users.clear()
    made.rotate("createSecret")
    with pytest.raises(Exception, match="is missing"):
        made.rotate("setSecret")


def test_the_trial_of_a_new_schedule_changes_nothing(made: World) -> None:
    """Without a rotation at once, Secrets Manager tries testSecret with a version that equals the current."""
    made.secrets.begin("application", "trial", username="application", password=OLD)
    made.rotate("testSecret", version="trial")
    assert all(sql.startswith("SELECT") for sql in made.database.said)
    assert made.secrets.current("application")["password"] == OLD


@pytest.mark.parametrize(
    ("token", "step", "enabled"),
    [("unknown", "createSecret", True), ("old", "setSecret", True), ("next", "setSecret", False)],
)
def test_a_rotation_that_nobody_asked_for_is_refused(
    made: World, token: str, step: str, enabled: bool
) -> None:
    made.secrets.begin("application", "next")
    made.secrets.stages["application"]["old"] = {"AWSPREVIOUS"}
    made.secrets.enabled = enabled
    with pytest.raises(ValueError, match="application"):
        made.rotate(step, version=token)
    assert made.database.said == []


def test_an_unknown_step_is_refused(made: World) -> None:
    made.secrets.begin("application", "next")
    with pytest.raises(ValueError, match="no step"):
        made.rotate("forgetSecret")


# -- through the proxy ---------------------------------------------------------------------------------


def test_with_a_proxy_the_master_signs_in_by_a_token(
    made: World, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def over_proxy(host: str, username: str) -> Callable[[str], list[list[str]]]:
        asked.append((host, username))
        return made.database._rows

    made.names["over_proxy"] = over_proxy
    monkeypatch.setenv("PROXY", "proxy.example")
    monkeypatch.setenv("MASTER", "administrator")
    monkeypatch.delenv("CLUSTER")
    monkeypatch.delenv("MASTER_SECRET")
    made.handle(event(cloudformation, "Update", PhysicalResourceId="application-application"))
    assert cloudformation.answers[0]["Status"] == "SUCCESS"
    assert set(asked) == {("proxy.example", "administrator")}


def test_a_proxy_that_is_not_ready_is_waited_for_and_an_error_of_the_server_is_not(made: World) -> None:
    tries: list[str] = []

    def unready(sql: str) -> list[list[str]]:
        tries.append(sql)
        if len(tries) < 4:
            raise ConnectionRefusedError
        return [["ok"]]

    assert made.names["_patient"](unready)("SELECT 1") == [["ok"]]

    def wrong(sql: str) -> list[list[str]]:
        tries.append(sql)
        raise made.names["MySqlError"](1064)

    tries.clear()
    with pytest.raises(Exception, match="error 1064"):
        made.names["_patient"](wrong)("SELECT 1")
    assert len(tries) == 1
