"""Buckets of time for series: `5m`, `h`, `d`, `w`, `mo`, `q`, `y`, with a number in front if wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.query import Reach
from pullstats.metrics.windows import Window

_EVERY: Final = re.compile(r"^([1-9][0-9]{0,3})?(m|h|d|w|mo|q|y)$")
_LONG: Final = frozenset({"d", "w", "mo", "q", "y"})
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one size in one zone.

    Attributes:
        every: size, as polars writes durations.
        unit: its unit.
        zone: zone whose days count.
        shift: days by which weeks begin earlier than Monday.
    """

    every: str
    unit: str
    zone: str
    shift: int = 0

    @property
    def expr(self) -> pl.Expr:
        """The bucket of each event, as a local time."""
        local = pl.col("timestamp").dt.convert_time_zone(self.zone)
        if not self.shift:
            return local.dt.truncate(self.every)
        return local.dt.offset_by(f"{self.shift}d").dt.truncate(self.every).dt.offset_by(f"-{self.shift}d")

    def range(self, window: Window, reach: Reach) -> pl.DataFrame:
        """List all buckets of a window within the store's range, empty ones too: a column `bucket`.

        Raises:
            UsageError: there would be too many to read.
        """
        schema = {"bucket": pl.Datetime("us", self.zone)}
        if reach.first is None or reach.newest is None:
            return pl.DataFrame(schema=schema)
        first = max(window.start, reach.first) if window.start else reach.first
        last = min(window.end - timedelta(microseconds=1), reach.newest) if window.end else reach.newest
        if first > last:
            return pl.DataFrame(schema=schema)
        ends = pl.DataFrame({"timestamp": [first, last]}, schema={"timestamp": pl.Datetime("us", "UTC")}).select(bucket=self.expr)["bucket"]
        found = pl.datetime_range(ends[0], ends[1], self.every, time_zone=self.zone, time_unit="us", eager=True)
        if found.len() > _MOST:
            message = f"--every {self.every} gives {found.len():,} buckets; choose a larger one or a shorter --window"
            raise UsageError(message)
        return found.alias("bucket").to_frame()

    def label(self, buckets: pl.Series) -> pl.Series:
        """Write buckets as ISO 8601: dates from a day on, else with the zone's offset."""
        return buckets.dt.to_string("%Y-%m-%d" if self.unit in _LONG else "%Y-%m-%dT%H:%M:%S%:z")


def parse_every(text: str, zone: str, week_start: str = "monday") -> Buckets:
    """Read the size of a bucket.

    Raises:
        UsageError: it is none.
    """
    match = _EVERY.match(text)
    if match is None:
        message = f"--every '{text}' is no size; write 5m, h, d, w, mo, q or y, with a number in front if wanted"
        raise UsageError(message)
    shift = 1 if match[2] == "w" and week_start == "sunday" else 0
    return Buckets(f"{match[1] or 1}{match[2]}", match[2], zone, shift)
