"""What a window of an alarm is compared with, and how both are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.errors import UsageError
from pullstats.metrics.time.spans import WEEK, count_months, shift_months, shift_window, span_before, to_local
from pullstats.metrics.time.windows import TICK, Window

_MIDNIGHT: Final = time()


def find_before(window: Window) -> Window:
    """Give the window that another is compared with: of less than a week the same a week before, else the span before it; of months the months before.

    Raises:
        UsageError: it has no beginning or no end.
    """
    if window.start is None or window.end is None or window.is_empty:
        raise UsageError(f"'{window.label}' does not begin and end, so nothing comes before it; name a window that does, as yesterday or last-month")
    if months := count_months(window):
        return replace(shift_months(window, months), label=f"the span before {window.label}")
    zone = ZoneInfo(window.zone)
    if to_local(window.end, zone) - to_local(window.start, zone) < WEEK:
        return replace(shift_window(window, WEEK), label=f"{window.label} a week before")
    before = span_before(window)
    assert before is not None
    return replace(before, label=f"the span before {window.label}")


def describe_span(window: Window) -> str:
    """Write the days of a window with a beginning and an end, or its times where it does not hold whole days: `2025-03-10`."""
    assert window.start is not None
    assert window.end is not None
    zone = ZoneInfo(window.zone)
    start, end = to_local(window.start, zone), to_local(window.end, zone)
    if start.time() != _MIDNIGHT or end.time() != _MIDNIGHT:
        return f"{_write(start)} to {_write(end)}"
    first, last = start.date().isoformat(), (end - TICK).date().isoformat()
    return first if first == last else f"{first} to {last}"


def _write(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"
