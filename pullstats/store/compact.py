"""Fewer, larger files: which of them to merge, and which on disk nobody needs any more.

To change how eager it is: the numbers below.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Final

from pullstats.store.parts import PendingFile, part_rules, write_event_parts, write_rows
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import LiveFile, Snapshot, join_spans
from pullstats.store.tables import Table

TARGET_ROWS: Final = 1_000_000
"""A merged file holds about this many rows: some 35 MB on disk, half a gigabyte while it is merged."""

SMALL_ROWS: Final = 50_000
"""Files below this come from short runs; a block of a long run is larger and not worth a rewrite by itself."""

TIDY_ROWS: Final = 250_000
"""Rows of a file that an ingest makes of small files: merging them takes no more memory than reading logs did."""

EXCESS_LIMIT: Final = 32
"""Small files that a merge would do away with, and that an ingest leaves, besides one a day.

A report takes about a millisecond and a half for each file, so these cost it a twentieth of a second. One more a day may
stay, since a log that spans years adds a file to each of its days whenever more of it comes."""

GROUPS_PER_COMMIT: Final = 64

RETENTION_MS: Final = 3_600_000
"""Retired files stay an hour for readers that began before; the same as `delta.deletedFileRetentionDuration`."""


def plan_merges(files: Iterable[LiveFile], *, below: int, target: int = TARGET_ROWS) -> list[list[LiveFile]]:
    """Choose groups of files to merge, none across days.

    Args:
        files: live files of one table.
        below: only files of fewer rows than this are merged.
        target: rows that the files of a group hold together, at most.
    """
    small = sorted((file for file in files if file.rows is not None and file.rows < below), key=_place)
    groups: list[list[LiveFile]] = []
    for _, day_files in groupby(small, key=lambda file: file.day):
        groups += [group for group in _fill(list(day_files), target) if len(group) > 1]
    return groups


def is_worth_merging(files: Iterable[LiveFile]) -> bool:
    """Tell whether reports would gain more by a merge of a table's small files than it costs."""
    small = [file.day for file in files if file.rows is not None and file.rows < SMALL_ROWS]
    days = len(set(small))
    return len(small) - days > EXCESS_LIMIT + days


def _place(file: LiveFile) -> tuple[str, str, str]:
    return (str(file.day or ""), str(file.first or ""), file.path)


def _fill(files: list[LiveFile], target: int) -> list[list[LiveFile]]:
    groups: list[list[LiveFile]] = [[]]
    rows = 0
    for file in files:
        if rows + (file.rows or 0) > target:
            groups.append([])
            rows = 0
        groups[-1].append(file)
        rows += file.rows or 0
    return groups


def merge_files(folder: Path, group: list[LiveFile], table: Table) -> list[PendingFile]:
    """Write the rows of several files into one; equal times keep the order of the files."""
    rows = scan_files(folder, group, table).collect()
    commits = join_spans(file.commits for file in group)
    if table.is_daily:
        versions = {part_rules(folder, file) for file in group}
        return write_event_parts(folder, rows, versions.pop() if len(versions) == 1 else "", commits)
    # Number 0: whatever is merged was committed before, so no reader and no recovery may doubt it.
    return [write_rows(folder, rows, table, 0, commits)]


def find_orphans(folder: Path, snapshot: Snapshot) -> list[Path]:
    """Find Parquet files that no snapshot of the last hour names: left by a run that died, or long retired.

    Only right under the writer's lock: without it, they may belong to a run that is about to commit.
    """
    horizon = time.time() * 1000 - RETENTION_MS
    kept = {path for path, deleted in snapshot.retired.items() if deleted > horizon}
    places = [*folder.glob("part-*.parquet"), *folder.glob("date=*/part-*.parquet")]
    return [path for path in places if (name := path.relative_to(folder).as_posix()) not in snapshot.files and name not in kept]
