from __future__ import annotations

import pytest
from awacs.aws import Bool, StringEquals

from blueprint.layers.shared.conditions import all_of


def test_conditions_with_one_operator_all_stay():
    condition = all_of(StringEquals("a", "1"), Bool("b", True), StringEquals("c", ["2", "3"]))
    assert condition.JSONrepr() == {"StringEquals": {"a": "1", "c": ["2", "3"]}, "Bool": {"b": True}}


def test_two_tests_of_one_key_are_a_mistake():
    with pytest.raises(ValueError, match="two tests of a"):
        all_of(StringEquals("a", "1"), StringEquals("a", "2"))
