"""Student's t distribution with a whole number of degrees of freedom, exactly: finite sums of powers of a cosine.

Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
"""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sin, sqrt
from typing import Final

_HALVINGS: Final = 52
"""As many as a float has digits."""


def compute_probability(value: float, freedom: int) -> float:
    """Give the probability that |t| is at most a value, with so many degrees of freedom."""
    angle = atan(value / sqrt(freedom))
    square = cos(angle) ** 2
    term = cos(angle) if freedom % 2 else 1.0
    total = 0.0 if freedom == 1 else term
    for number in range(3 if freedom % 2 else 2, freedom - 1 if freedom % 2 else freedom, 2):
        term *= square * (number - 1) / number
        total += term
    return 2 / pi * (angle + sin(angle) * total) if freedom % 2 else sin(angle) * total


@lru_cache(1024)
def find_quantile(level: float, freedom: int) -> float:
    """Give the value that |t| exceeds with a probability.

    Args:
        level: the probability, of both tails together.
        freedom: degrees of freedom, at least 1.
    """
    low, high = 0.0, 1.0
    while compute_probability(high, freedom) < 1 - level:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if compute_probability(middle, freedom) < 1 - level else (low, middle)
    return high
