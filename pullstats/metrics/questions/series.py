"""Metrics over time: every bucket of a window, empty ones too, what is final and where the logs have gaps."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.ordering import drop_nothing, sort_rows, take_first
from pullstats.metrics.answers.presence import find_presence
from pullstats.metrics.answers.report_parts import append_total, build_report, dimension_columns, dimension_heads, metric_columns, name_others
from pullstats.metrics.folding import fold
from pullstats.metrics.over_time.bucket_axis import (
    GAP,
    MARKS,
    BucketAxis,
    describe_annotations,
    describe_axis,
    describe_provisional,
    list_buckets,
    look_back,
    mark_buckets,
)
from pullstats.metrics.over_time.rolling import BUCKET, fold_rolling
from pullstats.metrics.partials import Partials, keep_groups, merge_others
from pullstats.metrics.plan import Plan
from pullstats.metrics.versions.first_requests import mark_releases
from pullstats.reports import Column, Report


def answer_series(asked: Plan) -> Report:
    """Answer one row per bucket, or with dimensions one per value with a sparkline.

    Raises:
        UsageError: a size or span that is none; too many buckets; uniques that look back to hashes of another key; marks of several packages.
    """
    asked, told = mark_releases(asked) if asked.query.is_marking_releases else (asked, [])
    axis = list_buckets(asked)
    groups = {dimension.key: dimension.expr(asked.query.tz) for dimension in asked.dimensions} | {BUCKET: axis.buckets.expr}
    columns = [*dimension_columns(asked), "timestamp"]
    inside = partials = compute_partials(asked, groups, columns)
    if axis.rolling > 1 and axis.every.height:
        reading = look_back(asked, axis)
        refuse_epochs(reading, asked.metrics)
        partials = compute_partials(reading, groups, columns)
    marks, presence = mark_buckets(asked, axis), find_presence(asked)
    total, notes = fold(inside, asked.metrics, ()), [*told, *describe_axis(asked, axis)]
    if not asked.dimensions:
        frame, heads = _points(asked, partials, axis, marks)
        return build_report(asked, inside, frame, heads, total, warnings=notes, presence=presence)
    names, labels = _choose_rows(asked, inside)
    if labels:
        partials = merge_others(partials, names, labels)
        inside = partials if axis.rolling == 1 else merge_others(inside, names, labels)
        names = pl.concat([names.with_columns(pl.all().cast(pl.String)), pl.DataFrame(labels)])
    frame, heads = _lines(asked, inside, partials, names, axis, marks)
    notes = [*notes, *describe_provisional(axis, marks), *describe_annotations(asked, axis)]
    report = build_report(asked, inside, frame, heads, total, warnings=notes, presence=presence)
    cells, heads = _cells(asked, partials, frame, axis, marks)
    return replace(report, flat=(append_total(cells, heads, total) if asked.query.has_total and cells.height else cells, heads))


def _fold(asked: Plan, partials: Partials, axis: BucketAxis, keys: list[str]) -> pl.DataFrame:
    if axis.rolling == 1:
        return fold(partials, asked.metrics, (*keys, BUCKET))
    return fold_rolling(partials, asked.metrics, keys, axis.every, axis.rolling)


def _points(asked: Plan, partials: Partials, axis: BucketAxis, marks: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket; final or not, with a gap or not, and what happened in it."""
    rows = marks.join(_fold(asked, partials, axis, []), on=BUCKET, how="left", maintain_order="left").with_columns(_fill(asked, partials))
    columns = (Column(BUCKET, BUCKET, "bucket"), *_metric_columns(asked), *_mark_columns(asked))
    rows = rows.with_columns(axis.buckets.label(rows[BUCKET]).alias(BUCKET))
    return rows.select(column.name for column in columns), columns


def _metric_columns(asked: Plan) -> list[Column]:
    """Describe the metrics; a rolling one says over what, and adds up no more."""
    columns = metric_columns(asked.metrics)
    span = asked.query.rolling
    return [replace(column, title=f"{column.title} ({span})", additive=False) for column in columns] if span else columns


def _mark_columns(asked: Plan) -> list[Column]:
    *marks, cut = (Column(name, name, "text") for name in MARKS)
    notes = [Column("note", "note", "text")] if asked.query.annotations else []
    return [*marks, Column("missing_hours", "hours missing", "number"), cut, *notes]


def _fill(asked: Plan, partials: Partials) -> list[pl.Expr]:
    """Write 0 where nothing was seen; but a gap in the logs is no zero: of a bucket that is nothing else, nothing is known."""
    defined = [metric.key for metric in asked.metrics if partials.defines(metric)]
    return [_zero(pl.col(key)).alias(key) for key in defined]


def _zero(value: pl.Expr) -> pl.Expr:
    return pl.when(GAP).then(None).otherwise(value.fill_null(0))


def _choose_rows(asked: Plan, inside: Partials) -> tuple[pl.DataFrame, dict[str, str]]:
    """Give the values to show, in order; and what the others are called, where there are any to be shown."""
    keys = [dimension.key for dimension in asked.dimensions]
    rows = sort_rows(drop_nothing(fold(inside, asked.metrics, tuple(keys)), asked.metrics), asked)
    names, shown = rows.select(keys), take_first(rows, asked).select(keys)
    return shown, name_others(shown, keys) if asked.query.has_other and shown.height < names.height else {}


def _lines(
    asked: Plan, inside: Partials, partials: Partials, names: pl.DataFrame, axis: BucketAxis, marks: pl.DataFrame
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a value, with a sparkline of the first metric that has heights over all buckets."""
    keys = names.columns
    shown = names.join(fold(inside, asked.metrics, keys), on=keys, how="left", nulls_equal=True, maintain_order="left")
    heads = (*dimension_heads(asked), *metric_columns(asked.metrics))
    first = next((metric for metric in asked.metrics if metric.kind != "time"), None)  # of instants there is no height
    if first is None:
        return shown.select(column.name for column in heads), heads
    one = replace(asked, metrics=(first,))
    cells = _fold(one, keep_groups(partials, shown, keys), axis, keys)
    grid = shown.select(keys).join(marks, how="cross").join(cells, on=[*keys, BUCKET], how="left", nulls_equal=True).sort(BUCKET)
    lines = grid.with_columns(_fill(one, partials)).group_by(keys, maintain_order=True).agg(pl.col(first.key).alias("trend"))
    rows = shown.join(lines, on=keys, how="left", nulls_equal=True, maintain_order="left")
    title = f"{first.title} ({asked.query.rolling})" if asked.query.rolling else first.title
    columns = (*heads, Column("trend", f"{title} over time", "spark"))
    return rows.select(column.name for column in columns), columns


def _cells(asked: Plan, partials: Partials, shown: pl.DataFrame, axis: BucketAxis, marks: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket and value, empty ones too, in the order in which the values are shown."""
    keys = [dimension.key for dimension in asked.dimensions]
    values = _fold(asked, keep_groups(partials, shown, keys), axis, keys)
    grid = marks.join(shown.select(keys), how="cross", maintain_order="left_right")
    rows = grid.join(values, on=[*keys, BUCKET], how="left", nulls_equal=True, maintain_order="left").with_columns(_fill(asked, partials))
    rows = rows.with_columns(axis.buckets.label(rows[BUCKET]).alias(BUCKET))
    columns = (Column(BUCKET, BUCKET, "bucket"), *dimension_heads(asked), *_metric_columns(asked), *_mark_columns(asked))
    return rows.select(column.name for column in columns), columns
