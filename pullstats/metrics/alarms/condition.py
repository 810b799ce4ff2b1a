"""What people set an alarm to: a fall or rise by a part of what was before, or a bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from pullstats.errors import UsageError
from pullstats.metrics.metric import Metric
from pullstats.percentages import write_level

Kind = Literal["drop", "rise", "below", "above"]
KINDS: Final[tuple[Kind, ...]] = ("drop", "rise", "below", "above")
CHANGES: Final = frozenset({"drop", "rise"})
"""Conditions of a change, which the past is asked about; the others are of a value."""

_AMOUNT: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(%|[kMGT]?B?)", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition.

    Attributes:
        kind: `drop`, `rise`, `below`, `above`.
        limit: of a drop or rise the least part of what was before, 0.3 for 30 %; else the bound in the unit of the metric, of shares from 0 to 1.
    """

    kind: Kind
    limit: Fraction

    @property
    def is_of_change(self) -> bool:
        """Whether it is of a change, and not of a value."""
        return self.kind in CHANGES

    def describe(self, metric: Metric) -> str:
        """Write it as it is set: `drop 30 %`, `below 1,000`.

        Args:
            metric: what it is about.
        """
        return f"{self.kind} {self.write_limit(metric)}"

    def write_limit(self, metric: Metric) -> str:
        """Write its limit: `30 %`, `1,000`.

        Args:
            metric: what it is about.
        """
        return write_level(self.limit) if self.is_of_change or metric.kind == "share" else f"{float(self.limit):,.15g}"

    def is_met(self, before: Fraction | None, now: Fraction | None) -> bool:
        """Tell whether two values meet it, whatever the past says; what is not known meets nothing.

        Args:
            before: what it is compared with.
            now: what it was in the window.
        """
        if now is None:
            return False
        if not self.is_of_change:
            return now < self.limit if self.kind == "below" else now > self.limit
        if before is None:
            return False
        if self.kind == "drop":
            return before > 0 and before - now >= self.limit * before
        return now > before and now - before >= self.limit * before


def parse_condition(kind: Kind, text: str, metric: Metric) -> Condition:
    """Read a condition: `30%` of a drop or rise and of shares, else a number: `1000`, `12k`, `4.5GB`.

    Args:
        kind: which.
        text: its limit.
        metric: what it is about.

    Raises:
        UsageError: it is none.

    Example:
        >>> from pullstats.metrics.definitions import METRICS
        >>> parse_condition("drop", "30%", METRICS["downloads"]).limit, parse_condition("above", "1.5k", METRICS["downloads"]).limit
        (Fraction(3, 10), Fraction(1500, 1))
    """
    match = _AMOUNT.fullmatch(text.strip())
    is_part = kind in CHANGES or metric.kind == "share"
    if match is None or (match[2] == "%") != is_part:
        wanted = "a percentage, as in 30%" if is_part else "a number, as in 1000, 12k or 4.5GB"
        raise UsageError(f"{kind} '{text}' of {metric.name} is not {wanted}")
    limit = Fraction(match[1]) / _WHOLE if is_part else Fraction(match[1]) * _UNITS[match[2].upper().removesuffix("B")]
    if is_part and kind != "rise" and limit > 1:
        raise UsageError(f"{kind} '{text}' of {metric.name} is never met: there is nothing beyond 100%")
    if kind in CHANGES and not limit:
        raise UsageError(f"{kind} '{text}' is no change; write the least that matters, as in 30%")
    return Condition(kind, limit)
