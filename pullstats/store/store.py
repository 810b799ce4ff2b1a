"""The store: one folder that ingest writes to under a lock and reports read one snapshot of.

Order of a commit: rejects and runs first, under the next commit number in their file names; then
the events with their offsets and that number in one transaction. Readers and the next writer
ignore rejects and runs of a number that the events never reached, so a run that dies in between
leaves nothing that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from pullstats.errors import InternalError
from pullstats.store import compact as compaction
from pullstats.store.failures import explain_failure
from pullstats.store.layout import find_store
from pullstats.store.losses import Loss, write_losses
from pullstats.store.parts import PendingFile, discard_parts, write_event_parts, write_rows
from pullstats.store.progress import SourceProgress, progress_transactions
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Spans
from pullstats.store.tables import EVENTS, REJECTS, RUNS, TABLES, Table
from pullstats.store.view import VERSION_IDS
from pullstats.store.writer import StoreWriter


class Store(StoreWriter):
    """An opened store, to be read and, under its lock, written to; make one with `open_store`."""

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
        transactions = dict(keys or {})
        try:
            number = self._next_number
            for source in progress:
                transactions |= self._advance(source)
            self.refresh()
            transactions |= self.commit_others(rejects, run_rows, commits)
        except BaseException:
            self.discard(pending)
            raise
        self.commit_events([replace(file, commits=commits or ((number, number),)) for file in pending], (), transactions)

    @property
    def _next_number(self) -> int:
        """Number of the commit that comes next."""
        return self.log(EVENTS).state.transactions.get(COMMIT_ID, 0) + 1

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
        orphans = [path for table in TABLES for path in compaction.find_orphans(self.path / table.name, self.snapshot(table))]
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
