"""The store: one folder that ingest writes to under a lock and reports read one snapshot of.

Order of a commit: rejects and runs first, under the next commit number in their file names; then
the events with their offsets and that number in one transaction. Readers and the next writer
ignore rejects and runs of a number that the events never reached, so a run that dies in between
leaves nothing that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pullstats.errors import DamagedStoreError, InternalError
from pullstats.store import compact as compaction
from pullstats.store.failures import explain_failure
from pullstats.store.layout import find_store
from pullstats.store.lock import lock_store
from pullstats.store.losses import Loss, add_losses, read_losses, undone_loss, write_losses
from pullstats.store.migrate import forget_journal, is_old, migrate
from pullstats.store.parts import PendingFile, commit_of, discard_parts, write_event_parts, write_rows
from pullstats.store.progress import SourceProgress, progress_transactions
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot, Spans
from pullstats.store.tables import EVENTS, REJECTS, RUNS, TABLES, Table
from pullstats.store.view import VERSION_IDS, StoreView

if TYPE_CHECKING:
    from pullstats.store.log import TableLog


class Store(StoreView):
    """An opened store, to be read and, under its lock, written to; make one with `open_store`."""

    def __init__(self, path: Path) -> None:
        """Wrap a folder that `open_store` has checked."""
        super().__init__(path)
        self._logs: dict[str, TableLog] | None = None
        self._is_torn = False  # True while rejects or runs may have a commit that the events lack.

    @property
    def is_locked(self) -> bool:
        """Nobody else writes as long as this is the store's one writer."""
        return self._logs is not None

    def snapshot(self, table: Table) -> Snapshot:
        """Give a table as it was when it was first looked at; under the lock, as it is."""
        return super().snapshot(table) if self._logs is None else self._logs[table.name].state

    @contextmanager
    def lock(self, tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Be the store's one writer for the length of a `with` block, on its newest snapshot.

        Takes back what a writer that died between two tables has left, and brings a store of an older
        layout up to date.

        Args:
            tell: takes a sentence on what is done first and may take its time.

        Raises:
            StoreError: another process writes, the store is not writable, or is of an older layout and damaged.
        """
        from pullstats.store.log import TableLog  # noqa: PLC0415 - who only reads a store needs no library that writes

        with lock_store(self.path):
            self.refresh()
            with explain_failure("write to", self.path):
                logs = {table.name: TableLog(self.path, table) for table in TABLES}
            for table in (REJECTS, RUNS):
                self.refuse_shorter(table, logs[table.name].state, logs[EVENTS.name].state.transactions)
            self._logs = logs
            if is_old(logs[EVENTS.name]):
                self._migrate(tell)
            else:
                forget_journal(self.path)
            self._take_back()
            with explain_failure("write to", self.path):
                if (listed := read_losses(self.path)) and len(still := self.losses()) < len(listed):
                    write_losses(self.path, still)
            try:
                yield
            finally:
                self._logs = None

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

    def write_events(self, frame: pl.DataFrame, rule_set_version: str = "") -> list[PendingFile]:
        """Write events to files that nobody sees until `commit`; callable from several threads.

        See `parts.write_event_parts` for the frame.

        Raises:
            StoreError: the disk is full or the store not writable; no file is left.
        """
        with explain_failure("write to", self.path):
            return write_event_parts(self.path / EVENTS.name, frame, rule_set_version)

    def close_losses(self, source_id: str, losses: Sequence[Loss]) -> None:
        """Take a log off losses: its lines were read again and are committed."""
        closed = {(loss.table, loss.place) for loss in losses}
        kept = []
        for loss in self.losses():
            left = loss
            if (loss.table, loss.place) in closed:
                left = replace(loss, ranges=tuple(lost for lost in loss.ranges if lost.source_id != source_id))
            if left.ranges:
                kept.append(left)
        write_losses(self.path, kept)

    def commit(
        self,
        pending: Sequence[PendingFile],
        progress: Sequence[SourceProgress],
        rejects: pl.DataFrame | None = None,
        run_rows: pl.DataFrame | None = None,
        commits: Spans = (),
        keys: Mapping[str, int] | None = None,
    ) -> None:
        """Make files, offsets, rejects and run counts of any number of sources visible together.

        Args:
            pending: what `write_events` returned.
            progress: where each source stands with these rows; offsets never go back.
            rejects: lines rejected since the last commit, columns of `REJECT_SCHEMA`.
            run_rows: what this commit adds per source (not running totals), columns of `RUN_ROW_SCHEMA`.
            commits: numbers of the commits that the rows first came with, where they were lost and are read again.
            keys: what is to be remembered of the keys from now on, as transactions.

        Raises:
            StoreError: nothing was committed, the pending files are gone, the store is as it was.
        """
        if self._is_torn:
            self._take_back()
        number = self._next_number
        transactions = dict(keys or {})
        for source in progress:
            transactions |= self._advance(source)
        self.refresh()
        try:
            transactions |= self.commit_others(rejects, run_rows, commits)
        except BaseException:
            self.discard(pending)
            raise
        self.commit_events([replace(file, commits=commits or ((number, number),)) for file in pending], (), transactions)

    @property
    def _next_number(self) -> int:
        """Number of the commit that comes next."""
        return self.snapshot(EVENTS).transactions.get(COMMIT_ID, 0) + 1

    def commit_others(self, rejects: pl.DataFrame | None, run_rows: pl.DataFrame | None, commits: Spans = ()) -> dict[str, int]:
        """Write rejects and run counts, which nobody sees until the events of the same number are committed.

        Args:
            rejects: see `commit`.
            run_rows: see `commit`.
            commits: see `commit`.

        Returns:
            The transactions that the events are to be committed with.
        """
        number = self._next_number
        with explain_failure("write to", self.path):
            self._commit_rows(REJECTS, rejects, number, commits)
            self._commit_rows(RUNS, None if run_rows is None else run_rows.with_columns(commit=pl.lit(number, pl.Int64)), number)
        return {COMMIT_ID: number, **{VERSION_IDS[table.name]: self.log(table).state.version for table in (REJECTS, RUNS)}}

    def commit_events(self, added: Sequence[PendingFile], retired: Sequence[LiveFile], transactions: Mapping[str, int]) -> None:
        """Make files of events visible, others not, and with them what was committed to the other tables."""
        with explain_failure("write to", self.path):
            self.log(EVENTS).commit(added, retired, transactions=transactions)
        self._is_torn = False

    def discard(self, pending: Sequence[PendingFile]) -> None:
        """Delete files that will not be committed, as far as that is possible; the next sweep takes the rest."""
        discard_parts(self.path / EVENTS.name, pending)

    def sweep(self) -> int:
        """Delete files that died runs left and files retired for an hour; return how many."""
        orphans = [path for table in TABLES for path in compaction.find_orphans(self.log(table).folder, self.snapshot(table))]
        with explain_failure("sweep", self.path):
            for path in orphans:
                path.unlink(missing_ok=True)
        return len(orphans)

    def compact(self) -> int:
        """Merge all small files, trim the log, sweep; return how many files were merged."""
        return self._merge(TABLES, below=compaction.TARGET_ROWS // 2, target=compaction.TARGET_ROWS)

    def tidy(self) -> int:
        """Merge the files of many short runs once there are too many: cheap to call after every ingest."""
        due = [table for table in TABLES if compaction.is_worth_merging(self.snapshot(table).files.values())]
        return self._merge(due, below=compaction.SMALL_ROWS, target=compaction.TIDY_ROWS)

    def _merge(self, tables: Iterable[Table], *, below: int, target: int) -> int:
        merged = 0
        for table in tables:
            log = self.log(table)
            planned = compaction.plan_merges(self.snapshot(table).files.values(), below=below, target=target)
            # A damaged file stays what it is: merged, it would pass for one that is whole.
            groups = [group for files in planned if len(group := self.readable(table, files)) > 1]
            with explain_failure("compact", self.path):
                for start in range(0, len(groups), compaction.GROUPS_PER_COMMIT):
                    batch = groups[start : start + compaction.GROUPS_PER_COMMIT]
                    added = [part for group in batch for part in compaction.merge_files(log.folder, group, table)]
                    retired = [file for group in batch for file in group]
                    log.commit(added, retired, is_new_data=False)
                    merged += len(retired)
                if groups:
                    log.trim()
        self.refresh()
        if merged:
            self.sweep()
        return merged

    def _advance(self, source: SourceProgress) -> dict[str, int]:
        before = self.progress(source.source_id)
        if before is not None and (source.end_offset < before.end_offset or source.lines < before.lines):
            raise InternalError(f"source {source.source_id} stands at {before.end_offset} and cannot go back to {source.end_offset}")
        return progress_transactions(source)

    def _commit_rows(self, table: Table, rows: pl.DataFrame | None, number: int, commits: Spans = ()) -> None:
        if rows is None or rows.is_empty():
            return
        log = self.log(table)
        part = write_rows(log.folder, rows, table, number, commits or ((number, number),))
        self._is_torn = True
        log.commit([part])

    def _take_back(self) -> None:
        self.refresh()
        committed = self.snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        for table in (REJECTS, RUNS):
            stray = [file for file in self.snapshot(table).files.values() if commit_of(file.path) > committed]
            if stray:
                with explain_failure("write to", self.path):
                    if table is RUNS:
                        self._note_undone(stray)
                    self.log(table).commit(retired=stray)
        self._is_torn = False
        self.refresh()

    def _note_undone(self, stray: Sequence[LiveFile]) -> None:
        """Write down which lines a run had read whose commit never came, or is lost: a gap until they are read again."""
        rows = scan_files(self.path / RUNS.name, self.readable(RUNS, stray), RUNS).collect()
        if loss := undone_loss(rows, self.snapshot(EVENTS)):
            add_losses(self.path, [loss])

    def log(self, table: Table) -> TableLog:
        """Give the transaction log of a table, to be written to under the lock."""
        if self._logs is None:
            raise InternalError("the store is written to without its lock")
        return self._logs[table.name]


def open_store(path: Path | str, *, create: bool = False) -> Store:
    """Open a store.

    Args:
        path: its folder.
        create: make it if the folder is missing or empty.

    Raises:
        StoreError: it is missing, not a store, of a newer version, or cannot be made.
    """
    folder = Path(path)
    find_store(folder, create=create)
    return Store(folder)
