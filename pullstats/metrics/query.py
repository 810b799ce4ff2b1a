"""A question about the events: what to count, by what, when, and of which events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.counting import INVOCATIONS, PULL_GAP, PULLSTATS, SESSION_GAP, SESSIONS, VISIT_GAP, CountingRule, Gaps, find_rule
from pullstats.metrics.definitions import DOWNLOADERS, METRICS, UNIQUE_LEVELS, Metric, find_metric
from pullstats.metrics.dimensions import Dimension, find_dimension
from pullstats.metrics.filtering.selection import Selection, build_selection, refuse_ambiguous
from pullstats.metrics.ranks import rank_sources
from pullstats.metrics.synonyms import name_dimension, name_metric
from pullstats.metrics.time.releases import Release, find_release
from pullstats.metrics.time.windows import TICK, Calendar, Window, parse_as_of, parse_window

MAX_DIMENSIONS: Final = 3

Scan = Callable[[Sequence[str], datetime | None, datetime | None], pl.LazyFrame]
"""From columns, first instant and first instant after to the store's events."""


_LAST_MINUTE: Final = (23, 59)
MOVED: Final = "(--as-of newest)"
"""What a note ends with that tells of a window counted back from the newest event."""
DEFAULT_MEMORY: Final = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something that happened: a talk, a release.

    Attributes:
        moment: when, UTC.
        label: what.
    """

    moment: datetime
    label: str


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
        count_as: names of counting rules, with or without their versions; of several, each gives a column.
        unique_by: level of the default unique count.
        tz: IANA name of the zone whose days count.
        as_of: `now`, `newest` or a date: the instant to count back from; None for now, or for the newest event where all are older than the window.
        is_complete: leave the unfinished day out.
        every: size of a bucket for a series, None for a breakdown.
        week_start: `monday` or `sunday`.
        sort: metric or dimension to sort by, `-` in front reverses.
        limit: rows to show, 0 for all.
        has_other: add a row for what the limit cuts off.
        has_percent: add shares of additive metrics.
        min_origins: hide rows with fewer endpoints.
        pull_window: seconds after which a pull group closes.
        visit_gap: seconds after which a visit closes.
        session_gap: seconds after which a session closes.
        same_request: `id` to count requests that several logs hold under one id once; None to count all.
        rolling: span of days or hours that each bucket of a series looks back over.
        annotations: what happened when, to be shown beside a series.
        releases: when versions came out.
        memory: bytes an answer may take; what would need more is read network by network.
        has_total: add a row with the totals, each computed anew.
        is_bare: no words around the numbers are wanted: neither who asked nor how long they stayed is looked up.
    """

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    window: str = "30d"
    where: str | None = None
    classes: tuple[str, ...] = ()
    exclude_classes: tuple[str, ...] = ()
    exclude_kinds: tuple[str, ...] = ()
    exclude_nets: tuple[str, ...] = ()
    count_as: tuple[str, ...] = (PULLSTATS.label,)
    unique_by: str = "origin"
    tz: str = "UTC"
    as_of: str | None = None
    is_complete: bool = False
    every: str | None = None
    week_start: str = "monday"
    sort: str | None = None
    limit: int = 20
    has_other: bool = True
    has_percent: bool = False
    min_origins: int = 0
    pull_window: float = PULL_GAP.total_seconds()
    visit_gap: float = VISIT_GAP.total_seconds()
    session_gap: float = SESSION_GAP.total_seconds()
    same_request: str | None = None
    rolling: str | None = None
    annotations: tuple[Annotation, ...] = ()
    releases: tuple[Release, ...] = ()
    memory: int = DEFAULT_MEMORY
    has_total: bool = False
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a store's events begin and end.

    Attributes:
        first: the earliest event, None if there is none.
        newest: the latest event, None if there is none.
        sources: `source_id`, `name`, `first`, `last` of each log; None if they are not known.
        events: how many there are, None if that is not known.
    """

    first: datetime | None
    newest: datetime | None
    sources: pl.DataFrame | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question whose names are looked up and whose window is instants.

    Attributes:
        metrics: each that a counting rule counts names its rule, and comes once a rule.
        gaps: pauses that end what belongs together.
        ranks: `source_id`, `source_rank`: which log goes first where two requests were made in one instant.
        selection: which events stay.
        has_one_key: whether hashes in the window can be compared; see `refuse_epochs`.
    """

    query: Query
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    window: Window
    rules: tuple[CountingRule, ...]
    reach: Reach
    gaps: Gaps
    ranks: pl.DataFrame
    selection: Selection
    warnings: tuple[str, ...]
    has_one_key: bool = True

    @property
    def filter(self) -> pl.Expr | None:
        """True for the events that stay, None for all."""
        return self.selection.expr

    @property
    def filter_columns(self) -> tuple[str, ...]:
        """Event columns that the filter reads."""
        return self.selection.columns

    @property
    def steps(self) -> tuple[tuple[str, pl.Expr], ...]:
        """The filter's parts, each with the words it was asked for in."""
        return self.selection.steps


