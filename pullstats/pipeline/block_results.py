"""Blocks that are given to workers, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.pipeline.balancers import Forwarding
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import Block
from pullstats.store import PendingFile, SourceProgress

TOLD: Final = {"client": "endpoint_id", "path": "url_path", "method": "http_request_method", "status": "http_response_status_code"}
"""What a log should say of each request, and the column that holds it."""


@dataclass(frozen=True, slots=True)
class BlockJob:
    """A block, and where its results go.

    Attributes:
        block: whole lines.
        log: how to read it.
        progress: where the source stands with this block, but for the number of lines.
        marks: digests by which a log that ends within the block is known for a piece of this one.
        first_line: number of the block's first line, known once the blocks before it are parsed.
        following_line: where to tell the number of the line behind it.
        position: bytes of the file on disk that were read by then.
    """

    block: Block
    log: LogDecoder
    progress: SourceProgress
    marks: bytes
    first_line: Future[int]
    following_line: Future[int]
    position: int = 0

    @property
    def source_id(self) -> str:
        """What the store knows the log by."""
        return self.progress.source_id


@dataclass(slots=True)
class BlockResult:
    """What became of a block.

    Attributes:
        job: the block.
        lines: how many lines it held.
        next_line: number of the line that follows.
        rejects: refused lines, redacted.
        ignored: lines that are no event by nature.
        remarks: what the user must know of the log as a whole.
        reasons: refused lines by reason.
        events: lines that became events.
        duplicates: events whose id the store or another block holds.
        fields: events by the field of the log that named their client.
        told: events that say something, by what; keys of `TOLD`.
        dominant: the endpoint that made up nearly all events, and how many; None if there is none.
        forwarding: private peers that name other clients.
        first: earliest event time, UTC.
        last: latest event time, UTC.
    """

    job: BlockJob
    lines: int
    next_line: int
    rejects: pl.DataFrame
    ignored: int
    remarks: frozenset[str]
    reasons: Counter[str]
    events: int = 0
    duplicates: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    dominant: tuple[int, int] | None = None
    forwarding: Forwarding = field(default_factory=Forwarding)
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of blocks that were worked on together.

    Attributes:
        blocks: one result per block, in order.
        pending: files written, not yet committed.
    """

    blocks: tuple[BlockResult, ...]
    pending: tuple[PendingFile, ...]
