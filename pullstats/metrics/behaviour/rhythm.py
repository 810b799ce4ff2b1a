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
_DAY: Final = 24 * _HOUR
_AWAKE: Final = 12
_EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday, where Monday is 0."""
_AFTERNOON: Final = 14
_FRIDAY: Final = 4


def describe_rhythm(visits: pl.DataFrame) -> pl.DataFrame:
    """Tell when each owner comes.

    Args:
        visits: `key`, `start` (µs).

    Returns:
        `key`, `hours` (distinct hours in which there was a visit), `days` (UTC), `night` (share of the hours outside the fullest twelve of the day) and
        `weekend` (share of the days that were Saturdays and Sundays there).
    """
    hours = visits.select(KEY, hour=pl.col("start") // _HOUR).unique()
    counts = hours.group_by(KEY, of_day=pl.col("hour") % 24).agg(pl.len().alias("count"))
    grid = counts.group_by(KEY).agg(*(pl.col("count").filter(pl.col("of_day") == hour).sum().alias(f"h{hour}") for hour in range(24)))
    names = [f"h{hour}" for hour in range(24)]
    windows = [pl.sum_horizontal(names[(begin + step) % 24] for step in range(_AWAKE)).alias(f"w{begin}") for begin in range(24)]
    held = grid.select(KEY, *windows, total=pl.sum_horizontal(names))
    most = pl.max_horizontal(f"w{begin}" for begin in range(24))
    begins = pl.coalesce(*(pl.when(pl.col(f"w{begin}") == most).then(begin) for begin in range(24)))
    found = held.select(KEY, hours=pl.col("total"), night=1 - most / pl.col("total"), zone=_AFTERNOON - (begins + _AWAKE // 2))
    local = hours.join(found.select(KEY, "zone"), on=KEY)
    day = (pl.col("hour") + pl.col("zone")) // 24
    days = local.select(KEY, day=day).unique()
    rest = ((pl.col("day") + _EPOCH_WEEKDAY) % 7 > _FRIDAY).mean()
    return found.drop("zone").join(days.group_by(KEY).agg(weekend=rest, days=pl.len()), on=KEY).sort(KEY)
