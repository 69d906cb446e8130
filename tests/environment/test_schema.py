"""What derives from the model is committed as it would be made now, and agrees with the model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueprint.environment import schema
from blueprint.environment.messages import all_keys
from blueprint.environment.model import Account, Environment
from tests.environment.conftest import problems

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "environments").glob("*.yaml"))


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("environments/schema.json", schema.json_schema_text),
        ("environments/account-schema.json", schema.account_schema_text),
        ("docs/environment-reference.md", schema.reference_page_text),
    ],
)
def test_derived_files_are_fresh(path: str, make: Callable[[], str]) -> None:
    assert (ROOT / path).read_text() == make(), "run python build.py docs"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_names_its_schema_and_satisfies_it(path: Path) -> None:
    text = path.read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named
    assert named[1] == ("account-schema.json" if path.stem == "account" else "schema.json")
    assert faults(yaml.safe_load(text), json.loads((path.parent / named[1]).read_text())) == []


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("network: {zones: 2, nat: none}", True),
        ("network: {zones: 5}", False),
        ("network: {zones: '3'}", False),
        ("network: {zone: 3}", False),
        ("network: {nat: both}", False),
        ("network: {dual_stack: 1}", False),
        ("network: {flow_logs: {retention_days: 100}}", False),
        ("network: {zone_ids: {eu-west-1: [eu-west-1a, eu-west-1b, eu-west-1c]}}", False),
        ("network: {zone_ids: {mars: [euw1-az1, euw1-az2, euw1-az3]}}", False),
        ("region: mars", False),
        ("account: 111122223333", True),
        ("account: '11112222333'", False),
        ("tags: {version: 2, team: web}", True),
        ("recovery: [{region: eu-west-2}]", False),
        ("project: a_b", False),
        ("colour: blue", False),
    ],
)
def test_schema_and_model_agree(text: str, agrees: bool, write: Callable[..., Path]) -> None:
    found = faults(yaml.safe_load(text), json.loads(schema.json_schema_text()))
    assert (found == []) is agrees
    assert (problems(write(f"extends: base.yaml\n{text}\n")) == []) is agrees


def test_bases_may_leave_out_what_is_required() -> None:
    for text in (schema.json_schema_text(), schema.account_schema_text()):
        assert "required" not in json.loads(text)


def test_the_reference_page_has_every_key_once() -> None:
    page = schema.reference_page_text()
    environment, account = page.split("## Keys of the account\n")
    for model, part in ((Environment, environment), (Account, account)):
        for key in all_keys(model):
            assert part.count(f"| `{key}` |") == 1, key
    assert "`recovery[].cidr`" in environment


def faults(value: Any, rule: dict[str, Any], root: dict[str, Any] | None = None) -> list[str]:
    """What breaks a schema, for the keywords that ours use. Others make the test fail."""
    root = root or rule
    if "$ref" in rule:
        return faults(value, root["$defs"][rule["$ref"].rsplit("/", 1)[-1]], root)
    unknown = set(rule) - KEYWORDS
    assert not unknown, unknown
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if not any(isinstance(value, TYPES[kind]) and (kind == "boolean" or value is not True) for kind in kinds):
        return [f"{value!r} is not {rule['type']}"]
    found = []
    if "enum" in rule and value not in rule["enum"]:
        found.append(f"{value!r} is not in the enumeration")
    if isinstance(value, str) and not re.search(rule.get("pattern", ""), value):
        found.append(f"{value!r} does not match {rule['pattern']}")
    if "minimum" in rule and not rule["minimum"] <= value <= rule["maximum"]:
        found.append(f"{value!r} is out of range")
    if isinstance(value, list):
        found += [fault for item in value for fault in faults(item, rule["items"], root)]
    if isinstance(value, dict):
        found += _faults_of_mapping(value, rule, root)
    return found


def _faults_of_mapping(value: dict[str, Any], rule: dict[str, Any], root: dict[str, Any]) -> list[str]:
    found = [f"{key} is missing" for key in rule.get("required", ()) if key not in value]
    names = rule.get("propertyNames", {}).get("enum")
    for key, item in value.items():
        inner = rule.get("properties", {}).get(key, rule["additionalProperties"])
        if inner is False or (names and key not in names):
            found.append(f"{key} is unknown")
        else:
            found += faults(item, inner, root)
    return found


TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict
}  # fmt: skip
KEYWORDS = {
    "$schema", "$defs", "title", "description", "default", "examples", "type", "enum", "pattern",
    "patternErrorMessage", "format", "minimum", "maximum", "items", "properties", "additionalProperties",
    "propertyNames", "required",
}  # fmt: skip
