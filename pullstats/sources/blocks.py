"""Cut a stream into blocks of whole lines, each knowing where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pullstats.sources.streams import Source

BLOCK_SIZE: Final = 32 << 20
LINE_LIMIT: Final = 1 << 20
"""A longer line is rejected with its first bytes and never held in memory whole."""
KEPT_OF_LONG_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line over `LINE_LIMIT`.

    Attributes:
        head: its first bytes.
        offset: where it starts.
        line: its 1-based number.
        length: its length with the newline.
    """

    head: bytes
    offset: int
    line: int
    length: int


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one log.

    Attributes:
        data: the lines, each ending in a newline except perhaps the log's last.
        offset: byte offset of the first line in the decompressed log.
        line: 1-based number of the first line.
        lines: how many lines `data` holds.
        long_lines: lines left out of `data` because of their length; they stand behind it.
    """

    data: bytes
    offset: int
    line: int
    lines: int
    long_lines: tuple[LongLine, ...] = ()

    @property
    def end(self) -> int:
        """Offset behind the block's last line, long ones included."""
        return self.long_lines[-1].offset + self.long_lines[-1].length if self.long_lines else self.offset + len(self.data)

    @property
    def next_line(self) -> int:
        """Number of the line that follows the block."""
        return self.line + self.lines + len(self.long_lines)


def read_blocks(source: Source, offset: int = 0, line: int = 1, block_size: int = BLOCK_SIZE) -> Iterator[Block]:
    """Read a log from an offset on as blocks of whole lines.

    Memory is bounded by two blocks. An unfinished last line is left for the next run if the log
    is growing, and counts otherwise.

    Args:
        source: an open log, standing at `offset`.
        offset: decompressed offset of the first byte that will be read.
        line: number of the line that starts there.
        block_size: bytes to read at a time.

    Yields:
        Blocks without gaps: each starts where the one before it ended.
    """
    rest = b""
    while chunk := source.read(block_size):
        data = rest + chunk if rest else chunk
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        long_lines: tuple[LongLine, ...] = ()
        whole = data[:cut] if rest else data
        if len(rest) > LINE_LIMIT:
            start, number = offset + cut, line + whole.count(b"\n")
            length, rest = _drain_line(source, rest)
            long_lines = (LongLine(data[cut : cut + KEPT_OF_LONG_LINE], start, number, length),)
        if whole or long_lines:
            block = Block(whole, offset, line, whole.count(b"\n"), long_lines)
            offset, line = block.end, block.next_line
            yield block
    if rest and not (source.is_growing):
        yield Block(rest, offset, line, 1)


def _drain_line(source: Source, start: bytes) -> tuple[int, bytes]:
    """Read past the end of a line that is too long; its whole length, and what came behind it."""
    length = len(start)
    while chunk := source.read(1 << 20):
        cut = chunk.find(b"\n") + 1
        if cut:
            return length + cut, chunk[cut:]
        length += len(chunk)
    return length, b""
