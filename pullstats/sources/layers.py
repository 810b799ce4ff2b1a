"""Open the bytes of a log, and undo all layers of compression by content."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import BinaryIO, Final, cast

from pullstats.errors import InputError
from pullstats.sources.compression import MAGIC_LENGTH, Codec, Readable, detect_codec
from pullstats.sources.damage import DamagedError
from pullstats.sources.paths import SourceFile, open_file, refuse_endless

_MAX_LAYERS: Final = 3
"""Layers of compression that are undone; more are no log."""


def decompress(raw: BinaryIO) -> tuple[Codec | None, Readable]:
    """Undo all layers of compression: a delivery service may compress what came compressed.

    Returns:
        The outermost codec (None for a plain file), and the stream of plain bytes.
    """
    head = raw.peek(MAGIC_LENGTH) if isinstance(raw, io.BufferedReader) else os.pread(raw.fileno(), MAGIC_LENGTH, 0)
    outermost = codec = detect_codec(head)
    stream: Readable = raw
    for _ in range(_MAX_LAYERS):
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


class Replay:
    """A stream whose beginning was kept."""

    def __init__(self, kept: BinaryIO, rest: Readable) -> None:
        """Give what was kept, then the rest."""
        self._kept = kept
        self._rest = rest

    def read(self, count: int, /) -> bytes:
        """Read up to `count` bytes."""
        return self._kept.read(count) or self._rest.read(count)


def open_raw(file: SourceFile) -> BinaryIO:
    """Open the bytes of a log as they lie there; standard input where it has no path.

    Raises:
        InputError: it cannot be opened.
    """
    if file.path is not None:
        # Without a buffer: what lay in it since before a rotation would be joined to what a read gives after it.
        raw = os.fdopen(open_file(file), "rb", buffering=0)
        return cast("BinaryIO", raw if raw.seekable() else io.BufferedReader(raw, 1 << 20))
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        raise InputError("standard input is closed; name a log, or feed one in")
    with contextlib.suppress(io.UnsupportedOperation):  # as where a caller put something else there
        refuse_endless(os.fstat(stream.fileno()), "standard input")
    return cast("BinaryIO", stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream)))
