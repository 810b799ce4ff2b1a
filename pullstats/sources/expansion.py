"""How far a compressed log may expand: a small file may claim to hold petabytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pullstats.errors import UsageError

ALWAYS_ALLOWED: Final = 1 << 30
"""Bytes that any compressed log may expand to where the limit is a multiple of its size."""
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Expansion:
    """How far a compressed log may expand: a small file may claim to hold petabytes.

    Attributes:
        times: as many times its size on disk, or
        size: as many bytes; the one that is not None.
        text: as the user wrote it.
    """

    times: float | None
    size: int | None
    text: str

    def bytes_of(self, compressed: int) -> int:
        """Give the limit of a file in bytes; one that is small may always hold `ALWAYS_ALLOWED`."""
        if self.size is not None:
            return self.size
        return max(int((self.times or 0) * compressed), ALWAYS_ALLOWED)


def parse_expansion(text: str) -> Expansion:
    """Read `1000x`, `20GB`, `500MB` or a number of bytes.

    Raises:
        UsageError: it is none of these.

    Example:
        >>> parse_expansion("20GB").bytes_of(1), parse_expansion("5x").bytes_of(1 << 30)
        (20000000000, 5368709120)
    """
    found = re.fullmatch(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>x|[kKMGT]?B?)", text.strip())
    if found is None:
        raise UsageError(f"--max-expanded '{text}' is no limit; write 1000x for a multiple of the file's size, or a size such as 20GB")
    number, unit = float(found["number"]), found["unit"].upper().removesuffix("B")
    if unit == "X":
        return Expansion(number, None, f"{text.strip().rstrip('xX')} times its size")
    return Expansion(None, int(number * _UNITS[unit]), text.strip())
