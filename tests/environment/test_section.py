"""What all sections share: they cannot change, know their keys, and take values of one type only."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from blueprint.environment.model import Account, Environment
from blueprint.environment.section import LogDays, Section, Whole, YesNo
from blueprint.schemas import property_schema


class Inner(Section):
    days: LogDays = 90


class Sample(Section):
    """A section as layers write them."""

    number: Whole = 3
    switch: YesNo = False
    inner: Inner = Inner()


def fault(values: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate(values)
    [error] = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["type"]


@pytest.mark.parametrize(("name", "value"), [("number", 4), ("inner", Inner()), ("colour", "blue")])
def test_a_section_cannot_be_changed(name: str, value: Any) -> None:
    sample = Sample()
    with pytest.raises(ValidationError):
        setattr(sample, name, value)
    assert sample == Sample()


@pytest.mark.parametrize("values", [{"colour": "blue"}, {"inner": {"colour": "blue"}}, {"Number": 3}])
def test_a_key_that_nobody_knows_is_refused(values: dict[str, Any]) -> None:
    assert fault(values)[1] == "extra_forbidden"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("number", value) for value in ("3", 3.0, True, None, [3])),
        *(("switch", value) for value in ("true", "yes", 1, 0, None)),
    ],
)
def test_numbers_and_switches_are_not_guessed_from_something_else(name: str, value: Any) -> None:
    assert fault({name: value})[0] == name


@pytest.mark.parametrize("days", [0, 2, 89, 366, 3654, -1])
def test_a_retention_between_two_that_there_are_is_refused(days: int) -> None:
    assert fault({"inner": {"days": days}}) == ("inner.days", "literal_error")


def test_retentions_are_those_of_cloudwatch_logs() -> None:
    offered = property_schema("AWS::Logs::LogGroup", "RetentionInDays")["enum"]
    assert list(get_args(LogDays)) == sorted(offered)


def test_no_part_of_an_environment_or_of_the_account_escapes_these_rules() -> None:
    assert issubclass(Environment, Section)
    assert issubclass(Account, Section)
    ours = {model for model in BaseModel.__subclasses__() if model.__module__.startswith("blueprint.")}
    assert ours == {Section}
