r"""The line that names the columns of a table, wherever it stands: first, repeated, or in another order after a rotation.

A line names columns if all its values are names (none is a number, an address, a time or a path) and
they name a request's columns. What a client writes cannot be such a line: its address and the time
stand in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Final

from pullstats.clients import ADDRESS
from pullstats.formats.column_keys import ColumnKeys
from pullstats.formats.headings import Section
from pullstats.formats.log_format import LogFormat, Reader
from pullstats.formats.tables import MAX_COLUMNS, Layout, TableReader

Finish = Callable[[Reader], Reader]
"""Makes more of what a reader gives: converts it, holds it to what a user said."""
SEPARATORS: Final = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
"""What stands between the columns of a table with a header, and what it is called."""
_NO_NAME: Final = (
    rf"[-+]?[0-9][-0-9.,:/]*|{ADDRESS}|-|[/\[{{].*|[\w.-]+:.*[0-9].*|https?://.*|[0-9]{{4}}-[0-9]{{2}}.*|[0-9]{{1,2}}/[A-Z][a-z]{{2}}/.*"
)
_MAX_NAME: Final = 120
_MAX_LINE: Final = 16 << 10
_LOOKED_AT: Final = 50
"""Lines at the beginning of a log among which its first header stands."""
_QUOTE_WINDOW: Final = 64 << 10
SHAPE: Final = r'^[\x{feff}\s]*"?[\p{L}_@#$(][\w .@#$()/:\[\]-]*"?\s*[,\t;|]'
"""What a line that names columns begins with; rows may begin with anything."""
_BEGINS: Final = re.compile(r'[\ufeff\s]*"?(?:[^\W\d]|[@#$(])')


def cut_names(line: str) -> tuple[list[str], str]:
    """Cut a line into the names of columns, and give what stands between them; no names if it holds other things, too."""
    if len(line) > _MAX_LINE:
        return [], ""
    line = line.lstrip("\ufeff").rstrip("\r\n")
    for separator in sorted(SEPARATORS, key=line.count, reverse=True):
        if separator not in line:
            break
        try:
            (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)
        except (csv.Error, ValueError):
            continue
        names = [cell.strip() for cell in cells]
        if (
            1 < len(names) <= MAX_COLUMNS
            and all(len(name) <= _MAX_NAME and not re.fullmatch(_NO_NAME, name, re.DOTALL) for name in names)
            and any(names)
        ):
            return names, separator
    return [], ""


class TableNames:
    """Makes layouts of lines that name columns."""

    def __init__(self, keys: ColumnKeys, firsts: frozenset[str] | None = None) -> None:
        """Know the names.

        Args:
            keys: what they mean.
            firsts: what such a line may begin with; None for anything.
        """
        self._keys = keys
        self._firsts = firsts

    def __call__(self, line: str, _: str = "") -> Layout | None:
        """Make a layout of a line; None if it names no columns of a request."""
        if not _BEGINS.match(line):
            return None
        if self._firsts is not None and re.split(r'[,\t;|"]', line.lstrip('\ufeff" '), maxsplit=1)[0].strip() not in self._firsts:
            return None
        names, separator = cut_names(line)
        if not names or not self._keys.names_request(names):
            return None
        return Layout(tuple(names), separator, is_spaced=f"{separator} " in line)


class TableHeadings:
    """The headers of one table."""

    def __init__(self, base: LogFormat, keys: ColumnKeys, layout: Layout, finish: Finish) -> None:
        """Know the first header.

        Args:
            base: the format of tables with a header.
            keys: what names mean.
            layout: what the first header says.
            finish: makes more of what a reader gives.
        """
        self._finish = finish
        firsts = frozenset({*layout.names, *(name for names in keys.said.values() for name in names)}) - {""}
        self._base = base
        self._keys = keys
        self._firsts = firsts
        self._layouts = TableNames(keys, firsts)
        words = "|".join(re.escape(name) for name in sorted(firsts, key=len, reverse=True))
        begins = re.escape("".join(sorted({name.encode()[:1].decode("latin-1") for name in firsts})))
        self._start = re.compile(rf'\n(?=[ "\xef{begins}])(?=(?:\xef\xbb\xbf)? *"?(?:{words})"? *[,\t;|])'.encode())
        self._under = lru_cache(maxsize=64)(self._make)

    def _headers(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Give the lines of some bytes that name columns, and where they start."""
        for place in (0, *(found.end() for found in self._start.finditer(data))):
            end = data.find(b"\n", place, place + _MAX_LINE)
            line = data[place : end if end >= 0 else place + _MAX_LINE].decode("utf-8", "replace").lstrip("\0\ufeff").rstrip("\r")
            if self._layouts(line) is not None:
                yield place, line

    def last(self, data: bytes, heading: str | None) -> str | None:
        """Find the last header; see `Headings`."""
        return next((line for _, line in reversed(list(self._headers(data)))), heading)

    def split(self, data: bytes, heading: str | None) -> Iterator[Section]:
        """Cut lines where their header changes; see `Headings`."""
        start = 0
        for place, line in self._headers(data):
            if line == heading:
                continue
            if place > start:
                yield Section(start, place, heading)
            start, heading = place, line
        if start < len(data):
            yield Section(start, len(data), heading)

    def under(self, section: Section) -> LogFormat | None:
        """Give the format that a header describes; see `Headings`."""
        return None if section.heading is None else self._under(section.heading)

    def _make(self, heading: str) -> LogFormat | None:
        layout = self._layouts(heading)
        return None if layout is None else self.format_of(layout)

    def format_of(self, layout: Layout) -> LogFormat:
        """Give the format of lines in a layout."""
        reader = TableReader(self._keys, self._layouts, layout, SHAPE, firsts=self._firsts)
        return replace(self._base, reader=self._finish(reader), headed=self)

    def cut(self, data: bytes) -> int:
        """Cut behind the last whole row: not within quotes that are open; see `Headings`."""
        end = data.rfind(b"\n") + 1
        if not data.count(b'"', 0, end) % 2:
            return end
        cut = end
        while cut > max(end - _QUOTE_WINDOW, 0):
            start = data.rfind(b"\n", 0, cut - 1) + 1
            if data.count(b'"', start, cut) % 2:
                return start
            cut = start
        return end


