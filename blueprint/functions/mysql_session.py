"""Says SQL to RDS Proxy, signed in by an IAM token: as much of MySQL's protocol as that takes.

A driver would have to be packed and kept up to date with every function. This speaks TLS to a host whose
certificate is checked, sends one query at a time, and reads text. Sources: MySQL's "Client/Server Protocol";
RDS User Guide, "Connecting to a database through RDS Proxy".
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable

import boto3

PORT = 3306
WAIT_SECONDS = 20.0
# Long passwords, protocol 4.1, TLS, 4.1's way of signing in, plugins, tokens longer than 255 bytes
CAPABILITIES = 0x1 | 0x200 | 0x800 | 0x8000 | 0x80000 | 0x200000
UTF8MB4 = 45
TOKEN_PLUGIN = b"mysql_clear_password"  # a token is sent as it is, inside TLS
_OK, _ERROR, _SWITCH, _NULL = 0x00, 0xFF, 0xFE, 0xFB


class MySqlError(Exception):
    """The server refused something. Its number is kept, its text is not: it may quote the statement."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error {number}")
        self.number = number


def over_proxy(host: str, username: str) -> Callable[[str], list[list[str]]]:
    """Runs each statement in a session of its own, so that none leans on what a former one left."""

    def run(sql: str) -> list[list[str]]:
        token = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=PORT, DBUsername=username)
        with socket.create_connection((host, PORT), timeout=WAIT_SECONDS) as plain:
            return _Session(plain, host).signed_in(username, token).rows(sql)

    return run


def trusted() -> ssl.SSLContext:
    """RDS Proxy has a certificate of Amazon's public authority, which every Lambda runtime knows."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Session:
    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        self._host = host
        self._number = 0  # of the next packet; starts anew with each command

    def signed_in(self, username: str, token: str) -> _Session:
        self._receive()  # the greeting; what it offers to hash a password with is not needed
        start = struct.pack("<IIB23x", CAPABILITIES, 1 << 24, UTF8MB4)
        self._send(start)
        self._connection = trusted().wrap_socket(self._connection, server_hostname=self._host)
        secret = token.encode() + b"\0"
        length = _length(len(secret))
        self._send(start + username.encode() + b"\0" + length + secret + TOKEN_PLUGIN + b"\0")
        answer = self._receive()
        if answer[0] == _SWITCH:
            if not answer[1:].startswith(TOKEN_PLUGIN):
                raise MySqlError(2059)  # CR_AUTH_PLUGIN_CANNOT_LOAD: nothing but a token is ever sent
            self._send(secret)
            answer = self._receive()
        if answer[0] != _OK:
            raise MySqlError(2027)  # CR_MALFORMED_PACKET
        return self

    def rows(self, sql: str) -> list[list[str]]:
        self._number = 0
        self._send(b"\x03" + sql.encode())
        first = self._receive()
        if first[0] == _OK:
            return []
        for _ in range(first[0]):  # descriptions of the columns
            self._receive()
        self._receive()  # their end
        found = []
        while not _is_end(packet := self._receive()):
            found.append(list(_texts(packet)))
        return found

    def _send(self, payload: bytes) -> None:
        header = struct.pack("<I", len(payload))[:3] + bytes([self._number])
        self._connection.sendall(header + payload)
        self._number = (self._number + 1) % 256

    def _receive(self) -> bytes:
        header = self._exactly(4)
        self._number = (header[3] + 1) % 256
        payload = self._exactly(int.from_bytes(header[:3], "little"))
        if not payload:
            raise MySqlError(2027)
        if payload[0] == _ERROR:
            raise MySqlError(int.from_bytes(payload[1:3], "little"))
        return payload

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise ConnectionError("the proxy hung up")
            data += more
        return data


def _is_end(packet: bytes) -> bool:
    return packet[0] == _SWITCH and len(packet) < 9


def _length(number: int) -> bytes:
    """A number as MySQL writes lengths."""
    return bytes([number]) if number < 251 else b"\xfc" + struct.pack("<H", number)


def _texts(packet: bytes) -> list[str]:
    """The values of a row; NULL is empty text."""
    texts, at = [], 0
    while at < len(packet):
        size, at = packet[at], at + 1
        if size == 0xFC:
            size, at = int.from_bytes(packet[at : at + 2], "little"), at + 2
        elif size == _NULL:
            size = 0
        texts.append(packet[at : at + size].decode())
        at += size
    return texts
