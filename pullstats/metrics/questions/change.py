"""The whole days of a window beside as many before them: what changed, and whether more than it always does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.comparing.alignment import REST
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.spans import count_months, shift_months, span_before, to_local, to_utc
from pullstats.metrics.time.windows import Window
from pullstats.reports import Report

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """A window against the one before it: the same months back where it is whole months, else as many days.

    What of the window the logs do not reach yet is left out, as whole days, on both sides. The answer is that of `Comparison` of two spans of
    dates, which its footer names.

    Attributes:
        query: what is asked; amounts only.
    """

    query: Query

    def answer(self, events: StoreEvents) -> Report:
        """Compare a window with the one before it; without rows, and with the reason as headline, where it has none.

        Raises:
            UsageError: what `Comparison` refuses.
        """
        asked = resolve(self.query, events)
        whole = _cut_to_days(asked)
        months = count_months(whole) if whole else None
        before = None if whole is None else shift_months(whole, months) if months else span_before(whole)
        if whole is None or before is None:
            return replace(
                build_table(asked, pl.DataFrame(), ()), headline="no change is told: the window has no whole days that the same number lies before"
            )
        return Comparison(replace(self.query, dimensions=(), as_of="now"), _name_days(before), _name_days(whole)).answer(events)


def _cut_to_days(asked: Plan) -> Window | None:
    """Give the whole days of a window that the logs reach over; None where it has none, no beginning, or days and hours that recur."""
    window, newest = asked.window, asked.extent.newest
    if window.start is None or window.recurring is not None or newest is None or window.is_empty:
        return None
    zone = ZoneInfo(window.zone)
    start, end = to_local(window.start, zone), to_local(window.end or newest, zone)
    reached = to_local(newest, zone)
    if end - reached > (end - start) * REST:
        end = reached
    first, last = _midnight(start + _DAY - timedelta(microseconds=1)), _midnight(end)
    return replace(window, start=to_utc(first, zone), end=to_utc(last, zone)) if first < last else None


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _name_days(window: Window) -> str:
    """Write a window of whole days as `--window` takes it."""
    assert window.start is not None
    assert window.end is not None
    zone = ZoneInfo(window.zone)
    first, last = to_local(window.start, zone), to_local(window.end, zone) - _DAY
    return f"{first:%Y-%m-%d}..{last:%Y-%m-%d}"
