"""Like for like: two windows cut to the same elapsed part and the same weekdays; and what sets them apart if not.

From a week on both keep whole weeks from their beginnings, so that both hold the same weekdays.
Shorter ones keep the weekdays that both hold; where they hold none in common, the same elapsed part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.clock import write_time
from pullstats.errors import UsageError
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.spans import WEEK, to_local, to_utc
from pullstats.metrics.time.windows import TICK

_DAY: Final = timedelta(days=1)
REST: Final = 0.02
"""Of a window, what may lie after the newest event without its being unfinished: no log speaks at every moment."""


def align_windows(asked: Sequence[Plan]) -> tuple[list[Plan], list[str]]:
    """Cut two windows, as far as the logs reach, to what can be compared.

    Args:
        asked: the plans of both sides.

    Returns:
        The questions with their windows cut, and what was done in words.

    Raises:
        UsageError: the logs do not reach into one of them.
    """
    zone = ZoneInfo(asked[0].query.tz)
    spans = [_find_span(one, zone) for one in asked]
    length = min(end - start for start, end in spans)
    weekdays: frozenset[int] | None = None
    told = ", whole weeks"
    if length >= WEEK:
        length = length // WEEK * WEEK
    else:
        if len({start.isoweekday() for start, _ in spans}) > 1 and length > _DAY:
            length = length // _DAY * _DAY  # the weekday that is cut in the middle would not be the same in both
        weekdays = frozenset.intersection(*(_list_weekdays(start, start + length) for start, _ in spans))
        told = ", the weekdays both hold" if weekdays else ", the same elapsed part; they have no weekday in common"
    cut = []
    for one, (start, _) in zip(asked, spans, strict=True):
        window = one.window
        days = window.weekdays if not weekdays else weekdays if window.weekdays is None else weekdays & window.weekdays
        cut.append(replace(one, window=replace(window, start=to_utc(start, zone), end=to_utc(start + length, zone), weekdays=days)))
    parts = " and ".join(f"{start:%Y-%m-%d %H:%M}–{start + length:%Y-%m-%d %H:%M}" for start, _ in spans)
    return cut, [f"like for like: {parts} ({zone.key}){told}"]


def _find_span(one: Plan, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give a window's span on the local clock, as far as the logs reach."""
    extent = one.extent
    start = one.window.start or extent.first
    newest = extent.newest + TICK if extent.newest else None
    end = min((moment for moment in (one.window.end, newest) if moment is not None), default=None)
    if start is None or end is None or extent.first is None or end <= max(start, extent.first):
        raise UsageError(f"the window '{one.window.label}' holds no time that the logs reach; --like-for-like needs both")
    return to_local(start, zone), to_local(end, zone)


def _list_weekdays(start: datetime, end: datetime) -> frozenset[int]:
    days = (end - TICK).date() - start.date()
    return frozenset((start + timedelta(days=number)).isoweekday() for number in range(days.days + 1))


def describe_windows(asked: Sequence[Plan]) -> list[str]:
    """Tell what makes the windows of both sides, `asked`, unlike: beyond the logs, unfinished, of different lengths; a sentence each."""
    zone = ZoneInfo(asked[0].query.tz)
    told = [note for one in asked if (note := _describe_reach(one)) is not None]
    lengths = [to_local(one.window.end, zone) - to_local(one.window.start, zone) if one.window.start and one.window.end else None for one in asked]
    if None not in lengths and lengths[0] != lengths[1]:
        first, second = (f"'{one.window.label}' spans {_name_length(length)}" for one, length in zip(asked, lengths, strict=True) if length)
        told.append(f"{first}, {second}; --like-for-like cuts both to the same")
    return told


def is_outside(one: Plan) -> bool:
    """Tell whether a window lies wholly before or behind what the logs tell of: nothing is known of it."""
    window, first, newest = one.window, one.extent.first, one.extent.newest
    if first is None or newest is None:
        return False
    return (window.start is not None and window.start > newest) or (window.end is not None and window.end <= first)


def _describe_reach(one: Plan) -> str | None:
    window, first, newest = one.window, one.extent.first, one.extent.newest
    if first is None or newest is None:
        return None
    zone = one.query.tz
    reach = f"the logs reach from {write_time(first, zone).removesuffix(f' {zone}')} to {write_time(newest, zone)}"
    if is_outside(one):
        return f"'{window.label}' lies outside of the logs: {reach} (--as-of newest counts back from there)"
    if window.start is not None and window.start < first:
        return f"'{window.label}' is not whole: {reach}"
    if window.end is not None and window.end - newest > (window.end - max(window.start or first, first)) * REST:
        return f"'{window.label}' is unfinished: {reach}"
    return None


def _name_length(length: timedelta) -> str:
    if length % _DAY:
        return f"{length / timedelta(hours=1):.4g} hours"
    return f"{length.days} {'day' if length.days == 1 else 'days'}"
