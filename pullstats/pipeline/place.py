"""Where to go on in a log."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullstats.pipeline.content import Content
from pullstats.store import SourceProgress


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on in a log.

    Attributes:
        source_id: what the store knows it by.
        content: digests of it up to there, and of all that is read from there on.
        name: hash of the name a user gave it, 0 for none.
        offset: decompressed offset of the first byte that is new.
        line: number of the line that starts there.
        is_complete: nothing of it is new.
        lines_known: lines of it that are in the store.
        before: the bytes right before the offset, `WINDOW` or all.
        is_to_note: the store does not know yet what is known of it now: its name, or digests that stores of 0.1 lack.
    """

    source_id: str
    content: Content = field(repr=False)
    name: int = 0
    offset: int = 0
    line: int = 1
    is_complete: bool = False
    lines_known: int = 0
    before: bytes = field(default=b"", repr=False)
    is_to_note: bool = False

    def progress(self, end: int, lines: int, tail: bytes) -> SourceProgress:
        """Say where the source stands once it was read up to `end`.

        Args:
            end: offset behind the last line.
            lines: lines up to there.
            tail: the last of them, its last bytes if it is long.
        """
        return SourceProgress(self.source_id, end, lines, self.content.digest(end, tail), self.content.beginning(end), self.name)
