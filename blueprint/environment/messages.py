"""From pydantic's complaints to problems that a person can act on, at the line that caused them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from blueprint.environment.formats import HOW_TO_GET_A_DOMAIN, nearest
from blueprint.environment.parse import EXTENDS
from blueprint.environment.tree import joined, shown
from blueprint.problems import Problem, Where

Kind = TypeVar("Kind", bound=BaseModel)
Location = tuple[int | str, ...]

#: How like a key of another section must be: there are so many that one is always a little like it.
ELSEWHERE = 0.75

_TYPES = {
    "int": ("a whole number", "write a whole number without quotes"),
    "float": ("a number", "write a number without quotes"),
    "bool": ("true or false", "write true or false, lower case and without quotes"),
    "string": ("text", "put quotes around it if it is meant as text"),
    "tuple": ("a list", "write [one, two], or one item per line with - in front"),
    "dict": ("keys and values", "write key: value pairs, indented below the key"),
    "model": ("a section", "write key: value pairs, indented below the key"),
}


def field_path(location: Location) -> str:
    """A location of pydantic as people write it: ``recovery[0].cidr``."""
    path = ""
    for key in location:
        if key != "[key]":  # pydantic's mark for the key itself
            path = joined(path, key)
    return path


def field_at(model: type[BaseModel], location: Location) -> tuple[type[BaseModel], FieldInfo | None, Any]:
    """The innermost section on the way to ``location``, its field, and the type that is wanted there."""
    section, field, wanted = model, None, None
    kind: Any = model
    for key in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section, field = kind, kind.model_fields.get(str(key))
            kind = field.annotation if field else None
        elif get_origin(kind) in (tuple, dict):
            kind = get_args(kind)[0 if get_origin(kind) is tuple else 1]
        if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
            kind = get_args(kind)[0]
        wanted = kind
    return section, field, wanted


def without_faults(
    values: dict[str, Any], model: type[Kind], faults: list[ErrorDetails]
) -> tuple[Kind | None, list[str]]:
    """The model of ``values`` but for the bad ones, for rules to look at; and the paths of the bad."""
    bad: list[str] = []
    for _ in range(3):  # mending a section can bring to light what it hid
        for fault in faults:
            bad.append(field_path(fault["loc"]))
            _mend(values, model, fault["loc"])
        try:
            return model.model_validate(values), bad
        except ValidationError as error:
            faults = error.errors(include_url=False)
    return None, bad


def _mend(values: dict[str, Any], model: type[BaseModel], location: Location) -> None:
    """Put a default (or the field's example, if it is required) in the place of a bad value."""
    inside: Any = values
    kind: Any = model
    target: tuple[dict[str, Any], str, FieldInfo | None] | None = None
    for key in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(inside, dict):
            target = inside, str(key), kind.model_fields.get(str(key))
            kind = target[2].annotation if target[2] else None
        elif get_origin(kind) is dict and isinstance(inside, dict):
            target, kind = (inside, str(key), None), get_args(kind)[1]
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        if isinstance(inside, dict):
            inside = inside.get(key)
        elif isinstance(inside, list) and isinstance(key, int):
            inside = inside[key]
    if target is None:
        return
    section, name, field = target
    if field is not None and field.is_required():
        section[name] = (field.examples or [""])[0]
    else:
        section.pop(name, None)


def problem(error: Mapping[str, Any], model: type[BaseModel], where: Callable[[str, bool], Where]) -> Problem:
    """One of ``ValidationError.errors()`` in plain words. ``where`` finds a field's value, or its key."""
    location: Location = error["loc"]
    of_key = error["type"] == "extra_forbidden" or location[-1:] == ("[key]",)
    what, remedy, code = _words(error, model, location)
    return Problem(what, where(field_path(location), of_key), remedy, code)


def _words(error: Mapping[str, Any], model: type[BaseModel], location: Location) -> tuple[str, str, str]:
    kind, seen = error["type"], error.get("input")
    section, field, wanted = field_at(model, location)
    if kind.startswith("ENV"):
        return f"{shown(seen)} {error['ctx']['what']}", error["ctx"]["remedy"], kind
    if kind == "extra_forbidden":
        return unknown_key(model, section, location)
    if kind == "missing":
        return f"{location[-1]} is required and missing", _example(field, str(location[-1])), "ENV021"
    if seen is None:
        return "there is no value", "give it one, or remove the key to keep the default", "ENV026"
    if kind == "literal_error":
        return _choice(seen, get_args(wanted))
    if kind in ("greater_than_equal", "less_than_equal"):
        low, high = limits(field)
        return f"{shown(seen)} is out of range", f"use {low} to {high}", "ENV023"
    name = re.split(r"_(?:type|parsing|from_float|instance)", kind)[0]
    words, remedy = _TYPES.get(name, ("something else", f"expected is: {error['msg'][:120]}"))
    if name == "string" and isinstance(seen, (dict, list)):
        remedy = "write one value"
    return f"{shown(seen)} is not {words}", remedy, "ENV022"


def _example(field: FieldInfo | None, key: str) -> str:
    if key == "domain":  # an example of something that most people first have to get
        return f"add it; if you have none, {HOW_TO_GET_A_DOMAIN}"
    return f"add it, for instance {key}: {field.examples[0]}" if field and field.examples else f"add {key}"


def _choice(seen: object, allowed: tuple[Any, ...]) -> tuple[str, str, str]:
    words = [str(choice) for choice in allowed]
    if isinstance(allowed[0], int) and isinstance(seen, int):
        near = sorted(sorted(allowed, key=lambda choice: abs(choice - seen))[:2])
        remedy = f"nearest are {near[0]} and {near[1]}; allowed are {', '.join(words)}"
    else:
        guess = nearest(str(seen), words)
        remedy = (f"did you mean {guess}? " if guess else "") + f"allowed are {', '.join(words)}"
    return f"{shown(seen)} is not one of the allowed values", remedy, "ENV024"


def limits(field: FieldInfo | None) -> tuple[Any, Any]:
    """The lowest and the highest value that a field takes."""
    bounds = field.metadata if field else []
    low = next((bound.ge for bound in bounds if hasattr(bound, "ge")), None)
    high = next((bound.le for bound in bounds if hasattr(bound, "le")), None)
    return low, high


def unknown_key(model: type[BaseModel], section: type[BaseModel], location: Location) -> tuple[str, str, str]:
    key = str(location[-1])
    here = [*section.model_fields, *([EXTENDS] if section is model else [])]
    paths = {path.rsplit(".", 1)[-1]: path for path in [*reversed(all_keys(model)), EXTENDS]}
    best = key if key in paths else nearest(key, [*here, *paths])
    if best not in here and best != key:
        best = nearest(key, [best], likeness=ELSEWHERE) or nearest(key, here)
    if not best:
        remedy = f"known here are {', '.join(here)}"
    elif best in here:
        remedy = f"did you mean {best}?"
    elif "." in paths[best]:
        remedy = f"write it as {paths[best]}" if best == key else f"did you mean {paths[best]}?"
    else:
        remedy = f"{best} belongs at the top level of the file"
    return f"the key {shown(key)} is not known here", remedy, "ENV020"


def all_keys(model: type[BaseModel], above: str = "") -> list[str]:
    """The dotted name of every key, sections included, items of lists left out."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(above + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += all_keys(field.annotation, f"{above}{name}.")
    return keys
