"""The records of what was read, and what they had counted, from the rows that are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pullstats.store.checksums import examine
from pullstats.store.log import TableLog
from pullstats.store.parts import write_rows
from pullstats.store.progress import read_progress
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import COMMIT_ID, LiveFile
from pullstats.store.tables import EVENTS, REJECTS, RUN_COUNTS, RUNS, as_written


def read_runs(store: Path, files: Iterable[LiveFile]) -> pl.DataFrame:
    """Read the records of files that are as they were written."""
    whole = [file for file in files if examine(store / RUNS.name, file, RUNS) is None]
    return scan_files(store / RUNS.name, whole, RUNS).collect()


def fill_runs(store: Path, logs: dict[str, TableLog]) -> int:
    """Count anew what lost records had counted, as far as the other tables tell: lines, events and rejects of each log.

    Returns:
        Of how many logs records were lost.
    """
    events = logs[EVENTS.name].state
    runs = read_runs(store, logs[RUNS.name].state.files.values())
    counted = {row["source_id"]: row for row in runs.group_by("source_id").agg(pl.col(RUN_COUNTS).sum()).to_dicts()}
    short = []
    for source_id in events.transactions:
        progress = read_progress(events.transactions, source_id) if ":" not in source_id and source_id != COMMIT_ID else None
        known = counted.get(source_id, dict.fromkeys(RUN_COUNTS, 0))
        if progress is not None and progress.lines > known["lines"]:
            short.append((source_id, progress, known))
    if not short:
        return 0
    found = _count_sources(store, logs)
    rows = []
    for source_id, progress, known in short:
        there = found.get(source_id, {"events": 0, "rejected": 0, "first": None, "last": None, "format": None})
        lines = progress.lines - known["lines"]
        kept = min(max(there["events"] - known["events"], 0), lines)
        refused = min(max(there["rejected"] - known["rejected"], 0), lines - kept)
        counts = {"lines": lines, "events": kept, "rejected": refused, "ignored": lines - kept - refused, "duplicates": 0}
        more = {"bytes": max(progress.end_offset - known["bytes"], 0), "first": there["first"], "last": there["last"], "format": there["format"]}
        rows.append({"run_id": "repair", "source_id": source_id, **counts, **more})
    frame = pl.DataFrame(rows, schema={name: RUNS.schema[name] for name in rows[0]})
    logs[RUNS.name].commit([write_rows(store / RUNS.name, frame, RUNS, 0)])
    return len(rows)


def _count_sources(store: Path, logs: dict[str, TableLog]) -> dict[str, dict[str, object]]:
    """Count the rows of each log, of files that are whole."""
    whole = {
        table.name: [
            file
            for file in logs[table.name].state.files.values()
            if examine(store / table.name, file, as_written(table, logs[table.name].state.columns)) is None
        ]
        for table in (EVENTS, REJECTS)
    }
    events = scan_files(store / EVENTS.name, whole[EVENTS.name], as_written(EVENTS, logs[EVENTS.name].state.columns))
    rejects = scan_files(store / REJECTS.name, whole[REJECTS.name], REJECTS)
    times = [pl.col("timestamp").min().alias("first"), pl.col("timestamp").max().alias("last"), pl.col("log_format").last().alias("format")]
    counted = events.group_by("source_id").agg(pl.len().cast(pl.Int64).alias("events"), *times)
    refused = rejects.group_by("source_id").agg(pl.len().cast(pl.Int64).alias("rejected"))
    both = counted.join(refused, on="source_id", how="full", coalesce=True).with_columns(pl.col("events", "rejected").fill_null(0))
    return {row["source_id"]: row for row in both.collect().to_dicts()}
