"""One snapshot of a store, read: its events, rejects and runs, and what is wrong with the files they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.errors import DamagedStoreError
from pullstats.store.checksums import Damage, describe_damage, examine, try_reading
from pullstats.store.failures import explain_failure
from pullstats.store.lock import is_being_written
from pullstats.store.log_files import LOG_FOLDER
from pullstats.store.losses import Loss, open_losses, read_losses, undone_loss
from pullstats.store.parts import commit_of, part_rules
from pullstats.store.progress import SourceProgress, group_sources, read_progress
from pullstats.store.replay import read_snapshot, refuse_bare
from pullstats.store.scan import prune_files, scan_files, scan_window
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot
from pullstats.store.status import StoreStatus, sum_up
from pullstats.store.tables import EVENTS, REJECTS, RUN_COUNTS, RUN_SCHEMA, RUNS, TABLES, Table, as_written

VERSION_IDS: Final = {table.name: f"{COMMIT_ID}:{table.name}" for table in (REJECTS, RUNS)}
"""Application ids whose versions are those of the other tables when the events were committed."""


class StaleSnapshotError(Exception):
    """A file of the snapshot is gone because a newer one does without it; `Store.refresh` and read again."""


class StoreView:
    """Reads a store, as it was at the first read; `refresh` moves on to the newest."""

    def __init__(self, path: Path) -> None:
        """Look at a folder that is a store."""
        self.path = path
        self._snapshots: dict[str, Snapshot] = {}
        self._checked: dict[tuple[str, str], Damage | None] = {}
        self._told_losses: dict[str, None] = {}
        self._sources: dict[str, list[str]] | None = None

    def refresh(self) -> None:
        """Forget the snapshot read so far; the next read sees the newest."""
        self._snapshots.clear()
        self._checked.clear()
        self._told_losses.clear()
        self._sources = None

    @property
    def is_locked(self) -> bool:
        """Nobody else writes as long as this is the store's one writer."""
        return False

    @property
    def damages(self) -> list[Damage]:
        """The damaged files that what was read so far should have come from."""
        return [damage for _, damage in sorted(self._checked.items()) if damage is not None]

    def warnings(self) -> list[str]:
        """Say what is wrong with what was read so far, and what to do about it."""
        of_log = [warning for _, snapshot in sorted(self._snapshots.items()) for warning in snapshot.warnings]
        return [*of_log, *describe_damage(self.damages), *self._told_losses]

    def losses(self, source_id: str | None = None) -> list[Loss]:
        """List what was set aside and not read again since, of one log or all."""
        live = {table.name: self.snapshot(table) for table in TABLES}
        found = open_losses(read_losses(self.path), live[EVENTS.name], live)
        return [loss for loss in found if source_id is None or any(lost.source_id == source_id for lost in loss.ranges)]

    def glance(self) -> list[str]:
        """Say what is wrong with files whose presence and size tell, without reading them."""
        for table in TABLES:
            self._note_losses(table)
            for file in self.snapshot(table).files.values():
                if self._checked.get((table.name, file.path)) is None and (
                    damage := examine(self.path / table.name, file, self.as_written(table), is_deep=False)
                ):
                    self._checked[table.name, file.path] = damage
        return self.warnings()

    def recheck(self) -> bool:
        """Look for files that cannot be read though they passed, after a read has failed; True if there are any."""
        passed = [key for key, damage in self._checked.items() if damage is None]
        for name, path in passed:
            table = next(table for table in TABLES if table.name == name)
            file = self.snapshot(table).files[path]
            reason = try_reading(self.path / name / path, file, self.as_written(table))
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
        self._note_losses(EVENTS, start, end)
        files = self.readable(EVENTS, prune_files(self.snapshot(EVENTS).files.values(), start, end))
        return scan_window(self.path / EVENTS.name, files, self.as_written(EVENTS), columns, start, end)

    def event_files(self) -> list[Path]:
        """List the Parquet files of the snapshot that are as they were written, for other readers (SQL, Spark)."""
        return sorted(self.path / EVENTS.name / file.path for file in self.readable(EVENTS, self.snapshot(EVENTS).files.values()))

    @property
    def holds_hashes(self) -> bool:
        """Whether the ids in its files are whole hashes, as stores of layout 1 have them."""
        return self.as_written(EVENTS) is not EVENTS

    def scan_rejects(self) -> pl.LazyFrame:
        """Scan the rejected lines, columns of `REJECT_SCHEMA`."""
        self._note_losses(REJECTS)
        return scan_files(self.path / REJECTS.name, self.readable(REJECTS, self.committed(REJECTS)), REJECTS)

    def runs(self) -> pl.DataFrame:
        """Read what each ingest run added for each source: one row a run and source, oldest first, columns of `RUN_SCHEMA`."""
        keys = ["run_id", "source_id"]
        totals = [pl.col(name).sum() for name in RUN_COUNTS]
        least, greatest = ("first", "started", "offset", "line"), ("last", "finished", "commit")
        times = [pl.col(least).min(), pl.col(greatest).max()]
        others = pl.col(name for name in RUN_SCHEMA if name not in {*keys, *RUN_COUNTS, *least, *greatest}).last()
        rows = scan_files(self.path / RUNS.name, self.readable(RUNS, self.committed(RUNS)), RUNS).select(RUN_SCHEMA.names())
        summed = rows.sort("finished", maintain_order=True).group_by(keys, maintain_order=True).agg(*totals, *times, others)
        with explain_failure("read", self.path):
            return summed.sort("started", *keys).select(RUN_SCHEMA.names()).collect()

    def progress(self, source_id: str) -> SourceProgress | None:
        """Tell how far the store has taken a source, None if it never saw it."""
        return read_progress(self.snapshot(EVENTS).transactions, source_id)

    def sources_like(self, stem: str) -> list[SourceProgress]:
        """List where the sources stand that begin with a line, given its hash."""
        events = self.snapshot(EVENTS)
        if self._sources is None:
            self._sources = group_sources(events.transactions)
        found = (read_progress(events.transactions, source_id) for source_id in self._sources.get(stem, ()))
        return [progress for progress in found if progress is not None]

    def marks(self, source_id: str) -> bytes:
        """Read the digests by which shorter pieces of a source are known, as they were committed."""
        rows = scan_files(self.path / RUNS.name, self.committed(RUNS), RUNS).filter(pl.col("source_id") == source_id)
        with explain_failure("read", self.path):
            return b"".join(rows.select("marks").collect()["marks"].drop_nulls())

    def transactions(self) -> Mapping[str, int]:
        """Give all application transactions of the snapshot."""
        return self.snapshot(EVENTS).transactions

    def status(self) -> StoreStatus:
        """Sum up what the snapshot holds of files that are as they were written."""
        for table in TABLES:
            self._note_losses(table)
        files = self.readable(EVENTS, self.snapshot(EVENTS).files.values())
        return sum_up(self.snapshot(EVENTS).version, files, self.readable(REJECTS, self.committed(REJECTS)))

    def extent(self) -> StoreStatus:
        """Sum up what the log says; no other file is looked at."""
        events = self.snapshot(EVENTS)
        return sum_up(events.version, list(events.files.values()), self.committed(REJECTS))

    def count_at(self, source_id: str, offset: int) -> tuple[int, int]:
        """Count the events and the rejected lines that begin at a place of a source: one at most."""
        mine = (pl.col("source_id") == source_id) & (pl.col("source_offset") == offset)
        counts = [
            rows.filter(mine).select(pl.len()).collect().item() for rows in (self.scan_events(["source_id", "source_offset"]), self.scan_rejects())
        ]
        return counts[0], counts[1]

    def rule_sets(self) -> dict[str, int]:
        """Count events by the version of the rules that derived them; the empty version is unknown."""
        counts: dict[str, int] = {}
        for file in self.readable(EVENTS, self.snapshot(EVENTS).files.values()):
            version = part_rules(self.path / EVENTS.name, file)
            counts[version] = counts.get(version, 0) + (file.rows or 0)
        return counts

    def readable(self, table: Table, files: Iterable[LiveFile]) -> list[LiveFile]:
        """Keep the files that are as they were written; the others are remembered and told."""
        kept = []
        for file in files:
            key = (table.name, file.path)
            if key not in self._checked:
                self._checked[key] = self._examine(table, file)
            if self._checked[key] is None:
                kept.append(file)
        return kept

    def snapshot(self, table: Table) -> Snapshot:
        """Give a table as it was when it was first looked at."""
        if table.name not in self._snapshots:
            # The events come first: what they say of the other tables must hold for snapshots taken later.
            named = {} if table is EVENTS else self.snapshot(EVENTS).transactions
            with explain_failure("read", self.path):
                found = read_snapshot(self.path / table.name)
                if found.version < 0:
                    refuse_bare(self.path / table.name)
            self.refuse_shorter(table, found, named)
            self._snapshots[table.name] = found
        return self._snapshots[table.name]

    def as_written(self, table: Table) -> Table:
        """Give a table with the columns that its log declares."""
        return as_written(table, self.snapshot(table).columns)

    def committed(self, table: Table) -> list[LiveFile]:
        """List the files of rejects or runs that came with a commit which the events know of."""
        committed = self.snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        files = self.snapshot(table).files
        return [files[path] for path in sorted(files) if commit_of(path) <= committed]

    def _examine(self, table: Table, file: LiveFile) -> Damage | None:
        folder = self.path / table.name
        # Reading a file that has no checksum from end to end costs more than the question; should that fail, `recheck` finds it.
        damage = examine(folder, file, self.as_written(table), is_deep=file.crc is not None)
        if damage is not None and not self.is_locked and file.path not in read_snapshot(folder).files:
            raise StaleSnapshotError(damage.place)
        return damage

    def _note_losses(self, table: Table, start: datetime | None = None, end: datetime | None = None) -> None:
        found = self.losses() + (self._torn() if table is EVENTS and not self.is_locked else [])
        self._told_losses |= {loss.describe(): None for loss in found if loss.table == table.name and loss.overlaps(start, end)}

    def _torn(self) -> list[Loss]:
        """Tell what the last run had read though its commit never came, or is gone; a run that is at work may still commit."""
        committed = self.snapshot(EVENTS).transactions.get(COMMIT_ID, 0)
        stray = [file for path, file in self.snapshot(RUNS).files.items() if commit_of(path) > committed]
        if not stray or is_being_written(self.path):
            return []
        loss = undone_loss(scan_files(self.path / RUNS.name, self.readable(RUNS, stray), RUNS).collect(), self.snapshot(EVENTS))
        return [] if loss is None else [loss]

    def refuse_shorter(self, table: Table, found: Snapshot, named: Mapping[str, int]) -> None:
        """Refuse a log that ends before the version that the events were committed with."""
        wanted = named.get(VERSION_IDS.get(table.name, ""), -1)
        if found.version < wanted:
            place = self.path / table.name / LOG_FOLDER / f"{wanted:020}.json"
            raise DamagedStoreError(
                f"the transaction log of the store is damaged: {place} is missing; restore it from a backup, or run pullstats verify --repair"
            )
