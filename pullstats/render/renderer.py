"""What an output format is, and what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import polars as pl

from pullstats.reports import Report


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
        is_for_programs: whether programs read it: every value in a row of its own, ids whole, all rows where nobody says how many.
        has_total_row: whether there is room for a row of totals; where a program adds rows up, it would count twice.
        words: whether it tells more than the rows: `always`, with `--meta`, or `never`.
        shows_warnings: whether what must be said of a number stands in it; else it is said on standard error.
        keeps_window: whether what reads it expects the window asked for, so that it is never counted back from the newest event.
        write_batches: writes frames of one schema one after the other; None where all must be known before the first is written.
        append: writes what a file of the format holds, if there is one, and a frame of the same columns behind it; None where that cannot be.
    """

    name: str
    help: str
    suffixes: tuple[str, ...]
    render: Callable[[Report, RenderOptions], str | bytes]
    is_for_programs: bool = True
    has_total_row: bool = False
    words: Literal["always", "meta", "never"] = "never"
    shows_warnings: bool = False
    keeps_window: bool = False
    write_batches: Callable[[Iterable[pl.DataFrame], IO[bytes], RenderOptions], None] | None = None
    append: Callable[[pl.DataFrame, Path | None, IO[bytes], RenderOptions], None] | None = None
