"""Rows in the order their owners made them, and runs of rows that belong together.

What counts as one (a pull, a resumed download, a session) is a run of consecutive requests of one
owner. Sorting by owner and time through a single 128-bit key is five times as fast as by the
columns themselves, and once rows lie in order, everything about a run follows from its first and
last row without grouping: sums from differences, first values from filling backwards. Only what
tells runs apart is put in order; all else is fetched for the few rows that stand for one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

IS_NEW: Final = "is_new_owner"
ROW: Final = "row_number"
_OFFSET_BITS: Final = 44
_SOURCE_BITS: Final = 20
_ROW_BITS: Final = 32
_TAG_BITS: Final = 31
INDEX: Final = pl.int_range(pl.len(), dtype=pl.UInt32)
_HIGH, _LOW, _ORDER = "owner_high", "owner_low", "owner_order"
_PLACE: Final = ("timestamp", "source_rank", "source_offset")


def fold_by_owner(
    events: pl.LazyFrame,
    owner: Sequence[str],
    facts: Sequence[str],
    kept: Collection[str],
    fold: Callable[[pl.LazyFrame], pl.LazyFrame],
    borrowed: Mapping[str, tuple[str, str]] | None = None,
) -> pl.LazyFrame:
    """Put requests in the order their owners made them, and keep those that stand for a run.

    Ties in time follow the log and the place in it. Owners are told apart by 94 bits of hash, which
    never leave the process.

    Args:
        events: with `timestamp`, `source_rank`, `source_offset`, and the columns named below.
        owner: columns that name the owner; null is an owner, too.
        facts: what `fold` reads of a request besides its `timestamp`: few and narrow, for all of it is sorted.
        kept: columns to give of the requests that are kept.
        fold: from ordered rows (`ROW`, `timestamp`, `IS_NEW`, `facts`) to the rows that are kept: `ROW`, and
            what else it has found.
        borrowed: further columns, whose values another row lends: by name, the column and which of
            the columns that `fold` gives holds the lender's `ROW`.

    Returns:
        `kept`, `borrowed` and what `fold` gives besides row numbers, in the order of the events.
    """
    lent = borrowed or {}
    names = list(dict.fromkeys([*kept, *(column for column, _ in lent.values())]))
    lenders = {row for _, row in lent.values()}
    needed = list(dict.fromkeys([*names, *facts, *_PLACE]))
    hashes = {_HIGH: pl.struct(owner).hash(1) // 2, _LOW: pl.struct(owner).hash(2) % 2**_TAG_BITS}

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        rows = frame.select(*dict.fromkeys([*_PLACE, *facts]), *hashes).rechunk()
        found = fold(_sort_by_owner(rows.lazy(), facts)).sort(ROW).collect()
        borrowings = [frame[column].gather(found[row]).alias(name) for name, (column, row) in lent.items()]
        chosen = frame.select(pl.col(kept_name).gather(found[ROW]) for kept_name in kept)
        return chosen.with_columns(*borrowings, *found.drop(ROW, *lenders).get_columns())

    narrow = events.select(*needed, **hashes)
    return narrow.map_batches(apply, schema=apply(pl.DataFrame(schema=narrow.collect_schema())).schema)


def _sort_by_owner(rows: pl.LazyFrame, facts: Sequence[str]) -> pl.LazyFrame:
    """Number rows, sort them by owner, then by time, log and place in the log; `IS_NEW` marks each owner's first."""
    instant = pl.col("timestamp").to_physical()
    since = (instant - instant.min()).cast(pl.Int128) * 2 ** (_SOURCE_BITS + _OFFSET_BITS)
    place = pl.col("source_rank").fill_null(0).cast(pl.Int128) * 2**_OFFSET_BITS + pl.col("source_offset").fill_null(0).cast(pl.Int128)
    high = pl.col(_HIGH).cast(pl.Int128) * 2 ** (_TAG_BITS + _ROW_BITS)
    low = pl.col(_LOW).cast(pl.Int128) * 2**_ROW_BITS
    order = (high + low + (since + place).rank("ordinal").cast(pl.Int128)).alias(_ORDER)
    ordered = rows.select(INDEX.alias(ROW), "timestamp", *facts, _HIGH, _LOW, order).sort(_ORDER)
    is_new = (pl.col(_HIGH) != pl.col(_HIGH).shift(1)) | (pl.col(_LOW) != pl.col(_LOW).shift(1))
    return ordered.select(ROW, "timestamp", *facts, is_new.fill_null(value=True).alias(IS_NEW))


def starts_run(gap: timedelta) -> pl.Expr:
    """Mark the rows that do not follow the row before: another owner's, or after a pause over `gap`."""
    is_late = (pl.col("timestamp") - pl.col("timestamp").shift(1)) > gap
    return pl.col(IS_NEW) | is_late.fill_null(value=True)


@dataclass(frozen=True, slots=True)
class Runs:
    """Expressions over ordered rows that give one value a run.

    Attributes:
        is_start: marks the first row of every run.
    """

    is_start: pl.Expr

    @property
    def first(self) -> pl.Expr:
        """Index of each run's first row."""
        return INDEX.filter(self.is_start)

    @property
    def last(self) -> pl.Expr:
        """Index of each run's last row."""
        return (self.first.shift(-1).fill_null(pl.len().cast(pl.UInt32)) - 1).cast(pl.UInt32)

    def any(self, flag: pl.Expr) -> pl.Expr:
        """Tell whether any row of each run is true."""
        total = flag.fill_null(value=False).cast(pl.UInt32).cum_sum()
        return total.gather(self.last) > (total - flag.fill_null(value=False).cast(pl.UInt32)).gather(self.first)

    def first_where(self, flag: pl.Expr) -> pl.Expr:
        """Index of each run's first row that is true, null where none is."""
        found = pl.when(flag).then(INDEX).backward_fill().gather(self.first)
        return pl.when(found <= self.last).then(found)

    def first_value(self, value: pl.Expr) -> pl.Expr:
        """First value of each run that is not null."""
        place = pl.when(value.is_not_null()).then(INDEX).backward_fill().gather(self.first)
        return pl.when(place <= self.last).then(value.backward_fill().gather(self.first))
