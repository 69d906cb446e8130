"""No resource that holds data is renamed, replaced or dropped by accident."""

from __future__ import annotations

import json

import pytest
from troposphere.s3 import Bucket, VersioningConfiguration
from troposphere.sns import Topic

from blueprint.problems import EXIT_FINDINGS, BlueprintError
from blueprint.render import ledger
from blueprint.stacks.places import Place
from tests.conftest import RECOVERY
from tests.small import codes, stack_of


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
            "regions": ["eu-west-1"],
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


NOTE = "docs/migrations/uploads.md"


def write_note(path, text: str, name: str = NOTE) -> None:
    note = path.parent.parent / name
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(text, encoding="utf-8")


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
    old = dropped(committed(path, subject, bucket(subject)), NOTE)
    write_note(path, "Some bucket went.")
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


def test_a_drop_with_its_note_goes_through_and_stays_in_the_ledger(env, path):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), NOTE)
    write_note(path, "data/Uploads moved to data/Files.")
    assert ledger.reconcile(old, subject, [], path) == old
    assert old.current() == {}


def test_a_replacement_with_its_note_goes_through(env, path):
    subject = env()
    old = committed(path, subject, bucket(subject, BucketNamePrefix="one"))
    write_note(path, "data/Uploads is copied to the new bucket.")
    (record,) = ledger.records_of(bucket(subject, BucketNamePrefix="two"))
    new = ledger.Ledger(old.identity, [*old.records, {**record, "note": NOTE}])
    assert ledger.reconcile(new, subject, bucket(subject, BucketNamePrefix="two"), path) == new


def test_a_note_elsewhere_is_no_note(env, path):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), "README.md")
    write_note(path, "data/Uploads moved.", "README.md")
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


def test_what_was_dropped_may_come_back_without_a_note(env, path):
    """Dropping it needed one; to make it again loses nothing."""
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), NOTE)
    write_note(path, "data/Uploads moved to data/Files.")
    after = ledger.reconcile(old, subject, bucket(subject), path)
    assert list(after.current()) == ["data/Uploads"]
    assert ledger.reconcile(after, subject, bucket(subject), path) == after


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


# -- regions -------------------------------------------------------------------------------------------


def in_both(subject):
    stack = stack_of(subject, "data", Place.PRIMARY, Place.RECOVERY)
    return [stack]


def test_one_more_region_loses_nothing_and_is_recorded(env, path):
    old = committed(path, env(), in_both(env()))
    subject = env(**RECOVERY)
    after = ledger.reconcile(old, subject, in_both(subject), path)
    assert after.current()["data/Bucket"]["regions"] == ["eu-central-1", "eu-west-1"]


def test_one_region_less_loses_what_is_there(env, path):
    subject = env(**RECOVERY)
    old = committed(path, subject, in_both(subject))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, env(), in_both(env()), path)
    assert codes(error) == ["LED002"]
    assert "eu-central-1" in str(error.value)


# -- another deployment --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"account": "444455556666"}, {"region": "us-west-2"}, {"project": "other"}]
)
def test_a_ledger_is_about_one_deployment_and_no_typo_makes_it_another(env, path, change):
    subject = env()
    old = committed(path, subject, bucket(subject))
    other = env(**change)
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, other, bucket(other), path)
    assert codes(error) == ["LED004"]
    assert "delete the ledger" in str(error.value)


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
