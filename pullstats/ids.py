"""Ids: the first eight bytes of a keyed 16-byte hash, kept as a number, written as 16 hexadecimal digits.

A number of 64 bits is written, sorted and told apart several times as fast as bytes; any two of
100 million clients share one in one store of 3,700 (the birthday bound, n²/2⁶⁵). Delta has no
unsigned integers, so the store keeps it signed; its digits are those of the bytes, the first ones of
the whole hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import polars as pl

from pullstats.hexadecimal import write_hexadecimal

ID_TYPE: Final = pl.Int64
ID_DIGITS: Final = 16
"""Digits of a whole id; what follows them, in ids that stores of 0.1 gave out, says nothing more."""
_SIZE: Final = 8
_BEGINNING: Final = re.compile(f"[0-9a-f]{{4,{2 * ID_DIGITS}}}")
_ALL: Final = 2**64 - 1


def make_id(digest: bytes) -> int:
    """Make the id of a hash of eight bytes or more."""
    return int.from_bytes(digest[:_SIZE], "big", signed=True)


def make_ids(name: str, digests: Iterable[bytes | None]) -> pl.Series:
    """Make a column of ids; null stays null."""
    return pl.Series(name, [None if digest is None else make_id(digest) for digest in digests], ID_TYPE)


def shorten_hashes(hashes: pl.Expr) -> pl.Expr:
    """Make ids of a column of hashes of 16 bytes, as stores of 0.1 hold them."""
    return hashes.bin.slice(0, _SIZE).bin.reinterpret(dtype=ID_TYPE, endianness="big")


def write_id(value: int) -> str:
    """Write an id as people see it.

    Example:
        >>> write_id(-1), write_id(255)
        ('ffffffffffffffff', '00000000000000ff')
    """
    return f"{value & _ALL:0{ID_DIGITS}x}"


def write_ids(ids: pl.Expr) -> pl.Expr:
    """Write a column of ids as people see them; null stays null."""
    return ids.reinterpret(signed=False).map_batches(lambda numbers: write_hexadecimal(numbers, _SIZE), return_dtype=pl.String, is_elementwise=True)


def is_beginning(text: str) -> bool:
    """Tell whether somebody may be named by a text: four or more digits, in small letters, that an id can begin with.

    Example:
        >>> is_beginning("00ff"), is_beginning("0ff"), is_beginning("00fg")
        (True, False, False)
    """
    return _BEGINNING.fullmatch(text) is not None


def begins_with(ids: pl.Expr, digits: str) -> pl.Expr:
    """Tell which ids begin with some lower-case digits; null stays null.

    Args:
        ids: a column of ids.
        digits: 1 or more; those beyond an id's own are not looked at.
    """
    known = digits[:ID_DIGITS]
    least = int(known, 16) << 4 * (ID_DIGITS - len(known))
    most = least + (1 << 4 * (ID_DIGITS - len(known))) - 1
    return ids.reinterpret(signed=False).is_between(pl.lit(least, pl.UInt64), pl.lit(most, pl.UInt64))
