"""The function that merges accounts, where it was deployed, against a user pool that really links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.emulator.trial import StackAt, Trial
from blueprint.environment import load_environment
from blueprint.layers import edge, identity, security, storage
from blueprint.render import render
from tests.conftest import LEAST, merged

VICTIM = "victim@example.com"
NEEDED = ("security", "edge-dns", "identity")
LAYERS = {
    "edge": lambda env: [stack for stack in edge.stacks(env) if stack.name != "edge-records"],
    "identity": identity.stacks,
    "security": security.stacks,
    "storage": storage.stacks,
}


class Deployed:
    """The identity stack of one account, with one person in its pool."""

    def __init__(self, trial: Trial, account: str, folder: Path) -> None:
        secret = json.dumps({"client_id": "id", "client_secret": "of nobody"})
        self.clients = {
            name: trial.emulator.client(name, "eu-west-1", account)
            for name in ("cognito-idp", "lambda", "secretsmanager")
        }
        self.clients["secretsmanager"].create_secret(Name="acme/google", SecretString=secret)
        over = {"account": account, "identity": {"social": {"google": "acme/google"}}}
        (folder / "prod.yaml").write_text(yaml.safe_dump(merged(LEAST, over)), encoding="utf-8")
        rendered = render(load_environment(folder, "prod"), LAYERS)
        for name, body in rendered.files.items():
            (folder / name).write_bytes(body)
        for step in rendered.manifest["steps"]:
            if step["stack"] in NEEDED:
                trial.deploy(folder, step)
        self.pool = trial.outputs(StackAt("acme-prod-identity", account, "eu-west-1"))["UserPoolId"]
        self._add_victim()

    def _add_victim(self) -> None:
        cognito = self.clients["cognito-idp"]
        pool = cognito.describe_user_pool(UserPoolId=self.pool)["UserPool"]
        # The emulator keeps numbers of parameters as text, and cannot compare a password with that.
        cognito.update_user_pool(
            UserPoolId=self.pool,
            LambdaConfig=pool["LambdaConfig"],
            Policies={"PasswordPolicy": {"MinimumLength": 12}},
        )
        proved = [{"Name": "email", "Value": VICTIM}, {"Name": "email_verified", "Value": "true"}]
        who = {"UserPoolId": self.pool, "Username": VICTIM}
        cognito.admin_create_user(**who, UserAttributes=proved, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(**who, Password="Correct-Horse-7", Permanent=True)

    def first_sign_in(self, name: str, verified: str) -> dict[str, Any]:
        event = {
            "version": "1",
            "userPoolId": self.pool,
            "userName": name,
            "triggerSource": "PreSignUp_ExternalProvider",
            "request": {"userAttributes": {"email": VICTIM, "email_verified": verified}},
            "response": {"autoConfirmUser": False},
        }
        config = self.clients["cognito-idp"].describe_user_pool(UserPoolId=self.pool)["UserPool"]
        answer = self.clients["lambda"].invoke(
            FunctionName=config["LambdaConfig"]["PreSignUp"], Payload=json.dumps(event).encode()
        )
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return dict(said)

    def links(self) -> list[tuple[str, str]]:
        user = self.clients["cognito-idp"].admin_get_user(UserPoolId=self.pool, Username=VICTIM)
        attributes = {a["Name"]: a["Value"] for a in user["UserAttributes"]}
        linked = json.loads(attributes.get("identities", "[]"))
        return [(link["providerName"], link["userId"]) for link in linked]


@pytest.fixture
def deployed(trial: Trial, account: str, tmp_path: Path) -> Deployed:
    return Deployed(trial, account, tmp_path)


def test_who_proved_the_address_twice_is_linked_once_and_an_attacker_never(deployed: Deployed) -> None:
    deployed.first_sign_in("google_666", "false")
    deployed.first_sign_in("facebook_666", "true")
    assert deployed.links() == []
    for _ in range(2):  # Cognito repeats a call whose answer it missed
        assert deployed.first_sign_in("google_123", "true")["response"] == {"autoConfirmUser": False}
    assert deployed.links() == [("Google", "123")]
