"""References make the order: what a stack asks of another decides how it reads it, and when it comes."""

from __future__ import annotations

import pytest

from blueprint.problems import BlueprintError
from blueprint.render.linking import link
from blueprint.stacks.places import Place
from blueprint.stacks.stack import Stack
from tests.conftest import RECOVERY
from tests.small import codes, stack_of

BOTH = (Place.PRIMARY, Place.RECOVERY)
TEXTS = {"group": "G", "label": "L", "description": "D"}


def bind(stack: Stack, source: str, output: str = "Id") -> None:
    stack.bound_parameter("Bound", stack=source, output=output, pattern=".+", **TEXTS)


def order(plan) -> list[tuple[str, str, int]]:
    return [(s.deployment.stack, s.deployment.target.region, s.wave) for s in plan.steps]


# -- kinds of references -------------------------------------------------------------------------------


def test_inside_a_region_a_reference_is_an_import(env):
    subject = env()
    source, asker = stack_of(subject, "source"), stack_of(subject, "asker")
    reference = asker.output_of("source", "Id")
    link([asker, source])
    assert reference.data == {"Fn::ImportValue": "acme:prod:source:Id"}


def test_a_template_of_both_regions_imports_in_each(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "asker", *BOTH)
    reference = asker.output_of("source", "Id")
    plan = link([asker, source])
    assert list(reference.data) == ["Fn::ImportValue"]
    assert order(plan) == [
        ("source", "eu-west-1", 1),
        ("source", "eu-central-1", 1),
        ("asker", "eu-west-1", 2),
        ("asker", "eu-central-1", 2),
    ]


def test_between_ordinary_stacks_of_two_regions_a_reference_reads_the_other_stack(env):
    subject = env()
    source, asker = stack_of(subject, "source"), stack_of(subject, "edge", Place.US_EAST_1)
    reference = asker.output_of("source", "Id")
    plan = link([asker, source])
    assert reference.data == {
        "Fn::GetStackOutput": {
            "StackName": "acme-prod-source",
            "OutputName": "Id",
            "Region": "eu-west-1",
        }
    }
    assert order(plan) == [("source", "eu-west-1", 1), ("edge", "us-east-1", 2)]


def test_where_places_coincide_the_same_reference_is_an_import_and_no_name_changes(env):
    subject = env(region="us-east-1")
    source, asker = stack_of(subject, "source"), stack_of(subject, "edge", Place.US_EAST_1)
    reference = asker.output_of("source", "Id")
    link([asker, source])
    assert reference.data == {"Fn::ImportValue": "acme:prod:source:Id"}
    assert asker.stack_name == "acme-prod-edge"


def test_a_stack_in_us_east_1_reads_the_primary_of_a_stack_that_also_lives_in_recovery(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "edge", Place.US_EAST_1)
    reference = asker.output_of("source", "Id")
    link([asker, source])
    assert reference.data["Fn::GetStackOutput"]["Region"] == "eu-west-1"


def test_the_primary_never_reads_a_recovery_stack_even_where_us_east_1_is_one(env):
    """A stack of us-east-1 belongs to the primary, so it must not come to depend on the replica beside it."""
    subject = env(recovery=[{"region": "us-east-1", "cidr": "10.1.0.0/16"}])
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "edge", Place.US_EAST_1)
    reference = asker.output_of("source", "Id")
    link([asker, source])
    assert reference.data["Fn::GetStackOutput"]["Region"] == "eu-west-1"


@pytest.mark.parametrize("place", [Place.RECOVERY, Place.FIRST_RECOVERY])
def test_beside_a_recovery_stack_what_is_recovery_itself_imports(env, place):
    subject = env(recovery=[{"region": "us-east-1", "cidr": "10.1.0.0/16"}])
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "asker", place)
    reference = asker.output_of("source", "Id")
    plan = link([asker, source])
    assert reference.data == {"Fn::ImportValue": "acme:prod:source:Id"}
    assert ("asker", "us-east-1", 2) in order(plan)


