"""Days of the week as people name them: `tuesday`, `mon-fri`, `weekends`."""

from __future__ import annotations

import re
from typing import Final

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS: Final = re.compile("^(?:[a-z]+)-(?:[a-z]+)$")
KINDS_OF_DAYS: Final = frozenset({"weekday", "weekdays", "weekend", "weekends"})
_SINGULAR: Final = frozenset({*WEEKDAYS, *(name[:3] for name in WEEKDAYS)})


def is_weekday(word: str) -> bool:
    """Tell whether a word, in letters of any size, names one day in the singular: `tuesday`, `tue`."""
    return word.lower() in _SINGULAR


def name_days(word: str) -> frozenset[int] | None:
    """Read a word as days: `tuesday`, `tuesdays`, `tue`, `mon-fri`, `weekdays`, `weekends`.

    Args:
        word: in small letters.

    Returns:
        The ISO numbers of the days, Monday being 1; None if it names none.
    """
    if word in {"weekday", "weekdays"}:
        return frozenset(range(1, 6))
    if word in {"weekend", "weekends"}:
        return frozenset({6, 7})
    if _DAYS.match(word):
        first, last = (name_days(end) for end in word.split("-"))
        if first is None or last is None or len(first) != 1 or len(last) != 1:
            return None
        start, length = min(first), (min(last) - min(first)) % 7
        return frozenset((start + number - 1) % 7 + 1 for number in range(length + 1))
    found = [number for number, name in enumerate(WEEKDAYS, 1) if word in {name, f"{name}s", name[:3]}]
    return frozenset(found) if found else None
