r"""Match most lines of a format by a pattern that needs no second look at any sign.

The pattern of a format takes whatever its server may write: lists of addresses, quotes that are escaped, texts that hold
what else stands between values. That has to be tried one way and another, ten times as slow as where the next sign
alone tells how it goes on. So lines are first matched by a *narrow* pattern. What fits it fits the other, too, and
holds the same values in it: each value ends where what follows it first can begin, which is the one end that is
possible, or the one that is tried first. What does not fit the narrow pattern is matched by the other.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pullstats.formats.variables import ADDRESSES, FREE, HOST, IDENT, LIST, NUMBER, PEER, STATUS, WORD

QUOTED: Final = r'[^"\\]*(?:\\.[^"\\]*)*'
"""A value in quotes, one in it behind a backslash."""
DOUBLED: Final = r'[^"]*(?:""[^"]*)*'
"""A value in quotes, one in it doubled."""
LAZY_WORD: Final = r"\S*?"
_WORDS: Final = {value: value for value in (WORD, NUMBER, STATUS, PEER, HOST, IDENT, r'[^\s"/]*')} | {ADDRESSES: PEER, LIST: r"[^\s,]*"}
"""Values that hold no blank of any kind, or are held to hold none: what follows them, if that is one, tells where they end."""
_NOT_LISTED: Final = {WORD: r"(?:[^\s:]\S*)?", _WORDS[LIST]: r"(?:[^\s,:][^\s,]*)?", NUMBER: NUMBER, STATUS: STATUS}
"""Narrow patterns by those of values that cannot be taken for a sign between the values of a list."""
_DIGITS: Final = (NUMBER, STATUS)
_NOT_DIGITS: Final = frozenset("\"[](){}<>/;,|\t '")
_CLASS: Final = re.compile(r"\[\^(?:\\s)?\\?([^\\])\]\*")
"""Anything up to one sign."""
_FEW: Final = 0.5


def narrow_value(value: str, after: str, *, is_behind_list: bool, is_rest: bool = False) -> str | None:
    """Narrow the pattern of a value.

    Args:
        value: the pattern.
        after: the literal behind it, nothing at the end of a line.
        is_behind_list: a list stands before it, which would go on behind ` : `.
        is_rest: anything may follow, and is not wanted.

    Returns:
        A pattern of most such values; None if nothing is known to be as good.
    """
    if is_rest and not after:
        return "[^:]|$" if is_behind_list else ""
    narrow = _narrow_at_end(value) if not after else _narrow_before(value, after)
    return _NOT_LISTED.get(narrow or "") if is_behind_list else narrow


def _narrow_at_end(value: str) -> str | None:
    if value == FREE:
        return WORD
    return _WORDS.get(value) or (value if _CLASS.fullmatch(value) else None)


def _narrow_before(value: str, after: str) -> str | None:
    sign = re.escape(after[0])
    if value == QUOTED:
        return r'[^"\\]*'
    if value == DOUBLED:
        return '[^"]*' if after[1:2] not in ("", '"') else None
    if value in (FREE, LAZY_WORD):
        return f"[^{sign}]*" if value == FREE else f"[^\\s{sign}]*"
    if after[0] == " " and value in _WORDS:
        return None if value == LIST and after.startswith(" :") else _WORDS[value]
    end = _CLASS.fullmatch(value)
    return value if (end and end[1] == after[0]) or (value in _DIGITS and after[0] in _NOT_DIGITS) else None


def match_lines(lines: pl.Series, pattern: str, narrow: str | None) -> pl.DataFrame:
    """Match lines with the pattern of a format, and its narrow one if it has any; see `match_pattern`."""
    if narrow is None:
        return match_pattern(lines, pattern)
    frame = match_pattern(lines, narrow)
    left = frame.to_series(0).is_null().arg_true()
    if left.len() > _FEW * lines.len():
        return match_pattern(lines, pattern)
    if not left.len():
        return frame
    others = match_pattern(lines.gather(left), pattern)
    return frame.with_columns(frame[name].scatter(left, others[name]) for name in frame.columns)


def match_pattern(lines: pl.Series, pattern: str) -> pl.DataFrame:
    """Match lines with a pattern: a column for each of its groups, all null where a line does not fit."""
    return pl.DataFrame({"line": lines}).select(pl.col("line").str.extract_groups(pattern).struct.unnest())
