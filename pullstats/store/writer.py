"""The write end of a store: its lock, the logs of its tables, and what a writer that died has left.

What is behind the lock is looked at as readers do. The library that writes is imported, and the logs are opened with it, before
the first write: a run that finds nothing new needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pullstats.errors import DamagedStoreError, InternalError
from pullstats.store.failures import explain_failure
from pullstats.store.lock import lock_store
from pullstats.store.log_files import has_leftovers
from pullstats.store.losses import add_losses, read_losses, undone_loss, write_losses
from pullstats.store.migrate import forget_journal, has_journal, migrate
from pullstats.store.parts import commit_of
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot
from pullstats.store.tables import EVENTS, OLD_EVENTS, REJECTS, RUNS, TABLES, Table
from pullstats.store.view import StoreView

if TYPE_CHECKING:
    from pullstats.store.log import TableLog


class StoreWriter(StoreView):
    """Reads a store, and under its lock gives the logs that are written to."""

    def __init__(self, path: Path) -> None:
        """Wrap a folder that `open_store` has checked."""
        super().__init__(path)
        self._logs: dict[str, TableLog] | None = None
        self._is_locked = False
        self._is_torn = False  # True while rejects or runs may have a commit that the events lack.

    @property
    def is_locked(self) -> bool:
        """Nobody else writes as long as this is the store's one writer."""
        return self._is_locked

    def snapshot(self, table: Table) -> Snapshot:
        """Give a table as it was when it was first looked at; once its log is open, as it is."""
        return super().snapshot(table) if self._logs is None else self._logs[table.name].state

    @contextmanager
    def lock(self, tell: Callable[[str], None] = lambda _: None, timeout: float = 0) -> Iterator[None]:
        """Be the store's one writer for the length of a `with` block, on its newest snapshot.

        Takes back what a writer that died between two tables has left, and brings a store of an older
        layout up to date.

        Args:
            tell: takes a sentence on what is done first and may take its time.
            timeout: seconds to wait for another process that writes.

        Raises:
            StoreError: another process writes, the store is not writable, or is of an older layout and damaged.
        """
        with lock_store(self.path, timeout, tell):
            self.refresh()
            self._is_locked = True
            try:
                if not self._is_settled():
                    self._open_logs()
                    self._settle(tell)
                with explain_failure("write to", self.path):
                    if (listed := read_losses(self.path)) and len(still := self.losses()) < len(listed):
                        write_losses(self.path, still)
                yield
            finally:
                self._logs = None
                self._is_locked = False

    def log(self, table: Table) -> TableLog:
        """Give the transaction log of a table, to be written to under the lock."""
        if not self._is_locked:
            raise InternalError("the store is written to without its lock")
        return (self._logs or self._open_logs())[table.name]

    def _open_logs(self) -> dict[str, TableLog]:
        from pullstats.store.log import TableLog  # noqa: PLC0415 - who writes nothing needs no library that does

        with explain_failure("write to", self.path):
            logs = {table.name: TableLog(self.path, table) for table in TABLES}
        for table in (REJECTS, RUNS):
            self.refuse_shorter(table, logs[table.name].state, logs[EVENTS.name].state.transactions)
        self._logs = logs
        return logs

    def _is_settled(self) -> bool:
        """Tell whether there is nothing to do before the first write: no table to make or bring up to date, nothing that a writer has left."""
        if any(has_leftovers(self.path / table.name) for table in TABLES) or has_journal(self.path):
            return False
        for table in TABLES:
            state = self.snapshot(table)
            known = {column.partition(":")[0] for column in state.columns}
            if state.version < 0 or state.warnings or state.is_lacking or not known.issuperset(table.schema.names()):
                return False
        return self.as_written(EVENTS) is not OLD_EVENTS and not any(self._find_stray(table) for table in (REJECTS, RUNS))

    def _settle(self, tell: Callable[[str], None]) -> None:
        if self.as_written(EVENTS) is OLD_EVENTS:
            self._migrate(tell)
        else:
            forget_journal(self.path)
        self._take_back()

    def _migrate(self, tell: Callable[[str], None]) -> None:
        files = list(self.snapshot(EVENTS).files.values())
        if len(self.readable(EVENTS, files)) < len(files):
            self._logs = None
            raise DamagedStoreError(
                f"the store {self.path} is of an older layout, and files of it are damaged, so that it cannot be brought up to date; "
                "run: pullstats verify --repair, then this again"
            )
        with explain_failure("write to", self.path):
            migrate(self.path, self.log(EVENTS), files, tell)
        self.refresh()

    def _take_back(self) -> None:
        self.refresh()
        for table in (REJECTS, RUNS):
            if stray := self._find_stray(table):
                with explain_failure("write to", self.path):
                    if table is RUNS:
                        self._note_undone(stray)
                    self.log(table).commit(retired=stray)
        self._is_torn = False
        self.refresh()

    def _find_stray(self, table: Table) -> list[LiveFile]:
        """List the files of rejects or runs whose commit the events never reached."""
        committed = self.snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        return [file for file in self.snapshot(table).files.values() if commit_of(file.path) > committed]

    def _note_undone(self, stray: Sequence[LiveFile]) -> None:
        """Write down which lines a run had read whose commit never came, or is lost: a gap until they are read again."""
        rows = scan_files(self.path / RUNS.name, self.readable(RUNS, stray), RUNS).collect()
        if loss := undone_loss(rows, self.snapshot(EVENTS)):
            add_losses(self.path, [loss])
