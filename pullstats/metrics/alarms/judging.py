"""From an alarm that is set to what is found of it: its windows, their values, and what the past says of a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.alarms.condition import Condition, Kind, parse_condition
from pullstats.metrics.alarms.delivery import find_late
from pullstats.metrics.alarms.finding import REQUESTS, Finding
from pullstats.metrics.alarms.windows import find_before
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.report_parts import dimension_columns
from pullstats.metrics.answers.unseen import tell_unseen
from pullstats.metrics.comparing.grounds import Grounds, find_fault, find_grounds
from pullstats.metrics.comparing.noise import Verdict, judge_windows
from pullstats.metrics.comparing.periods import Group, Values, measure_groups
from pullstats.metrics.comparing.verdicts import collect_evidence, count_days, tell_provisional
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan, resolve, share_classes, with_window
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents

_ADVICE: Final = " (--"
"""How the advice begins that reasons give to whoever compares."""
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What somebody wants to be told of.

    Attributes:
        query: one metric and one counting rule, the window, filters; with dimensions, each of its groups is looked at.
        kind: which condition.
        limit: its limit, as written.
        against: the window that it is compared with, in words; None for the usual one.
        name: what it is saved as, or empty.
    """

    query: Query
    kind: Kind
    limit: str
    against: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of an alarm.

    Attributes:
        findings: one, or one a group.
        asked: the plan of its window.
        read: events of its window, before any filter.
        warnings: what must be said besides.
    """

    findings: list[Finding]
    asked: Plan
    read: int
    warnings: list[str]


def judge_alarm(alarm: Alarm, events: StoreEvents) -> Judged:
    """Look at an alarm.

    Raises:
        UsageError: a name, window, filter or limit that is not understood, or a metric that cannot be compared.
    """
    sides, condition = _resolve(alarm, events)
    before, now = sides
    metric = now.metrics[0]
    grounds = find_grounds(sides) if condition.is_of_change else Grounds(find_fault(sides))
    groups = {dimension.key: dimension.expr(now.query.tz) for dimension in now.dimensions}
    partials = [compute_partials(replace(one, metrics=_with_requests(metric)), groups, dimension_columns(one)) for one in sides]
    is_empty = not any(part.kept for part in partials)
    nothing = "the filters leave nothing of either window" if is_empty else ""
    reason = grounds.reason.partition(_ADVICE)[0] or find_late(now) or _refuse_lengths(sides, metric, condition) or nothing
    remark = " (provisional: logs of it may still come in)" if not reason and tell_provisional([now]) else ""
    whole = Finding(alarm.name, metric, condition, before.window, now.window, reason=reason, remark=remark)
    findings = [whole] if reason else _judge_groups(whole, sides, grounds, groups, _fold(partials, metric, tuple(groups)))
    return Judged(findings, now, partials[1].read, tell_unseen(now, is_empty=is_empty))


def _resolve(alarm: Alarm, events: StoreEvents) -> tuple[list[Plan], Condition]:
    """Make the plans of the window and of what it is compared with, and read the condition."""
    if alarm.query.min_origins:
        raise UsageError("an alarm looks at numbers however few are behind them, so it takes no --min-origins; leave it out (--min-origins 0)")
    if len(alarm.query.metrics) != 1 or len(alarm.query.count_as) != 1:
        raise UsageError("an alarm looks at one number; name one metric with --metric, and one rule with --count-as")
    now = resolve(replace(alarm.query, is_shifting=False), events)
    metric = now.metrics[0]
    if not metric.is_comparable:
        raise UsageError(f"an alarm looks at amounts, and {metric.name} is a time; name another --metric")
    before = replace(now, window=find_before(now.window)) if alarm.against is None else with_window(now, alarm.against)
    sides = share_classes([before, now])
    for one in sides:
        refuse_epochs(one, one.metrics)
    return sides, parse_condition(alarm.kind, alarm.limit, metric)


def _with_requests(metric: Metric) -> tuple[Metric, ...]:
    """Give a metric, and the requests that groups are chosen by."""
    return (metric,) if metric.name == REQUESTS.name else (metric, REQUESTS)


def _refuse_lengths(sides: Sequence[Plan], metric: Metric, condition: Condition) -> str:
    """Tell that a change of windows of different lengths says nothing of a metric that does not add up; empty if it does."""
    is_uneven = condition.is_of_change and len({count_days(one.window) for one in sides}) > 1
    return f"the windows are not equally long, and {metric.title} of days do not add up" if is_uneven and not _is_scaled(metric) else ""


def _is_scaled(metric: Metric) -> bool:
    return metric.additive or metric.kind == "share"


def _fold(partials: Sequence[Partials], metric: Metric, keys: tuple[str, ...]) -> dict[Group, list[Values]]:
    """Give each group what it has on both sides: of amounts 0 where it has nothing, unless the counting rule says nothing of them."""
    metrics = _with_requests(metric)
    nothing: list[Values] = [{one.key: 0 if part.defines(one) else None for one in metrics} for part in partials]
    values: dict[Group, list[Values]] = {} if keys else {(): [dict(one) for one in nothing]}
    for side, part in enumerate(partials):
        for row in fold(part, metrics, keys).to_dicts():
            found = values.setdefault(tuple(row[key] for key in keys), [dict(one) for one in nothing])[side]
            found.update({one.key: row[one.key] for one in metrics if row[one.key] is not None and not isnan(row[one.key])})
    return values


def _judge_groups(
    whole: Finding, sides: Sequence[Plan], grounds: Grounds, groups: Mapping[str, pl.Expr], values: Mapping[Group, list[Values]]
) -> list[Finding]:
    """Judge the groups with the most requests in both windows, those of a change together, so that they keep one level."""
    metric, now = whole.metric, sides[1]
    chosen = sorted(values, key=lambda group: (-sum(one[REQUESTS.key] or 0 for one in values[group]), *map(str, group)))
    chosen = chosen[: now.query.limit or None]
    verdicts: Sequence[Verdict | None] = [None] * len(chosen)
    if whole.condition.is_of_change:
        past = _measure_past(now, grounds, chosen, groups)
        evidence = [collect_evidence(metric, sides, values[group], grounds.past, past[group]) for group in chosen]
        verdicts = judge_windows(evidence)
    days = (count_days(sides[0].window), count_days(now.window)) if metric.additive else (1, 1)
    days = days if whole.condition.is_of_change else (1, 1)
    return [_fill(replace(whole, days=days), now, group, values[group], verdict) for group, verdict in zip(chosen, verdicts, strict=True)]


def _fill(whole: Finding, now: Plan, group: Group, values: Sequence[Values], verdict: Verdict | None) -> Finding:
    """Give what was found of a group."""
    old, new = (side[whole.metric.key] for side in values)
    return replace(whole, group=_name_group(now, group), old=old, new=new, requests=values[1][REQUESTS.key], verdict=verdict)


def _measure_past(now: Plan, grounds: Grounds, chosen: Sequence[Group], groups: Mapping[str, pl.Expr]) -> dict[Group, list[tuple[Values, ...]]]:
    """Give each group its values in the periods of the past."""
    windows = [window for period in grounds.past for window in period]
    activity = grounds.activity
    assert activity is not None
    measured = measure_groups(now, windows, chosen, groups, dimension_columns(now), now.metrics[:1], activity)
    found = {}
    for group, counts in measured.items():
        following = iter(counts)
        found[group] = [tuple(next(following) for _ in period) for period in grounds.past]
    return found


def _name_group(asked: Plan, group: Group) -> tuple[tuple[str, str], ...]:
    return tuple((dimension.name, _UNKNOWN if value is None else str(value)) for dimension, value in zip(asked.dimensions, group, strict=True))
