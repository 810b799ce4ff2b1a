"""Labelled tab-separated values: `time:… <tab> host:… <tab> req:…`, labels in any order.

A server writes its labels in one order, so that the first line of a piece says how to read the
others; lines in another order are taken apart one by one.

Source: ltsv.org (recommended labels); real lines of nginx 1.22.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.errors import InputError
from pullstats.escaping import Escaping
from pullstats.formats.lines import LogFormat
from pullstats.formats.log_format import compile_log_format
from pullstats.formats.text_lines import TextReader
from pullstats.formats.variables import KEPT

_LABELS: Final = {
    "time": "time_local",
    "host": "remote_addr",
    "forwardedfor": "http_x_forwarded_for",
    "user": "remote_user",
    "req": "request",
    "method": "request_method",
    "uri": "request_uri",
    "protocol": "server_protocol",
    "status": "status",
    "size": "body_bytes_sent",
    "referer": "http_referer",
    "ua": "http_user_agent",
    "vhost": "host",
    "server": "server_name",
    "scheme": "scheme",
    "reqtime": "request_time",
    "reqtime_microsec": "duration_us",
    "cache": "upstream_cache_status",
    "reqid": "request_id",
    "range": "http_range",
    "xff": "http_x_forwarded_for",
    "msec": "msec",
}
"""Variables by label; a label that is nginx's own name of a variable is that variable."""

LTSV_NAMES: Final = {
    variable: [*(label for label, name in _LABELS.items() if name == variable), variable] for variable in dict.fromkeys([*_LABELS.values(), *KEPT])
}
"""Labels by variable."""

_LABEL: Final = re.compile(r"[0-9A-Za-z_.-]+(?=:)")
_NEEDED: Final = frozenset({"status", "request", "request_method"})
_MAX_LABELS: Final = 150


class LtsvReader:
    """Reads labelled lines."""

    escaping: Escaping = "backslash"
    has_fast = True
    shape = r"^[0-9A-Za-z_.-]+:[^\t]*\t"

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines whose labels stand as in the first; see `Reader`."""
        first = data[: data.find(b"\n")].decode("utf-8", "replace")
        reader = _reader_of(tuple(_LABEL.match(part)[0] if _LABEL.match(part) else "" for part in first.split("\t")))  # type: ignore[index]
        return None if reader is None else reader.read_fast(data)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; one without a status or a request does not fit."""
        rows = [_take_apart(line) for line in lines]
        names = sorted({name for row in rows for name in row})
        frame = pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], pl.String) for name in names} or {"status": [None] * len(rows)})
        fits = pl.Series([not _NEEDED.isdisjoint(row) for row in rows], dtype=pl.Boolean)
        return frame.with_columns(reason=pl.when(~pl.lit(fits)).then(pl.lit("format")))


def _variable(label: str) -> str | None:
    return _LABELS.get(label) or (label if label in KEPT else None)


def _take_apart(line: str) -> dict[str, str]:
    """Map variables to values; the first of a label counts."""
    row: dict[str, str] = {}
    for part in line.split("\t")[:_MAX_LABELS]:
        label, colon, value = part.partition(":")
        name = _variable(label) if colon else None
        if name:
            row.setdefault(name, value)
    return row


@lru_cache(maxsize=64)
def _reader_of(labels: tuple[str, ...]) -> TextReader | None:
    """Compile the format of lines with these labels; None if that cannot be read so."""
    if "" in labels or len(labels) < 2:
        return None
    names = [_variable(label) or f"field_{index}" for index, label in enumerate(labels)]
    text = "\t".join(f"{label}:${name}" for label, name in zip(labels, names, strict=True))
    try:
        return TextReader(compile_log_format(text, needs_time=False, needs_address=False))
    except InputError:
        return None


FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "ltsv",
        "labelled tab-separated values",
        "http://ltsv.org/",
        # recorded from nginx 1.22.1 (the gateway's `ltsv`)
        "time:23/Nov/2026:23:36:04 +0000\thost:192.168.7.9\tforwardedfor:192.168.7.9\treq:GET /v2/_catalog HTTP/1.1\tstatus:200\tsize:69\treferer:-"
        "\tua:Mozilla/5.0 zgrab/0.x\treqtime:0.002\tvhost:127.0.0.1:18109",
        LtsvReader(),
    ),
)
