"""Is a difference more than what there always is? A test whose level holds: of runs in which nothing changed, 5 % say so, all metrics together.

Counts are compared on the scale of Freeman and Tukey, (√x + √(x + 1)) / 2, on which the spread
does not depend on the level, whether requests come alone or in bursts; shares on that of arcsin √p.

Two windows: the later differs from the earlier as one past period differs from another, or, where
the two are different days of the week, as such days differed in past weeks. The spread of n past
periods has n - 1 degrees of freedom, and a new difference is judged against the prediction interval
of Student's t: the spread times √2, or times √(1 + 1/n) around the usual difference.

Two filters: the differences of each day of the window are a sample; is their mean nothing (paired t)?

Several metrics are judged together: each at 1 - (1 - 5 %)^(1/M), M being the number of metrics that
would vary as freely if they were independent. That is Nyholt's 1 + (m - 1)(1 - r²) with r⁴ for r²,
for it is the tails that must meet (calibrated: see docs/verdicts.md), r² being the mean squared
correlation of the past, corrected for how few periods it comes from. What varies alike counts once.

Sources: Freeman and Tukey, Transformations related to the angular and the square root, Ann. Math.
Statist. 21 (1950); Šidák, Rectangular confidence regions, JASA 62 (1967); Nyholt, A simple
correction for multiple testing, Am. J. Hum. Genet. 74 (2004); Wherry, A new formula for predicting
the shrinkage of the coefficient of multiple correlation, Ann. Math. Statist. 2 (1931).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import asin, pi, sin, sqrt
from statistics import fmean, stdev
from typing import Final, Literal

from pullstats.metrics.questions.student import find_quantile
from pullstats.percentages import write_points

LEVEL: Final = 0.05
LEAST_PAST: Final = 3
LEAST_DAYS: Final = 8
_ROUNDING: Final = 1 / sqrt(12)
"""Standard deviation of what rounding to whole numbers adds: what was always the same may vary by that unseen."""

Value = float | None
Kind = Literal["count", "share"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the past, or the days, say of a difference.

    Attributes:
        text: in words.
        low: least that the difference, less what is usual, may be in truth; None where there is no verdict.
        high: most that it may be.
        smallest: the least rise that would not have been within the noise.
    """

    text: str
    low: float | None = None
    high: float | None = None
    smallest: float | None = None

    def divide(self, days: int) -> Verdict:
        """Give the same of one day."""
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
class Daily:
    """How a metric differed between two sides, day by day.

    Attributes:
        differences: one a day; None where a side says nothing.
        kind: whether it is a count or a share.
    """

    differences: tuple[Value, ...]
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
    """Say of each metric whether two windows differ by more than past periods do."""
    spreads = [_measure_spread(metric) for metric in metrics]
    level = _find_level([spread.by_period for spread in spreads if spread is not None])
    return [_judge_window(metric, spread, level) for metric, spread in zip(metrics, spreads, strict=True)]


def judge_days(metrics: Sequence[Daily]) -> list[Verdict]:
    """Say of each metric whether its mean difference over days is more than chance."""
    known = [[one for one in metric.differences if one is not None] for metric in metrics]
    deviations: list[list[Value]] = []
    for metric, days in zip(metrics, known, strict=True):
        if len(days) >= LEAST_DAYS:
            mean = fmean(days)
            deviations.append([None if one is None else one - mean for one in metric.differences])
    level = _find_level(deviations)
    return [_judge_days(metric, days, level) for metric, days in zip(metrics, known, strict=True)]


def _find_level(deviations: Sequence[Sequence[Value]]) -> float:
    """Give the level of each metric, so that that of all together is kept."""
    count = len(deviations)
    squares = [square for one, other in combinations(deviations, 2) if (square := _correlate(one, other)) is not None]
    mean = fmean(squares) if squares else 0.0
    free = 1 + (count - 1) * (1 - min(max(mean, 0.0), 1.0) ** 2)  # far out, metrics meet more rarely than they correlate
    level: float = 1 - (1 - LEVEL) ** (1 / max(free, 1.0))
    return level


