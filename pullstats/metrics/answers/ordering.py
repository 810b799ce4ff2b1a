"""In which order rows stand, which of them a limit keeps, and which are rows of nothing.

Rows follow a metric, largest first, but for dimensions that have an order of their own (hours, days
of the week): these keep it, within the rows that stand before them. A limit keeps the rows that are
largest all the same, and the default limit cuts no day into pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import DIMENSIONS, RELEASE
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan
from pullstats.metrics.synonyms import name_dimension, name_metric
from pullstats.metrics.version_order import place_version

_PLACE: Final = "place"
_NAMED: Final = 3
"""Releases without an order that are named."""
NOTHING: Final = "nothing of what is asked for was counted: every row would be 0"


def name_metrics(metrics: Sequence[Metric]) -> dict[str, str]:
    """Tell which column each name of a metric stands for.

    Args:
        metrics: those shown; where several rules count one, its bare name stands for that of the first.

    Returns:
        Keys (columns) by names.
    """
    return {metric.counts: metric.key for metric in reversed(metrics) if metric.counts} | {metric.name: metric.key for metric in metrics}


def sort_rows(rows: pl.DataFrame, asked: Plan, places: Mapping[str, int] | None = None) -> pl.DataFrame:
    """Order rows totally: as asked for; else by the first metric and, where dimensions have an order of their own, by that.

    Args:
        rows: one a group.
        asked: the question.
        places: where each release stands, as `place_releases` tells.
    """
    if asked.query.sort is None and has_own_order(asked):
        return _sort_in_order(rows, asked)
    return _sort_by(rows, asked, places)


def place_releases(rows: pl.DataFrame, asked: Plan) -> tuple[dict[str, int] | None, list[str]]:
    """Put releases in the order of their ecosystems, where that is asked for.

    Args:
        rows: one a group, with `release`.
        asked: the plan of the question.

    Returns:
        The place of each release that has one, None where nothing is to be ordered by it; and what cannot be put in order.
    """
    name = (asked.query.sort or "").removeprefix("-")
    if name_dimension(name) != RELEASE or not any(dimension.name == RELEASE for dimension in asked.dimensions):
        return None, []
    events = asked.inside([RELEASE, "package_type"])
    known = events.select(RELEASE, "package_type").drop_nulls().unique().sort("package_type").collect()
    of = dict(reversed(known.rows()))
    told = rows[RELEASE].drop_nulls().unique().sort().to_list()
    found = [(of.get(text, ""), place, text) for text in told if (place := place_version(of.get(text), text)) is not None]
    ordered = [text for ecosystem in sorted({one[0] for one in found}) for _, _, text in sorted(one for one in found if one[0] == ecosystem)]
    notes, strange = [], [text for text in told if text not in set(ordered)]
    if strange:
        more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
        notes.append(f"these releases have no place in the order of versions and stand last: {', '.join(strange[:_NAMED])}{more}")
    if len({one[0] for one in found}) > 1:
        notes.append("versions of different ecosystems have no common order: they stand by ecosystem")
    return {text: place for place, text in enumerate(ordered)}, notes


def has_own_order(asked: Plan) -> bool:
    """Tell whether a dimension asked for has an order of its own."""
    return any(dimension.is_ordered for dimension in asked.dimensions)


def take_first(rows: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Keep as many rows as are asked for: the first ones, or where their order is their own, the largest ones in that order.

    Args:
        rows: as `sort_rows` gives them.
        asked: the question.
    """
    limit = asked.query.limit
    if not limit or rows.height <= limit:
        return rows
    if asked.query.sort is not None or not has_own_order(asked):
        return rows.head(limit)
    return _sort_by(rows.with_row_index(_PLACE), asked).head(limit).sort(_PLACE).drop(_PLACE)


