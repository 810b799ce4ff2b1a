"""The plan of a question about versions, and what is known of its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pullstats.clock import find_zone
from pullstats.errors import UsageError
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.filtering.selection import build_selection
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.gaps import Gap, find_gaps
from pullstats.metrics.time.windows import TICK


def resolve_versions(query: Query, events: StoreEvents) -> Plan:
    """Make the plan of a question about versions.

    Raises:
        UsageError: as `Versions.answer`.
    """
    if query.min_origins:
        message = "versions tells who is still on each version, however few, so it takes no --min-origins; use report --by package,release for what leaves the house"
        raise UsageError(message)
    chosen = build_selection(query, find_zone(query.tz).key, events.extent.sources)
    asked = resolve(query, events.narrow(chosen.of_package))
    if len([metric for metric in asked.metrics if metric.rule]) != 1:
        message = "versions follows one count: --count-as takes one counting rule"
        raise UsageError(message)
    refuse_epochs(asked, (asked.level,))
    return asked


def find_first(asked: Plan) -> datetime | None:
    """Give the instant from which on the logs speak and the window reaches; None where neither says one."""
    return max(filter(None, (asked.window.start, asked.extent.first)), default=None)


def find_last(asked: Plan) -> datetime | None:
    """Give the first instant that the logs say nothing of any more, or the window leaves out; None where there is none."""
    newest = asked.extent.newest
    ends = [asked.window.end, newest + TICK if newest else None]
    return min((end for end in ends if end is not None), default=None)


def gaps_of(asked: Plan) -> list[Gap]:
    """List when the logs of the window were silent that should have spoken."""
    clipped = asked.window.clip(asked.extent.first, asked.extent.newest)
    return list(find_gaps(asked.extent.sources, asked.events.logs, *clipped).gaps) if clipped else []


def choose_every(asked: Plan, steps: Sequence[tuple[int, str]], last: str) -> str:
    """Choose the size of a bucket for as long as the window and the logs reach.

    Args:
        asked: the plan of the question.
        steps: the most days that each size is for, in order.
        last: the size of whatever is longer.
    """
    clipped = asked.window.clip(asked.extent.first, asked.extent.newest)
    days = (clipped[1] - clipped[0]) / timedelta(days=1) if clipped else 0
    return next((every for most, every in steps if days <= most), last)
