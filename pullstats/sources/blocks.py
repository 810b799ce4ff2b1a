"""Cut a stream into blocks of whole lines, each knowing where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pullstats.sources.framing import BY_LINE, Context, Framing
from pullstats.sources.streams import Source

BLOCK_SIZE: Final = 24 << 20
KEPT_OF_LONG_LINE: Final = 2_000
TAIL_LENGTH: Final = 4096
"""Bytes at the end of what was read by which a log is recognised when it is read on."""


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
_SPARE: Final = 2
"""Share of a block that is read at a time where its lines must be taken out of what they lie in, which needs room for both."""


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
    cutter = _Cutter(source, framing, offset, before, context)
    while True:
        if (hole := source.skip_hole(framing.limit)) and (block := cutter.pass_over(hole)) is not None:
            yield block
        if not (chunk := source.read(source.fit(block_size) if framing.is_by_line else max(block_size // _SPARE, 1))):
            break
        if (block := cutter.cut(chunk)) is not None:
            yield block
    if (block := cutter.end()) is not None:
        yield block


@dataclass(slots=True)
class _Cutter:
    """Cuts what is read of a log into blocks.

    Attributes:
        source: the log.
        framing: where it may be cut.
        offset: of the first byte that lies in no block yet.
        before: what stands right before it.
        context: what the framing knows of what came before it.
        rest: what was read from there on.
    """

    source: Source
    framing: Framing
    offset: int
    before: bytes
    context: Context
    rest: bytes = b""

    def pass_over(self, hole: int) -> Block | None:
        """Go over a hole, of so many bytes: a record that goes on behind it is too long, NULs before it belong to it."""
        rest, self.rest = self.rest, b""
        if not rest.strip(_NULL):
            self.offset, self.before = self.offset + len(rest) + hole, bytes(TAIL_LENGTH)
            return None
        long, self.rest = _drain_record(self.source, self.framing, rest, self.offset, 1, hole)
        if long is None:
            return None
        block = Block(b"", self.offset, (long,), self.context, self.before)
        self.offset, self.before = block.end, b""
        return block

    def cut(self, chunk: bytes) -> Block | None:
        """Take in bytes that were read; give the whole records up to their end, if there are any."""
        data = self.rest + chunk if self.rest else chunk
        cut = self.framing.last_cut(data)
        whole, rest = (data[:cut], data[cut:]) if cut < len(data) else (data, b"")
        long_lines: tuple[LongLine, ...] = ()
        nulls = len(rest) - len(rest.lstrip(_NULL)) if len(rest) > self.framing.limit else 0
        if len(rest) - nulls > self.framing.limit:
            long, rest = _drain_record(self.source, self.framing, rest, self.offset + cut, whole.count(b"\n") + 1)
            long_lines = () if long is None else (long,)
        block = Block(whole, self.offset, long_lines, self.context, self.before) if whole or long_lines else None
        if block is not None:
            self.offset = block.end
            self.context = self.framing.context(whole, self.context)
            self.before = b"" if self.framing.is_by_line else (self.before + whole[-TAIL_LENGTH:])[-TAIL_LENGTH:]
        if nulls and not long_lines:
            rest, self.offset, self.before = rest[nulls:], self.offset + nulls, bytes(TAIL_LENGTH)
        self.rest = rest
        return block

    def end(self) -> Block | None:
        """Give what the log ends with, as far as it can be taken; the source is told how much of it is held back."""
        cut = _end_of_whole(self.source, self.framing, self.rest)
        self.source.held_back = len(self.rest) - cut
        return Block(self.rest[:cut], self.offset, (), self.context, self.before) if cut else None


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
