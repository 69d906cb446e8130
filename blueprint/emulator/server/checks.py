"""Are the resolved properties of a resource what its schema allows?

cfn-lint sees a template before anything is resolved; here every ``Ref``, import, mapping and parameter has
its value. So this finds an output of the wrong form (an ARN where an id is wanted) as well as unknown
properties. ministack itself looks at neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from blueprint.emulator.server.schemas import paths, resolve, top_level

NUMBERS = ("integer", "number")


def problems(schema: dict[str, Any], properties: dict[str, Any]) -> list[str]:
    """Everything wrong with ``properties``, in the words of the service where it has some."""
    found = [
        f"#: Encountered unsupported or read-only property [{name}]"
        for name in sorted(_read_only(schema) & set(properties))
    ]
    found += _node(schema, schema, properties, "#")
    return found


def _read_only(schema: dict[str, Any]) -> set[str]:
    """Properties that only the service sets (the top level is what templates get wrong)."""
    whole = {path[0] for path in paths(schema.get("readOnlyProperties")) if len(path) == 1}
    return whole - set(top_level(schema.get("createOnlyProperties")))


def _node(schema: dict[str, Any], node: dict[str, Any], value: Any, path: str) -> list[str]:
    node = resolve(schema, node)
    found = list(_scalar(node, value, path))
    if isinstance(value, dict):
        found += _object(schema, node, value, path)
    elif isinstance(value, list):
        found += _array(schema, node, value, path)
    for branch in node.get("allOf", ()):
        found += _node(schema, branch, value, path)
    for keyword in ("anyOf", "oneOf"):
        # "One of" is read as "any of": several schemas list branches that overlap.
        branches = node.get(keyword)
        if branches and all(_node(schema, branch, value, path) for branch in branches):
            found.append(f"{path}: matches none of the allowed forms")
    return found


def _object(schema: dict[str, Any], node: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
    for name in node.get("required", ()):
        if name not in value:
            yield f"{path}: required key [{name}] not found"
    either = node.get("requiredXor", ())
    given = [name for name in either if name in value]
    if either and len(given) != 1:
        yield f"{path}: exactly one of {sorted(either)} is needed, found {given}"
    known = node.get("properties", {})
    patterns = node.get("patternProperties", {})
    for name, member in value.items():
        if name in known:
            yield from _node(schema, known[name], member, f"{path}/{name}")
            continue
        matching = [inner for pattern, inner in patterns.items() if _matches(pattern, name)]
        for inner in matching:
            yield from _node(schema, inner, member, f"{path}/{name}")
        if not matching and node.get("additionalProperties") is False:
            yield f"{path}: extraneous key [{name}] is not permitted"


def _array(schema: dict[str, Any], node: dict[str, Any], value: list[Any], path: str) -> Iterator[str]:
    if len(value) < node.get("minItems", 0):
        yield f"{path}: expected at least {node['minItems']} items, found {len(value)}"
    if len(value) > node.get("maxItems", len(value)):
        yield f"{path}: expected at most {node['maxItems']} items, found {len(value)}"
    items = node.get("items")
    if isinstance(items, dict):
        for index, member in enumerate(value):
            yield from _node(schema, items, member, f"{path}/{index}")


def _scalar(node: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    kinds = node.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(_is(kind, value) for kind in kinds):
            yield f"{path}: expected type {' or '.join(kinds)}, found {value!r}"
            return
    if "enum" in node and _text(value) not in {_text(member) for member in node["enum"]}:
        yield f"{path}: {value!r} is not one of {node['enum']}"
    if "const" in node and _text(value) != _text(node["const"]):
        yield f"{path}: {value!r} is not {node['const']!r}"
    if isinstance(value, str):
        yield from _string(node, value, path)
    if kinds and set(kinds) & set(NUMBERS) and _is("number", value):
        number = float(value)
        if number < node.get("minimum", number) or number > node.get("maximum", number):
            yield f"{path}: {value} is outside {node.get('minimum')}..{node.get('maximum')}"


def _string(node: dict[str, Any], value: str, path: str) -> Iterator[str]:
    if "pattern" in node and not _matches(node["pattern"], value):
        yield f"{path}: {value!r} does not match pattern {node['pattern']}"
    if len(value) < node.get("minLength", 0) or len(value) > node.get("maxLength", len(value)):
        yield f"{path}: length {len(value)} is outside {node.get('minLength')}..{node.get('maxLength')}"


def _is(kind: str, value: Any) -> bool:
    """CloudFormation's own leniency: scalars may come as strings, and strings as scalars."""
    if kind == "object":
        return isinstance(value, dict)
    if kind == "array":
        return isinstance(value, list)
    if kind == "null":
        return value is None
    if isinstance(value, (dict, list)) or value is None:
        return False
    if kind == "boolean":
        return _text(value) in ("true", "false")
    if kind in NUMBERS:
        try:
            number = float(value)
        except ValueError:
            return False
        return not isinstance(value, bool) and (kind == "number" or number == int(number))
    return True


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or str(value) in ("True", "False") else str(value)


def _matches(pattern: str, value: str) -> bool:
    compiled = _compile(pattern)
    return compiled is None or compiled.search(value) is not None


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:  # some schemas use Java's or PCRE's syntax; such a pattern cannot be judged here
        return None
