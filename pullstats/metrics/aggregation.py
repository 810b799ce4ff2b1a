"""Read a question's events into partial answers: at once, or network by network where they would not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from pullstats.metrics.behaviour.instances import spread_streams
from pullstats.metrics.folding import refold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import VALUE, Partials, base_metrics, keep_takers, name_groups
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import count_by_rule, find_digest_tags


def compute_partials(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Read the events and build the tables: at once, or network by network where they would not fit into memory.

    Args:
        asked: the question.
        groups: name and value of each group column.
        columns: event columns that the groups read.
    """
    plans = cut_by_network(asked, groups, columns)
    tags = find_digest_tags(plans, columns)
    parts = [_compute_part(plan, groups, columns, tags) for plan in plans]
    if len(parts) == 1:
        return parts[0]
    return Partials(
        parts[0].keys,
        pl.concat([part.plain for part in parts]),
        {name: pl.concat([part.sets[name] for part in parts]) for name in parts[0].sets},
        {label: pl.concat([part.counted[label] for part in parts]) for label in parts[0].counted},
        sum(part.read for part in parts),
        sum(part.kept for part in parts),
        is_whole=False,
    )


def compute_counted(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Read what rules count, by groups and whosever it is; of requests only how many there are in all.

    Args:
        asked: the question; its metrics are counted by rules.
        groups: name and value of each group column.
        columns: event columns that the groups read.
    """
    whole, plans = _read_part(asked, {}, []), cut_by_network(asked, groups, columns)
    tags = find_digest_tags(plans, columns)
    rules = dict.fromkeys(metric.rule for metric in asked.metrics)
    found = {label: pl.concat([count_by_rule(plan, label, groups, columns, tags, has_owners=False) for plan in plans]) for label in rules}
    plain = pl.concat([*(frame.select(*groups) for frame in found.values()), whole.plain], how="diagonal")
    return replace(whole, keys=tuple(groups), plain=plain, counted=found, is_whole=False)


def _compute_part(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str], tags: pl.DataFrame | None) -> Partials:
    found = _read_part(asked, groups, columns)
    rules = dict.fromkeys(metric.rule for metric in asked.metrics if metric.rule)
    counted = {label: count_by_rule(asked, label, groups, columns, tags) for label in rules}
    takers = {metric.name: keep_takers(counted[metric.rule], groups) for metric in asked.metrics if metric.rule and metric.is_distinct}
    return replace(found, sets=found.sets | takers, counted=counted)


def _read_part(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Read what no rule counts."""
    base = base_metrics(asked.metrics)
    needed = {column for metric in base for column in metric.columns} | {*columns, *asked.filter_columns, "timestamp"}
    events = asked.inside(sorted(needed))
    read = asked.inside(()).select(pl.len()) if asked.filter is not None else None
    kept = asked.selection.keep(events)
    unions = [metric for metric in base if metric.is_distinct]
    simple = [metric for metric in base if metric.is_folded]
    alike = _find_alike(unions)
    sets = [_set_table(kept, groups, unions[index], simple if index == 0 else []) for index in dict.fromkeys(alike)]
    plain = [] if unions else [kept.group_by(*name_groups(groups)).agg(*_first_fold(simple)) if groups else kept.select(*_first_fold(simple))]
    # One after the other: read together, the fastest would wait for the slowest in memory.
    frames = [lazy.collect(engine="streaming") for lazy in (*sets, *plain)]
    keys = dict(zip(dict.fromkeys(alike), frames, strict=False))
    plain_frame = frames[-1] if plain else refold(frames[0].drop(VALUE), tuple(groups), simple)
    total = int(plain_frame["requests"].sum())
    return Partials(
        tuple(groups),
        plain_frame,
        {metric.name: _spread(keys[index].select(*groups, VALUE), metric, asked) for metric, index in zip(unions, alike, strict=True)},
        {},
        int(read.collect(engine="streaming").item()) if read is not None else total,
        total,
    )


def _find_alike(unions: Sequence[Metric]) -> list[int]:
    """Find for each of some distinct counts the place of the first that counts the same keys: these are read once for all."""
    keys = [metric.expr for metric in unions if metric.expr is not None]
    return [next(index for index, one in enumerate(keys) if one.meta.eq(key)) for key in keys]


def _spread(keys: pl.DataFrame, metric: Metric, asked: Plan) -> pl.DataFrame:
    """Give keys that stand for several each as many times."""
    return spread_streams(keys.drop_nulls(VALUE), VALUE, asked.classes.find().streams, metric.weight) if metric.weight else keys


def _first_fold(simple: Sequence[Metric]) -> list[pl.Expr]:
    return [metric.fold_events() for metric in simple]


def _set_table(events: pl.LazyFrame, groups: dict[str, pl.Expr], metric: Metric, simple: Sequence[Metric]) -> pl.LazyFrame:
    assert metric.expr is not None
    return events.group_by(*name_groups(groups), metric.expr.alias(VALUE)).agg(*_first_fold(simple))
