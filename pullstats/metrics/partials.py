"""Partial answers, and how they become one.

Events are read once into small tables: one row per group and key of a set (an origin, a package),
or per group alone. Everything shown, the rows, the row of the others and the totals, is folded
from these tables as each metric declares, so a total is the union it should be and never a sum of
distinct counts. Tables of disjoint parts of the events, as by network, are joined before folding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import polars as pl

from pullstats.metrics.counting import (
    DIGEST_COLUMNS,
    DURATION,
    IMAGE_COLUMNS,
    INVOCATIONS,
    PULLSTATS,
    RUN_END,
    RUN_START,
    SEEN,
    SESSION_COLUMNS,
    SESSIONS,
    TIMES,
    VERSION_1,
    CountingRule,
    Terms,
    count_sessions,
    find_longest,
    find_rule,
    find_tags,
    name_digests,
)
from pullstats.metrics.definitions import ELSEWHERE, METRICS
from pullstats.metrics.metric import Metric
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY
from pullstats.metrics.store_events import StoreEvents

VALUE: Final = "set_key"
ALL: Final = "all_rows"
IS_CUT: Final = "is_cut"
IS_TAKER: Final = "is_taker"
DOWNLOADS: Final = "downloads"
_WIDER: Final = timedelta(days=1)

CountSet = Callable[[pl.DataFrame, Sequence[str], str], pl.DataFrame]
"""From a set's rows, the columns to count by and a name to the counts under that name."""


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


