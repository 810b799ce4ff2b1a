"""What is asked for too often: one thing more than once a minute, everything every hour."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.islands import IS_NEW, Islands
from pullstats.metrics.offences.requests import HOUR, OWNER, SECOND, Part, give_waste, join_waste, mix, order_owners
from pullstats.metrics.offences.rules import Kind

_MILLI = 1000
_HEAD = 0x9E3779B97F4A7C15
"""Parts a path that is asked by HEAD from the same by GET: a client that does both in turn asks evenly by each."""


def find_polling(part: Part, kind: Kind) -> pl.DataFrame:
    """Find even runs of requests of one origin for one path, by one method, without a pause of a minute; see `DETECTORS`.

    What goes beyond one a minute is waste.
    """
    every = int(kind["every_seconds"] * SECOND)
    asked = part.rows.lazy().filter(pl.col("is_reading") & (pl.col("is_get") | pl.col("is_head")))
    owner = mix("origin", "path") ^ pl.when("is_head").then(pl.lit(_HEAD, pl.UInt64)).otherwise(pl.lit(0, pl.UInt64))
    ordered = order_owners(asked, owner, kind["least"])
    pause = pl.col("instant") - pl.col("instant").shift(1)
    ordered = ordered.with_columns(pause=pause // _MILLI, is_start=pl.col(IS_NEW) | (pause >= every).fill_null(value=True))
    runs = Islands(pl.col("is_start"))
    first, last = pl.col("instant").gather(runs.first), pl.col("instant").gather(runs.last)
    count, total, squares = runs.last - runs.first, _sum_pauses(runs, 1), _sum_pauses(runs, 2)
    # The variance of the pauses over their squared mean, by sums of whole numbers.
    spread = count.cast(pl.Float64) * squares / (total.cast(pl.Float64) * total) - 1
    is_even = (spread <= kind["spread"] ** 2) & (count + 1 >= kind["least"]) & (last - first >= int(kind["lasts_seconds"] * SECOND))
    found = ordered.with_columns(
        minute=(pl.col("instant") - runs.spread(first)) // max(every, 1),
        is_even=runs.spread(is_even.fill_null(value=False)),
        mean=runs.spread(total.cast(pl.Float64) / count / _MILLI),
    )
    is_beyond = ~pl.col("is_start") & (pl.col("minute") == pl.col("minute").shift(1))
    return give_waste(found.filter(pl.col("is_even") & is_beyond), "mean")


def _sum_pauses(runs: Islands, power: int) -> pl.Expr:
    """Sum up the pauses in milliseconds, or their squares, of each run."""
    sums = pl.when(pl.col("is_start")).then(0).otherwise(pl.col("pause") ** power).cast(pl.Int64).cum_sum()
    return sums.gather(runs.last) - sums.gather(runs.first)


def find_catalogue(part: Part, kind: Kind) -> pl.DataFrame:
    """Find indexes fetched, and catalogues looked through, in many hours of a day: all but the day's first hour; see `DETECTORS`."""
    return join_waste([_find_indexes(part, kind), _find_sweeps(part, kind)])


def _find_indexes(part: Part, kind: Kind) -> pl.DataFrame:
    asked = part.rows.lazy().filter(pl.col("is_index") & pl.col("is_get") & pl.col("status").eq_missing(200))
    ordered = order_owners(asked, mix("origin", "path"), kind["hours"]).with_columns(hour=pl.col("instant") // HOUR)
    return _keep_later_hours(ordered, kind)


def _find_sweeps(part: Part, kind: Kind) -> pl.DataFrame:
    least = max(kind["packages"], kind["share"] * part.around.packages)
    asked = part.rows.lazy().filter(pl.col("is_reading") & pl.col("package").is_not_null())
    read = order_owners(asked, mix("origin"), kind["hours"] * least, ("package",)).with_columns(hour=pl.col("instant") // HOUR)
    breadth = read.group_by(OWNER, "hour").agg(breadth=pl.col("package").n_unique())
    return _keep_later_hours(read.join(breadth.filter(pl.col("breadth") >= least), on=[OWNER, "hour"], how="semi"), kind)


def _keep_later_hours(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Keep, of the days in which an owner comes in many hours, what comes after the first of these."""
    days = rows.with_columns(day=pl.col("hour") // 24)
    found = days.group_by(OWNER, "day").agg(hours=pl.col("hour").n_unique(), first=pl.col("hour").min())
    later = days.join(found.filter(pl.col("hours") >= kind["hours"]), on=[OWNER, "day"], how="inner").filter(pl.col("hour") > pl.col("first"))
    return give_waste(later, "hours")
