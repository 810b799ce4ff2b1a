"""What a key or column means, where the user says so: `--map status=HTTP-StatusCode,path=urlPath,time=started_at:ms`.

    FIELD=KEY[:UNIT], …

A key is one of JSON objects, a column of a table with a header or of W3C's `#Fields`, a label of
LTSV or logfmt, or a column's number where nothing names it. A dot goes into a nested object; a key
that holds a dot, a comma, a colon, a blank or a quote stands in double quotes:
`agent=headers."User-Agent"`, `status="a.b"`. A time's unit is s, ms, us, ns, iso, or a form of
strftime; a duration's s, ms, us or ns. `date` is the day, where another column has the time. What
is not named is read by the keys that are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from pullstats.errors import UsageError, unknown_name
from pullstats.formats.column_keys import KNOWN_NAMES, LABEL_NAMES, ColumnKeys, Keys
from pullstats.formats.conversions import Conversion, check_time_form
from pullstats.formats.json_keys import KNOWN_PATHS, KeyTable, Path
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.labels import LabelReader
from pullstats.formats.log_format import LogFormat, Reader
from pullstats.formats.ltsv import LTSV_NAMES
from pullstats.formats.mapped_values import Mapped, MappedReader, find_missing
from pullstats.formats.nginx_variables import DURATIONS
from pullstats.formats.table_headers import Finish, numbered_formats, table_format
from pullstats.formats.tables import TableReader
from pullstats.formats.variables import TIMES
from pullstats.formats.w3c import W3cReader
from pullstats.formats.w3c_tables import W3C_NAMES, directed_format

FIELDS: Final[dict[str, str]] = {
    "time": "time_iso8601",
    "date": "w3c_date",
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

KINDS: Final = ("json", "csv", "ltsv", "logfmt", "w3c")
"""Formats that go by names, or by numbers where there are none; a row of Parquet is an object of JSON."""
_ITEM: Final = re.compile(r'\s*(?P<field>[\w-]+)\s*=\s*(?P<key>(?:"(?:[^"\\]|\\.)*"|[^",:])+)(?::(?P<unit>"(?:[^"\\]|\\.)*"|[^",]*))?\s*(?:,|$)')
_KEY: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([^".]+)')
_MAX_DEPTH: Final = 64
"""Keys of a path at most: an object in more than 63 others is no server's."""
_TARGETS: Final = ("path", "url", "request")
_TIME: Final = "mapped_time"
_DATE: Final = "mapped_date"


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
            raise UsageError(f"--map cannot be read at {text[position : position + 40]!r}; write FIELD=KEY or FIELD=KEY:UNIT, between commas")
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
            raise UsageError(f"--map names the field '{item.field}' twice; give it one key")
        if len(item.path) > _MAX_DEPTH:
            raise UsageError(f"--map names a key of {item.field} that lies in {len(item.path) - 1} objects; {_MAX_DEPTH - 1} are the limit")
        _check_unit(item)
    if not items or {item.field for item in items} <= {"agent", "referrer", "range", "protocol", "scheme"}:
        raise UsageError(
            "--map names no time, no client and no path, so nothing could be read by it; as in --map time=started_at:ms,client=ip,path=urlPath"
        )
    return tuple(items)


def _check_unit(item: Mapped) -> None:
    if item.unit is None or (item.field == "time" and item.unit == "iso"):
        return
    if item.field == "time":
        check_time_form(item.unit)
    elif item.field != "duration":
        raise UsageError(f"--map gives '{item.field}' the unit '{item.unit}', but only time and duration have one; quote a key that holds a colon")
    elif item.unit not in DURATIONS:
        raise UsageError(f"no unit of duration '{item.unit}'; use {', '.join(DURATIONS)}")


_REPLACED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_TARGETS, ("uri", "request_uri", "request", "args", "query_string", "bare_path")),
    "time": (*TIMES, "w3c_time", "clock", "day"),
    "date": (*TIMES, "w3c_time", "clock", "day"),
    "duration": ("request_time", "request_time_ms", "duration_us", "duration_ns", "duration_text", "duration_nginx"),
    "client": ("realip_remote_addr", "proxy_protocol_addr"),
    "host": ("http_host", "server_host", "server_name"),
}
"""Variables whose known keys are not looked at where the user names a field."""


def _replaced(items: Sequence[Mapped]) -> set[str]:
    """Give the variables that count only where the user names them."""
    return {variable for item in items for variable in _REPLACED.get(item.field, ())} | ({"request_method"} if _has(items, "request") else set())


def _has(items: Sequence[Mapped], field: str) -> bool:
    return any(item.field == field for item in items)


def _columns(items: Sequence[Mapped]) -> dict[str, Mapped]:
    """Give the raw column of each field that the user names."""
    is_parted = _has(items, "date")
    return {_column(item, is_parted=is_parted): item for item in items}


