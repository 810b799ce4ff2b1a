r"""The forms a text takes as its escapes are undone one after the other, each with the way back to what was logged.

A secret or an address may be written `%40`, `%2540`, `&#64;`, `\u0040`, `\x40` or `＠`, and any of
these in another one. Every form on the way to the one that no more changes is looked at, because a
delimiter that was escaped is none in the form before.

Sources: RFC 3986 section 2.1 (percent), ECMA-262 annex B (`%u`), RFC 8259 section 7 (`\u`), WHATWG
HTML section 13.2.5.72 (character references), UAX 15 (NFKC).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

MAX_FORMS: Final = 12
"""Forms looked at; no honest text is escaped as often."""

_SIGNS: Final = ["%", "\\", "&#", "&amp;", "&quot;", "&commat;", "&equals;", "&colon;", "&period;", "&sol;", "&lt;", "&gt;", "&apos;"]
_ESCAPE: Final = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|(?P<hex>(?:\\x[0-9A-Fa-f]{2})+)|(?:%u|(?<!\\)\\+u)(?P<unit>[0-9A-Fa-f]{4})|\\(?P<plain>[/\"\\])"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|quot|commat|equals|colon|period|sol|lt|gt|apos);)"
)
_STEP: Final = {"percent": 3, "hex": 4}


@dataclass(frozen=True, slots=True)
class Form:
    """A text with some escapes undone.

    Attributes:
        text: the form.
        starts: where each of its characters begins in the text as logged.
        ends: where it ends there.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def find_escaped(values: pl.Series) -> pl.Series:
    """Tell which texts may have another form: those with an escape, or a letter that is not ASCII."""
    text = pl.col("text")
    is_foreign = text.str.len_bytes() != text.str.len_chars()
    return values.to_frame("text").select((text.str.contains_any(_SIGNS) | is_foreign).fill_null(value=False)).to_series()


def list_forms(text: str) -> list[str]:
    """List the forms of a text after the first, the last one being that which no more changes."""
    found: list[str] = []
    while len(found) < MAX_FORMS and (following := _undo(text)) != text:
        found.append(following)
        text = following
    return found


def trace_forms(text: str) -> Iterator[Form]:
    """Give the same forms with the way back; costs a step a character."""
    form = Form(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    for _ in range(MAX_FORMS):
        following = _trace(form)
        if following.text == form.text:
            return
        yield following
        form = following


def _undo(text: str) -> str:
    undone = _ESCAPE.sub(lambda match: "".join(char for char, _ in _units(match)), text)
    return undone if undone.isascii() else "".join(map(_fold, undone))


def _trace(form: Form) -> Form:
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def add(char: str, start: int, end: int) -> None:
        for one in _fold(char):
            chars.append(one)
            starts.append(form.starts[start])
            ends.append(form.ends[end - 1])

    place = 0
    for match in _ESCAPE.finditer(form.text):
        for index in range(place, match.start()):
            add(form.text[index], index, index + 1)
        place = match.start()
        for char, length in _units(match):
            add(char, place, place + length)
            place += length
        place = match.end()
    for index in range(place, len(form.text)):
        add(form.text[index], index, index + 1)
    return Form("".join(chars), tuple(starts), tuple(ends))


def _units(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Give what an escape stands for: each character, and how many characters wrote it."""
    kind = match.lastgroup
    if kind in _STEP:
        step = _STEP[kind]
        raw = bytes.fromhex(match[0].replace("%" if step == 3 else "\\x", ""))
        for char in raw.decode("utf-8", "surrogateescape"):  # a byte that is no UTF-8 is one character, too
            is_byte = 0xDC80 <= ord(char) <= 0xDCFF
            yield ("\ufffd", step) if is_byte else (char, step * len(char.encode("utf-8")))
    elif kind == "unit":
        code = int(match["unit"], 16)
        yield ("\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)), len(match[0])
    elif kind == "entity":
        said = html.unescape(match[0])
        yield said if len(said) == 1 and not 0xD800 <= ord(said) <= 0xDFFF else "\ufffd", len(match[0])
    else:
        yield match["plain"], len(match[0])


def _fold(char: str) -> str:
    """Give the plain letters a character stands for; what does not show is nothing."""
    if char.isascii():
        return char
    return "" if unicodedata.category(char) == "Cf" else unicodedata.normalize("NFKC", char)


def replace_spans(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    """Replace stretches of a text, those that overlap as one."""
    parts: list[str] = []
    end = 0
    for start, stop, placeholder in sorted(spans):
        if start >= end:
            parts += [text[end:start], placeholder]
        end = max(end, stop)
    return "".join([*parts, text[end:]])
