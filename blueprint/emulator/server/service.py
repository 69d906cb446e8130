"""Where ministack is softer than the service, this makes it as strict; each rule says what that does."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from blueprint.emulator.server import conditions
from blueprint.emulator.server.ministack import (
    changesets,
    cloudformation,
    core,
    engine,
    handlers,
    provisioners,
    replace,
    stacks,
)
from blueprint.emulator.server.schemas import Schemas

# What `Ref` gives where ministack's physical id is something else.
REF_ATTRIBUTE: dict[str, Callable[[dict[str, Any]], str]] = {
    "AWS::SecretsManager::Secret": lambda resource: str(resource["Attributes"]["Id"]),
    "AWS::IAM::InstanceProfile": lambda resource: str(resource["PhysicalResourceId"].rsplit("/", 1)[-1]),
}
# CloudFormation's own types, which no region's list names.
EVERYWHERE = {"AWS::CloudFormation::CustomResource", "AWS::CDK::Metadata"}


def install(schemas: Schemas) -> None:
    """Replace ministack's functions; call once, before it serves."""
    replace("_evaluate_conditions", conditions.evaluate)
    replace("_resolve_refs", _references(engine._resolve_refs))
    replace("_resolve_stack_outputs", _outputs(stacks._resolve_stack_outputs))
    replace("_resolve_props_for_diff", _existing(changesets._resolve_props_for_diff))
    replace("_physical_name", _physical_name)
    replace("validate_template_support", _regional(engine.validate_template_support, schemas))
    # Capabilities are enforced by ministack only together with its whole IAM; the service always does.
    replace("_capabilities_enforced", lambda: True)
    actions = cloudformation._ACTION_HANDLERS
    actions["CreateChangeSet"] = _changes(actions["CreateChangeSet"])
    actions["UpdateStack"] = _usable(actions["UpdateStack"])


def _physical_name(
    stack: str, logical_id: str, *, lowercase: bool = False, max_len: int = 128, seeded: bool = True
) -> str:
    """A generated name, which differs between regions: else two regions' stacks would share IAM roles."""
    seed = provisioners._NAME_SEED.get() if seeded else ""
    key = "|".join((core.get_account_id(), core.get_region(), stack, logical_id, seed))
    suffix = hashlib.sha256(key.encode()).hexdigest()[:12].upper()
    name = f"{stack}-{logical_id}-"[: max(max_len - len(suffix), 0)] + suffix[:max_len]
    return name.lower() if lowercase else name


def _references(original: Callable[..., Any]) -> Callable[..., Any]:
    """``Ref`` in the service's form, and ``Fn::GetStackOutput`` that honours Region and RoleArn."""

    def resolve(value: Any, resources: dict[str, Any], *others: Any) -> Any:
        rest = (_as_referred(resources), *others)
        if isinstance(value, dict) and "Fn::GetStackOutput" in value:
            return _stack_output({key: resolve(v, *rest) for key, v in value["Fn::GetStackOutput"].items()})
        return original(value, *rest)

    return resolve


class _Referred(dict[str, Any]):
    """Resources whose physical ids are what ``Ref`` gives; marked so that they are converted once."""


def _as_referred(resources: dict[str, Any]) -> dict[str, Any]:
    if isinstance(resources, _Referred) or not any(
        resource.get("ResourceType") in REF_ATTRIBUTE for resource in resources.values()
    ):
        return resources
    referred = _Referred(resources)
    for logical_id, resource in resources.items():
        reference = REF_ATTRIBUTE.get(resource.get("ResourceType"))
        if reference:
            referred[logical_id] = {**resource, "PhysicalResourceId": reference(resource)}
    return referred


def _stack_output(spec: dict[str, str]) -> str:
    region = spec.get("Region") or core.get_region()
    role = spec.get("RoleArn")
    account = role.split(":")[4] if role else core.get_account_id()
    stack = cloudformation._stacks.get_scoped(account, region, spec["StackName"])
    for output in (stack or {}).get("Outputs", []):
        if output["OutputKey"] == spec["OutputName"]:
            return str(output["OutputValue"])
    raise ValueError(f"Output {spec['OutputName']} not found in stack {spec['StackName']} of {region}")


