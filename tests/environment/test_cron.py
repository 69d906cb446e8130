"""Times that come again: what Auto Scaling reads, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprint.environment.cron import fault

FIELDS = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("weekday", 0, 7),
]


@pytest.mark.parametrize(
    "text",
    [
        "0 7 * * MON-FRI",
        "*/15 0-6 1,15 * *",
        "30 0 1 1,6,12 *",
        "30 0 1 Jan,Jun,Dec *",
        "0 22 * * sun",
        "0-59/5 8-18/2 * 1-12 0-7",
        "59 23 31 12 7",
        "0 0 29 2 *",
        "0 0 30 2,4 *",
        "0 0 31 2 MON",  # on Mondays of February, since cron takes either of the two days
    ],
)
def test_what_auto_scaling_reads_is_taken(text: str) -> None:
    assert fault(text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(
            (text, "five fields")
            for text in ("", "0 7 * *", "0 7 * * * *", "0 7  * * *", " 0 7 * *", "0 7 * * ", "@daily")
        ),
        ("every day at seven o'clock", "'every' is no minute from 0 to 59"),
        ("60 7 * * *", "'60' is no minute"),
        ("0 24 * * *", "'24' is no hour from 0 to 23"),
        ("0 7 0 * *", "'0' is no day of the month from 1 to 31"),
        ("0 7 32 * *", "no day of the month"),
        ("0 7 * 13 *", "no month"),
        ("0 7 * MON *", "'MON' is no month"),
        ("0 7 * * 8", "no weekday from 0 to 7"),
        ("0 7 * * JAN", "no weekday"),
        ("0 7 * * MONDAY", "no weekday"),
        ("0 7 * * FRI-MON", "'FRI-MON' is no weekday"),
        ("9-8 7 * * *", "no minute"),
        ("*/0 7 * * *", "no minute"),
        ("5/15 7 * * *", "no minute"),
        ("*/ 7 * * *", "no minute"),
        ("1, 7 * * *", "no minute"),
        ("1,,2 7 * * *", "no minute"),
        ("-1 7 * * *", "no minute"),
        ("1-2-3 7 * * *", "no minute"),
        ("+5 7 * * *", "no minute"),
        ("\u0665 7 * * *", "no minute"),  # an Arabic five
        ("0\u00a07 * * * *", "no minute"),
        ("0\n7 * * * *", "no minute"),
        *((f"0 7 {sign} * *", "no day of the month") for sign in ("?", "L", "15W", "LW")),
        ("0 7 * * 2#1", "no weekday"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        (f"{','.join(['0'] * 125)} 7 * * *", "five fields"),  # longer than Auto Scaling takes
    ],
)
def test_what_it_does_not_read_is_told_with_the_field_that_is_wrong(text: str, words: str) -> None:
    assert words in fault(text)


@pytest.mark.parametrize("place", range(5), ids=[name for name, *_ in FIELDS])
@given(number=st.integers(0, 99), step=st.integers(0, 99))
def test_every_number_of_a_field_is_taken_and_no_other(place: int, number: int, step: int) -> None:
    name, first, last = FIELDS[place]

    def at(text: str) -> str:
        return " ".join(text if index == place else "*" for index in range(5))

    wrong = "" if first <= number <= last else f"no {name} from {first} to {last}"
    assert wrong in fault(at(str(number)))
    assert bool(fault(at(str(number)))) == bool(wrong)
    assert bool(fault(at(f"{first}-{number}"))) == bool(wrong)
    assert bool(fault(at(f"*/{step}"))) == (step == 0)


@given(st.text(max_size=30))
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(fault(text), str)
