"""Buckets of time for series: `5m`, `h`, `d`, `w`, `mo`, `q`, `y`, with a number in front if wanted.

Buckets of a day and longer are local dates, so that a day has the 23, 24 or 25 hours it has.
Shorter ones are cut on the local clock: an hour that comes twice is two buckets, and in a longer
one it lasts an hour more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.windows import WEEKDAYS, Window, midnight

_EVERY: Final = re.compile(r"^([1-9][0-9]{0,3})?(m|h|d|w|mo|q|y)$")
_LONG: Final = frozenset({"d", "w", "mo", "q", "y"})
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}
_MOST: Final = 100_000
_LEAST_MINUTES: Final = 5
_STEP: Final = 5
"""Minutes between the instants that are tried; no bucket is shorter."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one size in one zone.

    Attributes:
        count: how many units one bucket spans.
        unit: `m`, `h`, `d`, `w`, `mo`, `q` or `y`.
        zone: zone whose days count.
        week_start: name of the first day of a week.
    """

    count: int
    unit: str
    zone: str
    week_start: str = "monday"

    @property
    def every(self) -> str:
        """Size, as polars writes durations."""
        return f"{self.count}{self.unit}"

    @property
    def is_daily(self) -> bool:
        """Whether buckets are whole days."""
        return self.unit in _LONG

    @property
    def dtype(self) -> pl.DataType:
        """Type of the bucket column: dates, or local times."""
        return pl.Date() if self.is_daily else pl.Datetime("us", self.zone)

    @property
    def expr(self) -> pl.Expr:
        """The bucket of each event: a local date or time."""
        local = pl.col("timestamp").dt.convert_time_zone(self.zone)
        if not self.is_daily:
            return self._cut(local)
        day = local.dt.date()
        if self.unit != "w":
            return day.dt.truncate(self.every)
        shift = WEEKDAYS.index(self.week_start)  # polars' weeks begin on Mondays
        return day.dt.offset_by(f"-{shift}d").dt.truncate(self.every).dt.offset_by(f"{shift}d")

    @property
    def _is_short(self) -> bool:
        """Whether an hour that comes twice is two buckets."""
        return self.count * _MINUTES.get(self.unit, _MINUTES["d"]) <= _MINUTES["h"]

    def _cut(self, local: pl.Expr) -> pl.Expr:
        naive = local.dt.replace_time_zone(None)
        cut = naive.dt.truncate(self.every)
        is_second = naive.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null") != local
        fold = pl.when(is_second & self._is_short).then(pl.lit("latest")).otherwise(pl.lit("earliest"))
        found = cut.dt.replace_time_zone(self.zone, ambiguous=fold, non_existent="null")
        # A bucket that would begin in an hour that is left out begins where the clock goes on.
        before = cut.dt.offset_by("-3h").dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null").dt.offset_by("3h")
        return pl.coalesce(found, before)

    def range(self, start: datetime, end: datetime, window: Window | None = None) -> pl.DataFrame:
        """List all buckets from an instant to another, empty ones too: a column `bucket`, sorted.

        Args:
            start: first instant.
            end: last instant, inclusive.
            window: leave out buckets of days and hours that do not recur in it.

        Raises:
            UsageError: there would be too many to read.
        """
        if start > end:
            return pl.DataFrame(schema={"bucket": self.dtype})
        minutes = min(self.count * _MINUTES.get(self.unit, _MINUTES["d"]), _MINUTES["d"])
        if (end - start) / timedelta(minutes=minutes) > _MOST:
            message = f"--every {self.every} gives more than {_MOST:,} buckets; choose a larger one or a shorter --window"
            raise UsageError(message)
        is_recurring = window is not None and window.recurring is not None
        step = timedelta(minutes=_STEP) if is_recurring and window is not None and window.hours else timedelta(minutes=60 if self.is_daily else _STEP)
        instants = pl.datetime_range(start, end, step, time_unit="us", time_zone="UTC", eager=True).alias("timestamp")
        frame = pl.concat([instants.to_frame(), pl.DataFrame({"timestamp": [end]}, schema={"timestamp": pl.Datetime("us", "UTC")})])
        if is_recurring and window is not None and window.recurring is not None:
            frame = frame.filter(window.recurring)
        return frame.select(bucket=self.expr).unique().sort("bucket")

    def start_of(self, buckets: pl.Series) -> pl.Series:
        """Give the instant at which each bucket begins, UTC."""
        if not self.is_daily:
            return buckets.dt.convert_time_zone("UTC")
        zone = ZoneInfo(self.zone)
        return pl.Series(buckets.name, [midnight(day, zone) for day in buckets], pl.Datetime("us", "UTC"))

    def end_of(self, buckets: pl.Series) -> pl.Series:
        """Give the instant at which each bucket ends, UTC."""
        if self.is_daily:
            return self.start_of(buckets.dt.offset_by(self.every))
        after = buckets.dt.offset_by(self.every).dt.convert_time_zone("UTC")
        if self._is_short:
            return after
        naive = buckets.dt.replace_time_zone(None).dt.offset_by(self.every)
        ends = naive.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
        return ends.zip_with(ends.is_not_null(), after)

    def label(self, buckets: pl.Series) -> pl.Series:
        """Write buckets as ISO 8601: dates from a day on, else with the zone's offset."""
        return buckets.dt.to_string("%Y-%m-%d" if self.is_daily else "%Y-%m-%dT%H:%M:%S%:z")


def parse_every(text: str, zone: str, week_start: str = "monday") -> Buckets:
    """Read the size of a bucket.

    Raises:
        UsageError: it is none.
    """
    match = _EVERY.match(text)
    if match is None or (match[2] == "m" and int(match[1] or 1) < _LEAST_MINUTES):
        message = f"--every '{text}' is no size; write 5m, h, d, w, mo, q or y, with a number in front if wanted"
        raise UsageError(message)
    count, unit = int(match[1] or 1), match[2]
    if unit in {"m", "h"} and (_MINUTES["d"] % (count * _MINUTES[unit])):
        message = f"--every '{text}' does not divide a day; write 5m, 15m, 1h, 6h, 12h or the like"
        raise UsageError(message)
    return Buckets(count, unit, zone, week_start)
