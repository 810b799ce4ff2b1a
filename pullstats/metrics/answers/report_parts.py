"""What stands around the numbers: headline, footer, and what `--meta` adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.headline import describe_total
from pullstats.metrics.answers.meta import build_meta, describe_meta
from pullstats.metrics.answers.presence import Presence
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.reports import Column, Report

OTHER: Final = "other"
ALL_OTHERS: Final = "all others"
TOTAL: Final = "total"
ALL_ROWS: Final = "all rows"


def build_report(
    asked: Plan,
    partials: Partials,
    frame: pl.DataFrame,
    columns: Sequence[Column],
    total: pl.DataFrame | None,
    *,
    hidden: int = 0,
    other_row: int | None = None,
    warnings: Sequence[str] = (),
    presence: Presence | None = None,
) -> Report:
    """Put headline, footer and meta around a frame; without a total, too few made it to tell.

    Where a row of totals is asked for, it becomes the last of the frame.

    Args:
        asked: the plan of the question.
        partials: the tables it is folded from.
        frame: one row a group, in order.
        columns: how to read each column of it.
        total: one row, a column per metric by its key; None where too few are behind it.
        hidden: rows that `min_origins` hides.
        other_row: place of the row of the others.
        warnings: what must be said besides what the plan says.
        presence: who asked, None where it is not told.
    """
    meta = build_meta(asked, partials, hidden, warnings) | {"other_row": other_row}
    if total is None:
        headline = f"no total is told: fewer than {asked.query.min_origins:,} endpoints are behind it (--min-origins)"
    else:
        headline = describe_total(asked, partials, total, presence)
        meta |= {"totals": _name_totals(asked, total), "one_day_share": presence.one_day_share if presence else None}
        meta |= {"asked": {asked.level.key: presence.asked}} if presence else {}
        if asked.query.has_total and frame.height:
            frame = append_total(frame, columns, total)
            meta["total_row"] = frame.height - 1
    return Report(frame, tuple(columns), headline=headline, footer=describe_meta(meta), meta=meta, is_empty=partials.kept == 0)


def build_table(asked: Plan, frame: pl.DataFrame, columns: Sequence[Column], *, warnings: Sequence[str] = ()) -> Report:
    """Put footer and meta around rows that no metric makes.

    Args:
        asked: the plan of the question.
        frame: the rows, in order, with the columns that `columns` describes.
        columns: how to read each column of them.
        warnings: what must be said besides what the plan says.
    """
    bare = replace(asked, metrics=())
    return build_report(bare, compute_partials(bare, {}, []), frame, columns, pl.DataFrame(), warnings=warnings)


def _name_totals(asked: Plan, total: pl.DataFrame) -> dict[str, Any]:
    """Give the totals by the names of their columns."""
    totals = total.row(0, named=True) if total.height else {}
    return {metric.key: totals[metric.key] for metric in asked.metrics if metric.key in totals}


def append_total(frame: pl.DataFrame, columns: Sequence[Column], total: pl.DataFrame) -> pl.DataFrame:
    """Add the totals as a row that is called so in every column that names rows; none where nothing names them.

    Args:
        frame: the rows, with the columns that `columns` describes.
        columns: how to read them.
        total: one row, a column per metric by its key (`Metric.key`).

    Returns:
        The rows with one more at the end; columns that name rows are text then.
    """
    heads = [column.name for column in columns if column.kind in {"dimension", "bucket"}]
    if not heads:
        return frame
    texts = frame.with_columns(pl.col(heads).cast(pl.String))
    row: dict[str, Any] = {name: ALL_ROWS if TOTAL in texts[name] else TOTAL for name in heads}
    for column in columns:
        if column.name in total.columns:
            row[column.name] = total[column.name].item()
        elif column.kind == "share":
            row[column.name] = 1.0 if total[column.name.removesuffix("_share")].item() else None
    last = pl.DataFrame([{name: row.get(name) for name in frame.columns}], schema=texts.schema)
    return pl.concat([texts, last])


def metric_columns(metrics: Sequence[Metric]) -> list[Column]:
    """Describe the columns of metrics; the first additive one gets a bar."""
    first = next((metric for metric in metrics if metric.additive), None)
    return [Column(metric.key, metric.title, metric.kind, additive=metric.additive, bar=metric is first) for metric in metrics]


def dimension_columns(asked: Plan) -> list[str]:
    """Name the event columns that the dimensions of a plan, `asked`, read."""
    return [column for dimension in asked.dimensions for column in dimension.columns]


def dimension_heads(asked: Plan) -> list[Column]:
    """Describe the columns of the dimensions of a plan, `asked`, in its order."""
    return [
        Column(dimension.key, dimension.name, "dimension", value=dimension.type, has_unknown=dimension.has_unknown) for dimension in asked.dimensions
    ]


def name_others(shown: pl.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """Name the row of the others in each column; a value may be spelled like it: then that row has another name.

    Args:
        shown: the rows shown, `keys` as texts or not.
        keys: columns that name rows.

    Returns:
        By column what the row of the others is called.
    """
    return {key: ALL_OTHERS if OTHER in shown[key].cast(pl.String) else OTHER for key in keys}
