"""Rows of few people (`--min-origins`): hidden so that the others do not give them away.

What is hidden is folded into one row of others, which subtraction from the total would tell as
well. That row itself must not be one of few: while it would stand for too few endpoints, as a single
small row always does, the smallest of the shown rows joins it. And no filter may part few from the
rest: the same question without it would tell them by subtraction. What the difference of two windows
tells is not covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.partials import Partials, fold, keep_rows
from pullstats.metrics.query import Resolved, Scan

ENDPOINTS: Final = METRICS["endpoints"]
_BLOCK: Final = "block"
_PLACE: Final = "place"


def refuse_few(asked: Resolved, scan: Scan) -> None:
    """Refuse a question whose filters leave out, or keep, events of few endpoints.

    Each filter is looked at for itself, in the order in which they apply; every request counts, whatever was answered.

    Raises:
        UsageError: what one leaves out, or what all keep, comes from 1 to `min_origins` - 1 endpoints.
    """
    least = asked.query.min_origins
    if least <= 1 or not asked.steps:
        return
    columns = sorted({*asked.filter_columns, "timestamp", "endpoint_id"})
    left = asked.window.keep(scan(columns, asked.window.start, asked.window.end))
    parts = []
    for text, step in asked.steps:
        parts.append((f"{text} leaves out", left.filter(~step)))
        left = left.filter(step)
    parts.append(("what the filters keep comes from", left))
    for text, events in parts:
        count = int(events.select(pl.col("endpoint_id").drop_nulls().n_unique()).collect(engine="streaming").item())
        if 0 < count < least:
            message = f"{text} fewer than {least} endpoints, which --min-origins {least} does not tell apart; filter by something that more share"
            raise UsageError(message)


def hide_small(rows: pl.DataFrame, shown: pl.DataFrame, partials: Partials, least: int, within: Sequence[str] = ()) -> pl.DataFrame:
    """Choose which rows may be shown.

    Args:
        rows: all rows, one a group of `partials`, with `endpoints`.
        shown: those of them that have `least` endpoints and are not cut off for another reason, in order.
        partials: the tables that the rows were folded from.
        least: endpoints that a row must have.
        within: group columns for each value of which the others are one row of their own.

    Returns:
        The rows of `shown` that stay, in order.
    """
    blocks = [*within] or [_BLOCK]
    rows, shown = (frame if within else frame.with_columns(pl.lit(0).alias(_BLOCK)) for frame in (rows, shown))
    small = rows.filter(pl.col(ENDPOINTS.key) < least).select(blocks).unique()
    while True:
        left = rows.join(shown, on=list(partials.keys), how="anti", nulls_equal=True)
        counts = fold(keep_rows(partials, left.select(partials.keys), is_kept=True), (ENDPOINTS,), within)
        counts = counts if within else counts.with_columns(pl.lit(0).alias(_BLOCK))
        told = counts.filter(pl.col(ENDPOINTS.key) < least).join(small, on=blocks, how="semi", nulls_equal=True)
        smallest = shown.with_row_index(_PLACE).join(told, on=blocks, how="semi", nulls_equal=True)
        smallest = smallest.sort(ENDPOINTS.key, _PLACE, descending=[False, True]).unique(blocks, keep="first", maintain_order=True)
        if not smallest.height:
            return shown.select(pl.exclude(_BLOCK))
        shown = shown.join(smallest, on=list(partials.keys), how="anti", nulls_equal=True, maintain_order="left")
