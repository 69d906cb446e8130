"""A local CloudFormation to try templates on: ministack with stand-ins, in a process of its own.

    with running(root) as emulator:
        client = emulator.client("cloudformation", "eu-central-1", "111122223333")

See ``docs/emulator.md`` for what is real in it, what stands in, and what it cannot prove.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from blueprint.emulator.environment import emulator_python
from blueprint.problems import BlueprintError, Problem

START_SECONDS = 30.0  # 0.5 s as a rule; the first start on a cold disk compiles ministack
STOP_SECONDS = 10.0


class Emulator:
    """A running emulator. A 12-digit access key is the account, so one server plays all of them."""

    def __init__(self, endpoint: str, real_types: frozenset[str], failures: Path) -> None:
        self.endpoint = endpoint
        self.real_types = real_types
        self._failures = failures
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, region: str, account: str) -> Any:
        """A boto3 client of ``service`` in ``region`` for ``account``; the same one when asked again."""
        with self._lock:
            key = (service, region, account)
            if key not in self._clients:
                self._clients[key] = self._connect(*key)
            return self._clients[key]

    def _connect(self, service: str, region: str, account: str) -> Any:
        import boto3  # heavy, and only needed once something is deployed
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="emulated",  # noqa: S106 (any word will do)
            # A user's proxy is for the world outside, and no call here needs a second attempt.
            config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def is_real(self, resource_type: str) -> bool:
        """Whether resources of this type are made, rather than stood in for."""
        return resource_type in self.real_types or resource_type.startswith("Custom::")

    def close(self) -> None:
        """Close the clients' connections."""
        while self._clients:
            self._clients.popitem()[1].close()

    @contextmanager
    def failing(self, reasons: dict[str, str]) -> Iterator[None]:
        """Make every creation and update of these logical ids or types fail with the given reason."""
        self._failures.write_text(json.dumps(reasons), encoding="utf-8")
        try:
            yield
        finally:
            self._failures.unlink()


@contextmanager
def running(root: Path, state_dir: Path | None = None) -> Iterator[Emulator]:
    """Start the emulator, and stop it at the end; with ``state_dir``, stacks outlive the process.

    ``root`` is the project's folder: its ``.venv-emulator`` is made at first use.
    """
    python = emulator_python(root)
    work = Path(tempfile.mkdtemp(prefix="blueprint-emulator-"))
    port = _free_port()
    process = _start(python, work, port, state_dir)
    try:
        real = _wait(process, port, work)
        with closing(Emulator(f"http://127.0.0.1:{port}", real, work / "failures.json")) as emulator:
            yield emulator
    finally:
        _stop(process, gently=state_dir is not None)
        shutil.rmtree(work, ignore_errors=True)


def _start(python: Path, work: Path, port: int, state_dir: Path | None) -> subprocess.Popen[bytes]:
    with (work / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [str(python), "-m", "blueprint.emulator.server"],
            stdin=subprocess.PIPE,  # closes when this process dies, and the server then ends
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=work,
            env=_settings(work, port, state_dir),
        )


def _settings(work: Path, port: int, state_dir: Path | None) -> dict[str, str]:
    """The server's environment: nothing of the user's AWS settings, and reachable from this machine only."""
    foreign = ("AWS_", "PYTHON", "MINISTACK_")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    state = {"PERSIST_STATE": "1", "STATE_DIR": str(state_dir)} if state_dir else {}
    return {
        **inherited,
        **state,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(work),
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{work}/no-docker",  # tests must not depend on a Docker daemon being there
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "BLUEPRINT_EMULATOR_SCHEMAS": str(_schemas()),
        "BLUEPRINT_EMULATOR_FAILURES": str(work / "failures.json"),
        "BLUEPRINT_EMULATOR_READY": str(work / "ready.json"),
    }


def _schemas() -> Path:
    """The resource schemas of the project's own cfn-lint, found without importing it."""
    spec = importlib.util.find_spec("cfnlint")
    folder = Path(spec.origin).parent / "data" / "schemas" if spec and spec.origin else None
    if folder is None or not (folder / "providers").is_dir():
        raise _failed("the resource schemas of cfn-lint were not found", "run the set-up again")
    return folder


def _wait(process: subprocess.Popen[bytes], port: int, work: Path) -> frozenset[str]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if (work / "ready.json").exists() and _answers(port):
            return frozenset(json.loads((work / "ready.json").read_text(encoding="utf-8"))["real"])
        time.sleep(0.02)
    said = (work / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    cause = said[-1] if said else f"no answer within {START_SECONDS:.0f} seconds"
    raise _failed(f"the emulator did not start: {cause}", "remove .venv-emulator and try again")


def _answers(port: int) -> bool:
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes], gently: bool) -> None:
    """End the server; it takes a second to go gently, which only one that saves its state needs."""
    if gently:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _failed(what: str, remedy: str) -> BlueprintError:
    return BlueprintError(Problem(what, remedy=remedy, code="EMU001"))
