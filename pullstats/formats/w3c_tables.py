"""W3C extended logs read by the names of their fields, whoever made these names: under `--map`.

Sources: w3.org/TR/WD-logfile.html; see `w3c.py` for who writes what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.escaping import Escaping
from pullstats.formats.column_keys import ColumnKeys, Keys
from pullstats.formats.headings import Section
from pullstats.formats.log_format import LogFormat
from pullstats.formats.table_headers import Finish
from pullstats.formats.tables import MAX_COLUMNS, Layout, TableReader
from pullstats.formats.w3c import VARIABLES
from pullstats.formats.w3c_days import Since, add_day, add_days, read_since
from pullstats.formats.w3c_directives import last_heading, parse_heading, split_sections

_MARK: Final = "#fields:"
_SHAPE: Final = r"^#|[ \t]"


def _invert() -> Keys:
    names: dict[str, list[str]] = {}
    for field, variable in VARIABLES.items():
        names.setdefault(variable, []).append(field)
    return names


W3C_NAMES: Final[Keys] = _invert()
"""Names of fields by variable."""


def _layout_of(line: str, following: str = "") -> Layout | None:
    """Make a layout of a directive; CloudFront names its fields between blanks and writes tabs."""
    if not line.lower().startswith(_MARK):
        return None
    names = tuple(line.partition(":")[2].split()[:MAX_COLUMNS])
    is_tabbed = "\t" in line or "\t" in following or "x-edge-" in line
    return Layout(names, "\t" if is_tabbed else " ", comment="#") if names else None


class _DatedReader(TableReader):
    """Reads rows, and gives those with a time alone their day."""

    def __init__(self, keys: ColumnKeys, layout: Layout | None, escaping: Escaping, since: Since | None = None) -> None:
        super().__init__(keys, _layout_of, layout, _SHAPE, escaping)
        self._since = since

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        raw = super().read_fast(data)
        return None if raw is None else add_day(raw, self._since)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        return add_days(super().read_safe(lines), lines, self._since)


class _FieldsLines:
    """The `#Fields:` lines of one log."""

    def __init__(self, base: LogFormat, keys: ColumnKeys, finish: Finish) -> None:
        self._base = base
        self._keys = keys
        self._finish = finish
        self._under = lru_cache(maxsize=64)(self._make)

    def last(self, data: bytes, heading: str | None) -> str | None:
        return last_heading(data, heading)

    def split(self, data: bytes, heading: str | None) -> Iterator[Section]:
        return split_sections(data, heading)

    def under(self, section: Section) -> LogFormat | None:
        return None if section.heading is None else self._under(section.heading, is_tabbed=section.is_tabbed)

    def cut(self, data: bytes) -> int:
        return data.rfind(b"\n") + 1

    def _make(self, heading: str, *, is_tabbed: bool) -> LogFormat | None:
        held = parse_heading(heading)
        layout = _layout_of(held.fields or "", "\t" if is_tabbed else "")
        return None if layout is None else self.format_of(layout, None if held.date is None else read_since(held.date))

    def format_of(self, layout: Layout, since: Since | None = None) -> LogFormat:
        """Give the format of lines in a layout, which have their day from a `#Date:` line where they have no date."""
        is_tabbed = layout.separator == "\t"
        keys = self._keys.also("request_time" if is_tabbed else "request_time_ms", "time-taken")
        reader = _DatedReader(keys, layout, "percent" if is_tabbed else "plus", since)
        return replace(self._base, reader=self._finish(reader), headed=self)


def directed_format(name: str, help: str, keys: ColumnKeys, *, rank: int, finish: Finish) -> LogFormat:  # noqa: A002 - named for the field
    """Build the format of logs with a `#Fields:` line.

    Args:
        name: of the format.
        help: what writes it.
        keys: what names of fields mean.
        rank: see `LogFormat`.
        finish: makes more of what a reader gives.
    """
    base = LogFormat(name, help, "", "", finish(_DatedReader(keys, None, "plus")), rank, is_lone=True)

    def bind(sample: bytes) -> LogFormat:
        lines = [line.decode("utf-8", "replace").lstrip("\0\ufeff").rstrip("\r") for line in sample.split(b"\n")]
        place = next((place for place, line in enumerate(lines) if line.lower().startswith(_MARK)), None)
        layout = None if place is None else _layout_of(lines[place], next((line for line in lines[place + 1 :] if not line.startswith("#")), ""))
        return base if layout is None else _FieldsLines(base, keys, finish).format_of(layout)

    return replace(base, bind=bind)
