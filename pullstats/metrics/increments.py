"""What is new in the daily rows since they were last told: rows of days that became final, and rows that changed after they were."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.questions.daily import DAILY_GROUPS, DAILY_METRICS

REVISION: Final = "revision"
_KEYS: Final = list(DAILY_GROUPS)
_BEFORE: Final = "_before"


def find_increment(rows: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Give the rows that were not told as they are now.

    A row that is new has the first revision, one that changed the next. One that is no more (an agent or a package is read in another way now)
    comes once more, with 0 in all its numbers. Days that `rows` does not have were told once and stay as they are: their events have
    left the store, or a log that came late lets them wait again.

    Args:
        rows: the final days, as `Daily` gives them.
        told: what was told, the last revision of each row; the same columns, and `revision`.

    Returns:
        Such rows with their `revision`, in the order of `rows`.
    """
    known = told.join(rows.select("date").unique(), on="date", how="semi")
    before = known.select(*_KEYS, REVISION, *(pl.col(name).alias(name + _BEFORE) for name in DAILY_METRICS))
    paired = rows.join(before, on=_KEYS, how="left", nulls_equal=True, maintain_order="left")
    is_other = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name + _BEFORE)) for name in DAILY_METRICS)
    fresh = paired.filter(pl.col(REVISION).is_null() | is_other).select(*rows.columns, pl.col(REVISION).fill_null(0) + 1)
    return pl.concat([fresh, _find_gone(rows, known)]).sort(*_KEYS, nulls_last=True)


def _find_gone(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Give what was told and is no more, with nothing in its numbers."""
    is_told = pl.any_horizontal(pl.col(name).ne_missing(0) for name in DAILY_METRICS)
    gone = known.filter(is_told).join(rows, on=_KEYS, how="anti", nulls_equal=True)
    nothing = [pl.lit(0).cast(rows.schema[name]).alias(name) for name in DAILY_METRICS]
    return gone.with_columns(*nothing, pl.col(REVISION) + 1).select(*rows.columns, REVISION)


def keep_latest(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the last revision of each of `rows`, which have `DAILY_GROUPS` and `revision`."""
    return rows.sort(REVISION).unique(_KEYS, keep="last", maintain_order=True)
