"""What a table holds at one moment, read from its Delta log alone.

Reports open a store far more often than they need all of Delta: this reads the newest checkpoint
and the commits after it, gives the live files with their time ranges, and all application
transactions at once (asking the library for one takes 2 ms, for a thousand sources two seconds).

Source: Delta Lake protocol, "Action Reconciliation" and "Last Checkpoint File",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import polars as pl

from pullstats.errors import StoreError

READER_VERSION: Final = 1
"""Tables of a higher reader version hold deletion vectors or renamed columns, which we never write."""

LOG_FOLDER: Final = "_delta_log"


@dataclass(frozen=True, slots=True)
class LiveFile:
    """One Parquet file that the snapshot holds.

    Attributes:
        path: relative to the table's folder.
        size: bytes.
        rows: number of rows, None if another tool wrote the file without counting.
        first: earliest timestamp in it, None if unknown.
        last: latest timestamp in it, None if unknown.
        day: UTC day of its partition, None in tables without days.
    """

    path: str
    size: int
    rows: int | None
    first: datetime | None
    last: datetime | None
    day: date | None


@dataclass(slots=True)
class Snapshot:
    """State of one table after one commit.

    Attributes:
        version: number of that commit, -1 if the table has none.
        files: live files by path.
        retired: deletion time (ms since 1970) of files that earlier snapshots held, by path.
        transactions: application transactions, id to version.
        columns: names of the table's columns.
    """

    version: int = -1
    files: dict[str, LiveFile] = field(default_factory=dict)
    retired: dict[str, int] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def read_snapshot(table: Path) -> Snapshot:
    """Read a table's newest snapshot.

    Args:
        table: folder of the Delta table.

    Returns:
        The snapshot; an empty one of version -1 if there is no table.

    Raises:
        StoreError: the log has a hole, holds no table, or was upgraded by another tool.
    """
    try:
        return _replay(table)
    except FileNotFoundError:
        # A checkpoint may let the log be cleaned between listing and reading; the new one is whole.
        try:
            return _replay(table)
        except FileNotFoundError as error:
            raise StoreError(f"the transaction log of {table} is damaged: {error.filename} is missing; restore it from a backup") from error


def _replay(table: Path) -> Snapshot:
    commits, checkpoint, parts = _list_log(table / LOG_FOLDER)
    snapshot = Snapshot()
    if not commits and checkpoint < 0:
        return snapshot
    newest = max([checkpoint, *commits])
    missing = [version for version in range(checkpoint + 1, newest + 1) if version not in commits]
    if missing:
        raise StoreError(f"the transaction log of {table} is damaged: version {missing[0]} is missing; restore it from a backup")
    if parts:
        for action in _checkpoint_actions(parts):
            _apply(snapshot, action, table)
    for version in range(checkpoint + 1, newest + 1):
        for action in _commit_actions(commits[version]):
            _apply(snapshot, action, table)
    snapshot.version = newest
    return snapshot


def _list_log(log: Path) -> tuple[dict[int, Path], int, list[Path]]:
    """Commits by version, version of the newest checkpoint (-1 if none) and its files."""
    commits: dict[int, Path] = {}
    checkpoints: dict[int, list[Path]] = {}
    for path in log.iterdir() if log.is_dir() else ():
        stem, _, rest = path.name.partition(".")
        if not (len(stem) == 20 and stem.isdigit()):
            continue
        if rest == "json":
            commits[int(stem)] = path
        elif rest.startswith("checkpoint") and rest.endswith(".parquet"):
            checkpoints.setdefault(int(stem), []).append(path)
    newest = max(checkpoints, default=-1)
    return commits, newest, sorted(checkpoints.get(newest, []))


def _checkpoint_actions(parts: list[Path]) -> Iterator[dict[str, Any]]:
    for part in parts:
        try:
            frame = pl.read_parquet(part, glob=False)
        except pl.exceptions.PolarsError as error:
            raise StoreError(f"the transaction log is damaged: {part} cannot be read ({error}); restore it from a backup") from error
        for kind, keys in _CHECKPOINT_KEYS.items():
            if kind not in frame.columns:
                continue
            rows = frame.lazy().select(pl.col(kind)).filter(pl.col(kind).is_not_null())
            wanted = [pl.col(kind).struct.field(key) for key in keys]
            for row in rows.select(wanted).collect().to_dicts():
                yield {kind: row}


_CHECKPOINT_KEYS: Final = {
    "protocol": ("minReaderVersion",),
    "metaData": ("schemaString",),
    "add": ("path", "size", "stats"),
    "remove": ("path", "deletionTimestamp"),
    "txn": ("appId", "version"),
}


def _commit_actions(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise StoreError(f"the transaction log is damaged: {path} is not JSON ({error}); restore it from a backup") from error


def _apply(snapshot: Snapshot, action: dict[str, Any], table: Path) -> None:
    if add := action.get("add"):
        file = _live_file(add)
        snapshot.files[file.path] = file
        snapshot.retired.pop(file.path, None)
    elif remove := action.get("remove"):
        path = unquote(remove["path"])
        snapshot.files.pop(path, None)
        snapshot.retired[path] = remove.get("deletionTimestamp") or 0
    elif txn := action.get("txn"):
        snapshot.transactions[txn["appId"]] = txn["version"]
    elif meta := action.get("metaData"):
        snapshot.columns = tuple(column["name"] for column in json.loads(meta["schemaString"])["fields"])
    elif (protocol := action.get("protocol")) and protocol["minReaderVersion"] > READER_VERSION:
        found = protocol["minReaderVersion"]
        raise StoreError(f"{table} was upgraded to Delta reader version {found} by another tool; this pullstats reads {READER_VERSION}")


def _live_file(add: dict[str, Any]) -> LiveFile:
    path = unquote(add["path"])
    stats = json.loads(add.get("stats") or "{}")
    return LiveFile(
        path=path,
        size=add["size"],
        rows=stats.get("numRecords"),
        first=_instant((stats.get("minValues") or {}).get("timestamp")),
        last=_instant((stats.get("maxValues") or {}).get("timestamp")),
        day=date.fromisoformat(path[5:15]) if path.startswith("date=") else None,
    )


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
