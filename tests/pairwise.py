"""All pairs: the fewest rows we can find in which every two values of any two options meet.

Most faults that depend on options depend on one or two of them (NIST SP 800-142), and all combinations of
ours are millions. Small and deterministic, so that the same options always give the same rows; what a library
offers beyond that (weights, triples) is not needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

Row = dict[str, Any]
Pair = tuple[tuple[str, int], tuple[str, int]]


def all_pairs(
    options: Mapping[str, Sequence[Any]], possible: Callable[[Row], bool] = lambda row: True
) -> list[Row]:
    """Rows with a value for each option, that hold every possible pair.

    ``possible`` is also asked about rows in which some options have no value yet.
    """
    missing = dict.fromkeys(pairs(options, possible))
    rows = []
    while missing:
        chosen = _row(options, possible, missing)
        for pair in combinations(sorted(chosen.items()), 2):
            missing.pop(pair, None)
        rows.append(_values(options, chosen))
    return rows


def pairs(options: Mapping[str, Sequence[Any]], possible: Callable[[Row], bool]) -> list[Pair]:
    """Every possible pair, as indexes of values."""
    found: list[Pair] = []
    for one, other in combinations(sorted(options), 2):
        for i in range(len(options[one])):
            for j in range(len(options[other])):
                if possible({one: options[one][i], other: options[other][j]}):
                    found.append(((one, i), (other, j)))
    return found


def _row(
    options: Mapping[str, Sequence[Any]], possible: Callable[[Row], bool], missing: Mapping[Pair, None]
) -> dict[str, int]:
    """Begin with the first missing pair, then give each option the value that meets most missing pairs."""
    row = dict(next(iter(missing)))
    rest = [name for name in options if name not in row]
    while rest:
        scored = [
            (_gain(row, name, index, missing), -len(rest), name, index)
            for name in rest
            for index in range(len(options[name]))
            if possible(_values(options, {**row, name: index}))
        ]
        if not scored:
            raise ValueError(f"no value of {rest} goes with {_values(options, row)}")
        # The most constrained first would be smarter; the most gainful is enough and needs no backtracking
        # as long as every possible pair can be completed.
        _, _, name, index = max(scored, key=lambda entry: (entry[0], -rest.index(entry[2]), -entry[3]))
        row[name] = index
        rest.remove(name)
    return row


def _gain(row: Mapping[str, int], name: str, index: int, missing: Mapping[Pair, None]) -> int:
    new = (name, index)
    return sum(_pair(new, other) in missing for other in row.items())


def _pair(one: tuple[str, int], other: tuple[str, int]) -> Pair:
    return (one, other) if one[0] < other[0] else (other, one)


def _values(options: Mapping[str, Sequence[Any]], row: Mapping[str, int]) -> Row:
    return {name: options[name][index] for name, index in row.items()}