def compute_partials(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Read the events and build the tables: at once, or network by network where they would not fit into memory.

    Args:
        asked: the question.
        groups: name and value of each group column.
        columns: event columns that the groups read.
    """
    plans = cut_by_network(asked, groups, columns)
    tags = _find_tags(plans, columns)
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


def _compute_part(asked: Plan, groups: dict[str, pl.Expr], columns: Sequence[str], tags: pl.DataFrame | None) -> Partials:
    base = base_metrics(asked.metrics)
    needed = {column for metric in base for column in metric.columns} | {*columns, *asked.filter_columns, "timestamp"}
    events = asked.inside(sorted(needed))
    read = events.select(pl.len()) if asked.filter is not None else None
    kept = asked.selection.keep(events)
    unions = [metric for metric in base if metric.is_distinct]
    simple = [metric for metric in base if metric.is_folded]
    sets = [_set_table(kept, groups, metric, simple if index == 0 else []) for index, metric in enumerate(unions)]
    plain = [] if unions else [kept.group_by(*_named(groups)).agg(*_first_fold(simple)) if groups else kept.select(*_first_fold(simple))]
    # One after the other: read together, the fastest would wait for the slowest in memory.
    frames = [lazy.collect(engine="streaming") for lazy in (*sets, *plain)]
    plain_frame = frames[-1] if plain else _refold(frames[0].drop(VALUE), tuple(groups), simple)
    total = int(plain_frame["requests"].sum())
    rules = dict.fromkeys(metric.rule for metric in asked.metrics if metric.rule)
    counted = {label: _count(asked, label, groups, columns, tags) for label in rules}
    takers = {metric.name: _find_takers(counted[metric.rule], groups) for metric in asked.metrics if metric.rule and metric.is_distinct}
    return Partials(
        tuple(groups),
        plain_frame,
        {metric.name: frame.select(*groups, VALUE) for metric, frame in zip(unions, frames, strict=False)} | takers,
        counted,
        int(read.collect(engine="streaming").item()) if read is not None else total,
        total,
    )


def _find_takers(counted: pl.DataFrame, groups: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Give the groups and keys that have a download; none where the rule says nothing of downloads."""
    return counted.filter(IS_TAKER).select(*groups, VALUE)


def _named(groups: dict[str, pl.Expr]) -> list[pl.Expr]:
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


def _first_fold(simple: Sequence[Metric]) -> list[pl.Expr]:
    return [metric.fold_events() for metric in simple]


def _set_table(events: pl.LazyFrame, groups: dict[str, pl.Expr], metric: Metric, simple: Sequence[Metric]) -> pl.LazyFrame:
    assert metric.expr is not None
    return events.group_by(*_named(groups), metric.expr.alias(VALUE)).agg(*_first_fold(simple))


def _count(asked: Plan, label: str, groups: dict[str, pl.Expr], columns: Sequence[str], tags: pl.DataFrame | None) -> pl.DataFrame:
    """Apply a rule, reading beyond the window's edges as far as what belongs together reaches."""
    beyond = look_beyond(asked, label)
    assert beyond.margin is not None
    for margin in (beyond.margin, beyond.margin + _WIDER, None):
        wider = replace(beyond, margin=margin)
        frame = _counted_table(asked, label, groups, columns, tags, wider).collect(engine="streaming")
        if not frame[IS_CUT].any():
            break
    return frame.drop(IS_CUT)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a rule must know of events besides those of the window.

    Attributes:
        margin: how far beyond the window's edges they are read; None for all of the store.
        is_timed: whether a log tells how long requests took.
        mute: `source_id` of the logs that tell no agents, for a rule that asks for them.
    """

    margin: timedelta | None
    is_timed: bool = False
    mute: tuple[str, ...] = ()


def look_beyond(asked: Plan, label: str) -> Beyond:
    """Tell how far a rule, or `SESSIONS`, must look; as far as the longest request took, what is beside each other may be logged apart."""
    window, margin = asked.window, asked.gaps.margin(label)
    rule = None if label == SESSIONS else find_rule(label)
    if (rule is not None and rule.name != PULLSTATS.name) or rule is VERSION_1:
        return Beyond(margin, mute=_find_mute(asked.events) if rule is not None and rule.asks_agents else ())
    events = asked.events.scan([DURATION], window.start - _WIDER if window.start else None, window.end + _WIDER if window.end else None)
    longest = find_longest(events)
    return Beyond(margin + (longest or timedelta()), is_timed=longest is not None)


def _find_mute(store: StoreEvents) -> tuple[str, ...]:
    """List the logs in which no request of any time tells an agent."""
    events = store.scan(["source_id", "user_agent_original"], None, None)
    told = events.group_by("source_id").agg(pl.col("user_agent_original").is_not_null().any()).collect(engine="streaming")
    return tuple(told.filter(~pl.col("user_agent_original"))["source_id"].drop_nulls().sort())


def _counted_table(
    asked: Plan,
    label: str,
    groups: dict[str, pl.Expr],
    columns: Sequence[str],
    tags: pl.DataFrame | None,
    beyond: Beyond,
) -> pl.LazyFrame:
    counted, names = count_rows(asked, label, columns, tags, beyond)
    taking = _is_taking(counted.collect_schema().names() if DOWNLOADS in names else ()).any().alias(IS_TAKER)
    return counted.group_by(*_named(groups), VALUE).agg(pl.col(names).sum(), pl.col(IS_CUT).any(), taking)


def _is_taking(names: Sequence[str]) -> pl.Expr:
    """Tell whether a counted row makes whoever it is of a downloader: a single request answered 401 makes nobody, as of those who asked."""
    if DOWNLOADS not in names:
        return pl.lit(value=False)
    is_single = pl.col(RUN_START).is_null() if RUN_START in names else pl.lit(value=True)
    return (pl.col(DOWNLOADS) > 0) & ~(is_single & IS_ANONYMOUS_TRY)


def count_rows(asked: Plan, label: str, columns: Sequence[str], tags: pl.DataFrame | None, beyond: Beyond) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Give the rows of the window that count under a rule, filtered, and the names of what they count.

    A row has the columns asked for and, as `VALUE`, who made the request, answered 401 or not. It is marked `IS_CUT` where what it stands for may
    reach beyond what was read.
    """
    window = asked.window
    start = window.start - beyond.margin if window.start and beyond.margin is not None else None
    end = window.end + beyond.margin if window.end and beyond.margin is not None else None
    wanted = tuple(dict.fromkeys(metric.tally for metric in asked.metrics if metric.rule == label))
    wanted = wanted if label == SESSIONS else tuple(name for name in wanted if name in find_rule(label).defines)
    level = asked.level
    assert level.identity is not None
    read = {*columns, *asked.filter_columns, "timestamp", *(DIGEST_COLUMNS if tags is not None else ())}
    read |= {"http_response_status_code"} if DOWNLOADS in wanted else set()
    terms = Terms(wanted, (*sorted(read), VALUE), asked.gaps, beyond.is_timed, beyond.mute)
    rule = None if label == SESSIONS else find_rule(label)
    needed = {*_name_columns(rule, wanted), *(TIMES if beyond.is_timed else ())}
    ranked = asked.events.order.add_to(asked.events.scan(sorted({*needed, *read, *level.columns}), start, end))
    events = ranked.with_columns(level.identity.alias(VALUE))
    counted = count_sessions(events, terms) if rule is None else rule.count(events, terms)
    if rule is not None and tags is not None:
        # What version 1 calls an invocation is a request like any other.
        counted = name_digests(counted, tags.lazy(), is_named=pl.col(INVOCATIONS).is_null() if rule is VERSION_1 and INVOCATIONS in wanted else None)
    schema = counted.collect_schema().names()
    counted = counted.with_columns(
        _is_cut(schema, asked, start, end).alias(IS_CUT), *(pl.col(name).fill_null(0) for name in wanted if name in schema)
    )
    return asked.selection.keep(window.keep(counted)), tuple(name for name in wanted if name in schema)


def _name_columns(rule: CountingRule | None, wanted: Sequence[str]) -> Sequence[str]:
    """Name the columns that a rule reads; where only images count, they are fewer."""
    if rule is None:
        return SESSION_COLUMNS
    return IMAGE_COLUMNS if tuple(wanted) == ("pulls",) and rule.name == PULLSTATS.name else rule.columns


def _is_cut(names: Sequence[str], asked: Plan, start: datetime | None, end: datetime | None) -> pl.Expr:
    """Mark what begins or ends so near to where reading did that more of it may lie beyond."""
    if RUN_START not in names:
        return pl.lit(value=False)
    gap = asked.gaps.longest
    at_start = pl.col(RUN_START) - pl.lit(start) <= gap if start else pl.lit(value=False)
    at_end = pl.lit(end) - pl.col(RUN_END) <= gap if end else pl.lit(value=False)
    return (at_start | at_end).fill_null(value=False)


def _find_tags(parts: Sequence[Plan], columns: Sequence[str]) -> pl.DataFrame | None:
    """Find the tags of digests in the whole store up to the window's end, where the question reads versions."""
    asked = parts[0]
    is_ruled = any(metric.is_ruled or metric.counts for metric in asked.metrics)
    if not is_ruled or not {*columns, *asked.filter_columns} & {"package_version", "reference_kind"}:
        return None
    end = asked.window.end + asked.gaps.margin(PULLSTATS.label) if asked.window.end else None
    asked_for = [part.events.order.add_to(part.events.scan(sorted(IMAGE_COLUMNS), None, end)) for part in parts]
    found = [find_tags(events, asked.gaps.pull).collect(engine="streaming") for events in asked_for]
    return pl.concat(found).sort(SEEN)


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
    frames = [_refold(partials.plain, keys, simple)]
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


def _refold(frame: pl.DataFrame, keys: Sequence[str], simple: Sequence[Metric]) -> pl.DataFrame:
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
    """Count the uniques that downloaded at least once; None where the rule counts no downloads."""
    frame = partials.counted.get(label)
    if frame is None or "downloads" not in frame.columns:
        return None
    return _find_takers(frame, {})[VALUE].drop_nulls().n_unique()


def keep_rows(partials: Partials, chosen: pl.DataFrame, *, is_kept: bool) -> Partials:
    """Keep the groups that are, or are not, among some rows."""
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
    """Keep the groups whose values of some keys are shown, whatever their other keys."""
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
