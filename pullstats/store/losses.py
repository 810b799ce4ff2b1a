"""What a store has lost, and where it stood in the logs: read again when a log is given again, named until then.

The list lies beside the damaged files (`damaged/losses.json`) and is replaced in one step. Of a log
it holds what the transaction log holds, too: its keyed id and places in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.errors import StoreError
from pullstats.store import modes
from pullstats.store.progress import read_progress
from pullstats.store.snapshot import COMMIT_ID, LiveFile, Snapshot, Spans

DAMAGED_NAME: Final = "damaged"
LOSSES_NAME: Final = "losses.json"


@dataclass(frozen=True, slots=True)
class LostRange:
    """A stretch of a log whose lines may be lost.

    Attributes:
        source_id: the log.
        name: what it was called, None if that is lost, too.
        start: offset of the first byte.
        end: offset behind the last one.
    """

    source_id: str
    name: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that were set aside.

    Attributes:
        table: whose.
        place: the file they lay in, relative to the table's folder.
        rows: how many, None if that is not known.
        first: their earliest instant, None if there is none or it is not known.
        last: their latest.
        commits: numbers of the commits they came with.
        ranges: where their lines stood that were not read again yet.
        is_undone: the commits never happened as far as the store knows: an ingest reads on where it stood before them.
    """

    table: str
    place: str
    rows: int | None
    first: datetime | None
    last: datetime | None
    commits: Spans
    ranges: tuple[LostRange, ...]
    is_undone: bool = False

    def overlaps(self, start: datetime | None, end: datetime | None) -> bool:
        """Tell whether rows may lie in a window."""
        return not ((end and self.first and self.first >= end) or (start and self.last and self.last < start))

    def describe(self) -> str:
        """Name the gap, and say how to close it."""
        what = {"events": "events", "rejects": "rejected lines", "runs": "records"}[self.table]
        count = "an unknown number of" if self.rows is None else f"{self.rows:,}"
        names = sorted({found.name or found.source_id for found in self.ranges})
        of = f" of {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}" if names else ""
        between = f" between {self.first:%Y-%m-%d %H:%M:%S} and {self.last:%Y-%m-%d %H:%M:%S} UTC" if self.first and self.last else ""
        return f"{count} {what}{of}{between} were lost; ingest the log again to bring them back"


def read_losses(store: Path) -> list[Loss]:
    """Read the list; none if there is no list.

    Raises:
        StoreError: it is damaged.
    """
    path = store / DAMAGED_NAME / LOSSES_NAME
    try:
        return [_from_json(entry) for entry in json.loads(path.read_bytes())]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise StoreError(f"{path} is damaged; without it nobody knows which lines to read again: restore it, or move it away") from error


def write_losses(store: Path, losses: Iterable[Loss]) -> None:
    """Replace the list; an empty one goes away."""
    folder = store / DAMAGED_NAME
    entries = [asdict(loss) for loss in losses]
    if not entries:
        (folder / LOSSES_NAME).unlink(missing_ok=True)
        return
    modes.make_folder(folder, store)
    draft = folder / f".{LOSSES_NAME}"
    draft.unlink(missing_ok=True)
    modes.make_file(draft, store)
    draft.write_text(json.dumps(entries, default=datetime.isoformat))
    draft.replace(folder / LOSSES_NAME)


def _from_json(entry: Mapping[str, Any]) -> Loss:
    first, last = (datetime.fromisoformat(entry[name]) if entry[name] else None for name in ("first", "last"))
    ranges = tuple(LostRange(**found) for found in entry["ranges"])
    commits = tuple((start, end) for start, end in entry["commits"])
    return Loss(entry["table"], entry["place"], entry["rows"], first, last, commits, ranges, entry["is_undone"])


def add_losses(store: Path, found: Iterable[Loss]) -> None:
    """Put losses on the list; what is on it already, from a repair that died, is replaced."""
    new = {(loss.table, loss.place): loss for loss in found}
    kept = [loss for loss in read_losses(store) if (loss.table, loss.place) not in new]
    write_losses(store, [*kept, *new.values()])


