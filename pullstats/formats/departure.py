"""Where a line departs from a format: how far it fits, and what should have come next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pullstats.formats.conversions import ConvertingReader
from pullstats.formats.lines import LogFormat, Reader
from pullstats.formats.log_format import CompiledFormat, pattern_pieces
from pullstats.formats.reading import REASONS
from pullstats.formats.text_lines import TextReader
from pullstats.formats.w3c import W3cReader


@dataclass(frozen=True, slots=True)
class Departure:
    """How far a line fits a format.

    Attributes:
        format_name: the format.
        column: characters of the line that fit, 0-based position of the first that does not.
        expected: what should have stood there.
        pieces: literals and values of the format that fit.
    """

    format_name: str
    column: int
    expected: str
    pieces: int = 0


def find_departure(line: str, formats: Sequence[LogFormat]) -> Departure:
    """Find the format that fits a line furthest.

    Args:
        line: a line that no format reads.
        formats: formats to compare with, the log's own first; not empty.
    """
    if line.lstrip().startswith("{"):
        return _json_departure(line)
    compiled = {log_format.name: _compiled(log_format.reader) for log_format in formats}
    found = [_text_departure(name, line, text) for name, text in compiled.items() if text is not None]
    return max(found, key=lambda departure: (departure.pieces, departure.column), default=Departure(formats[0].name, 0, "a JSON object"))


def _compiled(reader: Reader) -> CompiledFormat | None:
    """Give the `log_format` a reader goes by; None if it goes by labels or keys."""
    if isinstance(reader, ConvertingReader):
        reader = reader.inner
    if isinstance(reader, W3cReader):
        reader = reader.text
    return reader.compiled if isinstance(reader, TextReader) else None


def _json_departure(line: str) -> Departure:
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return Departure("json", error.pos, error.msg[:1].lower() + error.msg[1:])
    except RecursionError:
        return Departure("json", 0, "JSON that is not nested as deeply")
    return Departure("json", 0, "keys of a request: a status, a method and a client address")


def _text_departure(name: str, line: str, compiled: CompiledFormat) -> Departure:
    """Match ever shorter beginnings of the pattern; the first that fits tells the place."""
    pieces = pattern_pieces(compiled.template, compiled.escaping, compiled.values)
    text = pl.Series([line])
    whole = text.str.contains(compiled.lenient).item()
    if whole:
        return Departure(name, 0, REASONS["time"], len(pieces))
    for count in range(len(pieces), 0, -1):
        fits = text.str.extract(f"^({''.join(piece.lenient for piece in pieces[:count])})", 1).item()
        if fits is not None:
            expected = pieces[count].label if count < len(pieces) else "the end of the line"
            return Departure(name, len(fits), expected, count)
    return Departure(name, 0, pieces[0].label)
