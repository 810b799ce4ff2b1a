"""Draw a report for people: a table that fits the terminal, bars, sparklines, one footer line.

What is too wide first loses its bars, then breaks its headings, then is drawn as several tables below
each other, each with the rows' names; a number is never cut.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from pullstats.render.cells import BAR_WIDTH, UNKNOWN, cut, draw_bar, format_cell, width_of
from pullstats.render.renderer import RenderOptions
from pullstats.render.sanitise import for_terminal
from pullstats.reports import NUMERIC, Column, Report

if TYPE_CHECKING:
    from rich.console import Console

_GAP: Final = 3
"""Blanks between two columns."""
_NARROWEST: Final = 14
"""What a name is given at least: less tells nothing."""
_LEAST_PROSE: Final = 24
"""What a sentence is given at least, or three tenths of a narrow terminal: less is a word a line."""
_GLUE: Final = "\ue000"
"""Stands between a number and its per cent sign while lines are broken; a text of somebody's that holds it shows a blank."""
UNCUT: Final = NUMERIC | {"time", "bucket", "spark", "heat"}
_HEAT: Final = ("", "white on color(17)", "white on color(18)", "white on color(19)", "white on color(20)")
"""Backgrounds of per cents, a fifth each."""


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
            console.print(Text(_glue(line), style=style))
    if report.columns:
        _draw(report, console, options.width)
    if not report.frame.height:
        console.print(Text("no data" if report.is_empty else "no rows", style="yellow"))
    for line in (report.footer, *report.meta.get("warnings", ())):
        if line and str(line) not in report.title:
            console.print(Text(_glue(str(line)), style="dim"))
    return "\n".join(line.rstrip() for line in buffer.getvalue().replace(_GLUE, " ").splitlines()) + "\n"


def _glue(line: str) -> str:
    """Keep each number beside its per cent sign."""
    return for_terminal(line).replace(" %", f"{_GLUE}%")


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
        justify: Literal["left", "right"] = "right" if column.kind in NUMERIC | {"heat"} else "left"
        table.add_column(Text(heads[column.name]), justify=justify, no_wrap=not is_prose, min_width=least, max_width=width_most, overflow="fold")
        if column.bar and has_bars:
            table.add_column("", no_wrap=True)
    for index in range(report.frame.height):
        row: list[Text] = []
        for column in columns:
            text = cells[column.name][index]
            is_cut = column.name in rooms and column.kind != "prose" and column.name not in wrapped
            style = "bold" if index == report.meta.get("total_row") else "dim italic" if _is_other(text) else _heat(text, column)
            row.append(Text(cut(text, rooms[column.name]) if is_cut else text, style=style))
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
    names = list(takewhile(lambda column: column.kind not in NUMERIC | {"spark", "heat"}, columns))
    return names if _least(names, needs, width) <= width else names[:1]


def _least(columns: Sequence[Column], needs: dict[str, int], width: int) -> int:
    """Give the width below which a number would be cut."""
    return sum(_text_rooms(columns, needs, width, has_bars=False).values()) + _taken(columns, needs, has_bars=False)


def _is_other(text: str) -> bool:
    return text in {UNKNOWN, "other"}


def _heat(text: str, column: Column) -> str:
    """Give the background of a cell that holds per cents; none of others."""
    digits = text.lstrip("~<>")
    return _HEAT[min(int(digits) * len(_HEAT) // 100, len(_HEAT) - 1)] if column.kind == "heat" and digits.isdecimal() else ""


def _needs(columns: Sequence[Column], cells: Mapping[str, list[str]], heads: Mapping[str, str]) -> dict[str, int]:
    """Give the width that each column would like."""
    return {column.name: max([*map(width_of, heads[column.name].split("\n")), *map(width_of, cells[column.name])], default=1) for column in columns}


def _taken(columns: Sequence[Column], needs: dict[str, int], *, has_bars: bool) -> int:
    """Sum up what numbers, times, bars and the gaps between columns take."""
    bars = sum(1 for column in columns if column.bar and has_bars)
    return sum(needs[column.name] for column in columns if column.kind in UNCUT) + bars * BAR_WIDTH + _GAP * (len(columns) + bars - 1)


def _has_room_for_bars(columns: Sequence[Column], needs: dict[str, int], width: int) -> bool:
    """Tell whether bars leave every text column its least: a number is worth more than its bar."""
    rooms = _text_rooms(columns, needs, width, has_bars=True)
    return sum(rooms.values()) + _taken(columns, needs, has_bars=True) <= width


def _text_rooms(columns: Sequence[Column], needs: dict[str, int], width: int, *, has_bars: bool) -> dict[str, int]:
    """Share what numbers, times and bars leave among the text columns: short ones keep what they need."""
    texts = sorted((column for column in columns if column.kind not in UNCUT), key=lambda column: needs[column.name])
    left = width - _taken(columns, needs, has_bars=has_bars)
    prose = max(_NARROWEST, min(_LEAST_PROSE, width * 3 // 10))
    rooms: dict[str, int] = {}
    for index, column in enumerate(texts):
        least = prose if column.kind == "prose" else _NARROWEST
        rooms[column.name] = min(needs[column.name], max(left // (len(texts) - index), least))
        left -= rooms[column.name]
    return rooms


def _are_cut_alike(texts: Sequence[str], room: int) -> bool:
    """Tell whether cutting would leave rows that cannot be told apart: those are wrapped."""
    whole = set(texts)
    return len({cut(text, room) for text in whole}) < len(whole)


def _cells(report: Report, column: Column) -> list[str]:
    return [format_cell(value, column) for value in report.frame[column.name].to_list()]


def _bar(report: Report, column: Column, index: int) -> str:
    place = report.meta.get("total_row", report.frame.height)
    values = report.frame[column.name].head(place).cast(pl.Float64)
    if index == place:
        return ""
    top, value = float(values.drop_nulls().max() or 0), values[index]  # type: ignore[arg-type]
    if not top or not value:
        return ""
    return draw_bar(float(value) / top)
