"""Secrets Manager as rotations see it: versions with stages, one secret per name."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError


def refusal(code: str, operation: str = "an operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "with a secret in it"}}, operation)


class _NotFound(ClientError):
    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")


class SecretsManager:
    """``rotate`` runs the four steps as the service does; ``lose`` makes answers of calls get lost."""

    class exceptions:
        ResourceNotFoundException = _NotFound

    def __init__(self, **secrets: dict[str, Any]) -> None:
        self.values = {name: {"first": json.dumps(value)} for name, value in secrets.items()}
        self.stages = {name: {"first": {"AWSCURRENT"}} for name in secrets}
        self.enabled = True
        self.made = 0

    def current(self, name: str) -> dict[str, Any]:
        return json.loads(self.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"])

    def begin(self, name: str, token: str, **value: Any) -> None:
        """A rotation begins: the version has a name and a stage, and mostly no value yet."""
        self.stages[name][token] = {"AWSPENDING"}
        if value:
            self.values[name][token] = json.dumps(value)

    def rotate(self, handler: Any, name: str, token: str, context: Any, *steps: str) -> None:
        for step in steps or ("createSecret", "setSecret", "testSecret", "finishSecret"):
            handler({"SecretId": name, "ClientRequestToken": token, "Step": step}, context)

    # -- the API ---------------------------------------------------------------------------------------

    def describe_secret(self, SecretId: str) -> dict[str, Any]:
        versions = {token: sorted(stages) for token, stages in self.stages[SecretId].items() if stages}
        return {"RotationEnabled": self.enabled, "VersionIdsToStages": versions}

    def get_secret_value(self, SecretId: str, VersionStage: str, VersionId: str = "") -> dict[str, Any]:
        for token, stages in self.stages[SecretId].items():
            if VersionStage in stages and VersionId in ("", token) and token in self.values[SecretId]:
                return {"SecretString": self.values[SecretId][token]}
        raise _NotFound

    def get_random_password(self, PasswordLength: int, ExcludePunctuation: bool) -> dict[str, Any]:
        assert ExcludePunctuation
        self.made += 1
        return {"RandomPassword": f"New{self.made}".ljust(PasswordLength, "x")}

    def put_secret_value(
        self, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list[str]
    ) -> None:
        self.values[SecretId][ClientRequestToken] = SecretString
        self.stages[SecretId].setdefault(ClientRequestToken, set()).update(VersionStages)

    def update_secret_version_stage(
        self, SecretId: str, VersionStage: str, MoveToVersionId: str, RemoveFromVersionId: str
    ) -> None:
        stages = self.stages[SecretId]
        assert VersionStage in stages[RemoveFromVersionId]
        for old in stages.values():
            old.discard("AWSPREVIOUS")
        stages[RemoveFromVersionId].discard(VersionStage)
        stages[RemoveFromVersionId].add("AWSPREVIOUS")
        stages[MoveToVersionId].add(VersionStage)
