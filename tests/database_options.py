"""Values to try for the database and the cache, and which of them go together (``database_checks.py``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNSET = None
MYSQL = "8.4.11"

BY_HAND: dict[str, list[Any]] = {
    "database.version": [UNSET, "8.4.mysql_aurora.8.4.8", MYSQL],
    "database.instance_class": [UNSET, "db.r6g.large"],
    "database.serverless.min_acu": [UNSET, 0, 256],
    "database.serverless.max_acu": [UNSET, 1, 256],
    "database.parameters.cluster": [UNSET, {"binlog_format": "ROW"}],
    "database.parameters.instance": [UNSET, {"max_connections": "2000"}],
    "database.backup.window": [UNSET, "23:30-00:30"],
    "database.maintenance_window": [UNSET, "sat:22:00-sat:23:00"],
    "database.restore_from.snapshot": [UNSET, "before-the-move"],
    "database.restore_from.source": [UNSET, "acme-old"],
    "database.restore_from.time": [UNSET, "latest", "2026-11-23T04:05:06Z"],
    "database.restore_from.master_username": [UNSET, "admin"],
    "cache.node_type": [UNSET, "cache.r7g.large"],
    "cache.snapshot_window": [UNSET, "23:00-00:00"],
    "cache.maintenance_window": [UNSET, "sat:21:00-sat:22:00"],
}

_MYSQL = {
    "database.engine": "rds-mysql",
    "database.version": MYSQL,
    "database.instance_class": "db.r6g.large",
    "database.proxy.enabled": True,
}
_PROXY = {"database.proxy.enabled": True}
_CACHE = {"cache.enabled": True}
_ALONE = {"recovery": UNSET}
#: Options that mean nothing without others: those, and a value that changes something then.
TOGETHER: dict[str, tuple[dict[str, Any], Any]] = {
    "database.engine": (_MYSQL, "rds-mysql"),
    "database.storage.size_gb": (_MYSQL, 20),
    "database.storage.max_size_gb": (_MYSQL, 65_536),
    "database.proxy.max_connections_percent": (_PROXY, 100),
    "database.proxy.max_idle_percent": (_PROXY, 0),
    "database.proxy.borrow_seconds": (_PROXY, 1),
    "database.proxy.idle_seconds": (_PROXY, 1),
    "database.proxy.share_after_set": (_PROXY, True),
    "database.reader_scaling.cpu_percent": ({"database.reader_scaling.maximum": 15}, 90),
    "database.restore_from.source": ({"database.restore_from.time": "latest"}, "acme-old"),
    "database.restore_from.time": ({"database.restore_from.source": "acme-old"}, "latest"),
    "database.serverless.min_acu": (_ALONE, 0),
    "database.serverless.pause_after_seconds": ({**_ALONE, "database.serverless.min_acu": 0}, 86_400),
    "cache.node_type": (_CACHE, "cache.r7g.large"),
    "cache.replicas": (_CACHE, 5),
    "cache.version": (_CACHE, "8.0"),
    "cache.rotation_days": (_CACHE, 1),
    "cache.snapshot_days": (_CACHE, 35),
    "cache.snapshot_window": (_CACHE, "23:00-00:00"),
    "cache.maintenance_window": (_CACHE, "sat:21:00-sat:22:00"),
}

#: What RDS for MySQL asks of other options; a value that is not listed means Aurora.
_OF_RDS: dict[str, tuple[Any, ...]] = {
    "database.engine": ("rds-mysql",),
    "database.version": (MYSQL,),
    "database.instance_class": ("db.r6g.large",),
    "database.proxy.enabled": (True,),
    "database.reader_scaling.maximum": (UNSET, 0),
    "database.storage.type": ("standard",),
    "database.storage.size_gb": (UNSET, 20),
    "database.storage.max_size_gb": (UNSET, 65_536),
    "database.parameters.cluster": (UNSET,),
    "database.restore_from.source": (UNSET,),
    "database.restore_from.time": (UNSET,),
    "database.serverless.min_acu": (UNSET, 256),  # 0 does not go with the proxy
    "network.nat": ("regional", "per-zone", "single"),
}


def fits(row: Mapping[str, Any]) -> bool:
    """Whether what is known of a row can become an environment."""

    def known(key: str, *values: Any) -> bool:
        return key in row and row[key] in values

    rds = known("database.engine", "rds-mysql") or known("database.version", MYSQL)
    if rds and not all(row[key] in values for key, values in _OF_RDS.items() if key in row):
        return False
    low, high = "database.serverless.min_acu", "database.serverless.max_acu"
    most, idle = "database.proxy.max_connections_percent", "database.proxy.max_idle_percent"
    source, time = "database.restore_from.source", "database.restore_from.time"
    awake = (
        known("database.proxy.enabled", True)
        or bool(row.get("recovery"))
        or known("database.reader_scaling.maximum", 15)
    )
    return not (
        (known(low, 256) and known(high, UNSET, 1))
        or (known(low, 0) and awake)
        or (known("database.reader_scaling.maximum", 15) and known("database.readers", 0, 15))
        or (known(most, 1) and known(idle, UNSET, 100))
        or (known(most, UNSET) and known(idle, 100))
        or (known(source, UNSET) and known(time, "latest", "2026-11-23T04:05:06Z"))
        or (known(source, "acme-old") and known(time, UNSET))
        or (known("database.restore_from.snapshot", "before-the-move") and known(source, "acme-old"))
        or (known("database.restore_from.snapshot", "before-the-move") and time in row and row[time])
    )
