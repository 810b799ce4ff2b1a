"""Write a report for programs: CSV, JSON, ndjson, Markdown, Parquet. No colour, no cutting."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from pullstats.percentages import DIGITS, WHOLES, write_change, write_share
from pullstats.render.columns import sanitise_columns, to_text
from pullstats.render.renderer import RenderOptions
from pullstats.render.sanitise import for_csv, for_markdown, for_markdown_paragraph, visible
from pullstats.reports import Report

_PERCENTAGES: Final = {"share": write_share, "change": write_change}
"""Kinds of columns that Markdown shows as tables do."""


def machine_frame(report: Report) -> pl.DataFrame:
    """Give a report's frame (its `columns`, in order) as programs get it: ids as hexadecimal, times as text, no sparklines."""
    kept = [column.name for column in report.columns if column.kind != "spark"]
    frame = to_text(report.frame.select(kept))
    shares = [column.name for column in report.columns if column.kind in _PERCENTAGES]
    frame = frame.with_columns(pl.selectors.float().fill_nan(None))
    others = pl.selectors.float() - pl.selectors.by_name(shares)
    return frame.with_columns(others.round(DIGITS), *(_round_shares(frame[name]) for name in shares))


def _round_shares(shares: pl.Series) -> pl.Series:
    """Round shares as `round_share` does."""
    rounded = shares.round(DIGITS)
    return shares.zip_with(rounded.is_in(WHOLES), rounded)


def render_csv(report: Report, options: RenderOptions) -> str:
    """Write RFC 4180 with a header line and LF line ends; nothing for null; see `Renderer`."""
    return csv_text(machine_frame(report), formula_guard=options.formula_guard)


def csv_text(frame: pl.DataFrame, *, formula_guard: bool, has_header: bool = True) -> str:
    """Write a frame as CSV.

    Args:
        frame: any columns under their names; `to_text` leaves lists out.
        formula_guard: guard cells that a spreadsheet would run.
        has_header: begin with a line of the columns' names.
    """
    return sanitise_columns(to_text(frame), for_csv if formula_guard else visible).write_csv(include_header=has_header)


def render_json(report: Report, options: RenderOptions) -> str:
    """Write an array of flat objects, ASCII only; with `meta`, wrapped as `{rows, meta}`; see `Renderer`."""
    rows = _rows(report)
    content: Any = {"rows": rows, "meta": report.meta} if options.meta else rows
    return json.dumps(content, default=_plain) + "\n"


def render_ndjson(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - one signature for all
    """Write one object a line, ASCII only; see `Renderer`."""
    if not _mixed(report):
        return ndjson_text(machine_frame(report))
    return "".join(f"{json.dumps(row, default=_plain)}\n" for row in _rows(report))


def _rows(report: Report) -> list[dict[str, Any]]:
    """Give the rows; numbers and flags that share their column with the row of the others are such all the same."""
    rows = machine_frame(report).to_dicts()
    for name in _mixed(report):
        for row in rows:
            with contextlib.suppress(TypeError, ValueError):
                row[name] = json.loads(row[name])
    return rows


def _mixed(report: Report) -> list[str]:
    return [column.name for column in report.columns if column.value != "text" and report.frame.schema[column.name] == pl.String]


def ndjson_text(frame: pl.DataFrame) -> str:
    """Write each row of a `frame` of any columns as one object a line, ASCII only."""
    written = to_text(frame).write_ndjson()
    return written if written.isascii() else "".join(f"{json.dumps(json.loads(line))}\n" for line in written.split("\n") if line)


def render_markdown(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - one signature for all
    """Write a Markdown table; see `Renderer`."""
    frame = machine_frame(report)
    percentages = [column for column in report.columns if column.kind in _PERCENTAGES]
    frame = frame.with_columns(_write_all(frame[column.name], _PERCENTAGES[column.kind]) for column in percentages)
    frame = sanitise_columns(frame, for_markdown)
    heads = [for_markdown(column.title) for column in report.columns if column.kind != "spark"]
    lines = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in frame.rows())]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    table = f"{for_markdown_paragraph(report.title)}\n\n{table}" if report.title else table
    return f"{table}\n\n{for_markdown_paragraph(report.footer)}\n" if report.footer else f"{table}\n"


def _write_all(values: pl.Series, write: Callable[[float], str]) -> pl.Series:
    return pl.Series(values.name, [None if value is None else write(value) for value in values], pl.String)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def render_parquet(report: Report, options: RenderOptions) -> bytes:  # noqa: ARG001 - one signature for all
    """Write a Parquet file; texts stay as they are; see `Renderer`."""
    buffer = io.BytesIO()
    kept = [column.name for column in report.columns if column.kind != "spark"]
    report.frame.select(kept).with_columns(pl.selectors.float().fill_nan(None)).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def encode_text(text: str) -> bytes:
    """Write a text as UTF-8; surrogates that stand alone, which it does not know, as escapes."""
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
