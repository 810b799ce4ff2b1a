"""What was found of an alarm, and the sentence that tells it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from pullstats.metrics.alarms.condition import Condition
from pullstats.metrics.alarms.windows import describe_span
from pullstats.metrics.comparing.noise import Verdict
from pullstats.metrics.comparing.scales import Value
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.metric import Metric
from pullstats.metrics.time.windows import Window
from pullstats.percentages import write_change, write_share

REQUESTS: Final = METRICS["requests"]
State = Literal["alarm", "quiet", "not judged"]
_NO_VERDICT: Final = "no verdict: "
_FINEST: Final = 10**12
"""Denominator up to which a share is read as the fraction that it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An alarm, or one group of its.

    Attributes:
        name: what it is saved as, or empty.
        metric: what is looked at.
        condition: what it was set to.
        before: what its window is compared with.
        window: its window.
        group: name and value of each dimension; none for all.
        old: the value before; None where it is not told.
        new: the value in the window.
        requests: how many requests there were in the window; None where it is not told.
        days: how many days either window has, where amounts of windows that are not equally long are compared by the day.
        verdict: what the past says of a change; None of a bound.
        reason: why nothing is judged; empty if it is.
        remark: what must be said besides.
    """

    name: str
    metric: Metric
    condition: Condition
    before: Window
    window: Window
    group: tuple[tuple[str, str], ...] = ()
    old: Value = None
    new: Value = None
    requests: Value = None
    days: tuple[int, int] = (1, 1)
    verdict: Verdict | None = None
    reason: str = ""
    remark: str = ""

    @property
    def state(self) -> State:
        """Whether it is an alarm: its condition is met, and of a change the past says that it is more than noise."""
        if self.missing:
            return "not judged"
        return "alarm" if self._is_met and self._is_beyond else "quiet"

    @property
    def missing(self) -> str:
        """Say why it cannot be judged; empty if it can."""
        if self.reason:
            return self.reason
        if self.verdict is not None and self.verdict.low is None:
            return self.verdict.text.removeprefix(_NO_VERDICT)
        return "" if self.new is not None else f"nothing is known of {self.metric.title}"

    @property
    def change(self) -> Value:
        """The change as a part of what was before, by the day where the windows are not equally long; None where there is none."""
        old, new = self._exact
        return float(new / old - 1) if old and new is not None else None

    @property
    def _exact(self) -> tuple[Fraction | None, Fraction | None]:
        old, new = (
            None if value is None else Fraction(value).limit_denominator(_FINEST) / days
            for value, days in zip((self.old, self.new), self.days, strict=True)
        )
        return old, new

    @property
    def _is_met(self) -> bool:
        return self.condition.is_met(*self._exact)

    @property
    def _is_beyond(self) -> bool:
        """Whether the interval of the difference holds no 0, and lies on the side that the condition is about."""
        if self.verdict is None:
            return True
        assert self.verdict.low is not None
        assert self.verdict.high is not None
        return self.verdict.high < 0 if self.condition.kind == "drop" else self.verdict.low > 0

    def tell(self) -> str:
        """Tell it in a sentence."""
        head = f"{self.state} {self.name}".strip()
        values = "" if self.reason else f": {self._tell_values()}"
        return f"{head}: {self._tell_subject()}{values}; {self._tell_judgement()}{self.remark}"

    def _tell_subject(self) -> str:
        groups = ", ".join(f"{name} {value}" for name, value in self.group)
        return f"{self.metric.title}{f' of {groups}' if groups else ''}, {_call(self.window)}"

    def _tell_values(self) -> str:
        new = self._write(self.new)
        if not self.condition.is_of_change:
            return f"{new} of {REQUESTS.name_count(int(self.requests))}" if self.metric.kind == "share" and self.requests is not None else new
        change = f", {write_change(self.change)}" if self.change is not None else ""
        return f"{new} after {self._write(self.old)} ({describe_span(self.before)}){change}"

    def _tell_judgement(self) -> str:
        if self.missing:
            return self.missing
        limit = self.condition.write_limit(self.metric)
        if not self.condition.is_of_change:
            return f"{'' if self._is_met else 'not '}{self.condition.kind} {limit}"
        size = f"{self.condition.kind} of {limit} or more"
        assert self.verdict is not None
        return f"a {size}, {'' if self._is_beyond else 'but '}{self.verdict.text}" if self._is_met else f"no {size}"

    def _write(self, value: Value) -> str:
        if value is None:
            return "unknown"
        return write_share(value) if self.metric.kind == "share" else f"{int(value):,}"


def _call(window: Window) -> str:
    span = describe_span(window)
    return span if span == window.label else f"{window.label} ({span})"
