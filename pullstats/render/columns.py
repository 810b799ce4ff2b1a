"""Sanitise whole columns: a cheap test first, Python once per distinct value that needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from pullstats.events import ID_COLUMNS
from pullstats.ids import ID_TYPE, write_ids

_SUSPECT: Final = "[^A-Za-z0-9 /:.,;?%$^=-]|^ *[=-]"
"""What any escape may change; other text is left alone without a call."""


def to_hex(frame: pl.DataFrame) -> pl.DataFrame:
    """Write the ids of events (`ID_COLUMNS`) of a `frame` as lower-case hexadecimal text; what is text already stays."""
    return frame.with_columns(write_ids(pl.col(name)) for name in ID_COLUMNS if frame.schema.get(name) == ID_TYPE)


def sanitise_columns(frame: pl.DataFrame, escape: Callable[[str], str]) -> pl.DataFrame:
    """Apply an escape to every text column.

    Args:
        frame: any frame.
        escape: one of `sanitise`'s functions; leaves plain ASCII words as they are.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns(_sanitise(frame[name], escape) for name in texts)


def _sanitise(column: pl.Series, escape: Callable[[str], str]) -> pl.Series:
    suspects = column.filter(column.str.contains(_SUSPECT)).unique()
    changed = {text: safe for text in suspects if (safe := escape(text)) != text}
    return column.replace(changed) if changed else column


def to_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Write the ids (`ID_COLUMNS`) of a `frame` as hexadecimal and its times as ISO 8601 with their offset; columns of lists are left out."""
    times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List | pl.Array)]
    written = to_hex(frame.drop(lists))
    return written.with_columns(_iso(written[name]) for name in times)


def _iso(times: pl.Series) -> pl.Series:
    has_fraction = bool((times.dt.microsecond() != 0).any())
    return times.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z" if has_fraction else "%Y-%m-%dT%H:%M:%S%:z")
