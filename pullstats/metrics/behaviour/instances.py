"""Running instances: how many machines poll, as an estimate with a range.

One for each stream of an origin that is in production. Where several poll behind one address, the visits in each period
count them; the range reaches from what the pace of all visits bears out to what else they could be: visits that fell
together, or origins that are likely in production, but not surely.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.judging import CLASS, PROBABILITY, PRODUCTION, UNKNOWN
from pullstats.metrics.behaviour.periods import DAILY
from pullstats.metrics.behaviour.streams import STREAM
from pullstats.metrics.behaviour.turns import WHO
from pullstats.metrics.behaviour.visits import SECOND

INSTANCES: Final = "instances"
LOW: Final = "instances_low"
HIGH: Final = "instances_high"
ASSUMPTIONS: Final = (
    "a machine polls a package once in each period; what does not poll, as a node that pulls when it starts, is not counted",
    "machines behind one address show as several visits in each period; those whose visits fall together, or whose pace another hides, are in `instances_high` alone",
    "where the polls of one address end and like ones of the same network owner begin within two periods and a half, it is one machine that moved",
    "streams are read from all events up to the end of the window; a row counts those that asked for it in the window",
)
"""What has to hold for the estimate to be right; docs/behaviour.md says more."""
_SURE: Final = 0.8
_CLEAR: Final = 0.95
_POSSIBLE: Final = 0.1
_WHOLLY: Final = 0.9
"""Share of gaps that one pace bears out, below which another machine may be among those behind an address."""
_PACED: Final = 0.65
_BEYOND: Final = 7.0
_GROUP: Final = "group"
_KIN: Final = ("network_type", *WHO)
_COLUMNS: Final = (STREAM, CLASS, PROBABILITY, *_KIN, "start", "end", "visits", "polls", "period", "machines", "regular")


def keep_pollers(pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep the origins and packages that may be machines that poll, with what these are counted by.

    Args:
        pairs: a row an origin and package, with class, features, `stream` and `in_production`, the probability of it.
    """
    is_one = (pl.col(CLASS) == PRODUCTION) | (pl.col(PROBABILITY) >= _POSSIBLE) | _is_paced()
    return pairs.filter(is_one & pl.col("package_name").is_not_null()).select(_COLUMNS)


def count_machines(pollers: pl.DataFrame) -> pl.DataFrame:
    """Count the machines of each stream: `stream`, `instances`, `instances_low`, `instances_high`.

    Args:
        pollers: as `keep_pollers` gives them.
    """
    periods = ((pl.col("end") - pl.col("start")) / SECOND / pl.col("period")).clip(1)
    rows = pollers.with_columns(
        a_period=(pl.col("visits") / periods).fill_nan(1).fill_null(1), asked=(pl.col("polls") / periods).fill_nan(1).fill_null(1)
    )
    whole = _mark_peak(_describe_streams(rows.with_columns(pl.struct(_KIN).rank("dense").alias(_GROUP))))
    shared = pl.col("a_period").round().cast(pl.Int64).clip(1)
    machines = pl.when("is_shared").then(shared).otherwise(pl.col("machines").clip(1))
    is_told = (pl.col("regular") >= _CLEAR) & (pl.col("period") < DAILY)
    least = pl.when(is_told).then(pl.min_horizontal(machines, (pl.col("a_period_most") + 0.25).floor().cast(pl.Int64)).clip(1)).otherwise(1)
    is_sure = pl.col("is_one") & (pl.col(PROBABILITY) >= _SURE) & pl.col("is_at_peak")
    another = (pl.col("regular") < _WHOLLY).cast(pl.Int64)
    most = pl.max_horizontal(machines + another, *((pl.col(name) - 0.1).ceil().cast(pl.Int64) for name in ("a_period_most", "asked_most")), 1)
    told = whole.with_columns(machines=machines).select(
        STREAM,
        pl.when("is_one").then("machines").otherwise(0).alias(INSTANCES),
        pl.when(is_sure).then(least).otherwise(0).alias(LOW),
        pl.max_horizontal(most, pl.when("is_shared").then("parts").otherwise(1)).alias(HIGH),
    )
    return told.sort(STREAM)


def _is_paced() -> pl.Expr:
    """Tell who asks at one pace beyond doubt, and is no other kind of program by its agent: it may be a machine, whatever speaks for another class."""
    return (pl.col("regular") >= _PACED) & (pl.col("beyond_chance") >= _BEYOND) & pl.col(CLASS).is_in([PRODUCTION, UNKNOWN, "ci", "development"])


def _describe_streams(rows: pl.DataFrame) -> pl.DataFrame:
    """Give a row a stream: when it was there, its pace, and how many visits and questions there are in each period.

    Args:
        rows: origins and packages that may be in production, with `a_period` and `asked`, their visits and questions in each.
    """
    return rows.group_by(STREAM).agg(
        pl.col("period").first(),
        pl.col(_GROUP).first(),
        pl.col("start").min(),
        pl.col("end").max(),
        pl.col("machines").cast(pl.Int64).max(),
        pl.col("a_period", "asked").max().name.suffix("_most"),
        pl.col("a_period").sum(),
        pl.col("regular").min(),
        pl.col(PROBABILITY).max(),
        (pl.col(CLASS) == PRODUCTION).any().alias("is_one"),
        is_shared=(pl.len() > 1) & (pl.col("a_period").max() < 1) & (pl.col("start").max() < pl.col("end").min()),
        parts=pl.len().cast(pl.Int64),
    )


def _mark_peak(whole: pl.DataFrame) -> pl.DataFrame:
    """Mark the streams of one kind of network, client, platform and package that are there at once when most are (`is_at_peak`): the others may be these, moved."""
    moments = pl.concat([whole.select(_GROUP, moment="start", step=pl.lit(1)), whole.select(_GROUP, moment=pl.col("end"), step=pl.lit(-1))]).sort(
        _GROUP, "moment", "step", descending=[False, False, True]
    )
    alive = moments.with_columns(alive=pl.col("step").cum_sum().over(_GROUP))
    peaks = alive.group_by(_GROUP, maintain_order=True).agg(peak=pl.col("moment").get(pl.col("alive").arg_max()))
    both = whole.join(peaks, on=_GROUP, how="left", maintain_order="left")
    return both.with_columns(is_at_peak=pl.col("peak").is_between("start", "end"))


def spread_streams(rows: pl.DataFrame, value: str, streams: pl.DataFrame, weight: str) -> pl.DataFrame:
    """Give as many keys for each stream as it has machines.

    Args:
        rows: with streams in a column.
        value: that column.
        streams: as `count_machines` gives them.
        weight: which of their counts.
    """
    counted = rows.join(streams.select(pl.col(STREAM).alias(value), weight), on=value, how="left", maintain_order="left")
    keys = pl.int_ranges(0, pl.col(weight).fill_null(0))
    spread = counted.with_columns(keys.alias(weight)).filter(pl.col(weight).list.len() > 0).explode(weight)
    return spread.with_columns(pl.struct(value, weight).hash(19).reinterpret(signed=True).alias(value)).drop(weight)
