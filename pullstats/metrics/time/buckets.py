"""Buckets of time for series: `5m`, `h`, `d`, `w`, `mo`, `q`, `y`, with a number in front if wanted.

Buckets of a day and longer are local dates, so that a day has the 23, 24 or 25 hours it has.
Shorter ones are cut on the local clock, from midnight on. Up to an hour, each change of the clock
begins one: an hour that comes twice is two. Longer ones last an hour more or less. None depends on
the window: multiples of days, months, quarters and years are counted from 1 January 1970, those of
weeks from the first week that begins in 1970.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import gcd
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.time.clock_changes import find_changes, find_repeated_days
from pullstats.metrics.time.phrases import UNITS
from pullstats.metrics.time.weekdays import WEEKDAYS
from pullstats.metrics.time.windows import TICK, Window, midnight

_EVERY: Final = re.compile(r"^(?:([1-9][0-9]{0,3}) ?)?([a-z]+)$")
_SHORT: Final = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "quarter": "q", "year": "y"}
_ADVERBS: Final = {"hourly": "h", "daily": "d", "weekly": "w", "monthly": "mo", "quarterly": "q", "yearly": "y"}
_UNITS: Final = {"m": "m"} | {name: _SHORT[unit] for name, unit in UNITS.items()} | _ADVERBS
"""The unit of a bucket by all that people call it."""
_LONG: Final = frozenset({"d", "w", "mo", "q", "y"})
_DAY_MINUTES: Final = 24 * 60
_MINUTES: Final = {"m": 1, "h": 60}
_LONGEST_MINUTES: Final = _MINUTES | {unit: days * _DAY_MINUTES for unit, days in {"d": 1, "w": 7, "mo": 31, "q": 92, "y": 366}.items()}
_MOST: Final = 100_000
_LEAST_MINUTES: Final = 5
_STEP: Final = 5
"""Minutes between the instants that are tried; only a change of the clock makes a bucket shorter."""
_FIRST_WEEKDAY: Final = "thursday"
"""The first of January 1970."""
_REACH: Final = 3
"""UTC days from a change of the clock on in which the bucket that it falls into may last."""


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
        if not self.is_daily:
            return self._cut.dt.convert_time_zone(self.zone)
        day = self._day
        if self.unit != "w":
            return day.dt.truncate(self.every)
        # polars' weeks begin on Mondays, and are counted from the fifth of January 1970; weeks that begin on the first to the fourth are counted from there.
        place = WEEKDAYS.index(self.week_start)
        shift = place - len(WEEKDAYS) if place >= WEEKDAYS.index(_FIRST_WEEKDAY) else place
        return day.dt.offset_by(f"{-shift}d").dt.truncate(self.every).dt.offset_by(f"{shift}d")

    @property
    def size(self) -> timedelta:
        """How long a bucket is at most, changes of the clock aside."""
        return timedelta(minutes=self.count * _LONGEST_MINUTES[self.unit])

    @property
    def _is_short(self) -> bool:
        """Whether a change of the clock begins a bucket."""
        return self.size <= timedelta(hours=1)

    @property
    def _day(self) -> pl.Expr:
        """The local day; one that has begun does not end because the clock is put back over midnight."""
        moment = pl.col("timestamp")
        day = moment.dt.convert_time_zone(self.zone).dt.date()
        repeated = [moment.is_between(start, end, closed="left") for start, end in find_repeated_days(self.zone)]
        return pl.when(pl.any_horizontal(repeated)).then(day.dt.offset_by("1d")).otherwise(day) if repeated else day

    @property
    def _cut(self) -> pl.Expr:
        """The instant at which the bucket of each event begins."""
        moment = pl.col("timestamp")
        naive = moment.dt.convert_time_zone(self.zone).dt.replace_time_zone(None)
        start = moment - (naive - naive.dt.truncate(self.every))
        if not find_changes(self.zone):
            return start
        change, back, floor = self._near_changes()
        is_changed = change <= moment
        if self._is_short:
            return pl.when(is_changed & (start < change)).then(change).otherwise(start)
        # A clock that shows again what it has shown stays in the bucket it had reached; one that jumps over a bucket's time begins it there.
        return pl.when(is_changed & (start - back <= floor)).then(floor).when(is_changed & (start < change)).then(change).otherwise(start)

    def _near_changes(self) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
        """Give the last change of the clock near each event, by how much it put the clock back, and the bucket it falls into."""
        changes: dict[date, datetime] = {}
        backs: dict[date, timedelta] = {}
        floors: dict[date, datetime] = {}
        for change in find_changes(self.zone):
            last = (change.moment + change.before - TICK).replace(tzinfo=None)
            past = (last - datetime.combine(last, time())) % self.size
            for day in (change.moment.date() + timedelta(days=number) for number in range(_REACH)):
                changes[day], backs[day], floors[day] = change.moment, change.before - change.after, change.moment - TICK - past
        utc_day = pl.col("timestamp").dt.date()
        instant = pl.Datetime("us", "UTC")
        return (
            utc_day.replace_strict(changes, default=None, return_dtype=instant),
            utc_day.replace_strict(backs, default=None, return_dtype=pl.Duration("us")),
            utc_day.replace_strict(floors, default=None, return_dtype=instant),
        )

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
        shortest = self.size if not self.is_daily else timedelta(days=1)
        if (end - start) / shortest > _MOST:
            raise UsageError(f"--every {self.every} gives more than {_MOST:,} buckets; choose a larger one or a shorter --window")
        return self._list(start, end, window)

    def _list(self, start: datetime, end: datetime, window: Window | None = None) -> pl.DataFrame:
        hours = window.hours if window is not None else ()
        step = timedelta(minutes=gcd(_STEP, *(minute for span in hours for minute in span)) if hours or not self.is_daily else 60)
        grid = pl.datetime_range(start.replace(minute=0, second=0, microsecond=0), end, step, time_unit="us", time_zone="UTC", eager=True)
        changes = [moment for change in find_changes(self.zone) for moment in (change.moment - TICK, change.moment)]
        edges = pl.Series([start, end, *changes], dtype=pl.Datetime("us", "UTC"))
        frame = pl.concat([grid, edges]).alias("timestamp").to_frame().filter(pl.col("timestamp").is_between(start, end))
        if window is not None and window.recurring is not None:
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
        first, last = buckets.dt.convert_time_zone("UTC").min(), buckets.dt.convert_time_zone("UTC").max()
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            return buckets.dt.convert_time_zone("UTC")
        every = self._list(first, last + 2 * self.size + timedelta(days=1))["bucket"].dt.convert_time_zone("UTC")
        following = pl.DataFrame({"start": every, "end": every.shift(-1)})
        starts = buckets.dt.convert_time_zone("UTC").alias("start").to_frame()
        return starts.join(following, on="start", how="left", maintain_order="left")["end"].alias(buckets.name)

    def label(self, buckets: pl.Series) -> pl.Series:
        """Write buckets as ISO 8601: dates from a day on, else with the zone's offset."""
        return buckets.dt.to_string("%Y-%m-%d" if self.is_daily else "%Y-%m-%dT%H:%M:%S%:z")


