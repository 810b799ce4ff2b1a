"""What is made of values whose keys a user named, and whether they make sense there.

A value that makes none is no missing value: its line is rejected and says why, or a map with two
columns exchanged would count nonsense.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pullstats.clients import ADDRESS
from pullstats.formats.conversions import Conversion, ConvertingReader
from pullstats.formats.json_keys import Path
from pullstats.formats.log_format import LogFormat, Missing, Reader
from pullstats.formats.notices import METHODS
from pullstats.formats.table_headers import cut_names, shown_names
from pullstats.formats.tables import TableReader

_DATE: Final = "mapped_date"
_TIME: Final = "mapped_time"
_TARGET: Final = r"^(?:/|[Hh][Tt][Tt][Pp][Ss]?://|\*$)"
"""How a path or URL begins (RFC 9112 section 3.2)."""
_BARE: Final = r"^[^\s/][^\s]*[/.][^\s]*$"
"""A path without its first slash, as object stores and Akamai have it."""
_NO_PATH: Final = rf"^(?:{ADDRESS}|[-+0-9.,]*|[0-9]{{4}}-[0-9]{{2}}-.*|[0-9]{{1,2}}/[A-Z][a-z]{{2}}/.*)$"
_AUTHORITY: Final = r"^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"
"""What CONNECT asks for."""
_LINE: Final = r"^[0-9A-Za-z!#$%&'*+.^_`|~-]+ \S"
_NOTHING: Final = ("", "-")
_SIZE: Final = r"^[0-9]+$"
_WHOLE: Final = r"^([0-9]+)\.0+$"
"""A whole number that a library took for a float, as pandas does where a column lacks values."""
_NO_METHOD: Final = r"^[0-9.:,-]+$"
_SAMPLED: Final = 400
_PAIR: Final = re.compile(r'(?:^|\s)([^\s="]+)=')
_PAIRS: Final = 3
"""So many pairs a line, at least, has a log of pairs."""


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


class MappedReader(ConvertingReader):
    """Reads lines by what a user said of them: puts paths, queries and times together, and finds what makes no sense."""

    def __init__(self, inner: Reader, conversions: Sequence[Conversion], fields: Collection[str]) -> None:
        """Prepare.

        Args:
            inner: takes lines apart.
            conversions: made of its columns, in order.
            fields: what the user named.
        """
        super().__init__(inner, conversions)
        self._fields = frozenset(fields)

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = super().read_fast(data)
        if raw is None:
            return None
        whole = self._finish(raw)
        return None if whole["reason"].null_count() < raw["reason"].null_count() else whole

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        return self._finish(super().read_safe(lines))

    def _finish(self, raw: pl.DataFrame) -> pl.DataFrame:
        if "reason" not in raw.columns:
            raw = raw.with_columns(reason=pl.lit(None, pl.String))
        raw = _join_target(_join_time(_mend_numbers(raw, self._fields)), self._fields)
        checks = [(reason, check) for field, (reason, check) in _checks(raw).items() if field in self._fields]
        if not checks or not raw.select(pl.any_horizontal(check.any() for _, check in checks).alias("any")).item():
            return raw
        nonsense = pl.coalesce(*(pl.when(check).then(pl.lit(reason)) for reason, check in checks), pl.lit(None, pl.String))
        return raw.with_columns(reason=pl.coalesce("reason", nonsense))


def _mend_numbers(raw: pl.DataFrame, fields: Collection[str]) -> pl.DataFrame:
    named = (("status", "status"), ("bytes", "body_bytes_sent"))
    columns = [name for field, name in named if field in fields and raw.schema.get(name) == pl.String and raw[name].str.ends_with(".0").any()]
    return raw.with_columns(pl.col(name).str.replace(_WHOLE, "$1") for name in columns)


def _join_time(raw: pl.DataFrame) -> pl.DataFrame:
    """Put a day and a time together that stand in two columns, where no form says how to read them."""
    if _DATE not in raw.columns or "time_utc" in raw.columns:
        return raw
    parts = [pl.col(name) for name in (_DATE, _TIME) if name in raw.columns]
    return raw.with_columns(time_iso8601=pl.concat_str(parts, separator=" "))


def _join_target(raw: pl.DataFrame, fields: Collection[str]) -> pl.DataFrame:
    """Put a path and its query together; a path that holds a query has its own, and one without its first slash gets it."""
    if "uri" not in raw.columns:
        return raw
    path = pl.col("uri")
    if "path" in fields and not raw["uri"].str.starts_with("/").all():
        path = pl.when(path.str.contains(_BARE) & ~path.str.contains(_NO_PATH) & ~path.str.contains(_TARGET)).then(pl.lit("/") + path).otherwise(path)
    query = pl.col("args").str.strip_prefix("?") if "args" in raw.columns else pl.lit(None, pl.String)
    is_apart = query.is_not_null() & (query != "") & (query != "-") & ~path.str.contains("?", literal=True)
    whole = pl.when(is_apart).then(pl.concat_str(path, pl.lit("?"), query)).otherwise(path)
    return raw.with_columns(uri=path, request_uri=pl.coalesce("request_uri", whole) if "request_uri" in raw.columns else whole)


def _checks(raw: pl.DataFrame) -> Mapping[str, tuple[str, pl.Expr]]:
    """Say by field what makes no sense there: a reason, and the rows in which it is so."""
    found: dict[str, tuple[str, pl.Expr]] = {}
    if "request_uri" in raw.columns and not raw["request_uri"].str.starts_with("/").all():
        target = pl.col("request_uri")
        is_none = ~target.str.contains(_TARGET) & ~target.is_in(_NOTHING) & ~target.str.contains(_AUTHORITY)
        found |= dict.fromkeys(("path", "url"), ("path", is_none.fill_null(value=False)))
    if "request" in raw.columns and "request_method" not in raw.columns:
        line = pl.col("request")
        status = pl.col("status").cast(pl.String) if "status" in raw.columns else pl.lit("")
        is_none = ~line.str.contains(_LINE) & ~line.is_in(_NOTHING) & ~status.str.starts_with("4").fill_null(value=False)
        found["request"] = ("request", is_none.fill_null(value=False))
    if "request_method" in raw.columns:
        found["method"] = ("method", pl.col("request_method").str.contains(_NO_METHOD).fill_null(value=False) & (pl.col("request_method") != "-"))
    if raw.schema.get("body_bytes_sent") == pl.String:
        size = pl.col("body_bytes_sent")
        found["bytes"] = ("size", (~size.str.contains(_SIZE) & ~size.is_in(_NOTHING)).fill_null(value=False))
    if "remote_addr" in raw.columns:
        found["client"] = ("client", pl.col("remote_addr").is_in(sorted(METHODS)).fill_null(value=False))
    if durations := [name for name in ("request_time", "request_time_ms", "duration_us", "duration_ns") if name in raw.columns]:
        spelled = [~pl.col(name).str.contains("[0-9]") & ~pl.col(name).is_in(_NOTHING) for name in durations]
        found["duration"] = ("duration", pl.any_horizontal(spelled).fill_null(value=False))
    return found


def find_missing(items: Sequence[Mapped], log_format: LogFormat | None, sample: bytes) -> Sequence[Missing]:
    """Find the keys of a map that no sampled line has.

    Args:
        items: the map.
        log_format: what the lines are in; None if nothing is known to fit them.
        sample: lines.
    """
    names, what, mark = _numbers_of(log_format) or _names_of(sample, log_format)
    if not names:
        return []
    folded = {name.casefold() for name in names}
    missing = []
    for item in items:
        key = ".".join(item.path)
        is_place = key.isascii() and key.isdigit() and mark == "" and 0 < int(key) <= len(names)
        if key in names or is_place or (mark == "" and key.casefold() in folded):
            continue
        near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near and near[0].isprintable() else f"its {what}s are {shown_names(names)}"
        text = f"--map says {item.field}={key}, but no line that was looked at has the {what} '{key}'; {hint}"
        needle = b"" if what == "column" else f"{mark}{item.path[-1]}{mark}".encode()  # a header names all columns
        missing.append(Missing(needle, text))
    return missing


def _numbers_of(log_format: LogFormat | None) -> tuple[list[str], str, str] | None:
    """Give the numbers of columns that nothing names; None if something does."""
    reader = getattr(log_format.reader, "inner", None) if log_format is not None else None
    layout = reader.layout if isinstance(reader, TableReader) else None
    return (list(layout.names), "column", "") if layout is not None and layout.is_numbered else None


def _names_of(sample: bytes, log_format: LogFormat | None) -> tuple[list[str], str, str]:
    """Give the names that sampled lines have, what they are called, and what stands around one in a line."""
    lines = sample.splitlines()[:_SAMPLED]
    kind = log_format.name.removesuffix("-mapped") if log_format is not None else ""
    if any(line.lstrip().startswith(b"{") for line in lines):
        return list(dict.fromkeys(name for line in lines for name in _keys(line))), "key", '"'
    texts = [line.decode("utf-8", "replace") for line in lines]
    kind = kind or _looks_like(texts)
    if kind == "ltsv":
        return list(dict.fromkeys(part.partition(":")[0] for text in texts for part in text.split("\t") if ":" in part)), "label", ""
    if kind == "logfmt":
        return list(dict.fromkeys(name for text in texts for name in _PAIR.findall(text))), "key", ""
    directive = next((text for text in texts if text.lower().startswith("#fields:")), None)
    if directive is not None:
        return directive.partition(":")[2].split(), "field", ""
    header = next((names for text in texts[:20] if len(names := cut_names(text)[0]) > 1), [])
    return header, "column", ""


def _looks_like(texts: Sequence[str]) -> str:
    """Tell labelled values and pairs from a table where no format fits: such a log has no header."""
    told = [text for text in texts if text.strip()]
    if told and all("\t" in text and all(":" in part for part in text.split("\t")) for text in told):
        return "ltsv"
    return "logfmt" if told and all(len(_PAIR.findall(text)) >= _PAIRS for text in told) else ""


def _keys(line: bytes) -> Iterator[str]:
    """Give all keys of an object, with those they are nested in before them."""
    if not line.lstrip().startswith(b"{"):
        return
    try:
        yield from _walk(json.loads(line, strict=False), "")
    except (ValueError, RecursionError):
        return


def _walk(value: Any, prefix: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield prefix + key
            yield from _walk(below, f"{prefix}{key}.")
