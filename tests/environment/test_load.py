"""Files, names, inheritance, and the places that values remember."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint.environment import environment_names, load_account, load_environment
from blueprint.problems import BlueprintError, Where
from tests.environment.conftest import ACCOUNT, BASE, problems

Write = Callable[..., Path]


# -- inheritance -------------------------------------------------------------------------------------------


def test_sections_merge_and_lists_replace(write: Write) -> None:
    base = "{zones: 2, nat: single, flow_logs: {traffic: reject}, interface_endpoints: [ssm, kms]}"
    over = "{zones: 3, flow_logs: {retention_days: 7}, interface_endpoints: [sqs]}"
    write(f"{BASE}network: {base}\n", "base.yaml")
    env = load_environment(write(f"extends: base.yaml\nnetwork: {over}\n"), "prod")
    assert (env.network.zones, env.network.nat) == (3, "single")
    assert (env.network.flow_logs.traffic, env.network.flow_logs.retention_days) == ("reject", 7)
    assert env.network.interface_endpoints == ("sqs",)


def test_files_extend_one_another_over_several_steps(write: Write) -> None:
    write("extends: base.yaml\nnetwork: {zones: 2}\n", "base-small.yaml")
    env = load_environment(write("extends: base-small.yaml\nregion: eu-west-2\n"), "prod")
    assert (env.project, env.network.zones, env.region) == ("acme", 2, "eu-west-2")


def test_every_value_knows_the_file_and_line_that_set_it(write: Write) -> None:
    text = "network:\n  zones: 2\nrecovery:\n- region: eu-west-3\n  cidr: 10.1.0.0/16\n"
    env = load_environment(write("extends: base.yaml\n\n" + text), "prod")
    assert env.where("region") == Where("base.yaml", 4, 9, "region")
    assert env.where("network.zones") == Where("prod.yaml", 4, 10, "network.zones")
    assert env.where("network") == Where("prod.yaml", 3, 1, "network")
    assert env.where("recovery[0].cidr") == Where("prod.yaml", 7, 9, "recovery[0].cidr")
    assert env.where("network.nat") == Where("prod.yaml", field="network.nat")


def test_a_wrong_value_of_a_base_is_reported_in_the_base(write: Write) -> None:
    write(BASE.replace("eu-west-1", "eu-wset-1") + "network:\n  zones: 9\n", "base.yaml")
    got = problems(write("extends: base.yaml\nzone: 1\n"))
    assert [line.split(" ")[0] for line in got] == ["prod.yaml:2:1", "base.yaml:4:9", "base.yaml:7:10"]


def test_a_value_that_an_environment_sets_anew_is_no_longer_the_bases_business(write: Write) -> None:
    write(BASE.replace("eu-west-1", "eu-wset-1"), "base.yaml")
    assert problems(write("extends: base.yaml\nregion: eu-west-2\n")) == []


def test_what_is_missing_is_reported_in_the_environments_own_file(write: Write) -> None:
    write("project: acme\n", "base.yaml")
    got = problems(write("extends: base.yaml\nregion: eu-west-1\ndomain: a.example.com\nowner: a@b.org\n"))
    assert got == ["prod.yaml:1:1 account: account is required and missing; add it, for instance account: "
                   "111122223333 [ENV021]"]  # fmt: skip


def test_a_base_that_is_not_yaml_is_reported_together_with_the_files_own_errors(write: Write) -> None:
    write("region: [\n", "base.yaml")
    got = problems(write("extends: base.yaml\nnetwork:\n  zones: 9\n"))
    assert [line.split(":")[0] for line in got] == ["prod.yaml", "base.yaml"]


def test_a_circle_of_files_is_named(write: Write) -> None:
    write("extends: b.yaml\n", "a.yaml")
    write("extends: prod.yaml\n", "b.yaml")
    (got,) = problems(write("extends: a.yaml\n"))
    assert got.startswith("b.yaml:1:10 extends: files extend one another in a circle: "
                          "prod.yaml -> a.yaml -> b.yaml -> prod.yaml;")  # fmt: skip


@pytest.mark.parametrize("value", ["/etc/passwd", "../x.yaml", "sub/../../x.yaml", "."])
def test_only_files_of_the_folder_can_be_extended(value: str, write: Write) -> None:
    (got,) = problems(write(f"extends: {value}\n"))
    assert got.startswith("prod.yaml:1:10 extends: ")
    assert got.endswith("[ENV010]")


def test_a_link_leads_no_extends_out_of_the_folder(tmp_path: Path, write: Write) -> None:
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    outside.mkdir()
    (outside / "x.yaml").write_text(BASE)
    (tmp_path / "linked").symlink_to(outside)
    (got,) = problems(write("extends: linked/x.yaml\n"))
    assert "lies outside the folder of the environments" in got
    (tmp_path / "link.yaml").symlink_to(outside / "x.yaml")
    assert "lies outside" in problems(write("extends: link.yaml\n"))[0]


def test_links_within_the_folder_are_followed_and_make_no_endless_circle(
    tmp_path: Path, write: Write
) -> None:
    (tmp_path / "same").symlink_to(".")
    assert problems(write("extends: same/base.yaml\n")) == []
    (got,) = problems(write("extends: same/prod.yaml\n"))
    assert "files extend one another in a circle: prod.yaml -> prod.yaml;" in got


def test_a_folder_that_is_a_link_itself_may_extend_its_own_files(tmp_path: Path, write: Write) -> None:
    write("extends: base.yaml\n")
    linked = tmp_path.with_name(tmp_path.name + "-linked")
    linked.symlink_to(tmp_path)
    assert problems(linked) == []
    write(BASE, "..odd.yaml")
    assert problems(write("extends: ..odd.yaml\n")) == []


def test_a_name_that_cannot_be_printed_is_escaped(write: Write) -> None:
    write("network: {zones: 9}\n", "b\u200b.yaml")
    assert problems(write(f"extends: b\u200b.yaml\n{BASE}"))[0].startswith("b\\u200b.yaml:1:18 network.zones")
    assert problems(write("extends: \ud7fc.yaml\n"))[0].isprintable()


# -- files and names ---------------------------------------------------------------------------------------


def test_bases_the_account_and_hidden_files_are_no_environments(write: Write) -> None:
    for name in (
        "prod.yaml",
        "dev.yaml",
        "base-small.yaml",
        "account.yaml",
        ".hidden.yaml",
        "notes.txt",
        ".hidden.yml",
        "base-old.yml",  # somebody's extends may name it
    ):
        write(BASE, name)
    assert environment_names(write(BASE)) == ["dev", "prod"]


def test_a_file_with_another_suffix_is_no_silent_absence(write: Write) -> None:
    for name in ("qa.yml", "prod.YAML", "account.yml"):
        write(BASE, name)
    with pytest.raises(BlueprintError) as caught:
        environment_names(write(BASE))
    assert str(caught.value).splitlines() == [
        "account.yml: account.yml is not read, because its name does not end in .yaml; "
        "rename it to account.yaml [ENV012]",
        "prod.YAML: prod.YAML is not read, because its name does not end in .yaml; "
        "remove it, or prod.yaml beside it [ENV012]",
        "qa.yml: qa.yml is not read, because its name does not end in .yaml; rename it to qa.yaml [ENV012]",
    ]
    assert problems(write(BASE)) == []  # an environment that is named is loaded all the same


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("prdo", "there is no environment prdo (prdo.yaml); did you mean prod?"),
        ("x", "there is no environment x (x.yaml); there are prod"),
        ("old", "there is no environment old (old.yaml); rename old.yml to old.yaml"),
        ("account", "the environment name 'account' is the account's name"),
        ("base", "the environment name 'base' is the name of a base"),
        ("prod-b", "the environment name 'prod-b' begins with prod and a hyphen"),
        ("account-b", "the environment name 'account-b' begins with account and a hyphen"),
        ("a/b", "the environment name 'a/b' must hold lower-case letters"),
        ("../prod", "the environment name '../prod' must hold lower-case letters"),
        ("Prod", "the environment name 'Prod' must hold lower-case letters"),
        ("pro\x1b[0m", "the environment name 'pro\\x1b[0m' must hold lower-case letters"),
        ("\ud800", "the environment name '\\ud800' must hold lower-case letters"),
        ("a--b", "the environment name 'a--b' must hold lower-case letters"),
        ("", "the environment name '' does not have 1 to 10 characters"),
        (
            "x" * 5000,
            "the environment name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'... (5000 characters) does not",
        ),
    ],
    ids=range(15),
)
def test_a_name_that_is_no_environment_is_refused_with_the_nearest_one(
    name: str, words: str, write: Write
) -> None:
    write(BASE, "old.yml")
    with pytest.raises(BlueprintError) as caught:
        load_environment(write(BASE), name)
    got = str(caught.value)
    assert words in got
    assert got.isprintable()


def test_a_folder_or_a_pipe_instead_of_a_file_is_refused(folder: Path) -> None:
    (folder / "prod.yaml").mkdir()
    assert problems(folder) == [
        "prod.yaml: prod.yaml is not a file; write it, or restore it from git [ENV001]"
    ]
    os.mkfifo(folder / "dev.yaml")  # opening it would wait for a writer
    assert problems(folder, "dev")[0].startswith("dev.yaml: dev.yaml is not a file;")


def test_a_dangling_link_is_refused(folder: Path) -> None:
    (folder / "prod.yaml").symlink_to("nowhere.yaml")
    assert problems(folder)[0].startswith("prod.yaml: prod.yaml is not a file;")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_refused(write: Write) -> None:
    folder = write(BASE)
    (folder / "prod.yaml").chmod(stat.S_IWUSR)
    assert "cannot be read: permission denied" in problems(folder)[0]


def test_an_error_of_the_disk_is_one_clean_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(BASE)

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert problems(folder) == [
        "prod.yaml: the file 'prod.yaml' cannot be read: input/output error; "
        "check its name and permissions [ENV001]"
    ]


def test_a_missing_folder_says_where_to_run(tmp_path: Path) -> None:
    (got,) = problems(tmp_path / "none")
    assert got.endswith("the folder of the environments cannot be read: no such file or directory; "
                        "run this in the project's folder [ENV001]")  # fmt: skip


# -- the account -------------------------------------------------------------------------------------------


def test_accounts_and_regions_come_from_the_environments(write: Write) -> None:
    write(ACCOUNT, "account.yaml")
    write(BASE + "recovery: [{region: eu-central-1, cidr: 10.1.0.0/16}]\n")
    write("extends: base.yaml\naccount: 444455556666\nregion: us-east-1\n", "dev.yaml")
    account = load_account(
        write("extends: base.yaml\nregion: eu-north-1\ndomain: staging.example.com\n", "staging.yaml")
    )
    assert account.rollout == {
        "111122223333": ("eu-west-1", "eu-central-1", "eu-north-1"),
        "444455556666": ("eu-west-1", "us-east-1"),
    }
    assert account.name == "account"
    assert account.all_tags == {"project": "acme", "environment": "account", "owner": "platform@example.com"}


def test_the_project_of_account_and_environments_is_one(write: Write) -> None:
    write(ACCOUNT, "account.yaml")
    write("extends: base.yaml\nproject: other\ndomain: prod.example.com\n")
    assert problems(write(BASE, "dev.yaml"), "account") == [
        "prod.yaml:2:10 project: the project is other here, and acme in account.yaml:1; "
        "write other in account.yaml:1 too, or acme here [ENV062]"
    ]


def test_a_base_with_another_project_is_reported_once_and_either_remedy_mends_it(write: Write) -> None:
    write("extends: base.yaml\ndomain: dev.example.com\n", "dev.yaml")
    write(BASE.replace("acme", "shop"), "base.yaml")
    write(ACCOUNT, "account.yaml")
    (got,) = problems(write("extends: base.yaml\n"), "account")
    assert got.startswith("base.yaml:1:10 project: the project is shop here, and acme in account.yaml:1;")
    assert problems(write(ACCOUNT.replace("acme", "shop"), "account.yaml"), "account") == []
    write(BASE, "base.yaml")
    assert problems(write(ACCOUNT, "account.yaml"), "account") == []


def test_an_account_without_environments_is_refused(write: Write) -> None:
    assert problems(write(ACCOUNT, "account.yaml"), "account") == [
        ".: there is no environment, so that no account is known; add one, for instance prod.yaml [ENV011]"
    ]


def test_a_broken_environment_is_reported_once_for_the_account(write: Write) -> None:
    write(ACCOUNT, "account.yaml")
    write(BASE.replace("eu-west-1", "eu-wset-1"), "base.yaml")
    write("extends: base.yaml\n", "dev.yaml")
    (got,) = problems(write("extends: base.yaml\n"), "account")
    assert got.startswith("base.yaml:4:9 region: 'eu-wset-1' is not a region")


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NORTH, SOUTH = (KEY.replace("eu-west-1", region) for region in ("eu-north-1", "eu-south-1"))
STRANGE = KEY.replace("111122223333", "444455556666")


def test_keys_of_several_accounts_are_one_for_each_account_and_region(write: Write) -> None:
    write("extends: base.yaml\nregion: eu-north-1\n")
    write("extends: base.yaml\naccount: 444455556666\n", "dev.yaml")
    keys = f"ebs_encryption: {{mode: existing, key_arns: [{KEY}, {NORTH}, {STRANGE}]}}\n"
    assert problems(write(ACCOUNT + keys, "account.yaml"), "account") == []
    (got,) = problems(write(ACCOUNT + keys.replace(f", {STRANGE}", ""), "account.yaml"), "account")
    assert "there is no key for account 444455556666 in eu-west-1" in got


def test_every_region_of_the_rollout_knows_the_line_that_chose_it(write: Write) -> None:
    write(ACCOUNT, "account.yaml")
    write("extends: base.yaml\nrecovery: [{region: eu-west-3, cidr: 10.1.0.0/16}]\n", "dev.yaml")
    account = load_account(write("extends: base.yaml\nregion: eu-north-1\ndomain: prod.example.com\n"))
    assert account.where_chosen("eu-west-1") == Where("account.yaml", 3, 14, "home_region")
    assert account.where_chosen("eu-north-1") == Where("prod.yaml", 2, 9, "region")
    assert account.where_chosen("eu-west-3") == Where("dev.yaml", 2, 21, "recovery[0].region")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("trail: {retention_days: 200}", "account.yaml:4:25 trail.retention_days: 200 days are too short"),
        ("ebs_encryption: {mode: existing}", "account.yaml:4:24 ebs_encryption.mode: mode existing needs"),
        (f"ebs_encryption: {{key_arns: [{KEY}]}}",
         "account.yaml:4:18 ebs_encryption.key_arns: keys are given, and mode create uses none"),
        (f"ebs_encryption: {{mode: existing, key_arns: [{KEY}, {NORTH}, {KEY}]}}",
         "account.yaml:4:200 ebs_encryption.key_arns[2]: there are two keys for account 111122223333 in "
         "eu-west-1; remove one of the two [ENV061]"),
        (f"ebs_encryption: {{mode: existing, key_arns: [{KEY}]}}",
         "account.yaml:4:34 ebs_encryption.key_arns: there is no key for account 111122223333 in eu-north-1, "
         "which is in use; add the ARN of one, arn:aws:kms:eu-north-1:111122223333:key/..., or use mode: "
         "create [ENV063]"),
        (f"ebs_encryption: {{mode: existing, key_arns: [{KEY}, {NORTH}, {SOUTH}]}}",
         "account.yaml:4:200 ebs_encryption.key_arns[2]: account 111122223333 does not use eu-south-1, where "
         "this key lives; remove it, or mend its region; in use: eu-west-1, eu-north-1 [ENV063]"),
        (f"ebs_encryption: {{mode: existing, key_arns: [{KEY}, {NORTH}, {STRANGE}]}}",
         "account.yaml:4:200 ebs_encryption.key_arns[2]: no environment uses account 444455556666 of this "
         "key; remove it, or mend its account; in use: 111122223333 [ENV063]"),
        ("ebs_encryption: {mode: existing, key_arns: [alias/ebs]}",
         "account.yaml:4:45 ebs_encryption.key_arns[0]: 'alias/ebs' is not the ARN"),
        ("network: {zones: 3}", "account.yaml:4:1 network: the key 'network' is not known here"),
    ],
    ids=range(9),
)  # fmt: skip
def test_the_accounts_file_is_checked_like_any_other(text: str, wanted: str, write: Write) -> None:
    write("extends: base.yaml\nregion: eu-north-1\n")
    (got,) = problems(write(ACCOUNT + text + "\n", "account.yaml"), "account")
    assert got.startswith(wanted)


def test_problems_are_data_as_well(write: Write) -> None:
    with pytest.raises(BlueprintError) as caught:
        load_environment(write("extends: base.yaml\nnetwork:\n  zones: 9\n"), "prod")
    assert caught.value.exit_code == 2
    assert [problem.as_dict() for problem in caught.value.problems] == [
        {
            "what": "9 is out of range",
            "where": {"file": "prod.yaml", "line": 3, "column": 10, "field": "network.zones"},
            "remedy": "use 2 to 4",
            "code": "ENV023",
        }
    ]
