"""No resource that holds data is renamed, replaced or dropped by accident."""

from __future__ import annotations

import json

import pytest
from troposphere.s3 import Bucket, VersioningConfiguration
from troposphere.sns import Topic

from blueprint.problems import EXIT_FINDINGS, BlueprintError
from blueprint.render import ledger
from tests.conftest import RECOVERY
from tests.render.conftest import codes, stack_of


def bucket(subject, logical_id="Uploads", **properties):
    stack = stack_of(subject, "data")
    del stack.resources["Bucket"]
    stack.add_stateful(Bucket(logical_id, **properties))
    return [stack]


@pytest.fixture
def path(tmp_path):
    """Where the ledger is, in a project of its own."""
    return tmp_path / "project" / "ledger" / "prod.json"


def committed(path, subject, stacks) -> ledger.Ledger:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ledger.to_bytes(ledger.reconcile(ledger.read(path), subject, stacks, path)))
    return ledger.read(path)


# -- growth --------------------------------------------------------------------------------------------


def test_a_ledger_begins_with_everything_that_holds_data_and_nothing_else(env, path):
    subject = env()
    stacks = bucket(subject, BucketNamePrefix="acme-prod-uploads")
    stacks[0].add(Topic("Topic"))
    assert committed(path, subject, stacks).records == [
        {
            "resource": "data/Uploads",
            "type": "AWS::S3::Bucket",
            "identity": {"BucketNamePrefix": "acme-prod-uploads"},
        }
    ]


def test_a_new_resource_is_added_by_rendering(env, path):
    subject = env()
    committed(path, subject, bucket(subject))
    stacks = bucket(subject)
    stacks[0].add_stateful(Bucket("More"))
    assert list(committed(path, subject, stacks).current()) == ["data/Uploads", "data/More"]


def test_rendering_again_changes_no_byte(env, path):
    subject = env()
    committed(path, subject, bucket(subject))
    before = path.read_bytes()
    committed(path, subject, bucket(subject))
    assert path.read_bytes() == before


# -- loss ----------------------------------------------------------------------------------------------


def test_a_dropped_resource_fails_and_says_what_to_write(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED002"]
    assert error.value.exit_code == EXIT_FINDINGS
    assert "data/Uploads (AWS::S3::Bucket) holds data and is no longer rendered" in str(error.value)
    assert '"dropped": true' in str(error.value)


def test_a_renamed_logical_id_is_a_dropped_resource(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, bucket(subject, "UserUploads"), path)
    assert codes(error) == ["LED002"]


def test_a_changed_name_is_a_replacement_and_fails(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject, BucketNamePrefix="one"))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, bucket(subject, BucketNamePrefix="two"), path)
    assert codes(error) == ["LED002"]
    assert '"one"' in str(error.value)
    assert '"two"' in str(error.value)


def test_what_can_change_in_place_may_change(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject))
    changed = bucket(subject, VersioningConfiguration=VersioningConfiguration(Status="Enabled"))
    assert ledger.reconcile(old, subject, changed, path) == old


def test_all_losses_are_told_at_once(env, path):
    subject = env()
    stacks = bucket(subject)
    stacks[0].add_stateful(Bucket("More"))
    old = committed(path, subject, stacks)
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED002", "LED002"]


# -- the lawful way ------------------------------------------------------------------------------------


def dropped(old: ledger.Ledger, note: str) -> ledger.Ledger:
    record = {"resource": "data/Uploads", "dropped": True, "note": note}
    return ledger.Ledger(old.identity, [*old.records, record])


def test_a_drop_needs_a_migration_note_that_exists(env, path):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), "docs/migrations/none.md")
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


def test_a_note_that_does_not_name_the_resource_is_no_note(env, path):
    subject = env()
    note = path.parent.parent / "note.md"
    old = dropped(committed(path, subject, bucket(subject)), "note.md")
    note.write_text("Some bucket went.", encoding="utf-8")
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


def test_a_drop_with_its_note_goes_through_and_stays_in_the_ledger(env, path):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), "note.md")
    (path.parent.parent / "note.md").write_text("data/Uploads moved to data/Files.", encoding="utf-8")
    assert ledger.reconcile(old, subject, [], path) == old
    assert old.current() == {}


def test_a_replacement_with_its_note_goes_through(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject, BucketNamePrefix="one"))
    (path.parent.parent / "note.md").write_text("data/Uploads is copied to the new bucket.", encoding="utf-8")
    (record,) = ledger.records_of(bucket(subject, BucketNamePrefix="two"))
    new = ledger.Ledger(old.identity, [*old.records, {**record, "note": "note.md"}])
    assert ledger.reconcile(new, subject, bucket(subject, BucketNamePrefix="two"), path) == new


def test_a_record_edited_without_a_note_is_noticed(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject, BucketNamePrefix="one"))
    (record,) = ledger.records_of(bucket(subject, BucketNamePrefix="two"))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(
            ledger.Ledger(old.identity, [*old.records, record]),
            subject,
            bucket(subject, BucketNamePrefix="two"),
            path,
        )
    assert codes(error) == ["LED003"]


# -- another deployment --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"account": "444455556666"}, {"region": "us-west-2"}, {"project": "other"}]
)
def test_another_deployment_touches_nothing_old_and_begins_anew(env, path, change):
    subject = env()
    old = committed(path, subject, bucket(subject))
    assert ledger.reconcile(old, env(**change), [], path).records == []


def test_another_recovery_region_is_the_same_deployment(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject))
    with pytest.raises(BlueprintError):
        ledger.reconcile(old, env(**RECOVERY), [], path)


def test_the_account_has_a_ledger_like_any_environment(account):
    assert ledger.identity(account()) == {
        "project": "acme",
        "environment": "account",
        "region": "eu-west-1",
    }


# -- the file ------------------------------------------------------------------------------------------


def test_no_file_is_no_ledger(path):
    assert ledger.read(path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": 2, "identity": {}, "records": []}',
        '{"version": 1, "identity": {}, "records": [{"type": "x"}]}',
        '{"version": 1, "identity": {}, "records": 7}',
        "{" * 100_000,
        "<<<<<<< HEAD",
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_a_file_that_is_no_ledger_is_one_clean_problem(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]
    assert str(path) in str(error.value)


def test_bytes_that_are_no_text_are_one_clean_problem(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]


def test_what_is_written_is_read_back(env, path):
    subject = env()
    book = ledger.reconcile(None, subject, bucket(subject), path)
    path.parent.mkdir(parents=True)
    path.write_bytes(ledger.to_bytes(book))
    assert ledger.read(path) == book
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == ledger.VERSION