def open_losses(losses: Iterable[Loss], events: Snapshot, live: Mapping[str, Snapshot]) -> list[Loss]:
    """Keep the losses that still are: not those whose file is back, or whose lines an ingest has passed since."""
    return list(_open(losses, events, live))


def _open(losses: Iterable[Loss], events: Snapshot, live: Mapping[str, Snapshot]) -> Iterator[Loss]:
    for loss in losses:
        if not loss.is_undone:
            if loss.place not in live[loss.table].files:
                yield loss
            continue
        ranges = tuple(found for found in loss.ranges if not _is_passed(found, events))
        if ranges:
            yield replace(loss, ranges=ranges)


def _is_passed(found: LostRange, events: Snapshot) -> bool:
    progress = read_progress(events.transactions, found.source_id)
    return progress is not None and progress.end_offset >= found.end


def find_ranges(file: LiveFile, runs: pl.DataFrame, events: Snapshot, *, kind: str) -> tuple[LostRange, ...]:
    """Tell where the lines of a data file stood: as near as the runs know, else the whole of each log that comes into question.

    Args:
        file: what the log says of it.
        runs: rows of `RUN_SCHEMA`, one a block that was read.
        events: the snapshot of the events.
        kind: `events` or `rejected`: what the file holds.
    """
    rows = runs.filter(pl.col(kind) > 0)
    if kind == "events" and file.first and file.last:
        rows = rows.filter((pl.col("first") <= file.last) & (pl.col("last") >= file.first))
    numbers = [number for first, last in file.commits for number in range(first, last + 1)]
    near = rows.filter(pl.col("commit").is_in(numbers) & pl.col("offset").is_not_null())
    if numbers and set(numbers) <= set(runs["commit"].to_list()):
        return tuple(_join(LostRange(row["source_id"], row["name"], row["offset"], row["offset"] + row["bytes"]) for row in near.to_dicts()))
    names = dict(rows.select("source_id", "name").rows()) if rows.height else {}
    ids = list(names) or [name for name in events.transactions if ":" not in name and name != COMMIT_ID]
    return tuple(LostRange(name, names.get(name), 0, events.transactions.get(name, 0)) for name in ids)


def undone_ranges(rows: pl.DataFrame, events: Snapshot) -> tuple[LostRange, ...]:
    """Tell where the lines stood that came with commits that are undone."""
    found = []
    for row in rows.to_dicts():
        start = row["offset"] if row["offset"] is not None else events.transactions.get(row["source_id"], 0)
        found.append(LostRange(row["source_id"], row["name"], start, start + (row["bytes"] or 0)))
    return tuple(_join(found))


def _join(ranges: Iterable[LostRange]) -> Iterator[LostRange]:
    """Join ranges of a log that touch."""
    open_range: LostRange | None = None
    for found in sorted(ranges, key=lambda found: (found.source_id, found.start, found.end)):
        if open_range is not None and found.source_id == open_range.source_id and found.start <= open_range.end:
            open_range = replace(open_range, end=max(open_range.end, found.end), name=found.name or open_range.name)
            continue
        if open_range is not None:
            yield open_range
        open_range = found
    if open_range is not None:
        yield open_range


def undone_loss(rows: pl.DataFrame, events: Snapshot) -> Loss | None:
    """Give what came with commits that are undone, by their runs (rows of `RUN_SCHEMA`); None if that is nothing."""
    if not rows["events"].sum() and not rows["rejected"].sum():
        return None
    first, last = rows.select(pl.col("first").min(), pl.col("last").max()).row(0)
    place = f"commits after {events.transactions.get(COMMIT_ID, 0)}"
    return Loss("events", place, int(rows["events"].sum()), first, last, (), undone_ranges(rows, events), is_undone=True)
