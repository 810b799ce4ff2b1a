"""Questions to reports: breakdowns, series and the daily export set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.buckets import Buckets, parse_every
from pullstats.metrics.definitions import METRICS, Metric
from pullstats.metrics.partials import Partials, compute_partials, fold, keep_rows
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.reports import Column, Report

OTHER: Final = "other"
BUCKET: Final = "bucket"
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
        UsageError: a name, window or filter that is not understood.
    """
    asked = resolve(query, reach, now, is_shifting=is_shifting)
    return _series(asked, scan) if query.every else _breakdown(asked, scan)


def _breakdown(asked: Resolved, scan: Scan) -> Report:
    query = asked.query
    groups = {dimension.key: dimension.expr(query.tz) for dimension in asked.dimensions}
    names = [metric.name for metric in asked.metrics] + (["endpoints"] if query.min_origins else [])
    wanted = tuple(METRICS[name] for name in dict.fromkeys(names))
    partials = compute_partials(replace(asked, metrics=wanted), scan, groups, _columns(asked))
    rows = _sort(fold(partials, wanted, tuple(groups)), asked)
    rows, shown = _cut(rows, asked, partials, wanted)
    total = fold(partials, wanted, ())
    columns = [Column(dimension.key, dimension.name, "dimension") for dimension in asked.dimensions] + _metric_columns(asked.metrics)
    if query.has_percent:
        rows, shares = _add_shares(rows, total, asked.metrics)
        columns += shares
    frame = rows.select(column.name for column in columns)
    return _report(asked, partials, frame, tuple(columns), total, hidden=shown)


def _columns(asked: Resolved) -> list[str]:
    return [column for dimension in asked.dimensions for column in dimension.columns]


def _metric_columns(metrics: tuple[Metric, ...]) -> list[Column]:
    first = next((metric for metric in metrics if metric.additive), None)
    return [Column(metric.key, metric.title, metric.kind, additive=metric.additive, bar=metric is first) for metric in metrics]


def _sort(rows: pl.DataFrame, asked: Resolved) -> pl.DataFrame:
    """Order rows totally: by the metric asked for, then by the dimensions."""
    keys = [dimension.key for dimension in asked.dimensions]
    name = (asked.query.sort or asked.metrics[0].name).removeprefix("-")
    is_reversed = (asked.query.sort or "").startswith("-")
    known = {metric.name: metric.key for metric in asked.metrics} | {dimension.name: dimension.key for dimension in asked.dimensions}
    if name not in known:
        message = f"--sort '{name}' is not in this report; it has {', '.join(known)}"
        raise UsageError(message)
    is_metric = name in {metric.name for metric in asked.metrics}
    first, rest = known[name], [key for key in keys if key != known[name]]
    descending = [is_metric != is_reversed, *(False for _ in rest)]
    return rows.sort(first, *rest, descending=descending, nulls_last=True)


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


def _series(asked: Resolved, scan: Scan) -> Report:
    buckets = parse_every(asked.query.every or "d", asked.query.tz, asked.query.week_start)
    groups = {dimension.key: dimension.expr(asked.query.tz) for dimension in asked.dimensions} | {BUCKET: buckets.expr}
    partials = compute_partials(asked, scan, groups, [*_columns(asked), "timestamp"])
    total = fold(partials, asked.metrics, ())
    everything = buckets.range(asked.window, asked.reach)
    if not asked.dimensions:
        frame, columns = _points(asked, partials, everything, buckets)
        return _report(asked, partials, frame, columns, total)
    frame, columns = _lines(asked, partials, everything)
    return replace(_report(asked, partials, frame, columns, total), flat=_cells(asked, partials, frame, everything, buckets))


