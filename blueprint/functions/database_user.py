"""Makes the application's database user and rotates its password, without ever seeing the master's.

The user may do everything inside one schema and nothing outside it, and only over TLS. SQL goes through the
Data API (Aurora), which takes the master's secret by reference, or through RDS Proxy (RDS for MySQL), where
this function signs in as the master user with an IAM token and the proxy alone knows the password.

A new password does not end the old one at once: MySQL keeps it beside the new one until the next rotation,
so that instances may read the secret again when it suits them.

Environment: ``USERNAME`` and ``SCHEMA``; ``CLUSTER`` and ``MASTER_SECRET`` (ARNs), or ``PROXY`` (host) and
``MASTER``.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from typing import Any

import boto3

from blueprint.functions.custom_resource import Failure, Request, custom_resource
from blueprint.functions.mysql_session import MySqlError, over_proxy
from blueprint.functions.rotation import CURRENT, Credentials, rotation, version

PLUGIN = "caching_sha2_password"
_NAME = re.compile(r"[a-z][a-z0-9]{0,31}")  # an underscore in a grant would stand for any character
_PASSWORD = re.compile(r"[A-Za-z0-9]{16,41}")  # nothing that SQL would have to escape
#: The database wakes up, fails over, or does not know the new master password yet.
PASSING = (
    *("DatabaseResumingException", "DatabaseUnavailableException", "InternalServerErrorException"),
    *("ServiceUnavailableError", "StatementTimeoutException", "ThrottlingException"),
)
RETRIES, RETRY_SECONDS = 8, 6.0

Run = Callable[[str], list[list[str]]]

try_again = time.sleep


# -- what is said to the database --------------------------------------------------------------------------


def statements(username: str, schema: str, password: str) -> list[str]:
    """What makes the user, or makes one that came with a snapshot fit: each may be repeated."""
    user = f"'{_safe(_NAME, username)}'@'%'"
    schema = _safe(_NAME, schema)
    password = _safe(_PASSWORD, password)
    return [
        f"CREATE DATABASE IF NOT EXISTS `{schema}`",
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH {PLUGIN} BY '{password}' REQUIRE SSL",
        f"ALTER USER {user} IDENTIFIED WITH {PLUGIN} BY '{password}' REQUIRE SSL ACCOUNT UNLOCK",
        f"GRANT ALL PRIVILEGES ON `{schema}`.* TO {user}",
    ]


def _safe(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise Failure("a name or a password holds what must not stand in SQL")
    return text


def faults(run: Run, username: str, schema: str, password: str) -> list[str]:
    """What is wrong with the user; nothing when it exists as it should and has this password."""
    name = _safe(_NAME, username)
    rows = run(
        "SELECT plugin, HEX(authentication_string), ssl_type, account_locked "  # noqa: S608 (checked)
        f"FROM mysql.user WHERE user = '{name}' AND host = '%'"
    )
    if not rows:
        return ["there is no such user"]
    plugin, digest, encrypted, locked = rows[0]
    wrong = []
    if plugin != PLUGIN or not _is_of(bytes.fromhex(digest), password):
        wrong.append("it has another password")
    if encrypted != "ANY" or locked != "N":
        wrong.append("it may connect without TLS, or not at all")
    grantee = f"grantee = '''{name}''@''%'''"
    everywhere = run(
        "SELECT privilege_type FROM information_schema.user_privileges "  # noqa: S608 (checked)
        f"WHERE {grantee} AND privilege_type <> 'USAGE'"
    )
    elsewhere = run(
        "SELECT DISTINCT table_schema FROM information_schema.schema_privileges "  # noqa: S608 (checked)
        f"WHERE {grantee} AND table_schema <> '{_safe(_NAME, schema)}'"
    )
    if everywhere or elsewhere:
        wrong.append("it may do more than its schema needs")
    return wrong


def _is_of(stored: bytes, password: str) -> bool:
    """Whether MySQL keeps ``password`` as ``stored``: ``$A$005$``, 20 bytes of salt, 43 of digest."""
    if not stored.startswith(b"$A$") or len(stored) != 70:
        return False
    rounds = int(stored[3:6], 16) * 1000
    return stored[27:] == sha256_crypt(password.encode(), stored[7:27], rounds)


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The digest of Drepper's SHA-256 crypt, in its base 64 (caching_sha2_password keeps that)."""

    def sha(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    def stretched(digest: bytes, length: int) -> bytes:
        return (digest * (length // 32 + 1))[:length]

    size = len(password)
    other = sha(password, salt, password)
    start = password + salt + stretched(other, size)
    while size:
        start += other if size & 1 else password
        size >>= 1
    digest = sha(start)
    long_password = stretched(sha(password * len(password)), len(password))
    long_salt = stretched(sha(salt * (16 + digest[0])), len(salt))
    for turn in range(rounds):
        odd = turn & 1
        digest = sha(
            long_password if odd else digest,
            long_salt if turn % 3 else b"",
            long_password if turn % 7 else b"",
            digest if odd else long_password,
        )
    return _base64(digest)


def _base64(digest: bytes) -> bytes:
    alphabet = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    groups = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14)]
    groups += [(15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29)]
    numbers = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in groups]
    numbers.append((digest[31] << 8 | digest[30], 3))
    return bytes(alphabet[number >> 6 * place & 63] for number, places in numbers for place in range(places))


