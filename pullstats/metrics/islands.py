"""Rows in the order their owners made them, and islands: runs of rows that belong together, as pauses part them.

What counts as one (a pull, a resumed download, a session) is an island of consecutive requests of one
owner. Sorting by owner and time through a single 128-bit key is five times as fast as by the
columns themselves, and once rows lie in order, everything about an island follows from its first and
last row without grouping: sums from differences, first values from filling backwards. Only what
tells islands apart is put in order; all else is fetched for the few rows that stand for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import polars as pl

IS_NEW: Final = "is_new_owner"
ROW: Final = "row_number"
_FEW: Final = 20_000
"""Rows for which starting threads costs more than they save."""
_OFFSET_BITS: Final = 44
_SOURCE_BITS: Final = 20
_ROW_BITS: Final = 32
_HASH_SHIFT: Final = 62
_ID_SHIFT: Final = 64
_OWNER_BITS: Final = -(2**_ROW_BITS)
"""All bits of a 128-bit number but those that leave room for the place of a row."""
INDEX: Final = pl.int_range(pl.len(), dtype=pl.UInt32)
_OWNER, _ORDER, _KIND = "owner_bits", "owner_order", "fold_number"
_PLACE: Final = ("timestamp", "source_rank", "source_offset")
_PLACE_IN_RUNS, _INSTANT = "place_in_runs", "instant"


@dataclass(frozen=True, slots=True)
class Fold:
    """How requests of one kind are folded, in the order their owners made them.

    Attributes:
        requests: true for those of the kind.
        who: column of an id; null is somebody, too, or with `is_alone` each time somebody else.
        what: columns of text that with `who` name the owner of a request.
        facts: what `fold` reads of a request besides its `timestamp`, by name: few and narrow, for all of it is sorted.
        fold: from ordered rows (`ROW`, `timestamp`, `IS_NEW`, facts) to the rows that are kept: `ROW`, and
            what else it finds.
        lent: values that another row lends: by name of the new column, the column and which of those
            that `fold` gives holds the lender's `ROW`. Only of columns that are asked for.
        is_alone: requests of nobody known belong with no other.
    """

    requests: pl.Expr
    who: str
    what: tuple[str, ...]
    facts: Mapping[str, pl.Expr]
    fold: Callable[[pl.LazyFrame], pl.LazyFrame]
    lent: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    is_alone: bool = False


def fold_requests(events: pl.LazyFrame, folds: Sequence[Fold], kept: Sequence[str]) -> pl.LazyFrame:
    """Fold requests of several kinds, which are read once.

    Ties in time follow the log and the place in it. Owners are told apart by 96 bits of id and hash,
    which never leave the process.

    Args:
        events: with `timestamp`, `source_rank`, `source_offset`, and the columns that the folds read.
        folds: a request is folded by the first whose kind it is.
        kept: columns to give of the requests that are kept.

    Returns:
        `kept`, and what the folds find and lend, null where another fold's.
    """
    kind = pl.coalesce(*(pl.when(fold.requests).then(pl.lit(number, pl.UInt8)) for number, fold in enumerate(folds)))
    facts = {name: fact for fold in folds for name, fact in fold.facts.items()}
    # The kind is a column before it is a filter: a filter is worked out on all of what is read, however little passes one before it.
    chosen = events.with_columns(kind.alias(_KIND)).filter(pl.col(_KIND).is_not_null())
    narrow = chosen.select(
        *dict.fromkeys([*kept, *_PLACE]),
        _KIND,
        _name_owners(folds).alias(_OWNER),
        **facts,
    )

    read = narrow.collect_schema()
    schemas = [_find_schema(read, fold, kept) for fold in folds]

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        def fold(number: int) -> pl.DataFrame:
            return _fold_kind(frame, number, folds[number], kept, schemas[number])

        if frame.height < _FEW:
            return pl.concat(map(fold, range(len(folds))), how="diagonal")
        # Sorting leaves half of the processors idle: kinds are folded side by side.
        with ThreadPoolExecutor(len(folds)) as pool:
            return pl.concat(list(pool.map(fold, range(len(folds)))), how="diagonal")

    return narrow.map_batches(apply, schema={name: dtype for schema in schemas for name, dtype in schema.items()})


def _name_owners(folds: Sequence[Fold]) -> pl.Expr:
    """Name the owner of each row by 96 bits: its id in the upper 64, and hashes of what it asks for over all of them.

    Null is an owner that has no other row.
    """
    ids = [pl.col(fold.who).cast(pl.Int128) * 2**_ID_SHIFT for fold in folds]
    owner = _by_kind([key if fold.is_alone else key.fill_null(0) for key, fold in zip(ids, folds, strict=True)])
    for place in range(max(len(fold.what) for fold in folds)):
        text = _by_kind([pl.col(fold.what[place]) if place < len(fold.what) else pl.lit("") for fold in folds])
        bits = text.hash(place + 1).cast(pl.Int128)
        owner = owner ^ bits ^ (bits * 2**_HASH_SHIFT)
    return owner & pl.lit(_OWNER_BITS, pl.Int128)


def _by_kind(values: Sequence[pl.Expr]) -> pl.Expr:
    """Take each row's value by the number of its fold."""
    found = values[-1]
    for number in range(len(values) - 2, -1, -1):
        if not values[number].meta.eq(found):
            found = pl.when(pl.col(_KIND) == number).then(values[number]).otherwise(found)
    return found


