"""When a store's logs spoke: five minutes by five minutes, and with hashes of which keys.

Tells which periods hold something, and which are cut short by the beginning or the end of the logs:
what is missing of them is a stretch in which others were active for seven slots or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final

import polars as pl

from pullstats.metrics.plan import Plan
from pullstats.metrics.time.windows import TICK, Window

SLOT: Final = "5m"
"""What is short enough that a log speaks in it once."""
MOST_MISSING: Final = 7.0
"""Active slots that a whole period may lack: so many are all silent by chance in about one of a thousand periods."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The slots in which there were requests.

    Attributes:
        slots: `slot`, and the `low` and `high` of `key_epoch` in it.
        first: the earliest event of the store.
        newest: the latest.
    """

    slots: pl.DataFrame
    first: datetime
    newest: datetime

    def is_silent(self, window: Window) -> bool:
        """Whether nothing was logged in a window."""
        return not self._inside(window).height

    def has_one_key(self, window: Window) -> bool:
        """Whether hashes in a window can be compared."""
        keys = self._inside(window)
        return not keys.height or keys["low"].min() == keys["high"].max()

    def is_whole(self, window: Window, others: Sequence[Window]) -> bool:
        """Tell whether the logs reach as far into a window as others of its kind are active."""
        assert window.start is not None
        assert window.end is not None
        head, tail = self.first - window.start, window.end - self.newest
        full = [other for other in others if other.start and other.end and self.first <= other.start and other.end <= self.newest + TICK]
        missing = []
        for other in full:
            assert other.start is not None
            assert other.end is not None
            missing.append(self._count(other.start, other.start + head, other) + self._count(other.end - tail, other.end, other))
        return fmean(missing) < MOST_MISSING if missing else head <= timedelta() and tail <= TICK

    def _count(self, start: datetime, end: datetime, window: Window) -> int:
        return self._inside(window).filter(pl.col("timestamp").is_between(start, end, closed="left")).height if start < end else 0

    def _inside(self, window: Window) -> pl.DataFrame:
        return window.keep(self.slots.lazy()).collect()


def measure_activity(asked: Plan, windows: Sequence[Window]) -> Activity | None:
    """Read when there were requests, from the first of some windows to the last; None where the store is empty.

    Args:
        asked: the plan of the question.
        windows: with a beginning and an end each.
    """
    first, newest = asked.extent.first, asked.extent.newest
    if first is None or newest is None:
        return None
    start = min(window.start for window in windows if window.start is not None)
    end = max(window.end for window in windows if window.end is not None)
    events = asked.events.scan(["timestamp", "key_epoch"], start, end)
    slot = pl.col("timestamp").dt.truncate(SLOT)
    slots = events.group_by(timestamp=slot).agg(low=pl.col("key_epoch").min(), high=pl.col("key_epoch").max())
    return Activity(slots.sort("timestamp").collect(engine="streaming"), first, newest)
