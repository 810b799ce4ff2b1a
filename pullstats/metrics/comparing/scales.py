"""Scales on which the spread of a metric does not depend on its level, whether requests come alone or in bursts.

Counts lie on that of Freeman and Tukey, (√x + √(x + 1)) / 2; shares on that of arcsin √p.

Source: Freeman and Tukey, Transformations related to the angular and the square root, Ann. Math. Statist. 21 (1950).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import asin, pi, sin, sqrt
from typing import Final, Literal

_ROUNDING: Final = 1 / sqrt(12)
"""Standard deviation of what rounding to whole numbers adds: what was always the same may vary by that unseen."""
Value = float | None
"""None where a side or a period says nothing."""
Kind = Literal["count", "share"]


@dataclass(frozen=True, slots=True)
class Scale:
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


SCALES: Final[dict[Kind, Scale]] = {
    "count": Scale(_root, _square, lambda place: _ROUNDING / (2 * place), float("inf")),
    "share": Scale(lambda share: asin(sqrt(share)), lambda place: sin(min(max(place, 0.0), pi / 2)) ** 2, lambda _: 0.0, pi / 2),
}
