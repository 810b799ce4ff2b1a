"""Where a log may be cut: behind a line, or behind what a wrapper calls a record."""

from __future__ import annotations

import re
from typing import Final, Protocol

LINE_LIMIT: Final = 1 << 20
"""A longer line is rejected with its first bytes and never held in memory whole."""
Context = tuple[str | None, ...]
"""What a framing knows of the records before some bytes."""
_WINDOW: Final = 256 << 10


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
