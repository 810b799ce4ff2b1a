"""What is said of the differences of a comparison: a verdict, or why there is none.

Windows that overlap, that last differently long, that are unfinished or that hold a gap of the logs
get none. Calendar months, quarters and years of different lengths are compared by the day, as far as
what is counted adds up. Filters and versions are compared day by day within their window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import fmean
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.metrics.comparing.activity import Activity, measure_activity
from pullstats.metrics.comparing.grounds import find_grounds
from pullstats.metrics.comparing.noise import DailyDifferences, Evidence, Verdict, judge_days, judge_windows
from pullstats.metrics.comparing.past import Period
from pullstats.metrics.comparing.periods import Values, fold_days, measure_periods
from pullstats.metrics.comparing.scales import Kind, Value
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.buckets import Buckets
from pullstats.metrics.time.completeness import find_final_until
from pullstats.metrics.time.gaps import find_gaps
from pullstats.metrics.time.spans import count_months, to_local
from pullstats.metrics.time.windows import TICK, Window

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts of a comparison, one a metric.

    Attributes:
        verdicts: in the order of the metrics.
        per: what an interval is of, for each metric: `window` or `day`.
        notes: what a reader must know besides.
    """

    verdicts: list[Verdict]
    per: list[str]
    notes: list[str]


def judge_comparison(asked: Sequence[Plan], metrics: Sequence[Metric], sides: Sequence[Values], *, daily: Sequence[Partials] = ()) -> Judgement:
    """Judge the differences of two sides.

    Args:
        asked: the two sides.
        metrics: what is compared.
        sides: by the key of each metric its value on either side; None where that says nothing.
        daily: where the sides are two filters of one window, what each counts by the day; none of two windows.
    """
    if daily:
        return _judge_filters(asked, metrics, sides, daily)
    grounds = find_grounds(asked)
    if grounds.activity is None or grounds.reason:
        return _withhold(metrics, sides, grounds.reason)
    return _judge_windows(asked, metrics, sides, grounds.past, grounds.activity)


def _withhold(metrics: Sequence[Metric], sides: Sequence[Values], reason: str) -> Judgement:
    told = ["one side says nothing of it" if any(side[metric.key] is None for side in sides) else f"no verdict: {reason}" for metric in metrics]
    return Judgement([Verdict(text) for text in told], ["window"] * len(metrics), [])


def _judge_windows(
    asked: Sequence[Plan], metrics: Sequence[Metric], sides: Sequence[Values], past: Sequence[Period], activity: Activity
) -> Judgement:
    windows = [window for period in past for window in period]
    measured = iter(measure_periods(asked[0], windows, metrics, activity))
    values = [tuple(next(measured) for _ in period) for period in past]
    days = [count_days(one.window) for one in asked]
    is_uneven = days[0] != days[1]
    judgeable = [metric for metric in metrics if not is_uneven or metric.additive or metric.kind == "share"]
    evidence = [collect_evidence(metric, asked, sides, past, values) for metric in judgeable]
    judged = dict(zip((metric.key for metric in judgeable), judge_windows(evidence), strict=True))
    verdicts, per = [], []
    for metric in metrics:
        is_daily = is_uneven and metric.additive
        missing = Verdict(f"no verdict: the windows are not equally long, and {metric.title} of days do not add up")
        verdict = judged.get(metric.key, missing)
        verdicts.append(verdict.divide(days[0]) if is_daily else verdict)
        per.append("day" if is_daily else "window")
    notes = ["the windows are not equally long: intervals and verdicts are of amounts a day"] if "day" in per else []
    return Judgement(verdicts, per, [*notes, *tell_provisional(asked)])


def collect_evidence(
    metric: Metric, asked: Sequence[Plan], sides: Sequence[Values], past: Sequence[Period], values: Sequence[tuple[Values, ...]]
) -> Evidence:
    """Gather what a metric is and was; amounts of months as if all were as long as the first.

    Args:
        metric: the metric.
        asked: the plans of the two sides.
        sides: their values by the key of a metric.
        past: pairs of windows of the past.
        values: their values, as those of the sides.
    """
    length = count_days(asked[0].window) if count_months(asked[0].window) and metric.additive else None

    def scale(value: Value, window: Window) -> Value:
        return value if value is None or length is None else value * length / count_days(window)

    a, b = (scale(side[metric.key], one.window) for side, one in zip(sides, asked, strict=True))
    before = (
        tuple(scale(one[metric.key], window) for one, window in zip(found, period, strict=True)) for found, period in zip(values, past, strict=True)
    )
    return Evidence(a, b, tuple(before), _find_kind(metric))


def _find_kind(metric: Metric) -> Kind:
    return "share" if metric.kind == "share" else "count"


def _average(values: pl.Series) -> float:
    known = values.drop_nulls().to_list()
    return fmean(known) if known else 0.0


def count_days(window: Window) -> int:
    """Count the days of a window with a beginning and an end by the local clock; one at least."""
    assert window.start is not None
    assert window.end is not None
    zone = ZoneInfo(window.zone)
    return max((to_local(window.end, zone) - to_local(window.start, zone)) // _DAY, 1)


def tell_provisional(asked: Sequence[Plan]) -> list[str]:
    """Say which of some windows, of one store, logs may still come in of."""
    until = find_final_until(asked[0].extent.sources, asked[0].extent.newest)
    late = [one.window.label for one in asked if one.window.end and (until is None or one.window.end > until)]
    return [f"'{label}' is provisional: logs of it may still come in" for label in late]


def _judge_filters(asked: Sequence[Plan], metrics: Sequence[Metric], sides: Sequence[Values], daily: Sequence[Partials]) -> Judgement:
    """Compare two filters day by day, over the days of which the logs tell."""
    one = asked[0]
    clipped = one.window.clip(one.extent.first, one.extent.newest)
    if clipped is None:
        return _withhold(metrics, sides, "nothing was logged in this window")
    inside = replace(one.window, start=clipped[0], end=clipped[1] + TICK)
    activity = measure_activity(one, [inside])
    assert activity is not None
    buckets = Buckets(1, "d", one.query.tz)
    days = inside.keep(activity.slots.lazy()).select(day=buckets.expr).unique().sort("day").collect()
    gaps = find_gaps(one.extent.sources, one.events.logs, *clipped).gaps
    spans = zip(buckets.start_of(days["day"]), buckets.end_of(days["day"]), strict=True)
    days = days.filter([not any(gap.start < end and start < gap.end for gap in gaps) for start, end in spans])
    left, right = (fold_days(part, days, metrics) for part in daily)
    changes = {metric.key: (right[metric.key].cast(pl.Float64) - left[metric.key].cast(pl.Float64)).to_list() for metric in metrics}
    judged = judge_days([DailyDifferences(tuple(changes[metric.key]), _average(left[metric.key]), _find_kind(metric)) for metric in metrics])
    return Judgement(judged, ["day"] * len(metrics), [])
