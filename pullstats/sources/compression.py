"""Recognise how a log is compressed, by its first bytes and never by its name.

To add one: append a `Codec`.

Sources: RFC 1952 (gzip), RFC 8878 (zstd), the xz file format 1.1.0, bzip2's magic.
"""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

import zstandard

try:
    from isal import igzip as gzip
except ImportError:  # no wheel for this machine: the standard library reads the same, more slowly
    import gzip  # type: ignore[no-redef]


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression.

    Attributes:
        name: as shown to the user.
        magic: bytes that every such file begins with.
        open: from a binary stream to a readable stream of the decompressed bytes, all members.
    """

    name: str
    magic: bytes
    open: Callable[[BinaryIO], BinaryIO]


CODECS: Final[tuple[Codec, ...]] = (
    Codec("gz", b"\x1f\x8b\x08", lambda raw: gzip.GzipFile(fileobj=raw, mode="rb")),
    Codec("bz2", b"BZh", bz2.BZ2File),
    Codec("xz", b"\xfd7zXZ\x00", lzma.LZMAFile),
    Codec("zst", b"\x28\xb5\x2f\xfd", lambda raw: zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=True)),
)

MAGIC_LENGTH: Final = max(len(codec.magic) for codec in CODECS)

DAMAGE: Final = (EOFError, OSError, lzma.LZMAError, zstandard.ZstdError, ValueError)
"""What the decompressors raise on a cut or damaged stream."""


def detect_codec(head: bytes) -> Codec | None:
    """Tell the compression of a file from its first bytes; None for a plain one."""
    return next((codec for codec in CODECS if head.startswith(codec.magic)), None)


def open_codec(codec: Codec, raw: BinaryIO) -> BinaryIO:
    """Open a compressed stream for buffered reading."""
    return io.BufferedReader(codec.open(raw), buffer_size=1 << 20)  # type: ignore[arg-type]
