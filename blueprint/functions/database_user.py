"""Makes the application's database user and rotates its password, without ever seeing the master's.

The user may do everything inside one schema and nothing outside it, and only over TLS. How SQL reaches the
database is another module's: ``database_user_aurora`` or ``database_user_mysql``. It never carries a
password, only the digest that MySQL would make of it: what the database, its logs or a service between may
keep of a statement lets nobody in.

A new password does not end the old one at once: MySQL keeps it beside the new one until the next rotation, so
that who has it may go on connecting until the secret is read again.

Environment: ``USERNAME`` and ``SCHEMA``.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import boto3

from blueprint.functions.custom_resource import Failure, Request, custom_resource
from blueprint.functions.rotation import CURRENT, Credentials, rotation, version

PLUGIN = "caching_sha2_password"
ROUNDS = 5000  # MySQL's own number
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NAME = re.compile(r"[a-z][a-z0-9]{0,31}")  # an underscore in a grant would stand for any character
_PASSWORD = re.compile(r"[A-Za-z0-9]{16,41}")  # what the secrets are made of
RETRIES, RETRY_SECONDS = 8, 6.0
#: Where rights stand besides those on the user's own schema.
_ELSEWHERE = (
    "information_schema.user_privileges WHERE grantee = {grantee} AND privilege_type <> 'USAGE'",
    "information_schema.schema_privileges WHERE grantee = {grantee} AND table_schema <> '{schema}'",
    "information_schema.table_privileges WHERE grantee = {grantee} AND table_schema <> '{schema}'",
    "mysql.role_edges WHERE to_user = '{name}'",
)

Run = Callable[[str], list[list[str]]]

try_again = time.sleep


class Refused(Exception):
    """The database, or the way to it, said no: why, quoting no statement, and whether a wait may help."""

    def __init__(self, reason: str, *, passes: bool) -> None:
        super().__init__(reason)
        self.passes = passes


def patient(run: Run) -> Run:
    """Repeats what was refused for a passing reason."""

    def runs(sql: str) -> list[list[str]]:
        for attempt in range(1, RETRIES + 1):
            try:
                return run(sql)
            except Refused as refused:
                reason = str(refused)
                if not refused.passes or attempt == RETRIES:
                    break
            try_again(RETRY_SECONDS)
        raise Failure(f"the database refused a statement: {reason}")

    return runs


# -- what is said to the database --------------------------------------------------------------------------


def make_user(run: Run, username: str, schema: str, password: str) -> None:
    """Makes the user, or makes one that came with a snapshot fit. A former password that is kept stays."""
    user, schema = f"'{_safe(username)}'@'%'", _safe(schema)
    known_by = f"IDENTIFIED WITH {PLUGIN} AS '{digest(password)}' REQUIRE SSL"
    run(f"CREATE DATABASE IF NOT EXISTS `{schema}`")
    run(f"CREATE USER IF NOT EXISTS {user} {known_by}")
    run(f"ALTER USER {user} {known_by} ACCOUNT UNLOCK")
    run(f"GRANT ALL PRIVILEGES ON `{schema}`.* TO {user}")


def change_password(run: Run, username: str, schema: str, new: str, current: str) -> None:
    """From now on the new password counts and the one in use, whatever a former attempt has left.

    RETAIN keeps whichever password the user has at that moment: said twice, or after a rotation that broke
    off, it would keep another than the one that everybody uses. So a user that is not as it should be, or
    not there, is made fit with the password in use first.
    """
    primary, former = passwords(run, username)
    if _is_of(primary, new) and _is_of(former, current):
        return
    if faults(run, username, schema, current, current):
        make_user(run, username, schema, current)
    changed = f"IDENTIFIED WITH {PLUGIN} AS '{digest(new)}' RETAIN CURRENT PASSWORD"
    run(f"ALTER USER '{_safe(username)}'@'%' {changed}")


def passwords(run: Run, username: str) -> tuple[bytes, bytes]:
    """What MySQL keeps of the user's password and of a former one; nothing where there is none of ours."""
    rows = run(
        "SELECT plugin, HEX(authentication_string), "  # noqa: S608 (checked)
        "HEX(JSON_UNQUOTE(JSON_EXTRACT(user_attributes, '$.additional_password'))) "
        f"FROM mysql.user WHERE user = '{_safe(username)}' AND host = '%'"
    )
    for plugin, primary, former in rows:
        if plugin == PLUGIN:
            return bytes.fromhex(primary), bytes.fromhex(former)
    return b"", b""


