"""What those who ask are on: the share of each architecture, runtime, client or other value, how that went over time, and whether it is a trend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.releases import account_for_values
from pullstats.metrics.aggregation import compute_counted
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.cohorts.calendar import STATE, WHOLE, judge_buckets
from pullstats.metrics.cohorts.sentences import name_buckets
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.folding import fold
from pullstats.metrics.over_time.bucket_axis import GAP, BucketAxis, describe_axis, describe_provisional, list_buckets, mark_buckets
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.versions.asks import WHO
from pullstats.metrics.versions.kinds import LINES, MINOR
from pullstats.metrics.versions.plans import choose_every, find_last, resolve_versions
from pullstats.metrics.versions.sentences import describe_values, tell_trends
from pullstats.metrics.versions.trends import Trend, judge_trends
from pullstats.metrics.versions.values import VALUE, find_followed, has_lines, list_showings, value_of
from pullstats.metrics.versions.wilson import add_interval
from pullstats.reports import Column, Report

_STEPS: Final = ((31, "d"), (900, "w"))
"""A bucket by the most days of a window that has it; beyond, months."""
_LEAST_BUCKET: Final = timedelta(days=7)
"""In a shorter one, days of the week would be judged, too."""
_SPARK: Final = "over_time"
_MOST_SHOWN: Final = 12
"""Buckets that have room in 80 columns."""
_COUNTS: Final = ("active", "seen")


@dataclass(frozen=True, slots=True)
class ValueAdoption:
    """The values of a dimension, the most common first.

    Attributes:
        query: what is asked; its metric are the downloads of a rule.
        of: name of the dimension.
        active: who asked within so many days before the window's end is active.
        line: what of versions is a row: a `release`, a `minor` line or a `major` one; None for the minor one.
    """

    query: Query
    of: str
    active: int = 30
    line: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """List them.

        Raises:
            UsageError: as `Versions.answer`; a dimension that says nothing of what one is on; lines of what is no version.
        """
        dimension = find_followed(self.of)
        if self.line is not None and self.line not in LINES:
            noun = "line of versions"
            raise unknown_name(noun, self.line, LINES)
        if self.line is not None and not has_lines(dimension):
            raise UsageError(f"--of {dimension.name} takes no --by: its values are no versions")
        asked = resolve_versions(self.query, events)
        return warn_of_unseen(_list(asked, self, dimension), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it shows what somebody is on.

        Raises:
            UsageError: as `answer`.
        """
        asked, dimension = resolve_versions(self.query, events), find_followed(self.of)
        return Account(asked, account_for_values(asked, value_of(dimension, asked.query.tz, self.line or MINOR), dimension.name))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found.

    Attributes:
        rows: a row a value, the most common first; the last of null.
        cells: a row a bucket and value: `share` of who was seen in it, `seen`, `known`.
        showings: who showed what.
        partials: what is counted.
        axis: buckets of time.
        marks: what is known of each.
        trends: what is said of each value.
        states: `state` of each bucket.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    showings: pl.DataFrame
    partials: Partials
    axis: BucketAxis
    marks: pl.DataFrame
    trends: dict[str, Trend]
    states: pl.DataFrame


def _list(asked: Plan, question: ValueAdoption, dimension: Dimension) -> Report:
    every = asked.query.every or choose_every(asked, _STEPS, "mo")
    asked = replace(asked, query=replace(asked.query, every=every))
    axis, last = list_buckets(asked), find_last(asked)
    value = value_of(dimension, asked.query.tz, question.line or MINOR)
    showings = list_showings(asked, value, axis.buckets.expr)
    partials = compute_counted(asked, {VALUE: value, BUCKET: axis.buckets.expr}, [*value.meta.root_names(), "timestamp"])
    marks = mark_buckets(asked, axis)
    states = judge_buckets(marks, axis)
    whole = states.filter(pl.col(STATE) == WHOLE)[BUCKET].to_list()
    trends = judge_trends(showings, whole) if axis.buckets.size >= _LEAST_BUCKET else {}
    rows = _count(asked, showings, partials, last - timedelta(days=question.active) if last else None)
    found = _Found(rows, _cells(showings, marks, asked, partials), showings, partials, axis, marks, trends, states)
    return _report(asked, question, dimension, found)


def _count(asked: Plan, showings: pl.DataFrame, partials: Partials, since: datetime | None) -> pl.DataFrame:
    """Count who is active on each value and who ever was, with the share of the active, and downloads."""
    is_active = pl.col("last") >= since if since is not None else pl.lit(value=True)
    active = pl.col(WHO).filter(is_active).n_unique().cast(pl.Int64).alias("active")
    counted = showings.group_by(VALUE).agg(active, pl.col(WHO).n_unique().cast(pl.Int64).alias("seen"))
    known = showings.drop_nulls(VALUE).select(active).item()
    metric = asked.metrics[0].key
    taken = fold(partials, asked.metrics, (VALUE,)).filter(pl.col(metric) > 0)
    rows = counted.join(taken, on=VALUE, how="full", coalesce=True, nulls_equal=True).with_columns(pl.col(*_COUNTS, metric).fill_null(0))
    named = pl.when(pl.col(VALUE).is_not_null())
    rows = add_interval(rows.with_columns(named.then(pl.lit(known, pl.Int64)).alias("known")), "active", "known")
    stated = pl.col(metric).filter(pl.col(VALUE).is_not_null()).sum()
    rows = rows.with_columns(named.then(pl.when(stated > 0).then(pl.col(metric) / stated)).alias("downloads_share"))
    order = [pl.col(VALUE).is_null(), -pl.col("active"), -pl.col("seen"), -pl.col(metric), pl.col(VALUE)]
    return rows.sort(order, nulls_last=True)


