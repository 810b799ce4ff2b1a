"""Windows of time: what `--window` takes, as instants.

Days, weeks, months and years are local to a zone and honour its changes of the clock: a day may
have 23 or 25 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.errors import UsageError

GRAMMAR: Final = "all, today, yesterday, 30d, 12h, last-week, last-month, this-year, 2025, 2025-Q2, 2025-04, 2025-04-16, 2025-04-01..2025-04-16"

_RELATIVE: Final = re.compile(r"^([1-9][0-9]{0,4})([dh])$")
_QUARTER: Final = re.compile(r"^([0-9]{4})-Q([1-4])$", re.IGNORECASE)
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time.

    Attributes:
        start: first instant, UTC; None for no bound.
        end: first instant after it, UTC; None for no bound.
        label: as the user wrote it.
    """

    start: datetime | None
    end: datetime | None
    label: str


def is_relative(text: str) -> bool:
    """Tell whether a window depends on what day it is."""
    return bool(_RELATIVE.match(text)) or text in {"today", "yesterday", "last-week", "last-month", "this-year"}


def parse_window(text: str, zone: ZoneInfo, now: datetime, *, is_complete: bool = False) -> Window:
    """Read a window.

    Args:
        text: see `GRAMMAR`; the end of a range is inclusive by day.
        zone: whose days count.
        now: the instant to count back from.
        is_complete: `Nd` leaves the unfinished day out and takes the N whole days before it.

    Raises:
        UsageError: it is no window; the message lists the grammar.
    """
    text = text.strip()
    if text == "all":
        return Window(None, None, text)
    if (match := _RELATIVE.match(text)) and match[2] == "h":
        return Window(now - timedelta(hours=int(match[1])), now + timedelta(microseconds=1), text)
    try:
        days = _days(text, now.astimezone(zone).date(), is_complete=is_complete)
    except (ValueError, OverflowError):
        days = None
    if days is None:
        message = f"'{text}' is no window; write one of {GRAMMAR}"
        raise UsageError(message)
    first, last = days
    if last < first:
        message = f"the window '{text}' ends before it starts"
        raise UsageError(message)
    return Window(midnight(first, zone), midnight(last + timedelta(days=1), zone), text)


def _days(text: str, today: date, *, is_complete: bool) -> tuple[date, date] | None:
    """Give the first and last day of a window."""
    if match := _RELATIVE.match(text):
        last = today - timedelta(days=1) if is_complete else today
        return last - timedelta(days=int(match[1]) - 1), last
    monday = today - timedelta(days=today.weekday())
    named = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "last-week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "last-month": _month(*_previous_month(today)),
        "this-year": (date(today.year, 1, 1), today),
    }
    if text in named:
        return named[text]
    if ".." in text:
        start, _, end = text.partition("..")
        opening, closing = _period(start.strip()), _period(end.strip())
        return (opening[0], closing[1]) if opening and closing else None
    return _period(text)


def _period(text: str) -> tuple[date, date] | None:
    """Read a year, quarter, month or day."""
    if match := _QUARTER.match(text):
        start = (int(match[2]) - 1) * 3 + 1
        return date(int(match[1]), start, 1), _month(int(match[1]), start + 2)[1]
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text):
        return None
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return date(parts[0], 1, 1), date(parts[0], _MONTHS, 31)
    return _month(*parts) if len(parts) == 2 else (date(*parts), date(*parts))


def _month(year: int, month: int) -> tuple[date, date]:
    following = date(year + month // _MONTHS, month % _MONTHS + 1, 1)
    return date(year, month, 1), following - timedelta(days=1)


def _previous_month(today: date) -> tuple[int, int]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.year, last.month


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the instant a local day begins, UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
