r"""Undo what a server did to bytes that it would not write as they were.

nginx writes `\xHH`, Apache `\"`, `\\`, `\n` and `\xhh`, Go's quoting all of these and `\uhhhh`.
The sets agree where they overlap (nginx never writes a bare backslash), so one reader serves
all, and one client is never two. Bytes that are no UTF-8 become the text `\xhh`.

Sources: nginx ngx_http_log_escape, Apache ap_escape_logitem, Go strconv.AppendQuote.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_ESCAPE: Final = re.compile(rb"""\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([\\"abfnrtv]))""")
_SINGLE: Final = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\", b'"': b'"'}


def unescape(text: str) -> str:
    """Undo the escapes of one value; what is no escape stays as it is."""
    raw = _ESCAPE.sub(_replace, text.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "backslashreplace")


def unescape_values(values: pl.Series) -> pl.Series:
    """Undo the escapes of many values; only those that hold a backslash cost anything."""
    escaped = values.str.contains("\\", literal=True)
    if not escaped.any():
        return values
    hits = values.filter(escaped)
    fixed = pl.Series(values.name, [unescape(text) for text in hits], pl.String)
    return values.scatter(escaped.arg_true(), fixed)


def _replace(match: re.Match[bytes]) -> bytes:
    byte, rune, single = match.groups()
    if byte:
        return bytes((int(byte, 16),))
    if rune:
        return chr(int(rune, 16)).encode("utf-8", "backslashreplace")
    return _SINGLE[single]
