"""What a worker does with one block: parse, enrich, write; nothing of it counts until committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.enrich import Enricher, SourceTags, redact_reject, rule_set_version
from pullstats.formats import REJECT_SCHEMA, LogFormat, parse_lines
from pullstats.sources import Block
from pullstats.store import PendingFile, Store

_LONG: Final = "too-long"


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
        reasons: refused lines by reason.
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
    reasons: Counter[str]
    first: datetime | None
    last: datetime | None


def work_block(
    block: Block,
    formats: Sequence[LogFormat],
    enricher: Enricher,
    tags: SourceTags,
    store: Store | None,
    first_line: Future[int],
    following_line: Future[int],
) -> BlockResult:
    """Read a block's lines into events and write them.

    Args:
        block: whole lines.
        formats: formats of the log, the usual one first.
        enricher: shared by all workers.
        tags: what all events of the log share.
        store: where to write; None counts only.
        first_line: number of the block's first line, known once the blocks before it are parsed.
        following_line: where to tell the number of the line behind it.
    """
    try:
        parsed = parse_lines(block.data, block.offset, 1, formats)
        refused = pl.concat([pl.DataFrame(schema=REJECT_SCHEMA), *parsed.rejects, _reject_long(block)])
        lines = sum(part.frame.height for part in parsed.readings) + parsed.ignored + refused.height
        before = first_line.result() - 1
        following_line.set_result(before + lines + 1)
    except BaseException as error:
        following_line.set_exception(error)  # the blocks behind this one wait for it
        raise
    number = pl.col("source_line") + before
    frames = [enricher.enrich(part.frame.with_columns(number), part.format_name, tags, is_escaped=part.is_escaped) for part in parsed.readings]
    rejects = redact_reject(refused, "text").with_columns(number)
    events = _join(frames) if frames else None
    times = events["timestamp"] if events is not None else None
    return BlockResult(
        start=block.offset,
        end=block.end,
        next_line=before + lines + 1,
        lines=lines,
        tail=block.tail,
        pending=tuple(store.write_events(events, rule_set_version())) if store is not None and events is not None else (),
        rejects=rejects.sort("source_offset").select(
            pl.lit(tags.source_id).alias("source_id"),
            "source_line",
            "source_offset",
            pl.lit(formats[0].name).alias("log_format"),
            "reason",
            pl.col("text").alias("line"),
        ),
        events=0 if events is None else events.height,
        ignored=parsed.ignored,
        reasons=Counter(refused["reason"].to_list()),
        first=None if times is None else times.min(),  # type: ignore[arg-type]
        last=None if times is None else times.max(),  # type: ignore[arg-type]
    )


def _join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Join what several formats read; their codes differ, so texts are texts again."""
    if len(frames) == 1:
        return frames[0]
    coded = pl.selectors.categorical()
    return pl.concat([frame.with_columns(coded.cast(pl.String)) for frame in frames]).sort("source_offset")


def _reject_long(block: Block) -> pl.DataFrame:
    rows = [(long.line, long.offset, long.length, _LONG, long.head.decode("utf-8", "backslashreplace")) for long in block.long_lines]
    return pl.DataFrame(rows, schema=REJECT_SCHEMA, orient="row")
