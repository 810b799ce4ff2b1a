"""Reports as HTML: tables with bars, words escaped, nothing that a strict Content-Security-Policy forbids.

Bars and lines are inline SVG, whose sizes are attributes and no styles, so that they are drawn without scripts, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from pullstats.render.cells import format_cell
from pullstats.render.columns import to_hex
from pullstats.render.sanitise import for_html, visible
from pullstats.reports import NUMERIC, Column, Report

_EXACT: Final = frozenset({"bytes", "share", "ratio", "change"})
"""Kinds whose cells say less than their value: it stands beside them for whoever copies the table."""
_SPARK: Final = (120, 20)
_JSON: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def paragraph(text: str, name: str = "") -> str:
    """Write a paragraph of plain text, of a class if it is named."""
    return f"<p{f' class={name}' if name else ''}>{for_html(text)}</p>" if text else ""


def embed(content: Any, identity: str) -> str:
    """Write a block of data that scripts read: ASCII JSON that holds no markup.

    Args:
        content: lists, dicts, numbers, texts; texts of logs are made visible by whoever gives them.
        identity: id of the element.
    """
    text = json.dumps(content, separators=(",", ":"))
    for sign, code in _JSON.items():
        text = text.replace(sign, code)
    return f'<script type="application/json" id="{identity}">{text}</script>'


def show(text: str) -> str:
    """Make a text of a log visible for a block of data."""
    return visible(text)


def draw_table(report: Report, caption: str) -> str:
    """Draw a report as a table with bars, and a button that copies it as CSV; a sentence where it has no rows.

    Args:
        report: the answer.
        caption: what it is, for the caption and for who hears it read.
    """
    if not report.frame.height:
        return paragraph(report.headline or "Nothing to show in this window.", "empty")
    frame = to_hex(report.frame)
    heads = "".join(f"<th scope=col{_is_number(column)}>{for_html(column.title)}</th>" for column in report.columns)
    cells = [_draw_cells(frame[column.name], column, report, is_first=index == 0) for index, column in enumerate(report.columns)]
    rows = "".join(f"<tr>{''.join(row)}</tr>\n" for row in zip(*cells, strict=True))
    shown = for_html(caption)
    return (
        f'<div class=frame role=region tabindex=0 aria-label="{shown}"><table><caption>{shown}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{COPY}"
    )


COPY: Final = "<button type=button class=copy hidden>Copy as CSV</button>"
"""The button that `page.js` shows and binds to the table before it."""


def _is_number(column: Column) -> str:
    return " class=n" if column.kind in NUMERIC else ""


def _draw_cells(values: pl.Series, column: Column, report: Report, *, is_first: bool) -> Sequence[str]:
    if column.kind == "spark":
        return [f"<td>{draw_spark(value)}</td>" for value in values.to_list()]
    bars = _bars(values, report) if column.bar else [""] * values.len()
    tag = "th scope=row" if is_first and column.kind not in NUMERIC else f"td{_is_number(column)}"
    written = (_write(value, column) for value in values.to_list())
    return [f"<{tag}>{bar}{text}</{tag[:2]}>" for text, bar in zip(written, bars, strict=True)]


def _write(value: Any, column: Column) -> str:
    text = for_html(format_cell(value, column))
    if value is None or column.kind not in _EXACT or value != value:  # noqa: PLR0124 - what is no number equals nothing, not even itself
        return text
    return f"<data value={round(value, 6):.10g}>{text}</data>"


def _bars(values: pl.Series, report: Report) -> list[str]:
    """Draw each value as a part of the largest, the totals left out."""
    numbers = values.cast(pl.Float64)
    top = float(numbers.max() or 0)  # type: ignore[arg-type]
    total = report.meta.get("total_row")
    return [draw_bar(value / top) if value and top and index != total else "" for index, value in enumerate(numbers)]


def draw_bar(part: float) -> str:
    """Draw a part of a whole.

    Args:
        part: from 0 to 1.
    """
    return f'<svg class=bar viewBox="0 0 1 1" preserveAspectRatio=none aria-hidden=true><rect width={part:.4g} height=1 /></svg>'


def draw_spark(values: Sequence[float | None] | None) -> str:
    """Draw numbers as a small line; what is not known is left open."""
    width, height = _SPARK
    line = draw_line(list(values or ()), width, height)
    return f'<svg class=spark viewBox="0 0 {width} {height}" width={width} height={height} aria-hidden=true>{line}</svg>'


def draw_line(values: Sequence[float | None], width: int, height: int) -> str:
    """Draw numbers as a path from 0 at the bottom to the largest at the top; what is not known parts it.

    Args:
        values: a number a bucket, None where nothing is known.
        width: of the drawing.
        height: of the drawing.
    """
    top = max((value for value in values if value is not None), default=0) or 1
    step = width / max(len(values) - 1, 1)
    parts, is_open = [], False
    for index, value in enumerate(values):
        if value is None:
            is_open = False
            continue
        parts.append(f"{'L' if is_open else 'M'}{index * step:.1f} {height - 1 - value / top * (height - 2):.1f}")
        parts += [] if is_open or _goes_on(values, index) else ["h1"]
        is_open = True
    return f'<path d="{"".join(parts)}"/>'


def _goes_on(values: Sequence[float | None], index: int) -> bool:
    return index + 1 < len(values) and values[index + 1] is not None


def draw_notes(texts: Iterable[str]) -> str:
    """Write what must be said of a number as a list; nothing where there is nothing."""
    told = "".join(f"<li>{for_html(text)}</li>" for text in texts)
    return f"<ul class=notes>{told}</ul>" if told else ""