def _correlate(one: Sequence[Value], other: Sequence[Value]) -> float | None:
    """Give the squared correlation of two metrics, corrected for its degrees of freedom; None where either never varies."""
    pairs = [(x, y) for x, y in zip(one, other, strict=True) if x is not None and y is not None]
    products = sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs)
    if len(pairs) < LEAST_PAST or not products:
        return None
    square = sum(x * y for x, y in pairs) ** 2 / products
    return 1 - (1 - square) * (len(pairs) - 1) / (len(pairs) - 2)


def _measure_spread(metric: Evidence) -> _Spread | None:
    """Measure the noise of the past; None where there is too little of it."""
    scale = _SCALES[metric.kind]
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
    scale = _SCALES[metric.kind]
    expected, found = scale.forth(metric.a) + spread.usual, scale.forth(metric.b)
    margin = find_quantile(level, spread.freedom) * spread.error
    centre = scale.back(expected)
    low, high = scale.back(found - margin) - centre, scale.back(found + margin) - centre
    rise, fall = scale.back(expected + margin) - centre, centre - scale.back(expected - margin)
    past = f"the noise of {spread.freedom + 1} past periods"
    usual = f", usually {_write(centre - metric.a, metric.kind, '+')}" if spread.usual else ""
    if abs(found - expected) > margin:
        return Verdict(f"beyond {past}{usual}", low, high, rise)
    lowest = f"a fall under {_write(fall, metric.kind)}" if expected - margin > scale.forth(0) else "any fall"
    highest = f"a rise under {_write(rise, metric.kind)}" if expected + margin < scale.most else "any rise"
    return Verdict(f"within {past}{usual}; {highest} or {lowest} would not be seen", low, high, rise)


def _judge_days(metric: Daily, days: Sequence[float], level: float) -> Verdict:
    if metric.differences and not days:
        return Verdict("one side says nothing of it")
    if len(days) < LEAST_DAYS:
        return Verdict(f"no verdict: {len(days)} of at least {LEAST_DAYS} days to compare")
    mean = fmean(days)
    margin = find_quantile(level, len(days) - 1) * stdev(days) / sqrt(len(days))
    told = f"the noise of {len(days)} days"
    if abs(mean) > margin:
        return Verdict(f"beyond {told}: {_write(mean, metric.kind, '+')} a day", mean - margin, mean + margin, margin)
    return Verdict(f"within {told}; less than {_write(margin, metric.kind)} a day would not be seen", mean - margin, mean + margin, margin)


def _write(value: float, kind: Kind, sign: str = "") -> str:
    return write_points(value, sign) if kind == "share" else f"{value:{sign},.4g}" if abs(value) < _LONG else f"{value:{sign},.0f}"


_LONG: Final = 1000


@dataclass(frozen=True, slots=True)
class _Scale:
    """A scale on which the spread does not depend on the level.

    Attributes:
        forth: from a value to its place.
        back: from any place to a value, the nearest that there may be.
        rounding: from the mean place to the least standard deviation.
        most: the last place.
    """

    forth: Callable[[float], float]
    back: Callable[[float], float]
    rounding: Callable[[float], float]
    most: float


def _root(value: float) -> float:
    return (sqrt(value) + sqrt(value + 1)) / 2


def _square(place: float) -> float:
    held = max(place, _root(0))
    return (held - 1 / (4 * held)) ** 2


_SCALES: Final[dict[Kind, _Scale]] = {
    "count": _Scale(_root, _square, lambda place: _ROUNDING / (2 * place), float("inf")),
    "share": _Scale(lambda share: asin(sqrt(share)), lambda place: sin(min(max(place, 0.0), pi / 2)) ** 2, lambda _: 0.0, pi / 2),
}
