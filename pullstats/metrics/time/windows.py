"""Windows of time: what `--window` takes, as instants and as days and hours that recur.

    30d   last-month   2024-Q2   2024-04-01..2024-04-16   since v1.4.0
    every tuesday this year      weekdays 90d      09:00-17:00 30d and weekends

Parts stand side by side or are joined with `and`; all of them must hold. Days, weeks, months and
years are local to a zone and honour its changes of the clock: a day may have 23 or 25 hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.filtering.caret import point_at

GRAMMAR: Final = (
    "all, today, yesterday, 30d, 12h, 4w, this-week, last-week, this-month, last-month, this-quarter, last-quarter, this-year, last-year, 2025, "
    "2025-Q2, 2025-04, 2025-04-16, 2025-04-01..2025-04-16, every tuesday, weekdays, weekends, 09:00-17:00, since v1.4.0; several, all of which must "
    "hold, side by side or with 'and'"
)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_WORD: Final = re.compile(r"\S+")
_RELATIVE: Final = re.compile(r"^([1-9][0-9]{0,4})([dhw])$")
_QUARTER: Final = re.compile(r"^([0-9]{4})-Q([1-4])$", re.IGNORECASE)
_HOURS: Final = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)$")
_NAMED: Final = frozenset(
    {
        *("today", "yesterday", "this-week", "last-week", "this-month", "last-month"),
        *("this-quarter", "last-quarter", "this-year", "last-year"),
    }
)
_MONTHS: Final = 12
_YEARS: Final = range(1000, 9999)
"""Years that leave room for arithmetic before and after them."""
_DAY_MINUTES: Final = 24 * 60
TICK: Final = timedelta(microseconds=1)
"""The least that two instants lie apart."""

Days = tuple[date, date]
FindRelease = Callable[[str], datetime | None]
"""From `1.4.0`, `v1.4.0` or `name@1.4.0` to when it came out; None if that is not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, and which of its days and hours.

    Attributes:
        start: first instant, UTC; None for no bound.
        end: first instant after it, UTC; None for no bound.
        label: as the user wrote it.
        zone: IANA name of the zone of days and hours.
        weekdays: ISO numbers of the days that count, Monday 1; None for all.
        hours: spans of minutes of the day that all must hold, the end left out; one that ends before
            it begins runs over midnight.
    """

    start: datetime | None
    end: datetime | None
    label: str
    zone: str = "UTC"
    weekdays: frozenset[int] | None = None
    hours: tuple[tuple[int, int], ...] = ()

    @property
    def recurring(self) -> pl.Expr | None:
        """True for the events on the days and in the hours that count; None if all do."""
        local = pl.col("timestamp").dt.convert_time_zone(self.zone)
        parts = [local.dt.weekday().is_in(sorted(self.weekdays))] if self.weekdays is not None else []
        minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
        parts += [_is_between(minute, *span) for span in self.hours]
        return pl.all_horizontal(parts) if parts else None

    @property
    def is_empty(self) -> bool:
        """Whether no instant can lie in it: its parts shut each other out."""
        is_nothing = self.start is not None and self.end is not None and self.start >= self.end
        has_hours = any(all(_holds(minute, *span) for span in self.hours) for minute in range(_DAY_MINUTES))
        return is_nothing or self.weekdays == frozenset() or not has_hours

    def clip(self, first: datetime | None, newest: datetime | None) -> tuple[datetime, datetime] | None:
        """Give the first and the last instant of it between a store's first and newest event; None if there is none."""
        if first is None or newest is None:
            return None
        start = first if self.start is None else max(self.start, first)
        last = newest if self.end is None else min(self.end - TICK, newest)
        return (start, last) if start <= last else None

    def keep(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the events that lie in this window."""
        parts = [] if self.recurring is None else [self.recurring]
        if self.start is not None:
            parts.append(pl.col("timestamp") >= self.start)
        if self.end is not None:
            parts.append(pl.col("timestamp") < self.end)
        return events.filter(*parts) if parts else events


def _is_between(minute: pl.Expr, start: int, end: int) -> pl.Expr:
    return (minute >= start) & (minute < end) if start < end else (minute >= start) | (minute < end)


def _holds(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start or minute < end


def is_relative(text: str) -> bool:
    """Tell whether a window depends on what day it is."""
    words = _join_words(text.split())
    return any(_RELATIVE.match(word) or word in _NAMED for word in words)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a window is read against.

    Attributes:
        zone: whose days count.
        now: the instant to count back from.
        is_complete: leave the unfinished day out; `Nd` takes the N whole days before it. Hours (`12h`) stay as they are.
        week_start: name of the first day of a week.
        find_release: tells when a version came out.
    """

    zone: ZoneInfo
    now: datetime
    is_complete: bool = False
    week_start: str = "monday"
    find_release: FindRelease | None = None

    @property
    def today(self) -> date:
        """The local day of `now`."""
        return self.now.astimezone(self.zone).date()


def parse_window(text: str, calendar: Calendar) -> Window:
    """Read a window.

    Args:
        text: see `GRAMMAR`; the end of a range is inclusive by day.
        calendar: what day it is, and where.

    Raises:
        UsageError: it is no window; the message has a caret under the place and lists the grammar.
    """
    reader = _Reader(text, calendar)
    while reader.words:
        reader.read_part()
    if not reader.is_read:
        raise reader.fail(0, "a window is missing")
    if calendar.is_complete and not reader.is_hourly:
        reader.end_before(calendar.today)
    return Window(reader.start, reader.end, " ".join(text.split()), calendar.zone.key, reader.weekdays, tuple(reader.hours))


def parse_as_of(text: str, calendar: Calendar) -> datetime:
    """Read a day to count back from: its last instant; of a month, quarter or year, that of its last day.

    Raises:
        UsageError: it is no date.
    """
    try:
        days = _period(text.strip())
    except ValueError:
        days = None
    if days is None:
        message = f"--as-of '{text}' is no date; write 2025-04-16, newest or now"
        raise UsageError(message)
    return midnight(days[1] + timedelta(days=1), calendar.zone) - TICK


class _Reader:
    """Reads the parts of a window one after the other, each narrowing it."""

    def __init__(self, text: str, calendar: Calendar) -> None:
        self.text = re.sub(r"\s*\.\.\s*", "..", text)
        self.words = [(match[0], match.start()) for match in _WORD.finditer(self.text)]
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.weekdays: frozenset[int] | None = None
        self.hours: list[tuple[int, int]] = []
        self.is_read = False
        self.is_hourly = False
        self._calendar = calendar

    def fail(self, position: int, reason: str) -> UsageError:
        """Build the error with a caret under the place."""
        return UsageError(f"{reason}; write one of {GRAMMAR}\n{point_at(self.text, position)}")

    def end_before(self, day: date) -> None:
        """Leave a day and what follows it out."""
        end = midnight(day, self._calendar.zone)
        self.end = end if self.end is None else min(self.end, end)

    def read_part(self) -> None:
        word, position = self.words.pop(0)
        if word.lower() == "and" and self.is_read and self.words:
            return
        self.is_read = True
        lowered = word.lower()
        if lowered == "every":
            self._read_day(position)
        elif (days := _name_days(lowered)) is not None:
            self._narrow_days(days)
        elif match := _HOURS.match(lowered):
            start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]) if match[3] else _DAY_MINUTES
            if start == end:
                raise self.fail(position, f"'{word}' ends when it begins")
            self.hours.append((start, end))
        elif lowered == "since":
            self._read_since(position)
        elif lowered in {"this", "last"} and self.words and f"{lowered}-{self.words[0][0].lower()}" in _NAMED:
            self._read_span(f"{lowered}-{self.words.pop(0)[0]}", position)
        else:
            self._read_span(word, position)

    def _read_day(self, position: int) -> None:
        if not self.words:
            raise self.fail(position, "'every' needs a day of the week")
        word, position = self.words.pop(0)
        days = _name_days(word.lower())
        if days is None and word.lower() != "day":
            raise self.fail(position, f"'{word}' is no day of the week")
        self._narrow_days(days or frozenset(range(1, 8)))

    def _narrow_days(self, days: frozenset[int]) -> None:
        self.weekdays = days if self.weekdays is None else self.weekdays & days

    def _read_since(self, position: int) -> None:
        if not self.words:
            raise self.fail(position, "'since' needs a version or a day")
        word, position = self.words.pop(0)
        try:
            days = _period(word)
        except ValueError:
            days = None
        find = self._calendar.find_release
        moment = midnight(days[0], self._calendar.zone) if days else (find(word) if find else None)
        if moment is None:
            raise self.fail(position, f"'{word}' is no day, and no version that --releases or the store knows")
        self._narrow(moment, None)

    def _read_span(self, word: str, position: int) -> None:
        calendar, lowered = self._calendar, word.lower()
        if lowered == "all":
            return
        match = _RELATIVE.match(lowered)
        try:
            if match and match[2] == "h":
                self.is_hourly = True
                self._narrow(calendar.now - timedelta(hours=int(match[1])), calendar.now + TICK)
                return
            days = _days(lowered, calendar)
            if days is None:
                raise self.fail(position, f"'{word}' is no window")
            if days[1] < days[0] and ".." in word:
                raise self.fail(position, f"'{word}' ends before it starts")
            self._narrow(midnight(days[0], calendar.zone), midnight(days[1] + timedelta(days=1), calendar.zone))
        except (ValueError, OverflowError):
            raise self.fail(position, f"'{word}' is no window") from None

    def _narrow(self, start: datetime, end: datetime | None) -> None:
        self.start = start if self.start is None else max(self.start, start)
        if end is not None:
            self.end = end if self.end is None else min(self.end, end)


