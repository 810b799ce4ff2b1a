"""The daily export set: stable columns for cron."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.report_parts import OTHER, build_report
from pullstats.metrics.answers.suppression import ENDPOINTS, find_takers, hide_small, refuse_few, took_few
from pullstats.metrics.definitions import DOWNLOADERS
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials, keep_groups, keep_rows
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import is_total_small, with_endpoints
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.buckets import parse_every
from pullstats.metrics.time.completeness import find_final_until
from pullstats.metrics.time.windows import midnight
from pullstats.reports import Column, Report

DAILY_VERSION: Final = 2
DAILY_KEYS: Final = {
    "package_type": "package_type",
    "package": "package_name",
    "version": "package_version",
    "client": "user_agent_name",
}
DAILY_GROUPS: Final = ("date", *DAILY_KEYS, "os", "arch", "country")
"""The columns that name a row."""
DAILY_METRICS: Final = ("requests", "bytes", "downloads", DOWNLOADERS, "checks", "origins")


@dataclass(frozen=True, slots=True)
class Daily:
    """The `daily` export set: one row a day and combination; `downloaders` and `origins` are not additive.

    Attributes:
        query: what is asked; its metrics are `DAILY_METRICS`, and its window never shifts.
        is_final_only: leave out the days that may still change.
    """

    query: Query
    is_final_only: bool = False

    def answer(self, events: StoreEvents) -> Report:
        """Build the set.

        Raises:
            UsageError: a window or filter that is not understood; a filter that would tell few apart.
        """
        asked = resolve(replace(self.query, is_shifting=False), events)
        asked = refuse_epochs(_end_with_final(asked) if self.is_final_only else asked, ())
        refuse_few(asked)
        return _build(asked)


def _end_with_final(asked: Plan) -> Plan:
    """End the window of a plan before the first day that may still change."""
    until = find_final_until(asked.extent.sources, asked.extent.newest)
    if until is None:
        return asked
    zone, window = ZoneInfo(asked.query.tz), asked.window
    end = midnight(until.astimezone(zone).date(), zone)
    return asked if window.end is not None and window.end <= end else replace(asked, window=replace(window, end=end))


def _build(asked: Plan) -> Report:
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
    wanted = with_endpoints(asked)
    partials = compute_partials(replace(asked, metrics=wanted), groups, columns)
    partials, takers = find_takers(asked, groups, columns, partials)
    rows = fold(partials, (*wanted, *takers), tuple(groups)).sort(*groups, nulls_last=True)
    is_small = is_total_small(asked, partials, fold(partials, (*wanted, *takers), ()), takers)
    rows, hidden = _hide_small_days(rows, asked, partials, wanted, takers)
    until = find_final_until(asked.extent.sources, asked.extent.newest)
    ends = rows.select("date").unique().with_columns(end=pl.col("date"))
    ends = ends.with_columns(final=(days.end_of(ends["date"]) <= until) if until is not None else pl.lit(value=False)).drop("end")
    rows = rows.join(ends, on="date", how="left", maintain_order="left").with_columns(schema_version=pl.lit(DAILY_VERSION))
    names = ("schema_version", *groups, *DAILY_METRICS, "final")
    kinds = dict.fromkeys(DAILY_METRICS, "count") | {"bytes": "bytes", "schema_version": "count"}
    shown = tuple(Column(name, name, kinds.get(name, "dimension")) for name in names)  # type: ignore[arg-type]
    total, told = _total_rows(rows, partials, wanted) if hidden else (fold(partials, wanted, ()), partials)
    return build_report(asked, told, rows.select(names), shown, None if is_small else total, hidden=hidden)


def _total_rows(rows: pl.DataFrame, partials: Partials, metrics: tuple[Metric, ...]) -> tuple[pl.DataFrame, Partials]:
    """Total what the rows tell, and nothing else: neither days that are left out, nor what few took on others; with the tables of what is told throughout."""
    dates = pl.DataFrame({"date": partials.plain["date"].unique()})
    whole = keep_groups(partials, dates.join(rows, on="date", how="semi"), ["date"])
    untold = rows.filter(pl.col("downloads").is_null()).select("date")
    if not untold.height:
        return fold(whole, metrics, ()), whole
    named = rows.filter(pl.col("downloads").is_not_null())
    is_told = pl.col("date").is_in(untold["date"].implode()).not_()
    groups = pl.concat([whole.plain.select(whole.keys).unique().filter(is_told), named.filter(~is_told).select(whole.keys)]).unique()
    told = keep_rows(whole, groups, is_kept=True)
    taken = fold(told, metrics, ()).select(metric.key for metric in metrics if metric.tally == "downloads")
    return fold(whole, metrics, ()).with_columns(taken.get_columns()), told


def _hide_small_days(
    rows: pl.DataFrame, asked: Plan, partials: Partials, metrics: tuple[Metric, ...], takers: tuple[Metric, ...]
) -> tuple[pl.DataFrame, int]:
    """Fold each day's rows of few endpoints into one whose package is `other`.

    A day that has too few is left out, and of one on which too few took something it is not told what they took.
    """
    least = asked.query.min_origins
    shown = hide_small(rows, partials, least, takers, within=("date",)) if least else rows
    if shown.height == rows.height:
        return rows, 0
    rest = fold(keep_rows(partials, shown.select(partials.keys), is_kept=False), (*metrics, *takers), ("date",))
    rest = rest.filter(pl.col(ENDPOINTS.key) >= least).with_columns(pl.lit(OTHER).alias("package"))
    taken = [metric.key for metric in metrics if metric.tally == "downloads"]
    rest = rest.with_columns(pl.when(~took_few(least, takers)).then(pl.col(name)).alias(name) for name in taken)
    return pl.concat([shown, rest], how="diagonal").sort(*partials.keys, nulls_last=True), rows.height - shown.height
