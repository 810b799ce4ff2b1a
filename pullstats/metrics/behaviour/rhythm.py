"""The hours and days at which somebody comes: whether they sleep, whatever their time zone is.

A person's hours lie within half of the day, wherever that half begins; a machine's go round the clock. So the twelve
hours that hold the most are found first, and what lies outside them is the night. Their middle is
early afternoon, which tells the zone, and with it which days are the weekend's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.visits import KEY, SECOND
from pullstats.metrics.islands import Islands, changes, sum_between

_HOUR: Final = 3600 * SECOND
_HOURS: Final = range(24)
_AWAKE: Final = 12
_EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday, where Monday is 0."""
_AFTERNOON: Final = 14
_FRIDAY: Final = 4
_BITS: Final = 16
"""Of each window's count, so that several are added up at once: 65,535 distinct hours of one hour of the day are 179 years."""
_IN_ONE: Final = 64 // _BITS
_PACKED: Final = [
    pl.Series(
        [sum(1 << _BITS * (begin % _IN_ONE) for begin in range(low, low + _IN_ONE) if (hour - begin) % 24 < _AWAKE) for hour in _HOURS],
        dtype=pl.UInt64,
    )
    for low in range(0, _AWAKE, _IN_ONE)
]
"""For each hour of the day in which of the windows of twelve hours it lies, by the hour that these begin at; where one of these ends, the rest begins."""


def describe_rhythm(visits: pl.DataFrame) -> pl.DataFrame:
    """Tell when each owner comes.

    Args:
        visits: `key`, `start` (µs), in order.

    Returns:
        A row a key, in order: `hours` (distinct hours in which there was a visit), `days`, `night` (share of the hours outside the fullest twelve
        of the day) and `weekend` (share of the days that were Saturdays and Sundays there).
    """
    hours = _keep_changes(visits.select(KEY, hour=pl.col("start") // _HOUR), "hour")
    first, last = Islands(changes(KEY)).locate(hours)
    held = hours.select((pl.col("hour") % 24).cast(pl.UInt8).alias("of_day")).select(
        sum_between(pl.lit(packed).gather(pl.col("of_day")), first, last).alias(str(place)) for place, packed in enumerate(_PACKED)
    )
    found = hours.select(pl.col(KEY).gather(first), hours=last - first + 1)
    windows = [(pl.col(str(begin // _IN_ONE)) // 2 ** (_BITS * (begin % _IN_ONE)) % 2**_BITS).cast(pl.UInt32) for begin in range(_AWAKE)]
    windows += [pl.lit(found["hours"]) - window for window in windows]
    # Of windows that hold as many the first: the larger number is that of the earlier one.
    best = held.select(best=pl.max_horizontal(window * 32 + (31 - begin) for begin, window in enumerate(windows)))["best"]
    found = found.with_columns(most=best // 32, begins=31 - (best % 32).cast(pl.Int64))
    found = found.with_columns(night=1 - pl.col("most") / pl.col("hours"), zone=_AFTERNOON - (pl.col("begins") + _AWAKE // 2)).drop("most", "begins")
    zone = pl.lit(found["zone"]).gather((pl.col(KEY) != pl.col(KEY).shift(1)).fill_null(value=False).cum_sum())
    days = _keep_changes(hours.select(KEY, day=(pl.col("hour") + zone) // 24), "day")
    first, last = Islands(changes(KEY)).locate(days)
    count = last - first + 1
    rest = sum_between(((pl.col("day") + _EPOCH_WEEKDAY) % 7 > _FRIDAY).cast(pl.UInt32), first, last)
    return found.drop("zone").with_columns(days.select(weekend=rest / count, days=count).get_columns())


def _keep_changes(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Keep the first of several rows with one value of a column, of one owner; they lie in order."""
    is_same = (pl.col(KEY) == pl.col(KEY).shift(1)) & (pl.col(column) == pl.col(column).shift(1))
    return rows.filter(~is_same.fill_null(value=False))