def resolve(query: Query, reach: Reach, now: datetime, scan: Scan, *, is_shifting: bool) -> Resolved:
    """Look all names up and turn the window into instants.

    Args:
        query: the question.
        reach: the store's range.
        now: the present.
        scan: gives the store's events, for windows that begin with a version.
        is_shifting: count a relative window back from the newest event if all events are older.

    Raises:
        UsageError: a name, window or filter that is not understood.
    """
    zone = find_zone(query.tz)
    _check_counts(query)
    rules = tuple({rule.label: rule for rule in (find_rule(name) for name in query.count_as)}.values()) or (PULLSTATS,)
    named = list({metric.name: metric for metric in map(find_metric, query.metrics)}.values())
    level = METRICS[find_unique_metric(query.unique_by)]
    query = replace(query, unique_by=find_level(query.unique_by))
    metrics = tuple(metric for name in named for metric in _rule_metrics(name, rules, level))
    dimensions = tuple(find_dimension(name) for name in query.dimensions)
    chosen = build_selection(query, zone.key, reach.sources)
    window, warnings = _find_window(query, reach, now, scan, is_shifting=is_shifting)
    refuse_ambiguous(chosen.kept, lambda one: window.keep(scan(sorted({*one.columns, "timestamp"}), window.start, window.end)), zone.key)
    warnings += tuple(
        f"{metric.rule} says nothing of {metric.counts or metric.name}"
        for metric in metrics
        if metric.rule not in {"", SESSIONS} and metric.tally not in find_rule(metric.rule).defines
    )
    gaps = Gaps(timedelta(seconds=query.pull_window), timedelta(seconds=query.visit_gap), timedelta(seconds=query.session_gap))
    ranks = find_ranks(reach, scan) if any(metric.rule for metric in metrics) else _NO_RANKS
    return Resolved(replace(query, tz=zone.key), metrics, dimensions, window, rules, reach, gaps, ranks, chosen, warnings)


def _check_counts(query: Query) -> None:
    if not query.metrics:
        message = f"--metric names no metric; name one or more of {', '.join(METRICS)}"
        raise UsageError(message)
    names = [name_dimension(name) for name in query.dimensions]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"--by names '{twice}' twice"
        raise UsageError(message)
    if len(query.dimensions) > MAX_DIMENSIONS:
        message = f"--by takes up to {MAX_DIMENSIONS} dimensions, not {len(query.dimensions)}"
        raise UsageError(message)


_NO_RANKS: Final = pl.DataFrame(schema={"source_id": pl.String, "source_rank": pl.Int64})


def _rule_metrics(metric: Metric, rules: Sequence[CountingRule], level: Metric) -> list[Metric]:
    """Give a metric once for each rule that counts it."""
    if metric.name == SESSIONS:
        return [replace(metric, rule=SESSIONS)]
    if not metric.is_ruled:
        return [metric]
    if metric.name == DOWNLOADERS:
        metric = replace(metric, columns=level.columns)
    if metric.name == INVOCATIONS:  # what others count says nothing of it
        rules = tuple({rule.label: rule for rule in (rule if rule.name == PULLSTATS.name else PULLSTATS for rule in rules)}.values())
    if len(rules) == 1:
        return [replace(metric, rule=rules[0].label)]
    return [
        replace(metric, name=f"{metric.name}@{rule.label}", title=f"{metric.title} {rule.label}", rule=rule.label, counts=metric.name)
        for rule in rules
    ]


