"""The output formats: each with what it can do, and how one is chosen.

To add one: a function from a report to text or bytes, and an entry in `RENDERERS`; options, help and checks follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.render import appending, batches
from pullstats.render.machine import render_csv, render_json, render_markdown, render_ndjson, render_parquet
from pullstats.render.openmetrics import render_openmetrics
from pullstats.render.output import opened
from pullstats.render.renderer import Renderer, RenderOptions
from pullstats.render.table import render_table
from pullstats.render.xlsx import render_xlsx
from pullstats.reports import Report

RENDERERS: Final[dict[str, Renderer]] = {
    renderer.name: renderer
    for renderer in (
        Renderer("table", "for people", (".txt",), render_table, is_for_programs=False, has_total_row=True, words="always", shows_warnings=True),
        Renderer(
            "csv",
            "RFC 4180, guarded against formulas",
            (".csv",),
            render_csv,
            has_total_row=True,
            write_batches=batches.write_csv,
            append=appending.append_csv,
        ),
        Renderer("json", "an array of flat objects", (".json",), render_json, words="meta"),
        Renderer(
            "ndjson",
            "one object a line",
            (".ndjson", ".jsonl"),
            render_ndjson,
            write_batches=batches.write_ndjson,
            append=appending.append_ndjson,
        ),
        Renderer("md", "a Markdown table", (".md",), render_markdown, is_for_programs=False, has_total_row=True, words="always"),
        Renderer("parquet", "a Parquet file", (".parquet",), render_parquet, write_batches=batches.write_parquet, append=appending.append_parquet),
        Renderer("xlsx", "a workbook: the rows, and what they are", (".xlsx",), render_xlsx, words="always", shows_warnings=True),
        Renderer(
            "openmetrics",
            "gauges for Prometheus, as node_exporter's textfile collector reads them",
            (".prom",),
            render_openmetrics,
            keeps_window=True,
        ),
    )
}


def render(report: Report, format_name: str, options: RenderOptions) -> str | bytes:
    """Write a report in a format.

    Args:
        report: the answer.
        format_name: one of `RENDERERS`.
        options: how to write it.
    """
    return RENDERERS[format_name].render(report, options)


def write_frames(frames: Iterable[pl.DataFrame], format_name: str, path: Path | None, *, formula_guard: bool = True) -> None:
    """Write a large export batch by batch: memory holds one batch.

    Args:
        frames: batches of one schema, at least one; any columns that `to_text` can write.
        format_name: one that writes batches.
        path: file to replace, None for standard output.
        formula_guard: guard CSV cells that a spreadsheet would run.

    Raises:
        UserError: another format, or a file that cannot be written.
    """
    write = RENDERERS[format_name].write_batches
    if write is None:
        known = ", ".join(renderer.name for renderer in RENDERERS.values() if renderer.write_batches is not None)
        raise UsageError(f"this export is written as {known}, not as {format_name}")
    with opened(path) as stream:
        write(frames, stream, RenderOptions(formula_guard=formula_guard))


def format_of_path(path: Path) -> str:
    """Choose the format by a file's ending.

    Raises:
        UsageError: the ending says nothing.
    """
    found = next((renderer.name for renderer in RENDERERS.values() if path.suffix.lower() in renderer.suffixes), None)
    if found is None:
        endings = ", ".join(suffix for renderer in RENDERERS.values() for suffix in renderer.suffixes)
        raise UsageError(f"the ending of '{path}' names no format; use {endings}, or --format")
    return found
