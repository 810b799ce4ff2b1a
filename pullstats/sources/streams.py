"""One log as a stream of decompressed bytes, whatever it lies in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from pullstats.errors import InputError
from pullstats.sources.compression import Codec, Readable
from pullstats.sources.damage import DamagedError
from pullstats.sources.expansion import Expansion
from pullstats.sources.holes import find_data
from pullstats.sources.layers import Replay, decompress, open_raw
from pullstats.sources.paths import SourceFile
from pullstats.sources.witness import Witness

SKIP_CHUNK: Final = 1 << 22
HEAD_LENGTH: Final = 256 << 10
_FIT_LENGTH: Final = 64 << 10


class Watcher(Protocol):
    """Looks at all that is read of a log."""

    def feed(self, offset: int, data: bytes) -> None:
        """Take in bytes that were read; some may have been read before."""


@dataclass(slots=True)
class Source:
    """An open log: all that is known of it comes through the one descriptor that was opened.

    Attributes:
        file: where it comes from.
        codec: its compression, None if plain.
        size: bytes on disk when it was opened, 0 if unknown (standard input, pipes).
        written: when it was last written to; now for one that is coming in.
        inode: what tells the file from others while it is there: device and number; None for streams.
        is_plain: a file that is not compressed: any place of it can be read at any time, and a
            server may still be writing to it.
        damage: why the stream ended early, or None.
        is_cut_off: a plain file was truncated and written anew while it was read: nothing more can be read of what it was.
        limit: how far a compressed log may expand; None for any length.
        watcher: fed with all bytes in the order in which they are read.
        held_back: bytes at its end that no block holds, since they are no whole line yet.
    """

    file: SourceFile
    codec: Codec | None
    size: int
    written: datetime
    inode: tuple[int, int] | None
    is_plain: bool
    _raw: BinaryIO
    _stream: Readable
    damage: str | None = None
    is_cut_off: bool = False
    limit: Expansion | None = None
    watcher: Watcher | None = None
    held_back: int = 0
    _expanded: int = 0
    _ahead: bytes = field(default=b"", repr=False)
    _witness: Witness = field(default_factory=Witness, repr=False)
    _kept: BinaryIO | None = None
    _closing: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def is_seekable(self) -> bool:
        """It can be read again from its beginning."""
        return self.inode is not None

    @property
    def is_unfinished(self) -> bool:
        """What follows its last newline may be half a line: only a compressed file that is whole has an end."""
        return self.codec is None or self.damage is not None

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
        if self.is_cut_off:
            return b""
        if self.codec is not None and self.limit is not None and self._expanded >= self.limit.bytes_of(self.size):
            self.damage = f"it expands to more than {self.limit.text} and was not read further; if it is a log, raise --max-expanded"
            return b""
        try:
            part = self._stream.read(count)
            if self._kept is not None:
                self._kept.write(part)
        except DamagedError:
            assert self.codec is not None
            self.damage = f"the {self.codec.name} data ends early or is damaged"
            return b""
        except OSError as error:
            self.damage = f"it cannot be read to its end ({error.strerror or error})"
            return b""
        if part and self.is_plain and not self._witness.is_same(self.at, self._expanded, part):
            self.is_cut_off = True
            return b""
        if part and self.watcher is not None:
            self.watcher.feed(self._expanded, part)
        self._expanded += len(part)
        return part

    def at(self, offset: int, count: int) -> bytes:
        """Look at up to `count` bytes at a place of a plain file, wherever reading stands.

        Raises:
            InputError: the disk fails.
        """
        try:
            return os.pread(self._raw.fileno(), count, offset)
        except OSError as error:
            raise InputError(f"cannot read '{self.file.name}': {error.strerror or error}") from error

    def go_on_at(self, offset: int, start: bytes, before: bytes) -> None:
        """Let a plain file be read from a place on.

        Args:
            offset: the place.
            start: what the file begins with, as long as it is the file that was looked at.
            before: what stands right before the place.
        """
        self._witness.go_on_at(offset, start, before)
        self.seek(offset)

    def seek(self, offset: int) -> None:
        """Let a file that is seekable be read from a place on; a compressed one is read anew up to there."""
        if self.is_plain:
            self._ahead = b""
            self._raw.seek(offset)
            self._expanded = offset
        else:
            self.rewind()
            self.skip(offset)

    def rewind(self) -> None:
        """Let a log be read from its beginning again; a stream only if it was kept from there on."""
        if self._kept is not None:
            self._kept.seek(0)
            self._stream = Replay(self._kept, self._stream)
            self._kept = None
        else:
            self._raw.seek(0)
            self.codec, self._stream = decompress(self._raw)
        self.damage, self._ahead, self._expanded = None, b"", 0

    def keep(self) -> None:
        """Keep what is read of a stream from now on, and what was looked at, so that it can be read again.

        In a file without a name, which goes with the process.
        """
        if not self.is_seekable:
            self._kept = cast("BinaryIO", self._closing.enter_context(tempfile.TemporaryFile(prefix="pullstats-")))  # noqa: SIM115 - closed with the source
            self._kept.write(self._ahead)

    def skip_hole(self, least: int) -> int:
        """Go over a hole of a plain file, NULs that take no place on the disk: as long as a log was that was truncated while written.

        Args:
            least: bytes up to which a hole is read like any other.

        Returns:
            The bytes that were passed over.
        """
        if not self.is_plain:
            return 0
        here = self._raw.tell() - len(self._ahead)
        data = self.first_data(here)
        if data - here <= max(least, len(self._ahead)):
            return 0
        self.seek(data)
        return data - here

    def first_data(self, start: int) -> int:
        """Find the first byte from `start` on that lies on the disk; the end of the file if there is none."""
        return find_data(self._raw.fileno(), start, self.size)

    def fit(self, count: int) -> int:
        """Shorten a read of a plain file so that it ends with a line: whole lines need no copying.

        Other streams, and lines that are too long, are read as asked.
        """
        if not self.is_plain:
            return count
        start = self._raw.tell() - len(self._ahead)
        window = self.at(max(start + count - _FIT_LENGTH, start), _FIT_LENGTH)
        cut = window.rfind(b"\n") + 1
        return max(count - _FIT_LENGTH, 0) + cut if cut else count

    def skip(self, count: int) -> bool:
        """Read on over some bytes; False if the stream ends before."""
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
    with open_raw(file) as raw, ExitStack() as closing:
        try:
            codec, stream = decompress(raw)
        except OSError as error:
            raise InputError(f"cannot read '{file.name}': {error.strerror or error}") from error
        is_seekable = file.path is not None and raw.seekable()
        status = os.fstat(raw.fileno()) if is_seekable else None
        size, written = (status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)) if status else (0, datetime.now(UTC))
        inode = (status.st_dev, status.st_ino) if status else None
        yield Source(file, codec, size, written, inode, codec is None and is_seekable, raw, stream, limit=limit, _closing=closing)
