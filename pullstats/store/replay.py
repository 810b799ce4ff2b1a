"""The way to a table's newest snapshot: a checkpoint, the commits behind it, and what to do where they are damaged.

Reports open a store far more often than they need all of Delta: this reads the newest checkpoint
and the commits after it, gives the live files with their time ranges, and all application
transactions at once (asking the library for one takes 2 ms, for a thousand sources two seconds).

Source: Delta Lake protocol, "Delta Log Entries" and "Checkpoints",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pullstats.errors import DamagedStoreError
from pullstats.store.log_files import (
    BROKEN,
    LOG_FOLDER,
    BrokenError,
    LogFiles,
    LogMark,
    commit_path,
    list_log,
    mark_log,
    read_checkpoint,
    read_commit,
)
from pullstats.store.snapshot import OURS, STATE_ID, Snapshot, apply_action

_READ: Final[dict[Path, tuple[LogMark, Snapshot]]] = {}
"""What was read of the tables last looked at, and how their logs were marked then: one ingest looks at each several times."""

_MOST_READ: Final = 12
_TICK_NS: Final = 50_000_000
"""A file that was changed twice within a tick of the file system's clock looks as if it was changed once."""

_NEEDED: Final = {
    "add": {"path", "partitionValues", "size", "modificationTime", "dataChange"},
    "remove": {"path", "dataChange"},
    "txn": {"appId", "version"},
}
"""What the protocol demands of actions: we read without some of it, other readers and the library that writes do not."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a log still tells.

    Attributes:
        snapshot: the last state that holds; of version -1 and empty if none does.
        newest: the newest version there is a file of.
        broken: what is damaged.
        aside: files to be set aside for the log to hold again.
    """

    snapshot: Snapshot
    newest: int
    broken: tuple[BrokenError, ...]
    aside: tuple[Path, ...]

    @property
    def is_current(self) -> bool:
        """True if nothing is lost."""
        return self.snapshot.version == self.newest


def read_snapshot(table: Path) -> Snapshot:
    """Read a table's newest snapshot.

    Args:
        table: folder of the Delta table.

    Returns:
        The snapshot; an empty one of version -1 if there is no table.

    Raises:
        StoreError: the log was upgraded by another tool, or may not be read.
        DamagedStoreError: it does not lead to the state that was committed last.
    """
    mark = _mark(table)
    if (known := _READ.get(table)) is not None and known[0] == mark:
        return known[1].copy()
    found = _read(table)
    _READ.pop(table, None)
    if mark and max(changed for _, _, changed, _ in mark) + _TICK_NS < time.time_ns():
        _READ[table] = (mark, found.copy())
    while len(_READ) > _MOST_READ:
        del _READ[next(iter(_READ))]
    return found


def _mark(table: Path) -> LogMark:
    try:
        return mark_log(table)
    except OSError:
        return frozenset()  # It is being written, or may not be read; `_read` says which.


def _read(table: Path) -> Snapshot:
    for _ in range(2):
        try:
            found = _replay(table)
        except FileNotFoundError:
            continue  # A checkpoint may let the log be cleaned between listing and reading; the new one is whole.
        except BrokenError:
            break
        if found.version < 0 or found.is_whole:
            return found
        break
    diagnosis = diagnose(table)
    if not diagnosis.is_current:
        raise DamagedStoreError(_say(diagnosis))
    warnings = tuple(f"{error}, but the log holds without it; run: pullstats verify --repair" for error in diagnosis.broken)
    return replace(diagnosis.snapshot, warnings=warnings)


def refuse_bare(table: Path) -> None:
    """Refuse a table that has no log though there is something that only a log can have led to.

    Raises:
        DamagedStoreError: its data files, or the logs of the tables that are made after it, are there.
    """
    others = [path for path in table.parent.glob(f"*/{LOG_FOLDER}/*.json") if table.name == "events"]
    if others or any(table.glob("date=*/*.parquet")) or any(table.glob("part-*.parquet")):
        raise DamagedStoreError(
            f"the transaction log of the store is damaged: {table / LOG_FOLDER} is missing or empty; restore it from a backup, or run pullstats verify --repair, which sets the table aside"
        )


def refuse_broken(table: Path) -> None:
    """Refuse a table whose log another reader stumbles over.

    Raises:
        DamagedStoreError: part of it is damaged.
    """
    diagnosis = diagnose(table)
    if diagnosis.broken:
        raise DamagedStoreError(_say(diagnosis))


def _say(diagnosis: Diagnosis) -> str:
    first = diagnosis.broken[0]
    message = f"the transaction log of the store is damaged: {first}; restore it from a backup"
    if diagnosis.snapshot.version < 0 or diagnosis.is_current:
        return f"{message}, or run pullstats verify --repair"
    return f"{message}, or run pullstats verify --repair, which goes back to version {diagnosis.snapshot.version} of {diagnosis.newest}"