def _cells(
    asked: Resolved, partials: Partials, shown: pl.DataFrame, everything: pl.DataFrame, buckets: Buckets
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket and value, empty ones too, in the order in which the values are shown."""
    keys = [dimension.key for dimension in asked.dimensions]
    values = fold(keep_groups(partials, shown, keys), asked.metrics, (*keys, BUCKET))
    grid = everything.join(shown.select(keys), how="cross", maintain_order="left_right")
    rows = grid.join(values, on=[*keys, BUCKET], how="left", nulls_equal=True, maintain_order="left")
    zero = [metric.key for metric in asked.metrics if metric.kind in {"count", "bytes"}]
    rows = rows.with_columns(pl.col(zero).fill_null(0), bucket=buckets.label(rows[BUCKET]))
    dimensions = (Column(dimension.key, dimension.name, "dimension") for dimension in asked.dimensions)
    columns = (Column(BUCKET, BUCKET, "bucket"), *dimensions, *_metric_columns(asked.metrics))
    return rows.select(column.name for column in columns), columns


def _points(asked: Resolved, partials: Partials, everything: pl.DataFrame, buckets: Buckets) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a bucket, empty ones too; the last may be unfinished."""
    rows = everything.join(fold(partials, asked.metrics, (BUCKET,)), on=BUCKET, how="left").sort(BUCKET)
    zero = [metric.key for metric in asked.metrics if metric.kind in {"count", "bytes"}]
    ends = rows[BUCKET].dt.offset_by(buckets.every).dt.convert_time_zone("UTC")
    newest = asked.reach.newest
    final = (ends <= newest) if newest is not None else pl.Series([False] * rows.height)
    rows = rows.with_columns(pl.col(zero).fill_null(0), final=final, bucket=buckets.label(rows[BUCKET]))
    columns = (Column(BUCKET, BUCKET, "bucket"), *_metric_columns(asked.metrics), Column("final", "final", "text"))
    return rows.select(column.name for column in columns), columns


def _lines(asked: Resolved, partials: Partials, everything: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """One row a value, with a sparkline of the first metric over all buckets."""
    keys = [dimension.key for dimension in asked.dimensions]
    first = asked.metrics[0]
    totals = _sort(fold(partials, asked.metrics, tuple(keys)), asked)
    shown = totals.head(asked.query.limit) if asked.query.limit else totals
    cells = fold(keep_groups(partials, shown, keys), (first,), (*keys, BUCKET))
    grid = shown.select(keys).join(everything, how="cross").join(cells, on=[*keys, BUCKET], how="left", nulls_equal=True)
    lines = grid.sort(BUCKET).group_by(keys, maintain_order=True).agg(pl.col(first.key).fill_null(0).alias("trend"))
    rows = shown.join(lines, on=keys, how="left", nulls_equal=True, maintain_order="left")
    columns = (
        *(Column(dimension.key, dimension.name, "dimension") for dimension in asked.dimensions),
        *_metric_columns(asked.metrics),
        Column("trend", first.title, "spark"),
    )
    return rows.select(column.name for column in columns), columns


def keep_groups(partials: Partials, shown: pl.DataFrame, keys: list[str]) -> Partials:
    """Keep the groups whose keys are shown, whatever their bucket."""
    chosen = partials.plain.select(partials.keys).unique().join(shown.select(keys), on=keys, how="semi", nulls_equal=True)
    return keep_rows(partials, chosen, is_kept=True)


def daily_report(query: Query, scan: Scan, reach: Reach, now: datetime) -> Report:
    """Build the `daily` export set: one row a day and combination; `origins` is not additive."""
    asked = resolve(query, reach, now, is_shifting=False)
    zone = query.tz
    groups = {"date": pl.col("timestamp").dt.convert_time_zone(zone).dt.date()} | {key: pl.col(column) for key, column in DAILY_KEYS.items()}
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
    newest = reach.newest.astimezone(UTC) if reach.newest else None
    ends = (
        rows["date"]
        .cast(pl.Datetime("us"))
        .dt.offset_by("2d")
        .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    final = (ends <= newest).fill_null(value=False) if newest is not None else pl.Series([False] * rows.height)
    rows = rows.with_columns(schema_version=pl.lit(DAILY_VERSION), final=final)
    names = ("schema_version", *groups, *DAILY_METRICS, "final")
    kinds = dict.fromkeys(DAILY_METRICS, "count") | {"bytes": "bytes", "schema_version": "count"}
    shown = tuple(Column(name, name, kinds.get(name, "dimension")) for name in names)  # type: ignore[arg-type]
    return _report(asked, partials, rows.select(names), shown, fold(partials, asked.metrics, ()))


def _report(asked: Resolved, partials: Partials, frame: pl.DataFrame, columns: tuple[Column, ...], total: pl.DataFrame, *, hidden: int = 0) -> Report:
    meta = _meta(asked, partials, hidden)
    return Report(frame, columns, headline=_headline(asked, partials, total), footer=_footer(meta), meta=meta, is_empty=partials.kept == 0)


def _headline(asked: Resolved, partials: Partials, total: pl.DataFrame) -> str:
    """Say the totals in words; a count always beside the origins it comes from."""
    parts = []
    for metric in asked.metrics:
        if metric.kind == "count":
            count = total[metric.key].item() or 0
            noun = metric.title.removesuffix("s") if count == 1 else metric.title
            parts.append(f"{count:,} {noun}")
    if partials.counted is not None and "downloads" in total.columns:
        takers = partials.counted.filter(pl.col("downloads") > 0)["set_key"].drop_nulls().n_unique()
        parts = [part for part in parts if not part.endswith((" origins", " origin"))]
        return f"{', '.join(parts)} from {takers:,} {'origin' if takers == 1 else 'origins'}"
    return ", ".join(parts)


def _meta(asked: Resolved, partials: Partials, hidden: int) -> dict[str, Any]:
    window, reach = asked.window, asked.reach
    newest = reach.newest
    is_open = window.end is None or (newest is not None and newest < window.end)
    return {
        "window": {
            "label": window.label,
            "start": window.start.isoformat() if window.start else None,
            "end": window.end.isoformat() if window.end else None,
        },
        "tz": asked.query.tz,
        "counting_rule": asked.rule.label,
        "unique_level": asked.query.unique_by,
        "excluded": {"events": partials.read - partials.kept, "share": round(1 - partials.kept / partials.read, 6) if partials.read else 0.0},
        "hidden_rows": hidden,
        "completeness": {
            "newest_event": newest.isoformat() if newest else None,
            "is_provisional": is_open,
        },
        "warnings": list(asked.warnings),
    }


def _footer(meta: dict[str, Any]) -> str:
    window, completeness = meta["window"], meta["completeness"]
    span = f"window {window['label']}"
    if window["start"]:
        span += f" from {window['start'][:16]}"
    if window["end"]:
        span += f" to {window['end'][:16]}"
    parts = [f"{span} ({meta['tz']})", meta["counting_rule"], f"unique by {meta['unique_level']}"]
    excluded = meta["excluded"]
    parts.append(f"filters left out {excluded['share'] * 100:.1f} % of requests" if excluded["events"] else "no filters")
    if meta["hidden_rows"]:
        parts.append(f"{meta['hidden_rows']} small rows in other")
    newest = completeness["newest_event"]
    parts.append(f"logs reach to {newest[:16]}" if newest else "no events in the store")
    return " · ".join(parts)
