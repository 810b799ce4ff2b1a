"""Breakdowns: any metrics by up to three dimensions, and the daily export set."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.metrics.buckets import parse_every
from pullstats.metrics.completeness import find_final_until
from pullstats.metrics.definitions import METRICS, Metric
from pullstats.metrics.framing import build_report, dimension_columns, dimension_heads, metric_columns, refuse_epochs, sort_rows
from pullstats.metrics.partials import Partials, compute_partials, fold, keep_rows
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.series import answer_series
from pullstats.reports import Column, Report

OTHER: Final = "other"
DAILY_VERSION: Final = 1
DAILY_KEYS: Final = {
    "package_type": "package_type",
    "package": "package_name",
    "version": "package_version",
    "client": "user_agent_name",
}
DAILY_METRICS: Final = ("requests", "bytes", "downloads", "checks", "origins")


def answer_query(query: Query, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Answer a breakdown or, with `every`, a series.

    Raises:
        UsageError: a name, window or filter that is not understood; uniques over several keys.
    """
    asked = resolve(query, reach, now, scan, is_shifting=is_shifting)
    refuse_epochs(asked, scan, asked.metrics)
    return answer_series(asked, scan) if query.every else break_down(asked, scan)[0]


def break_down(asked: Resolved, scan: Scan) -> tuple[Report, pl.DataFrame]:
    """Answer one row per value of the dimensions; and the totals, one row with a column per metric."""
    query = asked.query
    groups = {dimension.key: dimension.expr(query.tz) for dimension in asked.dimensions}
    endpoints = METRICS["endpoints"]
    is_extra = bool(query.min_origins) and endpoints not in asked.metrics
    wanted = (*asked.metrics, endpoints) if is_extra else asked.metrics
    partials = compute_partials(replace(asked, metrics=wanted), scan, groups, dimension_columns(asked))
    rows = sort_rows(fold(partials, wanted, tuple(groups)), asked)
    rows, hidden = _cut(rows, asked, partials, wanted)
    if not partials.read:  # an empty window has no row, not even one of zeros
        rows = rows.clear()
    total = fold(partials, wanted, ())
    columns = [*dimension_heads(asked), *metric_columns(asked.metrics)]
    if query.has_percent:
        rows, shares = _add_shares(rows, total, asked.metrics)
        columns += shares
    return build_report(asked, partials, rows.select(column.name for column in columns), columns, total, hidden=hidden), total


def _cut(rows: pl.DataFrame, asked: Resolved, partials: Partials, metrics: tuple[Metric, ...]) -> tuple[pl.DataFrame, int]:
    """Keep the first rows, and fold the others into one; returns how many `min_origins` hid."""
    query, keys = asked.query, [dimension.key for dimension in asked.dimensions]
    if not keys:
        return rows, 0
    kept = rows.filter(pl.col("endpoints") >= query.min_origins) if query.min_origins else rows
    if rows.height - kept.height == 1:  # one hidden row could be told from the total
        kept = kept.head(max(kept.height - 1, 0))
    hidden = rows.height - kept.height
    shown = kept.head(query.limit) if query.limit else kept
    if shown.height == rows.height or not (query.has_other or hidden):
        return shown, hidden
    rest = fold(keep_rows(partials, shown.select(keys), is_kept=False), metrics, ())
    labels = [pl.lit(OTHER if index == 0 else None, pl.String).alias(key) for index, key in enumerate(keys)]
    text = [pl.col(key).cast(pl.String) for key in keys]
    return pl.concat([shown.with_columns(text), rest.select(*labels, *(metric.key for metric in metrics))], how="vertical_relaxed"), hidden


def _add_shares(rows: pl.DataFrame, total: pl.DataFrame, metrics: tuple[Metric, ...]) -> tuple[pl.DataFrame, list[Column]]:
    columns: list[Column] = []
    for metric in metrics:
        if metric.additive:
            whole = total[metric.key].item() or 1
            rows = rows.with_columns((pl.col(metric.key) / whole).alias(f"{metric.key}_share"))
            columns.append(Column(f"{metric.key}_share", f"of all {metric.title}", "share"))
    return rows, columns


def daily_report(query: Query, scan: Scan, reach: Reach, now: datetime) -> Report:
    """Build the `daily` export set: one row a day and combination; `origins` is not additive."""
    asked = resolve(query, reach, now, scan, is_shifting=False)
    refuse_epochs(asked, scan, ())
    days = parse_every("d", asked.query.tz)
    groups = {"date": days.expr} | {key: pl.col(column) for key, column in DAILY_KEYS.items()}
    groups |= {
        "version": pl.coalesce("package_version_normalized", "package_version"),
        "os": pl.coalesce("os_name", "package_os"),
        "arch": pl.coalesce("host_arch", "package_arch"),
        "country": pl.col("geo_country_iso_code"),
    }
    columns = [
        "timestamp",
        *DAILY_KEYS.values(),
        "package_version_normalized",
        "os_name",
        "package_os",
        "host_arch",
        "package_arch",
        "geo_country_iso_code",
    ]
    partials = compute_partials(asked, scan, groups, columns)
    rows = fold(partials, asked.metrics, tuple(groups)).sort(*groups, nulls_last=True)
    until = find_final_until(reach.sources, reach.newest)
    ends = rows.select("date").unique().with_columns(end=pl.col("date"))
    ends = ends.with_columns(final=(days.end_of(ends["date"]) <= until) if until is not None else pl.lit(value=False)).drop("end")
    rows = rows.join(ends, on="date", how="left", maintain_order="left").with_columns(schema_version=pl.lit(DAILY_VERSION))
    names = ("schema_version", *groups, *DAILY_METRICS, "final")
    kinds = dict.fromkeys(DAILY_METRICS, "count") | {"bytes": "bytes", "schema_version": "count"}
    shown = tuple(Column(name, name, kinds.get(name, "dimension")) for name in names)  # type: ignore[arg-type]
    return build_report(asked, partials, rows.select(names), shown, fold(partials, asked.metrics, ()))