def _find_schema(read: pl.Schema, fold: Fold, kept: Sequence[str]) -> dict[str, pl.DataType]:
    """Name the columns that folding gives, without folding anything."""
    rows = pl.LazyFrame(schema={name: read[name] for name in dict.fromkeys([*_PLACE, *fold.facts, _OWNER])}).with_columns(INDEX.alias(ROW))
    found = fold.fold(_sort_by_owner(rows, tuple(fold.facts))).collect_schema()
    lent = {name: read[column] for name, (column, _) in fold.lent.items() if column in kept}
    told = {name: dtype for name, dtype in found.items() if name not in {ROW, *(row for _, row in fold.lent.values())}}
    return {name: read[name] for name in kept} | lent | told


def _fold_kind(frame: pl.DataFrame, number: int, fold: Fold, kept: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Fold the rows of one kind; the others are not touched, nor are the columns that folding does not read."""
    facts = tuple(fold.facts)
    rows = frame.lazy().select(*dict.fromkeys([*_PLACE, *facts]), _OWNER, _KIND, INDEX.alias(ROW)).filter(pl.col(_KIND) == number)
    mine = rows.drop(_KIND).collect()
    if mine.is_empty():
        return pl.DataFrame(schema=schema)
    ordered = _sort_by_owner(_part_unknown(mine, is_alone=fold.is_alone).rechunk().lazy(), facts)
    found = fold.fold(ordered).sort(ROW).collect()
    borrowed = [frame[column].gather(found[row]).alias(name) for name, (column, row) in fold.lent.items() if column in kept]
    chosen = frame.select(pl.col(name).gather(found[ROW]) for name in kept)
    return chosen.with_columns(*borrowed, *found.drop(ROW, *{row for _, row in fold.lent.values()}).get_columns())


def _part_unknown(rows: pl.DataFrame, *, is_alone: bool) -> pl.DataFrame:
    """Give each row of nobody known an owner of its own: its number, which no hash equals but by a chance of 2⁻⁶⁴."""
    if not is_alone or not rows[_OWNER].null_count():
        return rows
    return rows.with_columns(pl.col(_OWNER).fill_null((pl.col(ROW).cast(pl.Int128) + 1) * 2**_ROW_BITS))


def _sort_by_owner(rows: pl.LazyFrame, facts: Sequence[str]) -> pl.LazyFrame:
    """Sort rows by owner, then by time, log and place in the log; `IS_NEW` marks each owner's first."""
    instant = pl.col("timestamp").to_physical()
    since = (instant - instant.min()).cast(pl.Int128) * 2 ** (_SOURCE_BITS + _OFFSET_BITS)
    place = pl.col("source_rank").fill_null(0).cast(pl.Int128) * 2**_OFFSET_BITS + pl.col("source_offset").fill_null(0).cast(pl.Int128)
    order = (pl.col(_OWNER) + (since + place).rank("ordinal").cast(pl.Int128)).alias(_ORDER)
    ordered = rows.select(ROW, "timestamp", *facts, order).sort(_ORDER)
    owner = pl.col(_ORDER) & pl.lit(_OWNER_BITS, pl.Int128)
    is_new = owner != owner.shift(1)
    return ordered.select(ROW, "timestamp", *facts, is_new.fill_null(value=True).alias(IS_NEW))


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
    """Mark rows whose value is another than that of the row before; the first one, too."""
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
        """Give `first` and `last` of some rows, worked out once for all that is asked of them."""
        found = rows.select(self.first.alias("first"), self.last.alias("last"))
        return pl.lit(found["first"]), pl.lit(found["last"])

    def any(self, flag: pl.Expr) -> pl.Expr:
        """Tell whether any row of each run is true."""
        return sum_between(flag.fill_null(value=False).cast(pl.UInt32), self.first, self.last) > 0

    def first_where(self, flag: pl.Expr) -> pl.Expr:
        """Index of each run's first row that is true, null where none is."""
        found = pl.when(flag).then(INDEX).backward_fill().gather(self.first)
        return pl.when(found <= self.last).then(found)

    def first_value(self, value: pl.Expr) -> pl.Expr:
        """First value of each run that is not null."""
        place = pl.when(value.is_not_null()).then(INDEX).backward_fill().gather(self.first)
        return pl.when(place <= self.last).then(value.backward_fill().gather(self.first))
