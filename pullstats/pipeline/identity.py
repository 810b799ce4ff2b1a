"""Know a log again, whatever it is called by now: renamed, compressed, copied or grown.

A log is known by a keyed hash of its first telling line, and recognised where it was left by a
keyed hash of the last line that was committed. Logs that share their first line and differ later
get ordinals: `fingerprint`, `fingerprint-1`, ….
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count
from typing import Final

import polars as pl

from pullstats.enrich import HashKey
from pullstats.pipeline.reading import LogReading
from pullstats.sources import Source, SourceFile, open_source, read_blocks
from pullstats.sources.blocks import TAIL_LENGTH
from pullstats.sources.streams import HEAD_LENGTH
from pullstats.store import SourceProgress, Store

_TELLING: Final = 24
"""Bytes from which on a line tells a log from others."""


def fingerprint(head: bytes, key: bytes, telling: bytes | None = None) -> str:
    """Hash the first telling line of a log; comments and bare brackets tell nothing.

    Args:
        head: the first bytes of the log, decompressed.
        key: the store's key: without it nobody can check a guess at a line.
        telling: what tells the log from others, where that is not a line.
    """
    if telling is not None:
        return hashlib.blake2b(telling, key=key, digest_size=16, person=b"log-start").hexdigest()
    lines = (line for line in head.split(b"\n") if len(line) >= _TELLING and not line.startswith(b"#"))
    telling = next(lines, head).rstrip(b"\r")
    return hashlib.blake2b(telling, key=key, digest_size=16, person=b"log-start").hexdigest()


def tail_mark(tail: bytes, key: bytes) -> int:
    """Hash the last line that was read to a number a store can keep (62 bits)."""
    digest = hashlib.blake2b(tail, key=key, digest_size=8, person=b"log-tail").digest()
    return int.from_bytes(digest) >> 2


def mark_at(file: SourceFile, offset: int, key: bytes) -> int | None:
    """Hash the line that ends at an offset of a log; None if the log is shorter."""
    with open_source(file) as source:
        start = max(offset - TAIL_LENGTH, 0)
        if not source.skip_to(start):
            return None
        window = source.read(offset - start)
    if len(window) < offset - start:
        return None
    return tail_mark(window[window.rfind(b"\n", 0, -1) + 1 :], key)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on in a log.

    Attributes:
        source_id: what the store knows it by.
        offset: decompressed offset of the first byte that is new.
        line: number of the line that starts there.
        is_complete: nothing of it is new.
        lines_known: lines of it that are in the store.
    """

    source_id: str
    offset: int = 0
    line: int = 1
    is_complete: bool = False
    lines_known: int = 0


def fingerprint_log(source: Source, key: HashKey, log: LogReading) -> str:
    """Hash what tells an open log from others; it is not moved."""
    return fingerprint(source.peek(HEAD_LENGTH), key.secret, log.peeler.telling if log.peeler else None)


def find_place(file: SourceFile, start: str, store: Store | None, key: HashKey, log: LogReading) -> Place:
    """Find a log in the store: new, grown, or known.

    Args:
        file: the log.
        start: its fingerprint.
        store: where to look; None knows nothing.
        key: makes the fingerprint.
        log: how to read it.
    """
    for ordinal in count():
        source_id = start if ordinal == 0 else f"{start}-{ordinal}"
        known = store.progress(source_id) if store is not None else None
        if known is None or store is None:
            return Place(source_id)
        if file.path is None:
            return Place(source_id, known.end_offset, known.lines + 1, lines_known=known.lines)
        mark = mark_at(file, known.end_offset, key.secret)
        if mark == known.tail_hash:
            return Place(source_id, known.end_offset, known.lines + 1, lines_known=known.lines)
        if mark is None and (lines := _count_if_copied(file, store, known, log)) is not None:
            return Place(source_id, is_complete=True, lines_known=lines)
    raise AssertionError


def _count_if_copied(file: SourceFile, store: Store, known: SourceProgress, log: LogReading) -> int | None:
    """Count the lines of a log that is an older, shorter copy of one in the store; None if it is not.

    It is if every event of it is in the store at the same offset, time and status.
    """
    columns = ["source_offset", "timestamp", "http_response_status_code", "http_response_body_size"]
    stored = store.scan_events([*columns, "source_id"]).filter(pl.col("source_id") == known.source_id).select(columns)
    lines = 0
    with open_source(file) as source:
        for block in read_blocks(source, framing=log.framing):
            parsed = log.read(block)
            lines += parsed.lines
            for reading in parsed.readings:
                unknown = reading.frame.lazy().select(columns).join(stored, on=columns, how="anti", nulls_equal=True)
                if unknown.head(1).collect().height:
                    return None
    return lines
