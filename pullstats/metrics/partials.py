"""Partial answers: small tables that the events are read into once, and from which every answer is folded.

One row per group and key of a set (an origin, a package), or per group alone. Everything shown, the
rows, the row of the others and the totals, is folded from these tables as each metric declares, so a
total is the union it should be and never a sum of distinct counts. Tables of disjoint parts of the
events, as by network, are joined before folding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from pullstats.metrics.definitions import ELSEWHERE, METRICS
from pullstats.metrics.metric import Metric

VALUE: Final = "set_key"
IS_TAKER: Final = "is_taker"


@dataclass(frozen=True, slots=True)
class Partials:
    """Tables from which answers are folded.

    Attributes:
        keys: names of the group columns.
        plain: one row a group (and perhaps set key): sums, minima, maxima.
        sets: for each distinct count, one row a group and key; of downloaders those who took something.
        counted: for each counting rule, one row a group and unique: what the rule gives.
        read: events in the window.
        kept: events that the filters left.
        is_whole: whether the events were read at once, so that no set holds a key twice.
    """

    keys: tuple[str, ...]
    plain: pl.DataFrame
    sets: dict[str, pl.DataFrame]
    counted: dict[str, pl.DataFrame]
    read: int
    kept: int
    is_whole: bool = True

    def defines(self, metric: Metric) -> bool:
        """Tell whether it is known where there is nothing: 0 of an amount, if its counting rule says anything of it."""
        return metric.is_amount and (metric.rule not in self.counted or metric.tally in self.counted[metric.rule].columns)


def keep_takers(counted: pl.DataFrame, groups: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Give the groups and keys that have a download; none where the rule says nothing of downloads.

    Args:
        counted: what a rule gives, one row a group and key (`VALUE`).
        groups: the group columns by name.

    Returns:
        The group columns and `VALUE`.
    """
    return counted.filter(IS_TAKER).select(*groups, VALUE)


def name_groups(groups: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """Give the values of groups, each under its name."""
    return [expr.alias(name) for name, expr in groups.items()]


def base_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    """Add what ratios are made of, and requests, which the footer tells; leave out what rules count."""
    names = ["requests", *(part for metric in metrics for part in metric.parts)]
    found = (
        {name: METRICS[name] for name in names}
        | ({ELSEWHERE.name: ELSEWHERE} if any(metric.rule for metric in metrics) else {})
        | {metric.name: metric for metric in metrics if metric.expr is not None}
    )
    return list(found.values())


def keep_rows(partials: Partials, chosen: pl.DataFrame, *, is_kept: bool) -> Partials:
    """Keep the groups that are, or are not, among some rows.

    Args:
        partials: the tables.
        chosen: some rows, their groups in columns of `partials.keys`.
        is_kept: whether these stay, or all others.
    """
    how: Literal["semi", "anti"] = "semi" if is_kept else "anti"

    def pick(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(chosen, on=list(partials.keys), how=how, nulls_equal=True)

    return replace(
        partials,
        plain=pick(partials.plain),
        sets={name: pick(frame) for name, frame in partials.sets.items()},
        counted={label: pick(frame) for label, frame in partials.counted.items()},
    )


def keep_groups(partials: Partials, shown: pl.DataFrame, keys: Sequence[str]) -> Partials:
    """Keep the groups whose values of some keys are shown, whatever their other keys.

    Args:
        partials: the tables.
        shown: some rows, with columns `keys`.
        keys: some of `partials.keys`.
    """
    chosen = partials.plain.select(partials.keys).unique().join(shown.select(keys), on=list(keys), how="semi", nulls_equal=True)
    return keep_rows(partials, chosen, is_kept=True)


def merge_others(partials: Partials, shown: pl.DataFrame, labels: Mapping[str, str]) -> Partials:
    """Give all groups that are not shown the same name, so that they fold into one.

    Args:
        partials: the tables.
        shown: the groups that keep their names.
        labels: for each key of `shown`, what the others are called; keys become texts.
    """
    keys, marked = list(labels), shown.select([*labels]).with_columns(is_shown=pl.lit(value=True))
    is_other = pl.col("is_shown").is_null()

    def rename(frame: pl.DataFrame) -> pl.DataFrame:
        joined = frame.join(marked, on=keys, how="left", nulls_equal=True)
        names = [pl.when(is_other).then(pl.lit(label)).otherwise(pl.col(key).cast(pl.String)).alias(key) for key, label in labels.items()]
        return joined.with_columns(names).drop("is_shown")

    return replace(
        partials,
        plain=rename(partials.plain),
        sets={name: rename(frame) for name, frame in partials.sets.items()},
        counted={label: rename(frame) for label, frame in partials.counted.items()},
        is_whole=False,
    )
