"""The committed ledgers guard what holds data: nothing of it is renamed, replaced or dropped in passing."""

from __future__ import annotations

import json
from functools import cache

import pytest

from blueprint.layers import layers_for
from blueprint.layers.shared import names
from blueprint.problems import BlueprintError
from blueprint.render import ledger, render
from blueprint.stacks.stack import Stack
from blueprint.stacks.stateful import STATEFUL
from tests.conftest import ROOT, SHIPPED, load_example, load_shipped

shipped = cache(load_shipped)
#: Any of the user's environments; they all have the layers that the changes below are made to.
ONE = next(name for name in SHIPPED if name != "account")


def committed(name: str) -> ledger.Ledger:
    book = ledger.read(ROOT / "ledger" / f"{name}.json")
    assert book is not None, f"run python build.py --env {name}"
    return book


def reconciled(name: str) -> ledger.Ledger:
    """The ledger after rendering now, as the command does it."""
    subject = shipped(name).rendered.subject
    stacks = render(subject, layers_for(subject)).plan.stacks.values()
    return ledger.reconcile(committed(name), subject, stacks, ROOT / "ledger" / f"{name}.json")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_committed_ledger_is_that_of_the_render(name):
    book = reconciled(name)
    assert (ROOT / "ledger" / f"{name}.json").read_bytes() == ledger.to_bytes(book)


def is_member(resource):
    """A member of a cluster holds nothing of its own: the cluster does."""
    return resource["Type"] == "AWS::RDS::DBInstance" and "DBClusterIdentifier" in resource["Properties"]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_lists_every_resource_that_holds_data(name):
    holding = {
        f"{template.name}/{logical_id}"
        for template in shipped(name)
        for logical_id, resource in template.resources.items()
        if resource["Type"] in STATEFUL and not is_member(resource)
    }
    assert holding
    assert set(committed(name).current()) == holding


def test_there_is_a_ledger_for_each_shipped_environment_and_for_no_other():
    assert sorted(path.stem for path in (ROOT / "ledger").glob("*.json")) == SHIPPED


def test_records_hold_type_and_name_giving_properties():
    records = committed(ONE).current()
    prefix = names.bucket_prefix(shipped(ONE).rendered.subject, "uploads")
    assert records["storage/UploadsBucket"]["type"] == "AWS::S3::Bucket"
    assert records["storage/UploadsBucket"]["identity"]["BucketNamePrefix"] == prefix
    assert records["security/DatabaseKey"]["identity"]["MultiRegion"] is True


@pytest.mark.parametrize("name", SHIPPED)
def test_records_hold_every_account_and_region_where_the_resource_exists(name):
    steps = shipped(name).manifest["steps"]
    origins = {"IsPrimary": ["stack"], "IsRecovery": ["stack-set-instance"]}
    for place, record in committed(name).current().items():
        stack, logical_id = place.split("/")
        condition = shipped(name)[stack].resources[logical_id].get("Condition")
        kinds = origins.get(condition, ["stack", "stack-set-instance"])
        here = {(s["account"], s["region"]) for s in steps if s["stack"] == stack and s["kind"] in kinds}
        assert record["targets"] == sorted("/".join(target) for target in here), place


# -- what a careless change does -----------------------------------------------------------------------


def problems(name: str = ONE) -> str:
    with pytest.raises(BlueprintError) as error:
        reconciled(name)
    return str(error.value)


@pytest.fixture
def change(monkeypatch):
    """Change stateful resources on their way into a stack."""
    original = Stack.add_stateful

    def install(edit):
        monkeypatch.setattr(
            Stack,
            "add_stateful",
            lambda self, r, setting="", **more: original(self, edit(r), setting, **more),
        )

    return install


def test_a_renamed_logical_id_is_refused_though_the_template_is_valid(change):
    def rename(resource):
        if resource.title == "DatabaseKey":
            resource.title = "DataKey"
        return resource

    change(rename)
    text = problems()
    assert "security/DatabaseKey (AWS::KMS::Key) holds data and is no longer rendered" in text
    assert "(new are security/DataKey: was it renamed?)" in text
    assert "migration note" in text


def test_another_bucket_name_is_refused(monkeypatch):
    subject = shipped(ONE).rendered.subject
    before = names.bucket_prefix(subject, "uploads")
    monkeypatch.setattr(names, "bucket_prefix", lambda subject, bucket: f"{subject.project}-{bucket}")
    monkeypatch.setattr("blueprint.layers.shared.buckets.bucket_prefix", names.bucket_prefix)
    text = problems()
    assert "storage/UploadsBucket holds data and would be lost" in text
    assert f'"{before}"' in text
    assert f'"{subject.project}-uploads"' in text


def test_a_key_that_is_no_longer_multi_region_is_refused(change):
    def single(resource):
        if "MultiRegion" in resource.properties:
            resource.MultiRegion = False
        return resource

    change(single)
    assert "security/DatabaseKey holds data and would be lost" in problems()


def test_a_recovery_region_that_is_given_up_is_refused():
    rendered = load_example("prod").rendered
    path = ROOT / "ledger" / "prod.json"
    book = ledger.reconcile(None, rendered.subject, rendered.plan.stacks.values(), path)
    alone = rendered.subject.model_copy(update={"recovery": ()})
    stacks = render(alone, layers_for(alone)).plan.stacks.values()
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(book, alone, stacks, path)
    assert {problem.code for problem in error.value.problems} == {"LED002"}
    assert "storage/UploadsBucket holds data and would be lost" in str(error.value)


def test_a_dropped_layer_is_refused():
    """Once nothing refers to it any more, which the renderer refuses before."""
    rendered = shipped(ONE).rendered
    left = [stack for stack in rendered.plan.stacks.values() if stack.layer != "storage"]
    with pytest.raises(BlueprintError, match=r"UploadsBucket .* holds data and is no longer rendered"):
        ledger.reconcile(committed(ONE), rendered.subject, left, ROOT / "ledger" / f"{ONE}.json")


def test_what_the_message_says_to_append_is_what_lets_the_change_through(change, tmp_path):
    """The record that the message holds, and a migration note that names the resource."""

    def rename(resource):
        if resource.title == "LogsKey":
            resource.title = "LogKey"
        return resource

    change(rename)
    with pytest.raises(BlueprintError) as error:
        reconciled(ONE)
    record = json.loads(error.value.problems[0].remedy.partition("append the record ")[2])
    record["note"] = "docs/migrations/key.md"
    note = tmp_path / record["note"]
    note.parent.mkdir(parents=True)
    note.write_text("security/LogsKey becomes security/LogKey: re-encrypt the log groups first.", "utf-8")
    subject = shipped(ONE).rendered.subject
    book = committed(ONE)
    stacks = render(subject, layers_for(subject)).plan.stacks.values()
    after = ledger.reconcile(
        ledger.Ledger(book.identity, [*book.records, record]),
        subject,
        stacks,
        tmp_path / "ledger" / f"{ONE}.json",
    )
    assert "security/LogsKey" not in after.current()
    assert "security/LogKey" in after.current()
    assert ledger.reconcile(after, subject, stacks, tmp_path / "ledger" / f"{ONE}.json") == after
