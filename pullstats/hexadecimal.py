"""Whole numbers as hexadecimal text, a column at a time: polars has no such cast."""

from __future__ import annotations

import sys
from array import array
from typing import Final

import polars as pl

_CODES: Final = {4: "I", 8: "Q"}
"""Codes of unsigned numbers by their bytes, in the standard library's `array`."""


def write_hexadecimal(numbers: pl.Series, size: int) -> pl.Series:
    """Write unsigned numbers in lower-case digits, two a byte, the highest first; null stays null.

    Args:
        numbers: UInt32 or UInt64.
        size: bytes of each, 4 or 8.

    Returns:
        String, as long and of the same name.
    """
    packed = array(_CODES[size], numbers.fill_null(0).to_list())
    if sys.byteorder == "little":
        packed.byteswap()
    digits, step = packed.tobytes().hex(), 2 * size
    texts = pl.Series(numbers.name, [digits[start : start + step] for start in range(0, len(digits), step)], pl.String)
    return texts.set(numbers.is_null(), None) if numbers.null_count() else texts
