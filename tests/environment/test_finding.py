"""From a broken rule to the line that a person reads: code, place, fact and remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from blueprint.environment import load
from blueprint.environment.finding import Check, Finding
from blueprint.environment.model import Account, Environment
from tests.environment.conftest import ACCOUNT, problems

Write = Callable[..., Path]
Rules = Callable[..., None]


def test_what_was_found_cannot_be_changed_afterwards() -> None:
    for record in (blaming("region"), Check("ENV999", "A rule.", lambda env: iter(()))):
        with pytest.raises(FrozenInstanceError):
            setattr(record, next(iter(record.__dataclass_fields__)), "another")


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Have environments break a rule in these ways, and no other rule."""

    def are(*findings: Finding) -> None:
        rule: Check[Environment] = Check("ENV999", "A made-up rule.", lambda env: iter(findings))
        monkeypatch.setattr(load, "CHECKS", (rule,))

    return are


def blaming(field: str, *reads: str) -> Finding:
    return Finding(field, "it does not fit", "mend it", reads)


TEXT = """\
extends: base.yaml
network: {zones: 2, zone_ids: {eu-west-1: [euw1-az1, euw1-az2]}}
recovery:
  - {region: eu-west-2, cidr: 10.1.0.0/16}
"""


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (blaming("network.zones"), "prod.yaml:2:18 network.zones"),
        (blaming("network.zone_ids.eu-west-1[1]"), "prod.yaml:2:54 network.zone_ids.eu-west-1[1]"),
        (blaming("recovery[0].cidr"), "prod.yaml:4:31 recovery[0].cidr"),
        (blaming("region"), "base.yaml:4:9 region"),
        (blaming("network.zones", "region"), "prod.yaml:2:18 network.zones"),
        (blaming("network.nat", "network.zones"), "prod.yaml:2:18 network.zones"),
        (blaming("network.nat", "network.cidr", "region"), "base.yaml:4:9 region"),
        (blaming("network.nat", "network.cidr"), "prod.yaml:1:1 network.nat"),
        (blaming("recovery[1].region", "recovery[0].region"), "prod.yaml:4:14 recovery[0].region"),
    ],
)
def test_the_place_is_that_of_the_first_field_that_a_person_has_written(
    write: Write, rules: Rules, finding: Finding, place: str
) -> None:
    rules(finding)
    assert problems(write(TEXT)) == [f"{place}: it does not fit; mend it [ENV999]"]


@pytest.mark.parametrize(
    ("finding", "silent"),
    [
        (blaming("network.zones"), True),
        (blaming("network"), True),
        (blaming("region", "network.zones"), True),
        (blaming("region", "network.cidr", "network"), True),
        (blaming("region"), False),
        (blaming("network.zone_ids"), False),
        (blaming("region", "network.zone_ids"), False),
    ],
)
def test_a_rule_that_rests_on_a_bad_value_is_silent_and_others_speak(
    write: Write, rules: Rules, finding: Finding, silent: bool
) -> None:
    rules(finding)
    codes = sorted(line[-8:] for line in problems(write("extends: base.yaml\nnetwork: {zones: many}\n")))
    assert codes == ["[ENV022]"] if silent else ["[ENV022]", "[ENV999]"]


def test_what_breaks_a_rule_twice_is_said_twice_and_what_is_said_already_is_not(
    write: Write, rules: Rules
) -> None:
    rules(
        blaming("network.zones"),
        Finding("network.zones", "nor is it even", "add one"),
        *[blaming("region")] * 2,
    )
    assert [line.split(": ")[1] for line in problems(write(TEXT))] == [
        "it does not fit; mend it [ENV999]",
        "nor is it even; add one [ENV999]",
        "it does not fit; mend it [ENV999]",
    ]


def test_a_rule_looks_at_the_environment_with_its_defaults(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule: Check[Environment] = Check(
        "ENV999", "Three zones.", lambda env: iter([blaming("region")] if env.network.zones != 3 else [])
    )
    monkeypatch.setattr(load, "CHECKS", (rule,))
    assert problems(write("extends: base.yaml\n")) == []
    assert len(problems(write(TEXT))) == 1


def test_rules_of_the_account_are_told_in_the_same_way(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rule: Check[Account] = Check("ENV999", "Another region.", lambda account: iter([blaming("home_region")]))
    monkeypatch.setattr(load, "ACCOUNT_CHECKS", (rule,))
    write("extends: base.yaml\n")
    [line] = problems(write(ACCOUNT, "account.yaml"), "account")
    assert line == "account.yaml:3:14 home_region: it does not fit; mend it [ENV999]"


def test_an_environment_that_keeps_the_rules_says_nothing(write: Write, rules: Rules) -> None:
    rules()
    assert problems(write(TEXT)) == []