def _outputs(original: Callable[..., Any]) -> Callable[..., Any]:
    """An export's name is taken once per account and region, and one in use neither goes nor changes."""

    def resolve(*args: Any) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        outputs, exports = original(*args)
        stack_id = args[-1]
        for name in exports:
            other = cloudformation._exports.get(name)
            if other and other["StackId"] != stack_id:
                owner = other["StackId"].split("/")[1]
                raise ValueError(f"Export with name {name} is already exported by stack {owner}")
        mine = [name for name, e in cloudformation._exports.items() if e["StackId"] == stack_id]
        for name in mine:
            new = exports.get(name)
            if not new or new["Value"] != cloudformation._exports[name]["Value"]:
                _refuse_in_use(name, "deleted" if not new else "updated")
        for name in set(mine) - set(exports):  # nothing after this point can fail the update
            cloudformation._exports.pop(name)
        return outputs, exports

    return resolve


def _refuse_in_use(name: str, verb: str) -> None:
    users = list(_importers(name))
    if users:
        raise ValueError(f"Export {name} cannot be {verb} as it is in use by {' and '.join(users)}")


def _importers(export: str) -> Iterator[str]:
    for name, stack in cloudformation._stacks.items():
        gone = stack.get("StackStatus") in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE")
        if not gone and export in handlers._imported_export_names(stack, name):
            yield name


def _existing(original: Callable[..., Any]) -> Callable[..., Any]:
    """A resource whose condition is false does not exist: switching one on is a change."""

    def resolved(template: dict[str, Any], params: Any, name: str, stack_id: str) -> dict[str, Any]:
        result: dict[str, Any] = original(template, params, name, stack_id)
        holds = conditions.evaluate(template or {}, params)
        kept = {
            logical_id: resource
            for logical_id, resource in result.get("Resources", {}).items()
            if holds.get(resource.get("Condition"), True)
        }
        return {**result, "Resources": kept} if result else result

    return resolved


def _regional(original: Callable[..., Any], schemas: Schemas) -> Callable[..., Any]:
    """A type that does not exist in the stack's region is refused before anything is made."""

    def validate(template: dict[str, Any], conds: dict[str, bool], params: Any = None) -> None:
        original(template, conds, params)
        known = EVERYWHERE | set(schemas.in_region(core.get_region()))
        used = {
            resource["Type"]
            for resource in (template.get("Resources") or {}).values()
            if conds.get(resource.get("Condition"), True)
        }
        unknown = sorted(kind for kind in used - known if not kind.startswith("Custom::"))
        if unknown:
            raise ValueError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")

    return validate


def _usable(action: Callable[..., Any]) -> Callable[..., Any]:
    """A stack whose creation failed can only be deleted."""

    def run(params: dict[str, Any]) -> Any:
        stack = handlers._resolve_stack(handlers._p(params, "StackName"))
        if stack and stack.get("StackStatus") == "ROLLBACK_COMPLETE":
            reason = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
            return handlers._error("ValidationError", reason)
        return action(params)

    return run


def _changes(action: Callable[..., Any]) -> Callable[..., Any]:
    """A change of outputs alone is a change (ministack compares resources only)."""

    def create(params: dict[str, Any]) -> Any:
        name = handlers._p(params, "StackName")
        stack = handlers._resolve_stack(name)
        before = copy.deepcopy((stack or {}).get("_template", {}).get("Outputs", {}))
        response = action(params)
        _, change_set = changesets._find_change_set(handlers._p(params, "ChangeSetName"), name)
        unchanged = response[0] == 200 and change_set and change_set["Status"] == "FAILED"
        if unchanged and change_set["_template"].get("Outputs", {}) != before:
            change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
        return response

    return _usable(create)
