"""No resource that holds data is renamed, replaced or dropped by accident."""

from __future__ import annotations

import json

import pytest
from troposphere.s3 import Bucket, VersioningConfiguration
from troposphere.sns import Topic

from blueprint.environment import load_account
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
            "stack_name": "acme-prod-data",
            "type": "AWS::S3::Bucket",
            "targets": ["111122223333/eu-west-1"],
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
    assert "(new are data/UserUploads: was it renamed?)" in str(error.value)


def test_what_is_dropped_and_not_renamed_gets_no_such_hint(env, path):
    subject = env()
    stacks = bucket(subject)
    stacks[0].add_stateful(Bucket("More"))
    old = committed(path, subject, stacks)
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, bucket(subject), path)
    assert "renamed" not in str(error.value)


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


@pytest.mark.parametrize(
    "note",
    [
        "docs/migrations/../../README.md",
        "docs/migrations",
        "docs/migrations/deep/uploads.md",
        "docs/migrations/\0.md",
        f"docs/migrations/{'x' * 5000}.md",
        "",
        7,
        None,
    ],
    ids=["up and out", "a folder", "below a folder", "no path", "too long", "empty", "a number", "nothing"],
)
def test_a_note_that_is_no_file_of_that_folder_is_no_note(env, path, note):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), note)
    for name in ("README.md", "docs/migrations/deep/uploads.md"):
        write_note(path, "data/Uploads moved.", name)
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


@pytest.mark.parametrize(
    "text", ["data/UploadsArchive went.", "bigdata/Uploads went.", "old-data/Uploads went."]
)
def test_a_note_about_a_resource_with_a_longer_name_is_no_note(env, path, text):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), NOTE)
    write_note(path, text)
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, subject, [], path)
    assert codes(error) == ["LED003"]


@pytest.mark.parametrize(
    "text", ["`data/Uploads`, went", "data/Uploads", "# data/Uploads: went", "-data/Uploads."]
)
def test_a_note_may_name_the_resource_anywhere(env, path, text):
    subject = env()
    old = dropped(committed(path, subject, bucket(subject)), NOTE)
    write_note(path, text)
    assert ledger.reconcile(old, subject, [], path) == old


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
    assert after.current()["data/Bucket"]["targets"] == [
        "111122223333/eu-central-1",
        "111122223333/eu-west-1",
    ]


def test_one_region_less_loses_what_is_there(env, path):
    subject = env(**RECOVERY)
    old = committed(path, subject, in_both(subject))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, env(), in_both(env()), path)
    assert codes(error) == ["LED002"]
    assert "eu-central-1" in str(error.value)


def test_a_region_that_is_given_up_needs_a_note_like_any_loss(env, path):
    both = env(**RECOVERY)
    old = committed(path, both, in_both(both))
    (record,) = ledger.records_of(in_both(env()))
    appended = ledger.Ledger(old.identity, [*old.records, record])
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(appended, env(), in_both(env()), path)
    assert codes(error) == ["LED003"]
    write_note(path, "data/Bucket is given up in eu-central-1.")
    explained = ledger.Ledger(old.identity, [*old.records, {**record, "note": NOTE}])
    assert ledger.reconcile(explained, env(), in_both(env()), path) == explained


def test_a_region_for_another_is_a_loss_too(env, path):
    both = env(**RECOVERY)
    old = committed(path, both, in_both(both))
    moved = env(recovery=[{"region": "us-west-2", "cidr": "10.1.0.0/16"}])
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, moved, in_both(moved), path)
    assert codes(error) == ["LED002"]


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
    assert error.value.exit_code == EXIT_FINDINGS
    assert "delete the ledger" in str(error.value)
    ((key, value),) = change.items()
    was = old.identity[key]
    assert f'"{key}": "{was}"' in str(error.value)
    assert f'"{key}": "{value}"' in str(error.value)


def test_the_account_of_another_project_or_home_is_another_deployment(environments, path):
    files = {"prod": {}, "account": {}}
    old = ledger.reconcile(None, load_account(environments(**files)), [], path)
    other = load_account(environments(prod={"project": "other"}, account={"project": "other"}))
    with pytest.raises(BlueprintError) as error:
        ledger.reconcile(old, other, [], path)
    assert codes(error) == ["LED004"]


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
        '{"version": 1, "identity": [], "records": []}',
        '{"version": 1, "identity": {}, "records": ["data/Uploads"]}',
        '{"version": 1, "identity": {}, "records": [null]}',
        '{"version": 1, "identity": {}, "records": [{"resource": ["x"], "dropped": true}]}',
        '{"version": 1, "identity": {}, "records": [{"resource": 7, "dropped": true}]}',
        "{" * 100_000,
        "<<<<<<< HEAD",
    ],
    ids=lambda text: text.removeprefix('{"version": 1, "identity": ')[:60] or "empty",
)
def test_a_file_that_is_no_ledger_is_one_clean_problem(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]
    assert str(path) in str(error.value)


RECORD = {
    "resource": "data/Uploads",
    "stack_name": "acme-prod-data",
    "type": "AWS::S3::Bucket",
    "targets": ["111122223333/eu-west-1"],
    "identity": {},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": 7}, "the record of data/Uploads has a wrong type"),
        ({"targets": "eu-west-1"}, "the record of data/Uploads has a wrong targets"),
        ({"identity": []}, "the record of data/Uploads has a wrong identity"),
        ({"targets": None}, "the record of data/Uploads has a wrong targets"),
    ],
)
def test_a_record_written_by_hand_must_have_the_shape_of_one(path, change, said):
    path.parent.mkdir(parents=True)
    path.write_bytes(ledger.to_bytes(ledger.Ledger({}, [RECORD])))
    assert ledger.read(path) == ledger.Ledger({}, [RECORD])
    path.write_bytes(ledger.to_bytes(ledger.Ledger({}, [RECORD, {**RECORD, **change}])))
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]
    assert said in str(error.value)


@pytest.mark.parametrize("missing", ["resource", "stack_name", "type", "targets", "identity"])
def test_a_record_that_lacks_a_key_says_which(path, missing):
    path.parent.mkdir(parents=True)
    part = {key: value for key, value in RECORD.items() if key != missing}
    path.write_bytes(ledger.to_bytes(ledger.Ledger({}, [part])))
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert f"the key '{missing}' is missing" in str(error.value)


def test_what_is_dropped_needs_no_more_than_its_name(path):
    path.parent.mkdir(parents=True)
    book = ledger.Ledger({}, [RECORD, {"resource": "data/Uploads", "dropped": True, "note": NOTE}])
    path.write_bytes(ledger.to_bytes(book))
    assert ledger.read(path) == book


@pytest.mark.parametrize("targets", [[7], [["eu-west-1"]], [{}]], ids=str)
def test_a_target_is_text(path, targets):
    path.parent.mkdir(parents=True)
    path.write_bytes(ledger.to_bytes(ledger.Ledger({}, [{**RECORD, "targets": targets}])))
    with pytest.raises(BlueprintError) as error:
        ledger.read(path)
    assert codes(error) == ["LED001"]


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
