"""Tell whether a plain file still holds what was read of it, while its server may cut it off and write it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_START_LENGTH: Final = 4096
_LAST_LENGTH: Final = 256


@dataclass(slots=True)
class Witness:
    """What was read of a plain file: a log that is truncated and written on begins otherwise; where its server goes on at its old place, NULs are last.

    Attributes:
        start: what the file begins with.
        place: where what was read last stands.
        last: that.
    """

    start: bytes = b""
    place: int = 0
    last: bytes = b""

    def go_on_at(self, offset: int, start: bytes, before: bytes) -> None:
        """Take what was looked at before a place for what was read.

        Args:
            offset: the place.
            start: what the file begins with.
            before: what stands right before the place.
        """
        self.start = start[:_START_LENGTH]
        self.place, self.last = offset - len(before), before

    def is_same(self, at: Callable[[int, int], bytes], offset: int, part: bytes) -> bool:
        """Tell whether the file still holds what was read before: if not, nobody knows where what was read just now belongs.

        Args:
            at: looks at so many bytes at a place of the file.
            offset: where the new bytes were read.
            part: these.
        """
        if not self.start and offset == 0:
            self.start = part[:_START_LENGTH]
        is_same = at(0, len(self.start)) == self.start and at(self.place, len(self.last)) == self.last
        if is_same:
            self.last = part[-_LAST_LENGTH:]
            self.place = offset + len(part) - len(self.last)
        return is_same
