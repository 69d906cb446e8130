"""The ledger knows the account, the region, the stack and the origin of everything that holds data."""

from __future__ import annotations

import json
import os

import pytest
from troposphere.s3 import Bucket

from blueprint.environment import load_account
from blueprint.problems import EXIT_FINDINGS, BlueprintError
from blueprint.render import ledger
from blueprint.stacks.places import Place
from tests.conftest import RECOVERY
from tests.small import codes, stack_of

PRIMARY, RECOVERED = "111122223333/eu-west-1", "111122223333/eu-central-1"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger" / "prod.json"


def stacks(subject, *conditions: str | None, name: str = "data"):
    """A stack in both regions, with a bucket for each of the conditions."""
    stack = stack_of(subject, name, Place.PRIMARY, Place.RECOVERY)
    del stack.resources["Bucket"]
    stack.is_recovery()  # declares both conditions
    for number, condition in enumerate(conditions):
        stack.add_stateful(Bucket(f"Bucket{number}", **({"Condition": condition} if condition else {})))
    return [stack]


def losses(path, subject, before, after) -> str:
    """What is said when ``after`` is rendered where ``before`` was."""
    old = ledger.reconcile(None, subject, before, path)
    assert ledger.reconcile(old, subject, before, path) == old
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, after, path)
    assert codes(error) == ["LED002"]
    assert error.value.exit_code == EXIT_FINDINGS
    return str(error.value)


def test_a_record_says_in_which_accounts_and_regions_the_resource_is(env):
    subject = env(**RECOVERY)
    records = ledger.records_of(stacks(subject, None, "IsPrimary", "IsRecovery", "IsSomethingElse"))
    assert [record["targets"] for record in records] == [
        [RECOVERED, PRIMARY],
        [PRIMARY],
        [RECOVERED],
        [RECOVERED, PRIMARY],
    ]
    assert {record["stack_name"] for record in records} == {"acme-prod-data"}


@pytest.mark.parametrize(
    ("before", "after", "given_up"),
    [
        ("IsPrimary", "IsRecovery", PRIMARY),
        ("IsRecovery", "IsPrimary", RECOVERED),
        (None, "IsPrimary", RECOVERED),
    ],
)
def test_a_flipped_condition_loses_what_was_where_it_no_longer_is(env, path, before, after, given_up):
    subject = env(**RECOVERY)
    said = losses(path, subject, stacks(subject, before), stacks(subject, after))
    was, becomes = said.split(" becomes ")
    assert given_up in was
    assert given_up not in becomes


def test_a_condition_that_falls_away_loses_nothing_and_is_recorded(env, path):
    subject = env(**RECOVERY)
    old = ledger.reconcile(None, subject, stacks(subject, "IsPrimary"), path)
    after = ledger.reconcile(old, subject, stacks(subject, None), path)
    assert after.current()["data/Bucket0"]["targets"] == [RECOVERED, PRIMARY]
    assert len(after.records) == 2


def test_another_stack_name_is_another_stack_and_a_loss(env, path, monkeypatch):
    """CloudFormation would make the new stack beside the old one, with another bucket."""
    subject = env()
    before, after = stacks(subject, None), stacks(subject, None)
    monkeypatch.setattr(type(after[0]), "stack_name", property(lambda self: next(names)))
    names = iter(["acme-prod-data"] * 2 + ["acme-prod-files"] * 9)
    said = losses(path, subject, before, after)
    assert '"stack_name": "acme-prod-data"' in said
    assert '"stack_name": "acme-prod-files"' in said


def test_an_account_that_is_no_longer_rolled_out_to_loses_what_is_there(environments, path):
    """Of the account's stacks the account is no part of the identity: only the targets tell."""

    def account(dev: str):
        files = {"prod": {}, "dev": {"account": dev}, "account": {}}
        return load_account(environments(**files))

    def everywhere(subject):
        return [stack_of(subject, "all", Place.ACCOUNT_REGIONS)]

    before = account("444455556666")
    old = ledger.reconcile(None, before, everywhere(before), path)
    assert old.current()["all/Bucket"]["targets"] == [PRIMARY, "444455556666/eu-west-1"]
    after = account("777788889999")
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, after, everywhere(after), path)
    assert codes(error) == ["LED002"]
    assert "444455556666/eu-west-1" in str(error.value)


# -- no ledger -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("records", [[], {}, None, "", 7, {"data/Uploads": {}}], ids=str)
def test_a_ledger_without_records_would_guard_nothing_and_is_none(path, records):
    path.parent.mkdir()
    identity = {"project": "acme"}
    path.write_text(json.dumps({"version": 1, "identity": identity, "records": records}))
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]
    assert "it has no records" in str(error.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_no_ledger_and_nobody_waits_for_it(path, make):
    path.parent.mkdir()
    make(path)
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]
    assert "it is not a file" in str(error.value)
