"""The rhythm of a log: how often it speaks at an hour of a day of the week, and which silence is too long for that.

On the measure of slots in which a log would have spoken the lengths of long silences fall off
exponentially; the fall is read from the log's own silences (peaks over threshold).

Source: Davison and Smith, Models for exceedances over high thresholds, J. R. Statist. Soc. B 52 (1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Final

import polars as pl

SLOT: Final = timedelta(minutes=5)
"""A log speaks in it or does not."""
HOUR: Final = timedelta(hours=1)
_WEEK_HOURS: Final = 7 * 24
_YEARS: Final = 20.0
"""In which one silence as long as a gap is expected of a log."""
_YEAR_HOURS: Final = 365.25 * 24
_LEAST_WEEKS: Final = 2
_LEAST_DAYS: Final = 3
_HIGH: Final = (0.9, 0.99, 0.998)
"""Quantiles of silences between which the fall is read; between the first two, or between the last two if it is much slower there."""
_TRUST: Final = 0.75
"""How much of the fall between the last two counts: it rests on few silences."""


def expect_slots(slots: pl.Series) -> pl.DataFrame:
    """Tell of every hour in how many slots a log would have spoken.

    An hour is expected to be as on the same day of other weeks; where there are fewer than two of these,
    as on other workdays, or days of the weekend, if there are three or more.

    Args:
        slots: the beginnings of the slots in which it spoke, UTC, sorted; at least one.

    Returns:
        A row an hour from the first to the last: `hour`, `spoken`, `usual` (slots), and with the caution of a judge
        `expected` (slots) and `passed`, what was expected before it.
    """
    counts = slots.to_frame("slot").group_by(hour=pl.col("slot").dt.truncate("1h")).agg(spoken=pl.len().cast(pl.Float64))
    first, last = counts["hour"].min(), counts["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    every = pl.datetime_range(first, last, "1h", time_zone="UTC", time_unit="us", eager=True).alias("hour").to_frame()
    grid = every.join(counts, on="hour", how="left", maintain_order="left").with_columns(pl.col("spoken").fill_null(0.0))
    silent = pl.col("spoken") == 0
    grid = grid.with_columns(run=silent.rle_id()).with_columns(is_history=~(silent & (pl.len().over("run") > _WEEK_HOURS)))  # absence is no rhythm
    moment = pl.col("hour")
    weekly = [moment.dt.weekday(), moment.dt.hour()]
    # Where a weekend begins and ends depends on the zone: the evening before and the morning after may be its.
    is_rest = (moment + timedelta(hours=12)).dt.weekday().is_in([6, 7]) | (moment - timedelta(hours=14)).dt.weekday().is_in([6, 7])
    daily, is_day = [is_rest, moment.dt.hour()], pl.col("is_history") & (~is_rest | moment.dt.weekday().is_in([6, 7]))
    counts_by_week, by_week = _average_others(pl.col("is_history"), weekly)
    counts_by_day, by_day = _average_others(is_day, daily)
    by_week, by_day = pl.when(counts_by_week >= _LEAST_WEEKS).then(by_week), pl.when(counts_by_day >= _LEAST_DAYS).then(by_day)
    grid = grid.with_columns(expected=pl.coalesce(by_week, by_day, 0.0))
    # A clock that is put forward moves everything by an hour.
    level = pl.min_horizontal(pl.col("expected").shift(number) for number in (-1, 0, 1))
    return grid.with_columns(usual=pl.col("expected"), expected=level * _find_level()).with_columns(
        passed=pl.col("expected").cum_sum() - pl.col("expected")
    )


def _average_others(is_history: pl.Expr, key: Sequence[pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Count the other hours of a kind that are history, and average in how many slots of them a log spoke."""
    held, own = pl.when(is_history).then("spoken").otherwise(0.0), is_history.cast(pl.Int64)
    count = own.sum().over(key) - own
    return count, (held.sum().over(key) - held) / count


def _find_level() -> pl.Expr:
    """How much of its rhythm a log has at a time, at most all: the less of the week before and the week after each silence."""
    before = [pl.col(name).rolling_sum(_WEEK_HOURS, min_samples=1).shift(1) for name in ("spoken", "expected")]
    after = [pl.col(name).reverse().rolling_sum(_WEEK_HOURS, min_samples=1).reverse().shift(-1) for name in ("spoken", "expected")]
    ratios = [(spoken / expected).fill_nan(1.0).clip(0.0, 1.0).fill_null(1.0) for spoken, expected in (before, after)]
    return pl.min_horizontal(ratios[0].first().over("run"), ratios[1].last().over("run"))


def measure_silences(slots: pl.Series, hours: pl.DataFrame) -> pl.DataFrame:
    """List the silences between slots.

    Args:
        slots: the beginnings of the slots in which a log spoke, sorted.
        hours: as `expect_slots` gives them.

    Returns:
        A row a silence: `since`, `until`, and `length` in slots in which the log would have spoken.
    """
    silences = pl.DataFrame({"since": slots.head(-1) + SLOT, "until": slots.tail(-1)})
    lengths = {name: _pass(silences[name], hours) for name in ("since", "until")}
    return silences.with_columns(length=lengths["until"] - lengths["since"])


def _pass(moments: pl.Series, hours: pl.DataFrame) -> pl.Series:
    """Tell how many slots were expected up to each instant."""
    frame = moments.alias("moment").to_frame().with_columns(hour=pl.col("moment").dt.truncate("1h"))
    joined = frame.join(hours.select("hour", "expected", "passed"), on="hour", how="left", maintain_order="left")
    share = (pl.col("moment") - pl.col("hour")).dt.total_seconds() / HOUR.total_seconds()
    total = hours["passed"][-1] + hours["expected"][-1]
    return joined.select((pl.col("passed") + pl.col("expected") * share).fill_null(total)).to_series()


def find_limit(lengths: pl.Series, hours: int) -> float:
    """Give the length that a silence passes once in `_YEARS` years at most.

    Args:
        lengths: of the silences of a log, in slots.
        hours: of the time that they come from.
    """
    low, high, most = (float(lengths.quantile(share, "linear") or 0.0) for share in _HIGH)
    tail = lengths.len() * (1 - _HIGH[0])
    slope = max((high - low) / log((1 - _HIGH[0]) / (1 - _HIGH[1])), _TRUST * (most - high) / log((1 - _HIGH[1]) / (1 - _HIGH[2])), 1.0)
    slope *= 1 + 1 / sqrt(tail)
    return low + slope * log(max(_YEARS * _YEAR_HOURS / hours * tail, 1.0))
