"""Days as people type them: `last 7 days`, `past month`, `may 2021`, `Q2 2021`, `16 april 2024`, `jan to mar 2024`, `last tuesday`.

The longest phrase at the beginning of some words counts. What may mean two things is refused in one
sentence that says what to write instead. A month or quarter without a year is the latest that has begun.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from pullstats.metrics.time.phrase import AmbiguousWindowError, Phrase, Today, add_months
from pullstats.metrics.time.phrase_dates import read_day, read_digits, read_month, read_quarter
from pullstats.metrics.time.weekdays import WEEKDAYS

_DAY: Final = timedelta(days=1)
_MOST_WORDS: Final = 8
_NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
UNITS: Final = {
    name: unit
    for unit, names in {
        "minute": "min mins minute minutes",
        "hour": "h hr hrs hour hours",
        "day": "d day days",
        "week": "w wk wks week weeks",
        "month": "mo mon month months",
        "quarter": "q quarter quarters",
        "year": "y yr yrs year years",
    }.items()
    for name in names.split()
}
_MONTHS_OF: Final = {"month": 1, "quarter": 3, "year": 12}
_ROLLING: Final = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}
"""Days of the past week, month and so on, which end today."""
_AMOUNT: Final = re.compile(r"^([1-9][0-9]{0,4})([a-z]+)$")
TO: Final = frozenset({"to", "until", "till", "through", "thru", "-", "–", "—", ".."})


def read_phrase(words: Sequence[str], today: Today) -> tuple[Phrase, int] | None:
    """Read the longest phrase at the beginning of some words.

    Args:
        words: in small letters, at least one.
        today: what days are read against.

    Returns:
        What it means, and of how many words it is; None if there is none.

    Raises:
        UsageError: it may mean two things.
        ValueError: it names a day that does not exist.
        OverflowError: it reaches beyond the calendar.
    """
    skipped = 1 if len(words) > 1 and words[0] in {"from", "between", "the", "in", "during"} else 0
    start = _read_one(words[skipped:], today)
    if start is None:
        return None
    opening, used = start[0], skipped + start[1]
    joins = TO | {"and"} if words[0] == "between" else TO
    if used >= len(words) or words[used] not in joins or opening.length is not None:
        return None if words[0] in {"from", "between"} else (opening, used)
    end = _read_one(words[used + 1 :], today)
    if end is None or end[0].length is not None:
        return None
    return _join(opening, end[0], today), used + 1 + end[1]


def read_days(text: str, today: Today) -> Phrase | None:
    """Read one word, or `a..b`, as days; None if it is none.

    Args:
        text: in small letters.
        today: what days are read against.
    """
    opening, dots, closing = text.partition("..")
    if not dots:
        found = _read_one([text], today)
        return found[0] if found else None
    both = [_read_one([side], today) for side in (opening, closing)]
    if both[0] is None or both[1] is None or any(one[0].length is not None for one in both if one):
        return None
    return _join(both[0][0], both[1][0], today)


def _join(opening: Phrase, closing: Phrase, today: Today) -> Phrase:
    """Give the days from one phrase to another; one that lacks a year takes it from the other."""
    first, last = opening.days[0], closing.days[1]
    if not opening.has_year:
        first = first.replace(year=last.year)
        first = first if first <= last else first.replace(year=last.year - 1)
    elif not closing.has_year:
        last = _shift_year(closing.days, first.year)[1]
    return Phrase(
        first,
        min(last, max(today.last, first)) if opening.is_relative and closing.is_relative else last,
        None,
        opening.is_relative or closing.is_relative,
    )


def _shift_year(days: tuple[date, date], year: int) -> tuple[date, date]:
    first, last = days
    return first.replace(year=year), last.replace(year=year, day=min(last.day, monthrange(year, last.month)[1]))


def _read_one(words: Sequence[str], today: Today) -> tuple[Phrase, int] | None:
    for count in range(min(len(words), _MOST_WORDS), 0, -1):
        text = " ".join(words[:count])
        if not text:
            return None
        for read in _READERS:
            found = read(text, today)
            if found is not None:
                return found, count
    return None


def _read_named(text: str, today: Today) -> Phrase | None:
    """Read `today`, `last week`, `this-month`, `previous quarter`, `past year`, `last tuesday`."""
    now = today.today
    simple = {"today": now, "yesterday": now - _DAY, "day before yesterday": now - 2 * _DAY}
    if text in simple:
        return Phrase(simple[text], simple[text], is_relative=True)
    which, _, noun = text.replace("-", " ").partition(" ")
    which = {"previous": "last", "current": "this"}.get(which, which)
    if which in {"last", "past", "this"} and (day := _find_weekday(noun)) is not None:
        back = (now.weekday() - day) % 7
        found = now - timedelta(days=back or (0 if which == "this" else 7))
        return Phrase(found, found, is_relative=True)
    if noun not in {"day", "week", "month", "quarter", "year"} or which not in {"last", "past", "this"}:
        return None
    if which == "past":
        return Phrase(today.last - (_ROLLING[noun] - 1) * _DAY, today.last, is_relative=True)
    first = _find_current(noun, today)
    if which == "this":
        return Phrase(first, today.last if noun != "day" else now, is_relative=True)
    before = first - 7 * _DAY if noun == "week" else first - _DAY if noun == "day" else add_months(first, -_MONTHS_OF[noun])
    return Phrase(before, first - _DAY, is_relative=True)


def _find_current(noun: str, today: Today) -> date:
    """Give the first day of this week, month and so on."""
    now = today.today
    if noun == "day":
        return now
    if noun == "week":
        return now - timedelta(days=(now.weekday() - WEEKDAYS.index(today.week_start)) % 7)
    months = _MONTHS_OF[noun]
    return date(now.year, (now.month - 1) // months * months + 1, 1)


def _read_amount(text: str, today: Today) -> Phrase | None:
    """Read `7d`, `30 days`, `last 2 weeks`, `past three months`, `12 hours`, `past hour`."""
    words = text.split()
    if words[0] in {"last", "past", "previous"} and len(words) > 1:
        words = words[1:]
        words = ["1", *words] if words in (["hour"], ["minute"]) else words
    if len(words) == 1 and (match := _AMOUNT.match(words[0])):
        words = [match[1], match[2]]
    if len(words) != 2:
        return None
    number, unit = words
    if number in _NUMBERS:
        number = str(_NUMBERS.index(number) + 1)
    if not re.fullmatch("[1-9][0-9]{0,4}", number):
        return None
    if unit == "m":
        raise AmbiguousWindowError(f"'{text}' may be minutes or months; write {number} minutes or {number} months")
    if unit not in UNITS:
        return None
    count, unit = int(number), UNITS[unit]
    if unit in {"minute", "hour"}:
        return Phrase(length=timedelta(minutes=count * (60 if unit == "hour" else 1)), is_relative=True)
    if unit in _MONTHS_OF:
        return Phrase(add_months(today.last, -count * _MONTHS_OF[unit]) + _DAY, today.last, is_relative=True)
    return Phrase(today.last - timedelta(days=count * (7 if unit == "week" else 1) - 1), today.last, is_relative=True)


_READERS: Final[tuple[Callable[[str, Today], Phrase | None], ...]] = (_read_named, _read_amount, read_quarter, read_month, read_day, read_digits)


def _find_weekday(word: str) -> int | None:
    return next((number for number, name in enumerate(WEEKDAYS) if word in {name, name[:3]}), None)
