"""Breakdowns: any metrics by up to three dimensions, and the daily export set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.definitions import DOWNLOADERS, Metric
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.filtering.selection import name_unseen
from pullstats.metrics.partials import Partials, compute_partials, fold, keep_rows
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.questions.epochs import refuse_epochs
from pullstats.metrics.questions.framing import OTHER, build_report, dimension_columns, dimension_heads, metric_columns, name_others
from pullstats.metrics.questions.ordering import NOTHING, drop_nothing, place_releases, sort_rows, take_first, tell_untold
from pullstats.metrics.questions.presence import find_presence
from pullstats.metrics.questions.series import answer_series
from pullstats.metrics.questions.small_rows import ENDPOINTS, find_takers, hide_small, is_few, refuse_few, took_few
from pullstats.metrics.time.buckets import parse_every
from pullstats.metrics.time.completeness import find_final_until
from pullstats.reports import Column, Report

DAILY_VERSION: Final = 2
DAILY_KEYS: Final = {
    "package_type": "package_type",
    "package": "package_name",
    "version": "package_version",
    "client": "user_agent_name",
}
DAILY_METRICS: Final = ("requests", "bytes", "downloads", DOWNLOADERS, "checks", "origins")


def answer_query(query: Query, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Answer a breakdown or, with `every`, a series.

    Raises:
        UsageError: a name, window or filter that is not understood; uniques over several keys.
    """
    asked = resolve(query, reach, now, scan, is_shifting=is_shifting)
    asked = refuse_epochs(asked, scan, asked.metrics)
    if query.every and query.min_origins:
        message = "a series has no --min-origins: its buckets of few endpoints would tell what a report hides; leave one of the two out"
        raise UsageError(message)
    return warn_of_unseen(answer_series(asked, scan) if query.every else break_down(asked, scan)[0], asked, scan)


def warn_of_unseen(report: Report, asked: Resolved, scan: Scan) -> Report:
    """Add warnings where a filter names values that no event has: all excluded ones, and the kept ones if nothing is left."""
    chosen = asked.selection
    if not report.meta["excluded"]["events"] and report.is_empty:
        return report
    named = [one for one in chosen.excluded if not one[0].values] + [*(chosen.kept if report.is_empty else ())]
    if not named:
        return report
    columns = sorted({"timestamp", *(column for dimension, _ in named for column in dimension.columns)})
    events = asked.window.keep(scan(columns, asked.window.start, asked.window.end))
    warnings = [*report.meta["warnings"], *name_unseen(named, events, asked.query.tz)]
    return replace(report, meta=report.meta | {"warnings": warnings})


def break_down(asked: Resolved, scan: Scan) -> tuple[Report, pl.DataFrame]:
    """Answer one row per value of the dimensions; and the totals, one row with a column per metric."""
    query = asked.query
    refuse_few(asked, scan)
    groups = {dimension.key: dimension.expr(query.tz) for dimension in asked.dimensions}
    wanted = _with_endpoints(asked)
    partials = compute_partials(replace(asked, metrics=wanted), scan, groups, dimension_columns(asked))
    partials, takers = find_takers(asked, scan, groups, dimension_columns(asked), partials)
    wanted = (*wanted, *takers)
    rows, total = fold(partials, wanted, tuple(groups)), fold(partials, wanted, ())
    places, notes = place_releases(rows, asked, scan) if groups else (None, [])
    rows = sort_rows(drop_nothing(rows, asked.metrics), asked, places) if groups else rows
    columns = [*dimension_heads(asked), *metric_columns(asked.metrics)]
    if is_total_small(asked, partials, total, takers):
        return build_report(asked, partials, rows.clear().select(column.name for column in columns), columns, None, hidden=rows.height), total
    rows, hidden, other_row = _cut(rows, asked, partials, wanted, takers)
    if not partials.read:  # an empty window has no row, not even one of zeros
        rows = rows.clear()
    warnings = [NOTHING] if groups and partials.kept and not rows.height else []
    warnings += [*tell_untold(rows, asked.dimensions), *notes]
    if query.has_percent:
        rows, shares = _add_shares(rows, total, asked.metrics)
        columns += shares
        if not shares:
            warnings.append("--percent gives shares of additive metrics, and none is asked for")
    frame, presence = rows.select(column.name for column in columns), find_presence(asked, scan)
    report = build_report(asked, partials, frame, columns, total, hidden=hidden, other_row=other_row, warnings=warnings, presence=presence)
    is_untold = len(asked.dimensions) == 1 and bool(tell_untold(rows, asked.dimensions))
    report = replace(report, meta=report.meta | {"is_untold": True}) if is_untold else report
    return report, total


def _with_endpoints(asked: Resolved) -> tuple[Metric, ...]:
    is_extra = bool(asked.query.min_origins) and ENDPOINTS not in asked.metrics
    return (*asked.metrics, ENDPOINTS) if is_extra else asked.metrics


def is_total_small(asked: Resolved, partials: Partials, total: pl.DataFrame, takers: Sequence[Metric]) -> bool:
    """Tell whether all that is kept comes from too few endpoints, or was taken by too few, to be shown at all."""
    return bool(asked.query.min_origins) and partials.kept > 0 and bool(total.select(is_few(asked.query.min_origins, takers)).item())


