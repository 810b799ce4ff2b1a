"""Merge the small files of a store on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pullstats.store import open_store


@dataclass(frozen=True, slots=True)
class CompactSummary:
    """What a merge did.

    Attributes:
        merged: files that became others.
        files: files of events that reports read now.
        bytes: of them.
        events: in them.
        warnings: sentences on what is wrong with the store.
    """

    merged: int
    files: int
    bytes: int
    events: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Give the keys that scripts rely on."""
        return asdict(self)


def compact(store: Path, tell: Callable[[str], None] = lambda _: None, lock_timeout: float = 0) -> CompactSummary:
    """Merge all small files of a store, a group of files a commit; no row changes.

    Args:
        store: its folder.
        tell: takes a sentence on what may take its time.
        lock_timeout: seconds to wait for another process that writes.

    Raises:
        UserError: there is no store, another process writes to it, or the disk fails; what was merged before stays so.
    """
    opened = open_store(store)
    with opened.lock(tell, lock_timeout):
        merged = opened.compact()
    left = opened.extent()
    return CompactSummary(merged, left.files, left.bytes, left.events, tuple(opened.glance()))
