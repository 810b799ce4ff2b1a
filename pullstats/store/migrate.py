"""Bring a store of layout 1 up to date: ids of 64 bits in place of whole hashes of 16 bytes.

File after file is written anew beside the old one, then one commit lets the new ones, with the
table's new columns, take the place of all. Until then readers see the old store; a run that dies
leaves a journal of what it had written, and the next goes on behind it. The marker is raised right
before the commit: an older pullstats, which would read the new files wrongly, refuses from then on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pullstats.store import modes
from pullstats.store.checksums import checksum
from pullstats.store.layout import raise_marker
from pullstats.store.parts import PendingFile, discard_parts, part_rules, rewrite_part
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import LiveFile
from pullstats.store.tables import EVENTS, OLD_EVENTS

if TYPE_CHECKING:
    from pullstats.store.log import TableLog

JOURNAL_NAME: Final = "migration.ndjson"
_NEW_NAMES: Final = uuid.UUID("9d1f2c52-7b0e-5c5e-8d35-64b6c0b7a1de")
"""Namespace of new files' names, each made from the old one's: a run that goes on finds what is there."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A line of the journal: a new file that is whole on the disk."""

    path: str
    size: int
    rows: int
    crc: int


def has_journal(store: Path) -> bool:
    """Tell whether a run that died has left a journal."""
    return (store / JOURNAL_NAME).exists()


def migrate(store: Path, log: TableLog, files: Sequence[LiveFile], tell: Callable[[str], None]) -> None:
    """Write the events anew; under the writer's lock.

    Args:
        store: folder of the store.
        log: of the events.
        files: all live files of the events, none of them damaged.
        tell: takes a sentence before the work begins.

    Raises:
        OSError: the disk is full or not writable; what was written for the new layout is deleted.
        CommitFailedError, DeltaError: the commit failed; as above.
    """
    rows = sum(file.rows or 0 for file in files)
    if files:
        tell(f"the store is brought to its new layout, once: {rows:,} events in {len(files):,} {'file' if len(files) == 1 else 'files'}")
    journal = store / JOURNAL_NAME
    known = _read_journal(journal)
    added: list[PendingFile] = []
    try:
        if not journal.exists():
            modes.make_file(journal, store)
        with journal.open("a", encoding="utf-8") as lines:
            for file in files:
                rules = part_rules(log.folder, file)
                written = _find(log.folder, file, known) or _write(log.folder, file, rules)
                lines.write(json.dumps(asdict(written)) + "\n")
                lines.flush()
                added.append(
                    PendingFile(
                        EVENTS.name, written.path, written.size, written.rows, file.day, file.first, file.last, written.crc, file.commits, rules
                    )
                )
    except OSError:
        discard_parts(log.folder, added)
        forget_journal(store)
        raise
    raise_marker(store)
    log.commit(added, files, is_new_data=False, is_replacing=True)
    forget_journal(store)


def forget_journal(store: Path) -> None:
    """Delete what a run that died right behind its commit has left."""
    with suppress(OSError):
        (store / JOURNAL_NAME).unlink(missing_ok=True)


def new_place(file: LiveFile) -> str:
    """Give where the events of a file are written anew: always the same place, relative to the table's folder."""
    return f"{Path(file.path).parent.as_posix()}/part-{uuid.uuid5(_NEW_NAMES, file.path)}.parquet"


def _write(folder: Path, file: LiveFile, rules: str) -> _Written:
    place = new_place(file)
    (folder / place).unlink(missing_ok=True)  # of a run that died while it wrote
    rows = scan_files(folder, [file], OLD_EVENTS).collect()
    size, crc = rewrite_part(folder, place, rows, rules)
    return _Written(place, size, rows.height, crc)


def _find(folder: Path, file: LiveFile, known: dict[str, _Written]) -> _Written | None:
    """Find what a run that died has written for a file, if it is still as it was."""
    written = known.get(new_place(file))
    if written is None:
        return None
    try:
        is_whole = (folder / written.path).stat().st_size == written.size and checksum(folder / written.path) == written.crc
    except OSError:
        return None
    return written if is_whole else None


def _read_journal(path: Path) -> dict[str, _Written]:
    """Read what a run that died had written; a line that is cut or strange counts as nothing."""
    found: dict[str, _Written] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        with suppress(ValueError, TypeError, RecursionError):
            written = _Written(**json.loads(line))
            found[written.path] = written
    return found
