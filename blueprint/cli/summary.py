"""The summary of a render: what was made, how big it is, what the gate found, what to upload in order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from blueprint.cli.output import Output
from blueprint.cli.terminal import colour, table
from blueprint.environment.checks import notices
from blueprint.gate import Finding
from blueprint.problems import shown_path
from blueprint.render import Rendered
from blueprint.render.limits import INLINE_BYTES, WARN_AT


def text(rendered: Rendered, output: Output, findings: Sequence[Finding] | None) -> str:
    """What a person reads; ``findings`` is None when the gate was skipped."""
    chosen = output.chosen(rendered)
    stacks = [stack for stack in rendered.manifest["stacks"] if stack["name"] in chosen]
    parts = [
        _heading(rendered, output),
        _templates(rendered, stacks, findings, output),
        *_notes(rendered, stacks),
        _order([step for step in rendered.manifest["steps"] if step["stack"] in chosen]),
    ]
    return "\n".join(parts)


def _heading(rendered: Rendered, output: Output) -> str:
    regions = rendered.manifest["regions"]
    where = ", ".join(
        f"{key} {' '.join(value) if isinstance(value, (list, dict)) else value}"
        for key, value in regions.items()
        if value
    )
    folder = shown_path(output.folder(rendered))
    return f"{colour(rendered.subject.name, 'bold')} of {rendered.subject.project} ({where}) in {folder}"


def _templates(
    rendered: Rendered,
    stacks: Sequence[dict[str, Any]],
    findings: Sequence[Finding] | None,
    output: Output,
) -> str:
    rows = [("template", "stack name", "resources", "bytes", "fullest quota", "lint")]
    for stack in stacks:
        fullest = max(rendered.uses[stack["name"]], key=lambda use: use.share)
        rows.append(
            (
                stack["file"],
                stack["stack_name"],
                str(len(stack["resources"])),
                f"{stack['bytes']:,} ({stack['bytes'] / INLINE_BYTES:.0%} of inline)",
                f"{fullest.share:.0%} of {fullest.quota.what}",
                _verdict(output.path(rendered, stack["name"]), findings),
            )
        )
    return table(rows)


def _verdict(path: str, findings: Sequence[Finding] | None) -> str:
    if findings is None:
        return "skipped"
    counts = count(finding for finding in findings if finding.template == path)
    if not counts["error"] and not counts["warning"]:
        return colour("ok", "green") + (f" ({counts['info']} hints)" if counts["info"] else "")
    return colour(f"{counts['error']} errors, {counts['warning']} warnings", "red")


def count(findings: Any) -> dict[str, int]:
    """How many findings there are of each severity."""
    counts = {"error": 0, "warning": 0, "info": 0}
    for finding in findings:
        counts[finding.severity] += 1
    return counts


def _notes(rendered: Rendered, stacks: Sequence[dict[str, Any]]) -> list[str]:
    notes = [f"  {notice}" for notice in notices(rendered.subject)]
    for stack in stacks:
        if stack["bytes"] > INLINE_BYTES:
            notes.append(
                f"  {stack['file']} is above {INLINE_BYTES:,} bytes ({_heaviest(rendered, stack['name'])}): "
                "the console stages it in a bucket by itself, other tools must upload it to one"
            )
        notes += [
            f"  {stack['file']} has {use}: split the layer before it is full"
            for use in rendered.uses[stack["name"]]
            if use.share >= WARN_AT
        ]
    return notes


def _heaviest(rendered: Rendered, stack: str) -> str:
    """What most of a template consists of, which is the reason for its size."""
    resources = json.loads(rendered.bodies[stack])["Resources"].values()
    sizes: Counter[str] = Counter()
    for resource in resources:
        sizes[resource["Type"]] += len(json.dumps(resource, indent=1))
    numbers = Counter(resource["Type"] for resource in resources)
    return ", ".join(f"{numbers[kind]} {kind}: {size:,}" for kind, size in sizes.most_common(3))


def _order(steps: Sequence[dict[str, Any]]) -> str:
    rows = [("step", "wave", "account", "region", "stack name to type", "template", "tick")]
    lines: list[list[str]] = []
    for step in steps:
        rows.append(
            (
                str(step["step"]),
                str(step["wave"]),
                step["account"],
                step["region"],
                step["stack_name"],
                step["file"] if not step["pass"] else f"{step['file']} (update)",
                ", ".join(step["capabilities"]) or "-",
            )
        )
        lines.append(_values(step))
    head, *body = table(rows).split("\n")
    listing = [line for row, extra in zip(body, lines, strict=True) for line in (row, *extra)]
    return "\n".join(["", "Upload in this order, each wave when the one before is complete:", head, *listing])


def _values(step: dict[str, Any]) -> list[str]:
    """The parameters that this step needs a value for, and where a person finds it."""
    return [f"        {name}: {_source(value)}" for name, value in step["parameters"].items()]


def _source(value: Any) -> str:
    if isinstance(value, dict):
        source = value["from"]
        return f"output {source['output']} of {source['stack_name']} in {source['region']}"
    return f"change it to {value}"
