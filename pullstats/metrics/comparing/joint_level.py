"""The level of each of several metrics that are judged together, so that the level of all is kept; what varies alike counts once.

Each is judged at 1 - (1 - 5 %)^(1/M), M being the number of metrics that would vary as freely if they
were independent. That is Nyholt's 1 + (m - 1)(1 - r²) with r⁴ for r², for it is the tails that must
meet (calibrated: see docs/verdicts.md), r² being the mean squared correlation of the past, corrected
for how few periods it comes from.

Sources: Šidák, Rectangular confidence regions, JASA 62 (1967); Nyholt, A simple correction for multiple
testing, Am. J. Hum. Genet. 74 (2004); Wherry, A new formula for predicting the shrinkage of the
coefficient of multiple correlation, Ann. Math. Statist. 2 (1931).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean
from typing import Final

from pullstats.metrics.comparing.scales import Value

LEVEL: Final = 0.05
"""Of runs in which nothing changed, the share that says so."""
LEAST_PAST: Final = 3
"""Periods of the past below which nothing is said."""


def find_level(deviations: Sequence[Sequence[Value]]) -> float:
    """Give the level of each metric, so that that of all together is kept.

    Args:
        deviations: of each metric that of each past period from its mean; None where a period says nothing.

    Returns:
        A probability, from `LEVEL` down.
    """
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
