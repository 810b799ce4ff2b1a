"""Requests of several kinds, each folded in the order its owners made them: one row of those that count as one.

Sorting by owner and time through a single 128-bit key is five times as fast as by the columns
themselves. Only what tells islands apart is put in order; all else is fetched for the few rows that
stand for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.metrics.islands import INDEX, IS_NEW, ROW

_FEW: Final = 20_000
"""Rows for which starting threads costs more than they save."""
_OFFSET_BITS: Final = 44
_SOURCE_BITS: Final = 20
_ROW_BITS: Final = 32
_HASH_SHIFT: Final = 62
_ID_SHIFT: Final = 64
_OWNER_BITS: Final = -(2**_ROW_BITS)
"""All bits of a 128-bit number but those that leave room for the place of a row."""
_OWNER, _ORDER, _KIND = "owner_bits", "owner_order", "fold_number"
_PLACE: Final = ("timestamp", "source_rank", "source_offset")


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
