"""The application on the emulator: Beanstalk's rule is parked, and one put in front fails the stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.emulator import Emulator
from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from blueprint.environment import load_environment
from blueprint.render import Rendered
from tests.conftest import LEAST, RECOVERY, merged
from tests.layers import application_stubs

Deploy = Callable[..., tuple[Rendered, list[StackAt]]]


@pytest.fixture
def deploy(trial: Trial, tmp_path: Path, account: str) -> Deploy:
    def run(**over: Any) -> tuple[Rendered, list[StackAt]]:
        (tmp_path / "prod.yaml").write_text(yaml.safe_dump(merged({**LEAST, "account": account}, over)))
        done = application_stubs.rendered(load_environment(tmp_path, "prod"))
        for name, body in done.files.items():
            (tmp_path / name).write_bytes(body)
        steps = json.loads(done.files["manifest.json"])["steps"]
        for step in steps:
            assert trial.deploy(tmp_path, step) == "CREATE"
        return done, [StackAt(s["stack_name"], s["account"], s["region"]) for s in steps]

    return run


def rules_of(emulator: Emulator, at: StackAt, arn: str) -> dict[int, list[dict[str, Any]]]:
    elb = emulator.client("elbv2", at.region, at.account)
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return {
        listener["Port"]: elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        for listener in listeners
    }


def test_the_application_is_created_in_both_regions_and_deleted(trial: Trial, deploy: Deploy) -> None:
    _, places = deploy(**RECOVERY)
    [first, second] = [at for at in places if at.name == "acme-prod-application"]
    assert {first.region, second.region} == {"eu-west-1", "eu-central-1"}
    for at in (first, second):
        outputs = trial.outputs(at)
        assert outputs["EnvironmentName"] == "acme-prod"
        assert outputs["PlatformArn"].startswith(f"arn:aws:elasticbeanstalk:{at.region}::platform/PHP 8.4 ")
        assert outputs["PlatformArn"].endswith("/4.10.1")
        rules = rules_of(trial.emulator, at, outputs["LoadBalancerArn"])
        parked = [r for r in rules[8081] if r["Actions"][0]["Type"] == "forward"]
        assert [rule["Priority"] for rule in parked] == ["40001"]
        assert not [r for r in rules[80] if r["Actions"][0]["Type"] == "forward"]
        assert len([r for r in rules[443] if r["Actions"][-1]["Type"] == "forward"]) == 4
    trial.delete_all()
    assert not trial.deployed


def test_a_rule_put_in_front_fails_the_next_look_and_without_it_the_stack_can_go(
    trial: Trial, deploy: Deploy, account: str
) -> None:
    done, places = deploy()
    [at] = [at for at in places if at.name == "acme-prod-application"]
    body = done.bodies["application"].decode()
    capabilities = ["CAPABILITY_IAM"]
    outputs = trial.outputs(at)
    elb = trial.emulator.client("elbv2", at.region, account)
    [public] = [
        listener
        for listener in elb.describe_listeners(LoadBalancerArn=outputs["LoadBalancerArn"])["Listeners"]
        if listener["Port"] == 443
    ]
    [group] = elb.describe_target_groups()["TargetGroups"]
    [made] = elb.create_rule(
        ListenerArn=public["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "host-header", "Values": ["*.elasticbeanstalk.com"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )["Rules"]
    with pytest.raises(TrialFailed, match="rule 1 of port 443 forwards to awseb-default"):
        trial.apply(at, body, {"Recheck": "2026-11-23"}, capabilities)
    elb.delete_rule(RuleArn=made["RuleArn"])
    trial.delete_all()


def test_tls_to_instances_is_switched_on_and_taken_back_step_by_step(
    trial: Trial, deploy: Deploy, account: str
) -> None:
    done, places = deploy()
    [at] = [at for at in places if at.name == "acme-prod-application"]
    body = done.bodies["application"].decode()
    full_name = trial.outputs(at)["TargetGroupFullName"]
    for setting, group in (
        ("added", "default"),
        ("watched", "default"),
        ("on", "tls"),
        ("watched", "default"),
        ("added", "default"),
        ("off", "default"),
    ):
        assert trial.apply(at, body, {"InstanceTls": setting}, ["CAPABILITY_IAM"]) == "UPDATE"
        assert trial.outputs(at)["TargetGroupFullName"].startswith(f"targetgroup/awseb-{group}-")
    assert trial.outputs(at)["TargetGroupFullName"] == full_name
    elb = trial.emulator.client("elbv2", at.region, account)
    assert len(elb.describe_target_groups()["TargetGroups"]) == 1
