"""Who is new, returning, resurrected or churned, bucket by bucket.

New is whoever was never seen before in these logs, returning who was seen in the bucket before,
resurrected who was seen earlier but not in that one, churned who was seen in the bucket before and
not in this one. Where only some days or hours count, the bucket before is the last one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.partials import VALUE
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.buckets import Buckets
from pullstats.timestamps import instant

CHURNED: Final = "churned"
STATES: Final = ("new", "returning", "resurrected", CHURNED)
PRESENT: Final = "present"
_INDEX: Final = "bucket_index"
_LONG_AGO: Final = -2
"""Stands for every bucket before the one before the first: next to none."""
_LOOK_BACK: Final = timedelta(days=8)
"""Within it lies the bucket before, whichever days of the week count."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What became of everybody.

    Attributes:
        rows: one row a bucket: `bucket`, `present` and the states.
        present: how many were there at all.
    """

    rows: pl.DataFrame
    present: int


def follow_lifecycle(asked: Plan, buckets: Buckets, shown: pl.DataFrame, history: pl.Expr) -> Lifecycle:
    """Follow everybody of a window from bucket to bucket, knowing all that came before it.

    Args:
        asked: the question.
        buckets: their size.
        shown: the buckets of the window, in order: column `bucket`, at least one row.
        history: true for the events that count, from `key_epoch`.
    """
    first = buckets.start_of(shown[BUCKET].head(1)).item()
    earlier = buckets.range(first - _LOOK_BACK, first, asked.window).filter(pl.col(BUCKET) < shown[BUCKET][0]).tail(1)
    places = pl.concat([earlier, shown]).with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + (1 - earlier.height)).alias(_INDEX))
    sightings = _find_sightings(asked, buckets, places, history)
    present = sightings.filter(pl.col(_INDEX) > 0)[VALUE].n_unique()
    seen = sightings.unique()
    return Lifecycle(count_states(seen, places).join(shown, on=BUCKET, how="semi").sort(BUCKET), present)


def _find_sightings(asked: Plan, buckets: Buckets, places: pl.DataFrame, history: pl.Expr) -> pl.DataFrame:
    """List who was seen in which bucket; network by network where memory is short.

    What a bucket holds from before the window counts as the bucket before it.
    """
    metric = asked.level
    assert metric.expr is not None
    window = replace(asked.window, start=None)
    is_before = pl.col("timestamp") < instant(asked.window.start) if asked.window.start else pl.lit(value=False)
    place = pl.col(_INDEX).fill_null(_LONG_AGO)
    found = []
    for part in cut_by_network(replace(asked, window=window), {VALUE: metric.expr, BUCKET: buckets.expr}, metric.columns):
        events = part.kept({*metric.columns, "key_epoch"}).filter(history)
        sightings = events.select(metric.expr.alias(VALUE), buckets.expr.alias(BUCKET), is_before=is_before).drop_nulls(VALUE)
        placed = sightings.join(places.lazy(), on=BUCKET, how="left")
        placed = placed.with_columns(pl.when("is_before").then(pl.min_horizontal(place, 0)).otherwise(place).alias(_INDEX))
        found.append(placed.select(VALUE, _INDEX).unique().collect(engine="streaming"))
    return pl.concat(found)


def count_states(seen: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Count, for every bucket, who is there, and who is new, returning, resurrected or churned.

    Args:
        seen: `set_key` and `bucket_index`, a row for each bucket somebody was seen in.
        places: `bucket` and `bucket_index`, all buckets in order.
    """
    ordered = seen.sort(VALUE, _INDEX)
    is_first = pl.col(VALUE).ne_missing(pl.col(VALUE).shift(1))
    is_last = pl.col(VALUE).ne_missing(pl.col(VALUE).shift(-1))
    before = pl.col(_INDEX) - pl.col(_INDEX).shift(1)
    ordered = ordered.with_columns(
        new=is_first,
        returning=~is_first & (before == 1),
        resurrected=~is_first & (before > 1),
        leaves=is_last | (pl.col(_INDEX).shift(-1) - pl.col(_INDEX) > 1),
    )
    counted = ordered.group_by(_INDEX).agg(
        pl.len().cast(pl.Int64).alias(PRESENT), pl.col("new", "returning", "resurrected", "leaves").sum().cast(pl.Int64)
    )
    gone = counted.select(pl.col(_INDEX) + 1, churned="leaves")
    rows = places.join(counted.drop("leaves"), on=_INDEX, how="left").join(gone, on=_INDEX, how="left").sort(_INDEX)
    return rows.with_columns(pl.col(PRESENT, *STATES).fill_null(0)).drop(_INDEX)
