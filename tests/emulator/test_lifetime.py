"""The emulator starts when asked, ends with whoever started it, and says clearly when it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueprint import emulator as starter
from blueprint.emulator import running
from blueprint.emulator.environment import emulator_python
from blueprint.emulator.trial import StackAt, Trial
from blueprint.problems import BlueprintError
from tests.emulator.templates import TOPIC, template

ROOT = Path(__file__).parents[2]
AT = StackAt("acme-prod-first", "111122223333", "eu-central-1")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_is_gone_after_the_block_and_after_an_error_in_it() -> None:
    ports = []
    with running(ROOT) as emulator:
        ports.append(int(emulator.endpoint.rpartition(":")[2]))
        assert listens(ports[0])
    with pytest.raises(ZeroDivisionError), running(ROOT) as emulator:  # noqa: PT012 (the error is the point)
        ports.append(int(emulator.endpoint.rpartition(":")[2]))
        raise ZeroDivisionError
    assert not any(listens(port) for port in ports)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_it_dies_with_a_parent_that_was_killed_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom blueprint.emulator import running\n"
        "with running(Path(sys.argv[1])) as emulator:\n"
        "    print(emulator.endpoint, flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(ROOT)]
    settings = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=settings) as parent:
        assert parent.stdout
        port = int(parent.stdout.readline().strip().rpartition(":")[2])
        assert listens(port)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(port)
    assert not list(tmp_path.iterdir())


def test_it_is_reachable_from_this_machine_only() -> None:
    with running(ROOT) as emulator:
        assert emulator.endpoint.startswith("http://127.0.0.1:")
        port = int(emulator.endpoint.rpartition(":")[2])
        with socket.socket() as probe:  # another loopback address stands for any other interface
            assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_stacks_outlive_the_process_where_asked(tmp_path: Path) -> None:
    with running(ROOT, state_dir=tmp_path) as emulator:
        Trial(emulator).apply(AT, template({"Topic": TOPIC}, {"Arn": {"Ref": "Topic"}}))
    with running(ROOT, state_dir=tmp_path) as emulator:
        assert Trial(emulator).outputs(AT)["Arn"].startswith("arn:aws:sns:eu-central-1:111122223333:")


def test_a_users_aws_settings_and_proxies_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with running(ROOT) as emulator:
        Trial(emulator).apply(AT, template({"Topic": TOPIC}))


def test_a_server_that_cannot_start_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(starter, "_schemas", lambda: tmp_path / "nowhere")
    with (
        pytest.raises(BlueprintError, match=r"the emulator did not start: .*nowhere") as caught,
        running(ROOT),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_another_ministack_that_lacks_what_the_launcher_fills_is_named_at_the_start() -> None:
    code = (
        "from blueprint.emulator.server import __main__ as launcher, ministack\n"
        "assert ministack.missing() == []\n"
        "del ministack.provisioners._RESOURCE_HANDLERS\n"
        "launcher.main()\n"
    )
    ended = subprocess.run(
        [str(emulator_python(ROOT)), "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert (
        "this release of ministack lacks ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS"
        in ended.stderr
    )
