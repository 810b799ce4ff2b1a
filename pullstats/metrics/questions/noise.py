"""Is a difference more than what there always is? Measured by the periods of the same length before.

Two windows are compared with how each past period differs from the one before it: within the noise
is what is no larger than twice their root mean square. Two filters are compared with how they
differed in each past period: within the noise is what is no further from the usual difference than
twice their standard deviation. Periods without a single request are gaps in the logs and tell nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any, Final

from pullstats.errors import UsageError
from pullstats.metrics.definitions import Metric
from pullstats.metrics.partials import compute_partials, fold
from pullstats.metrics.query import Resolved, Scan
from pullstats.metrics.questions.epochs import refuse_epochs
from pullstats.metrics.time.spans import close_window, spans_before
from pullstats.metrics.time.windows import Window

_PAST: Final = 8
_LEAST_PAST: Final = 3
_DEVIATIONS: Final = 2

Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What past periods say of a difference.

    Attributes:
        noise: how far off the usual it may be; None if that is not known.
        text: the same in words.
    """

    noise: float | None
    text: str


def judge_differences(asked: Sequence[Resolved], scan: Scan, metrics: Sequence[Metric], differences: Values) -> list[Verdict]:
    """Say of each metric whether the difference of two sides is within the noise of the periods before.

    Args:
        asked: the two sides; of one window they are two filters, else two windows.
        scan: gives the store's events.
        metrics: what is compared.
        differences: by the key of each metric; None where one side says nothing.
    """
    is_same_window = asked[0].window == asked[1].window
    past = _measure_filters(asked, scan, metrics) if is_same_window else _measure_windows(asked, scan, metrics)
    found = []
    for metric in metrics:
        known = [change for change in past.get(metric.key, []) if change is not None]
        found.append(_judge(differences[metric.key], known, is_same_window=is_same_window))
    return found


def _judge(difference: float | None, past: Sequence[float], *, is_same_window: bool) -> Verdict:
    if difference is None:
        return Verdict(None, "one side says nothing of it")
    if len(past) < _LEAST_PAST:
        return Verdict(None, f"too little past to tell: {len(past)} of at least {_LEAST_PAST} earlier differences")
    if is_same_window:
        usual, noise = fmean(past), _DEVIATIONS * stdev(past)
        side = "within" if abs(difference - usual) <= noise else "beyond"
        return Verdict(noise, f"{side} the noise: over {len(past)} periods before, usually {usual:+,.4g} ± {noise:,.4g}")
    noise = _DEVIATIONS * fmean([change * change for change in past]) ** 0.5
    return Verdict(noise, f"{'within' if abs(difference) <= noise else 'beyond'} the noise of {len(past)} past differences")


def _measure_windows(asked: Sequence[Resolved], scan: Scan, metrics: Sequence[Metric]) -> dict[str, list[float | None]]:
    """Tell how the periods before the earlier window follow each other."""
    starts = [one.window.start for one in asked]
    first = min((start for start in starts if start is not None), default=None)
    if first is None or None in starts:
        return {}
    earlier = asked[starts.index(first)]
    course = [_measure(earlier, scan, window, metrics) for window in _past_windows(earlier)]
    return {metric.key: [_minus(later[metric.key], before[metric.key]) for later, before in pairwise(course)] for metric in metrics}


def _measure_filters(asked: Sequence[Resolved], scan: Scan, metrics: Sequence[Metric]) -> dict[str, list[float | None]]:
    """Tell how the two filters differed in the periods before."""
    values = [[_measure(one, scan, window, metrics) for one in asked] for window in _past_windows(asked[0])]
    return {metric.key: [_minus(right[metric.key], left[metric.key]) for left, right in values] for metric in metrics}


def _past_windows(one: Resolved) -> list[Window]:
    return spans_before(close_window(one.window, one.reach.newest), one.reach.first, _PAST)


def _measure(one: Resolved, scan: Scan, window: Window, metrics: Sequence[Metric]) -> Values:
    """Give each metric of a past period; None where the logs have a gap, or it counts hashes of several keys."""
    past = replace(one, window=window)
    partials = compute_partials(past, scan, {}, [])
    if not partials.read:
        return dict.fromkeys((metric.key for metric in metrics), None)
    values: dict[str, Any] = fold(partials, metrics, ()).row(0, named=True)
    try:
        refuse_epochs(past, scan, metrics)
    except UsageError:
        return values | {metric.key: None for metric in metrics if metric.is_hashed}
    return values


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else float(later) - float(earlier)
