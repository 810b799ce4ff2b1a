"""Phrases that name days of the calendar: years, quarters, months, weeks and days, in the ways that people write them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from pullstats.metrics.time.phrase import YEAR_MONTHS, AmbiguousWindowError, Phrase, Today, add_months

MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAY: Final = timedelta(days=1)
_YEARS: Final = range(1000, 9999)
"""Years that leave room for arithmetic before and after them."""


def read_quarter(text: str, today: Today) -> Phrase | None:
    """Read a quarter: `2024-Q2`, `2024 Q2`, `Q2 2024`, `Q2/2024`, `Q2`; without a year, the latest that has begun by `today`."""
    match = re.fullmatch(r"(?:([0-9]{4})[ -]?)?q([1-4])(?:[ /-]?([0-9]{4}))?", text)
    if match is None or (match[1] and match[3]):
        return None
    return _find_latest(int(match[2]) * 3 - 2, 3, match[1] or match[3], today)


def read_month(text: str, today: Today) -> Phrase | None:
    """Read a month, or several: `may`, `may 2021`, `2021 may`, `jan-mar 2024`; without a year, the latest that have begun by `today`."""
    match = re.fullmatch(r"(?:([0-9]{4})[ -])?([a-z]{3,9})\.?(?:-([a-z]{3,9}))?(?:[ ,/-]+([0-9]{4}))?", text)
    if match is None or (match[1] and match[4]):
        return None
    first, last = _find_month(match[2]), _find_month(match[3] or match[2])
    if first is None or last is None or last < first:
        return None
    return _find_latest(first, last - first + 1, match[1] or match[4], today)


def _find_latest(month: int, months: int, year: str | None, today: Today) -> Phrase | None:
    """Give months of a year; without one, the latest that have begun."""
    if year is not None and int(year) not in _YEARS:
        return None
    first = date(int(year or today.today.year), month, 1)
    if year is None and first > today.today:
        first = first.replace(year=first.year - 1)
    return Phrase(first, add_months(first, months) - _DAY, None, year is None, year is not None)


def read_day(text: str, today: Today) -> Phrase | None:
    """Read a day: `16 april 2024`, `april 16, 2024`, `16th of april`; without a year, the latest that has begun by `today`."""
    match = re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?(?: of)?[ -]([a-z]{3,9})\.?(?:[ ,-]+([0-9]{4}))?", text)
    other = re.fullmatch(r"([a-z]{3,9})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:[ ,]+([0-9]{4}))?", text)
    parts = (match[1], match[2], match[3]) if match else (other[2], other[1], other[3]) if other else None
    month = _find_month(parts[1]) if parts else None
    if parts is None or month is None:
        return None
    day = date(int(parts[2] or today.today.year), month, int(parts[0]))
    if parts[2] is None and day > today.today:
        day = day.replace(year=day.year - 1)
    return Phrase(day, day, None, parts[2] is None, parts[2] is not None) if day.year in _YEARS else None


def read_digits(text: str, _: Today) -> Phrase | None:
    """Read `2024`, `2024-04`, `2024-04-16`, `2024/04/16`, `20240416`, `16.04.2024`, `16/04/2024`, `04/2024`, `2024-W16`."""
    found: tuple[int, int | None, int | None] | None = None
    if match := re.fullmatch(r"([0-9]{4})(?:([-/])([0-9]{2})(?:\2([0-9]{2}))?)?", text):
        found = int(match[1]), int(match[3]) if match[3] else None, int(match[4]) if match[4] else None
    elif match := re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", text):
        found = int(match[1]), int(match[2]), int(match[3])
    elif match := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text):
        found = int(match[3]), int(match[2]), int(match[1])
    elif match := re.fullmatch(r"([0-9]{1,2})/([0-9]{4})", text):
        found = int(match[2]), int(match[1]), None
    elif match := re.fullmatch(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})", text):
        found = _tell_apart(text, int(match[1]), int(match[2]), int(match[3]))
    elif match := re.fullmatch(r"([0-9]{4})-?w([0-9]{2})", text):
        first = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return Phrase(first, first + 6 * _DAY) if first.year in _YEARS else None
    if found is None or found[0] not in _YEARS:
        return None
    year, month, day = found
    if month is None:
        return Phrase(date(year, 1, 1), date(year, YEAR_MONTHS, 31))
    first = date(year, month, day or 1)
    return Phrase(first, first if day is not None else add_months(first, 1) - _DAY)


def _tell_apart(text: str, one: int, other: int, year: int) -> tuple[int, int | None, int | None]:
    """Tell day and month apart, which some write in this order, and some in the other."""
    if one != other and max(one, other) <= YEAR_MONTHS:
        days = (date(year, other, one), date(year, one, other))
        told = " or ".join(f"{day.day} {MONTHS[day.month - 1].title()}" for day in days)
        raise AmbiguousWindowError(f"'{text}' may be {told} {year}; write {days[0]} or {days[1]}")
    return (year, other, one) if one > YEAR_MONTHS or one == other else (year, one, other)


def _find_month(word: str) -> int | None:
    return next((number for number, name in enumerate(MONTHS, 1) if word in {name, name[:3], "sept" if name[:4] == "sept" else name}), None)
