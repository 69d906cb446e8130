"""Database parameters for a web application: short requests, many connections, TLS, useful logs.

Values are text, as RDS takes them. What an environment's file adds comes on top. Left alone on purpose:
sizes that follow memory (innodb_buffer_pool_size, max_connections), which serverless capacity moves, and
performance_schema, which Performance Insights manages. Sources: Aurora User Guide, "Aurora MySQL
configuration parameters"; RDS User Guide, "Parameters for MySQL".
"""

from __future__ import annotations

#: Connections that idle longer than this have been forgotten by their PHP process. Aurora looks at both
#: timeouts, whichever is shorter; RDS Proxy sets its own for its connections.
_IDLE_SECONDS = {"wait_timeout": "900", "interactive_timeout": "900"}
_TLS = {"require_secure_transport": "ON", "tls_version": "TLSv1.2,TLSv1.3"}
_TEXT = {"character_set_server": "utf8mb4", "collation_server": "utf8mb4_0900_ai_ci"}
_LOGS = {
    "general_log": "0",  # exported, so that it can be switched on for an hour; it would log every query
    "innodb_print_all_deadlocks": "1",
    "log_output": "FILE",  # a table would not reach CloudWatch
    "long_query_time": "1",  # seconds
    "slow_query_log": "1",
}
_SAFE = {"local_infile": "0"}  # a client's files are its own

AURORA_CLUSTER = {
    **_TLS,
    **_TEXT,
    "server_audit_events": "CONNECT,QUERY_DCL,QUERY_DDL",
    "server_audit_logging": "1",
}
AURORA_INSTANCE = {**_IDLE_SECONDS, **_LOGS, **_SAFE}
MYSQL = {
    **_TLS,
    "require_secure_transport": "1",  # what Aurora calls ON
    **_TEXT,
    **_IDLE_SECONDS,
    **_LOGS,
    **_SAFE,
    # The binary log is on, for backups and replicas: triggers and routines of the application need this.
    "log_bin_trust_function_creators": "1",
    "innodb_flush_log_at_trx_commit": "1",  # no committed transaction is lost, with the next
    "sync_binlog": "1",
}


def family(engine: str, version: str) -> str:
    """The family of parameter groups: ``aurora-mysql8.0``, ``mysql8.4``."""
    name = "aurora-mysql" if engine == "aurora-mysql" else "mysql"
    return f"{name}{'.'.join(version.split('.')[:2])}"
