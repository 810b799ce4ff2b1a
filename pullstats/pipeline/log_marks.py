"""Marks of a log, by which a shorter piece of it, cut wherever, is known: where each ends, and its digest."""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import pairwise
from typing import Final

MARK: Final = struct.Struct("<QQ")
"""A place and a digest, as marks are kept packed."""


class Marks:
    """The marks of one log, packed: where each ends, and its digest, in order of place."""

    def __init__(self, packed: bytes) -> None:
        """Take marks in any order."""
        marks = list(MARK.iter_unpack(packed[: len(packed) // MARK.size * MARK.size]))
        in_order = all(earlier[0] <= later[0] for earlier, later in pairwise(marks))
        self._packed = packed if in_order else b"".join(MARK.pack(*mark) for mark in sorted(marks))
        self._count = len(marks)

    def at_or_before(self, place: int) -> tuple[int, int]:
        """Give the last mark up to a place; (0, 0) if there is none."""
        index = bisect_right(range(self._count), place, key=lambda number: self._get(number)[0])
        return self._get(index - 1) if index else (0, 0)

    def _get(self, number: int) -> tuple[int, int]:
        place, digest = MARK.unpack_from(self._packed, number * MARK.size)
        return place, digest
