"""What a format hands on: lines read into columns, lines refused, lines passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.escaping import Escaping
from pullstats.events import TIMESTAMP
from pullstats.formats.variables import ADDRESS, FORWARDED

TEXT_COLUMNS: Final = ("request", "address", "user", "authorization", "agent", "referrer", "attributes")
"""Columns whose distinct values are looked at one by one later; still as the log escaped them."""
ADDRESS_FIELD: Final = pl.Enum([*ADDRESS, *(name for name in FORWARDED if name not in ADDRESS)])
"""The field of the log that a client was taken from."""
TIMESTAMP_SOURCE: Final = pl.Enum(["log", "envelope"])
READING_SCHEMA: Final = pl.Schema(
    {
        "timestamp": TIMESTAMP,
        "timestamp_source": TIMESTAMP_SOURCE,
        "http_response_status_code": pl.Int16(),
        "http_response_body_size": pl.Int64(),
        "http_request_duration_us": pl.Int64(),
        "http_request_id": pl.String(),
        "http_request_range": pl.String(),
        "cache_status": pl.String(),
        "backend": pl.String(),
        "scheme": pl.String(),
        "host": pl.String(),
        **dict.fromkeys(TEXT_COLUMNS, pl.String()),
        "address_field": ADDRESS_FIELD,
        **dict.fromkeys(FORWARDED, pl.String()),
        "source_line": pl.Int64(),
        "source_offset": pl.Int64(),
    }
)
REFUSED_SCHEMA: Final = pl.Schema(
    {"source_line": pl.Int64(), "source_offset": pl.Int64(), "length": pl.Int64(), "reason": pl.String(), "text": pl.String()}
)
"""A refused line: its place, its length in bytes, the reason's code, and its first bytes (not yet redacted)."""
REASONS: Final[dict[str, str]] = {
    "format": "no known format fits the line",
    "time": "the time cannot be read, or lies before 1995 or after tomorrow",
    "client": "what stands for the client is neither an address nor a host name",
    "status": "what stands for the status is none: 100 to 599, or 000 and - where there was no answer",
    "method": "what stands for the method is none",
    "request": "the server answered well what is no request",
    "path": "what stands for the path is none",
    "size": "what stands for the size is no number",
    "duration": "what stands for the duration is none",
    "ambiguous": "two addresses stand in front, and nothing says which is the client",
    "too-long": "the line is longer than 1 MiB",
    "keys": "its keys, labels or columns are not understood as a request's",
    "not-json": "the line is not a JSON object",
    "envelope": "the piece holds no event of the log service that wraps the log",
    "no-message": "the log service's event holds no message",
}
LOOKED_AT_OF_REJECT: Final = 2_000
"""Characters of a refused line that are handed on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Lines that one format read.

    Attributes:
        format_name: the format.
        escaping: how the server wrote what it would not write as it is; not undone yet.
        frame: a row per line, columns of `READING_SCHEMA`.
    """

    format_name: str
    escaping: Escaping
    frame: pl.DataFrame


@dataclass(slots=True)
class Parsed:
    """What became of a block: `lines = read + ignored + rejected`.

    Attributes:
        readings: lines read, by format.
        rejects: lines refused, `REFUSED_SCHEMA`.
        ignored: lines that are no event by nature (blank ones).
        remarks: what the user must know of the log as a whole.
    """

    readings: list[Reading] = field(default_factory=list)
    rejects: list[pl.DataFrame] = field(default_factory=list)
    ignored: int = 0
    remarks: set[str] = field(default_factory=set)

    @property
    def lines(self) -> int:
        """All lines of the block."""
        return sum(reading.frame.height for reading in self.readings) + self.ignored + sum(part.height for part in self.rejects)
