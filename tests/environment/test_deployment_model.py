"""What an environment file says of its deployment."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from blueprint.environment.deployment_model import Deployment, StackSets
from blueprint.problems import BlueprintError

MANAGED = {"permission_model": "service-managed", "organizational_units": ["ou-ab12-cdef3456"]}


def test_what_is_not_said_is_protected_and_needs_no_organization():
    assert Deployment().protected
    assert Deployment().stack_sets.permission_model == "self-managed"


@pytest.mark.parametrize("unit", ["ou-ab12-cdef3456", "r-ab12"])
def test_units_and_the_root_are_taken(unit):
    assert StackSets(organizational_units=(unit,)).organizational_units == (unit,)


@pytest.mark.parametrize(
    "unit", ["", "ou-ab12", "OU-AB12-CDEF3456", "r-", "111122223333", "ou-ab12-cdef3456 "]
)
def test_what_is_no_unit_is_refused(unit):
    with pytest.raises(ValidationError):
        StackSets(organizational_units=(unit,))


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"permission_model": "service-managed"}, "permission_model"),
        ({"organizational_units": ["r-ab12"]}, "organizational_units"),
        ({"delegated_administrator": True}, "delegated_administrator"),
    ],
)
def test_what_belongs_to_the_other_model_is_refused_by_its_field(env, wish, field):
    with pytest.raises(BlueprintError) as error:
        env(deployment={"stack_sets": wish})
    (problem,) = error.value.problems
    assert problem.code == "ENV121"
    assert problem.where is not None
    assert problem.where.field == f"deployment.stack_sets.{field}"


def test_an_organization_that_is_told_is_taken(env):
    assert env(deployment={"stack_sets": MANAGED}).deployment.stack_sets.organizational_units
