r"""Undo what a server did to bytes that it would not write as they were.

nginx writes `\xHH`, Apache `\"`, `\\`, `\n` and `\xhh`, Go's quoting all of these and `\uhhhh`.
The sets agree where they overlap (nginx never writes a bare backslash), so one reader serves
all, and one client is never two. CloudFront writes `%HH`, some texts twice; IIS `+` for a blank.
Bytes that are no UTF-8 become the text `\xhh`.

Sources: nginx ngx_http_log_escape, Apache ap_escape_logitem, Go strconv.AppendQuote;
docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import polars as pl

from pullstats.escaping import Escaping, unescape_percent

_ESCAPE: Final = re.compile(rb"""\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([\\"abfnrtv]))""")
_SINGLE: Final = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\", b'"': b'"'}


def unescape(text: str) -> str:
    """Undo the escapes of one value; what is no escape stays as it is."""
    raw = _ESCAPE.sub(_replace, text.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "backslashreplace")


def unescape_plus(text: str) -> str:
    """Undo `+` for a blank."""
    return text.replace("+", " ")


def undouble(text: str) -> str:
    """Undo `""` for a quote (RFC 4180)."""
    return text.replace('""', '"')


_UNDO: Final[dict[Escaping, tuple[str, Callable[[str], str]]]] = {
    "backslash": ("\\", unescape),
    "percent": ("%", unescape_percent),
    "plus": ("+", unescape_plus),
    "doubled": ('""', undouble),
}
"""Of each way, what every escape begins with, and how to undo it."""


def unescape_values(values: pl.Series, escaping: Escaping) -> pl.Series:
    """Undo the escapes of many values; only those that hold one cost anything."""
    if escaping not in _UNDO or values.null_count() == values.len():
        return values
    sign, undo = _UNDO[escaping]
    escaped = values.str.contains(sign, literal=True).fill_null(value=False)
    if not escaped.any():
        return values
    hits = values.filter(escaped)
    fixed = pl.Series(values.name, [undo(text) for text in hits], pl.String)
    return values.scatter(escaped.arg_true(), fixed)


def _replace(match: re.Match[bytes]) -> bytes:
    byte, rune, single = match.groups()
    if byte:
        return bytes((int(byte, 16),))
    if rune:
        return chr(int(rune, 16)).encode("utf-8", "backslashreplace")
    return _SINGLE[single]
