"""Set aside what is damaged, so that the rest holds: nothing is deleted, and what was lost is written down.

Every step can be done again: a repair that dies is simply run once more.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import polars as pl

from pullstats.store import modes
from pullstats.store.checksums import Damage, examine
from pullstats.store.failures import explain_failure
from pullstats.store.layout import find_store
from pullstats.store.lock import lock_store
from pullstats.store.log import TableLog
from pullstats.store.log_files import HINT_NAME, LOG_FOLDER, BrokenError, is_good_hint, mend_commit, read_commit
from pullstats.store.losses import DAMAGED_NAME, Loss, add_losses, find_ranges, undone_loss, undone_ranges
from pullstats.store.parts import commit_of, write_rows
from pullstats.store.recount import fill_runs, read_runs
from pullstats.store.replay import Diagnosis, diagnose
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot
from pullstats.store.tables import EVENTS, REJECTS, RUNS, TABLES, Table, as_written


@dataclass(slots=True)
class Repair:
    """What a repair did.

    Attributes:
        moved: files that were set aside, relative to the store.
        losses: what is lost with them.
        remarks: what else was done.
    """

    moved: list[str] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def repair_store(store: Path, lock_timeout: float = 0) -> Repair:
    """Set aside what is damaged in a store.

    Args:
        store: its folder.
        lock_timeout: seconds to wait for another process that writes.

    Raises:
        StoreError: another process writes to it, or the disk fails; run it again then.
    """
    find_store(store, create=False)
    done = Repair()
    with lock_store(store, lock_timeout), explain_failure("repair", store):
        for table in TABLES:
            _repair_log(store, table, done)
        logs = {table.name: TableLog(store, table, is_remade=True) for table in TABLES}
        _undo_strays(store, logs, done)
        for table in (RUNS, REJECTS, EVENTS):
            _repair_files(store, table, logs, done)
        _agree_on_versions(logs)
    return done


def _repair_log(store: Path, table: Table, done: Repair) -> None:
    """Bring a log back to the last version that surely holds."""
    folder = store / table.name
    hint = folder / LOG_FOLDER / HINT_NAME
    if not is_good_hint(hint):
        _set_aside(store, hint, done)
    diagnosis = diagnose(folder)
    if diagnosis.snapshot.version < 0 and diagnosis.newest > 0:
        _make_first_anew(store, table, folder / LOG_FOLDER / f"{0:020}.json", done)
        diagnosis = diagnose(folder)
    if diagnosis.is_current and diagnosis.broken and not diagnosis.aside:
        diagnosis = _pass_over(store, table, diagnosis)
    if diagnosis.snapshot.version < 0 and (diagnosis.newest >= 0 or _has_files(folder)):
        # Without a log nobody knows which of the files count: none may be swept as if nobody needed it.
        for path in sorted([*folder.glob("date=*"), *folder.glob("part-*.parquet"), folder / LOG_FOLDER]):
            _set_aside(store, path, done)
        done.remarks.append(f"nothing of the log of {table.name} holds: the whole table was set aside")
        return
    if not diagnosis.aside:
        return
    if not diagnosis.is_current:
        done.remarks.append(f"{table.name} went back to version {diagnosis.snapshot.version} of {diagnosis.newest}")
    files = _files_of(diagnosis)
    for path in diagnosis.aside:
        _set_aside(store, path, done)
    for name in files:
        _set_aside(store, folder / name, done)


def _pass_over(store: Path, table: Table, diagnosis: Diagnosis) -> Diagnosis:
    """Write a checkpoint behind what is damaged where all still leads to the right state: nobody reads it any more."""
    for error in diagnosis.broken:
        error.path.write_bytes(mend_commit(error.path))
    TableLog(store, table).trim()
    return replace(diagnosis, aside=tuple(error.path for error in diagnosis.broken))


def _make_first_anew(store: Path, table: Table, first: Path, done: Repair) -> None:
    """Write the first commit again, which makes the table and is the same in every store; the later ones tell whether it was."""
    with tempfile.TemporaryDirectory(dir=store, prefix=".repair-") as draft:
        made = TableLog(Path(draft), table).folder / LOG_FOLDER / first.name
        _set_aside(store, first, done)
        made.replace(first)


def _has_files(folder: Path) -> bool:
    return any(folder.glob("date=*/*.parquet")) or any(folder.glob("part-*.parquet"))


def _files_of(diagnosis: Diagnosis) -> list[str]:
    """Name the data files that only commits name which are set aside: a sweep would take them for nobody's."""
    names: set[str] = set()
    for path in diagnosis.aside:
        if path.suffix == ".json" and path.is_file():
            try:
                after = Snapshot()
                for action in read_commit(path):
                    if isinstance(add := action.get("add"), dict) and isinstance(add.get("path"), str):
                        after.files[add["path"]] = LiveFile(add["path"], 0, None, None, None, None)
            except BrokenError:
                continue
            names |= after.files.keys()
    is_inside = [name for name in names if ".." not in Path(name).parts and not Path(name).is_absolute()]
    return sorted(name for name in is_inside if name not in diagnosis.snapshot.files)


