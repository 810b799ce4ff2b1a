"""What to do about lines of columns or labels that nothing names: a map, tried on the lines before it is shown."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from pullstats.clients import ADDRESS
from pullstats.errors import UserError
from pullstats.formats.drafts import draft_columns
from pullstats.formats.field_map import mapped_formats, parse_map
from pullstats.formats.map_suggestions import suggest_map
from pullstats.formats.notices import kind_of
from pullstats.formats.table_headers import SEPARATORS, cut_names, shown_names

SHOWN_KEYS: Final = 12
READ_SHARE: Final = 0.5
"""A suggestion must read so many of the lines that it was made from."""
_LABELLED: Final = re.compile(r"(?:^|\t)([^\t:]+):([^\t]*)")
_LTSV: Final = re.compile(r"[\w.-]+:[^\t]*(?:\t[\w.-]+:[^\t]*){2,}")
_PAIRED: Final = re.compile(r'(?:^|\s)([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_LOGFMT: Final = re.compile(r'[\w.@-]+=(?:"[^"]*"|[^\s"]*)(?:\s+[\w.@-]+=(?:"[^"]*"|[^\s"]*)){2,}')
_W3C: Final = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}[ \t]\d{{2}}:\d{{2}}:\d{{2}}[ \t](?:{ADDRESS}|W3SVC\d+|[A-Z]{{3}}\d+(?:-\w+)?)[ \t](?:\S+[ \t]){{5,}}"
)
"""A line of IIS or CloudFront: behind the time stands the site, an address or the edge."""
_FEWEST: Final = 2
"""Columns of a table with names."""
_COLUMNS: Final = 4
ALIKE: Final = 0.9
"""So many columns make a table, and this share of the lines must have as many."""


def advise_on_names(lines: Sequence[str]) -> str | None:
    """Say what to do about lines whose first names columns, or is of a log that should; None if it does not."""
    if lines[0].startswith("#") or _W3C.match(lines[0]):
        fields = next((line.lower().split()[1:] for line in lines if line.lower().startswith("#fields:")), None)
        is_dated = any(line.lower().startswith("#date:") for line in lines)
        if fields is not None and "time" in fields and "date" not in fields and not is_dated:
            return (
                "its #Fields line names a time and no date, so that the date is missing; let the server log the field 'date', too,"
                " or put its '#Date: 2024-03-12 00:00:00' line in front"
            )
        if fields is not None:
            return "none of the columns that its #Fields line names holds a request; c-ip, cs-method, cs-uri-stem and sc-status do"
        return "its columns have no names: put the server's '#Fields: date time …' line in front of it"
    names, separator = cut_names(lines[0])
    rows = [row for row in _cut_rows(lines[1:], separator) if len(row) == len(names)] if len(set(names)) >= _FEWEST else []
    if len(rows) < ALIKE * (len(lines) - 1) or not rows:
        return None
    what = f"its columns, between {SEPARATORS[separator]}, are called {shown_names(names, SHOWN_KEYS)}"
    text = _map_of_rows([dict(zip(names, row, strict=True)) for row in rows], lines)
    if text is None and not any(_tells_request(cell) for row in rows for cell in row):
        return None
    if text is None:
        return f"{what}; none of them is known; say with --map which hold the time, client, path and status of a request: --map time=COLUMN,client=COLUMN,…"
    return f"{what}; if these mean what they look like, read it with --map {shlex.quote(text)}"


def _cut_rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    except csv.Error:
        return []


def advise_on_labels(lines: Sequence[str]) -> str | None:
    """Say what to do about lines that have a label before every value."""
    for kind, shape, pair in (("ltsv", _LTSV, _LABELLED), ("logfmt", _LOGFMT, _PAIRED)):
        if sum(shape.fullmatch(line.strip()) is not None for line in lines) < ALIKE * len(lines):
            continue
        rows = [{key: value.strip('"') for key, value in pair.findall(line)} for line in lines]
        text = _map_of_rows(rows, lines, kind)
        if text is not None:
            labels = shown_names(list(dict.fromkeys(name for row in rows for name in row)), SHOWN_KEYS)
            return f"its values have the labels {labels}; if these mean what they look like, read it with --map {shlex.quote(text)}"
    return None


def _map_of_rows(rows: Sequence[Mapping[str, str]], lines: Sequence[str], kind: str = "csv") -> str | None:
    """Suggest a map of columns, tried on the lines; None if none reads them."""
    found = suggest_map(rows)
    if "time" not in found or not {"path", "request"} & found.keys():
        return None
    text = ",".join(f"{name}={key}" for name, key in found.items())
    try:
        formats = mapped_formats(parse_map(text), (), (kind,))
    except UserError:
        return None
    series = pl.Series(lines)
    return text if max(item.judge(series).null_count() for item in formats) >= READ_SHARE * len(rows) else None


def advise_on_columns(lines: Sequence[str]) -> str | None:
    """Say what to do about lines of as many columns each, which nothing names; None if they are none."""
    rows, separator = _cut_columns(lines)
    if not rows:
        return None
    what = f"its {len(rows[0])} columns, between {SEPARATORS[separator]}, have no names"
    numbered = [{str(number): cell for number, cell in enumerate(row, 1)} for row in rows if len(row) == len(rows[0])]
    text = None if draft_columns(pl.Series(lines), separator) is not None else _map_of_rows(numbered, lines)
    if text is not None:
        return f"{what}; by number they could be --map {shlex.quote(text)}"
    return _advise_on_cells(lines, separator, what)


def _tells_request(cell: str) -> bool:
    """Tell whether a cell could be the client or the target of a request."""
    return kind_of(cell.strip(" \"'")) in ("client", "path", "request")


def _advise_on_cells(lines: Sequence[str], separator: str, what: str) -> str | None:
    draft = draft_columns(pl.Series(lines), separator)
    if draft is None and not any(_tells_request(cell) for line in lines for cell in line.split(separator)):
        return None
    if draft is None:
        return f"{what}; say with --map by number which hold the time, client, path and status of a request, --map time=NUMBER,client=NUMBER,…"
    return f"{what}; judged by its cells they could be --log-format {shlex.quote(draft)}"


def _cut_columns(lines: Sequence[str]) -> tuple[list[list[str]], str]:
    """Cut lines at what stands between their columns, and give that; no rows if they do not have as many each."""
    for separator in SEPARATORS:
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:  # carriage returns and NULs, as a binary file has them
            continue
        if rows and len(rows[0]) >= _COLUMNS and sum(len(row) == len(rows[0]) for row in rows) >= ALIKE * len(rows):
            return rows, separator
    return [], ""
