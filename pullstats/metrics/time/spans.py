"""The spans before a window: as long as it on the local clock, so that days stay days where clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.metrics.time.phrase import before_months
from pullstats.metrics.time.windows import TICK, Window, midnight

WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_MONTHS: Final = 12


def close_window(window: Window, newest: datetime | None) -> Window:
    """End a window that has no end with the newest event."""
    return replace(window, end=newest + TICK) if window.end is None and newest is not None else window


def span_before(window: Window) -> Window | None:
    """Give the span of the same length before a window, None where it has no beginning or no end.

    From a day on, lengths are those of the local clock: the week before one with 167 hours ends where
    that begins, and begins at the same time of day. Where only some weekdays count, it lies whole weeks back.
    """
    start, end = window.start, window.end
    if start is None or end is None or start >= end:
        return None
    zone = ZoneInfo(window.zone)
    local_start, local_end = (to_local(moment, zone) for moment in (start, end))
    length = local_end - local_start
    if length < _DAY:
        step = WEEK if window.weekdays is not None else end - start
        return replace(window, start=start - step, end=end - step)
    step = -(-length // WEEK) * WEEK if window.weekdays is not None else length
    return replace(window, start=to_utc(local_start - step, zone), end=to_utc(local_end - step, zone))


def spans_before(window: Window, first: datetime | None, most: int) -> list[Window]:
    """List the spans before a window, the latest first, as far as the logs reach.

    Args:
        window: with a beginning and an end; of others there are none.
        first: the earliest event of the store.
        most: how many to list.
    """
    found: list[Window] = []
    earlier = span_before(window)
    while earlier is not None and earlier.start is not None and first is not None and earlier.start >= first and len(found) < most:
        found.append(earlier)
        earlier = span_before(earlier)
    return found


def shift_window(window: Window, step: timedelta) -> Window:
    """Move a window with a beginning and an end back by a `step` on the local clock."""
    assert window.start is not None
    assert window.end is not None
    zone = ZoneInfo(window.zone)
    return replace(window, start=to_utc(to_local(window.start, zone) - step, zone), end=to_utc(to_local(window.end, zone) - step, zone))


def shift_months(window: Window, months: int) -> Window:
    """Move a window of whole calendar months back by some."""
    assert window.start is not None
    assert window.end is not None
    zone = ZoneInfo(window.zone)
    first, end = (before_months(to_local(moment, zone).date(), months) for moment in (window.start, window.end))
    return replace(window, start=midnight(first, zone), end=midnight(end, zone))


def count_months(window: Window) -> int | None:
    """Count the calendar months that a window spans; None where it is not whole months, or only some of their days and hours."""
    if window.start is None or window.end is None or window.recurring is not None:
        return None
    zone = ZoneInfo(window.zone)
    start, end = to_local(window.start, zone), to_local(window.end, zone)
    if any(moment != moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for moment in (start, end)):
        return None
    return (end.year - start.year) * _MONTHS + end.month - start.month


def to_local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the time that the clock of a `zone` shows at a `moment`; midnight at the beginning of a day, even where clocks skip it."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    midnight = datetime.combine(local.date(), time())
    return midnight if to_utc(midnight, zone) == moment else local


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Give the instant at which the clock of a `zone` shows a time, the first where it shows it twice."""
    return local.replace(tzinfo=zone).astimezone(UTC)
