"""The pace of a timeline: which visits come a period after the last, and which after missed polls.

Source: DEFINITIONS "Behaviour (class)", the two patterns.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.feature_names import write_duration
from pullstats.metrics.behaviour.periods import MOST_MULTIPLE, tolerance
from pullstats.metrics.counting.rule import VISIT_GAP

GAP: Final = "gap_seconds"
PERIODS: Final = "periods"
PACE: Final = "pace"
_PAUSE: Final = VISIT_GAP / timedelta(seconds=1)
_LEAST_REGULAR: Final = 0.25
_WHAT: Final = ("ecosystem", "package")


def mark_pace(rows: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Mark the visits of one origin that keep its pace.

    Args:
        rows: requests in order: `time`, `ecosystem`, `package`.
        pairs: `package_type`, `package_name`, `period`, `machines`, `regular` of its packages.

    Returns:
        The rows with, at the first request of each visit, `gap_seconds` to the visit before (of several machines to that of the same one), `periods` (how many of the
        package's period that is, null if it is none) and `pace`, both in words.
    """
    paced = pairs.filter((pl.col("regular") >= _LEAST_REGULAR) & pl.col("package_name").is_not_null())
    known = paced.select(ecosystem="package_type", package="package_name", period="period", machines=pl.col("machines").cast(pl.Int64))
    placed = rows.with_row_index("place").join(known, on=_WHAT, how="left", nulls_equal=True, maintain_order="left")
    pause = pl.col("time").diff().over(_WHAT).dt.total_microseconds() / 1e6
    starts = placed.filter((pause.is_null() | (pause > _PAUSE)) & pl.col("package").is_not_null())
    gaps = [pl.col("time").diff(lag).over(_WHAT).dt.total_microseconds() / 1e6 for lag in (1, *range(2, _most(known) + 1))]
    gap = pl.coalesce(*(pl.when(pl.col("machines").fill_null(1) == lag).then(value) for lag, value in enumerate(gaps, 1)))
    starts = starts.with_columns(gap.alias(GAP)).with_columns(times=(pl.col(GAP) / pl.col("period")).round())
    off = (pl.col(GAP) - pl.col("times") * pl.col("period")).abs()
    is_paced = pl.col("times").is_between(1, MOST_MULTIPLE) & (off <= tolerance(pl.col("period")))
    starts = starts.with_columns(pl.when(is_paced).then(pl.col("times").cast(pl.Int64)).alias(PERIODS))
    told = starts.select("place", pl.col(GAP).round(3), PERIODS, _write().alias(PACE))
    return placed.join(told, on="place", how="left", maintain_order="left").drop("place", "period", "machines")


def _most(known: pl.DataFrame) -> int:
    return max((int(count) for count in known["machines"]), default=1)


def _write() -> pl.Expr:
    """Write a visit's distance: ● a period, ○ a multiple of it with polls missed, · anything else."""
    period = write_duration(pl.col("period"))
    return (
        pl.when(pl.col(GAP).is_null())
        .then(None)
        .when(pl.col(PERIODS) == 1)
        .then(pl.format("● {}", period))
        .when(pl.col(PERIODS) > 1)
        .then(pl.format("○ {} × {}", pl.col(PERIODS), period))
        .otherwise(pl.format("· {}", write_duration(pl.col(GAP))))
    )
