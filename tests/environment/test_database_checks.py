"""What does not go together for the database and the cache, each beside a neighbour that does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueprint.environment.checks import CHECKS
from blueprint.environment.database_checks import DATABASE_CHECKS, OURS
from blueprint.environment.finding import Finding
from blueprint.environment.messages import all_keys
from blueprint.environment.model import Environment
from tests.conftest import LEAST, RECOVERY, merged

Over = dict[str, Any]  # values by their path: below database, or with a slash from the top
MYSQL: Over = {
    "engine": "rds-mysql",
    "version": "8.4.11",
    "instance_class": "db.m8g.large",
    "proxy.enabled": True,
}
PAUSES: Over = {"serverless.min_acu": 0}
ELSEWHERE: Over = {"/recovery": RECOVERY["recovery"]}
TWO = {"readers": 2}
SOURCE: Over = {"restore_from.source": "a"}
LATEST: Over = {"restore_from.time": "latest"}
ARN = "arn:aws:rds:eu-west-1:111122223333"

AURORA, CLASS, ACU = "8.0.mysql_aurora.", "instance_class", "serverless.min_acu"
MOST, SIZE, GROW = "reader_scaling.maximum", "storage.size_gb", "storage.max_size_gb"
WEEKLY, SNAPSHOT, NODE = "maintenance_window", "restore_from.snapshot", "/cache.node_type"
CLUSTER, INSTANCE = "parameters.cluster", "parameters.instance"
OTHER_REGIONS = "arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:a"
MASTER = "restore_from.master_username"
OF_CLUSTER: Over = {SNAPSHOT: f"{ARN}:cluster-snapshot:a"}

#: Code, what is blamed, what breaks the rule, and what does not.
BROKEN: list[tuple[str, str, Over, Over]] = [
    ("ENV083", "version", {"version": "8.4.11"}, {"version": "8.4.mysql_aurora.8.4.8"}),
    ("ENV083", "version", MYSQL | {"version": f"{AURORA}3.10.5"}, MYSQL | {"version": "8.4.10"}),
    ("ENV083", "version", MYSQL | {"version": "8.0.41"}, MYSQL),
    ("ENV083", "version", {"version": f"{AURORA}3.07.1"}, {"version": f"{AURORA}3.08.0"}),
    ("ENV083", "version", {"version": f"{AURORA}3.11.0"}, {"version": f"{AURORA}3.12.0"}),
    # What the table does not know: older than something that it knows, or newer than all of it.
    ("ENV083", "version", {"version": f"{AURORA}3.04.5"}, {"version": f"{AURORA}3.10.99"}),
    ("ENV083", "version", {"version": "8.4.mysql_aurora.8.4.0"}, {"version": "8.4.mysql_aurora.8.4.99"}),
    ("ENV083", "version", {"version": f"{AURORA}3.10.5.1"}, {"version": f"{AURORA}3.99.0"}),
    ("ENV083", "version", MYSQL | {"version": "8.4.0"}, MYSQL | {"version": "8.4.99"}),
    ("ENV083", "version", MYSQL | {"version": "8.4.3"}, MYSQL | {"version": "8.4.5"}),
    ("ENV083", CLASS, MYSQL | {CLASS: "db.serverless"}, {CLASS: "db.serverless"}),
    ("ENV083", CLASS, MYSQL | {CLASS: "db.t4g.small"}, MYSQL | {CLASS: "db.t4g.medium"}),
    ("ENV083", CLASS, {CLASS: "db.t4g.large"}, {CLASS: "db.r8g.large"}),
    ("ENV084", ACU, {ACU: 8.5}, {ACU: 8}),
    ("ENV084", ACU, PAUSES | {"proxy.enabled": True}, {ACU: 0.5, "proxy.enabled": True}),
    ("ENV084", ACU, PAUSES | ELSEWHERE, PAUSES | ELSEWHERE | {CLASS: "db.r8g.large"}),
    ("ENV084", ACU, PAUSES | {MOST: 2}, PAUSES | TWO),
    ("ENV085", "proxy.enabled", MYSQL | {"proxy.enabled": False}, MYSQL | PAUSES),
    ("ENV085", "/network.nat", MYSQL | {"/network.nat": "none"}, MYSQL | {"/network.nat": "single"}),
    ("ENV085", MOST, MYSQL | {MOST: 2}, MYSQL | TWO),
    ("ENV085", "storage.type", MYSQL | {"storage.type": "io-optimized"}, {"storage.type": "io-optimized"}),
    ("ENV085", CLUSTER, MYSQL | {CLUSTER: {"wait_timeout": "9"}}, MYSQL | {INSTANCE: {"wait_timeout": "9"}}),
    ("ENV085", GROW, MYSQL | {SIZE: 100, GROW: 109}, MYSQL | {SIZE: 100, GROW: 110}),
    ("ENV085", MASTER, MYSQL | {MASTER: "a" * 17}, MYSQL | {MASTER: "a" * 16}),
    ("ENV085", MASTER, MYSQL | {MASTER: "a" * 17}, {MASTER: "a" * 32}),
    ("ENV086", MOST, {"readers": 0, MOST: 1}, {"readers": 0, MOST: 0}),
    ("ENV086", MOST, TWO | {MOST: 2}, TWO | {MOST: 3}),
    ("ENV087", "proxy.max_idle_percent", {"proxy.max_idle_percent": 91}, {"proxy.max_idle_percent": 90}),
    ("ENV088", WEEKLY, {WEEKLY: "sun:03:59-sun:04:30"}, {WEEKLY: "sun:04:00-sun:04:30"}),
    *(
        ("ENV088", key, {key: short}, {key: enough})
        for key, short, enough in (
            ("/cache.snapshot_window", "02:00-02:59", "02:00-03:00"),
            ("/cache.maintenance_window", "mon:03:00-mon:03:59", "mon:03:00-mon:04:00"),
            ("/cache.maintenance_window", "mon:02:59-mon:04:00", "mon:03:00-mon:04:00"),
        )
    ),
    ("ENV089", SNAPSHOT, SOURCE | LATEST | {SNAPSHOT: "a"}, {SNAPSHOT: "a"}),
    ("ENV089", "restore_from.source", SOURCE, SOURCE | LATEST),
    ("ENV089", "restore_from.time", LATEST, {}),
    ("ENV089", "restore_from.source", MYSQL | SOURCE | LATEST, MYSQL | {SNAPSHOT: "a"}),
    ("ENV089", SNAPSHOT, MYSQL | OF_CLUSTER, OF_CLUSTER),
    ("ENV089", SNAPSHOT, {SNAPSHOT: OTHER_REGIONS}, {SNAPSHOT: OTHER_REGIONS, "/region": "eu-central-1"}),
    ("ENV089", SNAPSHOT, MYSQL | OF_CLUSTER, MYSQL | {SNAPSHOT: f"{ARN}:snapshot:a"}),
    ("ENV097", f"{INSTANCE}.tls_version", {INSTANCE: {"tls_version": "x"}}, {INSTANCE: {"tls": "x"}}),
    ("ENV098", NODE, {NODE: "cache.t4g.micro"}, {NODE: "cache.t4g.micro", "/cache.snapshot_days": 0}),
    ("ENV098", NODE, {NODE: "cache.t3.micro"}, {NODE: "cache.t4g.small"}),
]  # fmt: skip


def full(path: str) -> str:
    return path[1:] if path.startswith("/") else f"database.{path}"


def findings(over: Over) -> list[tuple[str, Finding]]:
    values = LEAST
    for path, value in over.items():
        for key in reversed(full(path).split(".")):
            value = {key: value}
        values = merged(values, value)
    env = Environment.model_validate(values)
    return [(check.code, finding) for check in CHECKS for finding in check.find(env)]


@pytest.mark.parametrize(("code", "field", "wrong", "right"), BROKEN)
def test_what_does_not_go_together_is_blamed_and_its_neighbour_is_not(
    code: str, field: str, wrong: Over, right: Over
) -> None:
    [(told, finding)] = findings(wrong)
    assert (told, finding.field) == (code, full(field))
    assert set(finding.reads) <= {*all_keys(Environment)}
    assert findings(right) == []


def test_every_rule_about_the_database_is_shown_broken() -> None:
    assert {check.code for check in DATABASE_CHECKS} == {code for code, *_ in BROKEN}


@pytest.mark.parametrize("wrong", [wrong for _, field, wrong, _ in BROKEN if field == "version"])
def test_a_version_that_is_offered_instead_can_be_used(wrong: Over) -> None:
    [(_, finding)] = findings(wrong)
    [offered] = re.findall(r"(?:use|to) ([\w.]+)", finding.remedy)
    version = f"{AURORA}3.10.0" if offered == "3.10" else offered  # "3.10 or later"
    assert findings(wrong | {"version": version}) == []


@pytest.mark.parametrize("group", [CLUSTER, INSTANCE])
@pytest.mark.parametrize("name", [*OURS, "max_connections"])
def test_no_parameter_of_ours_can_be_set_in_either_group_and_each_says_why(group: str, name: str) -> None:
    found = [(finding.field, finding.why) for _, finding in findings({group: {name: "1"}})]
    ours = [(f"database.{group}.{name}", f"Blueprint sets it, so that {OURS.get(name)}")]
    assert found == (ours if name in OURS else [])


def test_nobody_turns_off_encryption_or_the_record_of_who_signs_in() -> None:
    audit = {f"server_audit_{what}" for what in ("logging", "events", "logs_upload")}
    assert {"require_secure_transport", "tls_version", "log_output", *audit} <= OURS.keys()


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


@given(st.integers(0, 1439), st.integers(30, 1439), st.integers(0, 1439), st.integers(30, 1440))
@example(180, 60, 240, 30)
@example(1410, 60, 0, 30)
@example(0, 30, 30, 1410)
def test_windows_meet_when_a_minute_of_the_day_is_in_both(
    start: int, length: int, from_: int, lasts: int
) -> None:
    ends = f"{'mon' if from_ + lasts >= 1440 else 'sun'}:{clock(from_ + lasts)}"
    windows = {
        "backup.window": f"{clock(start)}-{clock(start + length)}",
        WEEKLY: f"sun:{clock(from_)}-{ends}",
    }
    one, other = ({m % 1440 for m in range(a, a + b)} for a, b in ((start, length), (from_, lasts)))
    assert [finding.field for _, finding in findings(windows)] == [full(WEEKLY)] * bool(one & other)
