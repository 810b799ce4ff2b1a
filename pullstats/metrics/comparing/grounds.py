"""Whether two windows can be judged at all, and by which periods of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pullstats.metrics.comparing.activity import Activity, measure_activity
from pullstats.metrics.comparing.alignment import is_outside
from pullstats.metrics.comparing.past import Period, list_past
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.gaps import Gap, find_gaps
from pullstats.metrics.time.spans import count_months, to_local
from pullstats.metrics.time.windows import TICK, Window


@dataclass(frozen=True, slots=True)
class Grounds:
    """What two windows can be judged by.

    Attributes:
        reason: why they cannot be; empty if they can.
        past: the periods of the past that the logs hold whole, the latest first.
        activity: when the logs spoke; None where the store is empty.
    """

    reason: str = ""
    past: tuple[Period, ...] = ()
    activity: Activity | None = None


def find_grounds(asked: Sequence[Plan]) -> Grounds:
    """Find what two windows can be judged by, or why they cannot be.

    Args:
        asked: the plans of both sides, which differ in their windows alone.
    """
    one, other = asked[0].window, asked[1].window
    unknown = next((_tell_outside(side.window) for side in asked if is_outside(side)), "")
    running = next((_tell_running(one) for one in (one, other) if _is_running(one, asked[0].events.now)), "")
    reason = unknown or _find_obstacle(one, other) or running
    if reason:
        return Grounds(reason)
    past = list_past(one, other, asked[0].extent.first)
    windows = [one, other, *(window for period in past for window in period)]
    activity = measure_activity(asked[0], windows)
    if activity is None:
        return Grounds("the store is empty")
    gaps = _find_gaps(asked[0], windows)
    reason = next((told for index in (0, 1) if (told := _find_fault(asked, past, activity, gaps, index))), "")
    return Grounds(reason, () if reason else tuple(_keep_sound(past, activity, gaps)), activity)


def find_fault(asked: Sequence[Plan]) -> str:
    """Tell why the second of two windows cannot be told whole, whatever the logs hold of the first; empty if it can.

    Args:
        asked: the plans of both sides, which differ in their windows alone.
    """
    one, other = (plan.window for plan in asked)
    if is_outside(asked[1]):
        return _tell_outside(other)
    if _is_running(other, asked[1].events.now):
        return _tell_running(other)
    past = list_past(one, other, asked[0].extent.first)
    windows = [one, other, *(window for period in past for window in period)]
    activity = measure_activity(asked[0], windows)
    return "the store is empty" if activity is None else _find_fault(asked, past, activity, _find_gaps(asked[0], [other]), 1)


def _tell_outside(window: Window) -> str:
    return f"'{window.label}' lies outside of the logs"


def _tell_running(window: Window) -> str:
    return f"'{window.label}' is not over (--complete, --like-for-like)"


def _is_running(window: Window, now: datetime) -> bool:
    """Tell a window that is named by the present (`today`) and lasts longer: it is unfinished, however few lines it usually holds."""
    return window.is_relative and window.end is not None and window.end > now + TICK


def _find_obstacle(one: Window, other: Window) -> str:
    """Tell what keeps two windows from being compared, whatever the logs hold; empty if nothing does."""
    if None in {one.start, one.end, other.start, other.end}:
        return "a window without a beginning or an end has no past of its kind"
    assert one.start is not None
    assert one.end is not None
    assert other.start is not None
    assert other.end is not None
    if one.start < other.end and other.start < one.end:
        return "the windows overlap"
    if (one.weekdays, one.hours) != (other.weekdays, other.hours):
        return "the windows hold different days or hours"
    months = count_months(one)
    if months is not None and months == count_months(other):
        return ""
    zone = ZoneInfo(one.zone)
    lengths = {to_local(window.end, zone) - to_local(window.start, zone) for window in (one, other) if window.start and window.end}
    return "the windows are not equally long (--like-for-like cuts both to the same)" if len(lengths) > 1 else ""


def _find_fault(asked: Sequence[Plan], past: Sequence[Period], activity: Activity, gaps: Sequence[Gap], index: int) -> str:
    """Tell what the logs lack of a window; empty if nothing."""
    window = asked[index].window
    if activity.is_silent(window):
        return f"nothing was logged in '{window.label}'"
    others = [period[index % len(period)] for period in past]
    if not activity.is_whole(window, [*others, *([] if past and len(past[0]) > 1 else [asked[1 - index].window])]):
        return f"the logs do not reach over all of '{window.label}', which is unfinished or not whole (--complete, --like-for-like)"
    missing = [gap for gap in gaps if _holds(window, gap)]
    return f"the logs have a gap in '{window.label}'" if missing else ""


def _find_gaps(one: Plan, windows: Sequence[Window]) -> list[Gap]:
    start = min(window.start for window in windows if window.start)
    end = max(window.end for window in windows if window.end)
    first, newest = one.extent.first, one.extent.newest
    return find_gaps(one.extent.sources, one.events.logs, max(start, first), min(end, newest)).gaps if first and newest and start <= newest else []


def _holds(window: Window, gap: Gap) -> bool:
    return window.start is not None and window.end is not None and gap.start < window.end and window.start < gap.end


def _keep_sound(past: Sequence[Period], activity: Activity, gaps: Sequence[Gap]) -> list[Period]:
    """Leave out the periods that the logs do not hold whole."""
    kinds = list(zip(*past, strict=True))
    return [
        period
        for period in past
        if not any(activity.is_silent(window) for window in period)
        and all(activity.is_whole(window, [other for other in kind if other != window]) for window, kind in zip(period, kinds, strict=True))
        and not any(_holds(window, gap) for window in period for gap in gaps)
    ]
