"""One log as a stream of decompressed bytes, whatever it lies in."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final, cast

from pullstats.errors import InputError, UsageError
from pullstats.sources.compression import MAGIC_LENGTH, Codec, DamagedError, Readable, detect_codec
from pullstats.sources.paths import SourceFile, open_file, refuse_endless

SKIP_CHUNK: Final = 1 << 22
HEAD_LENGTH: Final = 256 << 10
_FIT_LENGTH: Final = 64 << 10
_NULL: Final = b"\0"
_LOOK_FURTHER: Final = 32 << 20
"""Bytes of a compressed log to look at where it begins with NULs alone."""
SAMPLE_PARTS: Final = 8
SAMPLE_LENGTH: Final = 64 << 10
MAX_UNFINISHED: Final = 1 << 20
"""A file without a newline that is larger than this is no log whose first line is being written."""
ALWAYS_ALLOWED: Final = 1 << 30
"""Bytes that any compressed log may expand to where the limit is a multiple of its size."""
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MAX_LAYERS: Final = 3
"""Layers of compression that are undone; more are no log."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """How far a compressed log may expand: a small file may claim to hold petabytes.

    Attributes:
        times: as many times its size on disk, or
        size: as many bytes; the one that is not None.
        text: as the user wrote it.
    """

    times: float | None
    size: int | None
    text: str

    def bytes_of(self, compressed: int) -> int:
        """Give the limit of a file in bytes; one that is small may always hold `ALWAYS_ALLOWED`."""
        if self.size is not None:
            return self.size
        return max(int((self.times or 0) * compressed), ALWAYS_ALLOWED)


def parse_expansion(text: str) -> Expansion:
    """Read `1000x`, `20GB`, `500MB` or a number of bytes.

    Raises:
        UsageError: it is none of these.
    """
    found = re.fullmatch(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>x|[kKMGT]?B?)", text.strip())
    if found is None:
        message = f"--max-expanded '{text}' is no limit; write 1000x for a multiple of the file's size, or a size such as 20GB"
        raise UsageError(message)
    number, unit = float(found["number"]), found["unit"].upper().removesuffix("B")
    if unit == "X":
        return Expansion(number, None, f"{text.strip().rstrip('xX')} times its size")
    return Expansion(None, int(number * _UNITS[unit]), text.strip())


@dataclass(slots=True)
class Source:
    """An open log.

    Attributes:
        file: where it comes from.
        codec: its compression, None if plain.
        size: bytes on disk, 0 if unknown (standard input, pipes).
        is_growing: a plain file, to which a server may still be writing: its last line counts
            only once it ends in a newline.
        damage: why the stream ended early, or None.
        limit: how far a compressed log may expand; None for any length.
    """

    file: SourceFile
    codec: Codec | None
    size: int
    is_growing: bool
    _raw: BinaryIO
    _stream: Readable
    damage: str | None = None
    limit: Expansion | None = None
    _expanded: int = 0
    _ahead: bytes = field(default=b"", repr=False)

    def peek(self, count: int) -> bytes:
        """Look at up to `count` bytes that the next reads will give."""
        if len(self._ahead) < count:
            self._ahead += self._read_on(count - len(self._ahead))
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Read up to `count` decompressed bytes; b'' at the end.

        A damaged or cut tail, a disk or a pipe that fails ends the stream: what came before it is kept, `damage` says why.
        """
        ahead, self._ahead = self._ahead[:count], self._ahead[count:]
        rest = self._read_on(count - len(ahead))
        return ahead + rest if ahead else rest

    def _read_on(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count and (part := self._read_some(count)):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_some(self, count: int) -> bytes:
        if self.codec is not None and self.limit is not None and self._expanded >= self.limit.bytes_of(self.size):
            self.damage = f"it expands to more than {self.limit.text} and was not read further; if it is a log, raise --max-expanded"
            return b""
        try:
            part = self._stream.read(count)
        except DamagedError:
            assert self.codec is not None
            self.damage = f"the {self.codec.name} data ends early or is damaged"
            return b""
        except OSError as error:
            self.damage = f"it cannot be read to its end ({error.strerror or error})"
            return b""
        self._expanded += len(part)
        return part

    def sample(self) -> bytes:
        """Take whole lines from several places of the log without moving in it.

        A plain file gives lines from its whole length, a stream from its beginning.
        """
        head = self._told_head()
        parts = [head]
        if self.is_growing and self.size > 2 * HEAD_LENGTH:
            step = self.size // SAMPLE_PARTS
            parts += [os.pread(self._raw.fileno(), SAMPLE_LENGTH, start) for start in range(step, self.size, step)]
        lines = [part[(part.find(b"\n") + 1 if index else 0) : part.rfind(b"\n") + 1] for index, part in enumerate(parts)]
        is_unfinished = self.is_growing and self.size <= MAX_UNFINISHED
        return b"".join(lines) or (b"" if is_unfinished else head)

    def _told_head(self) -> bytes:
        """Give the first bytes, or the first behind the NULs that a rotation may have left, of a stream as far as it can be held."""
        head = self.peek(HEAD_LENGTH)
        if head.strip(_NULL):
            return head.lstrip(_NULL)
        if self.is_growing:
            found = self._first_data(0)
            while found < self.size and not os.pread(self._raw.fileno(), SKIP_CHUNK, found).strip(_NULL):
                found = self._first_data(found + SKIP_CHUNK)
            return os.pread(self._raw.fileno(), SKIP_CHUNK + HEAD_LENGTH, found).lstrip(_NULL)
        return self.peek(_LOOK_FURTHER).lstrip(_NULL)

    def skip_hole(self, least: int) -> int:
        """Go over a hole of a plain file, NULs that take no place on the disk: as long as a log was that was truncated while written.

        Args:
            least: bytes up to which a hole is read like any other.

        Returns:
            The bytes that were passed over.
        """
        if not self.is_growing:
            return 0
        here = self._raw.tell() - len(self._ahead)
        data = self._first_data(here)
        if data - here <= max(least, len(self._ahead)):
            return 0
        self.skip_to(data)
        return data - here

    def _first_data(self, start: int) -> int:
        """Find the first byte from a place on that lies on the disk; the end of the file if there is none."""
        descriptor = self._raw.fileno()
        here = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            return os.lseek(descriptor, start, os.SEEK_DATA)
        except OSError as error:  # not every file system tells
            return max(self.size, start) if error.errno == errno.ENXIO else start
        finally:
            os.lseek(descriptor, here, os.SEEK_SET)

    def fit(self, count: int) -> int:
        """Shorten a read of a plain file so that it ends with a line: whole lines need no copying.

        Other streams, and lines that are too long, are read as asked.
        """
        if not self.is_growing:
            return count
        start = self._raw.tell() - len(self._ahead)
        window = os.pread(self._raw.fileno(), _FIT_LENGTH, max(start + count - _FIT_LENGTH, start))
        cut = window.rfind(b"\n") + 1
        return max(count - _FIT_LENGTH, 0) + cut if cut else count

    def skip_to(self, offset: int) -> bool:
        """Go forward to a decompressed offset; False if the stream is shorter."""
        if self.is_growing:
            self._ahead = b""
            self._raw.seek(offset)
            return offset <= self.size
        return self._discard(offset)

    def _discard(self, count: int) -> bool:
        while count:
            chunk = self.read(min(count, SKIP_CHUNK))
            if not chunk:
                return False
            count -= len(chunk)
        return True

    def again(self) -> SourceFile:
        """Give the same open file once more, to be read from its start, whatever its name leads to by now."""
        path = Path(f"/proc/self/fd/{self._raw.fileno()}")
        return replace(self.file, path=path) if path.exists() else self.file

    def position(self) -> int:
        """Bytes of the file on disk that have been read so far."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0


@contextmanager
def open_source(file: SourceFile, limit: Expansion | None = None) -> Iterator[Source]:
    """Open a log for reading, decompressing by content.

    Args:
        file: the log.
        limit: how far it may expand if it is compressed.

    Raises:
        VanishedError: the file is no longer there.
        InputError: it cannot be opened.
    """
    with _open_raw(file) as raw:
        try:
            codec, stream = _decompress(raw)
        except OSError as error:
            message = f"cannot read '{file.name}': {error.strerror or error}"
            raise InputError(message) from error
        size = os.fstat(raw.fileno()).st_size if file.path is not None else 0
        yield Source(file, codec, size, codec is None and file.path is not None and raw.seekable(), raw, stream, limit=limit)


def _decompress(raw: io.BufferedReader) -> tuple[Codec | None, Readable]:
    """Undo all layers of compression: a delivery service may compress what came compressed.

    Returns:
        The outermost codec (None for a plain file), and the stream of plain bytes.
    """
    outermost = codec = detect_codec(raw.peek(MAGIC_LENGTH))
    stream: Readable = raw
    for _ in range(MAX_LAYERS):
        if codec is None:
            break
        stream = Peekable(codec.open(cast("BinaryIO", stream)))
        try:
            codec = detect_codec(stream.peek(MAGIC_LENGTH))
        except DamagedError:
            break  # Reading it will say so.
    return outermost, stream


class Peekable:
    """A stream whose first bytes can be looked at."""

    def __init__(self, stream: Readable) -> None:
        """Look at nothing yet."""
        self._stream = stream
        self._ahead = b""

    def peek(self, count: int) -> bytes:
        """Look at the first bytes without taking them."""
        while len(self._ahead) < count and (part := self._stream.read(count - len(self._ahead))):
            self._ahead += part
        return self._ahead

    def read(self, count: int, /) -> bytes:
        """Read up to `count` bytes."""
        if self._ahead:
            taken, self._ahead = self._ahead[:count], self._ahead[count:]
            return taken
        return self._stream.read(count)


def _open_raw(file: SourceFile) -> io.BufferedReader:
    if file.path is not None:
        return cast("io.BufferedReader", os.fdopen(open_file(file), "rb", buffering=1 << 20))
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        message = "standard input is closed; name a log, or feed one in"
        raise InputError(message)
    with contextlib.suppress(io.UnsupportedOperation):  # as where a caller put something else there
        refuse_endless(os.fstat(stream.fileno()), "standard input")
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
