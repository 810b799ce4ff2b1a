"""Draw a report for people: a table that fits the terminal, bars, sparklines, one footer line.

What is too wide first loses its bars, then breaks its headings, then is drawn as several tables below
each other, each with the rows' names; a number is never cut.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

from pullstats.percentages import write_change, write_share
from pullstats.render.renderer import RenderOptions
from pullstats.render.sanitise import for_terminal
from pullstats.reports import Column, Report

if TYPE_CHECKING:
    from rich.console import Console


_SPARKS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN_SPARK: Final = "·"
_BAR_WIDTH: Final = 12
_GAP: Final = 3
"""Blanks between two columns."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_KILO: Final = 1000
_NARROWEST: Final = 14
"""What a name is given at least: less tells nothing."""
NUMERIC: Final = frozenset({"count", "bytes", "share", "ratio", "number", "change"})
UNCUT: Final = NUMERIC | {"time", "bucket", "spark"}
UNKNOWN: Final = "unknown"
_FLAGS: Final = {"true": "yes", "false": "no"}
"""Flags that the row of the others made texts."""


def render_table(report: Report, options: RenderOptions) -> str:
    """Draw a report as text of at most `options.width` columns."""
    from rich.console import Console  # noqa: PLC0415 - only tables need it
    from rich.text import Text  # noqa: PLC0415

    if report.meta.get("is_untold"):  # one row of what nobody knows tells people nothing; programs add rows up
        report = replace(report, frame=report.frame.clear())
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=options.width, force_terminal=options.color, no_color=not options.color, highlight=False, emoji=False, markup=False
    )
    for line, style in ((report.title, "bold"), (report.headline, "bold")):
        if line:
            console.print(Text(for_terminal(line), style=style))
    if report.columns:
        _draw(report, console, options.width)
    if not report.frame.height:
        console.print(Text("no data" if report.is_empty else "no rows", style="yellow"))
    for line in (report.footer, *report.meta.get("warnings", ())):
        if line and str(line) not in report.title:
            console.print(Text(for_terminal(str(line)), style="dim"))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _draw(report: Report, console: Console, width: int) -> None:
    cells = {column.name: _cells(report, column) for column in report.columns}
    heads = _heads(report.columns, cells, width)
    for index, columns in enumerate(_split(report.columns, _needs(report.columns, cells, heads), width)):
        if index:
            console.print()
        _draw_part(report, columns, cells, heads, console, width)


def _draw_part(
    report: Report, columns: Sequence[Column], cells: Mapping[str, list[str]], heads: Mapping[str, str], console: Console, width: int
) -> None:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    needs = _needs(columns, cells, heads)
    has_bars = _has_room_for_bars(columns, needs, width)
    rooms = _text_rooms(columns, needs, width, has_bars=has_bars)
    wrapped = {name for name, room in rooms.items() if _are_cut_alike(cells[name], room)}
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column in columns:
        least = needs[column.name] if column.kind in UNCUT else None
        is_prose = column.kind == "prose" or column.name in wrapped
        width_most = rooms[column.name] if is_prose else None
        justify: Literal["left", "right"] = "right" if column.kind in NUMERIC else "left"
        table.add_column(Text(heads[column.name]), justify=justify, no_wrap=not is_prose, min_width=least, max_width=width_most, overflow="fold")
        if column.bar and has_bars:
            table.add_column("", no_wrap=True)
    for index in range(report.frame.height):
        row: list[Text] = []
        for column in columns:
            text = cells[column.name][index]
            is_cut = column.name in rooms and column.kind != "prose" and column.name not in wrapped
            style = "bold" if index == report.meta.get("total_row") else "dim italic" if _is_other(text) else ""
            row.append(Text(_cut(text, rooms[column.name]) if is_cut else text, style=style))
            if column.bar and has_bars:
                row.append(Text(_bar(report, column, index), style="cyan"))
        table.add_row(*row)
    console.print(table)


def _heads(columns: Sequence[Column], cells: Mapping[str, list[str]], width: int) -> dict[str, str]:
    """Give the headings: in one line, or where the table is too wide, broken between words."""
    whole = {column.name: column.title for column in columns}
    if _least(columns, _needs(columns, cells, whole), width) <= width:
        return whole
    broken = {}
    for column in columns:
        words = max(map(width_of, column.title.split()), default=1)
        room = max([words, *map(width_of, cells[column.name])])
        broken[column.name] = textwrap.fill(column.title, room, break_long_words=False, break_on_hyphens=False)
    return broken


def _split(columns: Sequence[Column], needs: dict[str, int], width: int) -> list[list[Column]]:
    """Divide columns among as many tables as it takes; each begins with the columns that name a row."""
    names = _find_names(columns, needs, width)
    parts, part = [], list(names)
    for column in columns[len(names) :]:
        if len(part) > len(names) and _least([*part, column], needs, width) > width:
            parts.append(part)
            part = list(names)
        part.append(column)
    return [*parts, part]


def _find_names(columns: Sequence[Column], needs: dict[str, int], width: int) -> list[Column]:
    """Give the columns that name a row: those before the first number, or where these alone are too wide, the first."""
    names = list(takewhile(lambda column: column.kind not in NUMERIC and column.kind != "spark", columns))
    return names if _least(names, needs, width) <= width else names[:1]


