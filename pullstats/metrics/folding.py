"""From partial answers to rows: sums add, extremes compare, sets unite, ratios divide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import VALUE, Partials, base_metrics, keep_takers

ALL: Final = "all_rows"

CountSet = Callable[[pl.DataFrame, Sequence[str], str], pl.DataFrame]
"""From a set's rows, the columns to count by and a name to the counts under that name."""


def fold(partials: Partials, metrics: Sequence[Metric], keys: Sequence[str], count_set: CountSet | None = None) -> pl.DataFrame:
    """Fold the tables to one row per value of `keys` (a subset of the groups; none gives the total).

    Args:
        partials: the tables.
        metrics: what to fold.
        keys: columns of the rows.
        count_set: counts the keys of a set; by default those of each row.

    Returns:
        `keys` and a column per metric, named by its key; null where a counting rule says nothing of it.
    """
    base = base_metrics(metrics)
    simple = [metric for metric in base if metric.is_folded and metric.name in partials.plain.columns]
    frames = [refold(partials.plain, keys, simple)]
    count_set = count_set or (_count_distinct if partials.is_whole and tuple(keys) == partials.keys else _count_set)
    unions = {metric.name: metric for metric in (*base, *metrics) if metric.is_distinct and metric.name in partials.sets}
    frames += [count_set(partials.sets[name], keys, name) for name in unions]
    frames += [_refold_counted(frame, keys, label, metrics) for label, frame in partials.counted.items()]
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join(frame, on=[*keys] or [ALL], how="full", coalesce=True, nulls_equal=True)
    joined = _add_ratios(joined, metrics)
    undefined = [pl.lit(None, pl.Int64).alias(metric.name) for metric in metrics if metric.name not in joined.columns]
    zero = [metric.name for metric in metrics if metric.is_amount and metric.name in joined.columns]
    joined = joined.with_columns(pl.col(zero).fill_null(0), *undefined)
    return joined.select(*keys, *(pl.col(metric.name).alias(metric.key) for metric in metrics))


def _refold_counted(frame: pl.DataFrame, keys: Sequence[str], label: str, metrics: Sequence[Metric]) -> pl.DataFrame:
    found = {metric.name: metric.tally for metric in metrics if metric.rule == label and not metric.is_distinct}
    return _group(frame, keys, [pl.col(column).sum().alias(name) for name, column in found.items() if column in frame.columns])


def _group(frame: pl.DataFrame, keys: Sequence[str], folds: Sequence[pl.Expr]) -> pl.DataFrame:
    if keys:
        return frame.group_by(*keys, maintain_order=False).agg(*folds)
    return frame.select(*folds, pl.lit(0).alias(ALL)).head(1)


def refold(frame: pl.DataFrame, keys: Sequence[str], simple: Sequence[Metric]) -> pl.DataFrame:
    """Fold values of sums and extremes, a column each by its name, to one row per value of `keys`; without keys to one, with `ALL`.

    Args:
        frame: values, one or more rows a group.
        keys: columns of the rows.
        simple: sums and extremes that are columns of it.
    """
    return _group(frame, keys, [metric.fold(pl.col(metric.name)) for metric in simple])


def _count_set(frame: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    return _count_distinct(frame.select(*keys, VALUE).unique(), keys, name)


def _count_distinct(frame: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Count the keys of a set that holds each of them once for every row."""
    return _group(frame.drop_nulls(VALUE), keys, [pl.len().cast(pl.Int64).alias(name)])


def _add_ratios(joined: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    ratios = [(pl.col(metric.parts[0]) / pl.col(metric.parts[1])).alias(metric.name) for metric in metrics if metric.parts]
    return joined.with_columns(ratios) if ratios else joined


def count_takers(partials: Partials, label: str) -> int | None:
    """Count the uniques that downloaded at least once; None where the rule counts no downloads, or nobody asked whose they are.

    Args:
        partials: the tables.
        label: of a counting rule.
    """
    frame = partials.counted.get(label)
    if frame is None or not {"downloads", VALUE}.issubset(frame.columns):
        return None
    return keep_takers(frame, {})[VALUE].drop_nulls().n_unique()
