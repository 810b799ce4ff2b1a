"""The files of a table's log: which there are, and what each of them says.

Source: Delta Lake protocol, "Delta Log Entries" and "Checkpoints",
https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.errors import StoreError
from pullstats.store.snapshot import Snapshot, apply_action

LOG_FOLDER: Final = "_delta_log"
HINT_NAME: Final = "_last_checkpoint"
BROKEN: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)
_BROKEN_FRAME: Final = (*BROKEN, pl.exceptions.PolarsError, pl.exceptions.PanicException, MemoryError)
LogMark = frozenset[tuple[str, int, int, int]]
"""Name, bytes, time of change in nanoseconds and inode of each file of a log."""

_CHECKPOINT_KEYS: Final = {
    "protocol": ("minReaderVersion",),
    "metaData": ("schemaString",),
    "add": ("path", "size", "stats"),
    "remove": ("path", "deletionTimestamp"),
}


class BrokenError(Exception):
    """A file of the log is not as it was written.

    Attributes:
        path: the file.
        reason: what is wrong with it; completes "the file …".
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file."""
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


@dataclass(slots=True)
class LogFiles:
    """The files of a table's log.

    Attributes:
        commits: by version.
        checkpoints: their parts, by version.
    """

    commits: dict[int, Path] = field(default_factory=dict)
    checkpoints: dict[int, list[Path]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The newest version, -1 if there is none."""
        return max([*self.commits, *self.checkpoints], default=-1)

    @property
    def starts(self) -> list[int]:
        """Versions to begin at, the best first; -1 stands for the first commit."""
        return [*sorted(self.checkpoints, reverse=True), -1]

    def after(self, version: int) -> list[Path]:
        """Give all files of later versions."""
        commits = [path for number, path in self.commits.items() if number > version]
        return sorted(commits + [path for number, paths in self.checkpoints.items() if number > version for path in paths])


def mark_log(table: Path) -> LogMark:
    """Mark what a snapshot is read from, the newest checkpoint and the commits behind it: a log that says something else has another mark."""
    log = os.fspath(table / LOG_FOLDER)
    names = sorted(os.listdir(log)) if os.path.isdir(log) else []  # noqa: PTH112, PTH208 - a thousand paths cost what is saved here
    start = max((name[:20] for name in names if ".checkpoint" in name), default="")
    states = [(name, os.stat(f"{log}/{name}")) for name in names if name >= start]  # noqa: PTH116
    return frozenset((name, state.st_size, state.st_mtime_ns, state.st_ino) for name, state in states)


def list_log(table: Path) -> LogFiles:
    """List the commits and checkpoints of a table."""
    log = table / LOG_FOLDER
    found = LogFiles()
    for path in log.iterdir() if log.is_dir() else ():
        stem, _, rest = path.name.partition(".")
        if not (len(stem) == 20 and stem.isascii() and stem.isdigit()):
            continue
        if rest == "json":
            found.commits[int(stem)] = path
        elif rest.startswith("checkpoint") and rest.endswith(".parquet"):
            found.checkpoints.setdefault(int(stem), []).append(path)
    for parts in found.checkpoints.values():
        parts.sort()
    return found


def is_good_hint(hint: Path) -> bool:
    """Tell whether the pointer to the last checkpoint leads to one."""
    try:
        version = json.loads(hint.read_bytes())["version"]
        return any(hint.parent.glob(f"{int(version):020}.checkpoint*.parquet"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False


def has_leftovers(table: Path) -> bool:
    """Tell whether a writer that died has left a draft of a file of a table's log, or a pointer that leads nowhere."""
    log = table / LOG_FOLDER
    return any(log.glob("*#*")) or not is_good_hint(log / HINT_NAME)


def mend_commit(path: Path) -> bytes:
    """Write a commit's actions as the protocol wants them, from what can be read of them.

    Raises:
        BrokenError: none of it can be read.
    """
    usual: dict[str, dict[str, Any]] = {"add": {"partitionValues": {}, "modificationTime": 0, "dataChange": True}, "remove": {"dataChange": True}}
    lines = []
    for action in read_commit(path):
        for kind in ("protocol", "metaData", "txn", *usual):
            if isinstance(found := action.get(kind), dict):
                whole = {**usual.get(kind, {}), **found}
                if kind == "add" and str(whole.get("path")).startswith("date="):
                    whole["partitionValues"] = {"date": str(whole["path"])[5:15]}
                lines.append(json.dumps({kind: whole}))
    return "".join(f"{line}\n" for line in lines).encode()


def commit_path(table: Path, version: int) -> Path:
    """Name the file of a commit of a table."""
    return table / LOG_FOLDER / f"{version:020}.json"


def read_checkpoint(parts: list[Path], table: Path, version: int) -> Snapshot:
    """Read a checkpoint.

    Raises:
        BrokenError: it cannot be read.
    """
    snapshot = Snapshot(version=version)
    for part in parts:
        try:
            with _explain_unread(part):
                frame = pl.read_parquet(part.read_bytes())
                for action in _checkpoint_actions(frame):
                    apply_action(snapshot, action, table)
                snapshot.transactions |= _checkpoint_transactions(frame)
        except _BROKEN_FRAME as error:
            raise BrokenError(part, "is damaged: it is no checkpoint any more") from error
    return snapshot


def _checkpoint_actions(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for kind, keys in _CHECKPOINT_KEYS.items():
        for row in _checkpoint_rows(frame, kind, keys).to_dicts():
            yield {kind: row}


def _checkpoint_transactions(frame: pl.DataFrame) -> dict[str, int]:
    """Give the transactions all at once: there are some for every source the store ever saw."""
    rows = _checkpoint_rows(frame, "txn", ("appId", "version"))
    return dict(zip(rows["appId"].cast(pl.String).to_list(), rows["version"].cast(pl.Int64).to_list(), strict=True))


def _checkpoint_rows(frame: pl.DataFrame, kind: str, keys: tuple[str, ...]) -> pl.DataFrame:
    """Take the actions of a kind, a column a key; without rows where the checkpoint has none."""
    if kind not in frame.columns:
        return pl.DataFrame(schema=dict.fromkeys(keys, pl.Null))
    rows = frame.lazy().select(pl.col(kind)).filter(pl.col(kind).is_not_null())
    return rows.select(pl.col(kind).struct.field(key) for key in keys).collect()


@contextmanager
def _explain_unread(path: Path) -> Iterator[None]:
    """Tell a file that may not be read, and one that cannot, from one that is gone."""
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise _may_not_read(path) from error
    except OSError as error:
        raise BrokenError(path, f"cannot be read ({error.strerror or error})") from error


def read_commit(path: Path) -> list[dict[str, Any]]:
    """Read the actions of a commit.

    Raises:
        BrokenError: it cannot be read.
    """
    with _explain_unread(path):
        lines = path.read_bytes().splitlines()
    try:
        actions = [json.loads(line) for line in lines if line.strip()]
    except (ValueError, RecursionError) as error:
        raise BrokenError(path, "is damaged: it is not JSON") from error
    if not all(isinstance(action, dict) for action in actions):
        raise BrokenError(path, "is damaged: it holds what is no action")
    return actions


def _may_not_read(path: Path) -> StoreError:
    return StoreError(f"{path} cannot be read (Permission denied); give yourself the right to read the store")
