"""Two windows, or two filters, side by side: what changed, and whether more than it always does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.meta import build_meta, describe_meta
from pullstats.metrics.answers.ordering import order_values
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.presence import CLIENTS, find_presence
from pullstats.metrics.answers.report_parts import dimension_columns, dimension_heads, name_others
from pullstats.metrics.answers.unseen import tell_unseen
from pullstats.metrics.comparing.alignment import align_windows, describe_windows, is_outside
from pullstats.metrics.comparing.joint_level import LEVEL
from pullstats.metrics.comparing.periods import group_by_day
from pullstats.metrics.comparing.sides import find_filters, find_windows
from pullstats.metrics.comparing.verdicts import Judgement, judge_comparison
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials, keep_rows
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.percentages import write_change, write_level, write_share
from pullstats.reports import Column, Report

_VERDICT_COLUMNS: Final = (
    Column("low", f"{write_level(1 - LEVEL)} interval from", "number"),
    Column("high", "to", "number"),
    Column("smallest", "detectable rise", "number"),
    Column("per", "per", "text"),
    Column("verdict", "verdict", "prose"),
)
"""The interval of a difference, the least rise that a verdict would see four times in five, whether these are of the window or a day, and the verdict."""
_LONGEST: Final = 16
"""Longest name of a side that stands over its column."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, metric by metric.

    Attributes:
        query: what is asked of both.
        left: a window, a filter, or a version, host or backend.
        right: the other one.
        is_like_for_like: cut both to the same weekdays and the same elapsed part.
    """

    query: Query
    left: str
    right: str
    is_like_for_like: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """Both sides, as written."""
        return self.left, self.right

    def answer(self, events: StoreEvents) -> Report:
        """Compare two sides.

        Raises:
            UsageError: a side that is nothing of all this, or one a window and the other a filter.
        """
        if self.query.min_origins:
            raise UsageError(
                "compare sets numbers side by side however few are behind them, so it takes no --min-origins; leave it out (--min-origins 0)"
            )
        base = resolve(self.query, events)
        if strange := [metric.name for metric in base.metrics if not metric.is_comparable]:
            raise UsageError(f"compare sets amounts side by side, and {strange[0]} is a time; leave it out of --metric")
        windows = find_windows(base, self.names)
        if windows:
            asked, notes = align_windows(windows) if self.is_like_for_like else (windows, [])
            notes = [*notes, *describe_windows(asked)]
        else:
            asked = find_filters(base, self.names)
            notes = ["two filters share one window: --like-for-like has nothing to cut"] if self.is_like_for_like else []
        for one in asked:
            refuse_epochs(one, one.metrics)
        return _compare(asked, self, notes, is_filtered=not windows)


def _compare(asked: Sequence[Plan], sides: Comparison, notes: list[str], *, is_filtered: bool) -> Report:
    left = asked[0]
    metrics = left.metrics
    groups = {dimension.key: dimension.expr(left.query.tz) for dimension in left.dimensions}
    is_daily = is_filtered and not groups
    read = (group_by_day(left.query.tz), ["timestamp"]) if is_daily else (groups, dimension_columns(left))
    partials = [compute_partials(one, *read) for one in asked]
    total = _join([fold(part, metrics, ()) for part in partials], (), metrics)
    rows = _break_down(partials, left) if groups else total
    heads = [name if len(name) <= _LONGEST else letter for name, letter in zip(sides.names, "ab", strict=True)]
    columns = [*dimension_heads(left), Column("metric", "metric", "text"), Column("a", heads[0], "number"), Column("b", heads[1], "number")]
    columns += [Column("difference", "difference", "number"), Column("change", "change", "change")]
    if not groups:
        values = [dict(rows.select("metric", side).rows()) for side in "ab"]
        judgement = judge_comparison(asked, metrics, values, daily=partials if is_daily else ())
        rows = rows.with_columns(_spread_verdicts(judgement))
        columns += _VERDICT_COLUMNS
        notes = [*notes, *judgement.notes]
    if is_filtered:
        notes = [
            *notes,
            *dict.fromkeys(text for one, part in zip(asked, partials, strict=True) for text in tell_unseen(one, is_empty=part.kept == 0)),
        ]
    outside = [side for side, one in zip("ab", asked, strict=True) if is_outside(one)]
    rows, total = (_forget(table, outside) for table in (rows, total))
    if rows.filter((pl.col("a") == 0) & (pl.col("b") != 0)).height:
        notes = [*notes, f"where {sides.left} has nothing, there is no relative change"]
    meta = _build_meta(asked, partials, sides, notes)
    is_judged = not groups and rows["low"].null_count() < rows.height
    level = f" · verdicts at the {write_level(LEVEL)} level, all metrics together" if is_judged else ""
    footer = f"a: {sides.left} · b: {sides.right} · {describe_meta(meta)}{level}"
    is_empty = all(part.kept == 0 for part in partials)
    frame = rows.select(column.name for column in columns)
    return Report(frame, tuple(columns), headline=_describe(total, metrics) or _describe_unknown(asked), footer=footer, meta=meta, is_empty=is_empty)


def _build_meta(asked: Sequence[Plan], partials: Sequence[Partials], sides: Comparison, notes: Sequence[str]) -> dict[str, Any]:
    """Give what the numbers need to be read right; of each side by itself what its filters leave out, and how many stayed for a day alone."""
    left, right = asked
    meta = build_meta(right, partials[1], warnings=[*(warning for warning in left.warnings if warning not in right.warnings), *notes])
    other = build_meta(left, partials[0])
    for letter, one, name, told in zip("ab", asked, sides.names, (other, meta), strict=True):
        has_uniques = any(metric.name in CLIENTS or (metric.rule and metric.merge == "union") for metric in one.metrics)
        presence = find_presence(one) if has_uniques else None
        share = presence.one_day_share if presence else None
        meta[letter] = told["window"] | {"side": name, "excluded": told["excluded"], "one_day_share": share}
    meta["redirected_readings"] += other["redirected_readings"]
    return meta


def _forget(rows: pl.DataFrame, sides: Sequence[str]) -> pl.DataFrame:
    """Leave open what no log tells of: 0 would be a claim."""
    names = [*sides, *(("difference", "change") if sides else ())]
    return rows.with_columns(pl.lit(None, rows.schema[name]).alias(name) for name in names)


def _spread_verdicts(judgement: Judgement) -> list[pl.Series]:
    """Give the columns of verdicts."""
    numbers = [pl.Series(name, [getattr(one, name) for one in judgement.verdicts], pl.Float64) for name in ("low", "high", "smallest")]
    return [*numbers, pl.Series("per", judgement.per, pl.String), pl.Series("verdict", [one.text for one in judgement.verdicts], pl.String)]


def _break_down(partials: Sequence[Partials], asked: Plan) -> pl.DataFrame:
    """Give a row a group and metric, the group that differs most in the first metric first; what the limit cuts off is one row.

    Groups of a dimension that has an order of its own, as weekdays have, stand in it.
    """
    keys, metrics, limit = tuple(dimension.key for dimension in asked.dimensions), asked.metrics, asked.query.limit
    rows = _join([fold(part, metrics, keys) for part in partials], keys, metrics)
    first = rows.filter(pl.col("metric") == metrics[0].key).with_columns(size=pl.col("difference").abs())
    order = first.sort("size", *keys, descending=[True, *(False for _ in keys)], nulls_last=True).select(keys)
    said = rows.filter((pl.col("a").fill_null(0) != 0) | (pl.col("b").fill_null(0) != 0))
    order = order.join(said.select(keys), on=keys, how="semi", nulls_equal=True, maintain_order="left")
    shown = keep_first(order, limit)
    own = [order_values(dimension, asked) for dimension in takewhile(lambda one: one.is_ordered, asked.dimensions)]
    shown = shown.sort(own, maintain_order=True) if own else shown
    place = {metric.key: number for number, metric in enumerate(metrics)}
    placed = shown.with_row_index("group").join(rows, on=keys, nulls_equal=True)
    found = placed.sort("group", pl.col("metric").replace_strict(place, return_dtype=pl.Int64)).drop("group")
    if shown.height == order.height:
        return found
    rest = _join([fold(keep_rows(part, shown, is_kept=False), metrics, ()) for part in partials], (), metrics)
    text = found.with_columns(pl.col(key).cast(pl.String) for key in keys)
    labels = [pl.lit(label, pl.String).alias(key) for key, label in name_others(text, keys).items()]
    return pl.concat([text, rest.with_columns(labels).select(text.columns)])


def _join(sides: Sequence[pl.DataFrame], keys: tuple[str, ...], metrics: Sequence[Metric]) -> pl.DataFrame:
    """Put two sides beside each other: keys, `metric`, `a`, `b`, `difference`, `change`; a group that one side lacks has 0 there.

    Amounts are whole numbers unless a share stands among them. What a counting rule says nothing of stays null.
    """
    is_whole = all(metric.kind != "share" for metric in metrics)
    number = pl.Int64 if is_whole else pl.Float64
    names = [metric.key for metric in metrics]
    left, right = (
        side.with_columns(pl.col(names).cast(number)).unpivot(names, index=list(keys) or None, variable_name="metric", value_name=name)
        for side, name in zip(sides, "ab", strict=True)
    )
    rows = left.join(right, on=[*keys, "metric"], how="full", coalesce=True, nulls_equal=True, maintain_order="left_right")
    defined = [metric.key for metric in metrics if metric.is_amount and any(side.height > side[metric.key].null_count() for side in sides)]
    is_amount = pl.col("metric").is_in(defined)
    rows = rows.with_columns(pl.when(is_amount).then(pl.col(name).fill_null(0)).otherwise(name).alias(name) for name in "ab")
    return rows.with_columns(difference=pl.col("b") - pl.col("a"), change=pl.when(pl.col("a") != 0).then(pl.col("b") / pl.col("a") - 1))


def _describe(total: pl.DataFrame, metrics: Sequence[Metric]) -> str:
    """Say the totals in words: downloads 100 → 150 (+50.0 %)."""
    told = []
    for metric, row in zip(metrics, total.to_dicts(), strict=True):
        if row["a"] is None or row["b"] is None:
            continue
        change = f" ({write_change(row['change'])})" if row["change"] is not None else ""
        told.append(f"{metric.title} {_write(row['a'], metric)} → {_write(row['b'], metric)}{change}")
    return ", ".join(told)


def _describe_unknown(asked: Sequence[Plan]) -> str:
    """Say of which windows no log tells; nothing if logs tell of both."""
    unknown = dict.fromkeys(f"'{one.window.label}'" for one in asked if is_outside(one))
    return f"nothing is known of {' and '.join(unknown)}, outside of the logs" if unknown else ""


def _write(value: Any, metric: Metric) -> str:
    return write_share(value) if metric.kind == "share" else f"{int(value):,}"
