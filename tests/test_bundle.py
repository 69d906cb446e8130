"""The folder that every release carries: its scripts run, and its files agree with one another."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from blueprint.layers.application import DATABASE_CA_FILE

BUNDLE = Path(__file__).parents[1] / "bundle"
HOOKS = BUNDLE / ".platform/hooks/prebuild"
CERTIFICATE = HOOKS / "10-certificate.sh"
AUTHORITIES = HOOKS / "20-database-authorities.sh"
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


def run(script: Path, **settings: Path | str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **{key: str(value) for key, value in settings.items()}}
    return subprocess.run(["bash", str(script)], env=env, capture_output=True, text=True, timeout=60)


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True).stdout


def make_certificate(key: Path, certificate: Path) -> None:
    """One that lasts for a month."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x")
    openssl("req", "-x509", *curve, "-days", "30", "-keyout", str(key), "-out", str(certificate))


def test_scripts_are_executable_and_stop_at_the_first_error() -> None:
    scripts = sorted(BUNDLE.rglob("*.sh"))
    assert len(scripts) == 3
    for script in scripts:
        assert script.stat().st_mode & stat.S_IXUSR, script
        text = script.read_text()
        assert text.startswith("#!/bin/bash\n")
        assert "set -euo pipefail" in text or "\nexec " in text


def test_unhealthy_instances_are_replaced() -> None:
    [config] = (BUNDLE / ".ebextensions").glob("*.config")
    group = yaml.safe_load(config.read_text())["Resources"]["AWSEBAutoScalingGroup"]
    assert group["Type"] == "AWS::AutoScaling::AutoScalingGroup"
    assert group["Properties"]["HealthCheckType"] == "ELB"
    assert group["Properties"]["HealthCheckGracePeriod"] >= 60


def test_the_proxy_uses_the_certificate_that_the_script_makes() -> None:
    conf = (BUNDLE / ".platform/nginx/conf.d/https.conf").read_text()
    folder = re.search(r"TLS_FOLDER:-(.*?)}", CERTIFICATE.read_text())
    assert folder
    names = set(re.findall(r'"\$folder/(\w+\.\w+)"', CERTIFICATE.read_text()))
    paths = set(re.findall(r"ssl_certificate(?:_key)? (\S+);", conf))
    assert paths == {f"{folder[1]}/{name}" for name in names}
    assert "listen 443 ssl;" in conf
    assert re.search(r"ssl_protocols TLSv1\.2 TLSv1\.3;", conf)
    assert "client_max_body_size 0;" in conf, "else users' files end at nginx's one megabyte"


def test_the_script_writes_where_the_environment_says() -> None:
    assert f"DATABASE_CA_FILE:-{DATABASE_CA_FILE}}}" in AUTHORITIES.read_text()


@needs_openssl
def test_a_certificate_is_made_once_and_its_key_is_nobody_else_s(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    assert run(CERTIFICATE, TLS_FOLDER=folder).returncode == 0
    key, certificate = folder / "instance.key", folder / "instance.crt"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    made = certificate.read_bytes()
    assert openssl("x509", "-in", str(certificate), "-noout", "-pubkey") == openssl(
        "pkey", "-in", str(key), "-pubout"
    )
    assert run(CERTIFICATE, TLS_FOLDER=folder).returncode == 0
    assert certificate.read_bytes() == made
    assert sorted(path.name for path in folder.iterdir()) == ["instance.crt", "instance.key"]


@needs_openssl
@pytest.mark.parametrize("wrong", ["expiring", "broken", "key missing"])
def test_a_certificate_that_will_not_do_is_made_again(tmp_path: Path, wrong: str) -> None:
    key, certificate = tmp_path / "instance.key", tmp_path / "instance.crt"
    make_certificate(key, certificate)
    if wrong == "broken":
        certificate.write_text("garbage")
    if wrong == "key missing":
        key.unlink()
    assert run(CERTIFICATE, TLS_FOLDER=tmp_path).returncode == 0
    openssl("x509", "-in", str(certificate), "-noout", "-checkend", str(800 * 24 * 3600))
    assert key.exists()


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    certificate = tmp_path / "authority.pem"
    make_certificate(tmp_path / "authority.key", certificate)
    return certificate


@needs_openssl
def test_the_database_s_authorities_stand_beside_the_system_s(tmp_path: Path, authority: Path) -> None:
    system, file = tmp_path / "system.pem", tmp_path / "database/authorities.pem"
    system.write_text("the system's\n")
    settings = {"DATABASE_CA_FILE": file, "SYSTEM_CA_FILE": system}
    assert run(AUTHORITIES, DATABASE_CA_SOURCE=f"file://{authority}", **settings).returncode == 0
    assert file.read_text() == authority.read_text() + "the system's\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644  # PHP runs as a user of its own


@needs_openssl
def test_authorities_that_a_release_carries_are_used_and_nothing_is_fetched(
    tmp_path: Path, authority: Path
) -> None:
    """Else instances without a way to the internet could not start. Started as Elastic Beanstalk does it."""
    release, file = tmp_path / "release", tmp_path / "database/authorities.pem"
    shutil.copytree(BUNDLE, release)
    shutil.copy(authority, release / ".platform/database-authorities.pem")
    hook = AUTHORITIES.relative_to(BUNDLE)
    settings = {
        "DATABASE_CA_FILE": str(file),
        "SYSTEM_CA_FILE": "/dev/null",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [str(hook)], cwd=release, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert file.read_text() == authority.read_text()


@needs_openssl
def test_a_change_of_configuration_makes_the_certificate_too(tmp_path: Path) -> None:
    hook = BUNDLE / ".platform/confighooks/prebuild/10-certificate.sh"
    done = subprocess.run(
        [str(hook.relative_to(BUNDLE))],
        cwd=BUNDLE,
        env={**os.environ, "TLS_FOLDER": str(tmp_path / "tls")},
        timeout=60,
    )
    assert done.returncode == 0
    assert (tmp_path / "tls/instance.key").exists()


@needs_openssl
@pytest.mark.parametrize("source", ["nothing", "no certificate"])
def test_authorities_from_before_stay_when_new_ones_cannot_be_read(tmp_path: Path, source: str) -> None:
    file, broken = tmp_path / "authorities.pem", tmp_path / "broken.pem"
    broken.write_text("<html>sorry</html>")
    path = broken if source == "no certificate" else tmp_path / "missing"
    settings = {
        "DATABASE_CA_FILE": file,
        "SYSTEM_CA_FILE": "/dev/null",
        "DATABASE_CA_SOURCE": f"file://{path}",
    }
    first = run(AUTHORITIES, **settings)
    assert first.returncode == 1
    assert "are missing" in first.stderr
    assert not file.exists()
    file.write_text("from before")
    assert run(AUTHORITIES, **settings).returncode == 0
    assert file.read_text() == "from before"
    assert sorted(p.name for p in tmp_path.iterdir() if p != broken) == ["authorities.pem"]
