r"""Read a Parquet file as the lines of a log: each row a JSON object under the names of its columns.

    c_ip: string, ts: timestamp[ms, UTC], request: struct<path>   →   {"c_ip":"192.0.2.1","ts":"2024-03-12T15:22:28.104000Z","request":{"path":"/a"}}

A file is then known, cut, mapped and counted as any compressed log is. The text of a row depends
on its values alone, and is written here, not by a library that may write it otherwise one day: a
log is known by its bytes. Times become ISO 8601, in UTC where the column has a zone and without
one where it has none; what is null is left out; maps become objects. Row groups are read piece by
piece. A value that is too long for a line is cut so that its line still is too long.

Source: parquet.apache.org/docs/file-format (footer, types); arrow.apache.org/docs/python/parquet.html.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

import polars as pl

from pullstats.sources.damage import DamagedError
from pullstats.sources.parquet_json import in_braces, is_text, plain_type, quote_name, to_json

MAGIC: Final = b"PAR1\x15"
"""The mark, and how a header in the compact protocol begins: a server in Paris may well be called PAR1."""
_BATCH: Final = 8192
_PIECE: Final = 16 << 20
"""Bytes of values that are written as text at a time."""
_DEPTH: Final = 12
_BUFFER: Final = 1 << 20
_LIMIT: Final = 64 << 20
"""Bytes that a file may ask for to tell its schema."""


class ParquetLines:
    """A stream of the lines of a Parquet file."""

    def __init__(self, stream: BinaryIO) -> None:
        """Prepare to read a file, kept aside first where it comes through a pipe: it is read from its end."""
        file = stream
        if not _is_seekable(stream):
            file = _keep(stream)
            weakref.finalize(self, file.close)
        self._pieces = _read_pieces(file)
        self._ahead = b""
        self._is_damaged = False

    def read(self, count: int) -> bytes:
        """Read up to `count` bytes of lines; b'' at the end.

        Raises:
            DamagedError: the file is no whole Parquet file, or cannot be read on.
        """
        if self._is_damaged:
            raise DamagedError
        if not self._ahead:
            self._is_damaged = True  # unless the next piece comes
            self._ahead = next(self._pieces, b"")
            self._is_damaged = False
        taken, self._ahead = self._ahead[:count], self._ahead[count:]
        return taken


def _is_seekable(stream: BinaryIO) -> bool:
    try:
        return stream.fileno() >= 0 and stream.seekable()
    except (AttributeError, OSError):
        return False


def _keep(stream: BinaryIO) -> BinaryIO:
    """Keep a stream in a file without a name, which goes with the process."""
    kept = tempfile.TemporaryFile(prefix="pullstats-")  # noqa: SIM115 - closed with its last reader
    shutil.copyfileobj(stream, kept, _BUFFER)
    return cast("BinaryIO", kept)


class _At:
    """Reads a file at any place, as pyarrow asks it to, and closes nothing."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._place = 0

    def read(self, count: int = -1) -> bytes:
        data = os.pread(self._file.fileno(), self._size - self._place if count < 0 else count, self._place)
        self._place += len(data)
        self._file.seek(self._place)  # how far reading is, for who watches
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        self._place = place + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def size(self) -> int:
        return self._size

    def close(self) -> None:
        """Leave the file open: it is read anew when the log is."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        """Do nothing: it is only read."""


def _read_pieces(file: BinaryIO) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - only where there is a Parquet file

    try:
        texts = [field.name for field in _open(file).schema_arrow if is_text(field.type)]
        opened = _open(file, read_dictionary=texts)
        columns = _readable(opened.schema_arrow)
        for group in range(opened.num_row_groups if columns else 0):
            for batch in opened.iter_batches(batch_size=_BATCH, row_groups=[group], use_threads=False):
                for piece in _cut(pa.Table.from_batches([batch]).select(list(columns.values()))):
                    yield _write(piece, list(columns))
    except (
        pa.ArrowException,
        pl.exceptions.PolarsError,
        OSError,
        ValueError,
        LookupError,
        MemoryError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise DamagedError from error


def _open(file: BinaryIO, **options: Any) -> Any:
    import pyarrow.parquet as pq  # noqa: PLC0415 - see above

    return pq.ParquetFile(
        _At(file),
        buffer_size=_BUFFER,
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",
        thrift_string_size_limit=_LIMIT,
        thrift_container_size_limit=_LIMIT // 64,
        **options,
    )


def _readable(schema: Any) -> dict[str, int]:
    """Give the columns that can be written, by name; of several of one name the first."""
    found: dict[str, int] = {}
    for place, field in enumerate(schema):
        if plain_type(field.type, _DEPTH) is not None:
            found.setdefault(field.name, place)
    return found


def _cut(table: Any) -> Iterator[Any]:
    """Cut rows into pieces that do not grow too large as text."""
    rows = table.num_rows
    step = max(rows * _PIECE // max(sum(map(_weigh, table.columns)), _PIECE), 1)
    for start in range(0, rows, step):
        yield table.slice(start, step)


def _weigh(column: Any) -> int:
    """Bound the bytes of a column's values: a dictionary may repeat a long one."""
    import pyarrow as pa  # noqa: PLC0415 - see above
    import pyarrow.compute as pc  # noqa: PLC0415

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    longest = [pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0 for chunk in column.chunks]
    return sum(length * len(chunk) for length, chunk in zip(longest, column.chunks, strict=True))


def _write(table: Any, names: list[str]) -> bytes:
    """Write rows as lines."""
    plain = [column.cast(plain_type(column.type, _DEPTH), safe=False) for column in table.columns]
    frame = pl.DataFrame({str(place): pl.from_arrow(column) for place, column in enumerate(plain)})
    parts = [
        pl.concat_str(pl.lit(f",{quote_name(name)}:"), to_json(pl.col(str(place)), column.type))
        for place, (name, column) in enumerate(zip(names, table.columns, strict=True))
    ]
    return bytes(frame.select(in_braces(parts).alias("line")).to_series().str.join("\n").item() + "\n", "utf-8")
