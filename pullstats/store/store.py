"""The store: one folder that ingest writes to under a lock and reports read one snapshot of.

Order of a commit: rejects and runs first, under the next commit number in their file names; then
the events with their offsets and that number in one transaction. Readers and the next writer
ignore rejects and runs of a number that the events never reached, so a run that dies in between
leaves nothing that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.errors import DamagedStoreError, InternalError
from pullstats.store import compact as compaction
from pullstats.store.checksums import Damage, describe_damage, examine, try_reading
from pullstats.store.layout import find_store
from pullstats.store.lock import is_being_written, lock_store
from pullstats.store.log import TableLog, explain_failure
from pullstats.store.losses import Loss, add_losses, open_losses, read_losses, undone_loss, write_losses
from pullstats.store.migrate import forget_journal, is_old, migrate
from pullstats.store.parts import PendingFile, commit_of, discard_parts, part_rules, write_event_parts, write_rows
from pullstats.store.progress import SourceProgress, group_sources, progress_transactions, read_progress
from pullstats.store.replay import LOG_FOLDER, read_snapshot, refuse_bare
from pullstats.store.scan import prune_files, scan_files, scan_window
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot, Spans
from pullstats.store.tables import EVENTS, REJECTS, RUN_COUNTS, RUN_SCHEMA, RUNS, TABLES, Table, as_written

_VERSION_IDS: Final = {table.name: f"{COMMIT_ID}:{table.name}" for table in (REJECTS, RUNS)}
"""Application ids whose versions are those of the other tables when the events were committed."""


class StaleSnapshotError(Exception):
    """A file of the snapshot is gone because a newer one does without it; `Store.refresh` and read again."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store holds, from its log alone.

    Attributes:
        version: number of the last commit of events.
        files: Parquet files of events.
        bytes: their size.
        events: number of events.
        rejects: number of rejected lines kept.
        first: earliest event, None if there is none.
        last: latest event, None if there is none.
    """

    version: int
    files: int
    bytes: int
    events: int
    rejects: int
    first: datetime | None
    last: datetime | None


class Store:
    """An opened store; make one with `open_store`.

    Reading sees the snapshot of the first read; `refresh` moves on to the newest.
    """

    def __init__(self, path: Path) -> None:
        """Wrap a folder that `open_store` has checked."""
        self.path = path
        self._snapshots: dict[str, Snapshot] = {}
        self._logs: dict[str, TableLog] | None = None
        self._checked: dict[tuple[str, str], Damage | None] = {}
        self._gaps: dict[str, None] = {}
        self._sources: dict[str, list[str]] | None = None
        self._is_torn = False  # True while rejects or runs may have a commit that the events lack.

    # Reading

    def refresh(self) -> None:
        """Forget the snapshot read so far; the next read sees the newest."""
        self._snapshots.clear()
        self._checked.clear()
        self._gaps.clear()
        self._sources = None

    @property
    def damages(self) -> list[Damage]:
        """The damaged files that what was read so far should have come from."""
        return [damage for _, damage in sorted(self._checked.items()) if damage is not None]

    def warnings(self) -> list[str]:
        """Say what is wrong with what was read so far, and what to do about it."""
        of_log = [warning for _, snapshot in sorted(self._snapshots.items()) for warning in snapshot.warnings]
        return [*of_log, *describe_damage(self.damages), *self._gaps]

    def losses(self, source_id: str | None = None) -> list[Loss]:
        """List what was set aside and not read again since, of one log or all."""
        live = {table.name: self._snapshot(table) for table in TABLES}
        found = open_losses(read_losses(self.path), live[EVENTS.name], live)
        return [loss for loss in found if source_id is None or any(lost.source_id == source_id for lost in loss.ranges)]

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

    def _note_gaps(self, table: Table, start: datetime | None = None, end: datetime | None = None) -> None:
        found = self.losses() + (self._torn() if table is EVENTS and self._logs is None else [])
        self._gaps |= {loss.describe(): None for loss in found if loss.table == table.name and loss.overlaps(start, end)}

    def _torn(self) -> list[Loss]:
        """Tell what the last run had read though its commit never came, or is gone; a run that is at work may still commit."""
        committed = self._snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        stray = [file for path, file in self._snapshot(RUNS).files.items() if commit_of(path) > committed]
        if not stray or is_being_written(self.path):
            return []
        loss = undone_loss(scan_files(self.path / RUNS.name, self._readable(RUNS, stray), RUNS).collect(), self._snapshot(EVENTS))
        return [] if loss is None else [loss]

    def glance(self) -> list[str]:
        """Say what is wrong with files whose presence and size tell, without reading them."""
        for table in TABLES:
            self._note_gaps(table)
            for file in self._snapshot(table).files.values():
                if self._checked.get((table.name, file.path)) is None and (
                    damage := examine(self.path / table.name, file, self._as_written(table), is_deep=False)
                ):
                    self._checked[table.name, file.path] = damage
        return self.warnings()

    def recheck(self) -> bool:
        """Look for files that cannot be read though they passed, after a read has failed; True if there are any."""
        passed = [key for key, damage in self._checked.items() if damage is None]
        for name, path in passed:
            table = next(table for table in TABLES if table.name == name)
            file = self._snapshot(table).files[path]
            reason = try_reading(self.path / name / path, file, self._as_written(table))
            if reason is not None:
                self._checked[name, path] = Damage(name, file, reason)
        return any(self._checked[key] is not None for key in passed)

    def scan_events(self, columns: Sequence[str] | None = None, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """Scan the events of a time window.

        Args:
            columns: columns of `EVENT_SCHEMA` to read, all if None; `date` (UTC day) may be asked for.
            start: first instant of the window (with zone), None for no bound.
            end: first instant after the window, None for no bound.

        Returns:
            Events with `start <= timestamp < end`; an empty frame of `EVENT_SCHEMA` if there are none.

        Raises:
            StoreError: the transaction log is damaged or cannot be read.
            StaleSnapshotError: another process has merged files since the snapshot was taken.
        """
        self._note_gaps(EVENTS, start, end)
        files = self._readable(EVENTS, prune_files(self._snapshot(EVENTS).files.values(), start, end))
        return scan_window(self.path / EVENTS.name, files, self._as_written(EVENTS), columns, start, end)

    def event_files(self) -> list[Path]:
        """List the Parquet files of the snapshot that are as they were written, for other readers (SQL, Spark)."""
        return sorted(self.path / EVENTS.name / file.path for file in self._readable(EVENTS, self._snapshot(EVENTS).files.values()))

    def scan_rejects(self) -> pl.LazyFrame:
        """Scan the rejected lines, columns of `REJECT_SCHEMA`."""
        self._note_gaps(REJECTS)
        return scan_files(self.path / REJECTS.name, self._readable(REJECTS, self._committed(REJECTS)), REJECTS)

    def runs(self) -> pl.DataFrame:
        """Read what each ingest run added for each source: one row a run and source, oldest first, columns of `RUN_SCHEMA`."""
        keys = ["run_id", "source_id"]
        totals = [pl.col(name).sum() for name in RUN_COUNTS]
        least, greatest = ("first", "started", "offset", "line"), ("last", "finished", "commit")
        times = [pl.col(least).min(), pl.col(greatest).max()]
        others = pl.col(name for name in RUN_SCHEMA if name not in {*keys, *RUN_COUNTS, *least, *greatest}).last()
        rows = scan_files(self.path / RUNS.name, self._readable(RUNS, self._committed(RUNS)), RUNS).select(RUN_SCHEMA.names())
        summed = rows.sort("finished", maintain_order=True).group_by(keys, maintain_order=True).agg(*totals, *times, others)
        with explain_failure("read", self.path):
            return summed.sort("started", *keys).select(RUN_SCHEMA.names()).collect()

    def progress(self, source_id: str) -> SourceProgress | None:
        """Tell how far the store has taken a source, None if it never saw it."""
        return read_progress(self._snapshot(EVENTS).transactions, source_id)

    def sources_like(self, stem: str) -> list[SourceProgress]:
        """List where the sources stand that begin with a line, given its hash."""
        events = self._snapshot(EVENTS)
        if self._sources is None:
            self._sources = group_sources(events.transactions)
        found = (read_progress(events.transactions, source_id) for source_id in self._sources.get(stem, ()))
        return [progress for progress in found if progress is not None]

    def marks(self, source_id: str) -> bytes:
        """Read the digests by which shorter pieces of a source are known, as they were committed."""
        rows = scan_files(self.path / RUNS.name, self._committed(RUNS), RUNS).filter(pl.col("source_id") == source_id)
        with explain_failure("read", self.path):
            return b"".join(rows.select("marks").collect()["marks"].drop_nulls())

    def transactions(self) -> Mapping[str, int]:
        """Give all application transactions of the snapshot."""
        return self._snapshot(EVENTS).transactions

    def status(self) -> StoreStatus:
        """Sum up what the snapshot holds of files that are as they were written."""
        for table in TABLES:
            self._note_gaps(table)
        files = self._readable(EVENTS, self._snapshot(EVENTS).files.values())
        return self._sum_up(files, self._readable(REJECTS, self._committed(REJECTS)))

    def extent(self) -> StoreStatus:
        """Sum up what the log says; no other file is looked at."""
        return self._sum_up(list(self._snapshot(EVENTS).files.values()), self._committed(REJECTS))

    def _sum_up(self, files: Sequence[LiveFile], rejects: Sequence[LiveFile]) -> StoreStatus:
        return StoreStatus(
            version=self._snapshot(EVENTS).version,
            files=len(files),
            bytes=sum(file.size for file in files),
            events=sum(file.rows or 0 for file in files),
            rejects=sum(file.rows or 0 for file in rejects),
            first=min((file.first for file in files if file.first), default=None),
            last=max((file.last for file in files if file.last), default=None),
        )

    # Writing

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
        with lock_store(self.path):
            self.refresh()
            with explain_failure("write to", self.path):
                logs = {table.name: TableLog(self.path, table) for table in TABLES}
            for table in (REJECTS, RUNS):
                self._refuse_shorter(table, logs[table.name].state, logs[EVENTS.name].state.transactions)
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
        files = list(self._snapshot(EVENTS).files.values())
        if len(self._readable(EVENTS, files)) < len(files):
            self._logs = None
            message = (
                f"the store {self.path} is of an older layout, and files of it are damaged, so that it cannot be brought up to date; "
                "run: pullstats verify --repair, then this again"
            )
            raise DamagedStoreError(message)
        with explain_failure("write to", self.path):
            migrate(self.path, self._log(EVENTS), files, tell)
        self.refresh()

    def write_events(self, frame: pl.DataFrame, rule_set_version: str = "") -> list[PendingFile]:
        """Write events to files that nobody sees until `commit`; callable from several threads.

        See `parts.write_event_parts` for the frame.

        Raises:
            StoreError: the disk is full or the store not writable; no file is left.
        """
        with explain_failure("write to", self.path):
            return write_event_parts(self.path / EVENTS.name, frame, rule_set_version)

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
        events = self._log(EVENTS)
        if self._is_torn:
            self._take_back()
        number = self._snapshot(EVENTS).transactions.get(COMMIT_ID, 0) + 1
        transactions = {COMMIT_ID: number, **(keys or {})}
        pending = [replace(file, commits=commits or ((number, number),)) for file in pending]
        for source in progress:
            transactions |= self._advance(source)
        self.refresh()
        try:
            with explain_failure("write to", self.path):
                self._commit_rows(REJECTS, rejects, number, commits)
                self._commit_rows(RUNS, None if run_rows is None else run_rows.with_columns(commit=pl.lit(number, pl.Int64)), number)
        except BaseException:
            discard_parts(events.folder, pending)
            raise
        transactions |= {name: self._log(table).state.version for table in (REJECTS, RUNS) for name in [_VERSION_IDS[table.name]]}
        with explain_failure("write to", self.path):
            events.commit(pending, transactions=transactions)
        self._is_torn = False

    def discard(self, pending: Sequence[PendingFile]) -> None:
        """Delete files that will not be committed, as far as that is possible; the next sweep takes the rest."""
        discard_parts(self.path / EVENTS.name, pending)

    def sweep(self) -> int:
        """Delete files that died runs left and files retired for an hour; return how many."""
        orphans = [path for table in TABLES for path in compaction.find_orphans(self._log(table).folder, self._snapshot(table))]
        with explain_failure("sweep", self.path):
            for path in orphans:
                path.unlink(missing_ok=True)
        return len(orphans)

    def compact(self) -> int:
        """Merge all small files, trim the log, sweep; return how many files were merged."""
        return self._merge(TABLES, below=compaction.TARGET_ROWS // 2, target=compaction.TARGET_ROWS)

    def tidy(self) -> int:
        """Merge the files of many short runs once there are too many: cheap to call after every ingest."""
        due = [table for table in TABLES if compaction.is_worth_merging(self._snapshot(table).files.values())]
        return self._merge(due, below=compaction.SMALL_ROWS, target=compaction.TIDY_ROWS)

    def derive_events(
        self, derive: Callable[[pl.DataFrame], pl.DataFrame], rule_set_version: str, *, is_every: bool = False
    ) -> Iterator[tuple[LiveFile, pl.DataFrame, pl.DataFrame]]:
        """Derive the columns of files anew, and write nothing: what `rewrite_events` would do.

        Args:
            derive: from the events of a file to the same events in the same order.
            rule_set_version: version of the rules that `derive` reads by.
            is_every: look at every file, since `derive` knows what no version of rules tells; files that other rules made are always looked at.

        Yields:
            Each file that is to be written, its events as they are and as they will be: those of other rules, and those that change.
        """
        folder = self.path / EVENTS.name
        for file in sorted(self._readable(EVENTS, self._snapshot(EVENTS).files.values()), key=lambda file: file.path):
            is_current = part_rules(folder, file) == rule_set_version
            if is_current and not is_every:
                continue
            with explain_failure("rebuild", self.path):
                before = scan_files(folder, [file], self._as_written(EVENTS)).collect()
            after = derive(before)
            if not is_current or not after.equals(before):
                yield file, before, after

    def rewrite_events(
        self, derive: Callable[[pl.DataFrame], pl.DataFrame], rule_set_version: str, *, is_every: bool = False
    ) -> Iterator[tuple[LiveFile, pl.DataFrame, pl.DataFrame]]:
        """Derive the columns of files anew, one file and one transaction at a time.

        A run that dies leaves files of either kind, each whole; the next one goes on with those that are left.

        Args:
            derive: see `derive_events`.
            rule_set_version: see `derive_events`.
            is_every: see `derive_events`.

        Yields:
            What `derive_events` does, once it is written.
        """
        log = self._log(EVENTS)
        for file, before, after in self.derive_events(derive, rule_set_version, is_every=is_every):
            with explain_failure("rebuild", self.path):
                log.commit(write_event_parts(log.folder, after, rule_set_version, file.commits), [file], is_new_data=False)
            yield file, before, after
        self.refresh()

    def take_back_line(self, progress: SourceProgress, run_rows: pl.DataFrame) -> None:
        """Take a source's last line back, of which more has come since, so that it is read again as a whole.

        Args:
            progress: where the source stands without the line; its event or reject is the one at `end_offset`.
            run_rows: what is taken off the counts, columns of `RUN_ROW_SCHEMA`, negative.

        Raises:
            StoreError: nothing was taken back, the store is as it was.
        """
        mine = (pl.col("source_id") == progress.source_id) & (pl.col("source_offset") == progress.end_offset)
        number = self._snapshot(EVENTS).transactions.get(COMMIT_ID, 0) + 1
        with explain_failure("write to", self.path):
            for file, rows in [*self._files_with(REJECTS, mine)]:
                kept = [write_rows(self._log(REJECTS).folder, rows, REJECTS, commit_of(file.path), file.commits)] if rows.height else []
                self._log(REJECTS).commit(kept, [file])
            self._commit_rows(RUNS, run_rows.with_columns(commit=pl.lit(number, pl.Int64)), number)
            versions = {name: self._log(table).state.version for table in (REJECTS, RUNS) for name in [_VERSION_IDS[table.name]]}
            log = self._log(EVENTS)
            transactions = {COMMIT_ID: number, **progress_transactions(progress), **versions}
            found = [*self._files_with(EVENTS, mine)]
            kept = [part for file, rows in found for part in write_event_parts(log.folder, rows, part_rules(log.folder, file), file.commits)]
            log.commit(kept, [file for file, _ in found], transactions=transactions)
        self._is_torn = False
        self.refresh()

    def count_at(self, source_id: str, offset: int) -> tuple[int, int]:
        """Count the events and the rejected lines that begin at a place of a source: one at most."""
        mine = (pl.col("source_id") == source_id) & (pl.col("source_offset") == offset)
        counts = [
            rows.filter(mine).select(pl.len()).collect().item() for rows in (self.scan_events(["source_id", "source_offset"]), self.scan_rejects())
        ]
        return counts[0], counts[1]

    def _files_with(self, table: Table, wanted: pl.Expr) -> Iterator[tuple[LiveFile, pl.DataFrame]]:
        """Find the files of a table that hold wanted rows, and give their other rows."""
        folder = self.path / table.name
        for file in sorted(self._readable(table, self._snapshot(table).files.values()), key=lambda file: file.path):
            if scan_files(folder, [file], table).filter(wanted).head(1).collect().height:
                yield file, scan_files(folder, [file], table).filter(~wanted).collect()

    def rule_sets(self) -> dict[str, int]:
        """Count events by the version of the rules that derived them; the empty version is unknown."""
        counts: dict[str, int] = {}
        for file in self._readable(EVENTS, self._snapshot(EVENTS).files.values()):
            version = part_rules(self.path / EVENTS.name, file)
            counts[version] = counts.get(version, 0) + (file.rows or 0)
        return counts

    def _merge(self, tables: Iterable[Table], *, below: int, target: int) -> int:
        merged = 0
        for table in tables:
            log = self._log(table)
            planned = compaction.plan_merges(self._snapshot(table).files.values(), below=below, target=target)
            # A damaged file stays what it is: merged, it would pass for one that is whole.
            groups = [group for files in planned if len(group := self._readable(table, files)) > 1]
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
        log = self._log(table)
        part = write_rows(log.folder, rows, table, number, commits or ((number, number),))
        self._is_torn = True
        log.commit([part])

    def _take_back(self) -> None:
        self.refresh()
        committed = self._snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        for table in (REJECTS, RUNS):
            stray = [file for file in self._snapshot(table).files.values() if commit_of(file.path) > committed]
            if stray:
                with explain_failure("write to", self.path):
                    if table is RUNS:
                        self._note_undone(stray)
                    self._log(table).commit(retired=stray)
        self._is_torn = False
        self.refresh()

    def _note_undone(self, stray: Sequence[LiveFile]) -> None:
        """Write down which lines a run had read whose commit never came, or is lost: a gap until they are read again."""
        rows = scan_files(self.path / RUNS.name, self._readable(RUNS, stray), RUNS).collect()
        if loss := undone_loss(rows, self._snapshot(EVENTS)):
            add_losses(self.path, [loss])

    def _committed(self, table: Table) -> list[LiveFile]:
        committed = self._snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        files = self._snapshot(table).files
        return [files[path] for path in sorted(files) if commit_of(path) <= committed]

    def _readable(self, table: Table, files: Iterable[LiveFile]) -> list[LiveFile]:
        """Keep the files that are as they were written; the others are remembered and told."""
        kept = []
        for file in files:
            key = (table.name, file.path)
            if key not in self._checked:
                self._checked[key] = self._examine(table, file)
            if self._checked[key] is None:
                kept.append(file)
        return kept

    def _examine(self, table: Table, file: LiveFile) -> Damage | None:
        folder = self.path / table.name
        # Reading a file that has no checksum from end to end costs more than the question; should that fail, `recheck` finds it.
        damage = examine(folder, file, self._as_written(table), is_deep=file.crc is not None)
        if damage is not None and self._logs is None and file.path not in read_snapshot(folder).files:
            raise StaleSnapshotError(damage.place)
        return damage

    def _snapshot(self, table: Table) -> Snapshot:
        if self._logs is not None:
            return self._logs[table.name].state
        if table.name not in self._snapshots:
            # The events come first: what they say of the other tables must hold for snapshots taken later.
            named = {} if table is EVENTS else self._snapshot(EVENTS).transactions
            with explain_failure("read", self.path):
                found = read_snapshot(self.path / table.name)
                if found.version < 0:
                    refuse_bare(self.path / table.name)
            self._refuse_shorter(table, found, named)
            self._snapshots[table.name] = found
        return self._snapshots[table.name]

    def _as_written(self, table: Table) -> Table:
        return as_written(table, self._snapshot(table).columns)

    def _refuse_shorter(self, table: Table, found: Snapshot, named: Mapping[str, int]) -> None:
        """Refuse a log that ends before the version that the events were committed with."""
        wanted = named.get(_VERSION_IDS.get(table.name, ""), -1)
        if found.version < wanted:
            place = self.path / table.name / LOG_FOLDER / f"{wanted:020}.json"
            message = f"the transaction log of the store is damaged: {place} is missing; restore it from a backup, or run pullstats verify --repair"
            raise DamagedStoreError(message)

    def _log(self, table: Table) -> TableLog:
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