def find_ranks(reach: Reach, scan: Scan) -> pl.DataFrame:
    """Tell which log goes first where two requests were made in one instant: `source_id`, `source_rank`."""
    return rank_sources(find_sources(reach, scan))


def find_end(query: Query, now: datetime) -> datetime | None:
    """Tell the instant from which on events do not count, as a date given as `as_of` says; None if none is."""
    if query.as_of in {None, "now", "newest"}:
        return None
    return parse_as_of(str(query.as_of), Calendar(find_zone(query.tz), now, query.is_complete, query.week_start)) + TICK


def find_sources(reach: Reach, scan: Scan) -> pl.DataFrame:
    """Give `source_id`, `name`, `first` of each log; what the events say of them where the runs are not known."""
    if reach.sources is not None:
        return reach.sources
    events = scan(["source_id", "timestamp"], None, None)
    return events.group_by("source_id").agg(pl.lit(None, pl.String).alias("name"), pl.col("timestamp").min().alias("first")).collect()


def _find_window(query: Query, reach: Reach, now: datetime, scan: Scan, *, is_shifting: bool) -> tuple[Window, tuple[str, ...]]:
    zone = find_zone(query.tz)
    calendar = Calendar(zone, now, query.is_complete, query.week_start, lambda version: find_release(version, query.releases, scan))
    if query.as_of == "newest":
        calendar = replace(calendar, now=reach.newest or now)
    elif query.as_of not in {None, "now"}:
        calendar = replace(calendar, now=parse_as_of(str(query.as_of), calendar))
    window = parse_window(query.window, calendar)
    notes: tuple[str, ...] = ()
    is_moved = is_shifting and query.as_of is None and is_beyond(window, reach)
    if is_moved:
        assert reach.newest is not None
        calendar = replace(calendar, now=reach.newest)
        window, notes = parse_window(query.window, calendar), (_tell_move(query.window, calendar),)
    if query.as_of not in {None, "now", "newest"}:
        end = calendar.now + TICK
        window = replace(window, end=min(window.end, end) if window.end else end)
    elif is_shifting and window.is_relative and window.end is not None and window.end > calendar.now + TICK:
        notes += (_tell_last_day(calendar, is_over=is_moved),)
    return window, (*notes, f"no instant can lie in {window.label}: its parts, --as-of and --complete must all hold") if window.is_empty else notes


def is_beyond(window: Window, reach: Reach) -> bool:
    """Tell whether a window that depends on what day it is begins after the newest event."""
    return window.is_relative and reach.newest is not None and window.start is not None and reach.newest < window.start


def move_window(asked: Resolved, scan: Scan, now: datetime) -> Resolved:
    """Count a window back from the newest event, and say so."""
    return resolve(asked.query, asked.reach, now, scan, is_shifting=True)


def _tell_move(text: str, calendar: Calendar) -> str:
    return f"all events are older than {text}; counted back from the newest, {calendar.today} {MOVED}"


def _tell_last_day(calendar: Calendar, *, is_over: bool) -> str:
    """Say what the last day of a window lacks: of one that goes on what is to come, of one that is over what came after the newest event."""
    if not is_over:
        return f"{calendar.today} is not over: what is counted of it is provisional (--complete leaves it out)"
    end = calendar.now.astimezone(calendar.zone)
    rest = "" if (end.hour, end.minute) == _LAST_MINUTE else "; what came later that day is not counted (--complete leaves the day out)"
    return f"the logs end on {end:%Y-%m-%d} at {end:%H:%M}{rest}"


def find_unique_metric(level: str) -> str:
    """Name the metric that counts a unique level.

    Raises:
        UsageError: there is no such level.
    """
    level = find_level(level)
    if level not in UNIQUE_LEVELS:
        noun = "unique level"
        raise unknown_name(noun, level, UNIQUE_LEVELS)
    return UNIQUE_LEVELS[level]


def find_level(text: str) -> str:
    """Give our name of what somebody calls a unique level, in the singular or as the metric that counts it; other words stay as they are."""
    counted = {name: level for level, name in UNIQUE_LEVELS.items()}
    return text if text in UNIQUE_LEVELS else counted.get(name_metric(text), name_dimension(text))
