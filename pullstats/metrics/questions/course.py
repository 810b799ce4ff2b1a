"""The buckets that a series shows, and what is known of each: final or not, in a gap or not, and what happened in it.

A series shows the buckets of its window that the logs reach: none before the first event of the
store nor after the newest, for of those nothing is known. Between the two, a bucket without events
is zero, unless all of it lies in a silence that is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.metrics.query import Resolved, Scan
from pullstats.metrics.questions.rolling import BUCKET, parse_rolling
from pullstats.metrics.time.buckets import Buckets, parse_every
from pullstats.metrics.time.completeness import Gap, describe_gaps, find_final_until, find_gaps
from pullstats.metrics.time.windows import Window

UNKNOWN: Final = "unknown"
_STEP: Final = timedelta(minutes=15)
"""No zone's hours begin between two of these."""


@dataclass(frozen=True, slots=True)
class Course:
    """The buckets of a series.

    Attributes:
        buckets: how they are cut.
        shown: those of the window, column `bucket`.
        every: without a hole, and as far before the window as `rolling` looks back and the logs reach.
        rolling: how many buckets one looks back over, itself included.
        gaps: where the logs are silent.
    """

    buckets: Buckets
    shown: pl.DataFrame
    every: pl.DataFrame
    rolling: int
    gaps: list[Gap]


def plot_course(asked: Resolved, scan: Scan) -> Course:
    """List the buckets of a series.

    Raises:
        UsageError: a size or span that is none; too many buckets.
    """
    query, window, reach = asked.query, asked.window, asked.reach
    buckets = parse_every(query.every or "d", query.tz, query.week_start)
    rolling = parse_rolling(query.rolling, buckets) if query.rolling else 1
    clipped = window.clip(reach.first, reach.newest)
    if clipped is None or reach.first is None:
        nothing = pl.DataFrame(schema={BUCKET: buckets.dtype})
        return Course(buckets, nothing, nothing, rolling, [])
    first, last = clipped
    shown, every = buckets.range(first, last, window), buckets.range(first, last)
    if rolling > 1:
        every = _reach_back(buckets, every, rolling, reach.first, last)
        first = buckets.start_of(every[BUCKET].head(1)).item()
    gaps = [gap for gap in find_gaps(reach.sources, scan, first, last) if _is_of(gap, replace(window, start=first))]
    return Course(buckets, shown, every, rolling, gaps)


def _reach_back(buckets: Buckets, every: pl.DataFrame, rolling: int, begin: datetime, last: datetime) -> pl.DataFrame:
    """List the buckets that the first one looks back over, too, as far as the logs reach."""
    first: datetime = buckets.start_of(every[BUCKET].head(1)).item()
    reached = first - min(rolling * buckets.size + timedelta(days=1), max(first - begin, timedelta()))
    listed = buckets.range(reached, last)
    return listed.tail(every.height + rolling - 1)


def _is_of(gap: Gap, window: Window) -> bool:
    """Tell whether a gap lies on days and in hours of the window."""
    instants = pl.datetime_range(gap.start, gap.end, _STEP, closed="left", time_unit="us", time_zone="UTC", eager=True)
    return window.recurring is None or window.keep(instants.alias("timestamp").to_frame().lazy()).collect().height > 0


def look_back(asked: Resolved, course: Course) -> Resolved:
    """Let the window begin with the first bucket that a rolling one reaches."""
    if course.rolling == 1 or not course.every.height:
        return asked
    start: datetime = course.buckets.start_of(course.every[BUCKET].head(1)).item()
    return replace(asked, window=replace(asked.window, start=start))


def mark_buckets(asked: Resolved, course: Course) -> pl.DataFrame:
    """Tell of each bucket shown whether it is `final`, holds a `gap`, is all `unknown`, and what is of `note`."""
    buckets = course.shown[BUCKET]
    starts, ends = course.buckets.start_of(buckets), course.buckets.end_of(buckets)
    until = find_final_until(asked.reach.sources, asked.reach.newest)
    notes = [[one.label for one in asked.query.annotations if start <= one.moment < end] for start, end in zip(starts, ends, strict=True)]
    reached = list(zip(_reached_from(course, starts), ends, strict=True))
    return course.shown.with_columns(
        pl.Series("final", [until is not None and end <= until for end in ends], pl.Boolean),
        pl.Series("gap", [any(gap.start < end and start < gap.end for gap in course.gaps) for start, end in reached], pl.Boolean),
        pl.Series(UNKNOWN, [any(gap.silent_from <= start and end <= gap.silent_until for gap in course.gaps) for start, end in reached], pl.Boolean),
        pl.Series("note", ["; ".join(labels) or None for labels in notes], pl.String),
    )


def _reached_from(course: Course, starts: pl.Series) -> list[datetime]:
    """Give the instant from which on each bucket shown counts."""
    every = course.buckets.start_of(course.every[BUCKET])
    places = every.search_sorted(starts).cast(pl.Int64) - (course.rolling - 1)
    return every.gather(places.clip(lower_bound=0)).to_list()


def describe_course(asked: Resolved, course: Course) -> list[str]:
    """Say in words what a reader of the series must know: gaps, and values that look back beyond the beginning of the logs."""
    before = course.every.head(course.rolling - 1).join(course.shown, on=BUCKET, how="semi").height if course.rolling > 1 else 0
    first = "the first value looks" if before == 1 else f"the first {before} values look"
    told = [f"{first} back over less than {asked.query.rolling}: the logs begin later"] if before else []
    return [*describe_gaps(course.gaps), *told]


def describe_annotations(asked: Resolved, course: Course) -> list[str]:
    """Say what happened in the buckets shown, each on its local day."""
    if not course.shown.height:
        return []
    zone = find_zone(asked.query.tz)
    start, end = course.buckets.start_of(course.shown[BUCKET].head(1)).item(), course.buckets.end_of(course.shown[BUCKET].tail(1)).item()
    inside = sorted((one.moment, one.label) for one in asked.query.annotations if start <= one.moment < end)
    return [f"{moment.astimezone(zone):%Y-%m-%d}: {label}" for moment, label in inside]
