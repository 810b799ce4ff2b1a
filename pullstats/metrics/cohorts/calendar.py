"""The buckets of a triangle: which of them are whole, and which form a cohort.

Who is first seen when the logs begin, or when they speak again, may have come before. So a bucket forms a cohort only if so many buckets before it are whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.comparing.alignment import REST
from pullstats.metrics.over_time.bucket_axis import GAP, BucketAxis, describe_axis, list_buckets, mark_buckets
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.plan import Plan

INDEX: Final = "index"
STATE: Final = "state"
WHOLE: Final = "whole"
FORMED: Final = "is_formed"
SHOWN: Final = "is_shown"
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The buckets from the beginning of the logs to the end of the window.

    Attributes:
        axis: how they are cut.
        places: a row a bucket, in order: `bucket`, `index` from 0, `start`, `end`, `state` (`whole`, `gap`, `partial`, `provisional`, `cut`), `is_formed` (it forms a
            cohort), `is_shown` (and the window reaches it).
        look_back: how many whole buckets must lie before a cohort.
        notes: what must be said of gaps and cuts.
    """

    axis: BucketAxis
    places: pl.DataFrame
    look_back: int
    notes: list[str]

    @property
    def last_known(self) -> int | None:
        """Index of the last bucket of which it is known who was not seen again: so many whole ones as one looks back lie behind it; None where there is none."""
        whole = self.places.filter(pl.col(STATE) == WHOLE)[INDEX]
        return int(whole[-self.look_back]) - 1 if whole.len() >= self.look_back else None


def make_calendar(asked: Plan, look_back: int, begin: datetime | None) -> Calendar:
    """List the buckets, and judge them.

    Args:
        asked: the plan of the question.
        look_back: how many whole buckets must lie before a cohort.
        begin: the first instant whose events can be compared with the window's; None for the beginning of the logs.

    Raises:
        UsageError: a size that is none.
    """
    before = replace(asked, window=replace(asked.window, start=None))
    axis = list_buckets(before)
    marks = mark_buckets(before, axis)
    places = judge_buckets(marks, axis, begin).with_row_index(INDEX)
    heard = (pl.col(STATE) == WHOLE).cast(pl.Int64).rolling_sum(look_back).shift(1).eq_missing(look_back)
    formed = heard & (pl.col(STATE) != "gap")
    is_inside = pl.col("end") > asked.window.start if asked.window.start else pl.lit(value=True)
    places = places.select(BUCKET, pl.col(INDEX).cast(pl.Int64), "start", "end", STATE, formed.alias(FORMED), (formed & is_inside).alias(SHOWN))
    return Calendar(axis, places, look_back, describe_axis(before, axis))


def judge_buckets(marks: pl.DataFrame, axis: BucketAxis, begin: datetime | None = None) -> pl.DataFrame:
    """Tell which buckets hold all there was.

    Args:
        marks: a row a bucket, as `mark_buckets` gives them.
        axis: how they are cut.
        begin: the first instant whose events can be compared with the window's; None for the beginning of the logs.

    Returns:
        The same with `start`, `end` and `state`: `whole`, `gap`, `partial`, `provisional` or `cut`.
    """
    starts, ends = axis.buckets.start_of(marks[BUCKET]), axis.buckets.end_of(marks[BUCKET])
    length = pl.col("end") - pl.col("start")
    is_late = (pl.lit(begin) - pl.col("start") > length * REST) if begin else pl.lit(value=False)
    is_missing = pl.col("missing_hours") * _HOUR.total_seconds() > length.dt.total_seconds() * REST
    state = (
        pl.when(GAP)
        .then(pl.lit("gap"))
        .when(~pl.col("final"))
        .then(pl.lit("provisional"))
        .when(pl.col("cut").is_not_null() | is_late)
        .then(pl.lit("cut"))
        .when(is_missing)
        .then(pl.lit("partial"))
        .otherwise(pl.lit(WHOLE))
    )
    return marks.with_columns(starts.alias("start"), ends.alias("end")).with_columns(state.alias(STATE))