def test_what_us_east_1_reads_of_the_primary_is_there_before(env):
    subject = env(recovery=[{"region": "us-east-1", "cidr": "10.1.0.0/16"}])
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "edge", Place.US_EAST_1)
    asker.output_of("source", "Id")
    plan = link([asker, source])
    (edge,) = (deployment for deployment in plan.needs if deployment.stack == "edge")
    assert [str(needed) for needed in plan.needs[edge]] == ["source in eu-west-1"]


def test_recovery_never_reads_another_region(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source"), stack_of(subject, "asker", Place.RECOVERY)
    asker.output_of("source", "Id")
    with pytest.raises(BlueprintError) as error:
        link([asker, source])
    assert codes(error) == ["REN005"]
    assert "bound_parameter" in str(error.value)


def test_a_template_that_serves_recovery_too_may_not_read_what_only_the_primary_has(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source"), stack_of(subject, "asker", *BOTH)
    asker.output_of("source", "Id")
    with pytest.raises(BlueprintError) as error:
        link([asker, source])
    assert codes(error) == ["REN005"]


# -- bindings ------------------------------------------------------------------------------------------


def test_a_binding_makes_recovery_wait_for_the_primary(env):
    subject = env(**RECOVERY)
    stack = stack_of(subject, "data", *BOTH)
    bind(stack, "data")
    assert order(link([stack])) == [("data", "eu-west-1", 1), ("data", "eu-central-1", 2)]


def test_a_binding_does_not_hold_up_the_primary(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "zz-source"), stack_of(subject, "asker", *BOTH)
    bind(asker, "zz-source")
    plan = link([asker, source])
    waves = {(s, region): wave for s, region, wave in order(plan)}
    assert waves["asker", "eu-west-1"] == 1
    assert waves["asker", "eu-central-1"] > waves["zz-source", "eu-west-1"]


def test_nothing_is_bound_to_what_lives_in_recovery_only(env):
    subject = env(**RECOVERY)
    asker = stack_of(subject, "asker", *BOTH)
    bind(asker, "replica")
    with pytest.raises(BlueprintError) as error:
        link([asker, stack_of(subject, "replica", Place.RECOVERY)])
    assert codes(error) == ["REN008"]
    assert "output_of" in str(error.value)


# -- second passes -------------------------------------------------------------------------------------


def test_a_stack_can_wait_for_another_in_every_region_without_reading_it(env):
    subject = env(**RECOVERY)
    source, asker = stack_of(subject, "source", *BOTH), stack_of(subject, "asker")
    asker.wait_for("source")
    assert order(link([asker, source])) == [
        ("source", "eu-west-1", 1),
        ("source", "eu-central-1", 1),
        ("asker", "eu-west-1", 2),
    ]
    asker.wait_for("sauce")
    with pytest.raises(BlueprintError) as raised:
        link([asker, source])
    assert codes(raised) == ["REN006"]


def test_a_second_pass_comes_when_both_sides_are_complete(env):
    subject = env(**RECOVERY)
    one, other = stack_of(subject, "one"), stack_of(subject, "other", Place.RECOVERY)
    parameter = one.parameter("Replicate", "false", constraint="C", **TEXTS)
    one.second_pass(parameter, "true", after=["other"], why="the other bucket must exist")
    plan = link([one, other])
    assert [(s.deployment.stack, s.deployment.pass_number) for s in plan.steps] == [
        ("one", 0),
        ("other", 0),
        ("one", 1),
    ]
    assert plan.steps[-1].wave == 2


def test_passes_of_one_stack_come_one_after_the_other(env):
    stack = stack_of(env(), "one")
    parameter = stack.parameter("Phase", "0", constraint="C", **TEXTS)
    for value in ("1", "2"):
        stack.second_pass(parameter, value, after=[], why="by and by")
    assert [(s.deployment.pass_number, s.wave) for s in link([stack]).steps] == [(0, 1), (1, 2), (2, 3)]


def test_a_second_pass_for_an_unknown_stack_is_refused(env):
    stack = stack_of(env(), "one")
    parameter = stack.parameter("Replicate", "false", constraint="C", **TEXTS)
    stack.second_pass(parameter, "true", after=["oen"], why="-")
    with pytest.raises(BlueprintError) as error:
        link([stack])
    assert codes(error) == ["REN006"]
    assert "did you mean one?" in str(error.value)


# -- mistakes ------------------------------------------------------------------------------------------


def test_an_unknown_stack_is_named_with_the_nearest_known_one(env):
    subject = env()
    asker = stack_of(subject, "asker")
    asker.output_of("secruity", "Id")
    with pytest.raises(BlueprintError) as error:
        link([asker, stack_of(subject, "security")])
    assert codes(error) == ["REN003"]
    assert "did you mean security?" in str(error.value)


def test_an_unknown_output_is_named_with_the_nearest_known_one(env):
    subject = env()
    asker = stack_of(subject, "asker")
    asker.output_of("source", "KeyIdd")
    with pytest.raises(BlueprintError) as error:
        link([asker, stack_of(subject, "source", outputs=["KeyId", "Other"])])
    assert codes(error) == ["REN004"]
    assert "did you mean KeyId?" in str(error.value)


def test_a_binding_to_an_unknown_output_is_refused(env):
    subject = env(**RECOVERY)
    asker = stack_of(subject, "asker", *BOTH)
    bind(asker, "source", "Nothing")
    with pytest.raises(BlueprintError) as error:
        link([asker, stack_of(subject, "source")])
    assert codes(error) == ["REN004"]


def test_all_mistakes_are_told_at_once(env):
    subject = env(**RECOVERY)
    asker = stack_of(subject, "asker", *BOTH)
    for output in ("One", "Two"):
        asker.output_of("source", output)
    bind(asker, "nowhere")
    with pytest.raises(BlueprintError) as error:
        link([asker, stack_of(subject, "source", *BOTH)])
    assert codes(error) == ["REN004", "REN004", "REN003"]


def test_a_cycle_is_told_with_everybody_in_it(env):
    subject = env()
    one, other = stack_of(subject, "one"), stack_of(subject, "other")
    one.output_of("other", "Id")
    other.output_of("one", "Id")
    with pytest.raises(BlueprintError) as error:
        link([one, other])
    assert codes(error) == ["REN007"]
    assert "one in eu-west-1" in str(error.value)
    assert "other in eu-west-1" in str(error.value)


def test_a_stacks_name_is_unique_in_its_environment(env):
    subject = env()
    with pytest.raises(BlueprintError) as error:
        link([stack_of(subject, "data"), stack_of(subject, "data", Place.US_EAST_1)])
    assert codes(error) == ["REN002"]


# -- order ---------------------------------------------------------------------------------------------


def test_the_order_does_not_depend_on_the_order_of_the_layers(env):
    subject = env(**RECOVERY)

    def plan(backwards: bool):
        stacks = [stack_of(subject, name, *BOTH) for name in "abcd"]
        stacks[0].output_of("d", "Id")
        bind(stacks[1], "c")
        return link(reversed(stacks) if backwards else stacks)

    assert order(plan(False)) == order(plan(True))


def test_steps_count_from_one_and_waves_never_go_back(env):
    subject = env(**RECOVERY)
    stacks = [stack_of(subject, name, *BOTH) for name in "abc"]
    stacks[0].output_of("b", "Id")
    stacks[1].output_of("c", "Id")
    plan = link(stacks)
    assert [step.number for step in plan.steps] == [1, 2, 3, 4, 5, 6]
    waves = [step.wave for step in plan.steps]
    assert waves == sorted(waves)


def test_a_file_carries_the_number_of_its_first_step(env):
    subject = env(**RECOVERY)
    one, other = stack_of(subject, "one", *BOTH), stack_of(subject, "other", *BOTH)
    other.output_of("one", "Id")
    plan = link([one, other])
    assert plan.file_name("one") == "01-one.json"
    assert plan.file_name("other") == "03-other.json"
    assert [step.number for step in plan.steps_of("other")] == [3, 4]
