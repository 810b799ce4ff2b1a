"""Breakdowns: any metrics by up to three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.ordering import NOTHING, drop_nothing, place_releases, sort_rows, take_first, tell_untold
from pullstats.metrics.answers.presence import find_presence
from pullstats.metrics.answers.report_parts import build_report, dimension_columns, dimension_heads, metric_columns, name_others
from pullstats.metrics.answers.suppression import ENDPOINTS, find_takers, hide_small, is_few, refuse_few
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials, keep_rows
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.series import answer_series
from pullstats.metrics.store_events import StoreEvents
from pullstats.reports import Column, Report


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Any metrics by up to three dimensions; with `every`, through time.

    Attributes:
        query: what is asked.
    """

    query: Query

    def answer(self, events: StoreEvents) -> Report:
        """Answer one row per value of the dimensions or, with `every`, a series.

        Raises:
            UsageError: a name, window or filter that is not understood; uniques over several keys.
        """
        asked = resolve(self.query, events)
        asked = refuse_epochs(asked, asked.metrics)
        if self.query.every and self.query.min_origins:
            raise UsageError("a series has no --min-origins: its buckets of few endpoints would tell what a report hides; leave one of the two out")
        return warn_of_unseen(answer_series(asked) if self.query.every else break_down(asked)[0], asked)


def break_down(asked: Plan) -> tuple[Report, pl.DataFrame]:
    """Answer one row per value of the dimensions.

    Args:
        asked: the plan of the question.

    Returns:
        The answer; and the totals, one row with a column per metric by its key (`Metric.key`).
    """
    query = asked.query
    refuse_few(asked)
    groups = {dimension.key: dimension.expr(query.tz) for dimension in asked.dimensions}
    wanted = with_endpoints(asked)
    partials = compute_partials(replace(asked, metrics=wanted), groups, dimension_columns(asked))
    partials, takers = find_takers(asked, groups, dimension_columns(asked), partials)
    wanted = (*wanted, *takers)
    rows, total = fold(partials, wanted, tuple(groups)), fold(partials, wanted, ())
    places, notes = place_releases(rows, asked) if groups else (None, [])
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
    frame, presence = rows.select(column.name for column in columns), find_presence(asked)
    report = build_report(asked, partials, frame, columns, total, hidden=hidden, other_row=other_row, warnings=warnings, presence=presence)
    is_untold = len(asked.dimensions) == 1 and bool(tell_untold(rows, asked.dimensions))
    report = replace(report, meta=report.meta | {"is_untold": True}) if is_untold else report
    return report, total


def with_endpoints(asked: Plan) -> tuple[Metric, ...]:
    """Give the metrics, and the endpoints behind each row where few must not be told."""
    is_extra = bool(asked.query.min_origins) and ENDPOINTS not in asked.metrics
    return (*asked.metrics, ENDPOINTS) if is_extra else asked.metrics


def is_total_small(asked: Plan, partials: Partials, total: pl.DataFrame, takers: Sequence[Metric]) -> bool:
    """Tell whether all that is kept comes from too few endpoints, or was taken by too few, to be shown at all.

    Args:
        asked: the plan; without `min_origins` nothing is too few.
        partials: the tables.
        total: one row with the endpoints, and a column per taker.
        takers: metrics that count who took something.
    """
    return bool(asked.query.min_origins) and partials.kept > 0 and bool(total.select(is_few(asked.query.min_origins, takers)).item())


def _cut(
    rows: pl.DataFrame, asked: Plan, partials: Partials, metrics: tuple[Metric, ...], takers: Sequence[Metric]
) -> tuple[pl.DataFrame, int, int | None]:
    """Keep the first rows, and fold the others into one; returns how many `min_origins` hid, and which row is that of the others."""
    query, keys = asked.query, [dimension.key for dimension in asked.dimensions]
    if not keys:
        return rows, 0, None
    told = hide_small(rows, partials, query.min_origins, takers) if query.min_origins else rows
    shown, hidden = take_first(told, asked), rows.height - told.height
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
