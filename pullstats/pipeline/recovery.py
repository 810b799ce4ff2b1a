"""Lines that the store has lost, read again out of a log that was recognised.

The whole log is gone through from its start, whatever it lies in, and only what stands in a lost
stretch is worked on; what the store still holds of it is left out by its place in the log. So a
recovery that dies is simply done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

import polars as pl

from pullstats.pipeline.block_results import BlockJob, BlockResult
from pullstats.pipeline.blocks import work_blocks
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.event_ids import SeenIds
from pullstats.sources import Block, Expansion, Source, open_source, read_blocks
from pullstats.store import LostRange, PendingFile, SourceProgress, Store
from pullstats.store.snapshot import join_spans

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


class LostOnly(SeenIds):
    """Lets through what stands in lost stretches of one log and is not in the store."""

    def __init__(self, store: Store, source_id: str, ranges: Sequence[LostRange]) -> None:
        """Look up what the store holds of the log."""
        super().__init__(store)
        self.store = store
        self.source_id = source_id
        self.ranges = ranges
        mine = pl.col("source_id") == source_id
        events = store.scan_events(["source_id", "source_offset"]).filter(mine).select("source_offset")
        rejects = store.scan_rejects().filter(mine).select("source_offset")
        self._known = pl.concat([events, rejects]).collect()

    def keep_lost(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Keep the rows that are lost, by their `source_offset`."""
        place = pl.col("source_offset")
        is_inside = pl.any_horizontal(place.is_between(lost.start, lost.end, closed="left") for lost in self.ranges)
        return rows.filter(is_inside).join(self._known, on="source_offset", how="anti", maintain_order="left")

    def drop_known(self, events: pl.DataFrame) -> pl.DataFrame:
        """Leave out what is not lost."""
        return super().drop_known(self.keep_lost(events))


def recover_lost(source: Source, log: LogDecoder, source_id: str, store: Store, enricher: Enricher, run_id: str, limit: Expansion) -> str | None:
    """Read again what the store has lost of a log, and commit it.

    Args:
        source: the open log; it is not moved.
        log: how to read it.
        source_id: what the store knows it by.
        store: locked.
        enricher: makes events of lines.
        run_id: of this ingest.
        limit: how far a compressed log may expand.

    Returns:
        What there is to say of it; None if nothing was lost.
    """
    losses = [loss for loss in store.losses(source_id) if not loss.is_undone]
    ranges = [lost for loss in losses for lost in loss.ranges if lost.source_id == source_id]
    if not ranges or source.file.path is None:
        return None if not ranges else "it has lines that the store has lost, which a stream cannot bring back; ingest it as a file"
    lost = LostOnly(store, source_id, ranges)
    if store.damages:
        return "it has lines that the store has lost, but more is damaged; run: pullstats verify --repair, then ingest it again"
    with open_source(source.again(), limit) as stream:
        pending, rejects, reached = _read_lost(stream, log, lost, enricher)
    refused = pl.concat(rejects).with_columns(run_id=pl.lit(run_id)) if rejects else None
    store.commit(pending, [], refused, None, join_spans(loss.commits for loss in losses))
    is_whole = reached >= max(found.end for found in ranges)
    if is_whole:
        store.close_losses(source_id, losses)
    count = sum(file.rows for file in pending)
    told = f"{count:,} events" + (f" and {refused.height:,} rejected lines" if refused is not None and refused.height else "")
    return f"{told} that the store had lost were read again" + ("" if is_whole else "; the log ends before the rest of what is lost")


def _read_lost(stream: Source, log: LogDecoder, lost: LostOnly, enricher: Enricher) -> tuple[list[PendingFile], list[pl.DataFrame], int]:
    """Work on what is lost of a log that stands at its start: the files written, the lines rejected, and how far the log was read."""
    pending: list[PendingFile] = []
    rejects: list[pl.DataFrame] = []
    line, reached = 1, 0
    end = max(found.end for found in lost.ranges)
    for block in read_blocks(stream, framing=log.framing):
        if block.offset >= end:
            break
        reached = block.end
        if not any(found.start < block.end and block.offset < found.end for found in lost.ranges):
            line += block.count_lines() if log.is_by_line else log.read(block).lines
            continue
        result, written = _work(block, line, log, lost, enricher)
        line = result.next_line
        pending += written
        rejects.append(lost.keep_lost(result.rejects))
    return pending, rejects, reached


def _work(block: Block, line: int, log: LogDecoder, lost: LostOnly, enricher: Enricher) -> tuple[BlockResult, tuple[PendingFile, ...]]:
    number: Future[int] = Future()
    number.set_result(line)
    batch = work_blocks([BlockJob(block, log, SourceProgress(lost.source_id, 0, 0), b"", number, Future())], enricher, lost.store, lost)
    return batch.blocks[0], batch.pending
