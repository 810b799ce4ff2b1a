"""Reading: the files of one snapshot as a lazy frame, pruned by time before any of them is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pullstats.events import ID_COLUMNS
from pullstats.ids import shorten_hashes
from pullstats.store.snapshot import LiveFile
from pullstats.store.tables import EVENTS, OLD_EVENTS, Table
from pullstats.timestamps import instant

# Spark cuts the statistics it writes to milliseconds.
_STATS_SLACK = timedelta(milliseconds=1)


def scan_files(folder: Path, files: Iterable[LiveFile], table: Table) -> pl.LazyFrame:
    """Scan Parquet files as one frame of the table's schema, its ids as they are today.

    Columns that older files lack are null, columns that only newer ones have are left out.
    """
    paths = [folder / file.path for file in files]
    if not paths:
        return pl.LazyFrame(schema=EVENTS.schema if table is OLD_EVENTS else table.schema)
    rows = pl.scan_parquet(paths, schema=table.schema, missing_columns="insert", extra_columns="ignore", hive_partitioning=False, glob=False)
    return rows.with_columns(shorten_hashes(pl.col(name)) for name in ID_COLUMNS) if table is OLD_EVENTS else rows


def scan_window(
    folder: Path, files: Iterable[LiveFile], table: Table, columns: Sequence[str] | None, start: datetime | None, end: datetime | None
) -> pl.LazyFrame:
    """Scan the events of a time window.

    Args:
        folder: the events table.
        files: live files of the snapshot.
        table: the events, as their log declares them.
        columns: columns to read, all if None; `date` may be asked for.
        start: first instant of the window (with zone), None for no bound.
        end: first instant after the window, None for no bound.

    Returns:
        Events with `start <= timestamp < end`, in file order, not sorted as a whole.
    """
    events = scan_files(folder, sorted(prune_files(files, start, end), key=_age), table)
    if start is not None:
        events = events.filter(pl.col("timestamp") >= instant(start))
    if end is not None:
        events = events.filter(pl.col("timestamp") < instant(end))
    if columns is None:
        return events
    day = pl.col("timestamp").dt.date().alias("date")
    return events.select(day if name == "date" else pl.col(name) for name in columns)


def prune_files(files: Iterable[LiveFile], start: datetime | None, end: datetime | None) -> list[LiveFile]:
    """Keep the files that may hold events of a window; those of unknown range stay."""
    return [file for file in files if not (start and _ends_before(file, start)) and not (end and _starts_at_or_after(file, end))]


def _ends_before(file: LiveFile, start: datetime) -> bool:
    if file.last:
        return file.last < start - _STATS_SLACK
    return file.day is not None and file.day < start.astimezone(UTC).date()


def _starts_at_or_after(file: LiveFile, end: datetime) -> bool:
    if file.first:
        return file.first >= end
    return file.day is not None and file.day > end.astimezone(UTC).date()


def _age(file: LiveFile) -> tuple[str, str]:
    return (str(file.day or ""), f"{file.first or ''}{file.path}")
