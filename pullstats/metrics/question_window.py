"""From the words for a window to its instants, counted back from now or, where all events are older, from the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from pullstats.clock import find_zone
from pullstats.metrics.extent import Extent, Scan
from pullstats.metrics.query import Query
from pullstats.metrics.time.calendars import Calendar
from pullstats.metrics.time.releases import find_release
from pullstats.metrics.time.window_grammar import parse_as_of, parse_window
from pullstats.metrics.time.windows import TICK, Window
from pullstats.reports import MOVED

_LAST_MINUTE: Final = (23, 59)


def find_window(query: Query, extent: Extent, scan: Scan, now: datetime) -> tuple[Window, tuple[str, ...]]:
    """Turn a question's window into instants.

    Args:
        query: the question; with `is_shifting`, a relative window is counted back from the newest event if all events are older.
        extent: how far the store's events reach.
        scan: gives the store's events, for windows that begin with a version.
        now: the present, UTC.

    Returns:
        The window, and what must be said of it.

    Raises:
        UsageError: a window, zone or date that is not understood.
    """
    zone = find_zone(query.tz)
    calendar = Calendar(zone, now, query.is_complete, query.week_start, lambda version: find_release(version, query.releases, scan))
    if query.as_of == "newest":
        calendar = replace(calendar, now=extent.newest or now)
    elif query.as_of not in {None, "now"}:
        calendar = replace(calendar, now=parse_as_of(str(query.as_of), calendar))
    window = parse_window(query.window, calendar)
    notes: tuple[str, ...] = ()
    is_moved = query.is_shifting and query.as_of is None and is_beyond(window, extent)
    if is_moved:
        assert extent.newest is not None
        calendar = replace(calendar, now=extent.newest)
        window, notes = parse_window(query.window, calendar), (_tell_move(query.window, calendar),)
    if query.as_of not in {None, "now", "newest"}:
        end = calendar.now + TICK
        window = replace(window, end=min(window.end, end) if window.end else end)
    elif query.is_shifting and window.is_relative and window.end is not None and window.end > calendar.now + TICK:
        notes += (_tell_last_day(calendar, is_over=is_moved),)
    return window, (*notes, f"no instant can lie in {window.label}: its parts, --as-of and --complete must all hold") if window.is_empty else notes


def is_beyond(window: Window, extent: Extent) -> bool:
    """Tell whether a window that depends on what day it is begins after the newest event.

    Args:
        window: the window asked for.
        extent: how far the events reach.
    """
    return window.is_relative and extent.newest is not None and window.start is not None and extent.newest < window.start


def find_end(query: Query, now: datetime) -> datetime | None:
    """Tell the instant from which on events do not count, as a date given as `as_of` says; None if none is.

    Args:
        query: the question.
        now: the present, UTC.
    """
    if query.as_of in {None, "now", "newest"}:
        return None
    return parse_as_of(str(query.as_of), Calendar(find_zone(query.tz), now, query.is_complete, query.week_start)) + TICK


def _tell_move(text: str, calendar: Calendar) -> str:
    return f"all events are older than {text}; counted back from the newest, {calendar.today} {MOVED}"


def _tell_last_day(calendar: Calendar, *, is_over: bool) -> str:
    """Say what the last day of a window lacks: of one that goes on what is to come, of one that is over what came after the newest event."""
    if not is_over:
        return f"{calendar.today} is not over: what is counted of it is provisional (--complete leaves it out)"
    end = calendar.now.astimezone(calendar.zone)
    rest = "" if (end.hour, end.minute) == _LAST_MINUTE else "; what came later that day is not counted (--complete leaves the day out)"
    return f"the logs end on {end:%Y-%m-%d} at {end:%H:%M}{rest}"
