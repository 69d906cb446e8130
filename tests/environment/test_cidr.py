"""The address plan: no two subnets overlap, and one more zone moves none."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from blueprint.environment.cidr import LARGEST_VPC, MOST_ZONES, SMALLEST_VPC, address_plan

SIZES = range(LARGEST_VPC, SMALLEST_VPC + 1)


def test_the_plan_of_the_usual_range() -> None:
    plan = address_plan("10.0.0.0/16", 3)
    assert plan.application == ("10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19")
    assert plan.public == ("10.0.128.0/21", "10.0.136.0/21", "10.0.144.0/21")
    assert plan.data == ("10.0.160.0/21", "10.0.168.0/21", "10.0.176.0/21")


@pytest.mark.parametrize("prefix", SIZES)
def test_subnets_lie_in_the_range_apart_from_one_another(prefix: int) -> None:
    cidr = f"172.20.0.0/{prefix}"
    plan = address_plan(cidr, MOST_ZONES)
    subnets = [IPv4Network(text) for text in (*plan.application, *plan.public, *plan.data)]
    assert len(subnets) == 3 * MOST_ZONES
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@pytest.mark.parametrize("prefix", SIZES)
def test_one_more_zone_appends_subnets_and_moves_none(prefix: int) -> None:
    for zones in range(1, MOST_ZONES):
        fewer, more = (address_plan(f"10.0.0.0/{prefix}", count) for count in (zones, zones + 1))
        for kind in ("application", "public", "data"):
            assert getattr(more, kind)[:zones] == getattr(fewer, kind)


def test_the_smallest_range_leaves_public_subnets_that_a_load_balancer_accepts() -> None:
    assert address_plan(f"10.0.0.0/{SMALLEST_VPC}", 2).public[0].endswith("/27")
