"""A question about the events: what to count, by what, when, and of which events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.counting import COUNTING_RULES, PULL_GAP, CountingRule
from pullstats.metrics.definitions import UNIQUE_LEVELS, Metric, find_metric
from pullstats.metrics.dimensions import DIMENSIONS, Dimension, find_dimension
from pullstats.metrics.filters import parse_filter
from pullstats.metrics.windows import Window, is_relative, parse_window

MAX_DIMENSIONS: Final = 3
_TICK: Final = timedelta(microseconds=1)

Scan = Callable[[Sequence[str], datetime | None, datetime | None], pl.LazyFrame]
"""From columns, first instant and first instant after to the store's events."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question.

    Attributes:
        metrics: names of metrics.
        dimensions: names of dimensions, up to three.
        window: see `windows.GRAMMAR`.
        where: filter of events, see `filters`.
        classes: classes to keep, all if empty.
        exclude_classes: classes to leave out.
        exclude_kinds: kinds of client to leave out.
        exclude_nets: organisations to leave out, `@ours` for one's own networks.
        count_as: name of the counting rule, with or without its version.
        unique_by: level of the default unique count.
        tz: IANA name of the zone whose days count.
        as_of: `now`, `newest` or a date: the instant to count back from.
        is_complete: leave the unfinished day out.
        every: size of a bucket for a series, None for a breakdown.
        week_start: `monday` or `sunday`.
        sort: metric or dimension to sort by, `-` in front reverses.
        limit: rows to show, 0 for all.
        has_other: add a row for what the limit cuts off.
        has_percent: add shares of additive metrics.
        min_origins: hide rows with fewer endpoints.
        pull_window: seconds after which a pull group closes.
    """

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    window: str = "30d"
    where: str | None = None
    classes: tuple[str, ...] = ()
    exclude_classes: tuple[str, ...] = ()
    exclude_kinds: tuple[str, ...] = ()
    exclude_nets: tuple[str, ...] = ()
    count_as: str = "pullstats@1"
    unique_by: str = "origin"
    tz: str = "UTC"
    as_of: str = "now"
    is_complete: bool = False
    every: str | None = None
    week_start: str = "monday"
    sort: str | None = None
    limit: int = 20
    has_other: bool = True
    has_percent: bool = False
    min_origins: int = 0
    pull_window: float = PULL_GAP.total_seconds()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a store's events begin and end; both None if it has none."""

    first: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question whose names are looked up and whose window is instants."""

    query: Query
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    window: Window
    rule: CountingRule
    reach: Reach
    filter: pl.Expr | None
    filter_columns: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def pull_gap(self) -> timedelta:
        """Pause after which a pull group closes."""
        return timedelta(seconds=self.query.pull_window)


def resolve(query: Query, reach: Reach, now: datetime, *, is_shifting: bool) -> Resolved:
    """Look all names up and turn the window into instants.

    Args:
        query: the question.
        reach: the store's range.
        now: the present.
        is_shifting: count a relative window back from the newest event if all events are older.

    Raises:
        UsageError: a name, window or filter that is not understood.
    """
    zone = find_zone(query.tz)
    if len(query.dimensions) > MAX_DIMENSIONS:
        message = f"--by takes up to {MAX_DIMENSIONS} dimensions, not {len(query.dimensions)}"
        raise UsageError(message)
    rule = _find_rule(query.count_as)
    metrics = tuple(find_metric(name) for name in dict.fromkeys(query.metrics))
    dimensions = tuple(find_dimension(name) for name in dict.fromkeys(query.dimensions))
    expr, columns = _build_filter(query)
    window, warnings = _find_window(query, reach, now, is_shifting=is_shifting)
    return Resolved(replace(query, tz=zone.key), metrics, dimensions, window, rule, reach, expr, columns, warnings)


def _find_rule(name: str) -> CountingRule:
    rules = {rule.label: rule for rule in COUNTING_RULES.values()} | COUNTING_RULES
    if name not in rules:
        noun = "counting rule"
        raise unknown_name(noun, name, rules)
    return rules[name]


def _find_window(query: Query, reach: Reach, now: datetime, *, is_shifting: bool) -> tuple[Window, tuple[str, ...]]:
    zone = find_zone(query.tz)
    if query.as_of == "newest":
        now = reach.newest or now
    elif query.as_of != "now":
        as_of = parse_window(query.as_of, zone, now)
        if as_of.end is None or is_relative(query.as_of):
            message = f"--as-of '{query.as_of}' is no date; write 2025-04-16, newest or now"
            raise UsageError(message)
        now = as_of.end - _TICK
    window = parse_window(query.window, zone, now, is_complete=query.is_complete)
    if is_shifting and query.as_of == "now" and is_relative(query.window) and reach.newest and window.start and reach.newest < window.start:
        shifted = parse_window(query.window, zone, reach.newest, is_complete=query.is_complete)
        day = reach.newest.astimezone(zone).date()
        return shifted, (f"all events are older than {query.window}; counted back from the newest, {day} (--as-of newest)",)
    if query.as_of not in {"now", "newest"}:
        window = replace(window, end=min(window.end, now + _TICK) if window.end else now + _TICK)
    return window, ()


def _build_filter(query: Query) -> tuple[pl.Expr | None, tuple[str, ...]]:
    parts: list[pl.Expr] = []
    columns: list[str] = []
    if query.where:
        found = parse_filter(query.where, query.tz)
        parts.append(found.expr)
        columns += found.columns
    for name, values, is_kept in (
        ("class", query.classes, True),
        ("class", query.exclude_classes, False),
        ("kind", query.exclude_kinds, False),
        ("org", query.exclude_nets, False),
    ):
        if values:
            hit = DIMENSIONS[name].expr(query.tz).is_in(list(values)).fill_null(value=False)
            parts.append(hit if is_kept else ~hit)
            columns += DIMENSIONS[name].columns
    return (pl.all_horizontal(parts) if parts else None), tuple(dict.fromkeys(columns))


def find_unique_metric(level: str) -> str:
    """Name the metric that counts a unique level.

    Raises:
        UsageError: there is no such level.
    """
    if level not in UNIQUE_LEVELS:
        noun = "unique level"
        raise unknown_name(noun, level, UNIQUE_LEVELS)
    return UNIQUE_LEVELS[level]
