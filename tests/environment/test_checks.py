"""Rules across fields: that the table is sound. What each says is tested by the files of ``broken/``."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from itertools import chain
from pathlib import Path

import pytest

from blueprint.environment.checks import ACCOUNT_CHECKS, CHECKS, ROLLOUT_CHECKS
from tests.environment.conftest import problems

Write = Callable[..., Path]


def test_codes_are_unique_in_their_table_and_rules_are_sentences() -> None:
    for table in (CHECKS, (*ACCOUNT_CHECKS, *ROLLOUT_CHECKS)):
        codes = [check.code for check in table]
        assert len(codes) == len(set(codes))
    for check in chain(CHECKS, ACCOUNT_CHECKS, ROLLOUT_CHECKS):
        assert check.rule[0].isupper()
        assert check.rule.endswith(".")


def test_a_rule_is_silent_where_it_rests_on_a_value_that_is_bad_itself(write: Write) -> None:
    text = "extends: base.yaml\nregion: eu-wset-1\nrecovery: [{region: eu-west-1, cidr: 10.0.0.0}]\n"
    assert [line[-8:] for line in problems(write(text))] == ["[ENV032]", "[ENV035]"]


def test_rules_speak_although_other_values_are_bad(write: Write) -> None:
    text = "extends: base.yaml\nnetwork: {zones: many, cidr: 10.1.0.0/16}\nstorage: {log_retention_days: 9}\n"
    text += "recovery: [{region: eu-west-1, cidr: 10.1.0.0/16}]\ncolour: blue\n"
    codes = [line[-8:] for line in problems(write(text))]
    assert codes == ["[ENV022]", "[ENV054]", "[ENV050]", "[ENV051]", "[ENV020]"]


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.0.252.0/22", "10.0.64.0/18"])
def test_the_range_that_is_offered_instead_of_an_overlapping_one_is_free(cidr: str, write: Write) -> None:
    text = "extends: base.yaml\nrecovery: [{region: eu-west-2, cidr: 10.2.0.0/16}, "
    text += f"{{region: eu-west-3, cidr: {cidr}}}]\n"
    (got,) = problems(write(text))
    offered = got.rsplit(" ", 2)[1]
    assert problems(write(text.replace(cidr, offered))) == []
    assert IPv4Network(offered).prefixlen == IPv4Network(cidr).prefixlen


def test_a_region_with_two_zones_can_be_used_with_two(write: Write) -> None:
    text = "extends: base.yaml\nregion: us-west-1\nnetwork: {zones: 2}\n"
    assert problems(write(text)) == []


def test_zone_ids_that_are_newer_than_the_table_can_be_used(write: Write) -> None:
    text = "extends: base.yaml\nregion: eu-west-2\nnetwork: {zones: 4, zone_ids: {eu-west-2: "
    assert problems(write(text + "[euw2-az1, euw2-az2, euw2-az3, euw2-az4]}}\n")) == []