def faults(run: Run, username: str, schema: str, new: str, current: str) -> list[str]:
    """What is wrong with the user; nothing when it is as it should be and both passwords count."""
    name, wrong = _safe(username), []
    primary, former = passwords(run, name)
    if not _is_of(primary, new):
        wrong.append("it has another password")
    elif new != current and not _is_of(former, current):
        wrong.append("the password in use does not count any more")
    hosts = run(f"SELECT host, ssl_type, account_locked FROM mysql.user WHERE user = '{name}'")  # noqa: S608
    if len(hosts) > 1:
        wrong.append("another user of its name stands before it")
    if ["%", "ANY", "N"] not in hosts:
        wrong.append("it is missing, locked, or may connect without TLS")
    known = {"name": name, "grantee": f"'''{name}''@''%'''", "schema": _safe(schema)}
    if any(run(f"SELECT 1 FROM {where.format(**known)} LIMIT 1") for where in _ELSEWHERE):  # noqa: S608
        wrong.append("it may do more than its schema needs")
    return wrong


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Failure("a name holds what must not stand in SQL")
    return name


# -- how MySQL keeps a password ----------------------------------------------------------------------------


def digest(password: str) -> str:
    """What caching_sha2_password keeps: ``$A$005$``, 20 characters of salt, 43 of SHA-256 crypt."""
    if not _PASSWORD.fullmatch(password):
        raise Failure("the secret holds no password of 16 to 41 letters and digits")
    salt = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    return f"$A${ROUNDS // 1000:03X}${salt}{sha256_crypt(password.encode(), salt.encode(), ROUNDS).decode()}"


def _is_of(stored: bytes, password: str) -> bool:
    """Whether MySQL keeps ``password`` as ``stored``."""
    if not stored.startswith(b"$A$") or len(stored) != 70:
        return False
    rounds = int(stored[3:6], 16) * 1000
    return stored[27:] == sha256_crypt(password.encode(), stored[7:27], rounds)


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    """The digest of Drepper's SHA-256 crypt, in its base 64."""

    def sha(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    def stretched(hashed: bytes, length: int) -> bytes:
        return (hashed * (length // 32 + 1))[:length]

    size = len(password)
    other = sha(password, salt, password)
    start = password + salt + stretched(other, size)
    while size:
        start += other if size & 1 else password
        size >>= 1
    result = sha(start)
    long_password = stretched(sha(password * len(password)), len(password))
    long_salt = stretched(sha(salt * (16 + result[0])), len(salt))
    for turn in range(rounds):
        odd = turn & 1
        result = sha(
            long_password if odd else result,
            long_salt if turn % 3 else b"",
            long_password if turn % 7 else b"",
            result if odd else long_password,
        )
    return _base64(result)


def _base64(hashed: bytes) -> bytes:
    groups = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14)]
    groups += [(15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29)]
    numbers = [(hashed[a] << 16 | hashed[b] << 8 | hashed[c], 4) for a, b, c in groups]
    numbers.append((hashed[31] << 8 | hashed[30], 3))
    text = "".join(_ALPHABET[number >> 6 * at & 63] for number, places in numbers for at in range(places))
    return text.encode()


# -- the two events ----------------------------------------------------------------------------------------


def handler_over(as_master: Callable[[], Run]) -> Callable[[dict[str, Any], Any], None]:
    """The Lambda handler whose SQL goes the way that ``as_master`` opens.

    It takes Secrets Manager's steps, or a custom resource that makes the user of ``Secret``.
    """

    def apply(new: Credentials, current: Credentials, context: Any) -> None:
        schema = os.environ["SCHEMA"]
        change_password(as_master(), new["username"], schema, new["password"], current["password"])

    def prove(new: Credentials, current: Credentials, context: Any) -> None:
        schema = os.environ["SCHEMA"]
        found = faults(as_master(), new["username"], schema, new["password"], current["password"])
        if found:
            raise Failure(f"the application's user is not as it should be: {', '.join(found)}")

    def make(request: Request) -> None:
        username, schema = os.environ["USERNAME"], os.environ["SCHEMA"]
        request.physical_id = f"{schema}-{username}"
        current = version(boto3.client("secretsmanager"), request.properties["Secret"], CURRENT)
        if current.get("username") != username:
            raise Failure(f"the secret is not that of {username}")
        make_user(as_master(), username, schema, current["password"])
        prove(current, current, None)

    def leave(request: Request) -> None:
        """It goes with the database, and into its last snapshot; dropped now, it could lock people out."""

    rotate = rotation(apply=apply, prove=prove)
    answer = custom_resource(create=make, update=make, delete=leave)
    return lambda event, context: (rotate if "Step" in event else answer)(event, context)
