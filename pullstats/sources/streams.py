"""One log as a stream of decompressed bytes, whatever it lies in."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from pullstats.errors import InputError
from pullstats.sources.compression import MAGIC_LENGTH, Codec, Readable, detect_codec
from pullstats.sources.damage import DamagedError
from pullstats.sources.expansion import Expansion
from pullstats.sources.paths import SourceFile, open_file, refuse_endless

SKIP_CHUNK: Final = 1 << 22
HEAD_LENGTH: Final = 256 << 10
_FIT_LENGTH: Final = 64 << 10
_NULL: Final = b"\0"
_START_LENGTH: Final = 4096
_LAST_LENGTH: Final = 256
"""Bytes by which a plain file is seen to have been cut off and written anew while it is read."""
_LOOK_FURTHER: Final = 32 << 20
"""Bytes of a compressed log to look at where it begins with NULs alone."""
SAMPLE_PARTS: Final = 8
SAMPLE_LENGTH: Final = 64 << 10
MAX_UNFINISHED: Final = 1 << 20
"""A file without a newline that is larger than this is no log whose first line is being written."""
MAX_LAYERS: Final = 3
"""Layers of compression that are undone; more are no log."""


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
        is_seekable: it can be read again from its beginning.
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
    is_seekable: bool
    _raw: BinaryIO
    _stream: Readable
    damage: str | None = None
    is_cut_off: bool = False
    limit: Expansion | None = None
    watcher: Watcher | None = None
    held_back: int = 0
    _expanded: int = 0
    _ahead: bytes = field(default=b"", repr=False)
    _start: bytes = field(default=b"", repr=False)
    _last: tuple[int, bytes] = field(default=(0, b""), repr=False)
    _kept: BinaryIO | None = None
    _closing: ExitStack = field(default_factory=ExitStack, repr=False)

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
        if part and self.is_plain and not self._is_as_it_was(part):
            self.is_cut_off = True
            return b""
        if part and self.watcher is not None:
            self.watcher.feed(self._expanded, part)
        self._expanded += len(part)
        return part

    def _is_as_it_was(self, part: bytes) -> bool:
        """Tell whether the file still holds what was read before: if not, nobody knows where what was read just now belongs.

        A log that is truncated and written on begins otherwise; where its server goes on at its old place, NULs stand before that.
        """
        if not self._start and self._expanded == 0:
            self._start = part[:_START_LENGTH]
        place, last = self._last
        is_same = self.at(0, len(self._start)) == self._start and self.at(place, len(last)) == last
        if is_same:
            kept = part[-_LAST_LENGTH:]
            self._last = (self._expanded + len(part) - len(kept), kept)
        return is_same

    def at(self, offset: int, count: int) -> bytes:
        """Look at up to `count` bytes at a place of a plain file, wherever reading stands.

        Raises:
            InputError: the disk fails.
        """
        try:
            return os.pread(self._raw.fileno(), count, offset)
        except OSError as error:
            message = f"cannot read '{self.file.name}': {error.strerror or error}"
            raise InputError(message) from error

    def go_on_at(self, offset: int, start: bytes, before: bytes) -> None:
        """Let a plain file be read from a place on.

        Args:
            offset: the place.
            start: what the file begins with, as long as it is the file that was looked at.
            before: what stands right before the place.
        """
        self._start = start[:_START_LENGTH]
        self._last = (offset - len(before), before)
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
            self._stream = _Replay(self._kept, self._stream)
            self._kept = None
        else:
            self._raw.seek(0)
            self.codec, self._stream = _decompress(self._raw)
        self.damage, self._ahead, self._expanded = None, b"", 0

    def keep(self) -> None:
        """Keep what is read of a stream from now on, and what was looked at, so that it can be read again.

        In a file without a name, which goes with the process.
        """
        if not self.is_seekable:
            self._kept = cast("BinaryIO", self._closing.enter_context(tempfile.TemporaryFile(prefix="pullstats-")))  # noqa: SIM115 - closed with the source
            self._kept.write(self._ahead)

    def sample(self) -> bytes:
        """Take whole lines from several places of the log without moving in it.

        A plain file gives lines from its whole length, a stream from its beginning.
        """
        head = self._told_head()
        parts = [head]
        if self.is_plain and self.size > 2 * HEAD_LENGTH:
            step = self.size // SAMPLE_PARTS
            parts += [self.at(start, SAMPLE_LENGTH) for start in range(step, self.size, step)]
        lines = [part[(part.find(b"\n") + 1 if index else 0) : part.rfind(b"\n") + 1] for index, part in enumerate(parts)]
        is_unfinished = self.is_plain and self.size <= MAX_UNFINISHED
        return b"".join(lines) or (b"" if is_unfinished else head)

    def _told_head(self) -> bytes:
        """Give the first bytes, or the first behind the NULs that a rotation may have left, with a whole line among them if there is one near."""
        head = self.peek(HEAD_LENGTH)
        if len(head) < HEAD_LENGTH or (head.strip(_NULL) and b"\n" in head):
            return head.lstrip(_NULL)
        if not self.is_plain:
            ahead = self.peek(_LOOK_FURTHER).lstrip(_NULL)
            return ahead[: ahead.find(b"\n") + 1 + HEAD_LENGTH]
        begin = self._find_data(lambda part: bool(part.strip(_NULL)), 0)
        end = self._find_data(lambda part: b"\n" in part.lstrip(_NULL), begin)
        return self.at(begin if end - begin <= MAX_UNFINISHED else end, SKIP_CHUNK + HEAD_LENGTH).lstrip(_NULL)

    def _find_data(self, is_wanted: Callable[[bytes], bool], start: int) -> int:
        """Find the first piece of a plain file from a place on that is as wanted, holes left out; the place itself if there is none."""
        place = self._first_data(start)
        while place < self.size:
            if is_wanted(self.at(place, SKIP_CHUNK)):
                return place
            place = self._first_data(place + SKIP_CHUNK)
        return start

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
        data = self._first_data(here)
        if data - here <= max(least, len(self._ahead)):
            return 0
        self.seek(data)
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
    with _open_raw(file) as raw, ExitStack() as closing:
        try:
            codec, stream = _decompress(raw)
        except OSError as error:
            message = f"cannot read '{file.name}': {error.strerror or error}"
            raise InputError(message) from error
        is_seekable = file.path is not None and raw.seekable()
        status = os.fstat(raw.fileno()) if is_seekable else None
        size, written = (status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)) if status else (0, datetime.now(UTC))
        inode = (status.st_dev, status.st_ino) if status else None
        yield Source(file, codec, size, written, inode, codec is None and is_seekable, is_seekable, raw, stream, limit=limit, _closing=closing)


def _decompress(raw: BinaryIO) -> tuple[Codec | None, Readable]:
    """Undo all layers of compression: a delivery service may compress what came compressed.

    Returns:
        The outermost codec (None for a plain file), and the stream of plain bytes.
    """
    head = raw.peek(MAGIC_LENGTH) if isinstance(raw, io.BufferedReader) else os.pread(raw.fileno(), MAGIC_LENGTH, 0)
    outermost = codec = detect_codec(head)
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


class _Replay:
    """A stream whose beginning was kept."""

    def __init__(self, kept: BinaryIO, rest: Readable) -> None:
        """Give what was kept, then the rest."""
        self._kept = kept
        self._rest = rest

    def read(self, count: int, /) -> bytes:
        """Read up to `count` bytes."""
        return self._kept.read(count) or self._rest.read(count)


def _open_raw(file: SourceFile) -> BinaryIO:
    if file.path is not None:
        # Without a buffer: what lay in it since before a rotation would be joined to what a read gives after it.
        raw = os.fdopen(open_file(file), "rb", buffering=0)
        return cast("BinaryIO", raw if raw.seekable() else io.BufferedReader(raw, 1 << 20))
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        message = "standard input is closed; name a log, or feed one in"
        raise InputError(message)
    with contextlib.suppress(io.UnsupportedOperation):  # as where a caller put something else there
        refuse_endless(os.fstat(stream.fileno()), "standard input")
    return cast("BinaryIO", stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream)))
