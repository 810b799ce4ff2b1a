"""Write a report as a workbook: a sheet of rows and a sheet of what they are. The same report gives the same bytes.

What a stranger wrote is a text and nothing else: no formula, no link, no number.

Source: https://xlsxwriter.readthedocs.io (`write_string`, `Workbook`'s options); Excel's limits,
https://support.microsoft.com/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from pullstats.errors import UsageError
from pullstats.render.machine import machine_frame
from pullstats.render.renderer import RenderOptions
from pullstats.render.sanitise import visible
from pullstats.reports import Column, Report

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

ROWS: Final = 1_048_575
"""Rows that a sheet holds below its headings."""
_LONGEST: Final = 32_767
"""Characters that a cell holds."""
_EXACT: Final = 10**15
"""Whole numbers that a spreadsheet keeps to the last digit are smaller."""
_EARLIEST: Final = date(1900, 3, 1)
"""Before it Excel's calendar is off by a day."""
_WIDEST: Final = 60
_MADE: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - written as it is
"""When every workbook says that it was made."""
_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FORMATS: Final = {
    "count": "#,##0",
    "bytes": "#,##0",
    "share": "0.0%",
    "change": "0.0%",
    "day": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm:ss",
}
"""How kinds of columns, days and moments are shown."""
_MOMENTS: Final = ("day", "moment")
_TIMES: Final = frozenset({"bucket", "date"})
"""Columns of days and moments that reports write as text."""


def render_xlsx(report: Report, options: RenderOptions) -> bytes:  # noqa: ARG001 - one signature for all
    """Write a workbook; see `Renderer`.

    Raises:
        UsageError: the package XlsxWriter is missing, or there are more rows than a sheet holds.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("--format xlsx needs the package XlsxWriter; run: pip install 'pullstats[xlsx]'") from error
    if report.frame.height > ROWS:
        raise UsageError(f"a sheet holds {ROWS:,} rows, and this answer has {report.frame.height:,}; ask for fewer, or write csv or parquet")
    buffer = io.BytesIO()
    book = Workbook(buffer, _OPTIONS)
    book.set_properties({"created": _MADE})
    formats = {name: book.add_format({"num_format": form}) for name, form in _FORMATS.items()}
    _write_rows(book, report, formats)
    _write_sheet(book, "about", ("what", "value"), [*_tell(report)], {name: formats[name] for name in _MOMENTS})
    book.close()
    return buffer.getvalue()


def _write_rows(book: Workbook, report: Report, formats: dict[str, Format]) -> None:
    """Write the rows of the answer, ids and shares as all programs get them, times as times."""
    written = machine_frame(report)
    columns = [column for column in report.columns if column.name in written.columns]
    values = [_read_values(report, column) if column.kind == "time" else _read_times(written[column.name].to_list(), column) for column in columns]
    kinds = {index: formats[column.kind] for index, column in enumerate(columns) if column.kind in formats}
    _write_sheet(book, "rows", [column.title for column in columns], [*zip(*values, strict=True)], formats | kinds)


def _read_values(report: Report, column: Column) -> list[Any]:
    return [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in report.frame[column.name].to_list()]


def _read_times(values: list[Any], column: Column) -> list[Any]:
    """Read the days and moments that a column holds as texts; others stay texts."""
    return [_read_time(value) for value in values] if column.name in _TIMES else values


def _read_time(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return value
    return moment.date() if len(value) == len("2026-11-01") else moment


def _write_sheet(book: Workbook, name: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], formats: dict[Any, Format]) -> None:
    """Write a sheet.

    Args:
        book: gets it.
        name: of the sheet.
        heads: its headings.
        rows: values below them.
        formats: of numbers by the index of their column; of days and moments by these names.
    """
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True})
    for column, head in enumerate(heads):
        sheet.write_string(0, column, _cut(head), bold)
    for row, values in enumerate(rows, 1):
        for column, value in enumerate(values):
            _write_cell(sheet, row, column, value, formats)
    for column, head in enumerate(heads):
        longest = max([len(head), *(len(str(values[column])) for values in rows[:1000])])
        sheet.set_column(column, column, min(longest + 2, _WIDEST))
    sheet.freeze_panes(1, 0)


def _write_cell(sheet: Worksheet, row: int, column: int, value: Any, formats: dict[Any, Format]) -> None:
    """Write one value as what it is; nothing for what is not known."""
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value)
        case int() | float() if math.isfinite(value) and abs(value) < _EXACT:
            sheet.write_number(row, column, value, formats.get(column))
        case datetime() if value.date() >= _EARLIEST:
            sheet.write_datetime(row, column, value.replace(tzinfo=None), formats["moment"])
        case date() if not isinstance(value, datetime) and value >= _EARLIEST:
            sheet.write_datetime(row, column, value, formats["day"])
        case _:
            sheet.write_string(row, column, _cut(str(value)))


def _cut(text: str) -> str:
    """Make a text visible and short enough for a cell."""
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _tell(report: Report) -> Iterator[tuple[str, Any]]:
    """Give what the rows are: the words around them, and what `--meta` says, name by name."""
    words = {"title": report.title, "headline": report.headline, "footer": report.footer}
    yield from ((name, text) for name, text in words.items() if text)
    yield from _flatten("", report.meta)


def _flatten(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Give each value of nested ones under the names that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _flatten(name, inner)
    elif value is not None:
        yield name, value
