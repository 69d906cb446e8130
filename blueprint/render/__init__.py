"""Room 3: from the stacks of the layers to templates, manifest and ledger, as bytes.

Nothing here touches a file; ``writer.py`` does, once everything is known to be good.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from blueprint.problems import BlueprintError, Problem, Where, shown_path
from blueprint.render import manifest
from blueprint.render.boundary import bound
from blueprint.render.limits import Use, measure
from blueprint.render.linking import Plan, link
from blueprint.render.template import assemble, to_bytes
from blueprint.schemas.lookup import regions, types_in
from blueprint.stacks.places import Subject
from blueprint.stacks.records import Others
from blueprint.stacks.stack import Stack
from blueprint.stacks.stateful import holds_data

Made = TypeVar("Made")

_LAYERS = os.path.join("blueprint", "layers", "")

#: A layer: its name and the function that makes its stacks.
Layers = Mapping[str, Callable[[Any], Iterable[Stack]]]


@dataclass(frozen=True)
class Rendered:
    """One environment, rendered: nothing is written yet."""

    subject: Subject
    plan: Plan
    manifest: dict[str, Any]
    bodies: dict[str, bytes]  # template by stack name
    uses: dict[str, list[Use]]  # share of the quotas by stack name

    @property
    def files(self) -> dict[str, bytes]:
        """What ``templates/<environment>/`` holds: templates and manifest, by file name."""
        templates = {self.plan.file_name(name): body for name, body in self.bodies.items()}
        return {**templates, manifest.FILE_NAME: manifest.to_bytes(self.manifest)}


def render(subject: Subject, layers: Layers) -> Rendered:
    """Render every layer for ``subject``.

    Raises BlueprintError for references that cannot be resolved, resources that a layer made wrongly,
    types that a region does not have, and templates beyond a quota of CloudFormation.
    """
    stacks = list(_stacks(subject, layers))
    bound(stacks)
    plan = link(stacks)
    templates, bodies = _templates(plan)
    _check_regions(subject, plan)
    _check_policies(plan)
    uses = {name: measure(template, bodies[name]) for name, template in templates.items()}
    _check_quotas(plan, uses)
    return Rendered(subject, plan, manifest.build(subject, plan, bodies), bodies, uses)


def _templates(plan: Plan) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
    """Templates by stack, as data and as bytes; those about others last, because they are made from these."""
    templates: dict[str, dict[str, Any]] = {}
    bodies: dict[str, bytes] = {}
    for stack in sorted(plan.stacks.values(), key=lambda stack: stack.completion is not None):
        if stack.completion:
            others = Others(plan.stacks, dict(templates), dict(bodies))
            _attempt(stack.layer, partial(stack.completion, others))
        templates[stack.name] = assemble(stack, plan)
        bodies[stack.name] = to_bytes(templates[stack.name])
    return templates, {name: bodies[name] for name in plan.stacks}


def _stacks(subject: Subject, layers: Layers) -> Iterable[Stack]:
    for layer, make in layers.items():
        for stack in _attempt(layer, partial(_listed, make, subject)):
            stack.layer = layer
            if stack.targets:  # a stack of the recovery regions has none where no such region is asked for
                yield stack


def _listed(make: Callable[[Any], Iterable[Stack]], subject: Subject) -> list[Stack]:
    return list(make(subject))


def _attempt(layer: str, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise _mistake(layer, error) from error


def _mistake(layer: str, error: Exception) -> BlueprintError:
    """What troposphere or a helper refused, with the line of the layer that asked for it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _LAYERS in frame.filename]
    where = Where(shown_path(Path(frames[-1].filename)), frames[-1].lineno) if frames else None
    what = f"layer {layer} cannot be rendered: {type(error).__name__}: {error}"
    return BlueprintError(Problem(what, where, "mend the layer", "REN009"))


def _check_regions(subject: Subject, plan: Plan) -> None:
    problems = {}
    for stack in plan.stacks.values():
        for region in stack.regions:
            if region not in regions():
                problems["", region] = _unknown(region, subject)
                continue
            for resource_type in {r.resource_type: None for r in stack.resources.values()}:
                if not _exists(str(resource_type), region):
                    problems[resource_type, region] = Problem(
                        f"region {region} has no {resource_type}, which layer {stack.layer} needs",
                        subject.where_chosen(region),
                        "choose another region",
                        "REN020",
                    )
    if problems:
        raise BlueprintError(problems.values())


def _unknown(region: str, subject: Subject) -> Problem:
    return Problem(
        f"cfn-lint has no resource schemas for region {region}, so that nothing can be checked for it",
        subject.where_chosen(region),
        "choose another region",
        "REN022",
    )


def _exists(resource_type: str, region: str) -> bool:
    return resource_type.startswith("Custom::") or resource_type in types_in(region)


def _check_policies(plan: Plan) -> None:
    """What holds data says what becomes of it, and it is never deleted on the quiet."""
    problems = [
        Problem(
            f"{name} of stack {stack.name} holds data, and its {policy} is {value or 'missing'}",
            remedy="add it with add_stateful",
            code="REN023",
        )
        for stack in plan.stacks.values()
        for name, resource in stack.resources.items()
        if holds_data(str(resource.resource_type), resource.properties)
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if (value := resource.resource.get(policy)) in (None, "Delete")
    ]
    if problems:
        raise BlueprintError(problems)


def _check_quotas(plan: Plan, uses: Mapping[str, list[Use]]) -> None:
    problems = [
        Problem(
            f"template {plan.file_name(name)} of layer {plan.stacks[name].layer} has {use}",
            remedy="split the layer, or ask for less in the environment file",
            code="REN021",
        )
        for name, used in uses.items()
        for use in used
        if use.share > 1
    ]
    if problems:
        raise BlueprintError(problems)