def drop_nothing(rows: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Leave out the rows that say nothing: whose metrics are all null, or amounts of 0; a share of 0 does say something.

    Args:
        rows: one a group, a column per metric by its key (`Metric.key`).
        metrics: those shown.

    Returns:
        The rows that are left, in their order; all of them where no metric is shown.
    """
    said = [pl.col(metric.key).fill_null(0) != 0 if metric.is_amount else pl.col(metric.key).is_not_null() for metric in metrics]
    return rows.filter(pl.any_horizontal(said)) if said else rows


def tell_untold(rows: pl.DataFrame, dimensions: Sequence[Dimension]) -> list[str]:
    """Say of each dimension that no row has a value of, and what would tell it.

    Args:
        rows: one a group, a column per dimension by its key (`Dimension.key`); nothing is said of none.
        dimensions: those shown.

    Returns:
        A sentence a dimension.
    """
    if not rows.height:
        return []
    untold = [dimension for dimension in dimensions if rows[dimension.key].null_count() == rows.height]
    return [f"no request here tells its {one.name}{f': {one.told_by}' if one.told_by else ''}" for one in untold]


def _sort_by(rows: pl.DataFrame, asked: Plan, places: Mapping[str, int] | None = None) -> pl.DataFrame:
    """Order rows by the metric or dimension asked for, then by the dimensions."""
    keys = [dimension.key for dimension in asked.dimensions]
    name = (asked.query.sort or asked.metrics[0].name).removeprefix("-")
    is_reversed = (asked.query.sort or "").startswith("-")
    metrics = name_metrics(asked.metrics)
    known = metrics | {dimension.name: dimension.key for dimension in asked.dimensions}
    name = next((one for one in (name, name_metric(name), name_dimension(name)) if one in known), name)
    if name not in known:
        raise _refuse_sort(name, known)
    rest = [key for key in keys if key != known[name]]
    descending = [(name in metrics) != is_reversed, *(False for _ in rest)]
    orders = {dimension.key: order_values(dimension, asked) for dimension in asked.dimensions}
    if places is not None:
        orders[RELEASE] = pl.col(RELEASE).replace_strict(places, default=None, return_dtype=pl.Int64)
        rows = rows.sort(RELEASE, nulls_last=True)  # those without a place, and none at all behind them
    by = [orders.get(known[name], pl.col(known[name])), *(orders[key] for key in rest)]
    return rows.sort(by, descending=descending, nulls_last=True, maintain_order=places is not None)


def _sort_in_order(rows: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Order rows by one dimension after the other: by its own order, else by what its values sum up to in the first metric."""
    metric = asked.metrics[0]
    by: list[pl.Expr] = []
    descending: list[bool] = []
    for number, dimension in enumerate(asked.dimensions, 1):
        if not dimension.is_ordered:
            within = [one.key for one in asked.dimensions[:number]]
            amount = pl.col(metric.key).max() if metric.is_extreme else pl.col(metric.key).sum()
            by.append(amount.over(within))
            descending.append(True)
        by.append(order_values(dimension, asked))
        descending.append(False)
    return rows.sort(by, descending=descending, nulls_last=True)


def order_values(dimension: Dimension, asked: Plan) -> pl.Expr:
    """Give what a dimension's values are sorted by: those known beforehand as they are declared, days of the week from `week_start` on.

    Args:
        dimension: one of the question.
        asked: its plan, for `week_start`.
    """
    value = pl.col(dimension.key)
    if not dimension.values:
        return value
    values = dimension.values
    if dimension.name == "weekday":
        first = values.index(asked.query.week_start[:3])
        values = (*values[first:], *values[:first])
    return value.cast(pl.Enum(values), strict=False)


def find_sort(sort: str, rows: pl.DataFrame) -> tuple[str, bool]:
    """Find the column that rows are sorted by, and whether what is largest comes first: of numbers and times, and with `-` of texts instead.

    Args:
        sort: as `--sort` gives it.
        rows: with the columns that it may name.

    Raises:
        UsageError: it names none of them, with the nearest.
    """
    name = sort.removeprefix("-").replace("-", "_")
    if name not in rows.columns:
        noun = "column to sort by"
        raise unknown_name(noun, name, rows.columns)
    return name, (rows.schema[name] != pl.String) != sort.startswith("-")


def _refuse_sort(name: str, known: Mapping[str, str]) -> UsageError:
    option = "--metric" if name in METRICS else "--by" if name in DIMENSIONS else ""
    if option:
        return UsageError(f"--sort '{name}' is not in this report; name it with {option} too, or sort by {', '.join(known)}")
    noun = "column to --sort by"
    return unknown_name(noun, name, known)
