"""A letter in plain text, 72 columns wide."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import replace
from typing import Final

from pullstats.publish.letter.letter import Letter, Section, Table
from pullstats.render.cells import cut, pad, width_of
from pullstats.render.sanitise import for_terminal
from pullstats.reports import NUMERIC

WIDTH: Final = 72
_GAP: Final = 2
_GOES_ON: Final = " \\"
_LEAST: Final = 8


def render_text(letter: Letter) -> str:
    """Write a letter in plain text."""
    parts = [_underline(letter.title, "="), *(part for section in letter.sections for part in _write_section(section))]
    return "\n\n".join(parts) + "\n"


def _write_section(section: Section) -> list[str]:
    heading = [_underline(section.heading, "-")] if section.heading else []
    text = [_fill(" ".join(section.sentences))] if section.sentences else []
    table = [_write_table(section.table)] if section.table else []
    return [*heading, *text, *table, *([_break_command(section.command)] if section.command else [])]


def _underline(text: str, line: str) -> str:
    shown = _fill(text)
    return f"{shown}\n{line * max(map(width_of, shown.splitlines()), default=1)}"


def _break_command(command: str) -> str:
    """Write a command on lines that a shell reads as one, broken between its words; a word that is longer stays whole."""
    lines = ["  $"]
    for word in map(shlex.quote, shlex.split(command)):
        shown = for_terminal(word)
        if len(lines[-1]) + len(shown) + len(_GOES_ON) >= WIDTH:
            lines[-1] += _GOES_ON
            lines.append("   ")
        lines[-1] += f" {shown}"
    return "\n".join(lines)


def _fill(text: str) -> str:
    """Break text into lines; a word that is longer is broken, too, so that no line is."""
    return textwrap.fill(for_terminal(text), WIDTH, break_on_hyphens=False)


def _write_table(table: Table) -> str:
    """Draw a table; names are cut in their middle where the line is full, and lists behind them, whose numbers none may cut, are left out."""
    table = replace(table, columns=tuple(column for place, column in enumerate(table.columns) if not place or column.kind != "prose"))
    lines = [[column.title for column in table.columns], *table.rows]
    widths = [max(width_of(line[place]) for line in lines) for place in range(len(table.columns))]
    texts = [place for place, column in enumerate(table.columns) if column.kind not in NUMERIC]
    while (rest := sum(widths) + _GAP * (len(widths) - 1) - WIDTH) > 0 and (widest := max(texts, key=lambda place: widths[place])) is not None:
        if widths[widest] <= _LEAST:
            break
        widths[widest] = max(_LEAST, widths[widest] - max(1, rest // len(texts)))
    drawn = [[pad(cut(value, widths[place]), widths[place], is_left=place in texts) for place, value in enumerate(line)] for line in lines]
    drawn.insert(1, ["-" * width for width in widths])
    return "\n".join((" " * _GAP).join(line).rstrip() for line in drawn)
