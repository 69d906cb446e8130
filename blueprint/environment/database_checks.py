"""Rules across fields for the database: combinations that AWS, or our own functions, would fail on later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from blueprint.environment.database_model import RDS, SERVERLESS, Cache, Database, clock, minutes
from blueprint.environment.finding import Check, Finding
from blueprint.environment.model import Environment
from blueprint.environment.tree import joined
from blueprint.schemas import engine_versions

# Pausing came with 3.08; the Data API, which makes our users, with 3.07 (Aurora MySQL release notes).
OLDEST_AURORA_3 = [8, 0, 3, 8]
LONGEST_MASTER_OF_RDS = 16  # characters of the master user's name; Aurora takes 32
#: Parameters that this layer answers for, and why nobody may turn them.
OURS = {
    "require_secure_transport": "every connection is encrypted",
    "tls_version": "connections use TLS 1.2 or later",
    "log_output": "logs reach CloudWatch only as files",
    "server_audit_logging": "who signs in is recorded",
    "server_audit_events": "who signs in is recorded",
    "server_audit_logs_upload": "who signs in is recorded",
}


def _engine_fits(env: Environment) -> Iterator[Finding]:
    db = env.database
    of_aurora = "mysql_aurora" in db.version
    if of_aurora == (db.engine == RDS):
        yield Finding(
            "database.version",
            f"{db.version} is a version of {'Aurora MySQL' if of_aurora else 'MySQL'}, not of {db.engine}",
            f"set database.version to {_good_version(db)}",
            ("database.engine",),
        )
        return
    if fault := _version_fault(db):
        yield Finding("database.version", *fault, ("database.engine",))
    if fault := _class_fault(db):
        yield Finding("database.instance_class", *fault, ("database.engine",))


def _good_version(db: Database) -> str:
    """Of Aurora the one with long-term support that is the default, of MySQL the newest that is known."""
    if db.engine != RDS:
        return str(type(db).model_fields["version"].default)
    return max((v for v in engine_versions("mysql").known if v.startswith("8.4.")), key=_numbers)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


def _version_fault(db: Database) -> tuple[str, str] | None:
    if db.engine == RDS and db.version.startswith("8.0"):
        return "MySQL 8.0 has left standard support and costs extra by the hour", f"use {_good_version(db)}"
    if db.engine != RDS and _numbers(db.version) < OLDEST_AURORA_3:
        return (
            "before 3.08 nothing can pause, and before 3.07 no Data API makes users",
            "use 3.10 or later",
        )
    table = engine_versions("mysql" if db.engine == RDS else db.engine)
    if db.version in table.withdrawn:
        return "AWS has withdrawn this version", f"use {_good_version(db)}"
    if db.version not in table.known and not _is_newer(db.version, table.known):
        return f"there is no {db.version}, although there are newer versions", f"use {_good_version(db)}"
    return None


def _is_newer(version: str, known: Iterable[str]) -> bool:
    """Whether it may have come after the table was made: a patch of a minor version, or another minor."""
    numbers, table = _numbers(version), [_numbers(other) for other in known]
    minor = numbers[: 4 if "aurora" in version else 2]
    patches = [other for other in table if other[: len(minor)] == minor]
    return numbers > max(patches or [other for other in table if other[:3] == numbers[:3]], default=[])


def _class_fault(db: Database) -> tuple[str, str] | None:
    small = re.match(r"db\.t[0-9]", db.instance_class)
    if db.engine == RDS:
        if db.instance_class == SERVERLESS:
            return (
                "only Aurora is serverless",
                "set database.instance_class to a size, for instance db.m8g.large",
            )
        if re.fullmatch(r"db\.t[34]g?\.(micro|small)", db.instance_class):
            return "Performance Insights needs more than this class has", "use db.t4g.medium or larger"
    elif small:
        return "the Data API, which makes and rotates users, does not serve db.t classes", "use db.serverless"
    return None


def _capacity_fits(env: Environment) -> Iterator[Finding]:
    db = env.database
    low, high = db.serverless.min_acu, db.serverless.max_acu
    if low > high:
        yield Finding(
            "database.serverless.min_acu",
            f"at least {low:g} ACU are more than at most {high:g}",
            "lower database.serverless.min_acu, or raise database.serverless.max_acu",
            ("database.serverless.max_acu",),
        )
    if low or db.instance_class != SERVERLESS or db.engine == RDS:
        return
    wakes = (
        ("database.proxy.enabled", db.proxy.enabled, "RDS Proxy keeps connections open"),
        ("recovery", bool(env.recovery), "the primary of a global database never does"),
        ("database.reader_scaling.maximum", db.reader_scaling.maximum > 0, "added readers would not either"),
    )
    for field, present, why in wakes:
        if present:
            yield Finding(
                "database.serverless.min_acu",
                f"with 0 it should pause, and it would not: {why}",
                f"use 0.5 or more, or do without {field}",
                (field, "database.instance_class", "database.engine"),
            )


def _rds_is_complete(env: Environment) -> Iterator[Finding]:
    db = env.database
    if db.engine != RDS:
        return
    if not db.proxy.enabled:
        yield Finding(
            "database.proxy.enabled",
            "rds-mysql has no Data API: its application user is made through RDS Proxy, so that no function "
            "holds the master password",
            "set database.proxy.enabled to true, or use engine: aurora-mysql",
            ("database.engine",),
        )
    if env.network.nat == "none":
        yield Finding(
            "network.nat",
            "a function in the network makes the users of rds-mysql, and must reach CloudFormation",
            "use another nat, or engine: aurora-mysql",
            ("database.engine",),
        )
    if db.reader_scaling.maximum:
        yield Finding(
            "database.reader_scaling.maximum",
            "only Aurora adds readers by itself",
            "use 0, or engine: aurora-mysql",
            ("database.engine",),
        )
    if db.storage.type != "standard":
        yield Finding(
            "database.storage.type",
            "only Aurora has it; rds-mysql lies on gp3",
            "remove it, or use engine: aurora-mysql",
            ("database.engine",),
        )
    if db.parameters.cluster:
        yield Finding(
            "database.parameters.cluster",
            "rds-mysql is no cluster",
            "move them to database.parameters.instance",
            ("database.engine",),
        )
    if len(db.restore_from.master_username) > LONGEST_MASTER_OF_RDS:
        yield Finding(
            "database.restore_from.master_username",
            f"a master user of rds-mysql has at most {LONGEST_MASTER_OF_RDS} characters",
            "copy it from the RDS console",
            ("database.engine",),
        )
    if db.storage.max_size_gb * 10 < db.storage.size_gb * 11:
        yield Finding(
            "database.storage.max_size_gb",
            f"{db.storage.max_size_gb} GiB are not a tenth more than {db.storage.size_gb} to begin with",
            "raise database.storage.max_size_gb, or lower database.storage.size_gb",
            ("database.storage.size_gb",),
        )


def _readers_fit(env: Environment) -> Iterator[Finding]:
    db = env.database
    most = db.reader_scaling.maximum
    if db.engine == RDS or not most:
        return
    if not db.readers:
        yield Finding(
            "database.reader_scaling.maximum",
            "readers are added by the load of readers, and there is none to begin with",
            "set database.readers to 1 or more, or database.reader_scaling.maximum to 0",
            ("database.readers",),
        )
    elif most <= db.readers:
        yield Finding(
            "database.reader_scaling.maximum",
            f"{most} readers at most leave nothing to add to {db.readers}",
            f"set database.reader_scaling.maximum to {db.readers + 1} or more, or to 0",
            ("database.readers",),
        )


def _proxy_fits(env: Environment) -> Iterator[Finding]:
    proxy = env.database.proxy
    if proxy.max_idle_percent > proxy.max_connections_percent:
        yield Finding(
            "database.proxy.max_idle_percent",
            f"{proxy.max_idle_percent} per cent unused are more than {proxy.max_connections_percent} in all",
            "lower database.proxy.max_idle_percent, or raise database.proxy.max_connections_percent",
            ("database.proxy.max_connections_percent",),
        )


def _windows_are_apart(env: Environment) -> Iterator[Finding]:
    pairs = (
        ("database", "backup.window", env.database.backup.window, env.database.maintenance_window),
        ("cache", "snapshot_window", env.cache.snapshot_window, env.cache.maintenance_window),
    )
    for section, name, daily, weekly in pairs:
        start, length = clock(daily.split("-")[0]), minutes(daily)
        from_, lasts = clock(weekly.split("-")[0]) % 1440, minutes(weekly)
        if (from_ - start) % 1440 < length or (start - from_) % 1440 < lasts:
            yield Finding(
                f"{section}.maintenance_window",
                f"{weekly} meets the daily {daily} of {section}.{name}, which AWS refuses",
                "move one of the two",
                (f"{section}.{name}",),
            )
    for name, window in (("snapshot_window", pairs[1][2]), ("maintenance_window", pairs[1][3])):
        if minutes(window) < 60:
            yield Finding(f"cache.{name}", "a cache needs an hour at least", "make it longer")


def _restored_from_one_thing(env: Environment) -> Iterator[Finding]:
    restore = env.database.restore_from
    if restore.snapshot and (restore.source or restore.time):
        yield Finding(
            "database.restore_from.snapshot",
            "a snapshot and a moment of another database are named",
            "remove one of the two",
            ("database.restore_from.source", "database.restore_from.time"),
        )
    elif bool(restore.source) != bool(restore.time):
        given, lacking = ("source", "time") if restore.source else ("time", "source")
        yield Finding(
            f"database.restore_from.{given}",
            f"it needs {lacking} as well",
            f"add database.restore_from.{lacking}",
            (f"database.restore_from.{lacking}",),
        )
    if restore.source and env.database.engine == RDS:
        yield Finding(
            "database.restore_from.source",
            "rds-mysql is restored from snapshots only",
            "make a snapshot of that database and name it in database.restore_from.snapshot",
            ("database.engine",),
        )
    if restore.snapshot.startswith("arn:") and restore.snapshot.split(":")[3] != env.region:
        yield Finding(
            "database.restore_from.snapshot",
            f"it lies in {restore.snapshot.split(':')[3]}, and a database is made from snapshots of its own "
            "region",
            f"copy it to {env.region}, and name the copy",
            ("region",),
        )
    if ":cluster-snapshot:" in restore.snapshot and env.database.engine == RDS:
        yield Finding(
            "database.restore_from.snapshot",
            "a snapshot of an Aurora cluster cannot become rds-mysql",
            "name a snapshot of a database instance",
            ("database.engine",),
        )


def _parameters_are_free(env: Environment) -> Iterator[Finding]:
    groups = env.database.parameters
    for group, parameters in (("cluster", groups.cluster), ("instance", groups.instance)):
        for name in parameters.keys() & OURS.keys():
            yield Finding(
                joined(f"database.parameters.{group}", name),
                f"Blueprint sets it, so that {OURS[name]}",
                "remove it",
            )


def _cache_fits(env: Environment) -> Iterator[Finding]:
    cache: Cache = env.cache
    if cache.snapshot_days and re.match(r"cache\.t[0-9]g?\.micro", cache.node_type):
        yield Finding(
            "cache.node_type",
            "the smallest nodes have no memory to spare for making snapshots",
            "use cache.t4g.small or larger, or cache.snapshot_days: 0",
            ("cache.snapshot_days",),
        )


DATABASE_CHECKS: tuple[Check[Environment], ...] = (
    Check("ENV083", "A database's version and class belong to its engine.", _engine_fits),
    Check("ENV084", "A database that is to pause has nothing that keeps it awake.", _capacity_fits),
    Check("ENV085", "RDS for MySQL has what it needs, and nothing that only Aurora has.", _rds_is_complete),
    Check("ENV086", "Readers that are added come on top of fixed ones.", _readers_fit),
    Check("ENV087", "A proxy keeps no more connections than it may open.", _proxy_fits),
    Check("ENV088", "Maintenance meets no backup, and windows are long enough.", _windows_are_apart),
    Check("ENV089", "A database is restored from one thing.", _restored_from_one_thing),
    Check("ENV097", "Parameters that keep the database safe are not overridden.", _parameters_are_free),
    Check("ENV098", "A cache that makes snapshots has memory for it.", _cache_fits),
)
