"""Is a difference more than what there always is? A test whose level holds: of runs in which nothing changed, 5 % say so, all metrics together.

Counts and shares are compared on scales on which the spread does not depend on the level (`scales.py`),
and several metrics are judged together, each at a level of which that of all is kept (`joint_level.py`).

Two windows: the later differs from the earlier as one past period differs from another, or, where
the two are different days of the week, as such days differed in past weeks. The spread of n past
periods has n - 1 degrees of freedom, and a new difference is judged against the prediction interval
of Student's t: the spread times √2, or times √(1 + 1/n) around the usual difference.

Two filters: the differences of each day of the window are a sample; is their mean nothing (paired t)?

What a test could not have seen is told with it: the least change that it says "beyond" of in four runs
of five. A change that the quantile of the level alone would be measured by is missed every other time.
Since the standard error is itself estimated, that change is the sum of two of its t quantiles, that of
the level and that of the power, and then holds for changes as they are told.

Source: Bloom, Minimum detectable effects, Evaluation Review 19 (1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from pullstats.metrics.comparing.joint_level import LEAST_PAST, LEVEL, find_level
from pullstats.metrics.comparing.scales import SCALES, Kind, Value
from pullstats.metrics.comparing.student import find_quantile
from pullstats.percentages import write_change, write_level, write_points, write_share

POWER: Final = 0.8
"""How often the least change that counts as seen is called beyond the noise."""
LEAST_DAYS: Final = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the past, or the days, say of a difference.

    Attributes:
        text: in words.
        low: least that the difference, less what is usual, may be in truth; None where there is no verdict.
        high: most that it may be.
        smallest: the least rise that is seen with the power.
    """

    text: str
    low: float | None = None
    high: float | None = None
    smallest: float | None = None

    def divide(self, days: int) -> Verdict:
        """Give the same of one day, the verdict being of so many `days`."""
        ends = [None if value is None else value / days for value in (self.low, self.high, self.smallest)]
        return Verdict(self.text, *ends)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a metric was, and was before.

    Attributes:
        a: of the one side; None where it says nothing.
        b: of the other side.
        past: past values, one a period; or two, where each side has a past of its own. None where a period tells nothing.
        kind: whether it is a count or a share.
    """

    a: Value
    b: Value
    past: tuple[tuple[Value, ...], ...]
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class DailyDifferences:
    """How a metric differed between two sides, day by day.

    Attributes:
        differences: one a day; None where a side says nothing.
        usual: what the first side has a day.
        kind: whether it is a count or a share.
    """

    differences: tuple[Value, ...]
    usual: float = 0.0
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class _Spread:
    """How far differences of the past lie from the usual, on the scale of the metric.

    Attributes:
        by_period: the deviation of each past period; None where it tells nothing.
        usual: the usual difference.
        error: standard error of a new difference.
        freedom: degrees of freedom of it.
    """

    by_period: list[Value]
    usual: float
    error: float
    freedom: int


def judge_windows(metrics: Sequence[Evidence]) -> list[Verdict]:
    """Say of each metric whether two windows differ by more than past periods do.

    Args:
        metrics: what each was, in its own unit; all are judged together.

    Returns:
        A verdict a metric; its bounds are differences in that unit.
    """
    spreads = [_measure_spread(metric) for metric in metrics]
    level = find_level([spread.by_period for spread in spreads if spread is not None])
    return [_judge_window(metric, spread, level) for metric, spread in zip(metrics, spreads, strict=True)]


def judge_days(metrics: Sequence[DailyDifferences]) -> list[Verdict]:
    """Say of each metric whether its mean difference over days is more than chance.

    Args:
        metrics: the differences of each, in its own unit; all are judged together.

    Returns:
        A verdict a metric; its bounds are differences a day in that unit.
    """
    known = [[one for one in metric.differences if one is not None] for metric in metrics]
    deviations: list[list[Value]] = []
    for metric, days in zip(metrics, known, strict=True):
        if len(days) >= LEAST_DAYS:
            mean = fmean(days)
            deviations.append([None if one is None else one - mean for one in metric.differences])
    level = find_level(deviations)
    return [_judge_days(metric, days, level) for metric, days in zip(metrics, known, strict=True)]


def _measure_spread(metric: Evidence) -> _Spread | None:
    """Measure the noise of the past; None where there is too little of it."""
    scale = SCALES[metric.kind]
    past = [tuple(scale.forth(value) for value in values if value is not None) if None not in values else None for values in metric.past]
    known = [values for values in past if values is not None]
    if len(known) < LEAST_PAST:
        return None
    is_paired = len(known[0]) > 1
    changes = [values[-1] - values[0] if is_paired else values[0] for values in known]
    usual, rounding = fmean(changes), sqrt(sum(scale.rounding(fmean(side)) ** 2 for side in zip(*known, strict=True)))
    factor = sqrt(1 + 1 / len(known)) if is_paired else sqrt(2)
    deviations = iter(change - usual for change in changes)
    by_period = [None if values is None else next(deviations) for values in past]
    return _Spread(by_period, usual if is_paired else 0.0, max(stdev(changes), rounding) * factor, len(known) - 1)


def _judge_window(metric: Evidence, spread: _Spread | None, level: float) -> Verdict:
    if metric.a is None or metric.b is None:
        return Verdict("one side says nothing of it")
    if spread is None:
        known = sum(None not in values for values in metric.past)
        return Verdict(f"no verdict: too little past to tell, {known} of at least {LEAST_PAST} earlier periods")
    if not spread.error:
        return Verdict(f"no verdict: it never varied in {spread.freedom + 1} past periods")
    scale = SCALES[metric.kind]
    expected, found = scale.forth(metric.a) + spread.usual, scale.forth(metric.b)
    margin, centre = find_quantile(level, spread.freedom) * spread.error, scale.back(expected)
    low, high = scale.back(found - margin) - centre, scale.back(found + margin) - centre
    up, down = (_find_seen(expected, spread, level, side, metric.kind) for side in (1, -1))
    rise, fall = scale.back(up) - centre, centre - scale.back(down)
    past = f"the noise of {spread.freedom + 1} past periods"
    usual = f", usually {_write_relative(centre - metric.a, metric.a, metric.kind, '+')}" if spread.usual else ""
    if abs(found - expected) > margin:
        return Verdict(f"beyond {past}{usual}", low, high, rise)
    lowest = f"a fall below {_write_relative(fall, centre, metric.kind)}" if down > scale.forth(0) else "any fall"
    highest = f"a rise below {_write_relative(rise, centre, metric.kind)}" if up < scale.most else "any rise"
    return Verdict(f"within {past}{usual}; {highest} or {lowest} {_MISSED}", low, high, rise)


def _judge_days(metric: DailyDifferences, days: Sequence[float], level: float) -> Verdict:
    if metric.differences and not days:
        return Verdict("one side says nothing of it")
    if len(days) < LEAST_DAYS:
        return Verdict(f"no verdict: {len(days)} of at least {LEAST_DAYS} days to compare")
    mean = fmean(days)
    error = stdev(days) / sqrt(len(days))
    margin, reach = find_quantile(level, len(days) - 1) * error, _find_reach(level, len(days) - 1) * error
    told = f"the noise of {len(days)} days"
    if abs(mean) > margin:
        return Verdict(f"beyond {told}: {_write(mean, metric.kind, '+')} a day", mean - margin, mean + margin, reach)
    size = _write_relative(reach, metric.usual, metric.kind)
    missed = f"a rise below {size} or any fall" if metric.kind == "count" and 0 < metric.usual <= reach else f"a change below ±{size}"
    return Verdict(f"within {told}; {missed} {_MISSED}", mean - margin, mean + margin, reach)


def _find_reach(level: float, freedom: int) -> float:
    """Give the least change that is seen with the power, in standard errors."""
    return find_quantile(level, freedom) + find_quantile(2 * (1 - POWER), freedom)


def _find_seen(expected: float, spread: _Spread, level: float, side: int, kind: Kind) -> float:
    """Give the nearest place above (1) or below (-1) the expected one at which a change is seen with the power.

    Of counts, what is more than Poisson's noise is in proportion to the place: half of it, that of the changed side, changes with it.
    """
    more = max(1 - _POISSON / spread.error**2, 0.0) / 2 if kind == "count" else 0.0
    margin, chance = (find_quantile(one, spread.freedom) * spread.error for one in (level, 2 * (1 - POWER)))
    place = expected
    for _ in range(_STEPS):
        place = max(expected + side * (margin + chance * sqrt(1 + more * ((place / expected) ** 2 - 1))), 0.0)
    return place


_POISSON: Final = 1 / 2
"""The squared error of a difference of two Poisson counts, on the scale of counts."""
_STEPS: Final = 20


_MISSED: Final = f"would be missed more often than 1 time in {1 / (1 - POWER):.0f} (level {write_level(LEVEL)}, power {write_level(POWER)})"


def _write(value: float, kind: Kind, sign: str = "") -> str:
    return write_points(value, sign) if kind == "share" else f"{value:{sign},.2f}"


def _write_relative(value: float, whole: float, kind: Kind, sign: str = "") -> str:
    """Write a difference as a part of what it is a change of; of nothing, and of shares, as it is."""
    if kind == "share" or not whole:
        return _write(value, kind, sign)
    return write_change(value / whole) if sign else write_share(value / whole)
