"""Templates with buckets, rendered with no more layers than they need, and both validators' opinion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blueprint.environment import load_account, load_environment
from blueprint.gate import Finding, GateInput, check
from blueprint.layers import layers_for, security, storage
from blueprint.render import Rendered, render
from tests.conftest import Template


@pytest.fixture
def storage_rendered(environments) -> Callable[..., Rendered]:
    def make(**over: Any) -> Rendered:
        subject = load_environment(environments(prod=over), "prod")
        return render(subject, {"security": security.stacks, "storage": storage.stacks})

    return make


@pytest.fixture
def storage_template(storage_rendered) -> Callable[..., Template]:
    """The template of the storage layer: ``storage_template(storage={...}, **RECOVERY)``."""
    return lambda **over: _template(storage_rendered(**over), "storage")


@pytest.fixture
def account_rendered(environments) -> Callable[..., Rendered]:
    """The account's templates; ``environment`` overrides the one environment that uses it."""

    def make(environment: dict[str, Any] | None = None, **over: Any) -> Rendered:
        subject = load_account(environments(prod=environment or {}, account=over))
        return render(subject, layers_for(subject))

    return make


@pytest.fixture
def audit_template(account_rendered) -> Callable[..., Template]:
    return lambda **over: _template(account_rendered(**over), "audit")


@pytest.fixture
def encryption_template(account_rendered) -> Callable[..., Template]:
    return lambda **over: _template(account_rendered(**over), "encryption")


@pytest.fixture
def complaints() -> Callable[..., list[Finding]]:
    """What fails the gate in rendered stacks, by the fast validator or by both."""

    def ask(*rendered: Rendered, validators: tuple[str, ...]) -> list[Finding]:
        bodies = {
            (body, name): rendering.plan.stacks[name].regions
            for rendering in rendered
            for name, body in rendering.bodies.items()
            if name != "security"
        }
        inputs = [
            GateInput(name, body, regions, f"{index}-{name}")
            for index, ((body, name), regions) in enumerate(bodies.items())
        ]
        assert inputs
        return [f for f in check(inputs, cache_dir=None, validators=validators, processes=1) if f.fails]

    return ask


def _template(rendered: Rendered, name: str) -> Template:
    body = rendered.bodies[name]
    return Template(name, json.loads(body), body)
