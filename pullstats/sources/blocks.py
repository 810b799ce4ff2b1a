"""Cut a stream into blocks of whole lines, each knowing where it stood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pullstats.sources.streams import Source

BLOCK_SIZE: Final = 24 << 20
LINE_LIMIT: Final = 1 << 20
"""A longer line is rejected with its first bytes and never held in memory whole."""
KEPT_OF_LONG_LINE: Final = 2_000
TAIL_LENGTH: Final = 4096
"""Bytes at the end of what was read by which a log is recognised when it is read on."""


Context = tuple[str | None, ...]
"""What a framing knows of the records before some bytes."""


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over `LINE_LIMIT`.

    Attributes:
        head: its first bytes.
        offset: where it starts.
        line: its number in the block, 1-based.
        length: its length with the newline.
        tail: its last bytes.
    """

    head: bytes
    offset: int
    line: int
    length: int
    tail: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one log. How many is for the parser to tell: counting twice costs.

    Attributes:
        data: the lines, each ending in a newline except perhaps the log's last.
        offset: byte offset of the first line in the decompressed log.
        long_lines: lines left out of `data` because of their length; they stand behind it.
        context: what the framing knows of a record that began in an earlier block.
        before: what stands right before the block, where a record may be shorter than a line.
    """

    data: bytes
    offset: int
    long_lines: tuple[LongLine, ...] = ()
    context: Context = ()
    before: bytes = b""

    @property
    def end(self) -> int:
        """Offset behind the block's last line, long ones included."""
        return self.long_lines[-1].offset + self.long_lines[-1].length if self.long_lines else self.offset + len(self.data)

    @property
    def tail(self) -> bytes:
        """The last line, at most `TAIL_LENGTH` bytes of it: what stands right before `end`."""
        last = self.long_lines[-1].tail if self.long_lines else (self.before + self.data[-TAIL_LENGTH:])[-TAIL_LENGTH:]
        return last[last.rfind(b"\n", 0, -1) + 1 :]

    def count_lines(self) -> int:
        """Count the lines of the block, long ones included."""
        unfinished = bool(self.data) and not self.data.endswith(b"\n")
        return self.data.count(b"\n") + unfinished + len(self.long_lines)


_NULL: Final = b"\0"
"""What a rotation by copytruncate leaves, up to millions, where the server goes on writing at its old place."""
_WINDOW: Final = 256 << 10
_SPARE: Final = 2
"""Share of a block that is read at a time where its lines must be taken out of what they lie in, which needs room for both."""


class Framing(Protocol):
    """Where a log may be cut into blocks."""

    @property
    def limit(self) -> int:
        """Bytes after which a record is too long to be held."""

    @property
    def may_grow(self) -> bool:
        """An unfinished last record is left for the next run while the log is growing."""

    @property
    def is_by_line(self) -> bool:
        """Records end with a newline and nowhere else, and know of no other."""

    def last_cut(self, data: bytes) -> int:
        """Find where the last record of some bytes starts that may be held back; 0 if nowhere."""

    def final_cut(self, data: bytes) -> int:
        """Find where the last record ends that need not wait for the next run, at the end of a growing log."""

    def next_cut(self, data: bytes) -> int:
        """Find where the first whole record of some bytes starts; 0 if nowhere."""

    def context(self, data: bytes, known: Context) -> Context:
        """Tell, of the bytes before a cut and what was known before them, what the records behind it will need."""


class LineFraming:
    """A record is a line; others are framed like this but where they say otherwise."""

    limit = LINE_LIMIT
    may_grow = True
    is_by_line = True

    def final_cut(self, data: bytes) -> int:
        """Cut behind the last newline."""
        return data.rfind(b"\n") + 1

    def last_cut(self, data: bytes) -> int:
        """Cut behind the last newline."""
        return data.rfind(b"\n") + 1

    def next_cut(self, data: bytes) -> int:
        """Cut behind the first newline."""
        return data.find(b"\n") + 1

    def context(self, data: bytes, known: Context) -> Context:  # noqa: ARG002 - most records know of no other
        """Nothing: every record stands for itself."""
        return ()


BY_LINE: Final = LineFraming()


