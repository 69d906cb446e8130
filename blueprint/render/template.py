"""From a linked stack to the bytes of its template."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any

from troposphere import AWSObject

from blueprint.problems import BlueprintError, Problem
from blueprint.render.linking import Plan
from blueprint.stacks.stack import REGION_MAP, Stack

DESCRIPTION_BYTES = 1024  # CloudFormation's limit for a template's Description

_IAM_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


def capabilities(stack: Stack) -> list[str]:
    """What a person must tick, and no more: nothing, CAPABILITY_IAM or CAPABILITY_NAMED_IAM."""
    iam = [r for r in stack.resources.values() if (r.resource_type or "").startswith("AWS::IAM::")]
    if any(_IAM_NAMES.get(r.resource_type or "", "-") in r.properties for r in iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if iam else []


def assemble(stack: Stack, plan: Plan) -> dict[str, Any]:
    """The template as plain data, sections in the order in which people read them."""
    sections = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description(stack, plan),
        "Metadata": _interface(stack),
        "Parameters": {name: parameter.to_dict() for name, parameter in stack.parameters.items()},
        "Rules": {**_region_rule(stack), **stack.rules},
        "Mappings": {REGION_MAP: stack.mapping} if stack.mapping else {},
        "Conditions": {name: condition.to_dict() for name, condition in stack.conditions.items()},
        "Resources": {name: _resource(stack, resource) for name, resource in stack.resources.items()},
        "Outputs": {name: output.to_dict() for name, output in stack.outputs.items()},
    }
    return {name: section for name, section in sections.items() if section}


def to_bytes(template: dict[str, Any]) -> bytes:
    """Indented for review, by one space: what counts against the quota is this very file."""
    return f"{_indented(template, chr(10))}\n".encode()


def _indented(value: Any, gap: str) -> str:
    """What ``json.dumps(value, indent=1)`` gives, in half the time: its fast half knows no indent."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    inner = f"{gap} "
    if isinstance(value, dict) and value:
        items = [f"{encode_basestring_ascii(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{gap}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{inner}{f',{inner}'.join([_indented(item, inner) for item in value])}{gap}]"
    return json.dumps(value)


def _resource(stack: Stack, resource: AWSObject) -> dict[str, Any]:
    try:
        data: dict[str, Any] = resource.to_dict()
    except (ValueError, TypeError, AttributeError) as error:
        raise BlueprintError(
            Problem(
                f"layer {stack.layer}, stack {stack.name}, resource {resource.title}: {error}",
                remedy="mend the layer",
                code="REN010",
            )
        ) from error
    return data


def _interface(stack: Stack) -> dict[str, Any]:
    if not stack.groups:
        return {}
    return {
        "AWS::CloudFormation::Interface": {
            "ParameterGroups": [
                {"Label": {"default": group.title}, "Parameters": group.parameters}
                for group in stack.groups.values()
            ],
            "ParameterLabels": {name: {"default": label} for name, label in stack.labels.items()},
        }
    }


def _region_rule(stack: Stack) -> dict[str, Any]:
    """A template uploaded in a region that it was not rendered for stops before it makes anything."""
    regions = list(stack.regions)
    return {
        "RegionIsForeseen": {
            "Assertions": [
                {
                    "Assert": {"Fn::Contains": [regions, {"Ref": "AWS::Region"}]},
                    "AssertDescription": f"{stack.stack_name} belongs in {' or '.join(regions)}",
                }
            ]
        }
    }


# -- what a person in the console must know ------------------------------------------------------------


def description(stack: Stack, plan: Plan) -> str:
    """Purpose, stack name, steps, capabilities and values to fill in, within CloudFormation's limit."""
    ticks = ", ".join(capabilities(stack)) or "nothing"
    parts = [
        stack.purpose,
        f"Stack name: {stack.stack_name}.",
        f"Region: {', then '.join(_regions_in_order(stack, plan))}.",
        f"Tick: {ticks}.",
        *fill_in(stack, plan),
        *(f"Then update {p.parameter} to {p.value}: {p.why}" for p in stack.passes),
        f"Rendered by Blueprint from the {stack.subject.name} environment file; change that, not this.",
    ]
    text = " ".join(parts)
    size = len(text.encode())
    if size > DESCRIPTION_BYTES:
        raise BlueprintError(
            Problem(
                f"the Description of stack {stack.name} has {size} bytes of {DESCRIPTION_BYTES}",
                remedy="shorten its purpose, or bind fewer parameters",
                code="REN011",
            )
        )
    return text


def _regions_in_order(stack: Stack, plan: Plan) -> list[str]:
    """Without step numbers: with them, one more layer would change every template."""
    return list(dict.fromkeys(step.deployment.target.region for step in plan.steps_of(stack.name)))


def fill_in(stack: Stack, plan: Plan) -> list[str]:
    """One sentence per source of values that a person must type in recovery regions."""
    sources: dict[str, list[str]] = {}
    for binding in stack.bindings:
        same = binding.parameter == binding.output
        text = binding.parameter if same else f"{binding.parameter} (its output {binding.output})"
        sources.setdefault(binding.stack, []).append(text)
    where = ", ".join(stack.recovery_regions)
    return [
        f"In {where} fill in, from the outputs of {plan.stacks[source].stack_name} "
        f"in {plan.stacks[source].regions[0]}: {', '.join(names)}."
        for source, names in sources.items()
    ]