def _cells(showings: pl.DataFrame, marks: pl.DataFrame, asked: Plan, partials: Partials) -> pl.DataFrame:
    """Give a row a bucket and value: who was seen with it, of whom any is known, and downloads; null in a gap."""
    metric = asked.metrics[0].key
    seen = showings.group_by(VALUE, BUCKET).agg(pl.col(WHO).n_unique().cast(pl.Int64).alias("seen"))
    known = showings.drop_nulls(VALUE).group_by(BUCKET).agg(pl.col(WHO).n_unique().cast(pl.Int64).alias("known"))
    taken = fold(partials, asked.metrics, (VALUE, BUCKET)).filter(pl.col(metric) > 0)
    values = pl.concat([seen.select(VALUE), taken.select(VALUE)]).unique()
    grid = values.join(marks, how="cross").join(known, on=BUCKET, how="left")
    for frame in (seen, taken):
        grid = grid.join(frame, on=[VALUE, BUCKET], how="left", nulls_equal=True)
    counts = [pl.when(~pl.col(GAP)).then(pl.col(name).fill_null(0)).alias(name) for name in ("seen", "known", metric)]
    grid = grid.with_columns(counts)
    return add_interval(grid.with_columns(pl.when(pl.col(VALUE).is_not_null()).then("known").alias("known")), "seen", "known")


def _columns(asked: Plan, question: ValueAdoption, dimension: Dimension, unit: str, *, is_cut: bool) -> tuple[Column, ...]:
    title = f"{dimension.name}" if not has_lines(dimension) or question.line == RELEASE else f"{dimension.name}, {question.line or MINOR}"
    return (
        Column(VALUE, title, "dimension"),
        Column("active", f"{asked.level.title} ({question.active}d)", "count"),
        Column("share", "share", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
        Column("seen", f"{asked.level.title} ever", "count"),
        Column(asked.metrics[0].key, asked.metrics[0].title, "count", additive=True),
        Column("downloads_share", "of them", "share"),
        Column(_SPARK, f"last {_MOST_SHOWN} {unit}s" if is_cut else "over time", "spark"),
        Column("trend", "trend", "text"),
        Column("slope", "rise a bucket", "number"),
        Column("slope_low", "rise from", "number"),
        Column("slope_high", "rise to", "number"),
    )


_ONLY_FOR_MACHINES: Final = frozenset({"seen", "downloads", "downloads_share", "slope", "slope_low", "slope_high"})


def _add_trends(found: _Found) -> pl.DataFrame:
    cells = found.cells.sort(BUCKET).group_by(VALUE, maintain_order=True).agg(pl.col("share").tail(_MOST_SHOWN).alias(_SPARK))
    names = ("trend", "slope", "slope_low", "slope_high")
    told = [(value, one.word, one.slope, one.low, one.high) for value, one in found.trends.items()]
    schema = {VALUE: pl.String, names[0]: pl.String} | dict.fromkeys(names[1:], pl.Float64)
    rows = found.rows.join(cells, on=VALUE, how="left", nulls_equal=True, maintain_order="left")
    return rows.join(pl.DataFrame(told, schema=schema, orient="row"), on=VALUE, how="left", maintain_order="left")


def _report(asked: Plan, question: ValueAdoption, dimension: Dimension, found: _Found) -> Report:
    unit = name_buckets(found.axis.buckets, 1).removeprefix("1 ")
    columns = _columns(asked, question, dimension, unit, is_cut=found.states.height > _MOST_SHOWN)
    full = keep_first(_add_trends(found), asked.query.limit).select(column.name for column in columns)
    hidden = _ONLY_FOR_MACHINES | (set() if found.trends else {"trend"})
    seen = tuple(column for column in columns if column.name not in hidden)
    is_long = found.axis.buckets.size >= _LEAST_BUCKET
    whole = found.states.filter(pl.col(STATE) == WHOLE).height
    notes = [
        *tell_trends(found.trends, whole, unit, is_long=is_long),
        *describe_axis(asked, found.axis),
        *describe_provisional(found.axis, found.marks),
    ]
    total = fold(found.partials, asked.metrics, ())
    report = build_report(asked, found.partials, full.select(column.name for column in seen), seen, total, warnings=notes)
    headline = describe_values(found.rows, asked.level, dimension.name, question.active)
    flat = _flat_cells(asked, found, columns) if question.query.every else (full, columns)
    meta = report.meta | {"active_days": question.active, "whole_buckets": whole, "values_judged": len(found.trends)}
    return replace(report, headline=headline, flat=flat, meta=meta)


def _flat_cells(asked: Plan, found: _Found, columns: tuple[Column, ...]) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Give programs a row a bucket and value."""
    order = found.rows.select(VALUE).with_row_index("order")
    cells = found.cells.join(order, on=VALUE, nulls_equal=True).sort(BUCKET, "order")
    cells = cells.with_columns(found.axis.buckets.label(cells[BUCKET]).alias(BUCKET))
    heads = [column for column in columns if column.name in {VALUE, "share", "low", "high", asked.metrics[0].key}]
    marks = [Column(name, name, "text") for name in ("final", GAP, "partial", "cut")]
    counts = [Column("seen", asked.level.title, "count"), Column("known", "that state one", "count")]
    shown = (Column(BUCKET, BUCKET, "bucket"), *heads, *counts, *marks, Column("missing_hours", "hours missing", "number"))
    return cells.select(column.name for column in shown), shown
