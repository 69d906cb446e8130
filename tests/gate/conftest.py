"""Small templates with and without faults, and the gate's answer to them (cfn-lint is asked once)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blueprint.gate import Finding, GateInput, check

REGIONS = ("eu-west-1", "eu-central-1")
# The command line with the gate's settings; file names follow.
CFN_LINT = [sys.executable, "-c", "from cfnlint.runner.cli import main; main()"]
CFN_LINT += ["--format", "json", "-c", "I", "-r", *REGIONS, "--"]
REASON = "The bucket holds nothing but what anybody may read anyway, see docs."

MISSPELT: dict[str, Any] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketNam": "x"}}
GOOD: dict[str, Any] = {
    "Type": "AWS::SNS::Topic",
    "Properties": {"KmsMasterKeyId": "alias/aws/sns", "Tags": [{"Key": "a", "Value": "b"}]},
}
# An open SSH port: W2508 of cloudformation-validate, nothing for cfn-lint.
OPEN: dict[str, Any] = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "open",
        "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}],
        "Tags": [{"Key": "a", "Value": "b"}],
    },
}
# A dependency that a reference makes already: W3005 of both.
TWICE: dict[str, Any] = {
    **GOOD,
    "DependsOn": "Other",
    "Properties": {**GOOD["Properties"], "DisplayName": {"Fn::Sub": "${Other.TopicName} 2"}},
}


def body(**resources: dict[str, Any]) -> bytes:
    data = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    return json.dumps(data, indent=1).encode()


def template(
    name: str = "10-a.json", regions: tuple[str, ...] = REGIONS, **resources: dict[str, Any]
) -> GateInput:
    return GateInput(name, body(**resources), regions, f"templates/prod/{name}")


def summary(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(finding.validator, finding.logical_id, finding.rule) for finding in findings}


@pytest.fixture(scope="session")
def faulty() -> list[GateInput]:
    name = {"Fn::Join": ["", ["a", {"Ref": "Other"}]]}  # I1022 of both: advice to use Fn::Sub
    joined = {**GOOD, "Properties": {**GOOD["Properties"], "DisplayName": name}}
    return [
        template("10-misspelt.json", Bucket=MISSPELT, Topic=GOOD),
        template("20-open.json", Group=OPEN),
        template("30-twice.json", Other=GOOD, Topic=TWICE),
        template("40-join.json", Other=GOOD, Topic=joined),
        template("50-good.json", Topic=GOOD),
    ]


@pytest.fixture(scope="session")
def findings(faulty: list[GateInput]) -> list[Finding]:
    """What the gate finds in ``faulty``."""
    return check(faulty, cache_dir=None, processes=2)


@pytest.fixture
def quick(tmp_path: Path) -> Callable[..., list[Finding]]:
    """The fast validator alone, with a cache of its own."""

    def run(*templates: GateInput, cache: Path = tmp_path / "cache", **options: Any) -> list[Finding]:
        return check(templates, cache_dir=cache, validators=("cloudformation-validate",), **options)

    return run
