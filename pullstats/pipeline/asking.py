"""Ask a store: whatever of it can be read answers, and what cannot is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from pullstats.errors import StoreError
from pullstats.store import StaleSnapshotError, Store, open_store

T = TypeVar("T")
TRIES: Final = 4
SMALL: Final = 4 << 20
"""Bytes of events, some tens of thousands, up to which a store is asked in one piece: to set streams up for them costs as much again."""
FAILURES: Final = (FileNotFoundError, pl.exceptions.ComputeError, pl.exceptions.PanicException, pl.exceptions.SchemaError)
"""What reading files raises that are gone, or damaged without a checksum that shows it."""


def ask_store(path: Path, ask: Callable[[Store], T]) -> tuple[T, list[str]]:
    """Ask a store; if compaction took a file away meanwhile, again on a fresh snapshot.

    Args:
        path: its folder.
        ask: reads what it needs; may be called several times.

    Returns:
        What it found, and warnings: what is missing of it, and what to do.

    Raises:
        UserError: the store cannot be used.
    """
    store = open_store(path)
    for _ in range(TRIES):
        try:
            with pl.Config(set_engine_affinity="in-memory") if store.extent().bytes <= SMALL else nullcontext():
                return ask(store), store.warnings()
        except StaleSnapshotError:
            store.refresh()
        except FAILURES as error:
            if not isinstance(error, FileNotFoundError) and "No such file" not in str(error) and not store.recheck():
                raise
            if not store.damages:
                store.refresh()
    raise StoreError(f"the store '{path}' changes faster than it can be read; run again")
