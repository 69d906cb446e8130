"""The part of JSON Schema that our own published schemas use, and a refusal of every other keyword.

A library for this would be one more locked dependency for two files of ours; cfn-lint's own implementation
follows CloudFormation where that differs (null counts as missing there).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
SILENT = {"$schema", "title", "description", "examples", "default"}
KNOWN = SILENT | {
    *("type", "const", "enum", "pattern", "minimum", "oneOf"),
    *("properties", "required", "additionalProperties", "items"),
}


def violations(schema: dict[str, Any], data: Any, at: str = "$") -> Iterator[str]:
    """What is wrong with ``data``, one line each."""
    unknown = schema.keys() - KNOWN
    if unknown:
        raise NotImplementedError(f"{at}: keyword {sorted(unknown)}")
    if "type" in schema and not any(_is(data, kind) for kind in _listed(schema["type"])):
        yield f"{at} is {data!r}, not {schema['type']}"
        return
    if "const" in schema and data != schema["const"]:
        yield f"{at} is {data!r}, not {schema['const']!r}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{at} is {data!r}, none of {schema['enum']}"
    if "pattern" in schema and isinstance(data, str) and not re.search(schema["pattern"], data):
        yield f"{at} is {data!r}, which does not match {schema['pattern']}"
    if isinstance(data, int) and data < schema.get("minimum", data):
        yield f"{at} is {data}, below {schema['minimum']}"
    if "oneOf" in schema:
        fitting = [branch for branch in schema["oneOf"] if not any(violations(branch, data, at))]
        if len(fitting) != 1:
            yield f"{at} fits {len(fitting)} of the branches of oneOf"
    if isinstance(data, dict):
        yield from _of_object(schema, data, at)
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from violations(schema.get("items", {}), item, f"{at}[{index}]")


def _of_object(schema: dict[str, Any], data: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at} lacks {name}" for name in schema.get("required", ()) if name not in data)
    for name, value in data.items():
        child = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
        if child is False:
            yield f"{at} has {name}, which is not known"
        elif child is not True:
            yield from violations(child, value, f"{at}.{name}")


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _is(data: Any, kind: str) -> bool:
    if isinstance(data, bool):
        return kind == "boolean"
    return isinstance(data, TYPES[kind])
