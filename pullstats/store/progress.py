"""How far the store has taken each source, kept in the transaction log itself.

A source's facts are application transactions of the commit that holds its rows, so rows and
offset can never part: `<source_id>` is the end offset, `<source_id>:lines` the lines so far,
`<source_id>:tail` the keyed hash of the last committed bytes, with the finished flag in its
lowest bit (transactions hold one integer each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pullstats.errors import InternalError

TAIL_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Where one source stands.

    Attributes:
        source_id: keyed fingerprint of the source, the Delta application id.
        end_offset: decompressed bytes taken so far; the next line begins here.
        lines: lines taken so far, blank and rejected ones included.
        tail_hash: keyed hash of the last bytes before `end_offset`, of at most 62 bits.
        is_finished: True if nothing can follow (a compressed or archived file read to its end).
    """

    source_id: str
    end_offset: int
    lines: int
    tail_hash: int = 0
    is_finished: bool = False


def read_progress(transactions: Mapping[str, int], source_id: str) -> SourceProgress | None:
    """Look a source up among a snapshot's transactions; None if the store never saw it."""
    end_offset = transactions.get(source_id)
    if end_offset is None:
        return None
    tail = transactions.get(f"{source_id}:tail", 0)
    return SourceProgress(source_id, end_offset, transactions.get(f"{source_id}:lines", 0), tail >> 1, bool(tail & 1))


def progress_transactions(progress: SourceProgress) -> dict[str, int]:
    """Encode a source's progress as application transactions."""
    if ":" in progress.source_id or progress.tail_hash >> TAIL_BITS:
        raise InternalError(f"source id '{progress.source_id}' holds a colon, or its tail hash more than {TAIL_BITS} bits")
    return {
        progress.source_id: progress.end_offset,
        f"{progress.source_id}:lines": progress.lines,
        f"{progress.source_id}:tail": progress.tail_hash << 1 | progress.is_finished,
    }
