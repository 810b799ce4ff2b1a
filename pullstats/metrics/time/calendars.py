"""What a window is read against: a zone, an instant, the first day of a week, and when versions came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pullstats.metrics.time.phrase import Today

FindRelease = Callable[[str], datetime | None]
"""From `1.4.0`, `v1.4.0` or `name@1.4.0` to when it came out; None if that is not known."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a window is read against.

    Attributes:
        zone: whose days count.
        now: the instant to count back from.
        is_complete: leave the unfinished day out; `Nd` takes the N whole days before it. Hours (`12h`) stay as they are.
        week_start: name of the first day of a week.
        find_release: tells when a version came out.
    """

    zone: ZoneInfo
    now: datetime
    is_complete: bool = False
    week_start: str = "monday"
    find_release: FindRelease | None = None

    @property
    def today(self) -> date:
        """The local day of `now`."""
        return self.now.astimezone(self.zone).date()

    @property
    def days(self) -> Today:
        """What days are read against."""
        return Today(self.today, self.today - timedelta(days=1) if self.is_complete else self.today, self.week_start)
