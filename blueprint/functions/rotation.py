"""Rotates the password in a secret, in the four steps that Secrets Manager asks for.

Any step may be repeated, and a rotation may begin anew where a former one broke off: so each step looks first
at what is done already. The new password counts for readers of the secret only after the last step.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3

PASSWORD_CHARACTERS = 40  # RDS takes 41 of a master user
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"

Credentials = dict[str, Any]  # of the secret: username, password and whatever else stands there
Step = Callable[[Credentials, Credentials, Any], None]  # the new credentials, those in use, Lambda's context


def rotation(*, apply: Step, prove: Step) -> Callable[[dict[str, Any], Any], None]:
    """The Lambda handler that has ``apply`` set a new password and ``prove`` find it in force.

    When a schedule is made, Secrets Manager has ``prove`` try a version that equals the current one.
    """

    def handler(event: dict[str, Any], context: Any) -> None:
        secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
        manager = boto3.client("secretsmanager")
        stages = _stages(manager, secret, token)
        if CURRENT in stages:
            return  # done: this is a repetition
        if PENDING not in stages:
            raise ValueError(f"version {token} of {secret} is not to be rotated to")
        print(f"{step} of {secret}")
        if step == "createSecret":
            _create(manager, secret, token)
        elif step in ("setSecret", "testSecret"):
            work = apply if step == "setSecret" else prove
            work(version(manager, secret, PENDING, token), version(manager, secret, CURRENT), context)
        elif step == "finishSecret":
            _finish(manager, secret, token)
        else:
            raise ValueError(f"there is no step {step}")

    return handler


def version(manager: Any, secret: str, stage: str, token: str = "") -> Credentials:
    """The credentials of a secret's version by stage, and by its id where that is known."""
    which = {"VersionId": token} if token else {}
    text = manager.get_secret_value(SecretId=secret, VersionStage=stage, **which)["SecretString"]
    return dict(json.loads(text))


def _stages(manager: Any, secret: str, token: str) -> list[str]:
    known = manager.describe_secret(SecretId=secret)
    if known.get("RotationEnabled") is False:
        raise ValueError(f"{secret} does not rotate")
    versions = known.get("VersionIdsToStages", {})
    if token not in versions:
        raise ValueError(f"{secret} has no version {token}")
    return list(versions[token])


def _create(manager: Any, secret: str, token: str) -> None:
    try:
        version(manager, secret, PENDING, token)
    except manager.exceptions.ResourceNotFoundException:
        credentials = version(manager, secret, CURRENT)
        credentials["password"] = manager.get_random_password(
            PasswordLength=PASSWORD_CHARACTERS, ExcludePunctuation=True
        )["RandomPassword"]
        manager.put_secret_value(
            SecretId=secret,
            ClientRequestToken=token,
            SecretString=json.dumps(credentials),
            VersionStages=[PENDING],
        )


def _finish(manager: Any, secret: str, token: str) -> None:
    versions = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    former = next(name for name, stages in versions.items() if CURRENT in stages)
    manager.update_secret_version_stage(
        SecretId=secret, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=former
    )
