"""Islands: runs of rows that belong together, as pauses part them.

What counts as one (a pull, a resumed download, a session) is an island of consecutive requests of one
owner. Once rows lie in the order their owners made them (`request_folds.py`), everything about an
island follows from its first and last row without grouping: sums from differences, first values from
filling backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

IS_NEW: Final = "is_new_owner"
ROW: Final = "row_number"
INDEX: Final = pl.int_range(pl.len(), dtype=pl.UInt32)
_PLACE_IN_RUNS, _INSTANT = "place_in_runs", "instant"


def starts_island(gap: timedelta, began: str = "timestamp", ended: str = "timestamp") -> pl.Expr:
    """Mark the rows that do not follow the row before: another owner's, or after a pause over `gap`.

    Args:
        gap: the longest pause within a run.
        began: column of the instant that a pause ends at.
        ended: column of the instant from which the pause after a row runs.
    """
    is_late = (pl.col(began) - pl.col(ended).shift(1)) > gap
    return pl.col(IS_NEW) | is_late.fill_null(value=True)


def cap_islands(rows: pl.LazyFrame, start: str, longest: timedelta, began: str = "timestamp") -> pl.LazyFrame:
    """Cut runs that last longer: a row that began more than `longest` after the first of its run begins another.

    Where each cut lies depends on the one before. All runs are walked at once, and each row first
    learns which row would follow a cut at it, then by twice as many cuts each turn which rows a
    walk from a run's first row meets; so a month of polls takes no longer than a few turns.

    Args:
        rows: in order; column `start` marks the first row of each run.
        start: that column; the cuts are added to it.
        longest: how long a run may last; just that long still belongs to it.
        began: column of the instant a row began; where a row began before the one in front of it, it counts as the same instant.
    """

    def cut(frame: pl.DataFrame) -> pl.DataFrame:
        run = Islands(pl.col(start))
        spans = frame.select(span=(pl.col(began).gather(run.last) - pl.col(began).gather(run.first)) > longest, size=run.last - run.first + 1)
        if began == "timestamp" and not spans["span"].any():
            return frame
        is_long = frame.select(is_long=pl.lit(spans["span"]).gather(pl.col(start).cum_sum() - 1))["is_long"] if began == "timestamp" else None
        chosen = frame.with_row_index(_PLACE_IN_RUNS).select(_PLACE_IN_RUNS, start, pl.col(began).to_physical().alias(_INSTANT))
        walked = chosen if is_long is None else chosen.filter(is_long)
        met = walked[_PLACE_IN_RUNS].filter(_walk(walked[_INSTANT], walked[start], longest // timedelta(microseconds=1)))
        return frame.with_columns(frame[start].clone().scatter(met, values=True))

    return rows.map_batches(cut, schema=rows.collect_schema())


def _walk(instants: pl.Series, starts: pl.Series, longest: int) -> pl.Series:
    """Mark the first rows of runs, and those that a walk from them meets in steps of more than `longest` µs."""
    # One line of instants for all runs: each begins so far after the one before that no step reaches over.
    frame = pl.DataFrame({"instant": instants, "start": starts}).with_columns(run=pl.col("start").cum_sum())
    firsts = frame.filter("start").select("run", first="instant")
    lines = frame.join(firsts, on="run", maintain_order="left").with_columns(since=(pl.col("instant") - pl.col("first")).clip(0))
    lengths = lines.group_by("run", maintain_order=True).agg(length=pl.col("since").max() + longest + 1)
    bases = lengths.with_columns(base=pl.col("length").cum_sum() - pl.col("length"))
    line = lines.join(bases, on="run", maintain_order="left").select((pl.col("since") + pl.col("base")).cum_max())["since"]
    end = line.len()
    following = line.search_sorted(line + longest, side="right").cast(pl.UInt32).append(pl.Series([end], dtype=pl.UInt32))
    met = starts.clone().append(pl.Series([True]))
    while True:
        before = met.sum()
        met = met.scatter(following.filter(met), values=True)
        if met.sum() == before:
            return met.head(end)
        following = following.gather(following)


def changes(column: str) -> pl.Expr:
    """Mark rows whose value of a column is another than that of the row before; the first one, too."""
    return (pl.col(column) != pl.col(column).shift(1)).fill_null(value=True)


def sum_between(value: pl.Expr, first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Sum a value up from each of some rows to another.

    Args:
        value: whole numbers, none null.
        first: index of the first row of each sum.
        last: index of its last row.
    """
    total = value.cum_sum()
    return total.gather(last) - total.gather(first) + value.gather(first)


@dataclass(frozen=True, slots=True)
class Islands:
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

    def spread(self, value: pl.Expr) -> pl.Expr:
        """Give a value of each run to all of its rows."""
        return value.gather(self.is_start.cum_sum() - 1)

    def locate(self, rows: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
        """Give `first` and `last` of the islands of some rows, worked out once for all that is asked of them.

        Args:
            rows: in order, with the columns that `is_start` reads.

        Returns:
            Two columns of row numbers, one an island.
        """
        found = rows.select(self.first.alias("first"), self.last.alias("last"))
        return pl.lit(found["first"]), pl.lit(found["last"])

    def any(self, flag: pl.Expr) -> pl.Expr:
        """Tell of each run whether `flag`, true or false of a row, is true of any of its rows."""
        return sum_between(flag.fill_null(value=False).cast(pl.UInt32), self.first, self.last) > 0

    def first_where(self, flag: pl.Expr) -> pl.Expr:
        """Index of each run's first row of which `flag` is true, null where it is of none."""
        found = pl.when(flag).then(INDEX).backward_fill().gather(self.first)
        return pl.when(found <= self.last).then(found)

    def first_value(self, value: pl.Expr) -> pl.Expr:
        """First value of each run that is not null."""
        place = pl.when(value.is_not_null()).then(INDEX).backward_fill().gather(self.first)
        return pl.when(place <= self.last).then(value.backward_fill().gather(self.first))
