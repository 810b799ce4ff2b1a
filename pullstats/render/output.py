"""Put an answer where it belongs: on the screen, or into a file in one piece."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from pullstats.errors import UsageError, UserError
from pullstats.render.drafts import draft
from pullstats.render.machine import csv_text, ndjson_text

_STREAMED = ("csv", "ndjson", "parquet")


def write_output(content: str | bytes, path: Path | None) -> None:
    """Write to standard output, or replace a file in one step.

    Raises:
        UserError: the file cannot be written; what was there is still there.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with _opened(path) as stream:
        stream.write(data)


def write_frames(frames: Iterable[pl.DataFrame], format_name: str, path: Path | None, *, formula_guard: bool = True) -> None:
    """Write a large export batch by batch: memory holds one batch.

    Args:
        frames: batches of one schema, at least one.
        format_name: csv, ndjson or parquet.
        path: file to replace, None for standard output.
        formula_guard: guard CSV cells that a spreadsheet would run.

    Raises:
        UserError: another format, or a file that cannot be written.
    """
    if format_name not in _STREAMED:
        message = f"this export is written as {', '.join(_STREAMED)}, not as {format_name}"
        raise UsageError(message)
    with _opened(path) as stream:
        if format_name == "parquet":
            _write_parquet(frames, stream)
            return
        for index, frame in enumerate(frames):
            is_csv = format_name == "csv"
            text = csv_text(frame, formula_guard=formula_guard, has_header=index == 0) if is_csv else ndjson_text(frame)
            stream.write(text.encode("utf-8", "backslashreplace"))


def _write_parquet(frames: Iterable[pl.DataFrame], stream: IO[bytes]) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - only this format needs it

    writer: pq.ParquetWriter | None = None
    for frame in frames:
        table = frame.to_arrow()
        writer = writer or pq.ParquetWriter(stream, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.is_dir():
        message = f"'{path}' is a folder; name a file with -o"
        raise UserError(message)
    try:
        with _draft(path) as stream:
            yield stream
    except OSError as error:
        reason = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror
        message = f"cannot write '{path}': {reason}; what was there is unchanged"
        raise UserError(message) from error


def _draft(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Write beside the target and move into place only what is whole and on the disk."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    return draft(path.resolve(), mode)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
