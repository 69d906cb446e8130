"""What an environment file may say of the database and of the cache in front of it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from blueprint.environment.formats import as_written, refuse
from blueprint.environment.section import LogDays, Section, Whole, YesNo

SERVERLESS = "db.serverless"
RDS = "rds-mysql"
#: Backups and maintenance, as RDS spells them (UTC).
WINDOW = r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]"
DAY = r"(mon|tue|wed|thu|fri|sat|sun)"
WEEKLY_WINDOW = rf"{DAY}:([01][0-9]|2[0-3]):[0-5][0-9]-{DAY}:([01][0-9]|2[0-3]):[0-5][0-9]"
_PARAMETER = r"[a-z][a-z0-9_.]{0,63}"
_IDENTIFIER = r"[a-zA-Z](-?[a-zA-Z0-9])*"
#: An ARN can name what RDS or AWS Backup made as well, which has a prefix of its own.
_SNAPSHOT = rf"(arn:aws:rds:[a-z0-9-]+:[0-9]{{12}}:(cluster-)?snapshot:([a-z]+:)?)?(?P<name>{_IDENTIFIER})"
LONGEST_SNAPSHOT, LONGEST_DATABASE = 255, 63  # characters of identifiers
#: Aurora MySQL counts on with MySQL 8.0, and takes MySQL's own numbers with 8.4. A fifth number is a hot fix.
_VERSION = (
    r"(8\.0\.mysql_aurora\.3\.[0-9]{2}|8\.4\.mysql_aurora\.8\.4)\.(0|[1-9][0-9]?)(\.[0-9])?"
    r"|8\.[04]\.(0|[1-9][0-9]?)"
)
_USER = r"[A-Za-z][A-Za-z0-9_]{0,31}"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


def _acu(value: float) -> float:
    if value * 2 != int(value * 2):
        refuse("ENV090", "is no capacity: Aurora counts in steps of 0.5", "use a multiple of 0.5")
    return value


def _version(text: str) -> str:
    if not re.fullmatch(_VERSION, text):
        refuse(
            "ENV091",
            "is no full version of Aurora MySQL or of MySQL",
            "for instance 8.0.mysql_aurora.3.10.5 (Aurora) or 8.4.11 (rds-mysql)",
        )
    return text


def _class(text: str) -> str:
    if text != SERVERLESS and not re.fullmatch(r"db\.[a-z][a-z0-9-]*\.[a-z0-9]+", text):
        refuse("ENV092", "is no class of database instances", "for instance db.serverless or db.r8g.large")
    return text


def _window(text: str) -> str:
    if not re.fullmatch(WINDOW, text):
        refuse("ENV093", "is no time of day in UTC", "for instance 03:00-04:00")
    if not 30 <= minutes(text) <= 1439:
        refuse("ENV093", "is shorter than 30 minutes", "make it longer, for instance 03:00-04:00")
    return text


def _weekly_window(text: str) -> str:
    if not re.fullmatch(WEEKLY_WINDOW, text):
        refuse("ENV093", "is no time of the week in UTC", "for instance sun:04:30-sun:05:30")
    if not 30 <= minutes(text) <= 1440:
        refuse("ENV093", "does not last from 30 minutes to a day", "for instance sun:04:30-sun:05:30")
    return text


def minutes(window: str) -> int:
    """How long a window lasts; it may pass midnight, or the end of the week."""
    start, end = (clock(side) for side in window.split("-"))
    return (end - start) % (10_080 if window[0].isalpha() else 1440)


def clock(text: str) -> int:
    """Minutes from the start of the day, or of the week for ``sun:04:30``."""
    *day, hour, minute = text.split(":")
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(day[0]) if day else 0
    return days * 1440 + int(hour) * 60 + int(minute)


def _parameter(text: str) -> str:
    if not re.fullmatch(_PARAMETER, text):
        refuse("ENV094", "is no name of a database parameter", "for instance max_connections")
    return text


def _snapshot(text: str) -> str:
    found = re.fullmatch(_SNAPSHOT, text)
    if text and (not found or len(found["name"]) > LONGEST_SNAPSHOT):
        refuse("ENV095", "is neither a snapshot's name nor its ARN", "copy the ARN from the RDS console")
    return text


def _source(text: str) -> str:
    if text and (not re.fullmatch(_IDENTIFIER, text) or len(text) > LONGEST_DATABASE):
        refuse("ENV095", "is no identifier of a database", "copy it from the RDS console")
    return text


def _moment(text: str) -> str:
    if text not in ("", "latest") and not _is_moment(text):
        refuse("ENV096", "is no moment in UTC", "write latest, or for instance 2026-11-23T04:05:06Z")
    return text


def _is_moment(text: str) -> bool:
    """Python alone would take 2026-1-2T3:4:5Z, and digits of other scripts."""
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return False
    return re.fullmatch(_MOMENT, text) is not None


def _user(text: str) -> str:
    if not re.fullmatch(_USER, text):
        refuse(
            "ENV095",
            "is no name of a master user: a letter, then up to 31 letters, digits and underscores",
            "copy it from the RDS console",
        )
    return text


def _node(text: str) -> str:
    if not re.fullmatch(r"cache\.[a-z][a-z0-9]*\.[a-z0-9]+", text):
        refuse("ENV092", "is no class of cache nodes", "for instance cache.t4g.small")
    return text


Acu = Annotated[float, Field(strict=True), AfterValidator(_acu)]
Window = Annotated[str, AfterValidator(_window)]
WeeklyWindow = Annotated[str, AfterValidator(_weekly_window)]
Parameters = dict[
    Annotated[str, AfterValidator(_parameter)],
    Annotated[str, BeforeValidator(as_written), Field(json_schema_extra={"type": ["string", "number"]})],
]


class Serverless(Section):
    """Capacity of db.serverless instances, in Aurora capacity units (ACU, about 2 GiB of memory each)."""

    min_acu: Acu = Field(
        default=1,
        ge=0,
        le=256,
        description="What an instance always has, 0 to 256 in steps of 0.5. 0 lets it pause when idle.",
    )
    max_acu: Acu = Field(
        default=8, ge=1, le=256, description="What an instance may grow to, 1 to 256 in steps of 0.5."
    )
    pause_after_seconds: Whole = Field(
        default=300,
        ge=300,
        le=86_400,
        description="With min_acu 0: idle seconds before it pauses, 300 to 86400. It resumes in about 15.",
    )


class Storage(Section):
    """Where the data lie."""

    type: Literal["standard", "io-optimized"] = Field(
        default="standard",
        description="Aurora: pay per request, or 30 % more for instances and nothing for requests (better "
        "when requests are a quarter of the bill).",
    )
    size_gb: Whole = Field(
        default=100, ge=20, le=65_536, description="rds-mysql: what it begins with, 20 to 65536 GiB."
    )
    max_size_gb: Whole = Field(
        default=1000, ge=22, le=65_536, description="rds-mysql: what it may grow to, 22 to 65536 GiB."
    )


class ReaderScaling(Section):
    """Readers that come and go with the load, besides those of `readers`. Aurora only."""

    maximum: Whole = Field(
        default=0, ge=0, le=15, description="Most readers, 0 to 15, fixed ones included; 0: none are added."
    )
    cpu_percent: Whole = Field(
        default=60, ge=20, le=90, description="Average load of the readers to aim at, 20 to 90 per cent."
    )


class Proxy(Section):
    """RDS Proxy: keeps connections to the database open and shares them."""

    enabled: YesNo = Field(default=False, description="Whether the application goes through RDS Proxy.")
    max_connections_percent: Whole = Field(
        default=90,
        ge=1,
        le=100,
        description="Share of the database's connections that the proxy may open, 1 to 100 per cent.",
    )
    max_idle_percent: Whole = Field(
        default=50,
        ge=0,
        le=100,
        description="Share that it may keep open unused, 0 to 100 per cent; no more than it may open.",
    )
    borrow_seconds: Whole = Field(
        default=30, ge=1, le=300, description="Longest wait for a connection, 1 to 300 seconds."
    )
    idle_seconds: Whole = Field(
        default=1800, ge=1, le=28_800, description="Idle clients are cut off after 1 to 28800 seconds."
    )
    share_after_set: YesNo = Field(
        default=False,
        description="Whether a connection stays shared after SET statements: only where all of them set the "
        "same.",
    )


class Backup(Section):
    """Automatic backups, from which any second of the last days can be restored."""

    retention_days: Whole = Field(default=7, ge=1, le=35, description="Days that can be restored, 1 to 35.")
    window: Window = Field(
        default="03:00-04:00", description="When backups are made, in UTC; at least 30 minutes."
    )


class RestoreFrom(Section):
    """What the database is made from. Decided once: keep it here for ever, or a new database replaces it."""

    snapshot: Annotated[str, AfterValidator(_snapshot)] = Field(
        default="", description="Name or ARN of a snapshot.", examples=["before-the-move"]
    )
    source: Annotated[str, AfterValidator(_source)] = Field(
        default="", description="Identifier of a database of this region, with `time`.", examples=["acme-old"]
    )
    time: Annotated[str, AfterValidator(_moment)] = Field(
        default="",
        description="The moment of `source` to restore: latest, or UTC.",
        examples=["2026-11-23T04:05:06Z"],
    )
    master_username: Annotated[str, AfterValidator(_user)] = Field(
        default="administrator", description="The master user's name in what is restored: it cannot change."
    )


class ParameterOverrides(Section):
    """Database parameters, over those of Blueprint."""

    cluster: Parameters = Field(
        default_factory=dict,
        examples=[{"binlog_format": "ROW"}],
        description="Of the Aurora cluster.",
    )
    instance: Parameters = Field(
        default_factory=dict,
        examples=[{"max_connections": 2000}],
        description="Of each instance; with rds-mysql of the database.",
    )


class Database(Section):
    """The database: Aurora MySQL, or RDS for MySQL."""

    engine: Literal["aurora-mysql", "rds-mysql"] = Field(
        default="aurora-mysql",
        description="Aurora MySQL, or RDS for MySQL in two zones. Cannot be changed once deployed.",
    )
    version: Annotated[str, BeforeValidator(as_written), AfterValidator(_version)] = Field(
        default="8.0.mysql_aurora.3.10.5",
        description="Full engine version; the default is a version with long-term support. No other minor "
        "version comes by itself, so that both regions have the same; patches of this one may.",
    )
    instance_class: Annotated[str, AfterValidator(_class)] = Field(
        default=SERVERLESS, description="db.serverless, which grows and shrinks by itself, or a fixed size."
    )
    serverless: Serverless = Field(default=Serverless())
    readers: Whole = Field(
        default=1, ge=0, le=15, description="Copies that answer reading queries and can take over, 0 to 15."
    )
    reader_scaling: ReaderScaling = Field(default=ReaderScaling())
    storage: Storage = Field(default=Storage())
    proxy: Proxy = Field(default=Proxy())
    parameters: ParameterOverrides = Field(default=ParameterOverrides())
    backup: Backup = Field(default=Backup())
    maintenance_window: WeeklyWindow = Field(
        default="sun:04:30-sun:05:30", description="When AWS may patch, in UTC; at least 30 minutes."
    )
    insights: Literal["standard", "advanced"] = Field(
        default="standard",
        description="Database Insights: a week of history, or 15 months with execution plans and locks.",
    )
    monitoring_seconds: Literal[1, 5, 10, 15, 30, 60] = Field(
        default=60, description="Seconds between measurements of the operating system."
    )
    log_retention_days: LogDays = Field(
        default=90, description="Days for which its logs are kept: errors, slow queries, who signed in."
    )
    rotation_days: Whole = Field(
        default=30, ge=1, le=90, description="Days between changes of its passwords, 1 to 90."
    )
    deletion_protection: YesNo = Field(
        default=True, description="Whether it refuses to be deleted until this is switched off."
    )
    restore_from: RestoreFrom = Field(default=RestoreFrom())


class Cache(Section):
    """A Valkey cache in front of the database, encrypted and with a password."""

    enabled: YesNo = Field(default=False, description="Whether there is one.")
    node_type: Annotated[str, AfterValidator(_node)] = Field(
        default="cache.t4g.small", description="Class of its nodes."
    )
    replicas: Whole = Field(
        default=1, ge=0, le=5, description="Copies in other zones, 0 to 5; with none, a failure empties it."
    )
    version: Literal["7.2", "8.0", "8.1"] = Field(default="8.1", description="Version of Valkey.")
    rotation_days: Whole = Field(
        default=30, ge=1, le=90, description="Days between changes of its password, 1 to 90."
    )
    snapshot_days: Whole = Field(
        default=1, ge=0, le=35, description="Days for which daily snapshots are kept, 0 to 35; 0: none."
    )
    snapshot_window: Window = Field(
        default="02:00-03:00", description="When snapshots are made, in UTC; at least an hour."
    )
    maintenance_window: WeeklyWindow = Field(
        default="sun:05:30-sun:06:30", description="When AWS may patch, in UTC; at least an hour."
    )
