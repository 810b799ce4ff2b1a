"""The shape in which an answer travels from `metrics` to `render`.

Both stages know this module and neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import polars as pl

ColumnKind = Literal["dimension", "bucket", "count", "bytes", "share", "ratio", "number", "change", "time", "text", "heat", "prose", "spark"]

NUMERIC: Final = frozenset({"count", "bytes", "share", "ratio", "number", "change"})
"""Kinds of columns that hold numbers, which stand to the right."""

MOVED: Final = "(--as-of newest)"
"""How the warning ends that a window was counted back from the newest event."""


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a report is to be read and drawn.

    Attributes:
        name: column of the frame; machine formats use it as the key (`status_class`).
        title: heading for people (`status class`).
        kind: `dimension` (a group's value; null means unknown), `bucket` (time bucket, ISO text),
            `count` (integer), `bytes` (integer, drawn as 1.2 GB), `share` (0–1, drawn as a
            percentage), `ratio` (float), `number` (whole or not, as it comes), `change` (0.25 drawn as +25.0 %), `time` (UTC datetime), `text`, `heat` (per cents in a text, the darker the more), `prose` (text that is
            wrapped, not cut), `spark` (list of numbers,
            drawn as a sparkline by people's formats and left out by machine formats).
        additive: whether values of different rows may be added.
        bar: whether people's formats draw a bar beside it (its share of the column's maximum).
        value: what a dimension's values are, even where the row of the others makes the column one of texts.
        has_unknown: whether a dimension's value that is spelled `unknown` means that nobody knows it.
    """

    name: str
    title: str
    kind: ColumnKind
    additive: bool = False
    bar: bool = False
    value: Literal["text", "number", "boolean"] = "text"
    has_unknown: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """An answer, ready to be drawn.

    Attributes:
        frame: one row per group, in final order, with exactly the columns below.
        columns: how to read each column, in order.
        title: one line over a table, or empty.
        footer: one line under a table (window, zone, rule, unique level, completeness).
        headline: sentence with the totals, or empty ("1,000 downloads from 5 origins").
        meta: what `--meta` adds to JSON: window, tz, counting_rule, unique_level, excluded,
            completeness, warnings.
        is_empty: no event lay in the window (exit 4).
        flat: what machine formats get instead, where people get several values in one cell.
    """

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    title: str = ""
    footer: str = ""
    headline: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    is_empty: bool = False
    flat: tuple[pl.DataFrame, tuple[Column, ...]] | None = None

    def with_warnings(self, *said: str) -> Report:
        """Give the same report with more to say behind its warnings: a sentence each."""
        return replace(self, meta=self.meta | {"warnings": [*self.meta["warnings"], *said]})
