"""Buckets that hold less than others, because the window or the logs begin or end in them: the first and the last of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.comparing.alignment import REST
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.windows import TICK, Window

STEP: Final = timedelta(minutes=5)
"""No zone's hours begin between two of these."""


Cut = tuple[str, str]
"""What of a bucket is cut off, `begin` or `end`, and who says so, `window` or `logs`."""


def find_cuts(asked: Plan, starts: Sequence[datetime], ends: Sequence[datetime], *, is_looking_back: bool) -> list[tuple[Cut, ...]]:
    """Tell what of each bucket is cut off: nothing, but of the first and the last.

    Args:
        asked: the question.
        starts: where each bucket shown begins, in order, UTC.
        ends: where it ends.
        is_looking_back: whether the first bucket holds what lies before the window, too.
    """
    cuts: list[tuple[Cut, ...]] = [() for _ in starts]
    first, newest, window = asked.extent.first, asked.extent.newest, asked.window
    if not cuts or first is None or newest is None:
        return cuts
    begin, end = first if is_looking_back else window.start or first, window.end or newest + TICK
    lost_first, lost_last = (starts[0], max(begin, first)), (min(end, newest), ends[-1])
    if _is_cut(lost_first, (starts[0], ends[0]), window, is_by_window=begin > first):
        cuts[0] = (("begin", "window" if begin > first else "logs"),)
    if _is_cut(lost_last, (starts[-1], ends[-1]), window, is_by_window=end <= newest):
        cuts[-1] = (*cuts[-1], ("end", "window" if end <= newest else "logs"))
    return cuts


def _is_cut(lost: tuple[datetime, datetime], whole: tuple[datetime, datetime], window: Window, *, is_by_window: bool) -> bool:
    """Tell whether so much of a bucket is lost, of the days and hours that count, that it is cut: logs do not speak at every moment."""
    return lost[0] < lost[1] and _measure(*lost, window) > (0.0 if is_by_window else REST) * _measure(*whole, window)


def _measure(start: datetime, end: datetime, window: Window) -> timedelta:
    return end - start if window.recurring is None else list_slots(start, end, replace(window, start=None, end=None)).len() * STEP


def list_slots(start: datetime, end: datetime, window: Window) -> pl.Series:
    """List the slots of five minutes that lie on days and in hours of a window.

    Args:
        start: the first slot's instant, UTC.
        end: first instant after the last slot.
        window: slots that it leaves out are none.

    Returns:
        Instants in UTC at which slots begin, sorted.
    """
    instants = pl.datetime_range(start, end, STEP, closed="left", time_unit="us", time_zone="UTC", eager=True)
    return window.keep(instants.alias("timestamp").to_frame().lazy()).collect().to_series()


def describe_cuts(labels: Sequence[str], cuts: Sequence[Sequence[Cut]]) -> list[str]:
    """Say of the buckets that are cut why: 2025-03-19 is cut short: the logs begin in it.

    Args:
        labels: of the buckets, as shown.
        cuts: what cuts each; nothing is said of those that nothing cuts.
    """
    verbs = {
        ("begin", "window"): "the window begins",
        ("end", "window"): "the window ends",
        ("begin", "logs"): "the logs begin",
        ("end", "logs"): "the logs end",
    }
    return [f"{label} is cut short: {' and '.join(verbs[cut] for cut in found)} in it" for label, found in zip(labels, cuts, strict=True) if found]
