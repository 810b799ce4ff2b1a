r"""Lines of `key=value` pairs (logfmt), whatever the keys are called: read through the table of keys of JSON logs.

    time="2024-03-12T10:11:12Z" level=info msg=access method=GET uri="/dl/demo-1.0.zip" status=200 …
    at=info method=GET path="/dl/demo-1.0.zip" host=dl.example.org fwd="198.51.100.9" status=200 bytes=1222

A program writes its keys in few orders. The order of a line is what is left of it without its
values, so that one pattern takes all lines apart that have the same; no value can pass for a key.
A message without a request is passed over as one in JSON is (`notices.py`).

Sources: brandur.org/logfmt; sirupsen/logrus text_formatter.go and go-logfmt/logfmt (quoting);
docs.gitlab.com/administration/logs (Workhorse writes text unless told otherwise);
devcenter.heroku.com/articles/http-routing (router logs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.escaping import Escaping
from pullstats.formats.json_keys import KNOWN, NEST
from pullstats.formats.json_lines import pick_known
from pullstats.formats.lines import LENGTH, LINE_LIMIT, MISFIT, LogFormat
from pullstats.formats.logfmt import unquote
from pullstats.formats.notices import KEYS, tell_object

_KEY: Final = r"[A-Za-z_@][\w.@:/-]*"
_VALUE: Final = r'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"]*)'
_PAIR: Final = re.compile(rf"({_KEY})=({_VALUE})")
_MANY: Final = 32
"""Orders of keys that have a pattern each; lines in others are taken apart one by one, as a client may have made their keys up."""
_PATHS: Final = {path.replace(NEST, "."): path for path in sorted(KNOWN.paths)}
"""Names of the table's columns by key; where a dot may be a key's own or go into an object, it is the key's own."""


class KeyValueReader:
    """Reads lines of `key=value` pairs."""

    escaping: Escaping = "backslash"
    has_fast = True
    shape = rf"^\s*{_KEY}={_VALUE}(?:\s+{_KEY}={_VALUE})+\s*$"

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines, or None if one of them is neither a request nor known to be none; see `Reader`."""
        lines = cut_clean(data) if data.endswith(b"\n") else None
        if lines is None or (lines.str.len_bytes().max() or 0) >= LINE_LIMIT:  # type: ignore[operator]
            return None
        frame = self.read_safe(lines)
        if frame["reason"].is_in([MISFIT, KEYS]).any():
            return None
        return frame.with_columns((lines.str.len_bytes().cast(pl.Int64) + 1).alias(LENGTH))

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        fits = lines.str.contains(self.shape)
        raw = pick_known(_take_apart(lines.zip_with(fits, pl.Series([""], dtype=pl.String).new_from_index(0, lines.len()))))
        unknown = (raw["reason"] == KEYS).fill_null(value=False) & fits
        reasons = raw["reason"].zip_with(fits, pl.Series([MISFIT]).new_from_index(0, lines.len()))
        if unknown.any():
            told = [tell_object({key: value.strip('"') for key, value in _PAIR.findall(line)}) for line in lines.filter(unknown)]
            reasons = reasons.scatter(unknown.arg_true(), pl.Series(told))
        return raw.with_columns(reasons.alias("reason"))


def _take_apart(lines: pl.Series) -> pl.DataFrame:
    """Give the values of lines under the names of the table's columns, unquoted; null where a line lacks a key."""
    frame = pl.DataFrame({"line": lines, "place": pl.int_range(lines.len(), eager=True)})
    frame = frame.with_columns(order=pl.col("line").str.replace_all(f"={_VALUE}", "=").str.strip_chars())
    usual = [order for order, _ in frame["order"].value_counts().sort("count", "order", descending=True).head(_MANY).iter_rows()]
    parts = [_match(frame.filter(pl.col("order") == order), order) for order in usual]
    parts.append(_search(frame.filter(~pl.col("order").is_in(usual))))
    whole = pl.concat(parts, how="diagonal").sort("place").drop("place")
    names = whole.columns or ["status"]
    return whole.with_columns(unquote(pl.col(name)) for name in names) if whole.columns else pl.DataFrame({"status": [None] * lines.len()})


def _match(frame: pl.DataFrame, order: str) -> pl.DataFrame:
    """Take lines apart whose keys stand in one order."""
    pattern, names = _pattern_of(order)
    if not names:
        return frame.select("place")
    groups = pl.col("line").str.extract_groups(pattern).struct.rename_fields(names)
    return frame.select("place", groups.alias("groups")).unnest("groups")


@lru_cache(maxsize=256)
def _pattern_of(order: str) -> tuple[str, list[str]]:
    """Write the pattern of lines whose keys stand in an order, and name its groups."""
    names: list[str] = []
    pieces: list[str] = []
    for key in re.findall(f"({_KEY})=", order):
        name = _PATHS.get(key)
        is_wanted = name is not None and name not in names
        if name is not None and is_wanted:
            names.append(name)
        pieces.append(f"{re.escape(key)}={'(' if is_wanted else '(?:'}{_VALUE})")
    return r"^\s*" + r"\s+".join(pieces) + r"\s*$", names


def _search(frame: pl.DataFrame) -> pl.DataFrame:
    """Take lines apart one by one."""
    rows = [dict(_known_pairs(line)) for line in frame["line"]]
    names = sorted({name for row in rows for name in row})
    return frame.select("place", *(pl.Series(name, [row.get(name) for row in rows], pl.String) for name in names))


def _known_pairs(line: str) -> Iterator[tuple[str, str]]:
    """Give the pairs of a line that the table knows, the first of each key last, so that it counts."""
    for key, value in reversed(_PAIR.findall(line)):
        if key in _PATHS:
            yield _PATHS[key], value


FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "logfmt",
        "key=value pairs (logfmt), whatever the keys are called: GitLab's Workhorse, Heroku's router and others",
        "https://brandur.org/logfmt",
        # docs.gitlab.com/administration/logs, as Workhorse writes it where it is not told to write JSON
        'time="2023-10-29T12:49:43Z" level=info msg=access correlation_id=01H duration_ms=41 host=gitlab.example.org method=GET proto=HTTP/1.1'
        ' referrer= remote_addr="198.51.100.3:0" remote_ip=198.51.100.3 route= status=200 system=http ttfb_ms=41'
        ' uri="/api/v4/projects/1/packages/npm/demo/-/demo-1.0.0.tgz" user_agent="npm/9.5.1 node/v18.16.1 linux x64" written_bytes=7310',
        KeyValueReader(),
        1,
    ),
)
