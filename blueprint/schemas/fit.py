"""Does a value fit the schema of a property?

Only what a person can get wrong in a literal is checked: type, enum, pattern, range, length, unknown and
missing keys. Intrinsic functions pass, as their value is known to CloudFormation alone. This is a check at
the desk, not a validator: both validators of the gate see the rendered template afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blueprint.schemas.lookup import nearest, resolve

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list, tuple),
}


def misfits(whole: Mapping[str, Any], node: Mapping[str, Any], value: Any, at: str = "") -> list[str]:
    """What is wrong with ``value``, one sentence each; empty when it fits.

    ``whole`` is the schema of the resource type, in which references are looked up, ``node`` that of the
    property.
    """
    node = resolve(whole, node)
    if is_intrinsic(value):
        return []
    wrong = list(_own_misfits(node, value, at))
    if wrong:
        return wrong
    if isinstance(value, dict):
        wrong += _object_misfits(whole, node, value, at)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            wrong += misfits(whole, node.get("items", {}), item, f"{at}.{index}".lstrip("."))
    return wrong + _branch_misfits(whole, node, value, at)


def is_intrinsic(value: Any) -> bool:
    """``{"Ref": ..}`` or ``{"Fn::..": ..}`` and nothing beside."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    return isinstance(key, str) and (key in ("Ref", "Condition") or key.startswith("Fn::"))


def _own_misfits(node: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
    shown, name = repr(value) if len(repr(value)) < 60 else f"{repr(value)[:57]}...", at or "the value"
    kinds = node.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if kinds and not any(_is_kind(value, kind) for kind in kinds):
        yield f"{name} is {shown}, expected {' or '.join(kinds)}"
        return
    if "enum" in node and value not in node["enum"]:
        near = nearest(str(value), map(str, node["enum"]))
        hint = f", did you mean {near[0]!r}?" if near else ""
        yield f"{name} is {shown}, expected one of {', '.join(map(str, node['enum']))}{hint}"
    if "const" in node and value != node["const"]:
        yield f"{name} is {shown}, expected {node['const']!r}"
    if isinstance(value, str) and not _matches(node.get("pattern"), value):
        yield f"{name} is {shown}, which does not match {node['pattern']}"
    yield from _range_misfits(node, value, name)


def _range_misfits(node: Mapping[str, Any], value: Any, name: str) -> Iterator[str]:
    size, words, unit = value, ("minimum", "maximum"), ""
    if isinstance(value, str):
        size, words, unit = len(value), ("minLength", "maxLength"), " characters long"
    elif isinstance(value, (list, tuple)):
        size, words, unit = len(value), ("minItems", "maxItems"), " items long"
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    lowest, highest = (node.get(word) for word in words)
    if lowest is not None and size < lowest:
        yield f"{name} is {size}{unit}, at least {lowest} is allowed"
    if highest is not None and size > highest:
        yield f"{name} is {size}{unit}, at most {highest} is allowed"


def _object_misfits(
    whole: Mapping[str, Any], node: Mapping[str, Any], value: dict[str, Any], at: str
) -> list[str]:
    wrong: list[str] = []
    known: dict[str, Any] = node.get("properties", {})
    name = at or "the value"
    for key, item in value.items():
        if key in known:
            wrong += misfits(whole, known[key], item, f"{at}.{key}".lstrip("."))
        elif node.get("additionalProperties") is False and not _pattern_property(node, key):
            near = nearest(str(key), known)
            wrong.append(f"{name} has no property {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    wrong += [f"{name} lacks {key}" for key in node.get("required", ()) if key not in value]
    return wrong


def _branch_misfits(whole: Mapping[str, Any], node: Mapping[str, Any], value: Any, at: str) -> list[str]:
    """anyOf and oneOf: at least one branch must fit (that only one does is left to the validators)."""
    for word in ("anyOf", "oneOf"):
        branches = node.get(word, ())
        tried = [misfits(whole, branch, value, at) for branch in branches]
        if tried and all(tried):
            return [", or else ".join(dict.fromkeys(sentences[0] for sentences in tried))]
    everywhere = (misfits(whole, branch, value, at) for branch in node.get("allOf", ()))
    return [sentence for sentences in everywhere for sentence in sentences]


def _pattern_property(node: Mapping[str, Any], key: str) -> bool:
    return any(_matches(pattern, key) for pattern in node.get("patternProperties", {}))


def _is_kind(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES.get(kind, (object,)))


def _matches(pattern: str | None, value: str) -> bool:
    if pattern is None:
        return True
    try:
        return re.search(pattern, value) is not None
    except re.error:  # schemas hold ECMAScript patterns, a few of which Python does not read
        return True