def parse_every(text: str, zone: str, week_start: str = "monday") -> Buckets:
    """Read the size of a bucket.

    Args:
        text: a number and `m`, `h`, `d`, `w`, `mo`, `q` or `y`.
        zone: IANA name of the zone in which days and hours begin.
        week_start: day with which weeks begin.

    Raises:
        UsageError: it is none.

    Example:
        >>> from datetime import datetime, UTC
        >>> days = parse_every("d", "Europe/Berlin").range(datetime(2025, 3, 29, 23, tzinfo=UTC), datetime(2025, 3, 30, 22, tzinfo=UTC))
        >>> days.height  # the 30th has 23 hours
        2
    """
    match = _EVERY.match(" ".join(text.split()))
    count, unit = (int(match[1] or 1), _UNITS.get(match[2], "")) if match else (1, "")
    if not unit or count * _MINUTES.get(unit, _DAY_MINUTES) < _LEAST_MINUTES:
        raise UsageError(f"--every '{text}' is no size; write 5m, h, d, w, mo, q or y, with a number in front if wanted")
    if unit in _MINUTES and _DAY_MINUTES % (count * _MINUTES[unit]):
        raise UsageError(f"--every '{text}' does not divide a day; write 5m, 15m, 1h, 6h, 12h or the like")
    return Buckets(count, unit, zone, week_start)
