"""Metrics over time: every bucket of a window, empty ones too, what is final and where the logs have gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.buckets import Buckets, parse_every
from pullstats.metrics.completeness import Gap, describe_gaps, find_final_until, find_gaps
from pullstats.metrics.framing import build_report, dimension_columns, dimension_heads, metric_columns, sort_rows
from pullstats.metrics.partials import Partials, compute_partials, fold, keep_groups
from pullstats.metrics.query import Resolved, Scan
from pullstats.metrics.rolling import BUCKET, fold_rolling, parse_rolling
from pullstats.reports import Column, Report

_COUNTS: Final = frozenset({"count", "bytes"})


@dataclass(frozen=True, slots=True)
class Course:
    """The buckets of a series.

    Attributes:
        buckets: how they are cut.
        shown: those of the window, column `bucket`.
        every: without a hole, and as far before the window as `rolling` looks back.
        rolling: how many buckets one looks back over, itself included.
        gaps: where the logs are silent.
    """

    buckets: Buckets
    shown: pl.DataFrame
    every: pl.DataFrame
    rolling: int
    gaps: list[Gap]


def answer_series(asked: Resolved, scan: Scan) -> Report:
    """Answer one row per bucket, or with dimensions one per value with a sparkline."""
    course = _plot_course(asked, scan)
    groups = {dimension.key: dimension.expr(asked.query.tz) for dimension in asked.dimensions} | {BUCKET: course.buckets.expr}
    reading = _look_back(asked, course)
    partials = compute_partials(reading, scan, groups, [*dimension_columns(asked), "timestamp"])
    counted = keep_groups(partials, course.shown, [BUCKET]) if course.rolling > 1 else partials
    total = fold(counted, asked.metrics, ())
    notes = describe_gaps(course.gaps)
    if not asked.dimensions:
        frame, columns = _points(asked, partials, course)
        return build_report(asked, counted, frame, columns, total, warnings=notes)
    notes += [f"{annotation.moment:%Y-%m-%d}: {annotation.label}" for annotation in asked.query.annotations]
    frame, columns = _lines(asked, partials, course)
    return replace(build_report(asked, counted, frame, columns, total, warnings=notes), flat=_cells(asked, partials, frame, course))


def _plot_course(asked: Resolved, scan: Scan) -> Course:
    query, window, reach = asked.query, asked.window, asked.reach
    buckets = parse_every(query.every or "d", query.tz, query.week_start)
    rolling = parse_rolling(query.rolling, buckets) if query.rolling else 1
    nothing = pl.DataFrame(schema={BUCKET: buckets.dtype})
    if reach.first is None or reach.newest is None:
        return Course(buckets, nothing, nothing, rolling, [])
    first = max(window.start, reach.first) if window.start else reach.first
    last = min(window.end, reach.newest) if window.end else reach.newest
    if window.end is not None and last == window.end:
        last -= timedelta.resolution  # the end is no part of it
    if first > last:
        return Course(buckets, nothing, nothing, rolling, [])
    shown = buckets.range(first, last, window)
    every = buckets.range(first, last)
    if rolling > 1:
        every = pl.concat([_before(buckets, every, rolling - 1), every])
    return Course(buckets, shown, every, rolling, find_gaps(reach.sources, scan, first, last))


def _before(buckets: Buckets, every: pl.DataFrame, count: int) -> pl.DataFrame:
    """List the buckets before the first one."""
    first = every[BUCKET].head(1)
    step = "-1q" if buckets.unit == "q" else f"-{buckets.every}"
    found = []
    for _ in range(count):
        first = first.dt.offset_by(step)
        found.append(first)
    return pl.concat(found[::-1]).to_frame() if found else every.clear()


def _look_back(asked: Resolved, course: Course) -> Resolved:
    """Let the window begin with the first bucket that a rolling one reaches."""
    if course.rolling == 1 or not course.every.height:
        return asked
    start: datetime = course.buckets.start_of(course.every[BUCKET].head(1)).item()
    return replace(asked, window=replace(asked.window, start=start))


def _fold(asked: Resolved, partials: Partials, course: Course, keys: list[str]) -> pl.DataFrame:
    if course.rolling == 1:
        return fold(partials, asked.metrics, (*keys, BUCKET))
    return fold_rolling(partials, asked.metrics, keys, course.every, course.rolling)


def _points(asked: Resolved, partials: Partials, course: Course) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket; final or not, with a gap or not, and what happened in it."""
    rows = course.shown.join(_fold(asked, partials, course, []), on=BUCKET, how="left").sort(BUCKET)
    marks = _mark(asked, course, rows[BUCKET])
    defined = [
        metric.key for metric in asked.metrics if metric.kind in _COUNTS and not _is_undefined(partials, metric.rule, metric.counts or metric.name)
    ]
    # A gap in the logs is no zero: where all of a bucket lies in one, nothing is known.
    filled = [pl.when(marks["unknown"]).then(pl.col(key)).otherwise(pl.col(key).fill_null(0)).alias(key) for key in defined]
    rows = rows.with_columns(*filled, *(marks[name] for name in marks.columns if name != "unknown"))
    columns = [Column(BUCKET, BUCKET, "bucket"), *metric_columns(asked.metrics), Column("final", "final", "text"), Column("gap", "gap", "text")]
    if asked.query.annotations:
        columns.append(Column("note", "note", "text"))
    rows = rows.with_columns(course.buckets.label(rows[BUCKET]).alias(BUCKET))
    return rows.select(column.name for column in columns), tuple(columns)


