"""Where a line departs from a format: how far it fits, and what should have come next."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from pullstats.formats.conversions import ConvertingReader
from pullstats.formats.json_dialects import FORMATS as JSON_FORMATS
from pullstats.formats.json_keys import KEYS
from pullstats.formats.line_patterns import Piece, pattern_pieces
from pullstats.formats.log_format import LogFormat, Reader
from pullstats.formats.notices import parse_object, walk
from pullstats.formats.parsed import REASONS
from pullstats.formats.table_headers import shown_names
from pullstats.formats.tables import TableReader
from pullstats.formats.templates import CompiledFormat
from pullstats.formats.text_lines import TextReader
from pullstats.formats.variables import FREE, WORD
from pullstats.formats.w3c import W3cReader

_SHOWN_KEYS: Final = 12
_NEEDED: Final = {
    "a client": ("remote_addr", "http_x_forwarded_for"),
    "a status": ("status",),
    "a method": ("request_method", "request"),
    "a path": ("request_uri", "uri", "request"),
    "a time": ("msec",),
}
"""What a request says, and the variables of which one says it."""
_VALUES: Final = {
    "client": ("remote_addr", "an address or a host name"),
    "status": ("status", "a status"),
    "method": ("request_method", "a method"),
    "time": ("msec", "a time"),
}
"""What stands under a known key, by the reason that it is refused for: its variable, and what it should be."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How far a line fits a format.

    Attributes:
        format_name: the format.
        column: characters of the line that fit, 0-based position of the first that does not.
        expected: what should have stood there.
        pieces: literals and values of the format that fit and say something.
    """

    format_name: str
    column: int
    expected: str
    pieces: int = 0


def find_mismatch(line: str, formats: Sequence[LogFormat], reason: str = "") -> Mismatch:
    """Find the format that fits a line furthest.

    Args:
        line: a line that no format reads.
        formats: formats to compare with, the log's own first; not empty.
        reason: why the line was refused, code as in `REASONS`; of an object whose keys are known its value is shown then.
    """
    if line.lstrip().startswith("{"):
        return _value_mismatch(line, reason) or _json_mismatch(line)
    row = _row_mismatch(formats[0])
    if row is not None:
        return row
    plausible = [log_format for log_format in formats if not log_format.is_guess] or formats
    compiled = {log_format.name: _compiled(log_format.reader) for log_format in plausible}
    found = [_text_mismatch(name, line, text) for name, text in compiled.items() if text is not None]
    return max(found, key=lambda mismatch: (mismatch.pieces, mismatch.column), default=Mismatch(formats[0].name, 0, "a JSON object"))


def _row_mismatch(log_format: LogFormat) -> Mismatch | None:
    """Say what a line of a table should be; None if the format is none of tables."""
    reader = log_format.reader.inner if isinstance(log_format.reader, ConvertingReader) else log_format.reader
    layout = reader.layout if isinstance(reader, TableReader) else None
    if layout is None or not layout.names:
        return None
    return Mismatch(log_format.name, 0, f"a row of {len(layout.names)} columns that make sense ({shown_names(layout.names)})")


def _compiled(reader: Reader) -> CompiledFormat | None:
    """Give the `log_format` a reader goes by; None if it goes by labels or keys."""
    if isinstance(reader, ConvertingReader):
        reader = reader.inner
    if isinstance(reader, W3cReader):
        reader = reader.text
    return reader.compiled if isinstance(reader, TextReader) else None


def _value_mismatch(line: str, reason: str) -> Mismatch | None:
    """Find the value for which an object in known keys was refused."""
    variable, expected = _VALUES.get(reason, ("", ""))
    names = (key.rpartition(".")[2] for key in KEYS.get(variable, ()))
    found = next((match for name in names if (match := re.search(rf'"{re.escape(name)}"\s*:\s*', line))), None)
    return Mismatch("json", found.end(), expected) if found else None


def _json_mismatch(line: str) -> Mismatch:
    try:
        item = json.loads(line)
    except json.JSONDecodeError as error:
        item = parse_object(line) if error.msg.startswith("Unterminated") or error.pos >= len(line) else None
        if not item:
            return Mismatch("json", error.pos, error.msg[:1].lower() + error.msg[1:])
    except RecursionError:
        return Mismatch("json", 0, "JSON that is not nested as deeply")
    return Mismatch("json", 0, _expect_keys(item) if isinstance(item, dict) else "a JSON object")


def _expect_keys(item: dict[str, Any]) -> str:
    """Say what an object lacks, what it has, and whose objects are the nearest."""
    keys = list(dict.fromkeys(key for key, _ in walk(item)))
    lacks = [name for name, variables in _NEEDED.items() if not any(_holds(keys, variable) for variable in variables)]
    text = json.dumps(item, separators=(",", ":"))
    signed = [log_format for log_format in JSON_FORMATS if log_format.sign and re.search(log_format.sign, text)]
    dialects = {log_format.name: _keys_of(log_format.sample) for log_format in signed}
    near, shared = max(((name, len(known.intersection(keys))) for name, known in dialects.items()), key=lambda pair: pair[1], default=("", 0))
    nearest = f"; the nearest is {near}, which has {shared} of them" if shared else ""
    lacking = f"keys for {', '.join(lacks)}" if lacks else "more of a request"
    return f"{lacking}; it has {', '.join(keys[:_SHOWN_KEYS])}{nearest}"


def _holds(keys: Sequence[str], variable: str) -> bool:
    return not set(KEYS.get(variable, ())).isdisjoint(keys)


@cache
def _keys_of(sample: str) -> frozenset[str]:
    return frozenset(key for key, _ in walk(json.loads(sample)))


def _text_mismatch(name: str, line: str, compiled: CompiledFormat) -> Mismatch:
    """Look for the longest beginning of the pattern that fits: where one does, all shorter ones do."""
    pieces = pattern_pieces(compiled.template, compiled.escaping, compiled.values)
    text = pl.Series([line])
    whole = text.str.contains(compiled.lenient).item()
    if whole:
        return Mismatch(name, 0, REASONS["time"], _weigh(pieces))
    fitting, most, fits = 0, len(pieces), ""
    while fitting < most:
        count = (fitting + most + 1) // 2
        found = text.str.extract(f"^({''.join(piece.lenient for piece in pieces[:count])})", 1).item()
        if found is None:
            most = count - 1
        else:
            fitting, fits = count, found
    expected = pieces[fitting].label if fitting < len(pieces) else "the end of the line"
    return Mismatch(name, len(fits), expected, _weigh(pieces[:fitting]))


def _weigh(pieces: Sequence[Piece]) -> int:
    """Count the pieces that say something: a blank, or a value that may be anything, fits whatever stands there."""
    return sum(piece.label.strip("' ") != "" and not piece.pattern.endswith((f"{WORD})", f"{FREE})")) for piece in pieces)
