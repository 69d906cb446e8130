"""As much of a database as our functions say SQL to: users, what they may do, and how MySQL keeps passwords.

ministack forwards the Data API to a database in a container, and has none without Docker. This understands
the statements of ``blueprint/functions/database_user.py`` and refuses every other one.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from blueprint.emulator.server.ministack import core, provisioners, rds_data, secretsmanager

_SALT_CHARACTERS = 20
_USER = r"'(?P<user>\w+)'@'%'"


@dataclass
class User:
    digest: bytes
    ssl: str = "ANY"


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
    database.users.setdefault(words["user"], User(_stored(words["password"])))
    return []


def _alter_user(database: Database, words: dict[str, str]) -> Rows:
    database.users[words["user"]] = User(_stored(words["password"]))
    return []


def _grant(database: Database, words: dict[str, str]) -> Rows:
    database.grants.setdefault(words["user"], set()).add(words["schema"])
    return []


def _describe_user(database: Database, words: dict[str, str]) -> Rows:
    user = database.users.get(words["user"])
    return [["caching_sha2_password", user.digest.hex().upper(), user.ssl, "N"]] if user else []


def _elsewhere(database: Database, words: dict[str, str]) -> Rows:
    return [[schema] for schema in sorted(database.grants.get(words["user"], set()) - {words["schema"]})]


_BY = r"BY '(?P<password>\w+)'"
_GRANTEE = r"grantee = '''(?P<user>\w+)''@''%'''"
_STATEMENTS: dict[str, Statement] = {
    r"CREATE DATABASE IF NOT EXISTS `\w+`": lambda database, words: [],
    rf"CREATE USER IF NOT EXISTS {_USER} IDENTIFIED WITH \w+ {_BY} REQUIRE SSL": _create_user,
    rf"ALTER USER {_USER} IDENTIFIED WITH \w+ {_BY} REQUIRE SSL ACCOUNT UNLOCK": _alter_user,
    rf"ALTER USER {_USER} IDENTIFIED {_BY} RETAIN CURRENT PASSWORD": _alter_user,
    rf"GRANT ALL PRIVILEGES ON `(?P<schema>\w+)`\.\* TO {_USER}": _grant,
    r"SELECT .* FROM mysql\.user WHERE user = '(?P<user>\w+)' AND host = '%'": _describe_user,
    rf"SELECT .*\.user_privileges WHERE {_GRANTEE} .*": lambda database, words: [],
    rf"SELECT .*\.schema_privileges WHERE {_GRANTEE} AND table_schema <> '(?P<schema>\w+)'": _elsewhere,
}


def _stored(password: str) -> bytes:
    from blueprint.functions.database_user import sha256_crypt  # needs boto3, which only functions import

    salt = "".join(secrets.choice(string.ascii_letters) for _ in range(_SALT_CHARACTERS)).encode()
    return b"$A$005$" + salt + sha256_crypt(password.encode(), salt, 5000)


def _generating(original: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """ministack overlooks which characters a generated password may hold."""

    def generate(props: dict[str, Any]) -> str:
        wish = dict(props.get("GenerateSecretString") or {})
        if str(wish.get("ExcludePunctuation", "")).lower() == "true":
            wish["ExcludeCharacters"] = wish.get("ExcludeCharacters", "") + string.punctuation
            props = {**props, "GenerateSecretString": {**wish, "PasswordLength": int(wish["PasswordLength"])}}
        return original(props)

    return generate
