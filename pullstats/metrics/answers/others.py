"""What a limit cuts off a list, in one row, so that its columns add up."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pullstats.metrics.answers.report_parts import name_others
from pullstats.metrics.plan import Plan
from pullstats.reports import Column


def keep_first(rows: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Keep the first rows, or all where there is no limit (0).

    Args:
        rows: any, in order; `columns` stay as they are.
        limit: how many.
    """
    return rows.head(limit) if limit else rows


def cut_rows(rows: pl.DataFrame, asked: Plan, columns: Sequence[Column], sums: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame, int | None]:
    """Keep as many rows as are asked for, and fold the others into one behind them, unless nobody wants it.

    Args:
        rows: in order, with the columns that `columns` describes.
        asked: the plan of the question, for its limit.
        columns: how to read them; those that name rows are called so in the last one.
        sums: columns that add up; of the others nothing is told.

    Returns:
        The rows; those that were cut off; and where the row of the others is, if there is one.
    """
    limit = asked.query.limit
    if not limit or rows.height <= limit:
        return rows, rows.clear(), None
    head, rest = rows.head(limit), rows.slice(limit)
    if not asked.query.has_other:
        return head, rest, None
    names = [column.name for column in columns if column.kind in {"dimension", "bucket"}]
    labels = [pl.lit(label, pl.String).alias(name) for name, label in name_others(head, names).items()]
    last = rest.select(*(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in sums), *labels)
    return pl.concat([head.with_columns(pl.col(names).cast(pl.String)), last], how="diagonal_relaxed"), rest, limit
