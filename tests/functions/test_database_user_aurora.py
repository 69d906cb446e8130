"""The way to Aurora: the Data API, the master's secret by name only, and what is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import CloudFormation, Context
from .mysql import MySql
from .secrets_manager import SecretsManager, refusal

PASSWORD = "Old".ljust(40, "x")


class DataApi:
    """Answers as the service does: text, and nothing for NULL and numbers."""

    def __init__(self, database: MySql) -> None:
        self.database = database
        self.calls: list[dict[str, Any]] = []
        self.fail: list[str] = []  # codes, one for each of the next calls

    def execute_statement(self, sql: str, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if self.fail:
            raise refusal(self.fail.pop(0), "ExecuteStatement")
        rows = self.database.run(sql)
        if sql.startswith("SELECT 1"):
            return {"records": [[{"longValue": 1}] for _ in rows]}
        fields = [[{"stringValue": value} if value else {"isNull": True} for value in row] for row in rows]
        return {"records": fields} if sql.startswith("SELECT") else {"numberOfRecordsUpdated": 0}


@pytest.fixture
def api(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    names = load("database_user_aurora")
    names["try_again"] = lambda seconds: None
    secrets = SecretsManager(application={"username": "application", "password": PASSWORD})
    api = DataApi(MySql(names["sha256_crypt"]))
    api.names, api.secrets = names, secrets
    monkeypatch.setattr(boto3, "client", lambda name: {"secretsmanager": secrets, "rds-data": api}[name])
    for key, value in {
        "USERNAME": "application",
        "SCHEMA": "application",
        "CLUSTER": "arn:cluster",
        "MASTER_SECRET": "arn:master",
    }.items():
        monkeypatch.setenv(key, value)
    return api


def create(api: Any, cloudformation: CloudFormation) -> dict[str, Any]:
    event = cloudformation.event("Create", ResourceProperties={"Secret": "application"})
    api.names["handler"](event, Context(180))
    return cloudformation.answers[-1]


def test_the_user_is_made_and_rotates(api: Any, cloudformation: CloudFormation) -> None:
    assert create(api, cloudformation)["Status"] == "SUCCESS"
    api.secrets.begin("application", "next")
    api.secrets.rotate(api.names["handler"], "application", "next", Context())
    assert api.secrets.current("application")["password"] != PASSWORD
    assert api.database.accepts(api.secrets.current("application")["password"])
    assert api.database.accepts(PASSWORD)


def test_the_master_password_is_never_read_only_named(api: Any, cloudformation: CloudFormation) -> None:
    create(api, cloudformation)
    assert "master" not in api.secrets.values  # reading it would have failed
    assert {call["secretArn"] for call in api.calls} == {"arn:master"}
    assert {call["resourceArn"] for call in api.calls} == {"arn:cluster"}
    assert all(call["continueAfterTimeout"] for call in api.calls)


@pytest.mark.parametrize(
    "code",
    [
        "DatabaseResumingException",
        "DatabaseUnavailableException",
        "HttpEndpointNotEnabledException",
        "SecretsErrorException",
        "ServiceUnavailableError",
    ],
)
def test_a_database_that_wakes_up_is_waited_for(api: Any, cloudformation: CloudFormation, code: str) -> None:
    api.fail = [code] * 5
    assert create(api, cloudformation)["Status"] == "SUCCESS"


def test_every_error_that_is_waited_for_is_one_of_the_service(api: Any) -> None:
    known = {shape.name for shape in boto3_errors("rds-data")} | {"ThrottlingException"}
    assert set(api.names["PASSING"]) <= known


def boto3_errors(service: str) -> list[Any]:
    import botocore.session

    return list(botocore.session.get_session().get_service_model(service).error_shapes)


@pytest.mark.parametrize(("code", "tries"), [("DatabaseResumingException", 8), ("DatabaseErrorException", 1)])
def test_a_database_that_goes_on_refusing_fails_the_stack_without_telling_a_secret(
    api: Any, cloudformation: CloudFormation, code: str, tries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    api.fail = [code] * 99
    answer = create(api, cloudformation)
    assert answer["Status"] == "FAILED"
    assert code in answer["Reason"]
    assert len(api.calls) == tries
    printed = capsys.readouterr()
    for text in (str(answer), printed.out, printed.err):
        assert PASSWORD not in text
        assert "with a secret in it" not in text


def test_a_role_made_a_moment_ago_is_waited_for(api: Any, cloudformation: CloudFormation) -> None:
    api.fail = ["AccessDeniedException"]
    assert create(api, cloudformation)["Status"] == "SUCCESS"
