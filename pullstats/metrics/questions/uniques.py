"""Uniques on several levels, and what becomes of them: new, returning, resurrected, churned.

Networks are usually fewer than the people behind them, origins usually more; none bounds their
number. Every count is the union over its row. "New" means first seen in these logs: who came
before they begin is new to them, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import comparable_history, refuse_epochs
from pullstats.metrics.answers.presence import Presence, find_presence
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.levels import LEVELS, UNIQUE_LEVELS, find_levels, name_level
from pullstats.metrics.metric import Metric
from pullstats.metrics.over_time.bucket_axis import GAP, MARKS, describe_axis, list_buckets, mark_buckets
from pullstats.metrics.over_time.lifecycle import PRESENT, STATES, follow_lifecycle
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import break_down
from pullstats.metrics.questions.sketch import sketch_uniques
from pullstats.metrics.store_events import StoreEvents
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

AGAINST_PEOPLE: Final = {"network": "usually fewer than people", "origin": "usually more than people"}
"""How a level stands to the number of people: a network hides many, one who roams or whose machines are thrown away is many."""


@dataclass(frozen=True, slots=True)
class Uniques:
    """How many there are of several levels, side by side; with `every`, one level through time.

    Attributes:
        query: what is asked; its metrics are those of the levels.
        levels: which levels to count, `LEVELS` by default.
        is_sketched: estimate with a sketch instead, and say how far it may be off.
    """

    query: Query
    levels: tuple[str, ...] = LEVELS
    is_sketched: bool = False

    def answer(self, events: StoreEvents) -> Report:
        """Count them, or follow one level.

        Raises:
            UsageError: a name that is not understood; uniques over several keys.
        """
        levels = _choose_levels(self)
        metrics = tuple(UNIQUE_LEVELS[level] for level in levels)
        if self.query.every:
            asked = resolve(replace(self.query, metrics=metrics, unique_by=levels[0]), events)
            return warn_of_unseen(_follow(asked), asked)
        asked = resolve(replace(self.query, metrics=metrics, sort=self.query.sort or metrics[0]), events)
        refuse_epochs(asked, asked.metrics)
        return warn_of_unseen(sketch_uniques(asked, levels) if self.is_sketched else _count(asked, levels), asked)


def _count(asked: Plan, levels: tuple[str, ...]) -> Report:
    query = asked.query
    report, total = break_down(asked)
    is_small = 0 < query.min_origins > total[METRICS["endpoints"].key].item()
    headline = report.headline if is_small else _describe_levels(levels, total, report.meta["one_day_share"])
    return replace(report, headline=headline, columns=tuple(_describe_column(column) for column in report.columns))


def _choose_levels(asked_for: Uniques) -> tuple[str, ...]:
    """Look the levels up; through time, only one is followed."""
    query = asked_for.query
    levels = find_levels(asked_for.levels)
    if not query.every:
        return levels
    if query.dimensions or asked_for.is_sketched:
        raise UsageError("uniques --every takes neither --by nor --sketch; filter with --where")
    if query.min_origins:
        raise UsageError("uniques --every shows buckets however few were there, so it takes no --min-origins; leave --every or --min-origins out")
    if asked_for.levels == LEVELS:
        return (query.unique_by,)
    if len(levels) > 1:
        raise UsageError(f"uniques --every follows one level, not {len(levels)}; write --level {levels[0]}")
    return levels


def _describe_column(column: Column) -> Column:
    level = next((level for level, name in UNIQUE_LEVELS.items() if name == column.name), None)
    return replace(column, title=f"{column.title} ({AGAINST_PEOPLE[level]})" if level in AGAINST_PEOPLE else column.title, bar=False)


def _describe_levels(levels: tuple[str, ...], total: pl.DataFrame, one_day_share: float | None) -> str:
    named = [name_level(level, total[UNIQUE_LEVELS[level]].item() or 0) for level in levels]
    told = [f"{name} ({AGAINST_PEOPLE[level]})" if level in AGAINST_PEOPLE else name for level, name in zip(levels, named, strict=True)]
    seen = [] if one_day_share is None else [f"{write_share(one_day_share)} of the endpoints were seen on one day only"]
    return "; ".join([", ".join(told), *seen])


def _follow(asked: Plan) -> Report:
    """Give one row a bucket: how many were there, and which of them are new, back, or gone."""
    metric = asked.level
    refuse_epochs(asked, (metric,))
    axis = list_buckets(asked)
    columns = (
        Column(BUCKET, BUCKET, "bucket"),
        *(Column(name, name if name in STATES else metric.title, "count", bar=name == metric.key) for name in (metric.key, *STATES)),
        *(Column(name, name, "text") for name in MARKS),
    )
    nothing = pl.DataFrame({metric.key: [0]})
    empty = pl.DataFrame(
        schema={BUCKET: pl.String} | dict.fromkeys((metric.key, *STATES), pl.Int64) | dict.fromkeys(MARKS, pl.Boolean) | {"cut": pl.String}
    )
    counted = compute_partials(replace(asked, metrics=()), {}, [])
    if not axis.shown.height or not counted.kept:
        return build_report(asked, counted, empty, columns, nothing)
    history, warnings = comparable_history(asked, metric)
    lifecycle = follow_lifecycle(asked, axis.buckets, axis.shown, history)
    marked = lifecycle.rows.rename({PRESENT: metric.key}).join(mark_buckets(asked, axis), on=BUCKET, maintain_order="left")
    # Of a bucket that lies in a gap nothing is known: neither who was there nor who had gone.
    is_known = ~pl.col(GAP)
    rows = marked.with_columns(pl.when(is_known).then(pl.col(name)).alias(name) for name in (metric.key, *STATES))
    rows = rows.with_columns(axis.buckets.label(rows[BUCKET]).alias(BUCKET))
    warnings = [*describe_axis(asked, axis), *warnings]
    presence = find_presence(asked)
    warnings = [*_tell_beginning(asked, rows), *warnings, *_tell_one_day(metric, presence)]
    total = pl.DataFrame({metric.key: [lifecycle.present]})
    shown = rows.select(column.name for column in columns)
    report = build_report(asked, counted, shown, columns, total, warnings=warnings, presence=presence)
    return replace(report, headline=f"{name_level(asked.query.unique_by, lifecycle.present)} in the window")


def _tell_beginning(asked: Plan, rows: pl.DataFrame) -> list[str]:
    """Say what new means; and where the logs begin in the window, that at first everybody is."""
    start, first = asked.window.start, asked.extent.first
    assert first is not None
    if start is not None and start > first:
        return [f"new means first seen in these logs, which begin on {first.astimezone(find_zone(asked.query.tz)):%Y-%m-%d}"]
    return [f"new means first seen in these logs; they begin in this window, so in {rows[BUCKET][0]} everybody is new, whoever came before"]


def _tell_one_day(metric: Metric, presence: Presence | None) -> list[str]:
    if presence is None or presence.one_day_share is None:
        return []
    return [
        f"{write_share(presence.one_day_share)} of the endpoints were seen on one day only; where that is much, changing addresses look like new {metric.title}"
    ]
