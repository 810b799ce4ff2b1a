"""Parquet files: frames to sorted files of one UTC day each, at full speed, not yet visible to anyone.

Numbers behind the settings, 1 M rows of 56 columns, CPU seconds: zstd level 1 1.0, level 3 1.9;
low-cardinality columns as Categorical 1.1, the same cast to String first 2.1; statistics of all
columns +8 % (they would keep addresses in the footer, and the log has the time range anyway).
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
from arro3.core import DataType
from arro3.core import Field as ArrowField
from arro3.core import Schema as ArrowSchema

from pullstats.errors import InternalError
from pullstats.events import FIELD_BY_NAME, SCHEMA_VERSION, TIMESTAMP
from pullstats.store import modes
from pullstats.store.checksums import checksum
from pullstats.store.snapshot import OURS, LiveFile, Spans
from pullstats.store.tables import EVENTS, Table

ROW_GROUP_ROWS: Final = 524_288

_ARROW_TYPES: Final = {
    pl.String: DataType.large_utf8(),
    pl.Binary: DataType.large_binary(),
    pl.Boolean: DataType.bool(),
    pl.Int16: DataType.int16(),
    pl.Int32: DataType.int32(),
    pl.Int64: DataType.int64(),
    pl.Float64: DataType.float64(),
    TIMESTAMP: DataType.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A Parquet file on disk that no commit has made visible yet.

    Attributes:
        table: name of its table.
        path: relative to the table's folder.
        size: bytes.
        rows: number of rows.
        day: UTC day of all its rows, None in tables without days.
        first: earliest timestamp, None in tables without days.
        last: latest timestamp, None in tables without days.
        crc: checksum of its bytes.
        commits: numbers of the commits whose rows it holds; empty before it is known.
        rules: version of the rules that derived its columns, None in tables without derived ones.
    """

    table: str
    path: str
    size: int
    rows: int
    day: date | None = None
    first: datetime | None = None
    last: datetime | None = None
    crc: int | None = None
    commits: Spans = ()
    rules: str | None = None


def write_event_parts(folder: Path, frame: pl.DataFrame, rule_set_version: str = "", commits: Spans = ()) -> list[PendingFile]:
    """Write events into one file per UTC day, sorted by time.

    Safe to call from several threads and processes at once: names are random, and polars
    releases the interpreter while it encodes.

    Args:
        folder: the events table.
        frame: columns of `EVENT_SCHEMA` (any subset with `timestamp`); low-cardinality String
            columns may be Categorical or Enum and then cost half. Rows of equal time keep their order.
        rule_set_version: version of the rules that derived the agent, package and network columns.
        commits: numbers of the commits that the rows came with, where they are in the store already.

    Returns:
        The files, earliest day first; none for an empty frame.

    Raises:
        OSError: the disk is full or the folder not writable; files already written are removed.
    """
    ordered = _order(_choose_columns(frame, EVENTS))
    written: list[PendingFile] = []
    try:
        for day, rows in _split_days(ordered):
            place = f"date={day.isoformat()}/part-{uuid.uuid4()}.parquet"
            times = rows["timestamp"]
            size, crc = write_part(folder, place, rows, EVENTS, rule_set_version)
            written.append(PendingFile(EVENTS.name, place, size, rows.height, day, times[0], times[-1], crc, commits, rule_set_version))
    except BaseException:
        discard_parts(folder, written)
        raise
    return written


def write_rows(folder: Path, frame: pl.DataFrame, table: Table, commit: int, commits: Spans = ()) -> PendingFile:
    """Write rows of a table without days; the file name carries the number of the commit it belongs to."""
    place = f"part-{commit:012d}-{uuid.uuid4()}.parquet"
    size, crc = write_part(folder, place, _choose_columns(frame, table), table)
    return PendingFile(table.name, place, size, frame.height, crc=crc, commits=commits)


def rewrite_part(folder: Path, place: str, rows: pl.DataFrame, rule_set_version: str) -> tuple[int, int]:
    """Write the events of one file under another name; return its size in bytes and its checksum."""
    return write_part(folder, place, _order(_choose_columns(rows, EVENTS)), EVENTS, rule_set_version)


def commit_of(path: str) -> int:
    """The number that `write_rows` put into a file name, 0 if another tool named the file."""
    number = path.removeprefix("part-")[:12]
    return int(number) if number.isdecimal() else 0


