"""The accounting of a metric: every request of the window once, in or out, by the first reason that holds.

What a counting rule counts is one request that stands for several: a pull is told by its first GET.
It passes the filters by what it stands for, so a request may be in though it would be left out by
itself (a digest pulled that a tag names), and out though it would stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.counting import Reason, Reasons, rule_of
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan

REASON: Final = "reason_out"
"""Column of each request: why it is out by itself, null if nothing says so."""
Entry = tuple[str, int, str | None]
"""What, how many requests, and the reason of which samples may be shown."""

_ABOVE: Final = "counted above and below the line"
_BELOW: Final = "counted below the line alone"
COUNTED: Final = "in: counts, each at the request that stands for it"
COUNTED_ONCE: Final = "in: counts as a download; of these, everybody who made one is counted once"
STANDS_FOR: Final = "out: counts, but for what the filters leave out"


def name_reasons(asked: Plan, metric: Metric) -> tuple[Reason, ...]:
    """List why requests are out by themselves: by a filter, or by what the metric is.

    Args:
        asked: the plan of the question.
        metric: one of its metrics.

    Returns:
        Each reason in words, and true for the requests that it holds for; the first that holds is told.
    """
    filters = [(f"left out by {text}", ~step.fill_null(value=False)) for text, step in asked.steps]
    return (*filters, *(_rule_reasons(metric).own if metric.rule else _explain(metric)[1]))


def _explain(metric: Metric) -> tuple[str, tuple[Reason, ...]]:
    """Tell what is done with a request that is in, and why others are out; what a ratio is made of tells it of the ratio."""
    if not metric.parts:
        return metric.explain()
    (above, missed), (_, out) = (METRICS[part].explain() for part in metric.parts)
    return f"{_ABOVE}: {above}", (*out, *((f"{_BELOW}: {text}", test) for text, test in missed))


def _rule_reasons(metric: Metric) -> Reasons:
    """Ask the rule that counts a metric."""
    return rule_of(metric.rule).reasons.get(metric.tally, Reasons())


def add_reason(asked: Plan, metric: Metric) -> Plan:
    """Let events carry the first reason why they are out by themselves, column `REASON`.

    Args:
        asked: the plan of the question.
        metric: one of its metrics.

    Returns:
        The plan of events that have it; null where nothing says so.
    """
    reasons = name_reasons(asked, metric)
    first = pl.coalesce(*(pl.when(test.fill_null(value=False)).then(pl.lit(text)) for text, test in reasons), pl.lit(None, pl.String))
    read = {*first.meta.root_names()}

    def scan_with_reason(columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        events = asked.events.scan(sorted((read | {*columns}) - {REASON}), start, end)
        return events.with_columns(first.alias(REASON)).select(columns)

    return replace(asked, events=replace(asked.events, scan=scan_with_reason))


def account_for(asked: Plan, metric: Metric) -> list[Entry]:
    """Tell of every request of the window whether it is in or out; the numbers add up to all of them.

    Reasons that hold for none are left out.

    Args:
        asked: the plan of the question.
        metric: one of its metrics.

    Returns:
        What, how many requests, and the reason of which samples may be shown.
    """
    one = add_reason(replace(asked, metrics=(metric,)), metric)
    unfiltered = replace(one, selection=replace(asked.selection, steps=()))
    all_of = compute_partials(unfiltered, {REASON: pl.col(REASON)}, [REASON])
    told: dict[str | None, int] = dict(all_of.plain.group_by(REASON).agg(pl.col("requests").sum()).rows())
    if not metric.rule:
        return [entry for entry in _list_plain(asked, metric, told) if entry[1] or entry[2] is None]
    name = metric.tally
    hits = _tally(all_of.counted[metric.rule], name)
    passed = hits if asked.filter is None else _tally(compute_partials(one, {REASON: pl.col(REASON)}, [REASON]).counted[metric.rule], name)
    return [entry for entry in _list_counted(asked, metric, told, hits, passed) if entry[1] or entry[2] is None]


def _tally(counted: pl.DataFrame, name: str) -> dict[str | None, int]:
    if name not in counted.columns:
        return {}
    return dict(counted.group_by(REASON).agg(pl.col(name).sum()).rows())


def _list_plain(asked: Plan, metric: Metric, told: dict[str | None, int]) -> list[Entry]:
    entries: list[Entry] = []
    for text, _ in name_reasons(asked, metric):
        entries.append((f"{'in' if text.startswith(_BELOW) else 'out'}: {text}", told.get(text, 0), text))
    return [(f"in: {_explain(metric)[0]}", told.get(None, 0), None), *entries]


def _list_counted(
    asked: Plan, metric: Metric, told: dict[str | None, int], hits: dict[str | None, int], passed: dict[str | None, int]
) -> list[Entry]:
    filters = {f"left out by {text}" for text, _ in asked.steps}
    counted = COUNTED_ONCE if metric.is_distinct else COUNTED
    entries: list[Entry] = [(counted, sum(passed.values()), None)]
    for text, _ in name_reasons(asked, metric):
        taken = passed if text in filters else hits
        entries.append((f"out: {text}", told.get(text, 0) - taken.get(text, 0), text))
    elsewhere = sum(count - passed.get(text, 0) for text, count in hits.items() if text not in filters)
    if elsewhere:
        entries.append((STANDS_FOR, elsewhere, None))
    return [*entries, (_rule_reasons(metric).rest, told.get(None, 0) - hits.get(None, 0), None)]
