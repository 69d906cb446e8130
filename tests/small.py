"""Stacks that stand for layers: small enough to see at a glance what the renderer must make of them."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from troposphere.s3 import Bucket

from blueprint.problems import BlueprintError
from blueprint.stacks.places import Place, Subject
from blueprint.stacks.stack import Stack


def stack_of(subject: Subject, name: str, *places: Place, outputs: Iterable[str] = ("Id",)) -> Stack:
    """A stack with one bucket and the outputs that others may ask for."""
    stack = Stack(name, subject, *(places or (Place.PRIMARY,)), purpose=f"The {name}.")
    bucket = stack.add_stateful(Bucket("Bucket"))
    for output in outputs:
        stack.output(output, bucket.ref(), f"{output} of {name}")
    return stack


def codes(error: pytest.ExceptionInfo[BlueprintError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def rendered(text: str, *names: str) -> dict[str, bytes]:
    """Files that the writer knows for ours: small templates with these names, and their manifest."""
    template = json.dumps({"Description": f"Rendered by Blueprint from {text}.yaml"}).encode()
    stacks = [{"file": name} for name in names]
    manifest = json.dumps({"format": "blueprint-manifest", "text": text, "stacks": stacks}).encode()
    return {**dict.fromkeys(names, template), "manifest.json": manifest}
