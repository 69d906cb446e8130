"""No role is without the boundary, and nothing comes before the stack that has it."""

from __future__ import annotations

import pytest
from troposphere.iam import InstanceProfile, ManagedPolicy, Role
from troposphere.s3 import Bucket

from blueprint.render.boundary import bound
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import SHIPPED, load_shipped

BOUNDARY = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/acme-prod-boundary"}


@pytest.fixture
def stacks(env):
    def make(*names: str) -> list[Stack]:
        subject = env()
        made = [Stack(name, subject, Place.PRIMARY, purpose="X.") for name in names]
        for stack in made:
            stack.add(Role("Worker", AssumeRolePolicyDocument={}))
            stack.add(ManagedPolicy("Work", PolicyDocument={}))
            stack.add(InstanceProfile("Profile", Roles=["x"]))
            stack.add(Bucket("Files"))
        return made

    return make


def test_every_role_of_every_other_stack_is_put_under_the_boundary(stacks):
    made = stacks("deployment", "network", "storage")
    bound(made)
    for stack in made[1:]:
        properties = stack.resources["Worker"].to_dict()["Properties"]
        assert properties["PermissionsBoundary"] == BOUNDARY
        assert properties["Path"] == "/acme-prod/"
        assert stack.resources["Work"].to_dict()["Properties"]["Path"] == "/acme-prod/"
        assert stack.waits == ["deployment"]


def test_what_makes_the_boundary_is_not_under_it_and_waits_for_nothing(stacks):
    (made,) = stacks("deployment")
    bound([made])
    assert "PermissionsBoundary" not in made.resources["Worker"].properties
    assert "Path" not in made.resources["Worker"].properties
    assert made.waits == []


def test_nothing_but_roles_and_policies_is_touched(stacks):
    made = stacks("deployment", "network")
    bound(made)
    assert "Path" not in made[1].resources["Profile"].properties
    assert made[1].resources["Files"].properties.keys() <= {"Tags"}


def test_without_the_stack_that_has_it_there_is_none_to_name(stacks):
    made = stacks("network")
    bound(made)
    assert "PermissionsBoundary" not in made[0].resources["Worker"].properties
    assert made[0].waits == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_role_is_bounded(name):
    rendering = load_shipped(name)
    roles = [
        role["Properties"]
        for template in rendering
        if template.name != "deployment"
        for role in template.of_type("AWS::IAM::Role").values()
    ]
    subject = rendering.rendered.subject
    assert roles
    for role in roles:
        assert role["PermissionsBoundary"]["Fn::Sub"].endswith(f":policy/acme-{subject.name}-boundary")
        assert role["Path"] == f"/acme-{subject.name}/"
