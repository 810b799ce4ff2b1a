"""The order of Maven's versions.

Source: maven.apache.org/pom.html "Version Order Specification", and the tables of Maven's own ComparableVersionTest.
"""

from __future__ import annotations

import functools
import re
from itertools import zip_longest
from typing import Final

_TEXT: Final = re.compile(r"[0-9][0-9A-Za-z._+-]*", re.ASCII)
_TOKEN: Final = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|$))")
_LONG: Final = {"a": "alpha", "b": "beta", "m": "milestone"}
"""What stands right before a number is short for these."""
_KNOWN: Final = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
"""Qualifiers in their order; others come behind, by the alphabet."""
_SAME: Final = {"cr": "rc", "ga": "", "final": "", "release": ""}

Token = tuple[str, int | str]
"""A separator, and a number or a qualifier."""


def place_maven(text: str) -> object | None:
    """Tell where a version stands; None where it does not begin with a number, as versions of Maven do."""
    return functools.cmp_to_key(_compare)(_trim(_split(text.lower()))) if _TEXT.fullmatch(text) else None


def _split(text: str) -> tuple[Token, ...]:
    """Cut a version at dots, hyphens, and where digits and letters meet, which is as good as a hyphen."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        mark, word = match[1], match[2]
        if not match[0]:
            continue
        following = text[match.end() : match.end() + 1]
        if word.isdigit() or not word:
            tokens.append((mark or ("-" if tokens else "."), int(word or 0)))
        else:
            name = _LONG.get(word, word) if following.isdigit() else word
            tokens.append((mark or "-", _SAME.get(name, name)))
    return tuple(tokens)


def _trim(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Leave out what says nothing (0, final) at the end, and before each hyphen."""
    kept: list[Token] = []
    for token in reversed(tokens):
        is_end = not kept or kept[0][0] == "-" or isinstance(kept[0][1], str)
        if is_end and token[1] in (0, ""):
            continue
        kept.insert(0, token)
    return tuple(kept)


def _compare(left: tuple[Token, ...], right: tuple[Token, ...]) -> int:
    for one, other in zip_longest(left, right):
        first, second = _rank(one or _pad(other)), _rank(other or _pad(one))
        if first != second:
            return -1 if first < second else 1
    return 0


def _pad(token: Token) -> Token:
    """Give what a missing token is beside another: nothing of its kind."""
    return (token[0], 0) if isinstance(token[1], int) and token[0] == "." else ("-", "")


def _rank(token: Token) -> tuple[int, int, str]:
    """Qualifiers come before numbers behind a hyphen, these before numbers behind a dot."""
    mark, value = token
    if isinstance(value, int):
        return (2 if mark == "." else 1, value, "")
    return (0, _KNOWN.index(value) if value in _KNOWN else len(_KNOWN), value)
