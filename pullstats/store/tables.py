"""The store's three tables: their columns, their Delta schema, their place in the folder.

Sources: Delta Lake protocol, https://github.com/delta-io/delta/blob/master/PROTOCOL.md
(schema serialisation, table properties).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.events import EVENT_SCHEMA, ID_COLUMNS, TIMESTAMP

REJECT_SCHEMA: Final[pl.Schema] = pl.Schema(
    {
        "run_id": pl.String,
        "source_id": pl.String,
        "source_line": pl.Int64,
        "source_offset": pl.Int64,
        "log_format": pl.String,
        "reason": pl.String,
        "line": pl.String,
    },
)
"""One row per rejected line: where it stood (1-based line, byte offset), why, and the redacted line."""

_RUN_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "run_id": pl.String,
    "source_id": pl.String,
    "name": pl.String,
    "format": pl.String,
    "confidence": pl.Float64,
    "wrapper": pl.String,
    "lines": pl.Int64,
    "events": pl.Int64,
    "ignored": pl.Int64,
    "rejected": pl.Int64,
    "duplicates": pl.Int64,
    "bytes": pl.Int64,
    "first": TIMESTAMP,
    "last": TIMESTAMP,
    "started": TIMESTAMP,
    "finished": TIMESTAMP,
    "rule_set_version": pl.String,
    "schema_version": pl.Int32,
    "commit": pl.Int64,
    "offset": pl.Int64,
    "line": pl.Int64,
}

RUN_SCHEMA: Final[pl.Schema] = pl.Schema(_RUN_COLUMNS)
"""What one commit added for one source; `Store.runs()` adds the commits of a run up.

`offset` and `line` tell where in the decompressed log the lines begin (byte; number from 1), `commit`
the number of the commit they came with: what a data file that is lost has held, can be read again.
"""

RUN_ROW_SCHEMA: Final[pl.Schema] = pl.Schema({**_RUN_COLUMNS, "marks": pl.Binary})
"""The same as it is kept, with the digests by which shorter pieces of the source are known (`Store.marks`)."""

RUN_COUNTS: Final = ("lines", "events", "ignored", "rejected", "duplicates", "bytes")
"""Columns of `RUN_SCHEMA` that add up over the commits of a run."""


@dataclass(frozen=True, slots=True)
class Table:
    """One Delta table of the store.

    Attributes:
        name: folder inside the store.
        schema: columns as polars reads them, without the partition column.
        is_daily: True if partitioned by UTC day under `date=YYYY-MM-DD/`.
    """

    name: str
    schema: pl.Schema
    is_daily: bool = False


EVENTS: Final = Table("events", EVENT_SCHEMA, is_daily=True)
REJECTS: Final = Table("rejects", REJECT_SCHEMA)
RUNS: Final = Table("runs", RUN_ROW_SCHEMA)
TABLES: Final = (EVENTS, REJECTS, RUNS)

OLD_EVENTS: Final = Table(
    EVENTS.name, pl.Schema([(name, pl.Binary if name in ID_COLUMNS else dtype) for name, dtype in EVENT_SCHEMA.items()]), is_daily=True
)
"""The events as stores of layout 1 hold them: whole hashes of 16 bytes for ids."""


def as_written(table: Table, columns: Sequence[str]) -> Table:
    """Give a table as its log declares it.

    Args:
        table: which.
        columns: its columns, each as `name:type`.
    """
    return OLD_EVENTS if table is EVENTS and f"{ID_COLUMNS[0]}:binary" in columns else table


DELTA_TYPES: Final[dict[pl.DataType | type[pl.DataType], str]] = {
    pl.String: "string",
    pl.Binary: "binary",
    pl.Boolean: "boolean",
    pl.Int16: "short",
    pl.Int32: "integer",
    pl.Int64: "long",
    pl.Float64: "double",
    pl.Date: "date",
    TIMESTAMP: "timestamp",
}

DELTA_PROPERTIES: Final[dict[str, str]] = {
    # Statistics of other columns would leave addresses and paths in the log after a purge.
    "delta.dataSkippingStatsColumns": "timestamp",
    "delta.checkpointInterval": "50",
    "delta.logRetentionDuration": "interval 1 hours",
    "delta.deletedFileRetentionDuration": "interval 1 hours",
}
