"""A manifest's steps carry everything that a deployment needs: bindings, passes, capabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from tests.emulator.templates import TOPIC, parameter, template

PRIMARY = template({"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}})
RECOVERY = template(
    {"Kept": parameter({"Ref": "Arn"}), "Back": {**TOPIC, "Condition": "TwoWay"}},
    {"Kept": {"Fn::GetAtt": ["Kept", "Value"]}},
    Parameters={
        "Arn": {"Type": "String", "Default": "none"},
        "TwoWay": {"Type": "String", "Default": "false"},
    },
    Conditions={"TwoWay": {"Fn::Equals": [{"Ref": "TwoWay"}, "true"]}},
)
BOUND = {"from": {"stack_name": "acme-prod-a", "region": "eu-central-1", "output": "Arn"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "01-a.json").write_text(PRIMARY, encoding="utf-8")
    (tmp_path / "02-b.json").write_text(RECOVERY, encoding="utf-8")
    return tmp_path


def step(account: str, name: str, region: str, **parameters: Any) -> dict[str, Any]:
    return {
        "stack_name": f"acme-prod-{name}",
        "file": {"a": "01-a.json", "b": "02-b.json"}[name],
        "account": account,
        "region": region,
        "parameters": parameters,
        "capabilities": [],
    }


def test_a_bound_parameter_gets_the_primarys_output_and_keeps_it_in_a_later_pass(
    trial: Trial, folder: Path, account: str
) -> None:
    recovery = StackAt("acme-prod-b", account, "us-east-1")
    assert trial.deploy(folder, step(account, "a", "eu-central-1")) == "CREATE"
    assert trial.deploy(folder, step(account, "b", "us-east-1", Arn=BOUND)) == "CREATE"
    bound = trial.outputs(recovery)["Kept"]
    assert bound.startswith(f"arn:aws:sns:eu-central-1:{account}:acme-prod-a-Topic-")
    assert trial.deploy(folder, step(account, "b", "us-east-1", TwoWay="true")) == "UPDATE"
    assert trial.outputs(recovery)["Kept"] == bound
    assert trial.count(recovery)["real"] == 2


def test_a_bound_parameter_whose_source_is_not_there_says_which(
    trial: Trial, folder: Path, account: str
) -> None:
    with pytest.raises(TrialFailed, match="acme-prod-a in eu-central-1 has no output Arn"):
        trial.deploy(folder, step(account, "b", "us-east-1", Arn=BOUND))


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_a_template_too_long_to_be_sent_goes_through_a_bucket(
    trial: Trial, account: str, region: str
) -> None:
    at = StackAt("acme-prod-long", account, region)
    body = template({"Topic": TOPIC}, Metadata={"Filler": "x" * 60_000})
    assert trial.apply(at, body) == "CREATE"
    assert trial.apply(at, body) == "UNCHANGED"
    assert trial.count(at)["real"] == 1