def find_last(pattern: re.Pattern[bytes], data: bytes) -> int:
    """Find the end of a pattern's last match, looking back in growing windows; 0 if there is none."""
    size = _WINDOW
    while True:
        start = max(len(data) - size, 0)
        ends = [found.end() for found in pattern.finditer(data, start)]
        if ends:
            return ends[-1]
        if not start:
            return 0
        size *= 4


def read_blocks(
    source: Source, offset: int = 0, block_size: int = BLOCK_SIZE, framing: Framing = BY_LINE, before: bytes = b"", context: Context = ()
) -> Iterator[Block]:
    """Read a log from an offset on as blocks of whole lines, or of whole records of a wrapper.

    Memory is bounded by two blocks and the longest record. An unfinished last line is left for
    the next run; it counts only at the end of a compressed log that is whole.

    Args:
        source: an open log, standing at `offset`.
        offset: decompressed offset of the first byte that will be read.
        block_size: bytes to read at a time; of logs whose lines lie in something, half as many.
        framing: where the log may be cut.
        before: what stands right before `offset`.
        context: what the framing knows of what came before `offset`.

    Yields:
        Blocks: each starts where the one before it ended, or behind the NULs that a rotation left there.
    """
    rest = b""
    while True:
        hole = source.skip_hole(framing.limit)
        if hole and rest.strip(_NULL):
            long, rest = _drain_record(source, framing, rest, offset, 1, hole)
            if long is not None:
                block = Block(b"", offset, (long,), context, before)
                offset, before = block.end, b""
                yield block
        elif hole:
            rest, offset, before = b"", offset + len(rest) + hole, bytes(TAIL_LENGTH)
        if not (chunk := source.read(source.fit(block_size) if framing.is_by_line else max(block_size // _SPARE, 1))):
            break
        data = rest + chunk if rest else chunk
        cut = framing.last_cut(data)
        whole, rest = (data[:cut], data[cut:]) if cut < len(data) else (data, b"")
        long_lines: tuple[LongLine, ...] = ()
        nulls = len(rest) - len(rest.lstrip(_NULL)) if len(rest) > framing.limit else 0
        if len(rest) - nulls > framing.limit:
            long, rest = _drain_record(source, framing, rest, offset + cut, whole.count(b"\n") + 1)
            long_lines = () if long is None else (long,)
        if whole or long_lines:
            block = Block(whole, offset, long_lines, context, before)
            offset = block.end
            yield block
            context = framing.context(whole, context)
            before = b"" if framing.is_by_line else (before + whole[-TAIL_LENGTH:])[-TAIL_LENGTH:]
        if nulls and not long_lines:
            rest, offset, before = rest[nulls:], offset + nulls, bytes(TAIL_LENGTH)
    cut = _end_of_whole(source, framing, rest)
    source.held_back = len(rest) - cut
    if cut:
        yield Block(rest[:cut], offset, (), context, before)


def _end_of_whole(source: Source, framing: Framing, rest: bytes) -> int:
    """Tell how much of what a log ends with can be taken: half a record waits until the rest of it has come."""
    if source.damage is None and not (source.is_unfinished and framing.may_grow):
        return len(rest)
    return framing.final_cut(rest) if framing.may_grow else 0


def _drain_record(source: Source, framing: Framing, start: bytes, offset: int, line: int, hole: int = 0) -> tuple[LongLine | None, bytes]:
    """Read past the end of a record that is too long: the record, and what came behind it.

    None if the record has no end yet and the log is still growing. `hole` are bytes behind its start that were passed over.
    """
    head, length = start[:KEPT_OF_LONG_LINE], len(start)
    tail = start[-TAIL_LENGTH:]
    while True:
        hole += source.skip_hole(framing.limit)
        if hole:
            length, tail, hole = length + hole, bytes(TAIL_LENGTH), 0
        if not (chunk := source.read(1 << 20)):
            break
        cut = framing.next_cut(chunk)
        tail = (tail + (chunk[:cut] if cut else chunk))[-TAIL_LENGTH:]
        if cut:
            return LongLine(head, offset, line, length + cut, tail), chunk[cut:]
        length += len(chunk)
    may_wait = source.is_unfinished and framing.may_grow
    return (None if may_wait else LongLine(head, offset, line, length, tail)), b""
