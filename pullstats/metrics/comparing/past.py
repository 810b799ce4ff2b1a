"""The past periods that two windows are judged by, up to twenty: of the same kind, so that what recurs every week is no noise.

Months, quarters and years follow each other. What lasts whole weeks, or longer than one, follows
itself. Days and shorter windows recur after a week: where both windows are the same day of the week
their past is one; where they are not, each has its own, and a period is a pair of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.metrics.time.spans import WEEK, count_months, shift_months, shift_window, to_local
from pullstats.metrics.time.windows import Window

MOST_PAST: Final = 20

Period = tuple[Window, ...]


def list_past(one: Window, other: Window, first: datetime | None) -> list[Period]:
    """List the past periods of two windows, the latest first, as far as the logs reach; of the last they may hold a part alone.

    Args:
        one: a window with a beginning and an end.
        other: one as long, that does not overlap.
        first: the earliest event of the store.
    """
    if first is None:
        return []
    earlier, later = (one, other) if _start(one) < _start(other) else (other, one)
    step = _find_step(earlier, later)
    if step is not None:
        return _list_pairs(one, other, step, first)
    found: list[Period] = [(window,) for window in _walk(later, first) if not _overlaps(window, earlier) and _start(window) > _start(earlier)]
    found += [(window,) for window in _walk(earlier, first)]
    return found[:MOST_PAST]


def _find_step(earlier: Window, later: Window) -> timedelta | None:
    """Tell after how many weeks a pair of windows recurs; None where both are of one kind."""
    zone = ZoneInfo(earlier.zone)
    length = to_local(_end(earlier), zone) - to_local(_start(earlier), zone)
    offset = to_local(_start(later), zone) - to_local(_start(earlier), zone)
    if length >= WEEK or not offset % WEEK:
        return None
    is_apart = offset % WEEK >= length and WEEK - offset % WEEK >= length
    return WEEK if is_apart else -(-(offset + length) // WEEK) * WEEK


def _list_pairs(one: Window, other: Window, step: timedelta, first: datetime) -> list[Period]:
    found: list[Period] = []
    pair = (shift_window(one, step), shift_window(other, step))
    while len(found) < MOST_PAST and min(_end(window) for window in pair) > first:
        if not any(_overlaps(window, asked) for window in pair for asked in (one, other)):
            found.append(pair)
        pair = (shift_window(pair[0], step), shift_window(pair[1], step))
    return found


def _walk(window: Window, first: datetime) -> Iterator[Window]:
    """Go back from a window, which is left out."""
    return takewhile(lambda earlier: _end(earlier) > first, _go_back(window))


def _go_back(window: Window) -> Iterator[Window]:
    zone = ZoneInfo(window.zone)
    months = count_months(window)
    length = to_local(_end(window), zone) - to_local(_start(window), zone)
    step = -(-length // WEEK) * WEEK if window.weekdays is not None or length < WEEK else length
    while True:
        window = shift_months(window, months) if months else shift_window(window, step)
        yield window


def _overlaps(one: Window, other: Window) -> bool:
    return _start(one) < _end(other) and _start(other) < _end(one)


def _start(window: Window) -> datetime:
    assert window.start is not None
    return window.start


def _end(window: Window) -> datetime:
    assert window.end is not None
    return window.end
