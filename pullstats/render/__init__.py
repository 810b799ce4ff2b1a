"""Answers to text and files. `sanitise` stands in front of every renderer.

To add a format: a function from a report to text or bytes, and an entry in `RENDERERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pullstats.errors import UsageError
from pullstats.render.machine import render_csv, render_json, render_markdown, render_ndjson, render_parquet
from pullstats.render.output import write_frames, write_output
from pullstats.render.table import render_table
from pullstats.reports import Report

__all__ = ["RENDERERS", "RenderOptions", "Renderer", "format_of_path", "render", "write_frames", "write_output"]


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to write an answer.

    Attributes:
        meta: wrap JSON as `{rows, meta}`.
        color: use colours.
        width: columns a table may take.
        formula_guard: guard CSV cells that a spreadsheet would run.
    """

    meta: bool = False
    color: bool = False
    width: int = 100
    formula_guard: bool = True


@dataclass(frozen=True, slots=True)
class Renderer:
    """An output format.

    Attributes:
        name: as `--format` takes it.
        help: what it is for.
        suffixes: endings of file names that choose it.
        render: from a report to text or bytes.
    """

    name: str
    help: str
    suffixes: tuple[str, ...]
    render: Callable[[Report, RenderOptions], str | bytes]


RENDERERS: Final[dict[str, Renderer]] = {
    renderer.name: renderer
    for renderer in (
        Renderer("table", "for people", (".txt",), render_table),
        Renderer("csv", "RFC 4180, guarded against formulas", (".csv",), render_csv),
        Renderer("json", "an array of flat objects", (".json",), render_json),
        Renderer("ndjson", "one object a line", (".ndjson", ".jsonl"), render_ndjson),
        Renderer("md", "a Markdown table", (".md",), render_markdown),
        Renderer("parquet", "a Parquet file", (".parquet",), render_parquet),
    )
}


def render(report: Report, format_name: str, options: RenderOptions) -> str | bytes:
    """Write a report in a format."""
    return RENDERERS[format_name].render(report, options)


def format_of_path(path: Path) -> str:
    """Choose the format by a file's ending.

    Raises:
        UsageError: the ending says nothing.
    """
    found = next((renderer.name for renderer in RENDERERS.values() if path.suffix.lower() in renderer.suffixes), None)
    if found is None:
        endings = ", ".join(suffix for renderer in RENDERERS.values() for suffix in renderer.suffixes)
        message = f"the ending of '{path}' names no format; use {endings}, or --format"
        raise UsageError(message)
    return found
