"""The shipped templates are deployed on the emulator, from their manifests' lists of steps alone.

Nothing here renders: what is deployed is what is committed in ``templates/``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from blueprint.emulator import Emulator, running
from blueprint.emulator.trial import StackAt, Trial, TrialFailed
from tests.conftest import IN_SUMMARY

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "templates"
# The account comes first: what the environments need of it is there when they come.
ENVIRONMENTS = sorted(
    (path.parent.name for path in TEMPLATES.glob("*/manifest.json")),
    key=lambda name: (name != "account", name),
)


@dataclass
class Shipped:
    """One environment's folder and manifest."""

    name: str
    folder: Path = field(init=False)
    manifest: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.folder = TEMPLATES / self.name
        self.manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.manifest["steps"])

    @property
    def imports(self) -> dict[str, list[str]]:
        """The exports that each stack imports, by its name."""
        return {
            stack["name"]: [i["export"] for i in stack["imports"] if i["by"] == "Fn::ImportValue"]
            for stack in self.manifest["stacks"]
        }


def place_of(step: dict[str, Any]) -> StackAt:
    return StackAt(step["stack_name"], step["account"], step["region"])


def deploy(trial: Trial, *names: str) -> None:
    for name in names:
        shipped = Shipped(name)
        for step in shipped.steps:
            done = trial.deploy(shipped.folder, step)
            assert done == ("UPDATE" if step["pass"] else "CREATE"), f"step {step['step']} of {name}: {done}"


@pytest.fixture
def trial() -> Iterator[Trial]:
    with running(ROOT) as emulator:
        yield Trial(emulator)


def test_every_shipped_environment_is_among_them() -> None:
    written = {path.stem for path in (ROOT / "environments").glob("*.yaml")} - {"base"}
    assert set(ENVIRONMENTS) == written
    assert ENVIRONMENTS[0] == "account"


def test_all_environments_are_created_left_alone_and_deleted_by_their_steps(
    trial: Trial, record_property: Callable[[str, object], None]
) -> None:
    deploy(trial, *ENVIRONMENTS)
    for name in ENVIRONMENTS:
        see_that_references_resolved(trial.emulator, Shipped(name))
        see_that_a_second_run_changes_nothing(trial, Shipped(name))
        see_that_default_security_groups_are_closed(trial.emulator, Shipped(name))
    for line in report(trial):
        record_property(IN_SUMMARY, line)
    trial.delete_all()
    assert not trial.deployed


def see_that_references_resolved(emulator: Emulator, shipped: Shipped) -> None:
    """Every export of the manifest is there, and used by whoever the manifest says uses it."""
    for step in shipped.steps:
        at = place_of(step)
        client = emulator.client("cloudformation", at.region, at.account)
        for export in shipped.imports[step["stack"]]:
            pages = client.get_paginator("list_imports").paginate(ExportName=export)
            assert at.name in [name for page in pages for name in page["Imports"]], export


def see_that_a_second_run_changes_nothing(trial: Trial, shipped: Shipped) -> None:
    for step in shipped.steps:
        later = [other for other in shipped.steps if place_of(other) == place_of(step)]
        if step is later[-1]:  # the parameters of an earlier pass would undo the later one
            assert trial.deploy(shipped.folder, step) == "UNCHANGED", f"step {step['step']} of {shipped.name}"


def see_that_default_security_groups_are_closed(emulator: Emulator, shipped: Shipped) -> None:
    """The custom resource's function ran, in every region, and did what it is for."""
    types = {s["name"]: {r["type"] for r in s["resources"].values()} for s in shipped.manifest["stacks"]}
    for step in shipped.steps:
        if "AWS::EC2::VPC" in types[step["stack"]]:
            ec2 = emulator.client("ec2", step["region"], step["account"])
            stack = [{"Name": "tag:aws:cloudformation:stack-name", "Values": [step["stack_name"]]}]
            [vpc] = ec2.describe_vpcs(Filters=stack)["Vpcs"]
            default = [
                {"Name": "vpc-id", "Values": [vpc["VpcId"]]},
                {"Name": "group-name", "Values": ["default"]},
            ]
            [group] = ec2.describe_security_groups(Filters=default)["SecurityGroups"]
            assert group["IpPermissions"] == group["IpPermissionsEgress"] == [], place_of(step)


def report(trial: Trial) -> Iterator[str]:
    """What a pass of this test means: how much was made, and how much only stood in."""
    total: Counter[str] = Counter()
    for at in trial.deployed:
        count = trial.count(at)
        total += count
        yield f"  {at}: created for real {count['real']}, stood in {count['stood in']}"
    yield f"  {len(trial.deployed)} stacks: created for real {total['real']}, stood in {total['stood in']}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_stack_deployed_before_what_it_imports_fails(trial: Trial, name: str) -> None:
    shipped = Shipped(name)
    for step in shipped.steps:
        if shipped.imports[step["stack"]] and not step["pass"]:
            with pytest.raises(TrialFailed, match=r"Export '.*' not found|has no output"):
                trial.deploy(shipped.folder, step)


@pytest.mark.parametrize("name", [name for name in ENVIRONMENTS if name != "account"][:1])
def test_a_stack_whose_exports_are_in_use_is_not_deleted(trial: Trial, name: str) -> None:
    deploy(trial, "account", name)
    shipped = Shipped(name)
    in_use = {export for exports in shipped.imports.values() for export in exports}
    owners = [
        stack["name"]
        for stack in shipped.manifest["stacks"]
        if in_use & {output["export"] for output in stack["outputs"]}
    ]
    assert owners
    for step in shipped.steps:
        if step["stack"] in owners and step["place"] == "primary":
            with pytest.raises(ClientError, match="is imported by stack"):
                trial.delete(place_of(step))
