"""Environments of one account: names that only one can have, and networks that could never be joined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint.environment import load_account
from blueprint.environment.checks import notices
from tests.environment.conftest import ACCOUNT, problems

Write = Callable[..., Path]
OTHER = "account: 444455556666\n"
RECOVERY = "recovery: [{region: eu-central-1, cidr: 10.1.0.0/16}]\n"
SIGN_IN = "edge: {custom_sign_in: true}\n"
LINE = "domain: {}\n"


def pair(write: Write, dev: str, prod: str) -> Path:
    write(ACCOUNT, "account.yaml")
    write(f"extends: base.yaml\n{dev}", "dev.yaml")
    return write(f"extends: base.yaml\n{prod}")


def told(folder: Path) -> list[str]:
    return [str(notice) for notice in notices(load_account(folder))]


# -- names -------------------------------------------------------------------------------------------------


def test_a_domain_belongs_to_one_environment_of_an_account(write: Write) -> None:
    one = "domain: www.example.com\n"
    assert problems(pair(write, one, f"network: {{zones: 2}}\n{one}"), "account") == [
        "prod.yaml:3:9 domain: www.example.com is a name of dev too, which dev.yaml:2 gives it, and both "
        "stand in account 111122223333; give each environment a domain of its own, for instance "
        "prod.www.example.com [ENV064]"
    ]


def test_a_domain_that_both_have_from_their_base_is_told_at_its_line(write: Write) -> None:
    (got,) = problems(pair(write, "", ""), "account")
    assert got.startswith(
        "base.yaml:5:9 domain: shop.example.com is a name of dev too, which base.yaml:5 gives"
    )
    assert problems(pair(write, "", ""), "prod") == [], "by itself it is good"


@pytest.mark.parametrize(
    ("dev", "prod", "name"),
    [
        ("api.a.example.com", "a.example.com", "api.a.example.com"),
        ("a.example.com", "api.a.example.com", "api.a.example.com"),
        ("auth.a.example.com", "a.example.com", "auth.a.example.com"),
        ("auth.a.example.com", "a.example.com", ""),
        ("dev.a.example.com", "a.example.com", ""),
        ("a.example.com", "a.example.org", ""),
    ],
)
def test_names_that_an_environment_makes_for_itself_are_its_own_too(
    dev: str, prod: str, name: str, write: Write
) -> None:
    sign_in = SIGN_IN if name.startswith("auth") else ""
    got = problems(pair(write, LINE.format(dev), LINE.format(prod) + sign_in), "account")
    assert [f"domain: {name} is a name of dev too" in line for line in got] == ([True] if name else [])


def test_each_account_may_have_the_domain(write: Write) -> None:
    # One after the other, say, while an environment moves to another account.
    assert problems(pair(write, OTHER, ""), "account") == []


def test_of_three_environments_each_is_told_once_that_comes_too_late(write: Write) -> None:
    write("extends: base.yaml\n", "staging.yaml")
    got = problems(pair(write, "", ""), "account")
    assert [line.split(" ")[0] for line in got] == ["base.yaml:5:9", "base.yaml:5:9"]
    write("extends: base.yaml\ndomain: shop.example.com\n", "staging.yaml")
    got = problems(pair(write, "", ""), "account")
    assert [line.split(" ")[0] for line in got] == ["base.yaml:5:9", "staging.yaml:2:9"]


# -- networks ----------------------------------------------------------------------------------------------


def test_networks_of_one_account_that_overlap_are_noted_and_not_refused(write: Write) -> None:
    dev = "domain: dev.example.com\nnetwork: {cidr: 10.1.0.0/20}\n"
    assert told(pair(write, dev, RECOVERY)) == [
        "prod.yaml:2:41 recovery[0].cidr: 10.1.0.0/16 overlaps 10.1.0.0/20 of dev (dev.yaml:3): the "
        "networks of account 111122223333 could never be joined, and no range can be changed once deployed; "
        "use a range of its own for each environment, or leave it if they shall never meet [ENV065]"
    ]


@pytest.mark.parametrize(
    ("dev", "number"),
    [
        ("domain: dev.example.com\n", 1),  # the default of both
        ("domain: dev.example.com\nnetwork: {cidr: 10.2.0.0/16}\n", 0),
        (f"network: {{cidr: 10.0.0.0/16}}\n{OTHER}", 0),
    ],
)
def test_networks_that_are_apart_or_in_other_accounts_are_not_noted(
    dev: str, number: int, write: Write
) -> None:
    assert len(told(pair(write, dev, RECOVERY))) == number


def test_an_environment_that_overlaps_several_is_noted_once(write: Write) -> None:
    write("extends: base.yaml\ndomain: staging.example.com\n", "staging.yaml")
    notes = told(pair(write, "domain: dev.example.com\n", RECOVERY))
    assert [note.split(" ")[0].split(":")[0] for note in notes] == ["prod.yaml", "staging.yaml"]
