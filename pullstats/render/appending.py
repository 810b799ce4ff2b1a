"""Write what a file holds and more of it behind: the files that grow."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

import polars as pl

from pullstats.errors import InputError
from pullstats.escaping import plain_text
from pullstats.render.machine import csv_text, encode_text, ndjson_text
from pullstats.render.renderer import RenderOptions


def append_csv(rows: pl.DataFrame, before: Path | None, stream: IO[bytes], options: RenderOptions) -> None:
    """Write one header line, what a file has below it, and a line a row; see `Renderer`.

    Raises:
        InputError: the file has other columns.
    """
    head = encode_text(csv_text(rows.clear(), formula_guard=options.formula_guard))
    if before is None:
        stream.write(head)
    else:
        _copy(before, head, stream)
    stream.write(encode_text(csv_text(rows, formula_guard=options.formula_guard, has_header=False)))


def append_ndjson(rows: pl.DataFrame, before: Path | None, stream: IO[bytes], options: RenderOptions) -> None:  # noqa: ARG001 - one signature for all
    """Write the lines of a file, and an object a line; see `Renderer`."""
    if before is not None:
        _copy(before, b"", stream)
    stream.write(encode_text(ndjson_text(rows)))


def append_parquet(rows: pl.DataFrame, before: Path | None, stream: IO[bytes], options: RenderOptions) -> None:  # noqa: ARG001 - one signature for all
    """Write the rows of a file, and more; see `Renderer`.

    Raises:
        InputError: the file is none, or has other columns.
    """
    try:
        known = rows.clear() if before is None else pl.read_parquet(before, glob=False)
        pl.concat([known, rows]).write_parquet(stream, compression="zstd")
    except pl.exceptions.PolarsError as error:
        raise _foreign(before) from error


def _copy(before: Path, head: bytes, stream: IO[bytes]) -> None:
    """Copy a file that begins with a header."""
    with before.open("rb") as file:
        if file.read(len(head)) != head:
            raise _foreign(before)
        file.seek(0)
        shutil.copyfileobj(file, stream)


def _foreign(before: Path | None) -> InputError:
    return InputError(f"'{plain_text(str(before))}' does not hold what this export wrote; move it away, and the next run begins a new one")
