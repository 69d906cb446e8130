"""The table of regions and zones, against what the validators know of regions."""

from __future__ import annotations

import re

from blueprint.environment.regions import OTHER_PARTITIONS, ZONES, zone_prefix


def test_every_region_that_the_gate_knows_is_in_the_table_or_of_another_partition() -> None:
    from cfnlint.helpers import REGIONS

    ours = {region for region in REGIONS if not region.startswith(tuple(OTHER_PARTITIONS))}
    assert ours == set(ZONES)


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
