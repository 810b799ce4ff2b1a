"""Commits: the one place that writes to a table's Delta log.

A commit names the files it adds and retires and the application transactions that must hold with
them; readers see all of it or nothing. Delta does not compare application versions by itself: two
commits on one snapshot that carry the same id conflict, so every commit here carries
`COMMIT_ID`, and of two writers that got past the lock (a network file system without locks) one fails.

Source: Delta Lake protocol, "Transaction Identifiers",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake import Field as DeltaField
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction, Transaction

from pullstats.errors import StoreError
from pullstats.store.parts import PendingFile, discard_parts, part_stats
from pullstats.store.snapshot import LiveFile, read_snapshot
from pullstats.store.tables import DELTA_PROPERTIES, DELTA_TYPES, Table

COMMIT_ID: Final = "pullstats"
"""Application id whose version is the number of the store's last commit."""


@contextmanager
def explain_failure(work: str, store: Path) -> Iterator[None]:
    """Turn what disks and libraries raise into one `StoreError`; `work` completes "cannot …"."""
    try:
        yield
    except CommitFailedError as error:
        raise StoreError(f"cannot {work} the store {store}: another process wrote to it at the same time; run again") from error
    except (OSError, DeltaError, pl.exceptions.PolarsError) as error:
        raise _failure(work, store, _reason(error)) from error


def _failure(work: str, store: Path, reason: str) -> StoreError:
    outcome = "" if work == "read" else "; it is as it was"
    return StoreError(f"cannot {work} the store {store}: {reason}{outcome}")


def _reason(error: Exception) -> str:
    """What the system said, dug out of the layers that the libraries wrap around it."""
    text = str(error)
    if found := re.search(r"\(os error (\d+)\)|\bcode: (\d+)", text):
        return os.strerror(int(found[1] or found[2]))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (text.splitlines() or [type(error).__name__])[0]


class TableLog:
    """The write end of one table's log."""

    def __init__(self, store: Path, table: Table) -> None:
        """Open the table, make it if it is missing, and give it columns it lacks."""
        self.table = table
        self.folder = store / table.name
        if not DeltaTable.is_deltatable(self.folder):
            _create(self.folder, table)
        self._delta = DeltaTable(self.folder)
        self._add_columns()

    def commit(
        self,
        added: Sequence[PendingFile] = (),
        retired: Iterable[LiveFile] = (),
        transactions: Mapping[str, int] | None = None,
        *,
        is_new_data: bool = True,
    ) -> None:
        """Make files visible and retire others, in one transaction.

        Args:
            added: files on disk that no commit has named yet.
            retired: live files that readers shall no longer see.
            transactions: application ids and the versions that hold from now on.
            is_new_data: False if the rows were there before (compaction).

        Raises:
            CommitFailedError: another writer got in between.
            OSError, DeltaError: the disk or the log failed. In either case the added files are deleted.
        """
        promised = dict(transactions or {})
        leaving = list(retired)
        try:
            self._write(added, leaving, promised, is_new_data=is_new_data)
        except BaseException:
            # What follows a commit (a checkpoint, on a full disk) may fail after it landed.
            if self._has_landed(added, leaving, promised):
                self._delta = DeltaTable(self.folder)
                return
            discard_parts(self.folder, added)
            raise

    def _write(self, added: Sequence[PendingFile], retired: list[LiveFile], promised: dict[str, int], *, is_new_data: bool) -> None:
        now = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [RemoveAction(file.path, is_new_data, now, file.size, _partition(file.day)) for file in retired]
        actions += [AddAction(file.path, file.size, _partition(file.day), now, is_new_data, part_stats(file)) for file in added]
        properties = CommitProperties(
            app_transactions=[Transaction(name, version, now) for name, version in promised.items()],
            max_commit_retries=5,
        )
        schema, days = self._delta.schema(), _partition_columns(self.table)
        self._delta.create_write_transaction(actions, "append", schema, days, commit_properties=properties)
        self._delta.update_incremental()

    def _has_landed(self, added: Sequence[PendingFile], retired: list[LiveFile], promised: dict[str, int]) -> bool:
        """Tell whether the newest snapshot holds all of a commit; a log that cannot be read raises and no file is touched."""
        now = read_snapshot(self.folder)
        return (
            all(file.path in now.files for file in added)
            and not any(file.path in now.files for file in retired)
            and all(now.transactions.get(name) == version for name, version in promised.items())
        )

    def trim(self) -> None:
        """Write a checkpoint and drop the log before it that is past its retention."""
        self._delta.create_checkpoint()
        self._delta.cleanup_metadata()

    def _add_columns(self) -> None:
        known = {column.name for column in self._delta.schema().fields}
        missing = [column for column in _delta_schema(self.table).fields if column.name not in known]
        if missing:
            self._delta.alter.add_columns(missing)
            self._delta.update_incremental()


def _create(folder: Path, table: Table) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    DeltaTable.create(
        folder, _delta_schema(table), mode="ignore", partition_by=_partition_columns(table), name=table.name, configuration=DELTA_PROPERTIES
    )


def _delta_schema(table: Table) -> DeltaSchema:
    columns = [DeltaField(name, PrimitiveType(DELTA_TYPES[dtype])) for name, dtype in table.schema.items()]
    return DeltaSchema([*columns, DeltaField("date", PrimitiveType("date"))] if table.is_daily else columns)


def _partition_columns(table: Table) -> list[str]:
    return ["date"] if table.is_daily else []


def _partition(day: object) -> dict[str, str | None]:
    return {} if day is None else {"date": str(day)}
