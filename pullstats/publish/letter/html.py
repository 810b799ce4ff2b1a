"""A letter in HTML for mail: no script, no style, no picture, nothing from elsewhere; what is in it is text."""

from __future__ import annotations

from collections.abc import Iterator

from pullstats.publish.letter.letter import Letter, Section, Table
from pullstats.render.sanitise import for_html
from pullstats.reports import NUMERIC


def render_html(letter: Letter) -> str:
    """Write a letter in HTML."""
    title = for_html(letter.title)
    lines = ["<!DOCTYPE html>", '<html lang="en">', f'<head><meta charset="utf-8"><title>{title}</title></head>', "<body>", f"<h1>{title}</h1>"]
    lines += [line for section in letter.sections for line in _write_section(section)]
    return "\n".join([*lines, "</body>", "</html>"]) + "\n"


def _write_section(section: Section) -> Iterator[str]:
    if section.heading:
        yield f"<h2>{for_html(section.heading)}</h2>"
    if section.sentences:
        yield f"<p>{for_html(' '.join(section.sentences))}</p>"
    if section.table:
        yield from _write_table(section.table, section.heading)
    if section.command:
        yield f"<p><small><code>{for_html(section.command)}</code></small></p>"


def _write_table(table: Table, caption: str) -> Iterator[str]:
    yield '<table border="1" cellpadding="4" cellspacing="0">'
    yield f"<caption>{for_html(caption)}</caption>"
    sides = [' align="right"' if column.kind in NUMERIC else ' align="left"' for column in table.columns]
    heads = "".join(f'<th scope="col"{side}>{for_html(column.title)}</th>' for column, side in zip(table.columns, sides, strict=True))
    yield f"<tr>{heads}</tr>"
    for row in table.rows:
        cells = "".join(f"<td{side}>{for_html(value)}</td>" for value, side in zip(row, sides, strict=True))
        yield f"<tr>{cells}</tr>"
    yield "</table>"
