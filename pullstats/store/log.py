"""Commits: the one place that writes to a table's Delta log.

A commit names the files it adds and retires and the application transactions that must hold with
them; readers see all of it or nothing. Delta does not compare application versions by itself: two
commits on one snapshot that carry the same id conflict, so every commit here carries `STATE_ID`
(see `snapshot`), and of two writers that got past the lock (a network file system without locks) one fails.

Source: Delta Lake protocol, "Transaction Identifiers",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from deltalake import CommitProperties, DeltaTable
from deltalake import Field as DeltaField
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction, Transaction

from pullstats.store import modes
from pullstats.store.first_commit import write_first_commit
from pullstats.store.log_files import HINT_NAME, LOG_FOLDER, is_good_hint
from pullstats.store.parts import PendingFile, discard_parts, live_file, part_stats
from pullstats.store.replay import read_snapshot, refuse_bare, refuse_broken
from pullstats.store.snapshot import OURS, STATE_ID, LiveFile, Snapshot
from pullstats.store.tables import DELTA_TYPES, Table


class TableLog:
    """The write end of one table's log.

    Attributes:
        state: what the table holds now; another object after every commit.
    """

    def __init__(self, store: Path, table: Table, *, is_remade: bool = False) -> None:
        """Open the table, make it if it is missing, and give it columns it lacks.

        Args:
            store: folder of the store.
            table: which.
            is_remade: make it though the other tables are there, after a repair has set it aside.

        Raises:
            StoreError: its log is damaged.
        """
        self.table = table
        self.folder = store / table.name
        self._store = store
        self.state = read_snapshot(self.folder)
        if self.state.version < 0:
            if not is_remade:
                refuse_bare(self.folder)
            self._create()
        else:
            self._open()
            self._add_columns()

    @cached_property
    def _delta(self) -> DeltaTable:
        """The table of this state, as the library knows it; one that was just made is not asked for before it is written to."""
        return DeltaTable(self.folder, version=self.state.version)

    def _open(self) -> None:
        self._sweep_drafts()
        try:
            self._delta = DeltaTable(self.folder)
        except DeltaError:
            refuse_broken(self.folder)
            raise

    def commit(
        self,
        added: Sequence[PendingFile] = (),
        retired: Iterable[LiveFile] = (),
        transactions: Mapping[str, int] | None = None,
        *,
        is_new_data: bool = True,
        is_replacing: bool = False,
    ) -> None:
        """Make files visible and retire others, in one transaction.

        Args:
            added: files on disk that no commit has named yet.
            retired: live files that readers shall no longer see.
            transactions: application ids and the versions that hold from now on.
            is_new_data: False if the rows were there before (compaction).
            is_replacing: the files take the place of all, `retired` is all, and the columns are those that the table has today.

        Raises:
            CommitFailedError: another writer got in between.
            OSError, DeltaError: the disk or the log failed. In either case the added files are deleted.
        """
        promised = dict(transactions or {})
        leaving = list(retired)
        try:
            self._write(added, leaving, promised, is_new_data=is_new_data, is_replacing=is_replacing)
        except BaseException:
            # What follows a commit (a checkpoint, on a full disk) may fail after it landed.
            if self._has_landed(added, leaving, promised):
                self._delta = DeltaTable(self.folder)
                self._settle()
                return
            discard_parts(self.folder, added)
            raise

    def _write(
        self, added: Sequence[PendingFile], retired: list[LiveFile], promised: dict[str, int], *, is_new_data: bool, is_replacing: bool = False
    ) -> None:
        now = int(time.time() * 1000)
        schema = _delta_schema(self.table) if is_replacing else self._delta.schema()
        # Overwriting retires all files by itself, and is the one way to other columns.
        leaving = [] if is_replacing else retired
        actions: list[AddAction | RemoveAction] = [RemoveAction(file.path, is_new_data, now, file.size, _partition(file.day)) for file in leaving]
        actions += [AddAction(file.path, file.size, _partition(file.day), now, is_new_data, part_stats(file)) for file in added]
        after = self._after(added, retired, promised, now, _name_columns(schema.fields))
        mode: Literal["overwrite", "append"] = "overwrite" if is_replacing else "append"
        self._delta.create_write_transaction(actions, mode, schema, _partition_columns(self.table), commit_properties=_sign(after, promised, now))
        self._delta.update_incremental()
        self.state = after
        self._settle()
        if self._delta.version() != after.version:  # Another tool's commit came in between, and what we said of the state is wrong.
            self.state = read_snapshot(self.folder)
            self._write((), [], {}, is_new_data=False)

    def _after(
        self, added: Sequence[PendingFile], retired: Sequence[LiveFile], promised: Mapping[str, int], now: int, columns: tuple[str, ...]
    ) -> Snapshot:
        """Work out what the table will hold."""
        after = replace(self.state.copy(), columns=columns)
        for file in retired:
            after.files.pop(file.path, None)
            after.retired[file.path] = now
        after.files |= {file.path: live_file(file) for file in added}
        after.transactions |= promised
        after.transactions[STATE_ID] = after.digest()
        after.version += 1
        return after

    def _settle(self) -> None:
        """Give what the library wrote the mode it should have; a failure changes no number."""
        with suppress(OSError):
            modes.settle(self.folder / LOG_FOLDER, self._store)

    def _sweep_drafts(self) -> None:
        """Delete what a writer that died left of a file of the log, and a hint that leads nowhere, which the library stumbles over."""
        log = self.folder / LOG_FOLDER
        for path in log.glob("*#*"):
            path.unlink(missing_ok=True)
        hint = log / HINT_NAME
        if not is_good_hint(hint):
            hint.unlink(missing_ok=True)

    def _has_landed(self, added: Sequence[PendingFile], retired: list[LiveFile], promised: dict[str, int]) -> bool:
        """Tell whether the newest snapshot holds all of a commit; a log that cannot be read raises and no file is touched."""
        now = read_snapshot(self.folder)
        has_landed = (
            all(file.path in now.files for file in added)
            and not any(file.path in now.files for file in retired)
            and all(now.transactions.get(name) == version for name, version in promised.items())
        )
        if has_landed:
            self.state = now
        return has_landed

    def trim(self) -> None:
        """Write a checkpoint and drop the log before it that is past its retention."""
        self._delta.create_checkpoint()
        self._delta.cleanup_metadata()
        self._settle()

    def _add_columns(self) -> None:
        known = {column.name for column in self._delta.schema().fields}
        missing = [column for column in _delta_schema(self.table).fields if column.name not in known]
        if not missing:
            return
        after = self.state.copy()
        after.columns += _name_columns(missing)
        after.transactions[STATE_ID] = after.digest()
        after.version += 1
        self._delta.alter.add_columns(missing, commit_properties=_sign(after, {}, int(time.time() * 1000)))
        self._delta.update_incremental()
        self.state = after
        self._settle()

    def _create(self) -> None:
        schema = _delta_schema(self.table)
        after = Snapshot(0, columns=_name_columns(schema.fields))
        write_first_commit(self.folder, self.table.name, schema.to_json(), _partition_columns(self.table), after.digest())
        self.state = read_snapshot(self.folder)


def _sign(after: Snapshot, promised: Mapping[str, int], now: int) -> CommitProperties:
    """Say in a commit whose it is and which state it leads to; the state comes last, so that a commit that is cut anywhere lacks it."""
    transactions = {**promised, STATE_ID: after.transactions[STATE_ID]}
    return CommitProperties(
        custom_metadata={OURS: "1"},
        app_transactions=[Transaction(name, version, now) for name, version in transactions.items()],
        max_commit_retries=5,
    )


def _delta_schema(table: Table) -> DeltaSchema:
    columns = [DeltaField(name, PrimitiveType(DELTA_TYPES[dtype])) for name, dtype in table.schema.items()]
    return DeltaSchema([*columns, DeltaField("date", PrimitiveType("date"))] if table.is_daily else columns)


def _name_columns(fields: Iterable[DeltaField]) -> tuple[str, ...]:
    """Name columns as a snapshot does: `name:type`."""
    return tuple(f"{column.name}:{column.type.type}" for column in fields if isinstance(column.type, PrimitiveType))


def _partition_columns(table: Table) -> list[str]:
    return ["date"] if table.is_daily else []


def _partition(day: object) -> dict[str, str | None]:
    return {} if day is None else {"date": str(day)}