def _least(columns: Sequence[Column], needs: dict[str, int], width: int) -> int:
    """Give the width below which a number would be cut."""
    return sum(_text_rooms(columns, needs, width, has_bars=False).values()) + _taken(columns, needs, has_bars=False)


def _is_other(text: str) -> bool:
    return text in {UNKNOWN, "other"}


def _needs(columns: Sequence[Column], cells: Mapping[str, list[str]], heads: Mapping[str, str]) -> dict[str, int]:
    """Give the width that each column would like."""
    return {column.name: max([*map(width_of, heads[column.name].split("\n")), *map(width_of, cells[column.name])], default=1) for column in columns}


def _taken(columns: Sequence[Column], needs: dict[str, int], *, has_bars: bool) -> int:
    """Sum up what numbers, times, bars and the gaps between columns take."""
    bars = sum(1 for column in columns if column.bar and has_bars)
    return sum(needs[column.name] for column in columns if column.kind in UNCUT) + bars * _BAR_WIDTH + _GAP * (len(columns) + bars - 1)


def _has_room_for_bars(columns: Sequence[Column], needs: dict[str, int], width: int) -> bool:
    """Tell whether bars leave every text column its least: a number is worth more than its bar."""
    rooms = _text_rooms(columns, needs, width, has_bars=True)
    return sum(rooms.values()) + _taken(columns, needs, has_bars=True) <= width


def _text_rooms(columns: Sequence[Column], needs: dict[str, int], width: int, *, has_bars: bool) -> dict[str, int]:
    """Share what numbers, times and bars leave among the text columns: short ones keep what they need."""
    texts = sorted((column.name for column in columns if column.kind not in UNCUT), key=lambda name: needs[name])
    left = width - _taken(columns, needs, has_bars=has_bars)
    rooms: dict[str, int] = {}
    for index, name in enumerate(texts):
        rooms[name] = min(needs[name], max(left // (len(texts) - index), _NARROWEST))
        left -= rooms[name]
    return rooms


def width_of(text: str) -> int:
    """Give the columns of a terminal that a text takes: a letter of Chinese takes two, a combining accent none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - few names need it

    return cell_len(text)


def _cut(text: str, room: int) -> str:
    """Cut a long text in its middle: beginnings and ends tell most."""
    if width_of(text) <= room:
        return text
    head = _fit(text, (room - 1) * 2 // 3)
    tail = _fit(text[::-1], room - 1 - width_of(head))[::-1]
    return f"{head}…{tail}"


def _are_cut_alike(texts: Sequence[str], room: int) -> bool:
    """Tell whether cutting would leave rows that cannot be told apart: those are wrapped."""
    whole = set(texts)
    return len({_cut(text, room) for text in whole}) < len(whole)


def _fit(text: str, room: int) -> str:
    """Give as much of a text's beginning as has room."""
    end = min(len(text), room)
    while width_of(text[:end]) > room:
        end -= 1
    return text[:end]


def _cells(report: Report, column: Column) -> list[str]:
    return [format_cell(value, column) for value in report.frame[column.name].to_list()]


def format_cell(value: Any, column: Column) -> str:
    """Write one value for people."""
    if column.kind == "spark":
        return sparkline(value or [])
    if value is None or value != value:  # noqa: PLR0124 - what is no number equals nothing, not even itself
        return UNKNOWN if column.kind in {"dimension", "bucket"} else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == UNKNOWN and not column.has_unknown:
        return f'"{UNKNOWN}"'  # somebody's name, and not what is missing
    if column.value == "boolean" and value in _FLAGS:
        return _FLAGS[value]
    if column.kind in _FORMS:
        return _FORMS[column.kind](value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return for_terminal(str(value))


def format_bytes(count: int) -> str:
    """Write bytes in decimal units: 1.2 GB."""
    from rich.filesize import decimal  # noqa: PLC0415 - most tables show none

    return f"{count} B" if count < _KILO else decimal(count)


def _format_number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.2f}"


_FORMS: Final[dict[str, Callable[[Any], str]]] = {
    "share": write_share,
    "change": write_change,
    "number": _format_number,
    "ratio": lambda value: f"{value:.3g}",
    "bytes": lambda value: format_bytes(int(value)),
    "count": lambda value: f"{value:,}",
}
"""How each kind of number is written."""


def sparkline(values: Sequence[float | None]) -> str:
    """Draw numbers as a line of eight heights, zero as the lowest; what is not known is a dot."""
    top = max((value or 0 for value in values), default=0) or 1
    return "".join(
        _UNKNOWN_SPARK if value is None else _SPARKS[min(int(value / top * (len(_SPARKS) - 1) + 0.5), len(_SPARKS) - 1)] for value in values
    )


def _bar(report: Report, column: Column, index: int) -> str:
    place = report.meta.get("total_row", report.frame.height)
    values = report.frame[column.name].head(place).cast(pl.Float64)
    if index == place:
        return ""
    top, value = float(values.drop_nulls().max() or 0), values[index]  # type: ignore[arg-type]
    if not top or not value:
        return ""
    eighths = round(float(value) / top * _BAR_WIDTH * 8)
    return _EIGHTHS[-1] * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
