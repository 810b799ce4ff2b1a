"""Rows of few people (`--min-origins`): hidden so that the others do not give them away.

What is hidden is folded into one row of others, which subtraction from the total would tell as
well. That row itself must not be one of few: while it would stand for too few endpoints, as a single
small row always does, the smallest of the shown rows joins it. Which rows are hidden depends on neither
metrics, limit nor order: else two answers would tell the difference of what they hide. And no filter may part few from the
rest: the same question without it would tell them by subtraction. Where downloaders are told, a row of
which few took anything is small as well, however many asked, and so is the row of the others. What the
difference of two windows, or of answers by other dimensions, tells is not covered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.definitions import DOWNLOADERS, METRICS
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials, keep_rows
from pullstats.metrics.plan import Plan

ENDPOINTS: Final = METRICS["endpoints"]
_BLOCK: Final = "block"


def find_takers(asked: Plan, groups: Mapping[str, pl.Expr], columns: Sequence[str], partials: Partials) -> tuple[Partials, tuple[Metric, ...]]:
    """Add the endpoints that took something, by each rule whose downloaders are told where few must not be.

    Args:
        asked: the plan of the question.
        groups: name and value of each group column.
        columns: event columns that the groups read.
        partials: the tables to add to.

    Returns:
        The tables with a set for each, and the metrics that count them.
    """
    told = [metric for metric in asked.metrics if DOWNLOADERS in {metric.name, metric.counts}]
    if not asked.query.min_origins or not told:
        return partials, ()
    takers = tuple(replace(metric, name=f"endpoints that took by {metric.rule}", counts=DOWNLOADERS, identity=ENDPOINTS.identity) for metric in told)
    own = replace(asked, query=replace(asked.query, unique_by="endpoint"), metrics=takers)
    found = compute_partials(own, dict(groups), columns)
    return replace(partials, sets=partials.sets | {metric.name: found.sets[metric.name] for metric in takers}), takers


def is_few(least: int, takers: Sequence[Metric]) -> pl.Expr:
    """Tell rows that come from too few endpoints, or of which too few took something.

    Args:
        least: endpoints that a row must have.
        takers: metrics that count the endpoints that took something.

    Returns:
        True for rows with `endpoints` and a column per metric of `takers`.
    """
    return pl.any_horizontal(pl.col(ENDPOINTS.key) < least, took_few(least, takers))


def took_few(least: int, takers: Sequence[Metric]) -> pl.Expr:
    """Tell rows of which some took something, but too few.

    Args:
        least: endpoints that must have taken something, if any did.
        takers: metrics that count them.

    Returns:
        True for rows with a column per metric of `takers`.
    """
    return pl.any_horizontal(pl.lit(value=False), *(pl.col(metric.key).is_between(1, least - 1) for metric in takers))


def refuse_few(asked: Plan) -> None:
    """Refuse a question whose filters leave out, or keep, events of few endpoints.

    Each filter is looked at for itself, in the order in which they apply; every request counts, whatever was answered.

    Raises:
        UsageError: what one leaves out, or what all keep, comes from 1 to `min_origins` - 1 endpoints.
    """
    least = asked.query.min_origins
    if least <= 1 or not asked.steps:
        return
    left = asked.inside({*asked.filter_columns, "endpoint_id"})
    parts = []
    for text, step in asked.steps:
        parts.append((f"{text} leaves out", left.filter(~step)))
        left = left.filter(step)
    parts.append(("what the filters keep comes from", left))
    for text, events in parts:
        count = int(events.select(pl.col("endpoint_id").drop_nulls().n_unique()).collect(engine="streaming").item())
        if 0 < count < least:
            raise UsageError(
                f"{text} fewer than {least} endpoints, which --min-origins {least} does not tell apart; filter by something that more share"
            )


def hide_small(rows: pl.DataFrame, partials: Partials, least: int, takers: Sequence[Metric] = (), within: Sequence[str] = ()) -> pl.DataFrame:
    """Choose which rows may be shown; neither which metrics, nor how many rows, nor which order is asked for changes that.

    Args:
        rows: some of the groups of `partials`, with its keys.
        partials: the tables that the rows were folded from.
        least: endpoints that a row must have.
        takers: count the endpoints of a row that took something, each by one rule.
        within: group columns for each value of which the others are one row of their own.

    Returns:
        The rows that may be shown, in order.
    """
    keys = list(partials.keys)
    plain = _choose(partials, least, (), within, None)
    # Rules hide each for themselves, beyond what all hide: what one question hides and another does not is then no row of few.
    for shown in (plain, *(_choose(partials, least, (taker,), within, plain) for taker in takers)):
        rows = rows.join(shown, on=keys, how="semi", nulls_equal=True, maintain_order="left")
    return rows


def _choose(partials: Partials, least: int, takers: tuple[Metric, ...], within: Sequence[str], chosen: pl.DataFrame | None) -> pl.DataFrame:
    """Give the groups that may be shown, of those chosen before if any were: none of few, nor the smallest while what is hidden is few."""
    keys, blocks = list(partials.keys), list(within) or [_BLOCK]
    own = pl.lit(0).alias(_BLOCK)
    rows = fold(partials, (ENDPOINTS, *takers), keys)
    shown = rows.filter(~is_few(least, takers))
    shown = shown if chosen is None else shown.join(chosen, on=keys, how="semi", nulls_equal=True)
    # Where too few of the hidden took something, only a row helps of which somebody did.
    is_idle = [pl.col(metric.key) == 0 for metric in takers]
    while (left := rows.join(shown, on=keys, how="anti", nulls_equal=True)).height:
        counts = fold(keep_rows(partials, left.select(keys), is_kept=True), (ENDPOINTS, *takers), within).with_columns(own)
        few = counts.filter(is_few(least, takers)).select(blocks)
        told = shown.with_columns(own).join(few, on=blocks, how="semi", nulls_equal=True)
        smallest = told.sort(*is_idle, ENDPOINTS.key, *keys, nulls_last=True).unique(blocks, keep="first", maintain_order=True)
        if not smallest.height:
            break
        shown = shown.join(smallest, on=keys, how="anti", nulls_equal=True)
    return shown
