"""The parts of ministack that the launcher touches, and a check that they are still there.

Two dictionaries and a few functions are private; they have kept their names over many releases, but nobody
has promised that. A new release that renames one must fail at start-up, not in the middle of a test.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PACKAGE = "ministack.services.cloudformation"

app: Any = import_module("ministack.app")
core: Any = import_module("ministack.core.responses")
cloudformation: Any = import_module(_PACKAGE)
engine: Any = import_module(f"{_PACKAGE}.engine")
provisioners: Any = import_module(f"{_PACKAGE}.provisioners")
stacks: Any = import_module(f"{_PACKAGE}.stacks")
changesets: Any = import_module(f"{_PACKAGE}.changesets")
handlers: Any = import_module(f"{_PACKAGE}.handlers")
drift: Any = import_module(f"{_PACKAGE}.drift")
kms: Any = import_module("ministack.services.kms")
s3: Any = import_module("ministack.services.s3")
ec2: Any = import_module("ministack.services.ec2")
alb: Any = import_module("ministack.services.alb")
rds_data: Any = import_module("ministack.services.rds_data")
secretsmanager: Any = import_module("ministack.services.secretsmanager")

_MODULES = (engine, provisioners, stacks, changesets, handlers, drift)

_EXPECTED: tuple[tuple[Any, str, type | None], ...] = (
    (provisioners, "_RESOURCE_HANDLERS", dict),
    (provisioners, "_REPLACING_PROPERTIES", dict),
    (provisioners, "_provision_resource", None),
    (provisioners, "_update_resource", None),
    (provisioners, "_NAME_SEED", None),
    (provisioners, "_physical_name", None),
    (cloudformation, "_ACTION_HANDLERS", dict),
    (engine, "_evaluate_conditions", None),
    (engine, "_resolve_refs", None),
    (engine, "validate_template_support", None),
    (stacks, "_resolve_stack_outputs", None),
    (changesets, "_resolve_props_for_diff", None),
    (changesets, "_find_change_set", None),
    (handlers, "_capabilities_enforced", None),
    (handlers, "_imported_export_names", None),
    (kms, "_replicate_key", None),
    (s3, "_buckets", None),
    (ec2, "_ACTION_MAP", dict),
    (alb, "_listeners", None),
    (alb, "_rules", None),
    (alb, "_action_xml", None),
    (provisioners, "_elbv2_listener_actions", None),
    (app, "SERVICE_HANDLERS", dict),
    (rds_data, "_execute_statement", None),
    (secretsmanager, "_resolve", None),
    (provisioners, "_sm_secret_string", None),
)


def missing() -> list[str]:
    """What this release of ministack no longer has; empty when the launcher fits it."""
    return [
        f"{module.__name__}.{name}"
        for module, name, kind in _EXPECTED
        if not hasattr(module, name) or (kind and not isinstance(getattr(module, name), kind))
    ]


def replace(name: str, new: Any) -> None:
    """Put ``new`` in the place of the function ``name`` in every module that imported it."""
    for module in _MODULES:
        if hasattr(module, name):
            setattr(module, name, new)
