"""The functions of database users where they were deployed: the user is made, and its password rotates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from blueprint.environment import load_environment
from blueprint.layers import database, network, security
from blueprint.render import render
from tests.conftest import LEAST, merged

LAYERS = {"database": database.stacks, "network": network.stacks, "security": security.stacks}
REGION = "eu-west-1"


def deploy(trial: Trial, account: str, folder: Path, **settings: Any) -> StackAt:
    over = merged(LEAST, {"account": account, "database": settings})
    (folder / "prod.yaml").write_text(yaml.safe_dump(over), encoding="utf-8")
    rendered = render(load_environment(folder, "prod"), LAYERS)
    for name, body in rendered.files.items():
        (folder / name).write_bytes(body)
    for step in rendered.manifest["steps"]:
        trial.deploy(folder, step)
    return StackAt("acme-prod-database", account, REGION)


def resource(trial: Trial, at: StackAt, logical_id: str) -> str:
    [found] = [r for r in trial.resources(at) if r["LogicalResourceId"] == logical_id]
    return str(found["PhysicalResourceId"])


def test_the_user_is_made_with_the_stack_and_its_password_rotates(
    trial: Trial, account: str, tmp_path: Path
) -> None:
    at = deploy(trial, account, tmp_path, readers=0)
    assert resource(trial, at, "ApplicationUser") == "application-application"
    manager = trial.emulator.client("secretsmanager", REGION, account)
    secret = trial.outputs(at)["ApplicationSecretArn"]

    def current() -> dict[str, Any]:
        return dict(json.loads(manager.get_secret_value(SecretId=secret)["SecretString"]))

    before = current()
    assert before["username"] == "application"
    assert before["password"].isalnum()
    # The emulator switches rotation on and rotates nothing: the steps are the test's.
    manager.rotate_secret(SecretId=secret, RotationRules={"AutomaticallyAfterDays": 30})
    pending = json.dumps({**before, "password": "Rotated".ljust(40, "x")})
    made = manager.put_secret_value(SecretId=secret, SecretString=pending, VersionStages=["AWSPENDING"])

    def step(name: str) -> str:
        event = {"SecretId": secret, "ClientRequestToken": made["VersionId"], "Step": name}
        answer = trial.emulator.client("lambda", REGION, account).invoke(
            FunctionName=resource(trial, at, "DatabaseUser"), Payload=json.dumps(event)
        )
        return str(answer["Payload"].read().decode()) if "FunctionError" in answer else ""

    assert step("createSecret") == ""
    assert "another password" in step("testSecret"), "nothing is proved before it is set"
    assert [step(name) for name in ("setSecret", "testSecret")] == ["", ""]
    assert current() == before
    assert step("finishSecret") == ""
    assert current()["password"] == "Rotated".ljust(40, "x")


def test_a_database_that_does_not_answer_fails_the_stack(
    trial: Trial, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schema that may not stand in SQL is refused like anything else: the stack must hear of it."""
    monkeypatch.setattr("blueprint.layers._database_users.SCHEMA", "not-a-schema")
    with pytest.raises(TrialFailed, match="must not stand in SQL"):
        deploy(trial, account, tmp_path, readers=0)