def _is_undefined(partials: Partials, label: str, name: str) -> bool:
    return label in partials.counted and name not in partials.counted[label].columns


def _mark(asked: Resolved, course: Course, buckets: pl.Series) -> pl.DataFrame:
    """Tell of each bucket whether it is `final`, holds a `gap`, is all `unknown`, and what is of `note`."""
    starts, ends = course.buckets.start_of(buckets), course.buckets.end_of(buckets)
    until = find_final_until(asked.reach.sources, asked.reach.newest)
    spans = list(zip(starts, ends, strict=True))
    notes = [[one.label for one in asked.query.annotations if start <= one.moment < end] for start, end in spans]
    return pl.DataFrame(
        {
            "final": [until is not None and end <= until for _, end in spans],
            "gap": [any(gap.start < end and start < gap.end for gap in course.gaps) for start, end in spans],
            "unknown": [any(gap.start <= start and end <= gap.end for gap in course.gaps) for start, end in spans],
            "note": ["; ".join(labels) or None for labels in notes],
        },
        schema={"final": pl.Boolean, "gap": pl.Boolean, "unknown": pl.Boolean, "note": pl.String},
    )


def _lines(asked: Resolved, partials: Partials, course: Course) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a value, with a sparkline of the first metric over all buckets."""
    keys = [dimension.key for dimension in asked.dimensions]
    first = asked.metrics[0]
    inside = keep_groups(partials, course.shown, [BUCKET]) if course.rolling > 1 else partials
    totals = sort_rows(fold(inside, asked.metrics, tuple(keys)), asked)
    shown = totals.head(asked.query.limit) if asked.query.limit else totals
    cells = _fold(replace(asked, metrics=(first,)), keep_groups(partials, shown, keys), course, keys)
    grid = shown.select(keys).join(course.shown, how="cross").join(cells, on=[*keys, BUCKET], how="left", nulls_equal=True)
    lines = grid.sort(BUCKET).group_by(keys, maintain_order=True).agg(pl.col(first.key).fill_null(0).alias("trend"))
    rows = shown.join(lines, on=keys, how="left", nulls_equal=True, maintain_order="left")
    columns = (*dimension_heads(asked), *metric_columns(asked.metrics), Column("trend", first.title, "spark"))
    return rows.select(column.name for column in columns), columns


def _cells(asked: Resolved, partials: Partials, shown: pl.DataFrame, course: Course) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket and value, empty ones too, in the order in which the values are shown."""
    keys = [dimension.key for dimension in asked.dimensions]
    values = _fold(asked, keep_groups(partials, shown, keys), course, keys)
    grid = course.shown.join(shown.select(keys), how="cross", maintain_order="left_right")
    rows = grid.join(values, on=[*keys, BUCKET], how="left", nulls_equal=True, maintain_order="left")
    zero = [
        metric.key for metric in asked.metrics if metric.kind in _COUNTS and not _is_undefined(partials, metric.rule, metric.counts or metric.name)
    ]
    rows = rows.with_columns(pl.col(zero).fill_null(0), course.buckets.label(rows[BUCKET]).alias(BUCKET))
    columns = (Column(BUCKET, BUCKET, "bucket"), *dimension_heads(asked), *metric_columns(asked.metrics))
    return rows.select(column.name for column in columns), columns