def _set_aside(store: Path, path: Path, done: Repair) -> None:
    """Move a file or folder below `damaged/`, where it lay before; what is there keeps its name."""
    if not (path.exists() or path.is_symlink()):
        return
    place = path.relative_to(store)
    target = store / DAMAGED_NAME / place
    modes.make_folder(target.parent, store)
    target = next(free for number in count() if not (free := target.with_name(f"{target.name}.{number}" if number else target.name)).exists())
    path.rename(target)
    done.moved.append(str(place))


def _undo_strays(store: Path, logs: dict[str, TableLog], done: Repair) -> None:
    """Take back rejects and runs whose events went with the log, and write down what lines they came from."""
    events = logs[EVENTS.name].state
    committed = events.transactions.get(COMMIT_ID, 0)
    strays = {table.name: [file for file in logs[table.name].state.files.values() if _is_beyond(file, committed)] for table in (RUNS, REJECTS)}
    rows = read_runs(store, strays[RUNS.name])
    undone = rows if committed == 0 else rows.filter(pl.col("commit").fill_null(committed + 1) > committed)
    if loss := undone_loss(undone, events):
        add_losses(store, [loss])
        done.losses.append(loss)
    for table in (RUNS, REJECTS):
        if strays[table.name]:
            kept = _keep_committed(store, table, strays[table.name], events) if committed else pl.DataFrame(schema=table.schema)
            parts = [write_rows(store / table.name, kept, table, 0)] if kept.height else []
            logs[table.name].commit(parts, strays[table.name])


def _is_beyond(file: LiveFile, committed: int) -> bool:
    """Tell whether a file of rejects or runs holds rows of commits that the events never saw."""
    return committed == 0 or commit_of(file.path) > committed or any(last > committed for _, last in file.commits)


def _keep_committed(store: Path, table: Table, files: list[LiveFile], events: Snapshot) -> pl.DataFrame:
    """Give the rows of merged files that came with commits which still are."""
    committed = events.transactions.get(COMMIT_ID, 0)
    merged = [file for file in files if commit_of(file.path) <= committed and examine(store / table.name, file, table) is None]
    rows = scan_files(store / table.name, merged, table).collect()
    if table is RUNS:
        return rows.filter(pl.col("commit").fill_null(0) <= committed)
    reached = pl.DataFrame(
        {"source_id": list(events.transactions), "reached": list(events.transactions.values())}, schema={"source_id": pl.String, "reached": pl.Int64}
    )
    return rows.join(reached, on="source_id").filter(pl.col("source_offset") < pl.col("reached")).drop("reached")


def _agree_on_versions(logs: dict[str, TableLog]) -> None:
    """Let the events say how far the logs of the other tables go that went back."""
    said = logs[EVENTS.name].state.transactions
    names = {f"{COMMIT_ID}:{table.name}": logs[table.name].state.version for table in (REJECTS, RUNS)}
    behind = {name: version for name, version in names.items() if said.get(name, -1) > version}
    if behind:
        logs[EVENTS.name].commit(transactions=behind, is_new_data=False)


def _repair_files(store: Path, table: Table, logs: dict[str, TableLog], done: Repair) -> None:
    """Set damaged data files aside, write down what they held, and commit that they are gone."""
    log = logs[table.name]
    damages = [
        damage
        for file in log.state.files.values()
        if (damage := examine(log.folder, file, as_written(table, log.state.columns))) is not None and damage.is_lost
    ]
    events = logs[EVENTS.name].state
    runs = read_runs(store, logs[RUNS.name].state.files.values())
    if table is not RUNS:
        losses = [_lose(damage, runs, events) for damage in damages]
        lost_rejects = _missing_rejects(log, runs, events) if table is REJECTS and not damages else []
        if losses or lost_rejects:
            add_losses(store, [*losses, *lost_rejects])
        done.losses += [*losses, *lost_rejects]
    for damage in damages:
        _set_aside(store, log.folder / damage.file.path, done)
    if damages:
        log.commit(retired=[damage.file for damage in damages])
    if table is RUNS:
        counted = fill_runs(store, logs)
        if counted:
            done.remarks.append(f"the records of {counted:,} logs were counted anew from their rows")


def _lose(damage: Damage, runs: pl.DataFrame, events: Snapshot) -> Loss:
    file = damage.file
    ranges = find_ranges(file, runs, events, kind="events" if damage.table == EVENTS.name else "rejected")
    return Loss(damage.table, file.path, file.rows, file.first, file.last, file.commits, ranges)


def _missing_rejects(log: TableLog, runs: pl.DataFrame, events: Snapshot) -> list[Loss]:
    """Find the commits whose rejects went with the end of their table's log."""
    held = [file.commits for file in log.state.files.values()]
    if not all(held):
        return []
    numbers = {number for spans in held for first, last in spans for number in range(first, last + 1)}
    rows = runs.filter((pl.col("rejected") > 0) & pl.col("commit").is_not_null() & ~pl.col("commit").is_in(sorted(numbers)))
    if rows.is_empty():
        return []
    commits = tuple((number, number) for number in sorted(set(rows["commit"].to_list())))
    place = f"commits {commits[0][0]} to {commits[-1][1]}"
    return [Loss(log.table.name, place, int(rows["rejected"].sum()), None, None, commits, undone_ranges(rows, events))]
