"""Shared by all tests: environments made from a few overrides, rendered, and easy to ask questions of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.environment import Account, Environment, load_account, load_environment
from blueprint.layers import layers_for
from blueprint.render import Rendered, render

ROOT = Path(__file__).parent.parent
#: What the user of this checkout has: any valid set. Nothing may be assumed of it but that it is committed.
SHIPPED = sorted(
    path.stem for path in (ROOT / "environments").glob("*.yaml") if not path.stem.startswith("base")
)
#: A frozen copy of the environment files that the project came with, for tests that need to know them.
EXAMPLE = ROOT / "tests" / "example"

#: Name of a property of a test (record_property) whose text is printed at the end of the run.
IN_SUMMARY = "in summary"

#: The least that a user sets.
LEAST: dict[str, Any] = {
    "project": "acme",
    "account": "111122223333",
    "region": "eu-west-1",
    "domain": "shop.example.com",
    "owner": "platform@example.com",
}
RECOVERY = {"recovery": [{"region": "eu-central-1", "cidr": "10.1.0.0/16"}]}
LEAST_ACCOUNT: dict[str, Any] = {
    "project": "acme",
    "home_region": "eu-west-1",
    "owner": "platform@example.com",
}


@dataclass
class Template:
    """A rendered template with the questions that tests ask."""

    name: str
    data: dict[str, Any]
    body: bytes = field(repr=False, default=b"")

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return dict(self.data["Resources"])

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id; a test that relies on one must see that there is one."""
        return {name: r for name, r in self.resources.items() if r["Type"] == resource_type}

    def properties(self, logical_id: str) -> dict[str, Any]:
        return dict(self.resources[logical_id].get("Properties", {}))


class Rendering:
    """One rendered environment: templates by stack name, and everything the renderer returned."""

    def __init__(self, rendered: Rendered) -> None:
        self.rendered = rendered
        self.manifest = rendered.manifest
        self.templates = {
            name: Template(name, json.loads(body), body) for name, body in rendered.bodies.items()
        }

    def __getitem__(self, stack: str) -> Template:
        return self.templates[stack]

    def __iter__(self) -> Iterator[Template]:
        return iter(self.templates.values())


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else replaces, as environment files do."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


@pytest.fixture
def environments(tmp_path: Path) -> Callable[..., Path]:
    """Write environment files and return their folder: ``environments(prod={...}, account={...})``."""

    def write(**files: dict[str, Any]) -> Path:
        folder = tmp_path / "environments"
        folder.mkdir(exist_ok=True)
        for name, over in files.items():
            data = merged(LEAST_ACCOUNT if name == "account" else LEAST, over)
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def env(environments: Callable[..., Path]) -> Callable[..., Environment]:
    """An environment from overrides, not rendered."""

    def make(**over: Any) -> Environment:
        return load_environment(environments(prod=over), "prod")

    return make


@pytest.fixture
def account(environments: Callable[..., Path]) -> Callable[..., Account]:
    """The account of two environments, from overrides of its own file, not rendered."""

    def make(**over: Any) -> Account:
        dev = {"account": "444455556666", "region": "us-west-2"}
        return load_account(environments(prod=RECOVERY, dev=dev, account=over))

    return make


@pytest.fixture
def rendered(environments: Callable[..., Path]) -> Callable[..., Rendering]:
    """Render an environment made from overrides: ``rendered(network={"zones": 4}, **RECOVERY)``."""

    def make(name: str = "prod", **over: Any) -> Rendering:
        subject = load_environment(environments(**{name: over}), name)
        return Rendering(render(subject, layers_for(subject)))

    return make


@pytest.fixture
def rendered_account(environments: Callable[..., Path]) -> Callable[..., Rendering]:
    """Render the account, with one environment that uses it: ``rendered_account(trail={...})``."""

    def make(environment: dict[str, Any] | None = None, **over: Any) -> Rendering:
        subject = load_account(environments(prod=environment or {}, account=over))
        return Rendering(render(subject, layers_for(subject)))

    return make


def load_shipped(name: str, folder: Path = ROOT / "environments") -> Rendering:
    """An environment of this checkout, rendered now."""
    subject = load_account(folder) if name == "account" else load_environment(folder, name)
    return Rendering(render(subject, layers_for(subject)))


def load_example(name: str) -> Rendering:
    """An environment of the frozen example, rendered now."""
    return load_shipped(name, EXAMPLE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test has measured is for people to read, also when it passed in another process."""
    reports = terminalreporter.stats.get("passed", [])
    lines = [text for report in reports for name, text in report.user_properties if name == IN_SUMMARY]
    if lines:
        terminalreporter.write_sep("-", "deployed on the emulator")
        terminalreporter.write_line("\n".join(lines))
