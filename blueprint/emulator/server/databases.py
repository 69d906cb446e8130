"""As much of a database as our functions say SQL to: users, what they may do, and how MySQL keeps passwords.

ministack forwards the Data API to a database in a container, and has none without Docker. This understands
the statements of ``blueprint/functions/database_user.py`` and refuses every other one.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from blueprint.emulator.server.ministack import core, provisioners, rds_data, secretsmanager

_USER = r"'(?P<user>\w+)'@'%'"


@dataclass
class User:
    """What MySQL keeps of a user's password, and of a former one."""

    digest: bytes
    former: bytes = b""


@dataclass
class Database:
    """The users of one cluster, and the schemas that each may use."""

    users: dict[str, User] = field(default_factory=dict)
    grants: dict[str, set[str]] = field(default_factory=dict)


_databases: dict[tuple[str, str, str], Database] = {}  # by account, region and cluster

Rows = list[list[str]]
Statement = Callable[[Database, dict[str, str]], Rows]


def install() -> None:
    rds_data._execute_statement = _execute
    provisioners._sm_secret_string = _generating(provisioners._sm_secret_string)


def _execute(data: dict[str, Any]) -> Any:
    """Like the service: for a caller whose secret exists, on a cluster that he names."""
    if not secretsmanager._resolve(data.get("secretArn", ""))[1]:
        return core.error_response_json("BadRequestException", "There is no such secret", 400)
    key = core.get_account_id(), core.get_region(), data["resourceArn"]
    for pattern, statement in _STATEMENTS.items():
        if found := re.fullmatch(pattern, data["sql"]):
            rows = statement(_databases.setdefault(key, Database()), found.groupdict())
            records = [[{"stringValue": value} for value in row] for row in rows]
            return core.json_response({"records": records, "numberOfRecordsUpdated": 0})
    return core.error_response_json("BadRequestException", "Database error code: 1064", 400)


def _create_user(database: Database, words: dict[str, str]) -> Rows:
    database.users.setdefault(words["user"], User(words["digest"].encode()))
    return []


def _alter_user(database: Database, words: dict[str, str]) -> Rows:
    user = database.users[words["user"]]
    if words["retain"]:
        user.former = user.digest
    user.digest = words["digest"].encode()
    return []


def _grant(database: Database, words: dict[str, str]) -> Rows:
    database.grants.setdefault(words["user"], set()).add(words["schema"])
    return []


def _passwords(database: Database, words: dict[str, str]) -> Rows:
    user = database.users.get(words["user"])
    return [["caching_sha2_password", user.digest.hex().upper(), user.former.hex().upper()]] if user else []


def _ways_in(database: Database, words: dict[str, str]) -> Rows:
    return [["%", "ANY", "N"]] if words["user"] in database.users else []


def _elsewhere(database: Database, words: dict[str, str]) -> Rows:
    return [["1"]] if database.grants.get(words["user"], set()) - {words["schema"]} else []


def _nothing(database: Database, words: dict[str, str]) -> Rows:
    return []


_AS = r"IDENTIFIED WITH caching_sha2_password AS '(?P<digest>\$A\$005\$[./0-9A-Za-z]{63})'"
_RETAIN = "(?P<retain> RETAIN CURRENT PASSWORD)?"
_OF_USER = r"FROM mysql\.user WHERE user = '(?P<user>\w+)'"
_GRANTEE = r"grantee = '''(?P<user>\w+)''@''%'''"
_ANY = "SELECT 1 FROM"
_STATEMENTS: dict[str, Statement] = {
    r"CREATE DATABASE IF NOT EXISTS `\w+`": _nothing,
    rf"CREATE USER IF NOT EXISTS {_USER} {_AS} REQUIRE SSL": _create_user,
    rf"ALTER USER {_USER} {_AS}( REQUIRE SSL ACCOUNT UNLOCK)?{_RETAIN}": _alter_user,
    rf"GRANT ALL PRIVILEGES ON `(?P<schema>\w+)`\.\* TO {_USER}": _grant,
    rf"SELECT plugin, .* {_OF_USER} AND host = '%'": _passwords,
    rf"SELECT host, ssl_type, account_locked {_OF_USER}": _ways_in,
    rf"{_ANY} .*\.schema_privileges WHERE {_GRANTEE} AND .* <> '(?P<schema>\w+)' LIMIT 1": _elsewhere,
    rf"{_ANY} .*\.(user|table)_privileges WHERE {_GRANTEE} AND .* LIMIT 1": _nothing,
    rf"{_ANY} mysql\.role_edges WHERE to_user = '\w+' LIMIT 1": _nothing,
}


def _generating(original: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """ministack overlooks which characters a generated password may hold."""

    def generate(props: dict[str, Any]) -> str:
        wish = dict(props.get("GenerateSecretString") or {})
        if str(wish.get("ExcludePunctuation", "")).lower() == "true":
            wish["ExcludeCharacters"] = wish.get("ExcludeCharacters", "") + string.punctuation
            props = {**props, "GenerateSecretString": {**wish, "PasswordLength": int(wish["PasswordLength"])}}
        return original(props)

    return generate
