"""Checksums of the Parquet files: written into the file action, checked whenever the file is read.

CRC-32, as gzip has it: every flip of up to 32 neighbouring bits is found with certainty, anything
else, such as another file of the same size, but once in four thousand million times. It is no seal: whoever
may write to the store may write its log, too. Measured: 12 GB/s, 5 with reading
the file from memory; SHA-256 makes 1.1.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl
from isal import isal_zlib

from pullstats.store.snapshot import LiveFile
from pullstats.store.tables import Table

_CHUNK: Final = 1 << 20
_MAGIC: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class Damage:
    """A data file that is not as it was written.

    Attributes:
        table: name of its table.
        file: what the log says of it.
        reason: what is wrong with it; completes "the file …".
        is_lost: False if it may only not be read by this user.
    """

    table: str
    file: LiveFile
    reason: str
    is_lost: bool = True

    @property
    def place(self) -> str:
        """Where it lies, relative to the store."""
        return f"{self.table}/{self.file.path}"

    @property
    def day(self) -> date | None:
        """The UTC day of its rows."""
        return self.file.day

    def overlaps(self, first: datetime | None, last: datetime | None) -> bool:
        """Tell whether rows of it may lie in a range of instants."""
        if self.file.first is None or self.file.last is None or first is None or last is None:
            return True
        return self.file.first <= last and self.file.last >= first


def checksum(path: Path) -> int:
    """Sum a file up; it was just written, so its bytes are in memory."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _sum(handle)
    finally:
        os.close(handle)


def _sum(handle: int) -> int:
    buffer, crc = bytearray(_CHUNK), 0
    view = memoryview(buffer)
    while count := os.readv(handle, [buffer]):
        crc = isal_zlib.crc32(view[:count], crc)
    return crc


def examine(folder: Path, file: LiveFile, table: Table, *, is_deep: bool = True) -> Damage | None:
    """Compare a file on disk with what the log says of it.

    Args:
        folder: of its table.
        file: what the log says.
        table: the table.
        is_deep: compare every byte, not only presence, size and the marks at both ends.
    """
    try:
        handle = os.open(folder / file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Damage(table.name, file, "is missing")
    except OSError as error:
        return Damage(table.name, file, f"cannot be read ({error.strerror})", is_lost=not isinstance(error, PermissionError))
    try:
        reason = _compare(handle, file, is_deep=is_deep)
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    finally:
        os.close(handle)
    if reason is None and is_deep and file.crc is None:
        reason = try_reading(folder / file.path, file, table)
    return None if reason is None else Damage(table.name, file, reason)


def _compare(handle: int, file: LiveFile, *, is_deep: bool) -> str | None:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    if found.st_size != file.size:
        return f"has {found.st_size:,} bytes instead of {file.size:,}"
    if os.pread(handle, 4, 0) != _MAGIC or os.pread(handle, 4, max(file.size - 4, 0)) != _MAGIC:
        return "is no Parquet file any more"
    if is_deep and file.crc is not None and _sum(handle) != file.crc:
        return "does not hold the bytes that were written"
    return None


def try_reading(path: Path, file: LiveFile, table: Table) -> str | None:
    """Read a file whose bytes nobody summed up as far as it can be read; say what is wrong."""
    try:
        frame = pl.scan_parquet(path, schema=table.schema, missing_columns="insert", extra_columns="ignore", hive_partitioning=False, glob=False)
        rows = frame.collect(engine="streaming").height
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, MemoryError, UnicodeDecodeError) as error:
        return f"cannot be read ({(str(error).splitlines() or [type(error).__name__])[0][:80]})"
    if file.rows is not None and rows != file.rows:
        return f"has {rows:,} rows instead of {file.rows:,}"
    return None


def describe_damage(damages: Iterable[Damage]) -> list[str]:
    """Say of each damaged file what it held and what to do."""
    return [_describe(damage) for damage in damages]


def _describe(damage: Damage) -> str:
    held = {"events": "events", "rejects": "rejected lines", "runs": "records of what was read"}[damage.table]
    count = "an unknown number of" if damage.file.rows is None else f"{damage.file.rows:,}"
    day = f" of {damage.day}" if damage.day else ""
    what = f"{count} {held}{day} are left out: {damage.place} {damage.reason}"
    return f"{what}; run: pullstats verify --repair" if damage.is_lost else f"{what}; give yourself the right to read it"
