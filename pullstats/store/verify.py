"""Check a store against its transaction log: every file, every byte, and whether the counts agree."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pullstats.errors import StoreError
from pullstats.store import compact as compaction
from pullstats.store.checksums import Damage, describe_damage, examine
from pullstats.store.failures import explain_failure
from pullstats.store.log_files import HINT_NAME, LOG_FOLDER, is_good_hint
from pullstats.store.losses import open_losses, read_losses
from pullstats.store.parts import commit_of
from pullstats.store.replay import Diagnosis, diagnose
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot
from pullstats.store.tables import EVENTS, REJECTS, RUNS, TABLES, Table, as_written


@dataclass(slots=True)
class Verification:
    """What a check found.

    Attributes:
        files: data files that were read.
        bytes: of them.
        seconds: that it took.
        unsummed: files among them that carry no checksum.
        broken: sentences on the log; nothing can be written before it is repaired.
        damages: data files that are not as they were written.
        mismatches: sentences on counts that do not agree.
        gaps: sentences on what was lost before.
        remarks: what needs nobody.
        diagnoses: of each table's log.
    """

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    unsummed: int = 0
    broken: list[str] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    diagnoses: dict[str, Diagnosis] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """True if all is as it was written; what was lost before and is known to be is no damage."""
        return not (self.broken or self.damages or self.mismatches)

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a sentence each."""
        return [*self.broken, *describe_damage(self.damages), *self.mismatches]


def verify_store(store: Path) -> Verification:
    """Check a store; nothing is changed.

    Raises:
        StoreError: a file may not be read.
    """
    began = time.monotonic()
    found = Verification()
    with explain_failure("read", store):
        for table in TABLES:
            found.diagnoses[table.name] = diagnosis = diagnose(store / table.name)
            found.broken += [f"the transaction log is damaged: {error}" for error in diagnosis.broken]
            hint = store / table.name / LOG_FOLDER / HINT_NAME
            if not is_good_hint(hint):
                found.broken.append(f"the transaction log is damaged: {hint} does not lead to a checkpoint")
        _check_versions(store, found)
        snapshots = {name: diagnosis.snapshot for name, diagnosis in found.diagnoses.items()}
        for table in TABLES:
            for file in _committed(table, snapshots):
                _check_file(store / table.name, file, as_written(table, snapshots[table.name].columns), found)
        _check_losses(store, snapshots, found)
        if not found.broken and not found.damages:
            _check_counts(store, snapshots, found)
            _remark_on_orphans(store, snapshots, found)
    found.seconds = time.monotonic() - began
    return found


def _check_versions(store: Path, found: Verification) -> None:
    events = found.diagnoses[EVENTS.name].snapshot
    for table in TABLES:
        reached = found.diagnoses[table.name].newest
        wanted = max(events.transactions.get(f"{COMMIT_ID}:{table.name}", -1), 0 if _has_data(store, table) else -1)
        if reached < wanted:
            found.broken.append(f"the transaction log is damaged: {store / table.name / LOG_FOLDER / f'{wanted:020}.json'} is missing")


def _has_data(store: Path, table: Table) -> bool:
    return any((store / table.name).glob("date=*/*.parquet" if table.is_daily else "*.parquet"))


def _committed(table: Table, snapshots: dict[str, Snapshot]) -> list[LiveFile]:
    number = snapshots[EVENTS.name].transactions.get(COMMIT_ID, 0)
    return [file for path, file in sorted(snapshots[table.name].files.items()) if table is EVENTS or commit_of(path) <= number]


def _check_file(folder: Path, file: LiveFile, table: Table, found: Verification) -> None:
    found.files += 1
    found.bytes += file.size
    found.unsummed += file.crc is None
    damage = examine(folder, file, table)
    if damage is not None:
        found.damages.append(damage)


def _check_losses(store: Path, snapshots: dict[str, Snapshot], found: Verification) -> None:
    try:
        losses = read_losses(store)
    except StoreError as error:
        found.broken.append(str(error))
        return
    found.gaps += [loss.describe() for loss in open_losses(losses, snapshots[EVENTS.name], snapshots)]


def _check_counts(store: Path, snapshots: dict[str, Snapshot], found: Verification) -> None:
    """Compare, log by log, what the runs counted with the rows that are there; a store with gaps cannot agree."""
    runs = scan_files(store / RUNS.name, _committed(RUNS, snapshots), RUNS).collect()
    parts = pl.sum_horizontal("events", "ignored", "rejected", "duplicates")
    uneven = runs.filter(pl.col("lines") != parts).group_by("name").agg(pl.len()).sort("name")
    found.mismatches += [
        f"{count:,} records of {name} do not add up: lines are not events, ignored, rejected and duplicates" for name, count in uneven.rows()
    ]
    if found.gaps:
        return
    for table, column in ((EVENTS, "events"), (REJECTS, "rejected")):
        stored = _count_rows(store, table, snapshots)
        said = runs.group_by("source_id").agg(pl.col(column).sum().cast(pl.Int64).alias("said"), pl.col("name").last())
        both = said.join(stored, on="source_id", how="left").with_columns(pl.col("stored").fill_null(0))
        both = both.join(runs.filter(pl.col("run_id") == "repair"), on="source_id", how="anti")  # Those were counted from what was left.
        differ = both.filter(pl.col("said") != pl.col("stored")).sort("name")
        found.mismatches += [
            f"{row['name'] or row['source_id']}: the store holds {row['stored']:,} {column.replace('rejected', 'rejected lines')}, its runs have counted {row['said']:,}"
            for row in differ.to_dicts()
        ]


def _count_rows(store: Path, table: Table, snapshots: dict[str, Snapshot]) -> pl.DataFrame:
    rows = scan_files(store / table.name, _committed(table, snapshots), as_written(table, snapshots[table.name].columns))
    return rows.group_by("source_id").agg(pl.len().cast(pl.Int64).alias("stored")).collect(engine="streaming")


def _remark_on_orphans(store: Path, snapshots: dict[str, Snapshot], found: Verification) -> None:
    orphans = sum(len(compaction.find_orphans(store / table.name, snapshots[table.name])) for table in TABLES)
    if orphans:
        found.remarks.append(f"{orphans:,} files belong to no commit, of a run that died or is at work; the next ingest sweeps what nobody needs")
    if found.unsummed:
        found.remarks.append(
            f"{found.unsummed:,} files carry no checksum (an older version wrote them) and could be read; merging or rebuilding gives them one"
        )
