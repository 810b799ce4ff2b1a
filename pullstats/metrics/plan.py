"""From a question to its plan: names looked up, the window turned into instants, filters into expressions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.clock import find_zone
from pullstats.errors import UsageError
from pullstats.metrics.behaviour.naming import ClassNames
from pullstats.metrics.behaviour.rules import bundled_rules
from pullstats.metrics.counting import INVOCATIONS, PULLSTATS, CountingRule, Pauses, find_rule, rule_of
from pullstats.metrics.definitions import DOWNLOADERS, INSTANCES, METRICS, find_metric
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import find_dimension
from pullstats.metrics.extent import Extent
from pullstats.metrics.filtering.selection import Selection, build_selection, refuse_ambiguous
from pullstats.metrics.levels import find_level, find_unique_metric
from pullstats.metrics.log_names import list_logs, name_logs
from pullstats.metrics.metric import Metric
from pullstats.metrics.query import Query
from pullstats.metrics.question_window import find_window
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.synonyms import name_dimension
from pullstats.metrics.time.windows import Window

MAX_DIMENSIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """A question whose names are looked up and whose window is instants, with the events that answer it.

    Attributes:
        query: what was asked, names only.
        metrics: each that a counting rule counts names its rule, and comes once a rule.
        dimensions: what rows are told apart by, in order.
        window: from when to when, UTC, and on which days and hours.
        rules: the counting rules, the first being that of bare names.
        pauses: they end what belongs together.
        events: what is read.
        classes: why each origin comes.
        selection: which events stay.
        warnings: what must be said of every answer to it.
        has_one_key: whether hashes in the window can be compared; see `refuse_epochs`.
    """

    query: Query
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    window: Window
    rules: tuple[CountingRule, ...]
    pauses: Pauses
    events: StoreEvents
    classes: ClassNames
    selection: Selection
    warnings: tuple[str, ...]
    has_one_key: bool = True

    @property
    def extent(self) -> Extent:
        """How far the store's events reach."""
        return self.events.extent

    @property
    def level(self) -> Metric:
        """The metric that counts the unique level asked for."""
        return METRICS[find_unique_metric(self.query.unique_by)]

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

    def inside(self, columns: Collection[str]) -> pl.LazyFrame:
        """Read the events of the window: these columns, and `timestamp`."""
        return self.window.keep(self.events.scan(sorted({*columns, "timestamp"}), self.window.start, self.window.end))

    def kept(self, columns: Collection[str]) -> pl.LazyFrame:
        """Read the events of the window that the filters leave: these columns, `timestamp`, and what filters read."""
        return self.selection.keep(self.inside({*columns, *self.filter_columns}))


def resolve(query: Query, events: StoreEvents) -> Plan:
    """Look all names up and turn the window into instants.

    Args:
        query: the question, names only.
        events: what it reads.

    Raises:
        UsageError: a name, window or filter that is not understood.
    """
    zone = find_zone(query.tz)
    _check_counts(query)
    rules = tuple({rule.label: rule for rule in (find_rule(name) for name in query.count_as)}.values()) or (PULLSTATS,)
    named = list(
        {metric.name: metric for name in query.metrics for metric in map(find_metric, INSTANCES if name == INSTANCES[0] else (name,))}.values()
    )
    level = METRICS[find_unique_metric(query.unique_by)]
    query = replace(query, unique_by=find_level(query.unique_by), tz=zone.key)
    metrics = tuple(metric for name in named for metric in _rule_metrics(name, rules, level))
    logs = list_logs(events.extent.sources)
    dimensions = tuple(name_logs(find_dimension(name), logs) for name in query.dimensions)
    chosen = build_selection(query, zone.key, events.extent.sources)
    window, notes = find_window(query, events.extent, events.scan, events.now)
    pauses = Pauses(timedelta(seconds=query.pull_window), timedelta(seconds=query.visit_gap), timedelta(seconds=query.session_gap))
    classes = ClassNames(events.scan, events.logs, events.extent, window.end, query.class_rules or bundled_rules(), query.memory, events.findings)
    events = replace(events, scan=classes.scan_named)
    return _check(Plan(query, metrics, dimensions, window, rules, pauses, events, classes, chosen, (*notes, *_tell_undefined(metrics))))


def with_window(plan: Plan, text: str) -> Plan:
    """Ask the same of another window.

    Args:
        plan: the plan of the question.
        text: the window, in words.

    Raises:
        UsageError: a window that is not understood.
    """
    query = replace(plan.query, window=text)
    window, notes = find_window(query, plan.extent, plan.events.scan, plan.events.now)
    return _check(replace(plan, query=query, window=window, warnings=(*notes, *_tell_undefined(plan.metrics))))


def share_classes(plans: Sequence[Plan]) -> list[Plan]:
    """Let plans of one question have one class for every origin: as of the end of the last window."""
    ends = [plan.window.end for plan in plans]
    latest = None if None in ends else max(end for end in ends if end is not None)
    classes = replace(plans[0].classes, until=latest, _found=[])
    return [replace(plan, classes=classes, events=replace(plan.events, scan=classes.scan_named)) for plan in plans]


def with_filter(plan: Plan, where: str) -> Plan:
    """Ask the same of what another filter keeps.

    Args:
        plan: the plan of the question.
        where: the filter, in words; it takes the place of `--where`.

    Raises:
        UsageError: a filter that is not understood.
    """
    query = replace(plan.query, where=where)
    return _check(replace(plan, query=query, selection=build_selection(query, query.tz, plan.extent.sources)))


def _check(plan: Plan) -> Plan:
    """Refuse a plan whose filters name several ids at once."""
    refuse_ambiguous(plan.selection.kept, lambda dimension: plan.inside(dimension.columns), plan.query.tz)
    return plan


def _tell_undefined(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """Say which rules say nothing of what is asked for."""
    return tuple(
        f"{metric.rule} says nothing of {metric.counts or metric.name}"
        for metric in metrics
        if metric.rule and metric.tally not in rule_of(metric.rule).defines
    )


def _check_counts(query: Query) -> None:
    if not query.metrics:
        raise UsageError(f"--metric names no metric; name one or more of {', '.join(METRICS)}")
    names = [name_dimension(name) for name in query.dimensions]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"--by names '{twice}' twice")
    if len(query.dimensions) > MAX_DIMENSIONS:
        raise UsageError(f"--by takes up to {MAX_DIMENSIONS} dimensions, not {len(query.dimensions)}")


def _rule_metrics(metric: Metric, rules: Sequence[CountingRule], level: Metric) -> list[Metric]:
    """Give a metric once for each rule that counts it."""
    if not metric.is_ruled:
        return [metric]
    if metric.name == DOWNLOADERS:
        metric = replace(metric, identity=level.identity)
    if metric.name == INVOCATIONS:  # what others count says nothing of it
        rules = tuple({rule.label: rule for rule in (rule if INVOCATIONS in rule.defines else PULLSTATS for rule in rules)}.values())
    if len(rules) == 1:
        return [replace(metric, rule=rules[0].label)]
    return [
        replace(metric, name=f"{metric.name}@{rule.label}", title=f"{metric.title} {rule.label}", rule=rule.label, counts=metric.name)
        for rule in rules
    ]
