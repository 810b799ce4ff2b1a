"""How long it takes until something happens to somebody, where some are lost from sight before: Kaplan and Meier's estimate.

Source: Kaplan and Meier 1958; Greenwood 1926 for the variance; the interval of a quantile after Brookmeyer and Crowley 1982, on the
scale of log(-log S), as R's `survfit` gives it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

NORMAL_95: Final = 1.959963984540054
"""Of a normal distribution 95 % lie within so many deviations."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is known at a time at which it happened to somebody.

    Attributes:
        time: since the beginning.
        share: estimate of those to whom it has not happened.
        low: its 95 % interval from.
        high: to.
    """

    time: float
    share: float
    low: float
    high: float


def follow(times: Sequence[tuple[float, bool]]) -> list[Step]:
    """Estimate the share to whom it has not happened yet, at each time at which it happened.

    Args:
        times: of everybody, when it happened (True), or until when they were seen without it (False); at one time who is seen still counts.

    Example:
        >>> [round(step.share, 3) for step in follow([(1, True), (2, False), (3, True), (4, True)])]
        [0.75, 0.375, 0.0]
    """
    counted = []
    for time, same in groupby(sorted(times), key=itemgetter(0)):
        happened = [did for _, did in same]
        counted.append((time, sum(happened), len(happened) - sum(happened)))
    return follow_counts(counted)


def follow_counts(counted: Sequence[tuple[float, int, int]]) -> list[Step]:
    """Estimate the same of people who are counted already.

    Args:
        counted: by time, in order: to how many it happened then, and how many were seen until then without it.
    """
    steps: list[Step] = []
    share, variance, high, risk = 1.0, 0.0, 1.0, sum(count + left for _, count, left in counted)
    for time, count, left in counted:
        if count:
            share *= 1 - count / risk
            variance += count / (risk * (risk - count)) if risk > count else math.inf
            low, high = _bound(share, variance, high)
            steps.append(Step(time, share, low, high))
        risk -= count + left
    return steps


def _bound(share: float, variance: float, before: float) -> tuple[float, float]:
    """Give the interval of a share; of nothing left, where no variance is known, up to what it was before."""
    if share <= 0 or math.isinf(variance):
        return 0.0, before
    width = NORMAL_95 * math.sqrt(variance) / abs(math.log(share))
    return float(share ** math.exp(width)), float(share ** math.exp(-width))


def find_quantile(steps: Sequence[Step], part: float) -> tuple[float | None, float | None, float | None]:
    """Give when it had happened to a part of all, and the interval of that; None where it was not seen to come so far.

    Args:
        steps: as `follow` gives them.
        part: 0.5 for the half.
    """
    left = 1 - part + 1e-12
    time = next((step.time for step in steps if step.share <= left), None)
    low = next((step.time for step in steps if step.low <= left), None)
    high = next((step.time for step in steps if step.high <= left), None)
    return time, low, high
