"""What derives from the model: JSON Schemas, from which editors complete, and the reference page."""

from __future__ import annotations

import json
from typing import Any

from blueprint.environment.checks import ACCOUNT_CHECKS, CHECKS, ROLLOUT_CHECKS
from blueprint.environment.model import Account, Environment, Subject
from blueprint.environment.parse import EXTENDS
from blueprint.environment.regions import ZONES

Schema = dict[str, Any]

_REGIONS = [*ZONES]
_EXTENDS: Schema = {
    "type": "string",
    "description": "Another file of this folder whose values hold where this one says nothing. Sections "
    "merge, lists replace.",
    "examples": ["base.yaml"],
}
_INTRODUCTION = """\
# The environment files

Derived from `blueprint/environment/model.py` by `python build.py docs`; change it there.

`environments/<name>.yaml` describes an environment, `environments/account.yaml` what exists once per
account. A working environment needs little more than this; every other key has a default:

```yaml
# yaml-language-server: $schema=schema.json
extends: base.yaml
account: "111122223333"
region: eu-west-1
domain: shop.example.com
```

- The name of the file is the name of the environment: up to 10 lower-case letters, digits, single hyphens.
  `account.yaml` and files that begin with `base` are no environments. A file that ends in `.yml` is an error,
  lest it be overlooked.
- `extends` names a file of the same folder whose values hold where this one says nothing. Sections merge
  key by key; lists are replaced as a whole. A key without a value is an error; leave it out to keep the
  default.
- Values follow YAML 1.2: only `true` and `false` are switches; `no`, `off`, `12:30` and `0123` are text.
- The first line lets editors complete and check (VS Code with the YAML extension, JetBrains, Neovim).
"""


def json_schema_text() -> str:
    """The JSON Schema of environment files and of the bases that they extend."""
    return _text(Environment, "An environment of Blueprint, or a base that environments extend")


def account_schema_text() -> str:
    """The JSON Schema of the account's file."""
    return _text(Account, "What Blueprint sets up once per account")


def reference_page_text() -> str:
    """The reference page of all keys."""
    return "\n".join([
        _INTRODUCTION,
        "## Keys of an environment\n",
        *_tables(_schema(Environment), ""),
        "### Rules across keys\n",
        *(f"- {check.rule} (`{check.code}`)" for check in CHECKS),
        "",
        "## Keys of the account\n",
        *_tables(_schema(Account), ""),
        "### Rules across keys\n",
        *(f"- {check.rule} (`{check.code}`)" for check in (*ACCOUNT_CHECKS, *ROLLOUT_CHECKS)),
        "",
        *_region_table(),
    ])  # fmt: skip


# -- JSON Schema -----------------------------------------------------------------------------------------


def _schema(model: type[Subject]) -> Schema:
    return model.model_json_schema()


def _text(model: type[Subject], title: str) -> str:
    schema = _trimmed(_schema(model))
    schema.pop("required", None)  # what is missing here may stand in the file that is extended
    schema["properties"] = {EXTENDS: _EXTENDS, **schema["properties"]}
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "title": title}
    return json.dumps(schema, indent=2) + "\n"


def _trimmed(value: Any, inside: str = "") -> Any:
    """Without pydantic's titles, which repeat the key, and the defaults of sections, which repeat theirs."""
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = inside in ("properties", "$defs")  # here the keys are names of ours
    drop = set() if names else {"title"} | ({"default"} if "$ref" in value else set())
    return {key: _trimmed(item, key) for key, item in value.items() if key not in drop}


# -- reference page --------------------------------------------------------------------------------------


def _tables(schema: Schema, above: str) -> list[str]:
    """The table of a section's keys, then those of the sections in it."""
    return _section(schema, schema["$defs"], above)


def _section(schema: Schema, definitions: Schema, above: str) -> list[str]:
    lines = ["| key | values | default | meaning |", "| --- | --- | --- | --- |"]
    below: list[str] = []
    for name, field in schema["properties"].items():
        inner = definitions.get(_reference(field))
        path = f"{above}{name}" + ("[]" if field.get("type") == "array" else "")
        default = "**required**" if name in schema.get("required", ()) else _default(field)
        values = "section" if inner and "items" not in field else _values(field)
        lines.append(_row(f"`{above}{name}`", values, default, _meaning(field, inner)))
        if inner:
            below += [f"### {path}\n", f"{inner['description']}\n", *_section(inner, definitions, f"{path}.")]
    return [*lines, "", *below]


def _meaning(field: Schema, inner: Schema | None) -> str:
    text: str = field.get("description") or (inner or {}).get("description", "")
    if "examples" not in field:
        return text
    example = field["examples"][0]
    return f"{text} For instance `{example if isinstance(example, str) else json.dumps(example)}`."


def _reference(field: Schema) -> str:
    """The name of the section that a field is, or is a list of."""
    reference: str = field.get("$ref") or field.get("items", {}).get("$ref") or ""
    return reference.rsplit("/", 1)[-1]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(field: Schema) -> str:
    if field.get("enum") == _REGIONS:
        return "a region"
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if "minimum" in field:
        return f"{field['minimum']} to {field['maximum']}"
    if field.get("type") == "array":
        return "list of sections" if _reference(field) else f"list of {_values(field['items'])}"
    if field.get("type") == "object":
        keys = "region" if field.get("propertyNames", {}).get("enum") == _REGIONS else "text"
        return f"{keys}: {_values(field['additionalProperties'])}"
    if field.get("type") == "boolean":
        return "`true`, `false`"
    words = {"email": "e-mail", "hostname": "domain"}.get(field.get("format", ""), "text")
    return str(field.get("patternErrorMessage", words))


def _default(field: Schema) -> str:
    if "$ref" in field:
        return ""
    if field.get("type") == "object":
        return "none"
    default = field["default"]
    return "none" if default == [] else f"`{json.dumps(default).strip(chr(34))}`"


def _region_table() -> list[str]:
    rows = (_row(f"`{region}`", ", ".join(f"`{zone}`" for zone in zones)) for region, zones in ZONES.items())
    return [
        "## Regions and their zones\n",
        "An environment uses the first `network.zones` of a row, unless `network.zone_ids` says otherwise.",
        "Date and source of the table: `blueprint/environment/regions.py`.\n",
        "| region | zone ids, in the order of use |",
        "| --- | --- |",
        *rows,
        "",
    ]  # fmt: skip