def _column(item: Mapped, *, is_parted: bool) -> str:
    if item.field == "date":
        return _DATE
    if item.field == "time":
        return _TIME if is_parted or item.unit not in (None, "iso") else "time_iso8601"
    return DURATIONS[item.unit] if item.field == "duration" and item.unit else FIELDS[item.field]


def _conversions(items: Sequence[Mapped]) -> tuple[Conversion, ...]:
    columns = (_DATE, _TIME) if _has(items, "date") else (_TIME,)
    units = [item.unit for item in items if item.field == "time" and item.unit not in (None, "iso")]
    return tuple(Conversion(columns, "time", unit) for unit in units if unit)


def _arrange(items: Sequence[Mapped]) -> KeyTable:
    """Give the keys of objects by variable: what the user names, and of the others what is known."""
    keys = {name: paths for name, paths in KNOWN_PATHS.items() if name not in _replaced(items)}
    said: dict[str, list[Path]] = {column: [item.path] for column, item in _columns(items).items()}
    return KeyTable(keys | said, is_own=True, said=said)


def _name_columns(items: Sequence[Mapped], known: Keys, *, has_places: bool = True) -> ColumnKeys:
    """Give the names of columns by variable: what the user names, and of the others what is known."""
    said = {column: [".".join(item.path)] for column, item in _columns(items).items()}
    return ColumnKeys({name: names for name, names in known.items() if name not in _replaced(items)}, said, has_places=has_places)


def mapped_formats(items: Sequence[Mapped], formats: Sequence[LogFormat], kinds: Collection[str] = KINDS) -> tuple[LogFormat, ...]:
    """Give the formats to try under a map: those that go by names or numbers by it, and the others.

    Args:
        items: the map.
        formats: the formats that would be tried without one.
        kinds: of the formats that go by names, those that the map is for.
    """
    conversions = _conversions(items)
    fields = frozenset(item.field for item in items)

    def finish(reader: Reader) -> Reader:
        return MappedReader(reader, conversions, fields)

    mapped = [replace(item, check=partial(find_missing, items)) for kind in KINDS if kind in kinds for item in _MAKERS[kind](items, finish)]
    others = [item for item in formats if _kind_of(item) not in kinds]
    return (*mapped, *others)


def _kind_of(log_format: LogFormat) -> str | None:
    """Tell by which names a format goes."""
    reader = log_format.reader
    if isinstance(reader, LabelReader):
        return "ltsv" if reader.is_tabbed else "logfmt"
    return next((kind for kind, readers in _READERS.items() if isinstance(reader, readers)), None)


def _objects(items: Sequence[Mapped], finish: Finish) -> Iterator[LogFormat]:
    yield LogFormat("json-mapped", "JSON by the keys that --map names", "", "{}", finish(JsonReader(_arrange(items))), rank=9)


def _tables(items: Sequence[Mapped], finish: Finish) -> Iterator[LogFormat]:
    keys = _name_columns(items, KNOWN_NAMES)
    yield table_format("csv-mapped", "tables by the columns that --map names", keys, rank=9, finish=finish)
    if all(len(item.path) == 1 and item.path[0].isascii() and item.path[0].isdigit() for item in items):
        yield from numbered_formats(_name_columns(items, {}), 8, finish)


def _ltsv(items: Sequence[Mapped], finish: Finish) -> Iterator[LogFormat]:
    reader = LabelReader(_name_columns(items, LTSV_NAMES, has_places=False), is_tabbed=True)
    yield LogFormat("ltsv-mapped", "LTSV by the labels that --map names", "", "", finish(reader), rank=9, is_lone=True)


def _logfmt(items: Sequence[Mapped], finish: Finish) -> Iterator[LogFormat]:
    reader = LabelReader(_name_columns(items, LABEL_NAMES, has_places=False), is_tabbed=False)
    yield LogFormat("logfmt-mapped", "logfmt by the keys that --map names", "", "", finish(reader), rank=9, is_lone=True)


def _w3c(items: Sequence[Mapped], finish: Finish) -> Iterator[LogFormat]:
    yield directed_format("w3c-mapped", "W3C extended by the fields that --map names", _name_columns(items, W3C_NAMES), rank=9, finish=finish)


_MAKERS: Final[dict[str, Callable[[Sequence[Mapped], Finish], Iterator[LogFormat]]]] = {
    "json": _objects,
    "csv": _tables,
    "ltsv": _ltsv,
    "logfmt": _logfmt,
    "w3c": _w3c,
}
_READERS: Final[dict[str, type]] = {
    "json": JsonReader,
    "csv": TableReader,
    "w3c": W3cReader,
}
