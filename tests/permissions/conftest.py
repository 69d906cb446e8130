"""What a few templates make, without rendering an environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blueprint.permissions.names import Names
from blueprint.permissions.resources import Made
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY


@pytest.fixture
def makes(env) -> Callable[..., Names]:
    """``makes({"Key": {"Type": ..., "Properties": ...}})``; with ``recovery`` stack sets make it too."""

    def make(resources: dict[str, Any], *, recovery: bool = False, secrets: tuple[str, ...] = ()) -> Names:
        subject = env(**(RECOVERY if recovery else {}))
        stack = Stack("x", subject, Place.PRIMARY, Place.RECOVERY, purpose="X.")
        for secret in secrets:
            stack.require_secret(secret, "A secret.")
        for name, resource in resources.items():
            kind = type("Thing", (), {"resource_type": resource["Type"]})
            stack.resources[name] = kind()
        template = {"Resources": resources}
        return Names(subject, Made([stack], {"x": template}, json.dumps(template)))

    return make
