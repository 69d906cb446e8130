"""Literals are held against the schema; what only CloudFormation can know passes."""

from __future__ import annotations

from typing import Any

import pytest

from blueprint.schemas.fit import is_intrinsic, misfits

SCHEMA: dict[str, Any] = {
    "definitions": {
        "Tag": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"Key": {"type": "string", "maxLength": 5}, "Value": {"type": "string"}},
            "required": ["Key"],
        }
    }
}
TAGS = {"type": "array", "maxItems": 2, "items": {"$ref": "#/definitions/Tag"}}
EITHER = {"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "integer", "minimum": 3}]}


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 2}, 2),
        ({"type": ["string", "object"]}, {"any": 1}),
        ({"type": "boolean"}, True),
        ({"type": "string", "enum": ["a", "b"]}, "b"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "abc"),
        ({"type": "string", "pattern": "^\\p{L}+$"}, "a pattern that Python cannot read"),
        (TAGS, [{"Key": "a", "Value": "b"}]),
        (TAGS, {"Fn::If": ["A", 1, 2]}),
        ({"type": "integer"}, {"Ref": "Parameter"}),
        (EITHER, "abc"),
        (EITHER, 3),
        ({}, object()),
    ],
)
def test_what_fits_passes(node: dict[str, Any], value: Any) -> None:
    assert misfits(SCHEMA, node, value) == []


@pytest.mark.parametrize(
    ("node", "value", "sentence"),
    [
        ({"type": "integer", "maximum": 2}, 3, "the value is 3, at most 2 is allowed"),
        ({"type": "integer", "minimum": 2}, 1, "at least 2 is allowed"),
        ({"type": "integer"}, True, "expected integer"),
        ({"type": "boolean"}, "true", "expected boolean"),
        ({"type": "string"}, 5, "expected string"),
        ({"type": "string", "enum": ["regional", "zonal"]}, "regionl", "did you mean 'regional'?"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "A1", "does not match ^[a-z]+$"),
        ({"type": "string", "minLength": 2}, "a", "1 characters long, at least 2"),
        ({"const": "x"}, "y", "expected 'x'"),
        (TAGS, [{"Key": "a"}] * 3, "3 items long, at most 2"),
        (TAGS, [{"Key": "a"}, {"Kee": "a"}], "1 has no property 'Kee', did you mean 'Key'?"),
        (TAGS, [{"Value": "a"}], "0 lacks Key"),
        (TAGS, [{"Key": "toolong"}], "0.Key is 7 characters long"),
        (TAGS, [3], "0 is 3, expected object"),
        (EITHER, 2, "at least 3"),
        ({"allOf": [{"type": "string"}, {"maxLength": 1}]}, "ab", "at most 1"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(node: dict[str, Any], value: Any, sentence: str) -> None:
    assert any(sentence in wrong for wrong in misfits(SCHEMA, node, value))


def test_a_mapping_that_merely_holds_a_function_is_no_function() -> None:
    assert is_intrinsic({"Fn::GetAtt": ["A", "B"]})
    assert not is_intrinsic({"Ref": "A", "Other": 1})
    assert not is_intrinsic({"Key": {"Ref": "A"}})
