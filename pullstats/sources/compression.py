"""Recognise how a log is compressed, by its first bytes and never by its name, and undo it.

Decompression is bounded: a read never yields more than was asked for, whatever a small input
claims to expand to. A cut or damaged stream yields all that can be decoded before it fails.

To add one: append a `Codec`.

A Parquet file is read like a compressed log (`parquet.py`).

Sources: RFC 1952 (gzip: several members, zero padding), RFC 8878 (zstd), the xz file format.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol, cast

from backports import zstd
from isal import igzip_lib

from pullstats.sources import parquet
from pullstats.sources.damage import DamagedError

_RAW_CHUNK: Final = 256 << 10
_STEP: Final = 1 << 20
_XZ_MEMORY: Final = 512 << 20
"""Bytes that an xz stream may ask for; `xz -9` makes such that need 65 MiB, and any may claim to need 4 GiB."""


class Decompressor(Protocol):
    """One member of a compressed stream, as bz2, lzma, zstd and isal model it."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Feed compressed bytes, get at most `max_length` bytes back."""


Start = Callable[[], Decompressor]


class Readable(Protocol):
    """Anything with a `read`."""

    def read(self, count: int, /) -> bytes:
        """Read up to `count` bytes."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression.

    Attributes:
        name: as shown to the user.
        magic: bytes that every such file begins with.
        open: from a stream of compressed bytes to one of plain bytes, all members in turn.
    """

    name: str
    magic: bytes
    open: Callable[[BinaryIO], Readable]


class MemberReader:
    """Reads all members of a compressed stream, one after the other."""

    def __init__(self, raw: BinaryIO, start: Callable[[], Decompressor]) -> None:
        """Stand at the first member."""
        self._raw = raw
        self._start = start
        self._member = start()
        self._input = b""
        self._failed = False

    def read(self, count: int) -> bytes:
        """Read up to `count` plain bytes; b'' at the end.

        Raises:
            DamagedError: nothing more can be decoded, though the stream has not ended well.
        """
        parts: list[bytes] = []
        while count > 0 and not self._failed:
            part = self._read_some(min(count, _STEP))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        if not parts and self._failed:
            raise DamagedError
        return b"".join(parts)

    def _read_some(self, count: int) -> bytes:
        while True:
            if self._member.eof and not self._next_member():
                return b""
            if self._member.needs_input and not self._input:
                self._input = self._read_raw()
                self._failed = not self._input
            if self._failed:
                return b""
            try:
                part = self._member.decompress(self._input, count)
            except (OSError, ValueError, EOFError, lzma.LZMAError, zstd.ZstdError, igzip_lib.error):  # type: ignore[misc]
                self._failed = True
                return b""
            self._input = b""
            if part:
                return part

    def _read_raw(self) -> bytes:
        """Read what is compressed; the end of a damaged outer layer is an end."""
        try:
            return self._raw.read(_RAW_CHUNK)
        except DamagedError:
            self._failed = True
            return b""

    def _next_member(self) -> bool:
        """Go to the next member, over the zeros that may pad this one; False at the end."""
        rest = self._member.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._read_raw()
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._member, self._input = self._start(), rest
        return True


CODECS: Final[tuple[Codec, ...]] = (
    Codec("gz", b"\x1f\x8b\x08", lambda raw: MemberReader(raw, lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))),
    Codec("bz2", b"BZh", lambda raw: MemberReader(raw, cast("Start", bz2.BZ2Decompressor))),
    Codec("xz", b"\xfd7zXZ\x00", lambda raw: MemberReader(raw, lambda: cast("Decompressor", lzma.LZMADecompressor(memlimit=_XZ_MEMORY)))),
    Codec("zst", b"\x28\xb5\x2f\xfd", lambda raw: MemberReader(raw, cast("Start", zstd.ZstdDecompressor))),
    Codec("parquet", parquet.MAGIC, parquet.ParquetLines),
)

MAGIC_LENGTH: Final = max(len(codec.magic) for codec in CODECS)


def detect_codec(head: bytes) -> Codec | None:
    """Tell the compression of a file from its first bytes; None for a plain one."""
    return next((codec for codec in CODECS if head.startswith(codec.magic)), None)
