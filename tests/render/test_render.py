"""Rendering as a whole: from the stacks of layers to files, or to problems and no file."""

from __future__ import annotations

import pytest
from troposphere import AWSObject

from blueprint.problems import BlueprintError
from blueprint.render import render
from blueprint.stacks.places import Place
from tests.conftest import RECOVERY
from tests.small import codes, stack_of


def test_a_layer_may_make_several_stacks_and_each_is_a_file(env):
    subject = env()
    result = render(subject, {"edge": lambda s: [stack_of(s, "edge-dns"), stack_of(s, "edge-global")]})
    assert list(result.files) == ["01-edge-dns.json", "02-edge-global.json", "manifest.json"]
    assert {stack.layer for stack in result.plan.stacks.values()} == {"edge"}


def test_a_stack_of_recovery_alone_vanishes_without_a_recovery_region(env):
    layers = {"data": lambda s: [stack_of(s, "data"), stack_of(s, "replica", Place.RECOVERY)]}
    assert list(render(env(), layers).bodies) == ["data"]
    assert list(render(env(**RECOVERY), layers).bodies) == ["data", "replica"]


def exotic(subject):
    stack = stack_of(subject, "data", Place.PRIMARY, Place.RECOVERY)
    kind = type("Exotic", (AWSObject,), {"resource_type": "AWS::QuickSight::Nowhere", "props": {}})
    stack.add(kind("One"))
    return [stack]


def test_a_type_that_a_region_lacks_is_blamed_on_the_line_that_chose_the_region(env):
    with pytest.raises(BlueprintError) as error:
        render(env(**RECOVERY), {"data": exotic})
    assert codes(error) == ["REN020", "REN020"]
    primary, recovery = error.value.problems
    assert "region eu-west-1 has no AWS::QuickSight::Nowhere, which layer data needs" in str(primary)
    assert (primary.where.field, recovery.where.field) == ("region", "recovery[0].region")
    assert recovery.where.line is not None


def test_custom_resources_exist_everywhere(env):
    def layer(subject):
        stack = stack_of(subject, "data")
        kind = type("Mine", (AWSObject,), {"resource_type": "Custom::Mine", "props": {}})
        stack.add(kind("One"))
        return [stack]

    assert "data" in render(env(), {"data": layer}).bodies


def test_the_same_environment_gives_the_same_bytes(rendered):
    assert rendered(**RECOVERY).rendered.files == rendered(**RECOVERY).rendered.files