# -- how it is said ----------------------------------------------------------------------------------------


def as_master() -> Run:
    """Runs SQL as the master user, by the Data API or through the proxy."""
    if "PROXY" in os.environ:
        return _patient(over_proxy(os.environ["PROXY"], os.environ["MASTER"]))
    return _patient(_over_data_api)


def _over_data_api(sql: str) -> list[list[str]]:
    answer = boto3.client("rds-data").execute_statement(
        resourceArn=os.environ["CLUSTER"],
        secretArn=os.environ["MASTER_SECRET"],
        sql=sql,
        continueAfterTimeout=True,  # a definition must not be cut off half way
    )
    rows = answer.get("records", [])
    return [[str(value.get("stringValue", "")) for value in row] for row in rows]


def _patient(run: Run) -> Run:
    """Repeats what fails for a passing reason. Messages are dropped: they may quote the statement."""

    def runs(sql: str) -> list[list[str]]:
        for attempt in range(RETRIES):
            reason, passing = "", False
            try:
                return run(sql)
            except (MySqlError, OSError) as error:
                reason, passing = _of_session(error)
            except Exception as error:
                code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
                reason, passing = code or type(error).__name__, code in PASSING
                if code.startswith("AccessDenied"):
                    raise  # a role made a moment ago: the skeleton waits for it
            if not passing or attempt + 1 == RETRIES:
                break
            try_again(RETRY_SECONDS)
        raise Failure(f"the database refused a statement: {reason}")

    return runs


def _of_session(error: Exception) -> tuple[str, bool]:
    number = getattr(error, "number", 0)
    return f"error {number}" if number else type(error).__name__, not number


# -- the two events ----------------------------------------------------------------------------------------


def change_password(credentials: Credentials, context: Any) -> None:
    """Only where it has not happened yet: done twice, the password in use would be forgotten."""
    run = as_master()
    name, new = _safe(_NAME, credentials["username"]), _safe(_PASSWORD, credentials["password"])
    found = faults(run, name, os.environ["SCHEMA"], new)
    if "there is no such user" in found:
        raise Failure("the application's user is missing: deploy the stack to make it again")
    if "it has another password" in found:
        run(f"ALTER USER '{name}'@'%' IDENTIFIED BY '{new}' RETAIN CURRENT PASSWORD")


def prove_password(credentials: Credentials, context: Any) -> None:
    found = faults(as_master(), credentials["username"], os.environ["SCHEMA"], credentials["password"])
    if found:
        raise Failure(f"the application's user is not as it should be: {', '.join(found)}")


def make(request: Request) -> None:
    username, schema = os.environ["USERNAME"], os.environ["SCHEMA"]
    request.physical_id = f"{schema}-{username}"
    current = version(boto3.client("secretsmanager"), request.properties["Secret"], CURRENT)
    if current.get("username") != username:
        raise Failure(f"the secret is not that of {username}")
    run = as_master()
    if faults(run, username, schema, current["password"]):
        for statement in statements(username, schema, current["password"]):
            run(statement)
    prove_password(current, None)


def leave(request: Request) -> None:
    """The user goes with the database, and into its last snapshot; dropped now, it could lock people out."""


_rotate = rotation(apply=change_password, prove=prove_password)
_make = custom_resource(create=make, update=make, delete=leave)


def handler(event: dict[str, Any], context: Any) -> None:
    """Secrets Manager's steps, or a custom resource that makes the user of ``Secret``."""
    (_rotate if "Step" in event else _make)(event, context)
