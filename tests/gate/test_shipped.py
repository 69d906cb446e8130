"""The shipped environments pass the gate, and hold nothing that their regions lack."""

from __future__ import annotations

import pytest

from blueprint.gate import GateInput, check
from blueprint.gate.formats import to_table
from blueprint.gate.suppressions import read
from blueprint.schemas import types_missing
from tests.conftest import SHIPPED, Rendering, load_shipped


@pytest.fixture(scope="module")
def shipped() -> dict[str, Rendering]:
    return {name: load_shipped(name) for name in SHIPPED}


def inputs(name: str, rendering: Rendering) -> list[GateInput]:
    stacks = rendering.rendered.plan.stacks
    return [
        GateInput(stack, body, tuple(stacks[stack].regions), f"{name}/{stack}")
        for stack, body in rendering.rendered.bodies.items()
    ]


def test_neither_validator_finds_an_error_or_a_warning(shipped: dict[str, Rendering]) -> None:
    everything = [item for name, rendering in shipped.items() for item in inputs(name, rendering)]
    failing = [finding for finding in check(everything, cache_dir=None) if finding.fails]
    assert failing == [], "\n" + to_table(failing)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_type_exists_in_every_region_where_it_is_deployed(
    shipped: dict[str, Rendering], name: str
) -> None:
    stacks = shipped[name].rendered.plan.stacks
    for template in shipped[name]:
        types = {resource["Type"] for resource in template.resources.values()}
        for region in stacks[template.name].regions:
            assert types_missing(types, region) == [], f"{template.name} in {region}"


@pytest.mark.parametrize("name", SHIPPED)
def test_no_suppression_is_wider_than_a_resource(shipped: dict[str, Rendering], name: str) -> None:
    for template in shipped[name]:
        for validator in ("cfn-lint", "cloudformation-validate"):
            assert all(item.logical_id for item in read(template.body, validator))
