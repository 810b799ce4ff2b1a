"""Rolling sums and uniques: each bucket of a series looks back over the buckets before it.

Sums and extremes are folded once more over the buckets they reach. Uniques are the union over all
of them, not a sum: who was there on several days is one. Each sighting of a key counts for the
buckets from its own to the last one it reaches or the one before the key is seen again, so the
union needs one row a sighting and no more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import VALUE, Partials, base_metrics
from pullstats.metrics.time.buckets import Buckets

BUCKET: Final = "bucket"
_INDEX: Final = "bucket_index"
_SPAN: Final = re.compile(r"^([1-9][0-9]{0,4})(m|h|d|w|mo|q|y)$")
_FAMILIES: Final = ({"m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}, {"mo": 1, "q": 3, "y": 12})


def parse_rolling(text: str, buckets: Buckets) -> int:
    """Tell how many buckets a span covers.

    Args:
        text: as typed: `7d`, `24h`.
        buckets: of the series.

    Raises:
        UsageError: it is no span, or no whole number of buckets.
    """
    match = _SPAN.match(text)
    if match is None:
        raise UsageError(f"--rolling '{text}' is no span; write 7d, 24h, 4w or 3mo")
    for sizes in _FAMILIES:
        if match[2] in sizes and buckets.unit in sizes:
            span, size = int(match[1]) * sizes[match[2]], buckets.count * sizes[buckets.unit]
            if span % size == 0 and span >= size:
                return span // size
    raise UsageError(f"--rolling {text} is no whole number of --every {buckets.every}")


def fold_rolling(partials: Partials, metrics: Sequence[Metric], keys: Sequence[str], buckets: pl.DataFrame, count: int) -> pl.DataFrame:
    """Fold to one row per value of `keys` and bucket, each over `count` buckets up to its own.

    Args:
        partials: grouped by `keys` and `bucket`.
        metrics: what to fold.
        keys: group columns besides the bucket.
        buckets: all buckets in order, without a hole: column `bucket`.
        count: buckets that one reaches, itself included.

    Returns:
        `keys`, `bucket` and a column per metric, as `fold` does.
    """
    places = buckets.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_INDEX))
    groups = (*keys, BUCKET)
    simple = [metric for metric in base_metrics(metrics) if metric.is_folded]

    def spread(frame: pl.DataFrame) -> pl.DataFrame:
        """Give each row to every bucket that reaches back to it."""
        reached = places.select(pl.col(BUCKET).alias("own"), reached=pl.int_ranges(_INDEX, pl.min_horizontal(pl.col(_INDEX) + count, places.height)))
        targets = reached.explode("reached").join(places.rename({_INDEX: "reached"}), on="reached").select("own", BUCKET)
        return frame.rename({BUCKET: "own"}).join(targets, on="own").drop("own")

    small = Partials(
        groups,
        spread(partials.plain.group_by(groups).agg(metric.fold(pl.col(metric.name)).alias(metric.name) for metric in simple)),
        partials.sets,
        {
            label: spread(frame.group_by(groups).agg(pl.exclude(*groups, VALUE).sum())).with_columns(pl.lit(None).alias(VALUE))
            for label, frame in partials.counted.items()
        },
        partials.read,
        partials.kept,
    )
    return fold(small, metrics, groups, partial(_count_rolling, places=places, count=count))


def _count_rolling(frame: pl.DataFrame, keys: Sequence[str], name: str, *, places: pl.DataFrame, count: int) -> pl.DataFrame:
    rest = [key for key in keys if key != BUCKET]
    seen = frame.select(*keys, VALUE).drop_nulls(VALUE).unique().join(places, on=BUCKET).sort(*rest, VALUE, _INDEX)
    is_same = pl.all_horizontal(*(pl.col(key).eq_missing(pl.col(key).shift(-1)) for key in [*rest, VALUE]))
    until = pl.min_horizontal(pl.col(_INDEX) + count, pl.when(is_same).then(pl.col(_INDEX).shift(-1)), pl.lit(places.height))
    seen = seen.with_columns(until=until)
    changes = pl.concat(
        [seen.select(*rest, _INDEX, change=pl.lit(1, pl.Int64)), seen.select(*rest, pl.col("until").alias(_INDEX), change=pl.lit(-1, pl.Int64))]
    )
    grid = places.select(_INDEX) if not rest else seen.select(rest).unique().join(places.select(_INDEX), how="cross")
    steps = changes.group_by(*rest, _INDEX).agg(pl.col("change").sum())
    total = grid.join(steps, on=[*rest, _INDEX], how="left", nulls_equal=True).sort(*rest, _INDEX)
    running = pl.col("change").fill_null(0).cum_sum()
    total = total.with_columns((running.over(rest) if rest else running).alias(name))
    return total.join(places, on=_INDEX).select(*rest, BUCKET, name)
