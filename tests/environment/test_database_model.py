"""What a file may say of the database: windows, capacities, versions, classes, what it is restored from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from blueprint.environment.database_model import SERVERLESS, Cache, Database, clock, minutes
from blueprint.environment.messages import limits

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60
ARN = "arn:aws:rds:eu-west-1:111122223333"


def faults(key: str, value: Any, section: type[Cache] | type[Database] = Database) -> list[str]:
    """What is wrong with a value at ``key`` (``backup.window``), by code; nothing when it is taken."""
    *above, last = key.split(".")
    values = {last: value}
    for name in reversed(above):
        values = {name: values}
    try:
        section.model_validate(values)
    except ValidationError as error:
        return [found["type"] for found in error.errors()]
    return []


# -- windows -----------------------------------------------------------------------------------------------


def time_of(moment: int, period: int) -> str:
    text = f"{moment % DAY // 60:02}:{moment % 60:02}"
    return text if period == DAY else f"{DAYS[moment % WEEK // DAY]}:{text}"


@given(st.integers(0, WEEK - 1), st.integers(1, WEEK - 1), st.sampled_from([DAY, WEEK]))
@example(0, 29, DAY)
@example(1410, 30, DAY)
@example(WEEK - 10, 29, WEEK)
@example(WEEK - 10, DAY, WEEK)
@example(WEEK - 10, DAY + 1, WEEK)
def test_a_window_lasts_from_its_start_to_its_end_over_midnight_and_sunday_too(
    start: int, length: int, period: int
) -> None:
    start, length = start % period, length % period or 1
    begins, ends = time_of(start, period), time_of(start + length, period)
    assert clock(begins) == start
    assert minutes(f"{begins}-{ends}") == length
    longest = DAY if period == WEEK else DAY - 1
    key = "maintenance_window" if period == WEEK else "backup.window"
    assert faults(key, f"{begins}-{ends}") == ([] if 30 <= length <= longest else ["ENV093"])


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *(
            ("backup.window", text)
            for text in ("03:00", "3:00-4:00", "24:00-01:00", "03:00-04:60", "03:00-03:00", "03:00 - 04:00")
        ),
        ("backup.window", "sun:03:00-sun:04:00"),
        *(
            ("maintenance_window", text)
            for text in ("04:30-05:30", "Sun:04:30-Sun:05:30", "sun:04:30-05:30", "mon:00:00-tue:00:01")
        ),
    ],
)
def test_what_is_no_window_is_refused(key: str, text: str) -> None:
    assert faults(key, text) == ["ENV093"]


# -- single values -----------------------------------------------------------------------------------------

TAKEN: list[tuple[str, Any]] = [
    *(("serverless.min_acu", acu) for acu in (0, 0.5, 1, 255.5, 256)),
    *(("serverless.max_acu", acu) for acu in (1, 1.5, 256)),
    *(
        ("version", text)
        for text in (
            "8.0.mysql_aurora.3.10.5",
            "8.4.mysql_aurora.8.4.8",
            "8.4.11",
            "8.0.41",
            "8.0.mysql_aurora.3.05.0.1",
            "8.0.mysql_aurora.3.99.99",
            "8.4.mysql_aurora.8.4.99",
        )
    ),
    *(
        ("instance_class", text)
        for text in (SERVERLESS, "db.r8g.large", "db.x2iedn.32xlarge", "db.t4g.medium")
    ),
    *(("restore_from.time", text) for text in ("", "latest", "2024-02-29T23:59:59Z")),
    *(("restore_from.source", text) for text in ("", "acme-old", "A1", "a" * 63, "a-" * 31 + "a")),
    *(("restore_from.master_username", text) for text in ("Admin", "a", "db_admin_1", "A" * 32)),
    *(
        ("restore_from.snapshot", text)
        for text in (
            "",
            "before-the-move",
            f"{ARN}:snapshot:rds:acme-2026-11-23-04-05",
            f"{ARN}:cluster-snapshot:before",
            f"{ARN}:cluster-snapshot:awsbackup:job-0a1b2c3d-e4f5",
            "a" * 255,
            "a-" * 127 + "a",
            f"{ARN}:snapshot:{'a' * 255}",
        )
    ),
    ("parameters.instance", {"max_connections": "2000", "rds.logical_replication": "1"}),
]
NO_VERSIONS = [
    *("8.0", "8.4", "5.7.44", "8.4.05", "8.4.11\n", "8.0.mysql_aurora.3.10", "8.0.mysql_aurora.3.8.0"),
    *("8.0.mysql_aurora.4.00.0", "8.0.mysql_aurora.3.10.05", "8.0.mysql_aurora.3.10.\u0665"),
    *("8.4.mysql_aurora.5.1.0", "8.4.mysql_aurora.8.0.0", "8.4.mysql_aurora.3.10.5"),
]
NO_MOMENTS = [
    *("now", "Latest", "2026-11-23", "2026-11-23T04:05Z", "2026-11-23 04:05:06Z", "2026-11-23T04:05:06z"),
    *("2026-1-2T3:4:5Z", "2026-11-23T04:05:06Z\n", "2026-11-23T04:05:06+00:00", "\u0662026-11-23T04:05:06Z"),
    *("2026-02-30T04:05:06Z", "2026-11-23T24:00:00Z", "2026-11-23T04:05:60Z", "0000-01-01T00:00:00Z"),
]
NO_DATABASES = ["-a", "a-", "a--b", "1a", "a_b", "a b", "a" * 64, "a-" * 62 + "a"]
NO_SNAPSHOTS = [
    *("arn:aws:rds:eu-west-1:1:snapshot:a", f"{ARN}:cluster:a", f"{ARN}:snapshot:", "a:b", "a-"),
    *("rds:acme-2026-11-23-04-05", "a" * 256, f"{ARN}:snapshot:{'a' * 256}"),
]
NO_USERS = ["", "1admin", "_admin", "db-admin", "db admin", "admin\n", "\u00e9lodie", "a.b", "a" * 33]
REFUSED: list[tuple[str, Any, str]] = [
    *(("serverless.min_acu", acu, "ENV090") for acu in (0.25, 0.7, 1.1)),
    *(("serverless.min_acu", acu, "greater_than_equal") for acu in (-0.5, -1)),
    *(("serverless.max_acu", acu, "greater_than_equal") for acu in (0, 0.5)),
    ("serverless.max_acu", 256.5, "less_than_equal"),
    *(("version", text, "ENV091") for text in NO_VERSIONS),
    *(("instance_class", text, "ENV092") for text in ("r8g.large", "db.serverlessv2", "db.R8G.large")),
    *(("restore_from.time", text, "ENV096") for text in NO_MOMENTS),
    *(("restore_from.source", text, "ENV095") for text in NO_DATABASES),
    *(("restore_from.snapshot", text, "ENV095") for text in NO_SNAPSHOTS),
    *(("restore_from.master_username", text, "ENV095") for text in NO_USERS),
    *(("parameters.cluster", {name: "1"}, "ENV094") for name in ("Max-Connections", "1a", "", "a" * 65)),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), TAKEN)
def test_what_rds_takes_is_taken(key: str, value: Any) -> None:
    assert faults(key, value) == []


@pytest.mark.parametrize(("key", "value", "code"), REFUSED)
def test_what_rds_would_refuse_is_refused_here(key: str, value: Any, code: str) -> None:
    assert faults(key, value) == [code]


def test_a_node_is_one_of_a_cache() -> None:
    assert [faults("node_type", node, Cache) for node in ("cache.t4g.small", "cache.r7g.16xlarge")] == [
        [],
        [],
    ]
    for node in ("t4g.small", "cache.t4g", "db.t4g.small"):
        assert faults("node_type", node, Cache) == ["ENV092"]


LIMITED = [
    (section, name)
    for section in (Database, Cache)
    for name, field in section.model_fields.items()
    if limits(field) != (None, None)
]


@pytest.mark.parametrize(("section", "name"), LIMITED)
def test_limits_are_the_last_values_that_are_taken(section: type[Cache], name: str) -> None:
    low, high = limits(section.model_fields[name])
    assert [faults(name, value, section) for value in (low, high)] == [[], []]
    assert faults(name, low - 1, section) == ["greater_than_equal"]
    assert faults(name, high + 1, section) == ["less_than_equal"]
