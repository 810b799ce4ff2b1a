"""Tables of what was measured, the goals beside them, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure import Series

MB = 1_000_000
MOST_MEMORY = 3_000 * MB
SMALL_LOGS = 1_000
LEAST_PACE = 300_000
HEADINGS = ("", "wall s (median)", "min–max", "CPU s", "peak MB", "lines/s", "× the first")


def table_rows(series: Sequence[Series]) -> list[tuple[str, ...]]:
    """One row a contestant; ratios are to the first contestant's median wall time."""
    first = series[0].wall if series and series[0].runs else None
    return [_row(one, first) for one in series]


def _row(one: Series, first: float | None) -> tuple[str, ...]:
    if not one.runs:
        return (f"{one.name}: {one.note or 'not run'}", "", "", "", "", "", "")
    low, high = one.spread
    rate = f"{one.lines / one.wall:,.0f}" if one.lines else ""
    return (
        one.name,
        f"{one.wall:.2f}",
        f"{low:.2f}–{high:.2f}",
        f"{one.cpu:.2f}",
        f"{one.peak / MB:,.0f}",
        rate,
        f"{one.wall / first:.2f}" if first else "",
    )


def text_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Align columns for a terminal."""
    cells = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    )


def markdown_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Write a Markdown table, numbers to the right."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def machine() -> list[tuple[str, str]]:
    """CPU, cores, memory, kernel and versions of everything measured."""
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.partition(":")[2].strip() for line in facts.splitlines() if line.startswith("model name")),
        platform.processor() or "unknown",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        ("CPU", model),
        ("cores", str(os.cpu_count())),
        ("memory", f"{memory:.1f} GB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("GoAccess", _goaccess()),
        *((name, _package(name)) for name in ("pullstats", "polars", "pyarrow", "deltalake", "duckdb", "chdb-core")),
    ]


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _goaccess() -> str:
    if not shutil.which("goaccess"):
        return "not installed"
    told = subprocess.run(("goaccess", "--version"), capture_output=True, text=True, check=False).stdout
    return told.splitlines()[0].removeprefix("GoAccess - ").rstrip(".") if told else "unknown"
