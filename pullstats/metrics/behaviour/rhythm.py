"""The hours and days at which somebody comes: whether they sleep, whatever their time zone is.

A person's hours lie within half of the day, wherever that half begins; a machine's go round the clock. So the twelve
hours that hold the most are found first, and what lies outside them is the night. Their middle is
early afternoon, which tells the zone, and with it which days are the weekend's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.visits import KEY, SECOND

_HOUR: Final = 3600 * SECOND
_HOURS: Final = range(24)
_AWAKE: Final = 12
_EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday, where Monday is 0."""
_AFTERNOON: Final = 14
_FRIDAY: Final = 4


def describe_rhythm(visits: pl.DataFrame) -> pl.DataFrame:
    """Tell when each owner comes.

    Args:
        visits: `key`, `start` (µs), in order.

    Returns:
        A row a key, in order: `hours` (distinct hours in which there was a visit), `days`, `night` (share of the hours outside the fullest twelve
        of the day) and `weekend` (share of the days that were Saturdays and Sundays there).
    """
    hours = _keep_changes(visits.select(KEY, hour=pl.col("start") // _HOUR), "hour")
    of_day = (pl.col("hour") % 24).alias("of_day")
    grid = hours.with_columns(of_day).group_by(KEY, maintain_order=True).agg((pl.col("of_day") == hour).sum().alias(f"h{hour}") for hour in _HOURS)
    windows = [pl.sum_horizontal(f"h{(begin + step) % 24}" for step in range(_AWAKE)).alias(f"w{begin}") for begin in _HOURS]
    held = grid.select(KEY, *windows, total=pl.sum_horizontal(f"h{hour}" for hour in _HOURS))
    most = pl.max_horizontal(f"w{begin}" for begin in _HOURS)
    begins = pl.coalesce(*(pl.when(pl.col(f"w{begin}") == most).then(begin) for begin in _HOURS))
    found = held.select(KEY, hours=pl.col("total"), night=1 - most / pl.col("total"), zone=_AFTERNOON - (begins + _AWAKE // 2))
    zone = pl.lit(found["zone"]).gather((pl.col(KEY) != pl.col(KEY).shift(1)).fill_null(value=False).cum_sum())
    days = _keep_changes(hours.select(KEY, day=(pl.col("hour") + zone) // 24), "day")
    rest = ((pl.col("day") + _EPOCH_WEEKDAY) % 7 > _FRIDAY).mean().alias("weekend")
    return found.drop("zone").with_columns(days.group_by(KEY, maintain_order=True).agg(rest, pl.len().alias("days")).drop(KEY).get_columns())


def _keep_changes(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Keep the first of several rows with one value of a column, of one owner; they lie in order."""
    is_same = (pl.col(KEY) == pl.col(KEY).shift(1)) & (pl.col(column) == pl.col(column).shift(1))
    return rows.filter(~is_same.fill_null(value=False))
