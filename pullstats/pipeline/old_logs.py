"""Know logs as stores of 0.1 did: by the first line that tells, and the line at the end."""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import Source, read_blocks
from pullstats.store import SourceProgress, Store

_OLD_TELLING: Final = 24
"""Bytes from which on a line told a log from others in stores of 0.1."""


def old_stem(head: bytes, key: bytes, telling: bytes | None) -> str:
    """Hash what a store of 0.1 knew a log by: its first telling line, which comments and bare brackets are not."""
    if telling is None:
        lines = (line for line in head.split(b"\n") if len(line) >= _OLD_TELLING and not line.startswith(b"#"))
        telling = next(lines, head).rstrip(b"\r")
    return hashlib.blake2b(telling, key=key, digest_size=16, person=b"log-start").hexdigest()


def old_tail(tail: bytes, key: bytes) -> int:
    """Hash the line at the end as a store of 0.1 did."""
    return int.from_bytes(hashlib.blake2b(tail, key=key, digest_size=8, person=b"log-tail").digest()) >> 2


def count_if_copied(source: Source, store: Store, known: SourceProgress, log: LogDecoder) -> int | None:
    """Count the lines of a log that is an older, shorter copy of one that a store of 0.1 read; None if it is not.

    It is if every event of it is in the store at the same offset, time and status: that store kept no more.
    """
    columns = ["source_offset", "timestamp", "http_response_status_code", "http_response_body_size"]
    stored = store.scan_events([*columns, "source_id"]).filter(pl.col("source_id") == known.source_id).select(columns)
    lines = 0
    source.rewind()
    for block in read_blocks(source, framing=log.framing):
        parsed = log.read(block)
        lines += parsed.lines
        for reading in parsed.readings:
            unknown = reading.frame.lazy().select(columns).join(stored, on=columns, how="anti", nulls_equal=True)
            if unknown.head(1).collect().height:
                return None
    return lines