def _replay(table: Path) -> Snapshot:
    """Read from the newest checkpoint on, trusting what is there; `is_whole` tells whether that was right."""
    files = list_log(table)
    snapshot = Snapshot()
    start = files.starts[0]
    for version in range(start + 1, files.newest + 1):
        if version not in files.commits:
            raise BrokenError(commit_path(table, version), "is missing")
    if start >= 0:
        snapshot = read_checkpoint(files.checkpoints[start], table, start)
    for version in range(start + 1, files.newest + 1):
        _apply_commit(snapshot, read_commit(files.commits[version]), files.commits[version], table)
    snapshot.version = files.newest
    return snapshot


def diagnose(table: Path) -> Diagnosis:
    """Find the last state that a log surely leads to, from whichever checkpoint it takes.

    Raises:
        StoreError: the table was upgraded by another tool, or a file may not be read.
    """
    files = list_log(table)
    best = Snapshot()
    broken: dict[Path, BrokenError] = {}
    for start in files.starts:
        try:
            snapshot = Snapshot() if start < 0 else _whole_checkpoint(files, start, table)
        except BrokenError as error:
            broken[error.path] = error
            continue
        reached, problem = _walk(snapshot, files, table)
        if problem is not None and (reached.version >= 0 or not files.checkpoints):
            broken[problem.path] = problem
        if reached.version < files.newest and _leads_to_whole(files, start, table):
            # What one commit lost, nothing hangs on: a later one names the very state that all of them lead to.
            reached = _replay(table)
        if reached.version > best.version:
            best = reached
        if best.version == files.newest:
            break
    bad_checkpoints = {part for paths in files.checkpoints.values() for part in paths if part in broken}
    whole = {part for paths in files.checkpoints.values() for part in paths if bad_checkpoints.intersection(paths)}
    aside = {*files.after(best.version), *whole, *(path for path in broken if path.exists() and _version(path) > best.version)}
    relevant = list(broken.values())
    return Diagnosis(best, files.newest, tuple(sorted(relevant, key=lambda error: error.path)), tuple(sorted(aside)))


def _leads_to_whole(files: LogFiles, start: int, table: Path) -> bool:
    try:
        return start == files.starts[0] and _replay(table).is_whole
    except (BrokenError, FileNotFoundError):
        return False


def _version(path: Path) -> int:
    return int(path.name[:20])


def _whole_checkpoint(files: LogFiles, version: int, table: Path) -> Snapshot:
    parts = files.checkpoints[version]
    snapshot = read_checkpoint(parts, table, version)
    if not snapshot.columns or (STATE_ID in snapshot.transactions and not snapshot.is_whole):
        raise BrokenError(parts[0], "does not hold the state that was committed")
    return snapshot


def _walk(snapshot: Snapshot, files: LogFiles, table: Path) -> tuple[Snapshot, BrokenError | None]:
    """Follow the commits as far as each of them is whole."""
    for version in range(snapshot.version + 1, files.newest + 1):
        path = files.commits.get(version)
        if path is None:
            return snapshot, BrokenError(commit_path(table, version), "is missing")
        after = snapshot.copy()
        try:
            actions = read_commit(path)
            _apply_commit(after, actions, path, table)
            _check_commit(snapshot, after, actions, path)
        except BrokenError as error:
            return snapshot, error
        after.version = version
        snapshot = after
    return snapshot, None


def _check_commit(before: Snapshot, after: Snapshot, actions: list[dict[str, Any]], path: Path) -> None:
    """Tell a commit that is whole from one that lost its end."""
    if _lacks_something(actions):
        raise BrokenError(path, "is damaged: an action lacks what other readers need")
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if isinstance(action.get("commitInfo"), dict)), {})
    named = {action["txn"]["appId"] for action in actions if "txn" in action}
    if not after.columns:
        raise BrokenError(path, "is cut: it names no columns")
    if STATE_ID in named:
        if not after.is_whole:
            raise BrokenError(path, "does not lead to the state that was committed")
        return
    changes = [action for action in actions if action.keys() & {"add", "remove", "txn"}]
    is_ours = OURS in info or (not info and STATE_ID in before.transactions)
    # Before commits named their state, every commit of new rows named its number.
    is_nameless = "pullstats" not in named and path.parent.parent.name == "events" and str(info.get("engineInfo", "")).startswith("delta-rs:py")
    if is_ours or (is_nameless and any(action["add"].get("dataChange") for action in changes if "add" in action)):
        raise BrokenError(path, "is cut: it does not name the state that it leads to")
    if changes:
        after.transactions.pop(STATE_ID, None)  # Another tool changed the table: nothing names its state until we write again.


def _apply_commit(snapshot: Snapshot, actions: list[dict[str, Any]], path: Path, table: Path) -> None:
    try:
        done = [apply_action(snapshot, action, table) for action in actions]
    except BROKEN as error:
        raise BrokenError(path, "is damaged: an action lacks what it needs") from error
    if not any(done):
        raise BrokenError(path, "is cut: it holds no action")
    snapshot.is_lacking |= _lacks_something(actions)


def _lacks_something(actions: list[dict[str, Any]]) -> bool:
    return any(kind in action and not needed <= action[kind].keys() for action in actions for kind, needed in _NEEDED.items())
