"""Set a property that troposphere does not know yet, or wrongly refuses, when the resource schema allows it.

Every use is remembered, so that a test can list them and fail for one that troposphere has learnt in the
meantime: then the line becomes an ordinary keyword argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from troposphere import AWSHelperFn, AWSObject, BaseAWSObject, encode_to_dict

from blueprint.problems import BlueprintError, Problem, Where
from blueprint.schemas import property_schema, read_only, schema
from blueprint.schemas.fit import misfits


@dataclass(frozen=True)
class Use:
    """One property that went round troposphere."""

    resource_type: str
    path: str  # below Properties
    resource_class: type[AWSObject]
    value: Any


uses: dict[tuple[str, str], Use] = {}  # of this process, by resource type and path


def set_property(resource: AWSObject, path: str, value: Any) -> None:
    """Set ``A.B`` below Properties to ``value``, after checking both against the resource schema.

    The way to the last step may lead through troposphere properties and plain mappings; what is missing on
    it is made. It cannot lead into a list: set the whole list. Intrinsic functions inside the value pass
    unchecked.
    """
    kind = str(resource.resource_type)
    node = property_schema(kind, path)
    wrong = misfits(schema(kind), node, encode_to_dict(value))
    if path in read_only(kind):
        wrong = ["only the service sets it"]
    if wrong:
        where = Where(field=f"{resource.title}.{path}")
        raise BlueprintError(
            [Problem(f"{kind}.{path}: {sentence}", where, code="ESC001") for sentence in wrong]
        )
    _store(resource, path.split("."), value)
    uses[kind, path] = Use(kind, path, type(resource), value)


def caught_up(use: Use) -> bool:
    """Whether troposphere takes the property and the value by itself now."""
    *way, last = use.path.split(".")
    holder: Any = use.resource_class
    for step in way:
        holder = _expected(holder, step)
    if last not in getattr(holder, "props", {}):
        return False
    try:
        setattr(holder("Probe"), last, use.value)
    except (TypeError, ValueError, AttributeError):
        return False
    return True


def _expected(holder: Any, step: str) -> Any:
    """The class that troposphere expects at a property, if it is one."""
    expected = getattr(holder, "props", {}).get(step, (None,))[0]
    return expected[0] if isinstance(expected, list) else expected


def _store(resource: AWSObject, steps: Sequence[str], value: Any) -> None:
    holder: dict[str, Any] = resource.properties
    for step in steps[:-1]:
        inner = holder.setdefault(step, {})
        if isinstance(inner, BaseAWSObject):
            inner = inner.properties
        if not isinstance(inner, dict) or isinstance(inner, AWSHelperFn):
            what = f"{step} of {resource.title} is a {type(inner).__name__}, which has no properties to set"
            raise BlueprintError(Problem(what, remedy="set it as a whole", code="ESC002"))
        holder = inner
    holder[steps[-1]] = value