def write_part(folder: Path, place: str, frame: pl.DataFrame, table: Table, rule_set_version: str = "") -> tuple[int, int]:
    """Write one Parquet file and return its size in bytes and its checksum; a failed write leaves no file."""
    target = folder / place
    modes.make_folder(target.parent, folder.parent)
    footer = {
        # Overrides what polars would write: readers then see String where the frame was Categorical.
        "ARROW:schema": _arrow_schema(table.name, tuple((name, table.schema[name]) for name in frame.columns)),
        "pullstats.schema_version": str(SCHEMA_VERSION),
        "pullstats.rule_set_version": rule_set_version,
    }
    try:
        modes.make_file(target, folder.parent)
        frame.write_parquet(target, compression="zstd", compression_level=1, statistics=False, row_group_size=ROW_GROUP_ROWS, metadata=footer)
        return target.stat().st_size, checksum(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def part_rules(folder: Path, file: LiveFile) -> str:
    """Tell which version of the rules derived the columns of an events file; empty if nothing says."""
    return file.rules if file.rules is not None else pl.read_parquet_metadata(folder / file.path).get("pullstats.rule_set_version", "")


def discard_parts(folder: Path, files: Sequence[PendingFile]) -> None:
    """Delete files that will never be committed, as far as that is possible."""
    for file in files:
        try:
            (folder / file.path).unlink()
        except OSError:
            continue  # The next sweep takes it.


def _choose_columns(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Keep the columns of a table that say something, in its order: what is null throughout needs no place, every reader has it from the table's schema."""
    for name, dtype in frame.schema.items():
        wanted = table.schema.get(name)
        is_coded_text = wanted == pl.String and isinstance(dtype, pl.Categorical | pl.Enum)
        if dtype != wanted and not is_coded_text:
            raise InternalError(f"column '{name}' of {table.name} is {dtype}, the store holds {wanted}")
    first, *others = table.schema.names()
    said = [name for name in others if name in frame.columns and frame[name].null_count() < frame.height]
    leading = pl.col(first) if first in frame.columns else pl.lit(None, table.schema[first]).alias(first)
    return frame.select(leading, *said)


def _order(frame: pl.DataFrame) -> pl.DataFrame:
    times = frame["timestamp"]
    if times.null_count():
        raise InternalError(f"{times.null_count()} events without a time reached the store")
    return frame if times.is_sorted() else frame.sort("timestamp", maintain_order=True)


def _split_days(ordered: pl.DataFrame) -> Iterator[tuple[date, pl.DataFrame]]:
    """Slices of one UTC day each, without copying."""
    if ordered.is_empty():
        return
    times = ordered["timestamp"]
    if times[0].date() == times[-1].date():
        yield times[0].date(), ordered
        return
    start = 0
    for run in times.dt.date().rle().to_frame("run").unnest("run").to_dicts():
        yield run["value"], ordered.slice(start, run["len"])
        start += run["len"]


@cache
def _arrow_schema(name: str, columns: tuple[tuple[str, pl.DataType], ...]) -> str:
    """The value of the `ARROW:schema` footer key: plain types, each field with origin, unit and help."""
    described = ArrowSchema([ArrowField(column, _ARROW_TYPES[dtype], metadata=_describe(column)) for column, dtype in columns])
    buffer = io.BytesIO()
    pl.DataFrame(schema=dict(columns)).write_parquet(buffer, arrow_schema=described)
    buffer.seek(0)
    found = pl.read_parquet_metadata(buffer).get("ARROW:schema")
    if found is None:
        raise InternalError(f"polars wrote no Arrow schema for {name}")
    return found


def _describe(column: str) -> dict[str, str]:
    known = FIELD_BY_NAME.get(column)
    if known is None:
        return {}
    described = {"origin": known.origin, "unit": known.unit, "help": known.help}
    return {key: value for key, value in described.items() if value}


def part_stats(file: PendingFile) -> str:
    """The Delta statistics of a file: rows and time range, nothing a client wrote; and what of ours other readers pass over.

    Source: Delta protocol, "Per-file Statistics": readers take from them what they know.
    """
    ours = {"crc32": file.crc, "commits": file.commits, "rules": file.rules}
    mine = {OURS: {key: value for key, value in ours.items() if value not in {None, ()}}}
    if file.first is None or file.last is None:
        return json.dumps({"numRecords": file.rows} | mine)
    first, last = (moment.isoformat(timespec="microseconds").replace("+00:00", "Z") for moment in (file.first, file.last))
    stats = {"numRecords": file.rows, "minValues": {"timestamp": first}, "maxValues": {"timestamp": last}, "nullCount": {"timestamp": 0}}
    return json.dumps(stats | mine)


def live_file(file: PendingFile) -> LiveFile:
    """Give a file as a snapshot will hold it once it is committed."""
    return LiveFile(file.path, file.size, file.rows, file.first, file.last, file.day, file.crc, file.commits, file.rules)
