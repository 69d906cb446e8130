"""The generator of combinations itself: nothing is missed, and nothing impossible is asked for."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from tests.pairwise import all_pairs, pairs

OPTIONS = {"a": [0, 1, 2], "b": ["x", "y"], "c": [None, True], "d": [1, 2, 3, 4], "e": [[], [1]]}


def test_every_two_values_of_any_two_options_meet():
    rows = all_pairs(OPTIONS)
    for one, other in combinations(OPTIONS, 2):
        for pair in product(OPTIONS[one], OPTIONS[other]):
            assert any((row[one], row[other]) == pair for row in rows), (one, other, pair)


def test_there_are_few_rows():
    assert len(all_pairs(OPTIONS)) <= 2 * 3 * 4 / 1.5  # 12 is the least, 96 were all
    assert len(all_pairs({str(n): [0, 1] for n in range(20)})) < 20


def test_the_same_options_always_give_the_same_rows():
    assert all_pairs(OPTIONS) == all_pairs(OPTIONS)


def test_what_is_impossible_is_left_out_and_everything_else_is_there():
    def possible(row):
        return row.get("a") != 2 or row.get("d", 1) < 3

    rows = all_pairs(OPTIONS, possible)
    assert all(possible(row) for row in rows)
    assert len(pairs(OPTIONS, lambda row: True)) - len(pairs(OPTIONS, possible)) == 2
    assert any(row["a"] == 2 for row in rows)


def test_options_that_cannot_be_completed_are_told():
    def possible(row):
        return len(row) < 3

    with pytest.raises(ValueError, match="goes with"):
        all_pairs(OPTIONS, possible)
