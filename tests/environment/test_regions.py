"""The table of regions and zones, against what the validators know of regions."""

from __future__ import annotations

import re
from typing import get_args

from blueprint.environment.model import Endpoint
from blueprint.environment.regions import OTHER_PARTITIONS, WITHOUT_SERVICE, ZONES, zone_prefix
from blueprint.schemas import regions


def test_every_region_that_the_gate_knows_is_in_the_table_or_of_another_partition() -> None:
    from cfnlint.helpers import REGIONS

    ours = {region for region in REGIONS if not region.startswith(tuple(OTHER_PARTITIONS))}
    assert ours & set(regions()) == set(ZONES)


def test_the_validators_have_schemas_for_every_region_that_can_be_chosen() -> None:
    assert set(ZONES) <= set(regions())


def test_what_regions_lack_is_told_of_services_and_regions_that_can_be_chosen() -> None:
    assert set(WITHOUT_SERVICE) <= set(get_args(Endpoint))
    assert all(lacking and lacking <= set(ZONES) for lacking in WITHOUT_SERVICE.values())


def test_zones_of_a_region_share_its_prefix_and_are_listed_once() -> None:
    for region, zones in ZONES.items():
        assert len(zones) == len(set(zones)) >= 2
        assert all(re.fullmatch(re.escape(zone_prefix(region)) + r"[1-9]", zone) for zone in zones)
    assert len({zone_prefix(region) for region in ZONES}) == len(ZONES)


def test_a_prefix_is_made_from_the_regions_name_as_aws_does() -> None:
    words = {"north": "n", "south": "s", "east": "e", "west": "w", "central": "c", "northeast": "ne"}
    words["southeast"] = "se"
    for region in ZONES:
        area, direction, number = region.split("-")
        assert zone_prefix(region) == f"{area}{words[direction]}{number}-az"


def test_zones_that_lack_instance_families_or_are_closed_are_left_out() -> None:
    for zone in ("use1-az3", "usw1-az2", "apne1-az3", "cac1-az3"):
        assert all(zone not in zones for zones in ZONES.values())
