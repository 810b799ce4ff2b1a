"""Add to a file the daily rows that it was not told yet, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

import polars as pl

from pullstats.metrics import Daily, Query
from pullstats.metrics.increments import REVISION, find_increment, keep_latest
from pullstats.metrics.questions.daily import DAILY_VERSION
from pullstats.pipeline.answer import answer_whole
from pullstats.render.ledger import Ledger, Told


def add_increment(
    store: Path, query: Query, path: Path, state: Path | None, append: Callable[[pl.DataFrame, Path | None, IO[bytes]], None]
) -> pl.DataFrame:
    """Add to a file what became final, or changed after it was, since the last run.

    Args:
        store: folder of the store.
        query: the question of the daily numbers, over the whole history.
        path: the file.
        state: where it is kept what the file was told; None for beside it.
        append: writes rows behind what a file holds.

    Returns:
        What was added: the columns of the daily set, and `revision`.

    Raises:
        UserError: a store that lacks something, a file of another question, or one that cannot be written.
    """
    ledger = Ledger(path, state, _name_question(query))
    with ledger.locked():
        rows = answer_whole(store, Daily(query, is_final_only=True)).frame
        told = ledger.read(pl.Schema([*rows.schema.items(), (REVISION, pl.Int64())]))
        latest = keep_latest(told.rows)
        fresh = find_increment(rows, latest)
        if fresh.height or not ledger.path.exists():
            ledger.add(Told(latest, told.number), fresh, lambda before, stream: append(fresh, before, stream))
    return fresh


def _name_question(query: Query) -> str:
    """Name what is asked, but for what changes no number."""
    same = replace(query, memory=0, as_of=None, is_shifting=False, is_bare=False)
    return f"daily {DAILY_VERSION} {hashlib.blake2b(repr(same).encode(), digest_size=16).hexdigest()}"
