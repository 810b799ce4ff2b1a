"""What a store holds, summed up from its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pullstats.store.snapshot import LiveFile


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store holds, from its log alone.

    Attributes:
        version: number of the last commit of events.
        files: Parquet files of events.
        bytes: their size.
        events: number of events.
        rejects: number of rejected lines kept.
        first: earliest event, None if there is none.
        last: latest event, None if there is none.
    """

    version: int
    files: int
    bytes: int
    events: int
    rejects: int
    first: datetime | None
    last: datetime | None


def sum_up(version: int, files: Sequence[LiveFile], rejects: Sequence[LiveFile]) -> StoreStatus:
    """Sum files up.

    Args:
        version: number of the last commit of events.
        files: of the events.
        rejects: of the rejected lines.
    """
    return StoreStatus(
        version=version,
        files=len(files),
        bytes=sum(file.size for file in files),
        events=sum(file.rows or 0 for file in files),
        rejects=sum(file.rows or 0 for file in rejects),
        first=min((file.first for file in files if file.first), default=None),
        last=max((file.last for file in files if file.last), default=None),
    )
