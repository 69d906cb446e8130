"""A version that RDS has got since the validators' tables were written can be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blueprint.environment import load_environment
from blueprint.gate import GateInput, check
from blueprint.layers import database, network, security
from blueprint.render import render
from tests.conftest import RECOVERY

LAYERS = {"security": security.stacks, "network": network.stacks, "database": database.stacks}
MYSQL = {
    "engine": "rds-mysql",
    "instance_class": "db.m8g.large",
    "proxy": {"enabled": True},
    "readers": 1,
}


@pytest.mark.parametrize(
    ("settings", "over"),
    [
        ({"version": "8.0.mysql_aurora.3.10.99"}, RECOVERY),
        ({"version": "8.4.mysql_aurora.8.4.99"}, {}),
        ({**MYSQL, "version": "8.4.99"}, {}),
        ({"version": "8.0.mysql_aurora.3.10.5"}, {}),
        ({**MYSQL, "version": "8.4.11"}, {}),
    ],
)
def test_both_validators_let_it_through_and_no_suppression_is_there_for_nothing(
    settings: dict[str, Any], over: dict[str, Any], environments: Callable[..., Path]
) -> None:
    rendered = render(load_environment(environments(prod={"database": settings, **over}), "prod"), LAYERS)
    body = rendered.bodies["database"]
    assert [rule in body for rule in (b"E369", b"E9006")] == [b".99" in body] * 2
    inputs = [GateInput("database", body, rendered.plan.stacks["database"].regions, "database.json")]
    assert [str(finding) for finding in check(inputs, cache_dir=None, processes=1) if finding.fails] == []
