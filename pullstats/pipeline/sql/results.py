"""What DuckDB answers, as columns that every output can write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from pullstats.errors import UsageError
from pullstats.reports import Column, ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa


def read_batches(reader: pa.RecordBatchReader) -> Iterator[pl.DataFrame]:
    """Give an answer in batches of one schema, at least one.

    Args:
        reader: the answer as it comes.
    """
    names = _tell_apart(reader.schema.names)
    yield _read_batch(reader.schema.empty_table().to_batches(), reader.schema, names)
    for batch in reader:
        yield _read_batch([batch], reader.schema, names)


def _read_batch(batches: list[pa.RecordBatch], schema: pa.Schema, names: list[str]) -> pl.DataFrame:
    import pyarrow as pa  # noqa: PLC0415 - an answer in SQL alone needs it

    table = pa.Table.from_batches(batches, schema)
    return pl.DataFrame([_read_column(name, table.column(index)) for index, name in enumerate(names)])


def _tell_apart(names: list[str]) -> list[str]:
    """Let no two columns have one name.

    Example:
        >>> _tell_apart(["n", "n", "m"])
        ['n', 'n_2', 'm']
    """
    taken: list[str] = []
    for name in names:
        count, own = 1, name
        while own in taken:
            count += 1
            own = f"{name}_{count}"
        taken.append(own)
    return taken


def _read_column(name: str, values: pa.ChunkedArray) -> pl.Series:
    """Read numbers, flags, texts, days and instants as such, and all else as text.

    Raises:
        UsageError: a whole number has more than 64 bits.
    """
    from pyarrow import types  # noqa: PLC0415 - as above

    kind = values.type
    if types.is_decimal(kind) or types.is_uint64(kind):
        numbers = values.to_pylist()
        if getattr(kind, "scale", 0):
            return pl.Series(name, [None if one is None else float(one) for one in numbers], pl.Float64)
        return _read_whole(name, numbers)
    if types.is_integer(kind):
        return pl.Series(name, pl.from_arrow(values)).cast(pl.Int64)
    is_instant = types.is_timestamp(kind) and kind.tz is not None
    if is_instant or any(test(kind) for test in (types.is_floating, types.is_boolean, types.is_date32)) or _is_text(kind):
        return pl.Series(name, pl.from_arrow(values))
    return pl.Series(name, [_write(value) for value in values.to_pylist()], pl.String)


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types  # noqa: PLC0415 - as above

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _read_whole(name: str, numbers: list[Decimal | int | None]) -> pl.Series:
    try:
        return pl.Series(name, [None if one is None else int(one) for one in numbers], pl.Int64)
    except (OverflowError, TypeError) as error:
        raise UsageError(f"'{name}' holds whole numbers of more than 64 bits; write CAST({name} AS VARCHAR)") from error


def _write(value: Any) -> str | None:
    """Write a value that has no column of its own: lists and structs as JSON, moments without a zone and spans as ISO 8601, bytes as hexadecimal."""
    match value:
        case None | str():
            return value
        case bytes():
            return value.hex()
        case list() | dict():
            return json.dumps(value, default=_write)
        case (months, days, nanoseconds):  # as Arrow gives an interval
            return f"P{months}M{days}DT{Decimal(nanoseconds).scaleb(-9).normalize():f}S"
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)


def describe(frame: pl.DataFrame) -> tuple[Column, ...]:
    """Say how to draw the columns of a `frame`: numbers as numbers, instants as such, all else as text."""
    return tuple(Column(name, name, _kind_of(dtype)) for name, dtype in frame.schema.items())


def _kind_of(dtype: pl.DataType) -> ColumnKind:
    if dtype == pl.Int64:
        return "count"
    if dtype.is_float():
        return "number"
    return "time" if isinstance(dtype, pl.Datetime) else "text"
