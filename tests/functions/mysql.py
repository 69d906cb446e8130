"""As much of MySQL as the functions say to it, whichever way they say it: users, passwords and rights."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

PLUGIN = "caching_sha2_password"
#: What MySQL 8.0 and 8.4 take for a digest of that plugin: of 20 characters of salt, after 5000 rounds.
_DIGEST = r"(?P<digest>\$A\$005\$[./0-9A-Za-z]{63})"
_USER = r"'(?P<user>\w+)'@'%'"
_AS = rf"IDENTIFIED WITH {PLUGIN} AS '{_DIGEST}'"
_OF_USER = r"FROM mysql\.user WHERE user = '(?P<user>\w+)'"
_STATEMENTS = {
    r"CREATE DATABASE IF NOT EXISTS `(?P<schema>\w+)`": "_create_schema",
    rf"CREATE USER IF NOT EXISTS {_USER} {_AS} REQUIRE SSL": "_create",
    rf"ALTER USER {_USER} {_AS}(?P<rest>.*)": "_alter",
    rf"GRANT ALL PRIVILEGES ON `(?P<schema>\w+)`\.\* TO {_USER}": "_grant",
    rf"SELECT plugin, .* {_OF_USER} AND host = '%'": "_kept",
    rf"SELECT host, ssl_type, account_locked {_OF_USER}": "_ways_in",
    r"SELECT 1 FROM (?P<table>[\w.]+) WHERE (?P<which>.*) LIMIT 1": "_elsewhere",
}


@dataclass
class User:
    """The password in use, and one that was kept, as digests."""

    primary: bytes
    former: bytes = b""
    plugin: str = PLUGIN
    host: str = "%"
    ssl: str = "ANY"
    locked: str = "N"


@dataclass
class MySql:
    """``run`` takes a statement; what is not understood is an error of the test."""

    crypt: Callable[[bytes, bytes, int], bytes]
    users: dict[str, User] = field(default_factory=dict)
    namesakes: list[User] = field(default_factory=list)  # users of the same name for other hosts
    schemas: set[str] = field(default_factory=set)
    grants: list[tuple[str, str]] = field(default_factory=list)  # schema and user
    too_much: set[str] = field(default_factory=set)  # tables that show rights outside the schema
    said: list[str] = field(default_factory=list)

    def user(self, password: str, **over: str) -> User:
        return User(self._digest(password), **over)

    def accepts(self, password: str, name: str = "application") -> bool:
        """Whether somebody signs in with it."""
        user = self.users[name]
        return self._digest(password) in (user.primary, user.former)

    def _digest(self, password: str) -> bytes:
        """With the salt of a stored digest, if there is one that it fits."""
        for user in self.users.values():
            for stored in (user.primary, user.former):
                if stored and stored[27:] == self.crypt(password.encode(), stored[7:27], 5000):
                    return stored
        salt = b"saltsaltsaltsaltsalt"
        return b"$A$005$" + salt + self.crypt(password.encode(), salt, 5000)

    def run(self, sql: str) -> list[list[str]]:
        self.said.append(sql)
        for pattern, answer in _STATEMENTS.items():
            if found := re.fullmatch(pattern, sql):
                rows: list[list[str]] = getattr(self, answer)(**found.groupdict())
                return rows
        raise AssertionError(f"not understood: {sql}")

    def _create_schema(self, schema: str) -> list[list[str]]:
        self.schemas.add(schema)
        return []

    def _create(self, user: str, digest: str) -> list[list[str]]:
        self.users.setdefault(user, User(digest.encode()))
        return []

    def _alter(self, user: str, digest: str, rest: str) -> list[list[str]]:
        known = self.users[user]
        if rest == " RETAIN CURRENT PASSWORD":
            assert known.plugin == PLUGIN, "MySQL: error 3894, no password is kept over a change of plugin"
            known.former = known.primary
        else:
            assert rest in ("", " REQUIRE SSL ACCOUNT UNLOCK")
            if known.plugin != PLUGIN:
                known.plugin, known.former = PLUGIN, b""
        if rest == " REQUIRE SSL ACCOUNT UNLOCK":
            known.ssl, known.locked = "ANY", "N"
        known.primary = digest.encode()
        return []

    def _grant(self, schema: str, user: str) -> list[list[str]]:
        self.grants.append((schema, user))
        return []

    def _kept(self, user: str) -> list[list[str]]:
        if user not in self.users:
            return []
        known = self.users[user]
        return [[known.plugin, known.primary.hex().upper(), known.former.hex().upper()]]

    def _ways_in(self, user: str) -> list[list[str]]:
        found = [self.users[user], *self.namesakes] if user in self.users else self.namesakes
        return [[known.host, known.ssl, known.locked] for known in found]

    def _elsewhere(self, table: str, which: str) -> list[list[str]]:
        assert "application" in which
        return [["1"]] if table in self.too_much else []
