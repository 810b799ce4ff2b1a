"""The tables that SQL asks: what columns they have, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pullstats.events import EVENT_SCHEMA, ID_COLUMNS
from pullstats.ids import ID_DIGITS
from pullstats.metrics.listings import download_schema, list_downloads, list_origins, origin_schema
from pullstats.metrics.plan import Plan
from pullstats.pipeline.answer import list_sources
from pullstats.store import RUN_SCHEMA, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVENTS: Final = "events"
_TYPES: Final = {pl.String(): "VARCHAR", pl.Boolean(): "BOOLEAN", pl.Float64(): "DOUBLE", pl.Date(): "DATE"}
_WHOLE: Final = {pl.Int16(): "SMALLINT", pl.Int32(): "INTEGER", pl.Int64(): "BIGINT", pl.Int8(): "TINYINT"}


def schemas() -> dict[str, pl.Schema]:
    """Give the columns of each table; ids are text, as reports write them."""
    events = pl.Schema((name, pl.String() if name in ID_COLUMNS else dtype) for name, dtype in EVENT_SCHEMA.items())
    return {
        EVENTS: events,
        "downloads": download_schema(),
        "origins": origin_schema(),
        "sources": list_sources(pl.DataFrame(schema=RUN_SCHEMA)).schema,
    }


def fill(connection: DuckDBPyConnection, opened: Store, asked: Plan, wanted: dict[str, set[str]]) -> None:
    """Give a DuckDB the tables of a snapshot; columns that nobody reads are null.

    Args:
        connection: the DuckDB.
        opened: the store.
        asked: the plan of a question for downloads, over the whole history.
        wanted: which columns of which table are read; of others nothing is looked at.
    """
    for name, schema in schemas().items():
        columns = [column for column in schema if column in wanted.get(name, ())]
        connection.register(f"given_{name}", _read(name, opened, asked, columns) if name in wanted else pl.DataFrame(schema=schema).to_arrow())
        shown = [_show(name, column, dtype, is_read=column in columns) for column, dtype in schema.items()]
        connection.execute(f'CREATE VIEW "{name}" AS SELECT {", ".join(shown)} FROM given_{name}')  # noqa: S608 - of our own names


def _show(table: str, column: str, dtype: pl.DataType, *, is_read: bool) -> str:
    """Write how a view gives a column."""
    if not is_read:
        return f'CAST(NULL AS {_name_type(dtype)}) AS "{column}"'
    if table == EVENTS and column in ID_COLUMNS:
        return f'printf(\'%0{ID_DIGITS}x\', "{column}") AS "{column}"'
    return f'"{column}"'


def _name_type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMPTZ"
    return (_TYPES | _WHOLE)[dtype]


def _read(name: str, opened: Store, asked: Plan, columns: list[str]) -> Any:
    """Read some columns of a table, as Arrow; a column that costs nothing says how many rows there are where none is read."""
    if name == EVENTS:
        return _read_events(opened, columns)
    if name == "downloads":
        return list_downloads(asked, {*columns, "rule"}).to_arrow()
    if name == "origins":
        return list_origins(asked, {*columns, "origin"}).to_arrow()
    return list_sources(opened.runs()).to_arrow()


def _read_events(opened: Store, columns: list[str]) -> Any:
    """Let DuckDB read the files of the snapshot through Arrow, which leaves out what is not asked for; columns that a file lacks are null."""
    import pyarrow as pa  # noqa: PLC0415 - SQL over events alone needs it
    from pyarrow.dataset import dataset  # noqa: PLC0415 - as above

    files = [str(path) for path in opened.event_files()]
    opened.scan_events(["timestamp"])  # tells what of them is missing
    if opened.holds_hashes or not files:
        return opened.scan_events(columns or ["timestamp"]).collect(engine="streaming").to_arrow()
    fields = pl.DataFrame(schema=EVENT_SCHEMA).to_arrow().schema
    return dataset(files, schema=pa.schema([field.with_type(pa.string()) if field.type == pa.large_string() else field for field in fields]))
