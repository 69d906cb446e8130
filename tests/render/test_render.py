"""Rendering as a whole: from the stacks of layers to files, or to problems and no file."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from troposphere import AWSObject

from blueprint.layers import layers_for
from blueprint.problems import BlueprintError, Problem
from blueprint.render import render
from blueprint.stacks.places import Place
from tests.conftest import RECOVERY, ROOT
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


def test_a_region_without_schemas_is_blamed_on_the_line_that_chose_it(env, account, monkeypatch):
    for module in ("blueprint.render.regions", "blueprint.schemas.lookup.regions"):
        monkeypatch.setattr(module, lambda: ("eu-west-1",))
    subject = env(**RECOVERY)
    with pytest.raises(BlueprintError) as error:
        render(subject, {"data": lambda s: [stack_of(s, "data", Place.PRIMARY, Place.RECOVERY)]})
    assert codes(error) == ["REN022"]
    assert error.value.problems[0].where == subject.where("recovery[0].region")
    assert error.value.problems[0].where.line is not None
    with pytest.raises(BlueprintError) as error:
        render(account(), {"all": lambda s: [stack_of(s, "all", Place.ACCOUNT_REGIONS)]})
    places = {(Path(p.where.file).name, p.where.field) for p in error.value.problems}
    assert places == {("prod.yaml", "recovery[0].region"), ("dev.yaml", "region")}
    assert all(problem.where.line for problem in error.value.problems)


def test_a_region_that_nobody_chose_is_blamed_on_the_primary_that_stands_for_it(env):
    def layer(subject):
        stack = stack_of(subject, "edge", Place.US_EAST_1)
        stack.add(type("Exotic", (AWSObject,), {"resource_type": "AWS::No::Where", "props": {}})("One"))
        return [stack]

    with pytest.raises(BlueprintError) as error:
        render(env(), {"edge": layer})
    assert error.value.problems[0].where.field == "region"
    assert error.value.problems[0].where.line is not None


def test_custom_resources_exist_everywhere(env):
    def layer(subject):
        stack = stack_of(subject, "data")
        kind = type("Mine", (AWSObject,), {"resource_type": "Custom::Mine", "props": {}})
        stack.add(kind("One"))
        return [stack]

    assert "data" in render(env(), {"data": layer}).bodies


# -- mistakes of a layer -------------------------------------------------------------------------------

MISTAKES = {
    "a misspelt property": 'Bucket("Uploads", BucketNam="x")',
    "a wrong value": 'Bucket("Uploads", BucketName=7)',
    "a helper's refusal": 'bucket_prefix(subject, "a-name-that-is-far-too-long-for-any-bucket")',
    "a place of others": 'Stack("b", subject, Place.ACCOUNT_HOME, purpose="P.")',
    "a name that is not there": "subject.no_such_key",
    "a key that is not there": "{}['none']",
}
LAYER = """\
from troposphere.s3 import Bucket

from blueprint.layers.shared.names import bucket_prefix
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack


def stacks(subject):
    stack = Stack("mine", subject, Place.PRIMARY, purpose="Mine.")
    made(subject)
    return [stack]


def made(subject):
    return MISTAKE
"""


def layer_of(text: str, path: str):
    """The function of a layer with this text, as if it stood at ``path``."""
    space: dict[str, object] = {"__name__": "blueprint.layers.mine"}
    exec(compile(text, path, "exec"), space)  # noqa: S102  our own text
    return space["stacks"]


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_layer_is_one_problem_with_its_line(env, mistake, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = str(ROOT / "blueprint" / "layers" / "mine.py")
    layer = layer_of(LAYER.replace("MISTAKE", mistake), path)
    with pytest.raises(BlueprintError) as error:
        render(env(), {"fine": lambda s: [stack_of(s, "fine")], "mine": layer})
    assert codes(error) == ["REN009"]
    (problem,) = error.value.problems
    assert problem.what.startswith("layer mine cannot be rendered: ")
    assert "Traceback" not in str(problem)
    assert problem.where is not None
    line = LAYER.splitlines().index("    return MISTAKE") + 1
    helper = mistake.startswith("bucket_prefix")
    wanted = "blueprint/layers/shared/names.py" if helper else "blueprint/layers/mine.py"
    assert problem.where.file == wanted
    assert helper or problem.where.line == line


def test_a_layer_that_returns_no_list_is_a_mistake_of_that_layer(env):
    with pytest.raises(BlueprintError) as error:
        render(env(), {"mine": lambda subject: None})
    assert codes(error) == ["REN009"]
    assert "layer mine cannot be rendered: TypeError" in str(error.value)


def test_a_module_that_is_no_layer_is_told_as_one_problem(env, monkeypatch):
    """Somebody puts a helper beside the layers and forgets the underscore."""
    monkeypatch.setitem(sys.modules, "blueprint.layers.helpers", ModuleType("blueprint.layers.helpers"))
    monkeypatch.setattr("blueprint.layers.layer_names", lambda package: ["helpers"])
    subject = env()
    with pytest.raises(BlueprintError) as error:
        render(subject, layers_for(subject))
    assert codes(error) == ["REN009"]
    assert "blueprint.layers.helpers has no function stacks(subject)" in str(error.value)
    assert "begin with _" in str(error.value)


def test_problems_that_a_layer_raises_itself_stay_as_they_are(env):
    def layer(subject):
        raise BlueprintError(Problem("no such zone", code="XYZ001"))

    with pytest.raises(BlueprintError) as error:
        render(env(), {"mine": layer})
    assert codes(error) == ["XYZ001"]


# -- the same bytes ------------------------------------------------------------------------------------


def first(subject):
    """A layer that everything else comes after: with it, all other steps have other numbers."""
    return [stack_of(subject, "aaa", Place.PRIMARY, Place.RECOVERY)]


@pytest.mark.parametrize("over", [{}, RECOVERY], ids=["one region", "two regions"])
def test_one_more_layer_changes_no_byte_of_the_other_templates(env, over):
    """Else each new layer would be an update of every stack there is."""
    subject = env(**over)
    before = render(subject, layers_for(subject))
    after = render(subject, {"aaa": first, **layers_for(subject)})
    assert set(after.bodies) == {"aaa", *before.bodies}
    assert {name: body for name, body in after.bodies.items() if name != "aaa"} == before.bodies
    assert after.plan.file_name("security") != before.plan.file_name("security")  # the number did change


def test_the_same_environment_gives_the_same_bytes(rendered):
    assert rendered(**RECOVERY).rendered.files == rendered(**RECOVERY).rendered.files
