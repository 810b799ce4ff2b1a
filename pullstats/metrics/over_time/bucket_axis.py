"""The buckets that a series shows, and what is known of each: final or not, in a gap or not, and what happened in it.

A series shows the buckets of its window that the logs reach: none before the first event of the
store nor after the newest, for of those nothing is known. Between the two, a bucket without events
is zero, unless all logs are silent in all of it and that is a gap: then nothing is known, and it is null.
What is silent in part, or in one of several logs, is partial: it has its value, and the hours that are missing.
The first and the last may be cut: the window, or the logs, begin or end in them, and so they hold less than the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.metrics.over_time.cuts import STEP, Cut, describe_cuts, find_cuts, list_slots
from pullstats.metrics.over_time.rolling import BUCKET, parse_rolling
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.buckets import Buckets, parse_every
from pullstats.metrics.time.completeness import find_final_until
from pullstats.metrics.time.gaps import Gap, Silences, describe_gaps, find_gaps
from pullstats.metrics.time.windows import Window

GAP: Final = "gap"
MARKS: Final = ("final", GAP, "partial", "cut")
"""What is known of a bucket, besides how many hours are missing."""


@dataclass(frozen=True, slots=True)
class BucketAxis:
    """The buckets of a series.

    Attributes:
        buckets: how they are cut.
        shown: those of the window, column `bucket`.
        every: without a hole, and as far before the window as `rolling` looks back and the logs extent.
        rolling: how many buckets one looks back over, itself included.
        silences: where the logs are silent, on days and in hours of the window.
    """

    buckets: Buckets
    shown: pl.DataFrame
    every: pl.DataFrame
    rolling: int
    silences: Silences


def list_buckets(asked: Plan) -> BucketAxis:
    """List the buckets of a series.

    Raises:
        UsageError: a size or span that is none; too many buckets.
    """
    query, window, extent = asked.query, asked.window, asked.extent
    buckets = parse_every(query.every or "d", query.tz, query.week_start)
    rolling = parse_rolling(query.rolling, buckets) if query.rolling else 1
    clipped = window.clip(extent.first, extent.newest)
    if clipped is None or extent.first is None:
        nothing = pl.DataFrame(schema={BUCKET: buckets.dtype})
        return BucketAxis(buckets, nothing, nothing, rolling, Silences([], pl.Series(dtype=pl.Datetime("us", "UTC"))))
    first, last = clipped
    shown, every = buckets.range(first, last, window), buckets.range(first, last)
    if rolling > 1:
        every = _reach_back(buckets, every, rolling, extent.first, last)
        first = buckets.start_of(every[BUCKET].head(1)).item()
    found = find_gaps(extent.sources, asked.events.logs, first, last)
    gaps = [gap for gap in found.gaps if _list_missing(gap, replace(window, start=first)).len()]
    return BucketAxis(buckets, shown, every, rolling, replace(found, gaps=gaps))


def _reach_back(buckets: Buckets, every: pl.DataFrame, rolling: int, begin: datetime, last: datetime) -> pl.DataFrame:
    """List the buckets that the first one looks back over, too, as far as the logs extent."""
    first: datetime = buckets.start_of(every[BUCKET].head(1)).item()
    reached = first - min(rolling * buckets.size + timedelta(days=1), max(first - begin, timedelta()))
    listed = buckets.range(reached, last)
    return listed.tail(every.height + rolling - 1)


def _list_missing(gap: Gap, window: Window) -> pl.Series:
    """List the slots of a gap that lie on days and in hours of the window."""
    return list_slots(gap.start, gap.end, window)


def look_back(asked: Plan, axis: BucketAxis) -> Plan:
    """Let the window begin with the first bucket that a rolling one reaches.

    Args:
        asked: the plan of the question.
        axis: its buckets.

    Returns:
        The plan with the longer window; the same where nothing looks back.
    """
    if axis.rolling == 1 or not axis.every.height:
        return asked
    start: datetime = axis.buckets.start_of(axis.every[BUCKET].head(1)).item()
    return replace(asked, window=replace(asked.window, start=start))


def mark_buckets(asked: Plan, axis: BucketAxis) -> pl.DataFrame:
    """Tell of each bucket shown what it is worth.

    Args:
        asked: the plan of a series.
        axis: its buckets.

    Returns:
        A row a bucket shown: whether it is `final`, nothing but a `gap`, `partial` with its `missing_hours`, by what it is `cut`, and its `note`.
    """
    buckets = axis.shown[BUCKET]
    starts, ends = axis.buckets.start_of(buckets), axis.buckets.end_of(buckets)
    until = find_final_until(asked.extent.sources, asked.extent.newest)
    notes = [[one.label for one in asked.query.annotations if start <= one.moment < end] for start, end in zip(starts, ends, strict=True)]
    reached = pl.Series(_reached_from(axis, starts), dtype=pl.Datetime("us", "UTC"))
    gaps, missing = axis.silences.gaps, _count_missing(asked, axis, reached, ends)
    is_spoken = _count_between(axis.silences.spoken, reached, ends) > 0
    spans = zip(reached, ends, is_spoken, strict=True)
    is_gap = [not spoken and any(gap.silent_from <= start and end <= gap.silent_until for gap in gaps) for start, end, spoken in spans]
    return axis.shown.with_columns(
        pl.Series("final", [until is not None and end <= until for end in ends], pl.Boolean),
        pl.Series(GAP, is_gap, pl.Boolean),
        pl.Series("partial", [not gap and hours > 0 for gap, hours in zip(is_gap, missing, strict=True)], pl.Boolean),
        pl.Series("cut", [", ".join(side for side, _ in cut) or None for cut in _find_cuts(asked, axis)], pl.String),
        pl.Series("missing_hours", missing, pl.Float64),
        pl.Series("note", ["; ".join(labels) or None for labels in notes], pl.String),
    )


def _find_cuts(asked: Plan, axis: BucketAxis) -> list[tuple[Cut, ...]]:
    starts, ends = axis.buckets.start_of(axis.shown[BUCKET]), axis.buckets.end_of(axis.shown[BUCKET])
    return find_cuts(asked, starts.to_list(), ends.to_list(), is_looking_back=axis.rolling > 1)


def _count_missing(asked: Plan, axis: BucketAxis, starts: pl.Series, ends: pl.Series) -> pl.Series:
    """Count the hours of each bucket in which any log is missing."""
    slots = [_list_missing(gap, replace(asked.window, start=None)) for gap in axis.silences.gaps]
    missed = pl.concat(slots).unique().sort() if slots else axis.silences.spoken.clear()
    return _count_between(missed, starts, ends).cast(pl.Float64) * (STEP / timedelta(hours=1))


def _count_between(slots: pl.Series, starts: pl.Series, ends: pl.Series) -> pl.Series:
    """Count the slots, sorted, from each start to its end."""
    return slots.search_sorted(ends).cast(pl.Int64) - slots.search_sorted(starts).cast(pl.Int64)


def _reached_from(axis: BucketAxis, starts: pl.Series) -> list[datetime]:
    """Give the instant from which on each bucket shown counts."""
    every = axis.buckets.start_of(axis.every[BUCKET])
    places = every.search_sorted(starts).cast(pl.Int64) - (axis.rolling - 1)
    return every.gather(places.clip(lower_bound=0)).to_list()


def describe_axis(asked: Plan, axis: BucketAxis) -> list[str]:
    """Say in words what a reader of the series must know: gaps, buckets that are cut, and values that look back beyond the beginning of the logs.

    Args:
        asked: the plan of the question.
        axis: its buckets.
    """
    before = axis.every.head(axis.rolling - 1).join(axis.shown, on=BUCKET, how="semi").height if axis.rolling > 1 else 0
    first = "the first value looks" if before == 1 else f"the first {before} values look"
    told = [f"{first} back over less than {asked.query.rolling}: the logs begin later"] if before else []
    cuts = describe_cuts(axis.buckets.label(axis.shown[BUCKET]).to_list(), _find_cuts(asked, axis))
    return [*describe_gaps(axis.silences.gaps, asked.query.tz), *cuts, *told]


def describe_provisional(axis: BucketAxis, marks: pl.DataFrame) -> list[str]:
    """Say from when on buckets may still grow.

    Args:
        axis: the buckets of a series.
        marks: as `mark_buckets` gives them.

    Returns:
        One sentence, or none.
    """
    open_ones = axis.buckets.label(marks.filter(~pl.col("final"))[BUCKET])
    return [f"provisional from {open_ones[0]} on: logs of it may still come in"] if open_ones.len() else []


def describe_annotations(asked: Plan, axis: BucketAxis) -> list[str]:
    """Say what happened in the buckets shown, each on its local day.

    Args:
        asked: the plan of the question.
        axis: its buckets.
    """
    if not axis.shown.height:
        return []
    zone = find_zone(asked.query.tz)
    start, end = axis.buckets.start_of(axis.shown[BUCKET].head(1)).item(), axis.buckets.end_of(axis.shown[BUCKET].tail(1)).item()
    inside = sorted((one.moment, one.label) for one in asked.query.annotations if start <= one.moment < end)
    return [f"{moment.astimezone(zone):%Y-%m-%d}: {label}" for moment, label in inside]
