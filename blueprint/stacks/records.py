"""What a stack remembers besides its resources: what it asked for, and what a deployment must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from troposphere import AWSHelperFn


class StackOutput(AWSHelperFn):
    """Another stack's output. What it becomes in JSON is known once every layer has rendered."""

    def __init__(self, stack: str, output: str) -> None:
        self.stack = stack
        self.output = output
        self.primary_only = False  # read in the primary region alone, whatever regions the asker lives in
        self.data: dict[str, Any] = {}


@dataclass(frozen=True)
class Binding:
    """A parameter that the manifest fills, in recovery regions, from an output of the primary."""

    parameter: str
    stack: str
    output: str


@dataclass(frozen=True)
class SecondPass:
    """A parameter that a later, named wave sets to ``value`` (two-way references are impossible at once)."""

    parameter: str
    value: str
    after: tuple[str, ...]  # stacks that must be complete, everywhere, before
    why: str


@dataclass(frozen=True)
class Secret:
    """A secret that a person must fill in before the first deployment; never its value."""

    name: str
    description: str


@dataclass(frozen=True)
class Trace:
    """Where a resource comes from: the layer's function and the YAML key that asked for it."""

    source: str
    setting: str


@dataclass
class Group:
    """A parameter group of the console, in the order of the layer."""

    title: str
    parameters: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Others:
    """Every stack that is not about others, with its template as data and as the bytes of its file."""

    stacks: Mapping[str, Any]
    templates: Mapping[str, dict[str, Any]]
    bodies: Mapping[str, bytes]
