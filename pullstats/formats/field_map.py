"""What a key or column means, where the user says so: `--map status=HTTP-StatusCode,path=urlPath,time=started_at:ms`.

    FIELD=KEY[:UNIT], …

A dot goes into a nested object; a key or column that holds a dot, a comma, a colon, a blank or a
quote stands in double quotes: `agent=headers."User-Agent"`, `status="a.b"`. A time's unit is s, ms,
us, ns, iso, or a form of strftime; a duration's s, ms, us or ns. What is not named is read by the
keys that are known.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import polars as pl

from pullstats.errors import InputError, UsageError, unknown_name
from pullstats.formats.conversions import Conversion, ConvertingReader, check_time_form
from pullstats.formats.json_keys import KNOWN_PATHS, KeyTable, Path
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.lines import LogFormat
from pullstats.formats.nginx_variables import DURATIONS

FIELDS: Final[dict[str, str]] = {
    "time": "time_iso8601",
    "client": "remote_addr",
    "forwarded-for": "http_x_forwarded_for",
    "forwarded": "http_forwarded",
    "real-ip": "http_x_real_ip",
    "method": "request_method",
    "path": "uri",
    "query": "args",
    "url": "request_uri",
    "request": "request",
    "protocol": "server_protocol",
    "scheme": "scheme",
    "host": "host",
    "status": "status",
    "bytes": "body_bytes_sent",
    "duration": "request_time",
    "agent": "http_user_agent",
    "referrer": "http_referer",
    "range": "http_range",
    "user": "remote_user",
    "authorization": "http_authorization",
    "request-id": "request_id",
    "cache": "upstream_cache_status",
    "backend": "proxy_upstream_name",
}
"""Variables by the word for a field."""

_ITEM: Final = re.compile(r'\s*(?P<field>[\w-]+)\s*=\s*(?P<key>(?:"(?:[^"\\]|\\.)*"|[^",:])+)(?::(?P<unit>"(?:[^"\\]|\\.)*"|[^",]*))?\s*(?:,|$)')
_KEY: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^".]+)')
_TARGETS: Final = ("path", "url", "request")
_TIME: Final = "mapped_time"


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a key means.

    Attributes:
        field: one of `FIELDS`.
        path: the key, those it is nested in before it.
        unit: of a time or duration; None for what is usual.
    """

    field: str
    path: Path
    unit: str | None = None


def parse_map(text: str) -> tuple[Mapped, ...]:
    """Read `FIELD=KEY[:UNIT],…`.

    Raises:
        UsageError: it is not written so, a field or unit is unknown or told twice, or nothing could be read by it.
    """
    found: list[Mapped] = []
    position = 0
    while position < len(text.rstrip(", ")):
        item = _ITEM.match(text, position)
        if item is None:
            message = f"--map cannot be read at {text[position : position + 40]!r}; write FIELD=KEY or FIELD=KEY:UNIT, between commas"
            raise UsageError(message)
        path = tuple(re.sub(r"\\(.)", r"\1", quoted) if bare == "" else bare for quoted, bare in _KEY.findall(item["key"].strip()))
        unit = (item["unit"] or "").strip().strip('"') or None
        found.append(Mapped(item["field"].lower().replace("_", "-"), path, unit))
        position = item.end()
    return check_map(found)


def check_map(items: Sequence[Mapped]) -> tuple[Mapped, ...]:
    """Refuse a map that makes no sense.

    Raises:
        UsageError: see `parse_map`.
    """
    for index, item in enumerate(items):
        if item.field not in FIELDS:
            noun = "field of --map"
            raise unknown_name(noun, item.field, FIELDS)
        if any(other.field == item.field for other in items[:index]):
            message = f"--map names the field '{item.field}' twice; give it one key"
            raise UsageError(message)
        _check_unit(item)
    if not items or {item.field for item in items} <= {"agent", "referrer", "range", "protocol", "scheme"}:
        message = "--map names no time, no client and no path, so nothing could be read by it; as in --map time=started_at:ms,client=ip,path=urlPath"
        raise UsageError(message)
    return tuple(items)


