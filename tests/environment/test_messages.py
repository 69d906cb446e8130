"""Suggestions for keys, and what becomes of bad values while the rules look at the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from blueprint.environment import Environment
from blueprint.environment.messages import all_keys, unknown_key, without_faults
from blueprint.environment.model import Network
from tests.environment.conftest import problems

LEAST = {
    "project": "acme",
    "owner": "a@b.de",
    "account": "111122223333",
    "region": "eu-west-2",
    "domain": "shop.example.com",
}


@pytest.mark.parametrize(
    ("location", "remedy"),
    [
        (("network", "zone"), "did you mean zones?"),
        (("zones",), "write it as network.zones"),
        (("zone",), "did you mean network.zones?"),
        (("network", "region"), "region belongs at the top level of the file"),
        (("network", "recovry"), "recovery belongs at the top level of the file"),
        (("extend",), "did you mean extends?"),
    ],
)
def test_an_unknown_key_gets_the_nearest_known_one(location: tuple[str, ...], remedy: str) -> None:
    section = Network if len(location) == 2 else Environment
    assert unknown_key(Environment, section, location)[1] == remedy


def test_a_key_like_no_other_gets_the_list_of_all_that_are_known_there(write: Callable[..., Path]) -> None:
    (got,) = problems(write("extends: base.yaml\ncolour: blue\n"))
    known = ", ".join([*Environment.model_fields, "extends"])
    assert got == f"prod.yaml:2:1 colour: the key 'colour' is not known here; known here are {known} [ENV020]"
    (got,) = problems(write("extends: base.yaml\nnetwork: {colour: blue}\n"))
    assert got.endswith(f"known here are {', '.join(Network.model_fields)} [ENV020]")


def test_every_key_is_known_to_the_suggestions() -> None:
    keys = all_keys(Environment)
    assert {"region", "network", "network.flow_logs.retention_days"} <= set(keys)
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("values", "bad"),
    [
        ({"network": 5}, ["network"]),
        ({"network": {"zones": 9, "nat": "single"}}, ["network.zones"]),
        ({"region": "mars"}, ["region"]),
        ({"tags": {"aws:x": "a", "b": "c"}}, ["tags.aws:x"]),
        ({"recovery": [{"region": "eu-west-1"}]}, ["recovery[0].cidr"]),
        ({"recovery": {"region": "eu-west-1"}}, ["recovery"]),
        ({"network": {"zone_ids": {"eu-west-2": ["x"], "mars": ["y"]}}, "x": 1},
         ["network.zone_ids.eu-west-2[0]", "network.zone_ids.mars", "network.zone_ids.mars[0]", "x"]),
    ],
    ids=range(7),
)  # fmt: skip
def test_rules_see_the_good_values_and_know_the_bad_ones(values: dict[str, Any], bad: list[str]) -> None:
    everything = {**LEAST, **values}
    with pytest.raises(ValidationError) as caught:
        Environment.model_validate(everything)
    env, paths = without_faults(everything, Environment, caught.value.errors())
    assert env
    assert env.project == "acme"
    assert sorted(paths) == bad
    assert env.network.nat == values.get("nat", "single" if bad == ["network.zones"] else "regional")
