"""What a table holds at one moment, made up from the actions of its Delta log.

Every commit of ours carries a digest of the state that it leads to (`STATE_ID`), so a log that lost
an action, a version or a bit of what counts is known from one that did not: whatever is read,
checkpoint or commits, must come to the state that the last commit names.

Source: Delta Lake protocol, "Action Reconciliation",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pullstats.errors import StoreError

READER_VERSION: Final = 1
"""Tables of a higher reader version hold deletion vectors or renamed columns, which we never write."""

COMMIT_ID: Final = "pullstats"
"""Application id whose version is the number of the store's last commit."""

STATE_ID: Final = "pullstats:state"
"""Application id whose version is a digest of all that the table holds after the commit."""

OURS: Final = "pullstats"
"""What our commits carry in their `commitInfo`, and our file actions in their statistics."""

Spans = tuple[tuple[int, int], ...]
"""Ranges of numbers, both ends included, ascending."""


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
        crc: checksum of its bytes, None if an older version or another tool wrote it.
        commits: numbers of the store's commits whose rows it holds; empty if that is not known.
        rules: version of the rules that derived its columns, None if its footer must be asked.
    """

    path: str
    size: int
    rows: int | None
    first: datetime | None
    last: datetime | None
    day: date | None
    crc: int | None = None
    commits: Spans = ()
    rules: str | None = None


@dataclass(slots=True)
class Snapshot:
    """State of one table after one commit.

    Attributes:
        version: number of that commit, -1 if the table has none.
        files: live files by path.
        retired: deletion time (ms since 1970) of files that earlier snapshots held, by path.
        transactions: application transactions, id to version.
        columns: the table's columns, each as `name:type`.
        warnings: what of the log is damaged that nothing hangs on.
        is_lacking: a commit since the checkpoint lacks what we can do without, and other readers cannot.
    """

    version: int = -1
    files: dict[str, LiveFile] = field(default_factory=dict)
    retired: dict[str, int] = field(default_factory=dict)
    transactions: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_lacking: bool = False

    def copy(self) -> Snapshot:
        """Give one that changes by itself."""
        return replace(self, files=dict(self.files), retired=dict(self.retired), transactions=dict(self.transactions))

    def digest(self) -> int:
        """Sum up files, transactions and columns in 62 bits; the order of actions changes nothing."""
        files = [
            f"f|{name}|{value.size}|{value.rows}|{value.first}|{value.last}|{value.crc}|{value.commits}|{value.rules}"
            for name, value in self.files.items()
        ]
        known = [f"t|{name}|{version}" for name, version in self.transactions.items() if name != STATE_ID]
        text = "\n".join([*sorted(files), *sorted(known), *sorted(self.columns)])
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest()) >> 2

    @property
    def is_whole(self) -> bool:
        """True if this is the state that its last commit named."""
        return self.transactions.get(STATE_ID) == self.digest() and bool(self.columns)


def apply_action(snapshot: Snapshot, action: dict[str, Any], table: Path) -> bool:
    """Bring a snapshot to where an action leads; False if the action is none that leads anywhere.

    Raises:
        StoreError: another tool upgraded the table.
        KeyError, TypeError, ValueError, AttributeError: the action is damaged.
    """
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
        snapshot.columns = tuple(f"{column['name']}:{column['type']}" for column in json.loads(meta["schemaString"])["fields"])
    elif protocol := action.get("protocol"):
        found = protocol["minReaderVersion"]
        if found > READER_VERSION:
            raise StoreError(f"{table} was upgraded to Delta reader version {found} by another tool; this pullstats reads {READER_VERSION}")
    else:
        return False
    return True


def _live_file(add: dict[str, Any]) -> LiveFile:
    path = unquote(add["path"])
    stats = json.loads(add.get("stats") or "{}")
    ours = stats.get(OURS) or {}
    day = date.fromisoformat(path[5:15]) if path.startswith("date=") else None
    if day is not None and isinstance(add.get("partitionValues"), dict) and add["partitionValues"]["date"] != str(day):
        raise ValueError(path)
    return LiveFile(
        path=path,
        size=add["size"],
        rows=stats.get("numRecords"),
        first=_instant((stats.get("minValues") or {}).get("timestamp")),
        last=_instant((stats.get("maxValues") or {}).get("timestamp")),
        day=day,
        crc=ours.get("crc32"),
        commits=tuple((first, last) for first, last in ours.get("commits", ())),
        rules=ours.get("rules"),
    )


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def join_spans(all_spans: Iterable[Spans]) -> Spans:
    """Join ranges of commit numbers; if one of them is not known, none is."""
    given = list(all_spans)
    if not all(given):
        return ()
    joined: list[tuple[int, int]] = []
    for first, last in sorted(span for spans in given for span in spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)
