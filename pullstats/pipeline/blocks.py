"""What a worker does with one block: parse, enrich, write; nothing of it counts until committed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.enrich import Enricher, SourceTags, redact_reject, rule_set_version
from pullstats.formats import REJECT_SCHEMA
from pullstats.pipeline.event_ids import SeenIds
from pullstats.pipeline.reading import LogReading
from pullstats.sources import Block
from pullstats.store import PendingFile, Store

_SAMPLE: Final = 1_000
_NEARLY_ALL: Final = 0.8
"""Share of a block from which on an endpoint is looked at."""


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What became of a block.

    Attributes:
        start: offset of the block's first byte.
        end: offset behind its last.
        next_line: number of the line that follows.
        lines: how many lines it held.
        tail: its last line, for the log to be known by.
        pending: files written, not yet committed.
        rejects: refused lines, redacted.
        events: lines that became events.
        ignored: lines that are no event by nature.
        duplicates: events whose id the store or another block holds.
        remarks: what the user must know of the log as a whole.
        reasons: refused lines by reason.
        fields: events by the field of the log that named their client.
        crowd: the endpoint that made up nearly all events, and how many; None if there is none.
        first: earliest event time, UTC.
        last: latest event time, UTC.
    """

    start: int
    end: int
    next_line: int
    lines: int
    tail: bytes
    pending: tuple[PendingFile, ...]
    rejects: pl.DataFrame
    events: int
    ignored: int
    duplicates: int
    remarks: frozenset[str]
    reasons: Counter[str]
    fields: Counter[str]
    crowd: tuple[bytes, int] | None
    first: datetime | None
    last: datetime | None


def work_block(
    block: Block,
    log: LogReading,
    enricher: Enricher,
    tags: SourceTags,
    store: Store | None,
    seen: SeenIds,
    first_line: Future[int],
    following_line: Future[int],
) -> BlockResult:
    """Read a block's lines into events and write them.

    Args:
        block: whole lines.
        log: how to read it.
        enricher: shared by all workers.
        tags: what all events of the log share.
        store: where to write; None counts only.
        seen: ids of the events that are known.
        first_line: number of the block's first line, known once the blocks before it are parsed.
        following_line: where to tell the number of the line behind it.
    """
    try:
        parsed = log.read(block)
        refused = pl.concat([pl.DataFrame(schema=REJECT_SCHEMA), *parsed.rejects])
        lines = parsed.lines
        before = first_line.result() - 1
        following_line.set_result(before + lines + 1)
    except BaseException as error:
        following_line.set_exception(error)  # the blocks behind this one wait for it
        raise
    number = pl.col("source_line") + before
    enriched = [enricher.enrich(part.frame.with_columns(number), part.format_name, tags, part.escaping) for part in parsed.readings]
    frames = [events for events, _ in enriched]
    rejects = redact_reject(refused, "text").with_columns(number)
    found = _join(frames) if frames else None
    events = found if found is None else seen.drop_known(found)
    duplicates = 0 if found is None or events is None else found.height - events.height
    times = events["timestamp"] if events is not None else None
    return BlockResult(
        start=block.offset,
        end=block.end,
        next_line=before + lines + 1,
        lines=lines,
        tail=block.tail,
        pending=tuple(store.write_events(events, rule_set_version())) if store is not None and events is not None and events.height else (),
        rejects=rejects.sort("source_offset").select(
            pl.lit(tags.source_id).alias("source_id"),
            "source_line",
            "source_offset",
            pl.lit(log.formats[0].name).alias("log_format"),
            "reason",
            pl.col("text").alias("line"),
        ),
        events=0 if events is None else events.height,
        ignored=parsed.ignored,
        duplicates=duplicates,
        remarks=frozenset(parsed.remarks),
        reasons=Counter(refused["reason"].to_list()),
        fields=sum((fields for _, fields in enriched), Counter()),
        crowd=None if events is None else _find_crowd(events["endpoint_id"]),
        first=None if times is None else times.min(),  # type: ignore[arg-type]
        last=None if times is None else times.max(),  # type: ignore[arg-type]
    )


def _find_crowd(endpoints: pl.Series) -> tuple[bytes, int] | None:
    """Find the endpoint that makes up nearly all of a block, if there is one; a sample says which it could be."""
    sample = endpoints.gather_every(max(endpoints.len() // _SAMPLE, 1)).drop_nulls()
    if not sample.len():
        return None
    top = sample.value_counts(sort=True).row(0)
    if top[1] < _NEARLY_ALL * sample.len():
        return None
    return top[0], int(endpoints.to_frame("id").select((pl.col("id") == pl.lit(top[0], pl.Binary)).sum()).item())


def _join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Join what several formats read; their codes differ, so texts are texts again."""
    if len(frames) == 1:
        return frames[0]
    coded = pl.selectors.categorical()
    return pl.concat([frame.with_columns(coded.cast(pl.String)) for frame in frames]).sort("source_offset")
