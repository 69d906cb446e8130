"""Find a resource schema, a property in it, and the regions that know a type.

cfn-lint stores one file per region that maps a type to a digest (100 KB, parsed in under 1 ms), and one
file per digest with the schema (10 to 120 KB, under 1 ms), so nothing is cached on disk here. Read are the
bundled files, never the ones a user may have downloaded with ``cfn-lint -u``: the lock file decides what a
render means.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blueprint.problems import BlueprintError, Problem

HOME_REGION = "us-east-1"  # has the most types, and the newest
_NOT_REGIONS = frozenset({"sam"})  # types that exist only before a transform


def schema(resource_type: str, region: str = HOME_REGION) -> dict[str, Any]:
    """The registry schema of a type as one region has it. Shared between callers: do not change it."""
    digest = _digests(region).get(_listed_name(resource_type))
    if digest is None:
        raise BlueprintError(_no_type(resource_type, region))
    return _load(str(data() / "resources" / f"{digest}.json"))


def types_in(region: str) -> frozenset[str]:
    """Every resource type that CloudFormation knows in a region."""
    return frozenset(_digests(region))


@cache
def regions() -> tuple[str, ...]:
    """Every region whose schemas are known, sorted."""
    names = (file.stem for file in (data() / "providers").glob("*.json"))
    return tuple(sorted(name for name in names if name not in _NOT_REGIONS))


def types_missing(types: Iterable[str], region: str) -> list[str]:
    """Those of ``types`` that cannot be created in ``region``, sorted."""
    return sorted({kind for kind in types if _listed_name(kind) not in _digests(region)})


def property_schema(resource_type: str, path: str, region: str = HOME_REGION) -> dict[str, Any]:
    """The schema of ``A.B.C`` below Properties, references resolved.

    List indexes may be given or left out: ``Tags.Key`` is the same as ``Tags.0.Key``. A path that does not
    exist is a :class:`BlueprintError` that suggests the nearest one.
    """
    whole = schema(resource_type, region)
    node, walked = whole, ""
    for step in path.split("."):
        children = _children(whole, node)
        if step.isdigit() and not children.keys() & {step}:
            continue
        if step not in children:
            raise BlueprintError(_no_property(resource_type, walked, step, children))
        node, walked = resolve(whole, children[step]), f"{walked}.{step}".lstrip(".")
    return node


def create_only(resource_type: str, region: str = HOME_REGION) -> tuple[str, ...]:
    """Dotted paths whose change replaces the resource, the ones that do so only sometimes included."""
    whole = schema(resource_type, region)
    keys = ("createOnlyProperties", "conditionalCreateOnlyProperties")
    return tuple(sorted({_dotted(pointer) for key in keys for pointer in whole.get(key, ())}))


def read_only(resource_type: str, region: str = HOME_REGION) -> tuple[str, ...]:
    """Dotted paths of what only the service sets, so that no template may."""
    return tuple(sorted(map(_dotted, schema(resource_type, region).get("readOnlyProperties", ()))))


def resolve(whole: Mapping[str, Any], node: Any) -> dict[str, Any]:
    """Follow ``$ref`` inside one schema."""
    seen: set[str] = set()
    while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        target: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        node = target
    return node if isinstance(node, dict) else {}


def alternatives(whole: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The branches of anyOf, oneOf and allOf, resolved."""
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(word, ()):
            yield resolve(whole, branch)


def _children(whole: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The properties an object has, or the objects of a list have, in whichever branch."""
    found: dict[str, Any] = dict(node.get("properties", {}))
    if "items" in node:
        found.update(_children(whole, resolve(whole, node["items"])))
    for branch in alternatives(whole, node):
        for name, child in _children(whole, branch).items():
            found.setdefault(name, child)
    return found


def _listed_name(resource_type: str) -> str:
    return "AWS::CloudFormation::CustomResource" if resource_type.startswith("Custom::") else resource_type


def _dotted(pointer: str) -> str:
    return ".".join(part for part in pointer.removeprefix("/properties/").split("/") if part != "*")


@cache
def data() -> Path:
    """The folder of cfn-lint's schemas."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise BlueprintError(
            Problem("cfn-lint is not installed", remedy="install it: python build.py", code="SCH001")
        )
    return Path(spec.origin).parent / "data" / "schemas"


@cache
def _digests(region: str) -> dict[str, str]:
    if region not in regions():
        remedy = f"use one of {', '.join(nearest(region, regions()) or regions())}"
        raise BlueprintError(
            Problem(f"no resource schemas for region {region!r}", remedy=remedy, code="SCH002")
        )
    return _load(str(data() / "providers" / f"{region}.json"))


@lru_cache(maxsize=256)
def _load(file: str) -> dict[str, Any]:
    with open(file, encoding="utf-8") as stream:
        loaded: dict[str, Any] = json.load(stream)
    return loaded


def nearest(word: str, known: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # only when something is wrong

    return get_close_matches(word, list(known), n=1, cutoff=0.6)


def _no_type(resource_type: str, region: str) -> Problem:
    if region != HOME_REGION and _listed_name(resource_type) in _digests(HOME_REGION):
        what, remedy = (
            f"{resource_type} does not exist in {region}",
            "leave it out there, or use another region",
        )
    else:
        near = nearest(resource_type, _digests(region))
        what, remedy = f"no resource type {resource_type!r}", f"did you mean {near[0]}?" if near else ""
    return Problem(what, remedy=remedy, code="SCH003")


def _no_property(resource_type: str, walked: str, step: str, children: Mapping[str, Any]) -> Problem:
    where = f"{resource_type}.{walked}" if walked else resource_type
    near = nearest(step, children)
    remedy = (
        f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(children)) or 'no properties'}"
    )
    return Problem(f"{where} has no property {step!r}", remedy=remedy, code="SCH004")
