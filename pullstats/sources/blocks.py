"""Cut a stream into blocks of whole lines, each knowing where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pullstats.sources.streams import Source

BLOCK_SIZE: Final = 24 << 20
LINE_LIMIT: Final = 1 << 20
"""A longer line is rejected with its first bytes and never held in memory whole."""
KEPT_OF_LONG_LINE: Final = 200
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
    """

    data: bytes
    offset: int
    long_lines: tuple[LongLine, ...] = ()

    @property
    def end(self) -> int:
        """Offset behind the block's last line, long ones included."""
        return self.long_lines[-1].offset + self.long_lines[-1].length if self.long_lines else self.offset + len(self.data)

    @property
    def tail(self) -> bytes:
        """The last line, at most `TAIL_LENGTH` bytes of it: what stands right before `end`."""
        last = self.long_lines[-1].tail if self.long_lines else self.data[-TAIL_LENGTH:]
        return last[last.rfind(b"\n", 0, -1) + 1 :]

    def count_lines(self) -> int:
        """Count the lines of the block, long ones included."""
        unfinished = bool(self.data) and not self.data.endswith(b"\n")
        return self.data.count(b"\n") + unfinished + len(self.long_lines)


def read_blocks(source: Source, offset: int = 0, block_size: int = BLOCK_SIZE) -> Iterator[Block]:
    """Read a log from an offset on as blocks of whole lines.

    Memory is bounded by two blocks. An unfinished last line is left for the next run if the log
    is growing, and counts otherwise.

    Args:
        source: an open log, standing at `offset`.
        offset: decompressed offset of the first byte that will be read.
        block_size: bytes to read at a time.

    Yields:
        Blocks without gaps: each starts where the one before it ended.
    """
    rest = b""
    while chunk := source.read(source.fit(block_size)):
        data = rest + chunk if rest else chunk
        cut = data.rfind(b"\n") + 1
        whole, rest = (data[:cut], data[cut:]) if cut < len(data) else (data, b"")
        long_lines: tuple[LongLine, ...] = ()
        if len(rest) > LINE_LIMIT:
            long, rest = _drain_line(source, rest, offset + cut, whole.count(b"\n") + 1)
            long_lines = () if long is None else (long,)
        if whole or long_lines:
            block = Block(whole, offset, long_lines)
            offset = block.end
            yield block
    cut = len(rest) if not source.is_growing else rest.rfind(b"\n") + 1
    if cut:
        yield Block(rest[:cut], offset)


def _drain_line(source: Source, start: bytes, offset: int, line: int) -> tuple[LongLine | None, bytes]:
    """Read past the end of a line that is too long: the line, and what came behind it.

    None if the line has no end yet and the log is still growing.
    """
    head, length = start[:KEPT_OF_LONG_LINE], len(start)
    tail = start[-TAIL_LENGTH:]
    while chunk := source.read(1 << 20):
        cut = chunk.find(b"\n") + 1
        tail = (tail + (chunk[:cut] if cut else chunk))[-TAIL_LENGTH:]
        if cut:
            return LongLine(head, offset, line, length + cut, tail), chunk[cut:]
        length += len(chunk)
    return (None if source.is_growing else LongLine(head, offset, line, length, tail)), b""
