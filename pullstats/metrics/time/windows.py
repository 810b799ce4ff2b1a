"""Windows of time: a span of instants, and the days and hours in it that recur."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.timestamps import instant

DAY_MINUTES: Final = 24 * 60
TICK: Final = timedelta(microseconds=1)
"""The least that two instants lie apart."""


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
        is_relative: whether it depends on what day it is.
    """

    start: datetime | None
    end: datetime | None
    label: str
    zone: str = "UTC"
    weekdays: frozenset[int] | None = None
    hours: tuple[tuple[int, int], ...] = ()
    is_relative: bool = False

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
        has_hours = any(all(_holds(minute, *span) for span in self.hours) for minute in range(DAY_MINUTES))
        return is_nothing or self.weekdays == frozenset() or not has_hours

    def clip(self, first: datetime | None, newest: datetime | None) -> tuple[datetime, datetime] | None:
        """Give the first and the last instant of it between a store's first and newest event; None if there is none."""
        if first is None or newest is None:
            return None
        start = first if self.start is None else max(self.start, first)
        last = newest if self.end is None else min(self.end - TICK, newest)
        return (start, last) if start <= last else None

    def keep(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows of `events` whose `timestamp` lies in this window."""
        parts = [] if self.recurring is None else [self.recurring]
        if self.start is not None:
            parts.append(pl.col("timestamp") >= instant(self.start))
        if self.end is not None:
            parts.append(pl.col("timestamp") < instant(self.end))
        return events.filter(*parts) if parts else events


def _is_between(minute: pl.Expr, start: int, end: int) -> pl.Expr:
    return (minute >= start) & (minute < end) if start < end else (minute >= start) | (minute < end)


def _holds(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start or minute < end


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the instant at which a day begins in a `zone`, UTC; where clocks are put forward at midnight, the first that exists."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
