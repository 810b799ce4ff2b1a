"""Put an answer where it belongs: on the screen, or into a file in one piece."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Final

import polars as pl

from pullstats.errors import UsageError, UserError
from pullstats.escaping import plain_text
from pullstats.render.drafts import draft
from pullstats.render.machine import csv_text, ndjson_text

_STREAMED = ("csv", "ndjson", "parquet")
_SCREEN: Final = "standard output"
_MAX_LINKS: Final = 40
"""Links that may lead from one to the next, as the kernel counts them."""


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
        with _writing(_SCREEN):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    shown = plain_text(str(path))
    with _writing(f"'{shown}'"):
        inherited = _inherited(path)
        if inherited is None and path.is_dir():
            message = f"'{shown}' is a folder; name a file with -o"
            raise UserError(message)
        if inherited is None and not _is_stream(path):
            with _writing(f"'{shown}' (what was there is unchanged)"), _draft(path) as stream:
                yield stream
            return
        sys.stdout.flush()
        with _through(path, inherited) as stream:
            yield stream


@contextmanager
def _writing(shown: str) -> Iterator[None]:
    """Say in one sentence why something cannot be written.

    Raises:
        BrokenPipeError: nobody reads standard output any more, which is no fault.
        UserError: anything else.
    """
    try:
        yield
    except BrokenPipeError as error:
        if shown == _SCREEN:
            raise
        message = f"cannot write {shown}: nobody reads it any more"
        raise UserError(message) from error
    except OSError as error:
        reason = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror
        message = f"cannot write {shown}: {reason}"
        raise UserError(message) from error
    except (RuntimeError, ValueError) as error:  # links in a circle, a NUL byte
        message = f"cannot write {shown}: it is no name of a file"
        raise UserError(message) from error


def _inherited(path: Path) -> int | None:
    """Tell which open file of this process a path is another name of, as `/dev/stdout` and `/dev/fd/63` are; None if of none."""
    for _ in range(_MAX_LINKS):
        if path.name.isdecimal() and path.parent.resolve() in (Path(f"/proc/{os.getpid()}/fd"), Path("/dev/fd")):
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _is_stream(path: Path) -> bool:
    """Tell a pipe or a device: it is written to, and never replaced."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _through(path: Path, inherited: int | None) -> IO[bytes]:
    """Open what is written through: behind what is in it already, where it is open."""
    return path.open("wb") if inherited is None else os.fdopen(os.dup(inherited), "wb")


def _draft(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Write beside the target and move into place only what is whole and on the disk."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    return draft(path.resolve(), mode)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
