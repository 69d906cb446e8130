"""Stacks that stand for layers: small enough to see at a glance what the renderer must make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from troposphere.s3 import Bucket

from blueprint.environment import Account, Environment, load_account, load_environment
from blueprint.problems import BlueprintError
from blueprint.stacks.places import Place, Subject
from blueprint.stacks.stack import Stack


@pytest.fixture
def env(environments: Callable[..., Path]) -> Callable[..., Environment]:
    """An environment from overrides."""

    def make(**over: Any) -> Environment:
        return load_environment(environments(prod=over), "prod")

    return make


@pytest.fixture
def account(environments: Callable[..., Path]) -> Callable[..., Account]:
    """The account of two environments, from overrides of its own file."""

    def make(**over: Any) -> Account:
        recovery = [{"region": "eu-central-1", "cidr": "10.1.0.0/16"}]
        prod = {"recovery": recovery}
        dev = {"account": "444455556666", "region": "us-west-2"}
        return load_account(environments(prod=prod, dev=dev, account=over))

    return make


def stack_of(subject: Subject, name: str, *places: Place, outputs: Iterable[str] = ("Id",)) -> Stack:
    """A stack with one bucket and the outputs that others may ask for."""
    stack = Stack(name, subject, *(places or (Place.PRIMARY,)), purpose=f"The {name}.")
    bucket = stack.add_stateful(Bucket("Bucket"))
    for output in outputs:
        stack.output(output, bucket.ref(), f"{output} of {name}")
    return stack


def codes(error: pytest.ExceptionInfo[BlueprintError]) -> list[str]:
    return [problem.code for problem in error.value.problems]
