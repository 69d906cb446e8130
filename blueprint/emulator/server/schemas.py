"""The resource schemas that cfn-lint bundles, read as files: region -> type -> schema.

cfn-lint itself is neither imported nor installed here. The launcher gets the path of the project's own
copy, so that the stand-ins and the gate can never disagree about a type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

FALLBACK_REGION = "us-east-1"  # cfn-lint has no list for every region; its own fallback is this one too


class Schemas:
    """Schemas by type, loaded when first asked for (1,800 files, of which a run needs a few dozen)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @lru_cache(maxsize=64)  # noqa: B019 - one instance lives as long as the process
    def in_region(self, region: str) -> dict[str, str]:
        """Type name -> file of its schema, for the types that exist in ``region``."""
        path = self._folder / "providers" / f"{region}.json"
        if not path.exists():
            path = self._folder / "providers" / f"{FALLBACK_REGION}.json"
        types: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return types

    def of(self, resource_type: str, region: str) -> dict[str, Any] | None:
        name = self.in_region(region).get(resource_type)
        return self._load(name) if name else None

    @lru_cache(maxsize=4096)  # noqa: B019
    def _load(self, name: str) -> dict[str, Any]:
        path = self._folder / "resources" / f"{name}.json"
        schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return schema


def paths(pointers: Iterable[str] | None) -> list[list[str]]:
    """``/properties/A/B`` -> ``["A", "B"]``."""
    return [pointer.removeprefix("/properties/").split("/") for pointer in pointers or ()]


def top_level(pointers: Iterable[str] | None) -> tuple[str, ...]:
    """The top-level properties that ``pointers`` name or reach into, each once."""
    return tuple(dict.fromkeys(path[0] for path in paths(pointers)))


def resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow ``$ref`` within one schema file."""
    while "$ref" in node:
        target: Any = schema
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def at(schema: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """The definition of the property at ``path``; empty where the path leaves the schema."""
    node = schema
    for part in path:
        node = resolve(schema, node)
        node = node.get("items", {}) if part == "*" else node.get("properties", {}).get(part, {})
    return resolve(schema, node)
