"""Functions run as Lambda runs them: the text that a template carries, with a CloudFormation that listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest

from blueprint.layers.shared.functions import inline_code
from tests.functions.user_pool import Cognito


@dataclass
class CloudFormation:
    """Takes answers at an address; ``refuse`` of them are lost first."""

    url: str = ""
    refuse: int = 0
    attempts: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def event(self, kind: str, **over: Any) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"{self.url}/answer?signature=secret-signature",
            "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/acme-prod-network/1",
            "RequestId": "request-1",
            "LogicalResourceId": "Thing",
            **over,
        }


class Context:
    log_group_name = "group"
    log_stream_name = "stream"

    def __init__(self, seconds: float = 90) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> float:
        return self.seconds * 1000


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    service = CloudFormation()

    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            service.attempts += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            lost = service.attempts <= service.refuse
            if not lost:
                service.answers.append(json.loads(body))
                service.headers.append(dict(self.headers))
            self.send_response(503 if lost else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    service.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)  # as an emulator does
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def load() -> Callable[[str], dict[str, Any]]:
    """The names of a function as they are in Lambda, with nothing of the project to import."""

    def run(module: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "index"}
        exec(compile(inline_code(module), "index.py", "exec"), names)  # noqa: S102 (our own code)
        names["pause"] = lambda seconds: None
        return names

    return run


@pytest.fixture
def cognito(monkeypatch: pytest.MonkeyPatch) -> Cognito:
    pool = Cognito()
    monkeypatch.setattr(boto3, "client", lambda service, config: pool)
    return pool


@pytest.fixture
def merging(cognito: Cognito, load: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The function that merges accounts, in front of the pool."""
    return load("merge_accounts")
