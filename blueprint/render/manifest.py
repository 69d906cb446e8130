"""The manifest: the contract between what is rendered and what deploys it.

Everything a deployment needs stands here, so that deploying reads ``templates/`` and nothing else. Its
format is versioned; ``manifest.schema.json`` beside this file describes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from blueprint.environment import Environment
from blueprint.render.linking import Deployment, Plan, Step
from blueprint.render.template import capabilities
from blueprint.stacks import deployment as names
from blueprint.stacks.places import Subject, Target
from blueprint.stacks.records import Binding, StackOutput
from blueprint.stacks.stack import Stack
from blueprint.stacks.stateful import holds_data

VERSION = 1
FILE_NAME = "manifest.json"


def build(subject: Subject, plan: Plan, bodies: dict[str, bytes]) -> dict[str, Any]:
    """The manifest of one environment; ``bodies`` are the rendered templates by stack name."""
    return {
        "format": "blueprint-manifest",
        "version": VERSION,
        "project": subject.project,
        "environment": subject.name,
        "tags": subject.all_tags,
        "regions": _regions(subject),
        "deployment": _deployment(subject),
        "stacks": [_stack(plan, stack, bodies[stack.name]) for stack in _in_order(plan)],
        "steps": [_step(plan, step) for step in plan.steps],
        "waves": _waves(plan),
        "secrets": [
            {"stack": stack.name, **asdict(secret)} for stack in _in_order(plan) for secret in stack.secrets
        ],
    }


def to_bytes(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1) + "\n").encode()


def _in_order(plan: Plan) -> list[Stack]:
    return [plan.stacks[name] for name in dict.fromkeys(step.deployment.stack for step in plan.steps)]


def _regions(subject: Subject) -> dict[str, Any]:
    if isinstance(subject, Environment):
        return {"primary": subject.region, "recovery": list(subject.recovery_regions)}
    return {"home": subject.home_region, "accounts": {a: list(r) for a, r in subject.rollout.items()}}


def _deployment(subject: Subject) -> dict[str, Any]:
    """What deploying must know besides templates: names, and what the environment file says of it."""
    return {
        "protected": subject.deployment.protected if isinstance(subject, Environment) else True,
        "artifacts": names.artifacts_prefix(subject),
        "role": names.deployment_role(subject),
        "stack_sets": _stack_sets(subject) if isinstance(subject, Environment) and subject.recovery else None,
    }


def _stack_sets(env: Environment) -> dict[str, Any]:
    wish = env.deployment.stack_sets
    self_managed = wish.permission_model == "self-managed"
    return {
        # Not the primary region: with it lost, nothing could be rolled out from there.
        "region": env.recovery_regions[0],
        "permission_model": "SELF_MANAGED" if self_managed else "SERVICE_MANAGED",
        "administration_role": names.stack_sets_role(env) if self_managed else None,
        "organizational_units": list(wish.organizational_units),
        "call_as": "DELEGATED_ADMIN" if wish.delegated_administrator else "SELF",
    }


def _waves(plan: Plan) -> list[list[int]]:
    waves: dict[int, list[int]] = {}
    for step in plan.steps:
        waves.setdefault(step.wave, []).append(step.number)
    return list(waves.values())


def _stack(plan: Plan, stack: Stack, body: bytes) -> dict[str, Any]:
    return {
        "name": stack.name,
        "stack_name": stack.stack_name,
        "layer": stack.layer,
        "purpose": stack.purpose,
        "file": plan.file_name(stack.name),
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "places": [place.value for place in stack.places],
        "regions": list(stack.regions),
        "capabilities": capabilities(stack),
        "parameters": _parameters(stack),
        "outputs": [
            {
                "name": name,
                "export": stack.exports[name],
                "description": output.properties["Description"],
            }
            for name, output in stack.outputs.items()
        ],
        "alarms": list(stack.alarms),
        "imports": _imports(plan, stack),
        "passes": [asdict(second) for second in stack.passes],
        "resources": {
            name: {
                "type": resource.resource_type,
                "stateful": holds_data(str(resource.resource_type), resource.properties),
                **asdict(stack.traces[name]),
            }
            for name, resource in stack.resources.items()
        },
    }


def _parameters(stack: Stack) -> list[dict[str, Any]]:
    bindings = {binding.parameter: binding for binding in stack.bindings}
    return [
        {
            "name": name,
            "type": parameter.properties["Type"],
            "default": parameter.properties.get("Default"),
            "description": parameter.properties["Description"],
            "setting": stack.settings.get(name, ""),
            "binding": _binding(bindings.get(name)),
        }
        for name, parameter in stack.parameters.items()
    ]


def _binding(binding: Binding | None) -> dict[str, Any] | None:
    if binding is None:
        return None
    return {"in": "recovery", "from": {"stack": binding.stack, "output": binding.output}}


def _imports(plan: Plan, stack: Stack) -> list[dict[str, str]]:
    unique: dict[tuple[str, str], list[StackOutput]] = {}
    for reference in stack.references:
        unique.setdefault((reference.stack, reference.output), []).append(reference)
    return [
        {
            "stack": name,
            "output": output,
            "by": next(iter(references[0].data)),
            # One that is read everywhere is so, whoever else reads it in the primary region only.
            "in": "primary" if all(reference.primary_only for reference in references) else "everywhere",
            "export": plan.stacks[name].export_name(output),
        }
        for (name, output), references in sorted(unique.items())
    ]


def _step(plan: Plan, step: Step) -> dict[str, Any]:
    deployment = step.deployment
    stack = plan.stacks[deployment.stack]
    return {
        "step": step.number,
        "wave": step.wave,
        "stack": stack.name,
        "stack_name": stack.stack_name,
        "file": plan.file_name(stack.name),
        "place": deployment.place.value,
        "kind": "stack-set-instance" if deployment.place.is_recovery else "stack",
        "account": deployment.target.account,
        "region": deployment.target.region,
        "pass": deployment.pass_number,
        "capabilities": capabilities(stack),
        "parameters": _step_parameters(plan, stack, deployment),
        "needs": _numbers(plan, deployment),
    }


def _numbers(plan: Plan, deployment: Deployment) -> list[int]:
    return [step.number for step in plan.steps if step.deployment in plan.needs[deployment]]


def _step_parameters(plan: Plan, stack: Stack, deployment: Deployment) -> dict[str, Any]:
    """What this step must be given beyond the template's defaults: bound values, and those of a pass."""
    values: dict[str, Any] = {}
    if deployment.place.is_recovery:
        for binding in stack.bindings:
            source = plan.stacks[binding.stack]
            values[binding.parameter] = {
                "from": {
                    "stack": source.name,
                    "stack_name": source.stack_name,
                    "region": _primary(source).region,
                    "output": binding.output,
                }
            }
    for second in stack.passes[: deployment.pass_number]:
        values[second.parameter] = second.value
    return values


def _primary(stack: Stack) -> Target:
    return next(target for target, place in stack.targets.items() if not place.is_recovery)
