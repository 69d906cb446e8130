"""From what stacks ask of one another to the order in which they are deployed.

Nothing is listed twice: an edge exists because a layer asked for an output or bound a parameter. Inside a
region a reference is an import, between ordinary stacks of two regions a GetStackOutput; recovery stacks
read nothing across regions, because they must still update when the primary is lost.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from blueprint.problems import BlueprintError, Problem
from blueprint.stacks.places import Place, Target
from blueprint.stacks.records import Binding, SecondPass, StackOutput
from blueprint.stacks.stack import Stack


@dataclass(frozen=True)
class Deployment:
    """One stack in one account and region; ``pass_number`` is 0 but for second passes."""

    stack: str
    target: Target
    place: Place
    pass_number: int = 0

    def __str__(self) -> str:
        suffix = f" pass {self.pass_number + 1}" if self.pass_number else ""
        return f"{self.stack} in {self.target.region}{suffix}"


@dataclass(frozen=True)
class Step:
    """A line of the upload order: ``number`` counts from 1, ``wave`` too."""

    number: int
    wave: int
    deployment: Deployment


@dataclass
class Plan:
    """The stacks of an environment with their edges, waves and steps."""

    stacks: dict[str, Stack]
    needs: dict[Deployment, set[Deployment]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def steps_of(self, stack: str) -> list[Step]:
        return [step for step in self.steps if step.deployment.stack == stack]

    def file_name(self, stack: str) -> str:
        """The number is for the person in the console: that of the stack's first step."""
        return f"{self.steps_of(stack)[0].number:02d}-{stack}.json"


def link(stacks: Iterable[Stack]) -> Plan:
    """Resolve every reference and put the deployments in order.

    Raises BlueprintError with every unknown stack, unknown output, impossible crossing, or with the cycle.
    """
    plan = Plan(_by_name(stacks))
    problems: list[Problem] = []
    for stack in plan.stacks.values():
        for deployment in _deployments(stack):
            plan.needs.setdefault(deployment, set())
        for reference in stack.references:
            problems += _link_reference(plan, stack, reference)
        for binding in stack.bindings:
            problems += _link_binding(plan, stack, binding)
        for name in stack.waits:
            problems += _link_wait(plan, stack, name)
        for number, second in enumerate(stack.passes, start=1):
            problems += _link_pass(plan, stack, second, number)
    if problems:
        raise BlueprintError(dict.fromkeys(problems))
    plan.steps = _ordered(plan.needs)
    return plan


def _by_name(stacks: Iterable[Stack]) -> dict[str, Stack]:
    named: dict[str, Stack] = {}
    for stack in stacks:
        if stack.name in named:
            raise BlueprintError(
                Problem(f"two layers make a stack called {stack.name}", remedy="rename one", code="REN002")
            )
        named[stack.name] = stack
    return named


def _deployments(stack: Stack, pass_number: int = 0) -> list[Deployment]:
    return [Deployment(stack.name, target, place, pass_number) for target, place in stack.targets.items()]


def _find(plan: Plan, asker: Stack, name: str, output: str) -> Stack | Problem:
    """The stack asked for, or what is wrong with asking for it."""
    found = plan.stacks.get(name)
    if found is None:
        return Problem(
            f"stack {asker.name} asks for output {output} of stack {name}, which no layer makes",
            remedy=_nearest(name, plan.stacks),
            code="REN003",
        )
    if output not in found.outputs:
        return Problem(
            f"stack {asker.name} asks for output {output} of stack {name}, which has none of that name",
            remedy=_nearest(output, found.outputs),
            code="REN004",
        )
    return found


