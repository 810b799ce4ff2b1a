r"""Read logs whose lines are rows of a table: values between commas, tabs, semicolons, bars or blanks, some in quotes.

A value in quotes may hold separators, doubled quotes and newlines, as RFC 4180 has it. The fast
way lets the tokeniser cut whole pieces where every line is well-formed; the safe way cuts line by
line, joins a row that goes on in the lines behind it (these count as ignored), and takes quotes
that escape by a backslash, or between tabs and bars say nothing, as what they are. Lines that name
columns are passed over, and hold for those behind them.

Sources: RFC 4180; iana.org/assignments/media-types/text/tab-separated-values; w3.org/TR/WD-logfile.html.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.escaping import Escaping
from pullstats.formats.column_keys import ColumnKeys, read_values
from pullstats.formats.json_keys import KeyTable
from pullstats.formats.lines import LINE_LIMIT
from pullstats.formats.log_format import IGNORED, LENGTH, MISFIT
from pullstats.formats.outlines import Outline
from pullstats.tokenisers import read_columns

MAX_COLUMNS: Final = 1000
_JOINED_LINES: Final = 50
_JOINED_BYTES: Final = 64 << 10
"""A row goes on over so many lines and bytes at most: one stray quote must not swallow a log."""
_RAW: Final = "\t|"
"""Separators between which a quote may be a sign like any other."""


@dataclass(frozen=True)
class Layout:
    """How the lines of a table are cut.

    Attributes:
        names: of the columns, in order; numbers from 1 on where nothing names them.
        separator: what stands between values.
        is_spaced: blanks stand behind separators.
        comment: what lines begin with that hold no row; None if nothing.
        is_numbered: nothing names the columns.
    """

    names: tuple[str, ...]
    separator: str
    is_spaced: bool = False
    comment: str | None = None
    is_numbered: bool = False

    @cached_property
    def row(self) -> str:
        """Pattern of a line that is one well-formed row."""
        separator = re.escape(self.separator)
        value = f'(?:"(?:[^"]|"")*"|[^"{separator}][^{separator}"]*|)'
        return f"^{value}(?:{separator}{value}){{{len(self.names) - 1}}}$"

    def cut(self, line: str) -> list[str] | None:
        """Cut a line, or several that are one row; None if it is not one."""
        for options in ({"strict": True}, {"strict": True, "escapechar": "\\"}):
            try:
                (cells,) = csv.reader([line], delimiter=self.separator, skipinitialspace=self.is_spaced or self.separator == " ", **options)
            except (csv.Error, ValueError):
                continue
            if self._fits(cells):
                return self._trim(cells)
        cells = line.split(self.separator)
        return self._trim(cells) if self.separator in _RAW and self._fits(cells) else None

    def _fits(self, cells: Sequence[str]) -> bool:
        missing = len(cells) - len(self.names)
        return missing == 0 or (missing == 1 and not cells[-1])

    def _trim(self, cells: list[str]) -> list[str]:
        cells = cells[: len(self.names)]
        return [cell.strip(" ") for cell in cells] if self.is_spaced else cells


Layouts = Callable[[str, str], Layout | None]
"""Makes a layout of a line that names columns, given the one behind it; None of any other line."""


class TableReader:
    """Reads the rows of a table."""

    has_fast = True

    def __init__(
        self, keys: ColumnKeys, layouts: Layouts, layout: Layout | None, shape: str, escaping: Escaping = "none", firsts: frozenset[str] = frozenset()
    ) -> None:
        """Prepare for a table.

        Args:
            keys: what names of columns mean.
            layouts: tells the lines that name columns.
            layout: what holds until one comes; None if nothing is known before.
            shape: pattern that a line must match to be a row or to name columns.
            escaping: how values are written that cannot stand as they are.
            firsts: what a line that names columns may begin with.
        """
        self.firsts = sorted(firsts)
        self.escaping: Escaping = escaping
        self.outlines = (Outline(shape),)
        self.layout = layout
        self._keys = keys
        self._layouts = layouts
        self._table = keys.table_of(layout.names) if layout and layout.names else None
        self._schema = pl.Schema({str(place): pl.String() for place in range(len(layout.names))}) if layout else None

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines, all of them well-formed rows; see `Reader`."""
        layout, table = self.layout, self._table
        lines = cut_clean(data) if layout and layout.names and data.endswith(b"\n") and b"\x00" not in data else None
        if lines is None or layout is None or table is None or (lines.str.len_bytes().max() or 0) >= LINE_LIMIT:  # type: ignore[operator]
            return None
        other = self._is_other(lines, layout)
        if other is None or not other.any():
            raw = self._read_rows(data, lines, layout, table)
            return None if raw is None else raw.with_columns((lines.str.len_bytes() + 1).alias(LENGTH))
        rows = lines.filter(~other)
        raw = self._read_rows(_without(data, lines, other), rows, layout, table) if rows.len() else None
        if raw is None:
            return None
        place = pl.select(pl.when(~other).then((~other).cast(pl.UInt32).cum_sum() - 1)).to_series()
        reasons = pl.select(pl.when(other).then(pl.lit(IGNORED)).otherwise(raw["reason"].gather(place)).alias("reason")).to_series()
        return raw.select(pl.all().gather(place)).with_columns(reasons, (lines.str.len_bytes() + 1).alias(LENGTH))

    def _is_other(self, lines: pl.Series, layout: Layout) -> pl.Series | None:
        """Tell the lines that hold no row: comments, and the names of the columns once more; None if there are none for sure."""
        if layout.comment is not None:
            return lines.str.starts_with(layout.comment)
        if layout.is_numbered:
            return None
        first = layout.names[0]
        begins = lines.str.strip_chars_start('"').str.starts_with(first)
        if not begins.any():
            return None
        names = [name for name in lines.filter(begins).unique() if layout.cut(name) == list(layout.names)]
        return lines.is_in(names) if names else None

    def _read_rows(self, data: bytes, lines: pl.Series, layout: Layout, table: KeyTable) -> pl.DataFrame | None:
        assert self._schema is not None
        is_quoted = data.startswith(b'"') or b'\n"' in data or f'{layout.separator}"'.encode() in data
        if is_quoted and (layout.is_spaced or not lines.str.contains(layout.row).all()):
            return None
        frame = read_columns(data, self._schema, layout.separator, quote='"' if is_quoted else None)
        if frame is None or frame.height != lines.len() or frame["0"].is_in(self.firsts).any():
            return None
        if not is_quoted:
            total = frame.select(pl.sum_horizontal(pl.all().str.len_bytes().cast(pl.Int64).sum())).item()
            if total + frame.width * frame.height != len(data) or frame[:, -1].null_count():
                return None
        if layout.separator == " " and any((frame[name] == "").any() for name in frame.columns):
            return None  # several blanks for one
        cells = frame.select(pl.col(str(place)).alias(name) for name, place in _places(layout).items())
        if layout.is_spaced:
            cells = cells.with_columns(pl.all().str.strip_chars(" "))
        raw = read_values(cells, table)
        odd = raw["reason"].is_not_null() & (raw["reason"] != IGNORED)
        return None if odd.any() else raw

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; those behind a line that names columns by that one."""
        layout = self.layout
        texts = lines.to_list()
        if layout is None or layout.is_numbered:
            layout = layout if layout is not None and layout.names else self.count_columns(texts)
        parts: list[pl.DataFrame] = []
        rows: list[list[str] | None] = []
        reasons: list[str | None] = []
        place = 0

        def close() -> None:
            if rows:
                parts.append(self._read_cells(rows, reasons, layout))
                rows.clear()
                reasons.clear()

        while place < len(texts):
            line = texts[place]
            named = self._layouts(line, texts[place + 1] if place + 1 < len(texts) else "")
            if named is not None:
                close()
                layout = named if layout is None or not layout.is_numbered else layout
                rows.append(None)
                reasons.append(IGNORED)
                place += 1
                continue
            cells, count = self._cut_row(texts, place, layout)
            is_comment = layout is not None and layout.comment is not None and line.startswith(layout.comment)
            rows.append(cells if not is_comment else None)
            reasons.append(IGNORED if is_comment else None if cells is not None else MISFIT)
            rows += [None] * (count - 1)
            reasons += [IGNORED] * (count - 1)
            place += count
        close()
        return pl.concat(parts, how="diagonal") if parts else pl.DataFrame(schema={"reason": pl.String})

    def _cut_row(self, texts: list[str], place: int, layout: Layout | None) -> tuple[list[str] | None, int]:
        """Cut the row that begins at a line: its values, and how many lines it has."""
        line = texts[place]
        if layout is None:
            return None, 1
        cells = layout.cut(line)
        if cells is not None or line.count('"') % 2 == 0:
            return cells, 1
        joined = line
        for count, following in enumerate(texts[place + 1 : place + _JOINED_LINES], 2):
            joined = f"{joined}\n{following}"
            if len(joined) > _JOINED_BYTES or self._layouts(following, "") is not None:
                break
            if following.count('"') % 2:
                cells = layout.cut(joined)
                return (cells, count) if cells is not None else (None, 1)
        return None, 1

    def count_columns(self, texts: list[str]) -> Layout | None:
        """Number the columns of lines that nothing names: as many as most of them have."""
        layout = self.layout
        if layout is None:
            return None
        counts: Counter[int] = Counter()
        for line in texts:
            try:
                (cells,) = csv.reader([line], delimiter=layout.separator, skipinitialspace=layout.separator == " ")
            except (csv.Error, ValueError):
                continue
            counts[len(cells)] += not (layout.comment and line.startswith(layout.comment))
        width = min(counts.most_common(1)[0][0] if counts else 0, MAX_COLUMNS)
        return (
            Layout(tuple(str(number) for number in range(1, width + 1)), layout.separator, comment=layout.comment, is_numbered=True)
            if width
            else None
        )

    def _read_cells(self, rows: list[list[str] | None], reasons: list[str | None], layout: Layout | None) -> pl.DataFrame:
        table = None if layout is None else self._table if layout is self.layout and self._table is not None else self._keys.table_of(layout.names)
        reason = pl.Series("reason", reasons, pl.String)
        if layout is None or table is None or not table.paths:
            return pl.DataFrame({"reason": reason.fill_null(MISFIT)})
        cells = pl.DataFrame(
            {name: pl.Series(name, [None if row is None else row[place] for row in rows], pl.String) for name, place in _places(layout).items()}
        )
        raw = read_values(cells, table)
        return raw.with_columns(reason=reason.zip_with(reason.is_not_null(), raw["reason"]))


def _without(data: bytes, lines: pl.Series, other: pl.Series) -> bytes:
    """Take some lines out of whole lines."""
    ends = (lines.str.len_bytes().cast(pl.Int64) + 1).cum_sum().gather(other.arg_true()).to_list()
    sizes = (lines.filter(other).str.len_bytes() + 1).to_list()
    starts = [0, *ends]
    stops = [*(end - size for end, size in zip(ends, sizes, strict=True)), len(data)]
    return b"".join(data[start:stop] for start, stop in zip(starts, stops, strict=True))


def _places(layout: Layout) -> dict[str, int]:
    """Give the place of each name, the first where several columns have one."""
    places: dict[str, int] = {}
    for place, name in enumerate(layout.names):
        places.setdefault(name, place)
    return places
