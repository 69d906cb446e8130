"""The model: its defaults, what it derives, and that nothing in it is undocumented or can be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from blueprint.environment import Account, Environment, load_account, load_environment
from blueprint.environment.messages import limits
from blueprint.environment.model import Recovery
from tests.conftest import EXAMPLE, ROOT, SHIPPED


def sections(kind: Any) -> Iterator[type[BaseModel]]:
    """A model and every section inside it, those in lists and mappings too."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from sections(field.annotation)
    else:
        for part in get_args(kind):
            yield from sections(part)


SECTIONS = tuple(dict.fromkeys([*sections(Environment), *sections(Account)]))
FIELDS = [(section, name) for section in SECTIONS for name in section.model_fields]


@pytest.mark.parametrize(("section", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_says_what_it_means_and_in_which_unit_and_range(
    section: type[BaseModel], name: str
) -> None:
    field = section.model_fields[name]
    words = field.description or (field.annotation.__doc__ if field.annotation else "") or ""
    assert len(words) > 15
    assert words.endswith(".")
    if name.endswith("_days"):
        assert "day" in words.lower()
    low, high = limits(field)
    assert (low is None) == (high is None), "a range has two ends"
    if field.annotation is int:
        assert low is not None
        assert str(high) in words or high == 36500


def test_sections_of_layers_are_among_those_that_are_looked_at() -> None:
    assert {section.__name__ for section in SECTIONS} >= {"Environment", "Account", "FlowLogs", "Edge"}


def test_required_keys_have_an_example_that_is_itself_valid() -> None:
    for section, name in FIELDS:
        field = section.model_fields[name]
        assert not field.is_required() or field.examples, f"{section.__name__}.{name}"
    for section in (Environment, Account, Recovery):
        fields = section.model_fields.items()
        section.model_validate({name: (f.examples or [0])[0] for name, f in fields if f.is_required()})


def test_what_the_user_must_set_is_little() -> None:
    required = {name for name, field in Environment.model_fields.items() if field.is_required()}
    assert required == {"project", "owner", "account", "region", "domain"}


def test_an_environment_knows_its_regions_and_tags(write: Callable[..., Path]) -> None:
    text = """\
extends: base.yaml
tags: {team: web}
recovery: [{region: us-east-1, cidr: 10.1.0.0/16}, {region: ap-northeast-1, cidr: 10.2.0.0/16}]
network: {zones: 3, zone_ids: {us-east-1: [use1-az6, use1-az5, use1-az4, use1-az2]}}
"""
    env = load_environment(write(text), "prod")
    assert env.recovery_regions == ("us-east-1", "ap-northeast-1")
    assert env.regions == ("eu-west-1", "us-east-1", "ap-northeast-1")
    assert env.zone_ids("eu-west-1") == ("euw1-az1", "euw1-az2", "euw1-az3")
    assert env.zone_ids("us-east-1") == ("use1-az6", "use1-az5", "use1-az4")
    assert [env.cidr(region) for region in env.regions] == ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"]
    assert env.all_tags == {
        "team": "web", "project": "acme", "environment": "prod", "owner": "platform@example.com"
    }  # fmt: skip


def test_an_environment_cannot_be_changed(write: Callable[..., Path]) -> None:
    env: Any = load_environment(write("extends: base.yaml\n"), "prod")
    with pytest.raises(ValidationError):
        env.region = "eu-west-2"
    with pytest.raises(ValidationError):
        env.network.zones = 4


def test_the_example_is_what_it_says() -> None:
    prod, staging, dev = (load_environment(EXAMPLE, name) for name in ("prod", "staging", "dev"))
    assert prod.network.zones == 3
    assert prod.network.nat in ("regional", "per-zone")
    assert prod.recovery_regions == ("eu-central-1",)
    assert (dev.network.zones, dev.network.nat, dev.recovery) == (2, "single", ())
    assert dev.network.flow_logs.traffic == "reject"
    assert dev.network.interface_endpoints == ()
    assert prod.account not in (dev.account, staging.account)
    assert len({env.domain for env in (prod, staging, dev)}) == 3
    assert load_account(EXAMPLE).rollout[prod.account] == prod.regions


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "account"])
def test_the_account_is_set_up_wherever_an_environment_is(name: str) -> None:
    folder = ROOT / "environments"
    env, account = load_environment(folder, name), load_account(folder)
    assert set(env.regions) <= set(account.rollout[env.account])
