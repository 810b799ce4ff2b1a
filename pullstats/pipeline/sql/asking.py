"""Ask a store in SQL: plan it, give DuckDB what the plan reads, and let the rows come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, Self

import polars as pl

from pullstats.clock import find_zone
from pullstats.metrics import Query
from pullstats.metrics.plan import resolve
from pullstats.pipeline.answer import prepare
from pullstats.pipeline.asking import ask_store
from pullstats.pipeline.sql.engine import find_columns, lock, opened, told
from pullstats.pipeline.sql.results import describe, read_batches
from pullstats.pipeline.sql.tables import fill, schemas
from pullstats.reports import Report
from pullstats.store import Store

SHOWN: Final = 1_000
"""Rows that people are shown at most: what is more, programs read."""
_BATCH_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer in SQL, as it comes; it holds DuckDB until it is closed.

    Attributes:
        frames: batches of one schema, at least one.
        warnings: what of the store is missing.
        resources: what it holds.
    """

    frames: Iterator[pl.DataFrame]
    warnings: list[str]
    resources: ExitStack

    def __enter__(self) -> Self:
        """Hold what it needs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.resources.close()


def ask_sql(store: Path, text: str, query: Query) -> Rows:
    """Ask one SELECT of one snapshot of a store.

    Args:
        store: its folder.
        text: what is asked.
        query: what counts as a download, in which zone, and what it may take; over the whole history.

    Raises:
        UsageError: a store that cannot be used, or what cannot be asked.
    """
    zone = find_zone(query.tz).key
    wanted = find_columns(text, schemas(), zone, query.memory)
    (frames, resources), warnings = ask_store(store, lambda found: _ask(found, text, replace(query, tz=zone), wanted))
    return Rows(frames, warnings, resources)


def _ask(found: Store, text: str, query: Query, wanted: dict[str, set[str]]) -> tuple[Iterator[pl.DataFrame], ExitStack]:
    """Ask, as far as the first rows: by then all is read that must be read before any row is known."""
    with ExitStack() as resources:
        connection = resources.enter_context(opened(query.tz, query.memory))
        fill(connection, found, resolve(query, prepare(found, query)), wanted)
        lock(connection)
        with told(text):
            frames = read_batches(connection.sql(text).to_arrow_reader(_BATCH_ROWS))
            first = [*islice(frames, 2)]
        return _go_on(text, first, frames), resources.pop_all()


def _go_on(text: str, first: list[pl.DataFrame], rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield from first
    with told(text):
        yield from rest


def build_report(rows: Rows, most: int) -> Report:
    """Make a report of an answer.

    Args:
        rows: the answer.
        most: rows to keep; 0 for all.
    """
    frames, height = [], 0
    for frame in rows.frames:
        frames.append(frame)
        height += frame.height
        if most and height > most:
            break
    whole = pl.concat(frames)
    shown = whole.head(most) if most else whole
    footer = f"the first {most:,} rows; LIMIT and ORDER BY choose others, --format csv or -o FILE gives all" if shown.height < whole.height else ""
    return Report(shown, describe(shown), footer=footer, meta={"warnings": rows.warnings})
