"""How far the store has taken each source, kept in the transaction log itself.

A source's facts are application transactions of the commit that holds its rows, so rows and
offset can never part. Transactions hold one integer each: `<source_id>` is the end offset, and

    <source_id>:lines    lines so far
    <source_id>:digest   keyed digest of all that was committed
    <source_id>:head     keyed digest of its first bytes
    <source_id>:name     keyed hash of the name a user gave it, where one did
    <source_id>:tail     what stores of 0.1 kept instead: keyed hash of the last line, times two

An id is a hash of the log's first line, and `-1`, `-2`, … where several begin with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pullstats.errors import InternalError

MARK_BITS: Final = 62
STEM_LENGTH: Final = 32
"""Characters of an id that are the hash of the first line."""


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """Where one source stands.

    Attributes:
        source_id: the Delta application id.
        end_offset: decompressed bytes taken so far; the next line begins here.
        lines: lines taken so far, blank and rejected ones included.
        digest: keyed digest of the bytes taken, at most 62 bits; None in stores of 0.1.
        head: keyed digest of the first of them; None in stores of 0.1.
        name: keyed hash of the name that a user gave the source, 0 for none.
        tail: keyed hash of the last line taken, in stores of 0.1.
    """

    source_id: str
    end_offset: int
    lines: int
    digest: int | None = None
    head: int | None = None
    name: int = 0
    tail: int = 0


def read_progress(transactions: Mapping[str, int], source_id: str) -> SourceProgress | None:
    """Look a source up among a snapshot's transactions; None if the store never saw it."""
    end_offset = transactions.get(source_id)
    if end_offset is None:
        return None
    digest, head = (transactions.get(f"{source_id}:{fact}") for fact in ("digest", "head"))
    name, tail, lines = (transactions.get(f"{source_id}:{fact}", 0) for fact in ("name", "tail", "lines"))
    return SourceProgress(source_id, end_offset, lines, digest, head, name, tail >> 1)


def progress_transactions(progress: SourceProgress) -> dict[str, int]:
    """Encode a source's progress as application transactions."""
    facts = {"lines": progress.lines, "digest": progress.digest, "head": progress.head, "name": progress.name or None}
    if ":" in progress.source_id or any((value or 0) >> MARK_BITS for name, value in facts.items() if name != "lines"):
        raise InternalError(f"source id '{progress.source_id}' holds a colon, or a digest of it more than {MARK_BITS} bits")
    return {progress.source_id: progress.end_offset} | {f"{progress.source_id}:{name}": value for name, value in facts.items() if value is not None}


def group_sources(transactions: Mapping[str, int]) -> dict[str, list[str]]:
    """List the ids of all sources by the hash of their first line."""
    found: dict[str, list[str]] = {}
    for name in transactions:
        if ":" not in name and len(name) >= STEM_LENGTH:
            found.setdefault(name[:STEM_LENGTH], []).append(name)
    return found
