"""Write frames one after the other, so that memory holds one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

import polars as pl

from pullstats.render.machine import csv_text, encode_text, ndjson_text
from pullstats.render.renderer import RenderOptions


def write_csv(frames: Iterable[pl.DataFrame], stream: IO[bytes], options: RenderOptions) -> None:
    """Write one header line, and a line a row; see `Renderer`."""
    for index, frame in enumerate(frames):
        stream.write(encode_text(csv_text(frame, formula_guard=options.formula_guard, has_header=index == 0)))


def write_ndjson(frames: Iterable[pl.DataFrame], stream: IO[bytes], options: RenderOptions) -> None:  # noqa: ARG001 - one signature for all
    """Write an object a line; see `Renderer`."""
    for frame in frames:
        stream.write(encode_text(ndjson_text(frame)))


def write_parquet(frames: Iterable[pl.DataFrame], stream: IO[bytes], options: RenderOptions) -> None:  # noqa: ARG001 - one signature for all
    """Write one file, a row group a frame; see `Renderer`."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only this format needs it

    writer: pq.ParquetWriter | None = None
    for frame in frames:
        table = frame.to_arrow()
        writer = writer or pq.ParquetWriter(stream, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
