"""Write the pattern of the lines of a template: literals as they are, values by what bounds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pullstats.escaping import Escaping
from pullstats.formats.narrow_patterns import DOUBLED, LAZY_WORD, QUOTED, narrow_value
from pullstats.formats.template import TARGET, Slot, Template
from pullstats.formats.variables import FREE, HOST, LIST, REST, WORD

_CLOSING: Final = {'"': '"', "[": "]", "(": ")", "<": ">", "{": "}", "'": "'"}
_GROUP: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal or a value of a format.

    Attributes:
        pattern: what it looks like in a line.
        label: what it is, for people.
        lenient: the same, where several blanks are taken for one.
        narrow: the same of most lines, see `narrow_patterns.py`; None if nothing simpler will do.
    """

    pattern: str
    label: str
    lenient: str
    narrow: str | None


def pattern_pieces(template: Template, escaping: Escaping = "backslash", values: Mapping[str, str] | None = None) -> list[Piece]:
    """Write the pattern of a line in pieces: literals as they are, values by what bounds them."""
    parts = template.parts
    pieces: list[Piece] = []
    seen: set[str] = set()
    last = ""
    for index, part in enumerate(parts):
        if isinstance(part, str):
            pieces.append(_literal_piece(part, is_first=index == 0))
            continue
        before, after = parts[index - 1] if index else "", parts[index + 1] if index + 1 < len(parts) else ""
        opening, closing = before if isinstance(before, str) else "", after if isinstance(after, str) else ""
        is_doubled = escaping == "doubled" and opening[-1:] == '"'
        value = DOUBLED if is_doubled else (values or {}).get(part.name) or _value_pattern(part, opening, closing)
        if value == HOST and isinstance(after, Slot) and after.name in TARGET:
            value = r'[^\s"/]*'  # $scheme://$host$request_uri
        group = f"?P<{part.name}>" if part.is_kept and part.name not in seen and _GROUP.fullmatch(part.name) else "?:"
        seen.add(part.name)
        is_bounded = isinstance(before, str) and isinstance(after, str)
        narrow = narrow_value(value, closing, is_behind_list=last == LIST and before == " ", is_rest=part.name == REST) if is_bounded else None
        last, narrow = value, None if narrow is None else f"({group}{narrow})"
        pieces.append(Piece(f"({group}{value})", part.label, f"({group}{value})", narrow))
    return pieces


def _literal_piece(text: str, *, is_first: bool) -> Piece:
    pattern = re.escape(text).replace(r"\ ", " ")
    strict = re.sub("   *", " *" if is_first else " +", pattern)
    return Piece(strict, f"'{text}'", strict if is_first else re.sub(" [+*]?", " +", strict), strict if "  " not in text else None)


def _value_pattern(slot: Slot, before: str, after: str) -> str:
    opening = before[-1:]
    closing = _CLOSING.get(opening)
    bare = slot.pattern
    if slot.name == REST:
        return FREE
    if opening == '"' and after.startswith('"'):
        return QUOTED
    if after.startswith(("\t", "|")):
        return f"[^{re.escape(after[0])}]*"
    if not after and "\t" in before:
        return r"[^\t]*"
    if closing and after.startswith(closing) and bare == FREE:
        return FREE
    if closing and after.startswith(closing):
        return f"[^{re.escape(closing)}]*"
    if bare == WORD and after and not after[0].isspace():
        return LAZY_WORD  # up to the literal: a time may hold the colon that stands behind it, too
    if bare == HOST and after and not after[0].isspace():
        return HOST if after.startswith(":") else f"[^\\s{re.escape(after[0])}]*"
    return bare
