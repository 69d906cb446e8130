"""Conditions of policy statements that keep everything they were given.

awacs writes a list of conditions into a mapping by operator, and of two ``StringEquals`` silently keeps the
last: a statement meant for one account would be open to all.
"""

from __future__ import annotations

from typing import Any

from awacs.aws import Condition, ConditionElement


def all_of(*elements: ConditionElement) -> Condition:
    """All of ``elements`` must hold; several with one operator become one with all their keys."""
    merged: dict[type[ConditionElement], dict[str, Any]] = {}
    for element in elements:
        tests = merged.setdefault(type(element), {})
        for key, value in element.get_dict().items():
            if key in tests:
                raise ValueError(f"two tests of {key} by {type(element).__name__}")
            tests[key] = value
    return Condition([operator(tests) for operator, tests in merged.items()])