def _join_words(words: list[str]) -> list[str]:
    """Write `last week` as `last-week`."""
    return re.sub(r"\b(this|last) (week|month|quarter|year)\b", r"\1-\2", " ".join(words).lower()).split()


def _name_days(word: str) -> frozenset[int] | None:
    """Read `tuesday`, `tuesdays`, `tue`, `weekdays`, `weekends` as ISO numbers."""
    if word in {"weekday", "weekdays"}:
        return frozenset(range(1, 6))
    if word in {"weekend", "weekends"}:
        return frozenset({6, 7})
    found = [number for number, name in enumerate(WEEKDAYS, 1) if word in {name, f"{name}s", name[:3]}]
    return frozenset(found) if found else None


def _days(text: str, calendar: Calendar) -> Days | None:
    """Give the first and last day of a window."""
    today = calendar.today
    last = today - timedelta(days=1) if calendar.is_complete else today
    if match := _RELATIVE.match(text):
        count = int(match[1]) * (7 if match[2] == "w" else 1)
        return last - timedelta(days=count - 1), last
    if text in _NAMED:
        return _named_days(text, calendar, last)
    if ".." in text:
        start, _, end = text.partition("..")
        opening, closing = _period(start), _period(end)
        return (opening[0], closing[1]) if opening and closing else None
    return _period(text)