def _check_unit(item: Mapped) -> None:
    if item.unit is None or (item.field == "time" and item.unit == "iso"):
        return
    if item.field == "time":
        check_time_form(item.unit)
    elif item.field != "duration":
        message = f"--map gives '{item.field}' the unit '{item.unit}', but only time and duration have one; quote a key that holds a colon"
        raise UsageError(message)
    elif item.unit not in DURATIONS:
        message = f"no unit of duration '{item.unit}'; use {', '.join(DURATIONS)}"
        raise UsageError(message)


class PathReader(ConvertingReader):
    """Puts mapped paths and queries together."""

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = super().read_fast(data)
        return None if raw is None else _join_target(raw)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        return _join_target(super().read_safe(lines))


def _join_target(raw: pl.DataFrame) -> pl.DataFrame:
    """Put a path and its query together; a path that holds a query has its own."""
    if "uri" not in raw.columns:
        return raw
    path = pl.col("uri")
    query = pl.col("args").str.strip_prefix("?") if "args" in raw.columns else pl.lit(None, pl.String)
    is_apart = query.is_not_null() & (query != "") & ~path.str.contains("?", literal=True)
    whole = pl.when(is_apart).then(pl.concat_str(path, pl.lit("?"), query)).otherwise(path)
    return raw.with_columns(request_uri=pl.coalesce("request_uri", whole) if "request_uri" in raw.columns else whole)


_REPLACED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_TARGETS, ("uri", "request_uri", "request", "args")),
    "time": ("msec",),
    "duration": ("request_time", "request_time_ms", "duration_us", "duration_ns", "duration_text"),
    "client": ("realip_remote_addr", "proxy_protocol_addr"),
    "host": ("http_host", "server_name"),
}
"""Variables whose known keys are not looked at where the user names a field."""


def _arrange(items: Sequence[Mapped]) -> dict[str, list[Path]]:
    """Give the keys by variable: what the user names, and of the others what is known."""
    replaced = {variable for item in items for variable in _REPLACED.get(item.field, ())}
    if any(item.field == "request" for item in items):
        replaced.add("request_method")
    keys = {name: paths for name, paths in KNOWN_PATHS.items() if name not in replaced}
    return keys | {_column(item): [item.path] for item in items}


def _column(item: Mapped) -> str:
    if item.field == "time":
        return _TIME if item.unit not in (None, "iso") else "time_iso8601"
    return DURATIONS[item.unit] if item.field == "duration" and item.unit else FIELDS[item.field]


def mapped_formats(items: Sequence[Mapped], formats: Sequence[LogFormat]) -> tuple[LogFormat, ...]:
    """Give the formats to try under a map: JSON by it, and those that go by no keys.

    Args:
        items: the map.
        formats: the formats that would be tried without one.
    """
    conversions = [Conversion((_TIME,), "time", item.unit) for item in items if item.field == "time" and item.unit not in (None, "iso")]
    reader = PathReader(JsonReader(KeyTable(_arrange(items), is_own=True)), conversions)
    mapped = LogFormat("json-mapped", "JSON by the keys that --map names", "", "{}", reader, rank=9, check=partial(check_keys, items))
    return (mapped, *(log_format for log_format in formats if not isinstance(log_format.reader, JsonReader)))


def check_keys(items: Sequence[Mapped], sample: bytes) -> None:
    """Refuse a map one of whose keys no sampled object has: it is misspelt.

    Raises:
        InputError: with the nearest key that the objects have.
    """
    names: set[str] = set()
    for line in sample.splitlines()[:400]:
        if line.lstrip().startswith(b"{"):
            try:
                _collect(json.loads(line, strict=False), names)
            except (ValueError, RecursionError):
                continue
    for item in items:
        missing = next((key for key in item.path if names and key not in names), None)
        if missing is not None:
            near = difflib.get_close_matches(missing, sorted(names), n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"its keys are {', '.join(sorted(names)[:20])}"
            message = f"--map says {item.field}={'.'.join(item.path)}, but no line that was looked at has the key '{missing}'; {hint}"
            raise InputError(message)


def _collect(value: Any, names: set[str]) -> None:
    if isinstance(value, dict):
        for key, below in value.items():
            names.add(key)
            _collect(below, names)