def table_format(
    name: str,
    help: str,  # noqa: A002 - named for the field
    keys: ColumnKeys,
    *,
    rank: int,
    sample: str = "",
    doc_url: str = "",
    is_catch_all: bool = False,
    finish: Finish = lambda reader: reader,
) -> LogFormat:
    """Build the format of tables with a header.

    Args:
        name: of the format.
        help: what writes it.
        keys: what names of columns mean.
        rank: see `LogFormat`.
        sample: a header and a row.
        doc_url: what describes it.
        is_catch_all: see `LogFormat`.
        finish: makes more of what a reader gives.
    """
    layouts = TableNames(keys)
    base = LogFormat(name, help, doc_url, sample, finish(TableReader(keys, layouts, None, SHAPE)), rank, is_catch_all=is_catch_all, is_lone=True)

    def bind(sample: bytes) -> LogFormat:
        lines = (line.decode("utf-8", "replace").lstrip("\0\ufeff").rstrip("\r") for line in islice(sample.split(b"\n", _LOOKED_AT), _LOOKED_AT))
        layout = next((found for line in lines if (found := layouts(line)) is not None), None)
        if layout is None:
            return base
        return TableHeadings(base, keys, layout, finish).format_of(layout)

    return replace(base, bind=bind)


NUMBERED: Final = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "blank"}
"""What stands between columns that have no names, and what the format is called after it."""


def numbered_formats(keys: ColumnKeys, rank: int, finish: Finish) -> Iterator[LogFormat]:
    """Build the formats of rows whose columns nothing names, one for each thing that may stand between them."""
    for separator, word in NUMBERED.items():
        empty = Layout((), separator, comment="#" if separator in " \t" else None, is_numbered=True)
        yield _numbered(keys, empty, f"columns-{word}", rank, finish)


def _numbered(keys: ColumnKeys, empty: Layout, name: str, rank: int, finish: Finish) -> LogFormat:
    shape = re.escape(empty.separator)

    def name_columns(line: str, _: str = "") -> Layout | None:
        names, separator = cut_names(line)  # whatever they are: such a line holds no row
        return Layout(tuple(names), separator) if separator == empty.separator else None

    reader = TableReader(keys, name_columns, empty, shape)
    base = LogFormat(name, "columns by the numbers that --map gives", "", "", finish(reader), rank, is_lone=True)

    def bind(sample: bytes) -> LogFormat:
        lines = sample.decode("utf-8", "replace").split("\n")[: 8 * _LOOKED_AT]
        layout = reader.count_columns([line.rstrip("\r") for line in lines if line.strip()])
        return base if layout is None else replace(base, reader=finish(TableReader(keys, name_columns, layout, shape)))

    return replace(base, bind=bind)


def shown_names(names: Sequence[str], count: int = 20) -> str:
    """Write names for a message."""
    shown = ", ".join(name for name in names[:count] if name.isprintable())
    return shown + (", …" if len(names) > count else "")
