"""Partial answers, and how they become one.

Events are read once into small tables: one row per group and key of a set (an origin, a package),
or per group alone. Everything shown, the rows, the row of the others and the totals, is folded
from these tables as each metric declares, so a total is the union it should be and never a sum of
distinct counts. Tables of disjoint parts of the events can be joined before folding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pullstats.metrics.counting import COUNTED, IMAGE_COLUMNS, IS_MANIFEST, MARGIN, RULE_COLUMNS, count_events, find_tags, name_digests
from pullstats.metrics.definitions import METRICS, Metric, id_key
from pullstats.metrics.query import Resolved, Scan

VALUE: Final = "set_key"
ALL: Final = "all_rows"


@dataclass(frozen=True, slots=True)
class Partials:
    """Tables from which answers are folded.

    Attributes:
        keys: names of the group columns.
        plain: one row a group (and perhaps set key): sums, minima, maxima.
        sets: for each distinct count, one row a group and key.
        counted: one row a group and origin: what the counting rule gives.
        read: events in the window.
        kept: events that the filters left.
    """

    keys: tuple[str, ...]
    plain: pl.DataFrame
    sets: dict[str, pl.DataFrame]
    counted: pl.DataFrame | None
    read: int
    kept: int


def compute_partials(asked: Resolved, scan: Scan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Read the events once and build the tables.

    Args:
        asked: the question.
        scan: gives the store's events.
        groups: name and value of each group column.
        columns: event columns that the groups read.
    """
    needed = {column for metric in _base_metrics(asked.metrics) for column in metric.columns} | set(columns) | set(asked.filter_columns)
    window = asked.window
    events = scan(sorted(needed | {"timestamp"}), window.start, window.end)
    read = events.select(pl.len()) if asked.filter is not None else None
    kept = events.filter(asked.filter) if asked.filter is not None else events
    base = _base_metrics(asked.metrics)
    unions = [metric for metric in base if metric.merge == "union"]
    simple = [metric for metric in base if metric.merge != "union" and metric.expr is not None]
    sets = [_set_table(kept, groups, metric, simple if index == 0 else []) for index, metric in enumerate(unions)]
    plain = [] if unions else [kept.group_by(*_named(groups)).agg(*_first_fold(simple)) if groups else kept.select(*_first_fold(simple))]
    counted = [_counted_table(asked, scan, groups, columns)] if any(metric.is_counted for metric in asked.metrics) else []
    counts = [read] if read is not None else []
    found = [lazy.collect(engine="streaming") for lazy in (*sets, *plain, *counted, *counts)]
    set_frames, found = found[: len(sets)], found[len(sets) :]
    plain_frame = found.pop(0) if plain else _refold(set_frames[0].drop(VALUE), tuple(groups), simple)
    counted_frame = found.pop(0) if counted else None
    total = _kept(plain_frame)
    return Partials(
        tuple(groups),
        plain_frame,
        {metric.name: frame.select(*groups, VALUE) for metric, frame in zip(unions, set_frames, strict=True)},
        counted_frame,
        int(found.pop(0).item()) if counts else total,
        total,
    )


def _named(groups: dict[str, pl.Expr]) -> list[pl.Expr]:
    return [expr.alias(name) for name, expr in groups.items()]


def _base_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    """Add what ratios are made of, and requests, which the footer tells."""
    names = ["requests", *(part for metric in metrics for part in metric.parts), *(metric.name for metric in metrics if not metric.parts)]
    return [METRICS[name] for name in dict.fromkeys(names)]


def _first_fold(simple: Sequence[Metric]) -> list[pl.Expr]:
    folds = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max}
    found = []
    for metric in simple:
        assert metric.expr is not None
        is_count = metric.name == "requests"
        found.append((pl.len().cast(pl.Int64) if is_count else folds[metric.merge](metric.expr)).alias(metric.name))
    return found


def _set_table(events: pl.LazyFrame, groups: dict[str, pl.Expr], metric: Metric, simple: Sequence[Metric]) -> pl.LazyFrame:
    assert metric.expr is not None
    return events.group_by(*_named(groups), metric.expr.alias(VALUE)).agg(*_first_fold(simple))


