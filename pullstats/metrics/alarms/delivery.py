"""Whether a log that still delivers lags behind: what it lacks of a window would look like a fall."""

from __future__ import annotations

from datetime import datetime
from statistics import fmean
from typing import Final

import polars as pl

from pullstats.metrics.comparing.activity import MOST_MISSING, SLOT
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.completeness import find_delivering, name_whole
from pullstats.metrics.time.spans import WEEK

_WEEKS: Final = 4
"""How many weeks back the usual rest of a window is read."""


def find_late(asked: Plan) -> str:
    """Say which log has not yet delivered all of a window, by how active it was in the same hours of past weeks; empty if none.

    Args:
        asked: the plan of the window, which has an end.
    """
    sources, newest, end = asked.extent.sources, asked.extent.newest, asked.window.end
    assert end is not None
    if sources is None or newest is None:
        return ""
    late = {log: last for log, last in find_delivering(sources, newest).items() if last < end}
    for log, last in sorted(late.items()):
        ids = [source for source, name in sources.select("source_id", "name").rows() if name_whole(name or source) == log]
        if _count_usual(asked, ids, last, end) >= MOST_MISSING:
            return f"{log} has not delivered all of '{asked.window.label}' yet"
    return ""


def _count_usual(asked: Plan, ids: list[str], last: datetime, end: datetime) -> float:
    """Count the slots in which some sources usually spoke between two instants, in the weeks before that they reach back to."""
    first = asked.extent.first
    assert first is not None
    counts = []
    for weeks in range(1, _WEEKS + 1):
        start, until = last - weeks * WEEK, end - weeks * WEEK
        if start >= first:
            events = asked.events.scan(["source_id", "timestamp"], start, until).filter(pl.col("source_id").is_in(ids))
            counts.append(events.select(pl.col("timestamp").dt.truncate(SLOT).n_unique()).collect(engine="streaming").item())
    return fmean(counts) if counts else 0.0
