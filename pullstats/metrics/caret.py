"""A text that was not understood, and a caret under the place.

Both are made of what a terminal shows: wide characters take two columns, combining ones none, and
control and format characters are written out, so that none reaches the terminal or moves the caret.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"})
_BEFORE: Final = 60
_AFTER: Final = 40
"""Characters of a long text that are shown beside the place."""


def point_at(text: str, position: int) -> str:
    """Write a text with a caret under a place, as two lines that begin with blanks.

    Args:
        text: as the user wrote it; what is far from the place is left out.
        position: index of a character, or the length of the text for its end.

    Example:
        >>> print(point_at("client = docker andd status=200", 16))
          client = docker andd status=200
                          ^
    """
    start = position - _BEFORE if position > _BEFORE + 1 else 0
    end = position + _AFTER if position + _AFTER + 1 < len(text) else len(text)
    before = ("…" if start else "") + show(text[start:position])
    after = show(text[position:end]) + ("…" if end < len(text) else "")
    return f"  {before}{after}\n  {' ' * measure(before)}^"


def show(text: str) -> str:
    """Write control and format characters as their codes."""
    return "".join(_name(character) if unicodedata.category(character) in _HIDDEN else character for character in text)


def _name(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def measure(text: str) -> int:
    """Tell how many columns a text without control characters takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
