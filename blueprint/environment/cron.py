"""Times that come again as EC2 Auto Scaling reads them: five fields of traditional cron, in UTC.

Source: "Recurring schedules" in the EC2 Auto Scaling guide, which leaves the format to crontab: numbers,
``*``, ranges, steps, lists, and English names of months and weekdays. ``?``, ``L``, ``W`` and ``#``, and a
sixth field for years, belong to EventBridge's format, which Auto Scaling does not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 255  # characters (PutScheduledUpdateGroupAction, Recurrence)


@dataclass(frozen=True)
class _Field:
    """One of the five: the numbers it takes, and names for them, counted from the first."""

    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int | None:
        if text.upper() in self.words:
            return self.first + self.words.index(text.upper())
        known = re.fullmatch(r"[0-9]{1,2}", text) and self.first <= int(text) <= self.last
        return int(text) if known else None

    def numbers(self, text: str) -> set[int]:
        """What one item of the list means; nothing where it means nothing."""
        item = re.fullmatch(r"(\*|([0-9A-Za-z]+)(-([0-9A-Za-z]+))?)(/([1-9][0-9]?))?", text)
        if not item or (item[6] and item[2] and not item[4]):  # a step needs a range
            return set()
        low, high = (self.first, self.last) if item[1] == "*" else (self.number(item[2]),) * 2
        if item[4]:
            high = self.number(item[4])
        if low is None or high is None:
            return set()
        return set(range(low, high + 1, int(item[6] or 1)))


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 7, _DAYS),  # 0 and 7 are Sunday
)
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


def fault(text: str) -> str:
    """Why ``text`` is no time that comes again, or nothing."""
    parts = text.split(" ")
    if len(parts) != len(_FIELDS) or not all(parts) or len(text) > LONGEST:
        return "is no cron expression of five fields"
    meant: list[set[int]] = []
    for field, part in zip(_FIELDS, parts, strict=True):
        items = [field.numbers(item) for item in part.split(",")]
        if not all(items):
            return (
                f"is no cron expression: {part[:40]!r} is no {field.name} from {field.first} to {field.last}"
            )
        meant.append(set().union(*items))
    _, _, days, months, _ = meant
    if parts[4] == "*" and min(days) > max(_LONGEST_MONTHS.get(month, 31) for month in months):
        return "never comes: no such month has that day"
    return ""
