"""What an operator may turn in the console says there what the environment file says about it."""

from __future__ import annotations

import pytest

from blueprint.environment import load_environment
from blueprint.environment.options import option


@pytest.fixture
def env(environments):
    return load_environment(environments(prod={"security": {"rotation_days": 180}}), "prod")


def test_an_option_has_the_value_of_the_file_and_the_limits_and_meaning_of_the_model(env):
    found = option(env, "security.rotation_days")
    assert (found.value, found.minimum, found.maximum, found.allowed) == (180, 90, 2560, ())
    assert "rotations of a key" in found.description
    assert found.constraint == "A whole number from 90 to 2560."


def test_an_option_with_a_choice_lists_it(env):
    found = option(env, "network.flow_logs.retention_days")
    assert found.value == 90
    assert {1, 90, 3653} <= set(found.allowed)
    assert found.constraint.startswith("One of 1, 3, 5, ")


def test_an_option_that_the_model_lacks_is_an_error(env):
    with pytest.raises(KeyError, match="rotation"):
        option(env, "security.rotation")