def _nearest(name: str, known: Mapping[str, object]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {match[0]}?" if match else f"known are: {', '.join(known) or 'none'}"


def _link_reference(plan: Plan, asker: Stack, reference: StackOutput) -> list[Problem]:
    source = _find(plan, asker, reference.stack, reference.output)
    if isinstance(source, Problem):
        return [source]
    readers = [d for d in _deployments(asker) if not (reference.primary_only and d.place.is_recovery)]
    if all(_same_origin(source, reader) for reader in readers):
        reference.data = {"Fn::ImportValue": source.export_name(reference.output)}
        for deployment in readers:
            plan.needs[deployment].add(
                Deployment(source.name, deployment.target, source.targets[deployment.target])
            )
        return []
    ordinary = [d for d in _deployments(source) if not d.place.is_recovery]
    if asker.recovery_regions or len(asker.regions) > 1 or len(ordinary) != 1:
        return [
            Problem(
                f"stack {asker.name} asks for output {reference.output} of stack {source.name}, "
                "which does not live in all of its regions",
                remedy="bind a parameter to it (bound_parameter): recovery must not depend on another region",
                code="REN005",
            )
        ]
    reference.data = {
        "Fn::GetStackOutput": {
            "StackName": source.stack_name,
            "OutputName": reference.output,
            "Region": ordinary[0].target.region,
        }
    }
    for deployment in _deployments(asker):
        plan.needs[deployment].update(ordinary)
    return []


def _same_origin(source: Stack, reader: Deployment) -> bool:
    """Whether the source is beside the reader. What is not recovery never reads a recovery stack's value,
    even where us-east-1 happens to be a recovery region."""
    place = source.targets.get(reader.target)
    return place is not None and place.is_recovery <= reader.place.is_recovery


def _link_binding(plan: Plan, asker: Stack, binding: Binding) -> list[Problem]:
    source = _find(plan, asker, binding.stack, binding.output)
    if isinstance(source, Problem):
        return [source]
    primary = [d for d in _deployments(source) if not d.place.is_recovery]
    if not primary:
        return [
            Problem(
                f"stack {asker.name} binds {binding.parameter} to output {binding.output} of stack "
                f"{source.name}, which lives in recovery regions only",
                remedy="ask for it with output_of: both live in the same region",
                code="REN008",
            )
        ]
    for deployment in _deployments(asker):
        if deployment.place.is_recovery:
            plan.needs[deployment].update(primary)
    return []


def _link_wait(plan: Plan, stack: Stack, name: str) -> list[Problem]:
    if name not in plan.stacks:
        return [
            Problem(
                f"stack {stack.name} waits for stack {name}, which no layer makes",
                remedy=_nearest(name, plan.stacks),
                code="REN006",
            )
        ]
    for deployment in _deployments(stack):
        plan.needs[deployment].update(_deployments(plan.stacks[name]))
    return []


def _link_pass(plan: Plan, stack: Stack, second: SecondPass, number: int) -> list[Problem]:
    unknown = [name for name in second.after if name not in plan.stacks]
    if unknown:
        return [
            Problem(
                f"the second pass of {stack.name} waits for stack {name}, which no layer makes",
                remedy=_nearest(name, plan.stacks),
                code="REN006",
            )
            for name in unknown
        ]
    before = {d for name in (stack.name, *second.after) for d in _deployments(plan.stacks[name])}
    for deployment in _deployments(stack, number):
        plan.needs[deployment] = set(before)
        if number > 1:
            plan.needs[deployment].update(_deployments(stack, number - 1))
    return []


_PLACE_ORDER = {place: index for index, place in enumerate(Place)}


def _sort_key(deployment: Deployment) -> tuple[int, str, Target]:
    return _PLACE_ORDER[deployment.place], deployment.stack, deployment.target


def _ordered(needs: Mapping[Deployment, set[Deployment]]) -> list[Step]:
    sorter = TopologicalSorter({d: sorted(n, key=_sort_key) for d, n in needs.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(str(deployment) for deployment in error.args[1])
        raise BlueprintError(
            Problem(
                f"stacks wait for one another in a circle: {circle}",
                remedy="bind one of them in a second pass, or move the resource",
                code="REN007",
            )
        ) from None
    steps: list[Step] = []
    wave = 0
    while sorter.is_active():
        wave += 1
        ready = sorted(sorter.get_ready(), key=_sort_key)
        for deployment in ready:
            steps.append(Step(len(steps) + 1, wave, deployment))
        sorter.done(*ready)
    return steps