def _named_days(text: str, calendar: Calendar, last: date) -> Days:
    """Give the days of `today`, `last-week` and their like; what is not over ends with `last`."""
    today, one = calendar.today, timedelta(days=1)
    week = today - timedelta(days=(today.weekday() - WEEKDAYS.index(calendar.week_start)) % 7)
    month, quarter, year = today.replace(day=1), date(today.year, today.month - (today.month - 1) % 3, 1), date(today.year, 1, 1)
    starts: dict[str, Callable[[], Days]] = {
        "today": lambda: (today, today),
        "yesterday": lambda: (today - one, today - one),
        "this-week": lambda: (week, last),
        "last-week": lambda: (week - 7 * one, week - one),
        "this-month": lambda: (month, last),
        "last-month": lambda: ((month - one).replace(day=1), month - one),
        "this-quarter": lambda: (quarter, last),
        "last-quarter": lambda: (before_months(quarter, 3), quarter - one),
        "this-year": lambda: (year, last),
        "last-year": partial(lambda first: (first.replace(year=first.year - 1), first - one), year),
    }
    return starts[text]()


def before_months(day: date, months: int) -> date:
    """Go back whole months from the first of one."""
    number = day.year * _MONTHS + day.month - 1 - months
    return date(number // _MONTHS, number % _MONTHS + 1, 1)


def _period(text: str) -> Days | None:
    """Read a year, quarter, month or day."""
    if match := _QUARTER.match(text):
        start = (int(match[2]) - 1) * 3 + 1
        return (date(int(match[1]), start, 1), _month(int(match[1]), start + 2)[1]) if int(match[1]) in _YEARS else None
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text) or int(text[:4]) not in _YEARS:
        return None
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return date(parts[0], 1, 1), date(parts[0], _MONTHS, 31)
    return _month(*parts) if len(parts) == 2 else (date(*parts), date(*parts))


def _month(year: int, month: int) -> Days:
    following = date(year + month // _MONTHS, month % _MONTHS + 1, 1)
    return date(year, month, 1), following - timedelta(days=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the instant a local day begins, UTC; where clocks are put forward at midnight, the first that exists."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
