"""The session with RDS Proxy: TLS before anything that counts, a token, text, and errors by number."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any

import boto3
import pytest

TOKEN = "proxy.example:3306/?Action=connect&X-Amz-Signature=" + "0123456789abcdef" * 20
GREETING = b"\x0a8.4.0-proxy\0" + b"\x01\0\0\0" + b"saltsalt\0"
OK, END = b"\x00\x00\x00\x02\x00\x00\x00", b"\xfe\x00\x00\x02\x00"


def packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def value(text: str | None) -> bytes:
    if text is None:
        return b"\xfb"
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 251 else b"\xfc" + struct.pack("<H", len(data))
    return length + data


class Server:
    """Plays the proxy's part over a pair of sockets; notes what arrives, and whether TLS was on by then."""

    def __init__(
        self, after_sign_in: list[bytes], answers: list[bytes], after_switch: list[bytes] | None = None
    ):
        self.after_sign_in, self.answers, self.after_switch = after_sign_in, answers, after_switch
        self.got: list[tuple[bool, bytes]] = []
        self.secure = False
        self.asked = threading.Event()
        self.client, self.own = socket.socketpair()
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def _play(self) -> None:
        with self.own:
            self.own.sendall(packet(0, GREETING))
            self._take()  # the request for TLS
            self.asked.set()
            self._take()  # signing in
            self._say(2, self.after_sign_in)
            if self.after_switch is not None:
                self._take()
                self._say(4, self.after_switch)
            if self.answers:
                self._take()
                self._say(1, self.answers)

    def _say(self, number: int, payloads: list[bytes]) -> None:
        # In two halves, as a network may.
        data = b"".join(packet(number + i, payload) for i, payload in enumerate(payloads))
        self.own.sendall(data[: len(data) // 2])
        self.own.sendall(data[len(data) // 2 :])

    def _take(self) -> None:
        header = self._exactly(4)
        self.got.append((self.secure, self._exactly(int.from_bytes(header[:3], "little"))))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.own.recv(size - len(data))
            if not more:
                return data
            data += more
        return data


@pytest.fixture
def session(load: Callable[[str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch):
    """Run a statement against a server: ``session(server)(sql)``."""
    names = load("mysql_session")

    class Rds:
        def generate_db_auth_token(self, DBHostname: str, Port: int, DBUsername: str) -> str:
            assert (DBHostname, Port, DBUsername) == ("proxy.example", 3306, "administrator")
            return TOKEN

    monkeypatch.setattr(boto3, "client", lambda name: {"rds": Rds()}[name])

    def connect(server: Server) -> Callable[[str], list[list[str]]]:
        class Tls:
            def wrap_socket(self, plain: socket.socket, server_hostname: str) -> socket.socket:
                assert server_hostname == "proxy.example"
                assert server.asked.wait(5), "TLS begins without being asked for"
                server.secure = True
                return plain

        names["trusted"] = Tls
        monkeypatch.setattr(socket, "create_connection", lambda address, timeout: server.client)
        return names["over_proxy"]("proxy.example", "administrator")

    connect.error = names["MySqlError"]
    return connect


def test_nothing_but_the_wish_for_tls_is_said_before_tls(session) -> None:
    server = Server([OK], [OK])
    assert session(server)("CREATE DATABASE x") == []
    server.thread.join(5)
    plain = [payload for secure, payload in server.got if not secure]
    assert len(plain) == 1
    capabilities, _, charset = struct.unpack("<IIB23x", plain[0])
    assert capabilities & 0x800, "TLS is asked for"
    assert charset == 45
    signed_in = server.got[1][1]
    assert b"administrator\0" in signed_in
    assert TOKEN.encode() + b"\0" in signed_in
    assert signed_in.endswith(b"mysql_clear_password\0")
    assert server.got[2] == (True, b"\x03CREATE DATABASE x")


def test_a_server_that_asks_for_the_token_gets_it_once_more(session) -> None:
    server = Server([b"\xfemysql_clear_password\0"], [OK], after_switch=[OK])
    assert session(server)("DO 1") == []
    assert server.got[2] == (True, TOKEN.encode() + b"\0")


def test_a_server_that_asks_for_anything_else_gets_nothing(session) -> None:
    server = Server([b"\xfemysql_native_password\0salt"], [])
    with pytest.raises(session.error) as raised:
        session(server)("DO 1")
    assert raised.value.number == 2059
    server.thread.join(5)
    assert len(server.got) == 2


def test_rows_are_read_as_text(session) -> None:
    long = "x" * 300
    rows = [b"".join(map(value, row)) for row in (["a", None, long], ["", "ü", "c"])]
    columns = [b"\x03def" + bytes([n]) for n in range(3)]
    server = Server([OK], [b"\x03", *columns, END, *rows, END])
    assert session(server)("SELECT a, b, c") == [["a", "", long], ["", "ü", "c"]]


def test_no_rows_are_no_rows(session) -> None:
    assert session(Server([OK], [b"\x01", b"\x03def", END, END]))("SELECT a") == []


@pytest.mark.parametrize("when", ["signing in", "asking"])
def test_an_error_of_the_server_is_a_number_and_none_of_its_words(session, when: str) -> None:
    error = b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied, the password was hunter2"
    server = Server([error], []) if when == "signing in" else Server([OK], [error])
    with pytest.raises(session.error) as raised:
        session(server)("ALTER USER x IDENTIFIED BY 'hunter2'")
    assert raised.value.number == 1045
    assert "hunter2" not in str(raised.value)


def test_a_server_that_hangs_up_is_an_error_that_passes(session) -> None:
    with pytest.raises(ConnectionError):
        session(Server([], []))("DO 1")


def test_the_certificate_and_the_name_of_the_host_are_checked(load: Callable[[str], dict[str, Any]]) -> None:
    context = load("mysql_session")["trusted"]()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