def _cut(
    rows: pl.DataFrame, asked: Resolved, partials: Partials, metrics: tuple[Metric, ...], takers: Sequence[Metric]
) -> tuple[pl.DataFrame, int, int | None]:
    """Keep the first rows, and fold the others into one; returns how many `min_origins` hid, and which row is that of the others."""
    query, keys = asked.query, [dimension.key for dimension in asked.dimensions]
    if not keys:
        return rows, 0, None
    large = rows.filter(~is_few(query.min_origins, takers)) if query.min_origins else rows
    cut = take_first(large, asked)
    shown = hide_small(rows, cut, partials, query.min_origins, takers) if large.height < rows.height else cut
    hidden = rows.height - large.height + cut.height - shown.height
    if shown.height == rows.height or not (query.has_other or hidden):
        return shown, hidden, None
    rest = fold(keep_rows(partials, shown.select(keys), is_kept=False), metrics, ())
    text = [pl.col(key).cast(pl.String) for key in keys]
    shown = shown.with_columns(text)
    labels = [pl.lit(label, pl.String).alias(key) for key, label in name_others(shown, keys).items()]
    return pl.concat([shown, rest.select(*labels, *(metric.key for metric in metrics))], how="vertical_relaxed"), hidden, shown.height


def _add_shares(rows: pl.DataFrame, total: pl.DataFrame, metrics: tuple[Metric, ...]) -> tuple[pl.DataFrame, list[Column]]:
    columns: list[Column] = []
    for metric in metrics:
        if metric.additive:
            whole = pl.lit(total[metric.key].item() or None, pl.Float64)  # of nothing there are no shares
            rows = rows.with_columns((pl.col(metric.key) / whole).alias(f"{metric.key}_share"))
            columns.append(Column(f"{metric.key}_share", f"of all {metric.title}", "share"))
    return rows, columns


def daily_report(query: Query, scan: Scan, reach: Reach, now: datetime) -> Report:
    """Build the `daily` export set: one row a day and combination; `downloaders` and `origins` are not additive."""
    asked = resolve(query, reach, now, scan, is_shifting=False)
    asked = refuse_epochs(asked, scan, ())
    refuse_few(asked, scan)
    days = parse_every("d", asked.query.tz)
    groups = {"date": days.expr} | {key: pl.col(column) for key, column in DAILY_KEYS.items()}
    groups |= {
        "version": pl.coalesce("package_version_normalized", "package_version"),
        "os": DIMENSIONS["os"].expr(asked.query.tz),
        "arch": DIMENSIONS["arch"].expr(asked.query.tz),
        "country": pl.col("geo_country_iso_code"),
    }
    columns = [
        "timestamp",
        *DAILY_KEYS.values(),
        "package_version_normalized",
        *DIMENSIONS["os"].columns,
        *DIMENSIONS["arch"].columns,
        "geo_country_iso_code",
    ]
    wanted = _with_endpoints(asked)
    partials = compute_partials(replace(asked, metrics=wanted), scan, groups, columns)
    partials, takers = find_takers(asked, scan, groups, columns, partials)
    rows = fold(partials, (*wanted, *takers), tuple(groups)).sort(*groups, nulls_last=True)
    total = fold(partials, (*wanted, *takers), ())
    rows, hidden = _hide_small_days(rows, asked, partials, wanted, takers)
    until = find_final_until(reach.sources, reach.newest)
    ends = rows.select("date").unique().with_columns(end=pl.col("date"))
    ends = ends.with_columns(final=(days.end_of(ends["date"]) <= until) if until is not None else pl.lit(value=False)).drop("end")
    rows = rows.join(ends, on="date", how="left", maintain_order="left").with_columns(schema_version=pl.lit(DAILY_VERSION))
    names = ("schema_version", *groups, *DAILY_METRICS, "final")
    kinds = dict.fromkeys(DAILY_METRICS, "count") | {"bytes": "bytes", "schema_version": "count"}
    shown = tuple(Column(name, name, kinds.get(name, "dimension")) for name in names)  # type: ignore[arg-type]
    told = None if is_total_small(asked, partials, total, takers) else total
    return build_report(asked, partials, rows.select(names), shown, told, hidden=hidden)


def _hide_small_days(
    rows: pl.DataFrame, asked: Resolved, partials: Partials, metrics: tuple[Metric, ...], takers: tuple[Metric, ...]
) -> tuple[pl.DataFrame, int]:
    """Fold each day's rows of few endpoints into one whose package is `other`.

    A day that has too few is left out, and of one on which too few took something it is not told what they took.
    """
    least = asked.query.min_origins
    large = rows.filter(~is_few(least, takers)) if least else rows
    if large.height == rows.height:
        return rows, 0
    shown = hide_small(rows, large, partials, least, takers, within=("date",))
    rest = fold(keep_rows(partials, shown.select(partials.keys), is_kept=False), (*metrics, *takers), ("date",))
    rest = rest.filter(pl.col(ENDPOINTS.key) >= least).with_columns(pl.lit(OTHER).alias("package"))
    taken = [metric.key for metric in metrics if metric.tally == "downloads"]
    rest = rest.with_columns(pl.when(~took_few(least, takers)).then(pl.col(name)).alias(name) for name in taken)
    return pl.concat([shown, rest], how="diagonal").sort(*partials.keys, nulls_last=True), rows.height - shown.height