def _counted_table(asked: Resolved, scan: Scan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> pl.LazyFrame:
    window = asked.window
    start = window.start - MARGIN if window.start else None
    end = window.end + MARGIN if window.end else None
    wanted = {metric.name for metric in asked.metrics if metric.is_counted}
    read = {*columns, *asked.filter_columns}
    # Where only images count, only manifest requests are read.
    is_images = wanted == {"pulls"}
    events = scan(sorted({*(IMAGE_COLUMNS if is_images else RULE_COLUMNS), *read}), start, end)
    counted = count_events(events.filter(IS_MANIFEST) if is_images else events, wanted, asked.pull_gap)
    if read & {"package_version", "reference_kind"}:
        history = scan(sorted(IMAGE_COLUMNS), None, end).filter(IS_MANIFEST)
        counted = name_digests(counted, find_tags(history, asked.pull_gap))
    if window.start is not None:
        counted = counted.filter(pl.col("timestamp") >= window.start)
    if window.end is not None:
        counted = counted.filter(pl.col("timestamp") < window.end)
    if asked.filter is not None:
        counted = counted.filter(asked.filter)
    return counted.group_by(*_named(groups), id_key("origin_id").alias(VALUE)).agg(pl.col(*COUNTED).sum())


def _kept(plain: pl.DataFrame) -> int:
    return int(plain["requests"].sum())


def fold(partials: Partials, metrics: Sequence[Metric], keys: Sequence[str]) -> pl.DataFrame:
    """Fold the tables to one row per value of `keys` (a subset of the groups; none gives the total).

    Returns:
        `keys` and a column per metric, named by its key.
    """
    base = _base_metrics(metrics)
    simple = [metric for metric in base if metric.expr is not None and metric.merge != "union"]
    frames = [_refold(partials.plain, keys, simple)]
    frames += [_count_set(partials.sets[metric.name], keys, metric.name) for metric in base if metric.merge == "union"]
    if partials.counted is not None:
        frames.append(_group(partials.counted, keys, [pl.col(*COUNTED).sum()]))
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join(frame, on=[*keys] or [ALL], how="full", coalesce=True, nulls_equal=True)
    joined = _add_ratios(joined, metrics)
    zero = [metric.name for metric in metrics if metric.kind in {"count", "bytes"}]
    return joined.with_columns(pl.col(zero).fill_null(0)).select(*keys, *(pl.col(metric.name).alias(metric.key) for metric in metrics))


def _group(frame: pl.DataFrame, keys: Sequence[str], folds: Sequence[pl.Expr]) -> pl.DataFrame:
    if keys:
        return frame.group_by(*keys, maintain_order=False).agg(*folds)
    return frame.select(*folds).with_columns(pl.lit(0).alias(ALL))


def _refold(frame: pl.DataFrame, keys: Sequence[str], simple: Sequence[Metric]) -> pl.DataFrame:
    folds = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max}
    return _group(frame, keys, [folds[metric.merge](pl.col(metric.name)) for metric in simple])


def _count_set(frame: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    distinct = frame.select(*keys, VALUE).drop_nulls(VALUE).unique()
    return _group(distinct, keys, [pl.len().cast(pl.Int64).alias(name)])


def _add_ratios(joined: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    ratios = [(pl.col(metric.parts[0]) / pl.col(metric.parts[1])).alias(metric.name) for metric in metrics if metric.parts]
    return joined.with_columns(ratios) if ratios else joined


def keep_rows(partials: Partials, chosen: pl.DataFrame, *, is_kept: bool) -> Partials:
    """Keep the groups that are, or are not, among some rows."""
    how: Literal["semi", "anti"] = "semi" if is_kept else "anti"

    def pick(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(chosen, on=list(partials.keys), how=how, nulls_equal=True)

    return Partials(
        partials.keys,
        pick(partials.plain),
        {name: pick(frame) for name, frame in partials.sets.items()},
        pick(partials.counted) if partials.counted is not None else None,
        partials.read,
        partials.kept,
    )
