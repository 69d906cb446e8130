"""Values that know their place: how they are shown, found and merged."""

from __future__ import annotations

import pytest

from blueprint.environment.parse import read
from blueprint.environment.tree import find, joined, merged, plain, shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true"),
        (3, "3"),
        ("3", "'3'"),
        ("a\x1b[0m", "'a\\x1b[0m'"),
        ("\ud800", "'\\ud800'"),
        ("x" * 61, f"'{'x' * 40}'... (61 characters)"),
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
    ],
    ids=range(9),
)
def test_a_value_is_shown_short_printable_and_on_one_line(value: object, words: str) -> None:
    assert shown(value) == words
    assert words.isprintable()


def test_a_path_is_written_as_people_write_it() -> None:
    assert joined(joined(joined("", "recovery"), 0), "cidr") == "recovery[0].cidr"
    assert joined("tags", "a\nb").isprintable()


def test_a_value_is_found_by_its_path_even_where_keys_hold_dots() -> None:
    text = b"tags: {cost: 1, cost.center: 2, cost.center.x: 3}\nl:\n- {a: 1}\n- {a: [4, 5]}\n"
    tree = read(text, "a.yaml", [])
    paths = ("tags.cost", "tags.cost.center", "tags.cost.center.x", "l[1].a[1]", "l")
    places = [find(tree, path)[0] for path in paths]
    lines = [place and (place.line, place.column) for place in places]
    assert lines == [(1, 14), (1, 30), (1, 48), (4, 11), (2, 1)]


def test_what_is_not_there_is_answered_by_the_innermost_section() -> None:
    tree = read(b"l:\n- {a: 1}\n", "a.yaml", [])
    assert find(tree, "l[2].a") == (find(tree, "l")[0], False)
    assert find(tree, "nothing") == (None, False)


def test_merging_changes_neither_tree() -> None:
    base, over = read(b"a: {b: 1, c: 2}\n", "x", []), read(b"a: {c: 3}\n", "y", [])
    assert plain(merged(base, over)) == {"a": {"b": 1, "c": 3}}
    assert plain(base) == {"a": {"b": 1, "c": 2}}
    assert plain(over) == {"a": {"c": 3}}
