"""What a worker does with blocks: parse, enrich, write; nothing of it counts until committed.

Blocks of small logs are worked on together: what is done once per call and not per line (looking
distinct values up, writing a file) is then done once for many logs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import polars as pl

from pullstats.escaping import Escaping
from pullstats.formats import REFUSED_SCHEMA, Parsed, Reading
from pullstats.ids import ID_TYPE
from pullstats.lookup import CODED
from pullstats.pipeline.balancers import Forwarding, find_forwarding
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.event_ids import SeenIds
from pullstats.sources import Block
from pullstats.store import PendingFile, SourceProgress, Store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher

_SAMPLE: Final = 1_000
_NEARLY_ALL: Final = 0.8
"""Share of a block from which on an endpoint is looked at."""
_OWNER: Final = "owner"
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


def work_blocks(jobs: Sequence[BlockJob], enricher: Enricher, store: Store | None, seen: SeenIds) -> BatchResult:
    """Read the lines of some blocks into events and write them.

    Args:
        jobs: blocks, those of one log in order.
        enricher: shared by all workers.
        store: where to write; None counts only.
        seen: ids of the events that are known.
    """
    results: list[BlockResult] = []
    readings: dict[tuple[str, Escaping], list[pl.DataFrame]] = {}
    for run in _alike(jobs):
        parsed = _parse_together(run) if len(run) > 1 else None
        for place, job in enumerate(run):
            before, part = _number(job, parsed[place] if parsed else None)
            owner = len(results)
            results.append(_count_parsed(job, part, before))
            number = pl.col("source_line") + before
            for reading in part.readings:
                placed = reading.frame.with_columns(number, pl.lit(owner, pl.UInt32).alias(_OWNER))
                readings.setdefault((reading.format_name, reading.escaping), []).append(placed)
    kept: list[pl.DataFrame] = []
    for (format_name, escaping), parts in readings.items():
        frame = _order_early(parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal"))
        frame = frame.with_columns(_name_sources(jobs).gather(frame[_OWNER]).alias("source_id"))
        events, told = enricher.enrich(frame, format_name, escaping)
        kept.append(events.with_columns(frame[_OWNER], *told))
    if not kept:
        return BatchResult(tuple(results), ())
    found = _join(kept)
    events = seen.drop_known(found)
    _count_events(results, found, events)
    written = store.write_events(events.drop(_OWNER, "field", "behind"), enricher.rules.version) if store is not None and events.height else ()
    return BatchResult(tuple(results), tuple(written))


def _name_sources(jobs: Sequence[BlockJob]) -> pl.Series:
    """Give the source of each block, as codes of the few that there are."""
    sources = [job.source_id for job in jobs]
    return pl.Series(sources, dtype=pl.Enum(list(dict.fromkeys(sources))))


def _order_early(frame: pl.DataFrame) -> pl.DataFrame:
    """Put rows in order of time, as they are stored, while they are narrow: enriched they have three times the columns.

    Where ids tell lines that came twice, the first of them counts, so these stay as they stood in the log.
    """
    if "event_id" in frame.columns or frame["timestamp"].is_sorted():
        return frame
    said = [name for name in frame.columns if frame[name].null_count() < frame.height]
    ordered = frame.select(said).sort("timestamp", maintain_order=True)
    return ordered.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in frame.columns if name not in said).select(frame.columns)


def _alike(jobs: Sequence[BlockJob]) -> Iterator[list[BlockJob]]:
    """Put blocks together that are bare lines, whole ones, of one format: they can be parsed as one."""
    run: list[BlockJob] = []
    for job in jobs:
        if run and not (_is_plain(job) and _is_plain(run[-1]) and job.log.formats == run[-1].log.formats):
            yield run
            run = []
        run.append(job)
    if run:
        yield run


def _is_plain(job: BlockJob) -> bool:
    return job.log.is_by_line and job.log.clock.zone == "UTC" and job.block.data.endswith(b"\n") and not job.block.long_lines


def _parse_together(jobs: Sequence[BlockJob]) -> list[Parsed]:
    """Parse bare blocks of one format as one, and part what became of their lines."""
    try:
        whole = jobs[0].log.read(Block(b"".join(job.block.data for job in jobs), 0))
    except BaseException as error:
        for job in jobs:
            job.following_line.set_exception(error)
        raise
    lines = [job.block.data.count(b"\n") for job in jobs]
    first_lines = list(accumulate(lines, initial=1))
    offsets = list(accumulate((len(job.block.data) for job in jobs), initial=0))
    parts = []
    for place, job in enumerate(jobs):
        start, end = first_lines[place : place + 2]
        moved = (pl.col("source_line") - (start - 1), pl.col("source_offset") + (job.block.offset - offsets[place]))
        mine = pl.col("source_line").is_between(start, end, closed="left")
        readings = [Reading(reading.format_name, reading.escaping, reading.frame.filter(mine).with_columns(moved)) for reading in whole.readings]
        rejects = [frame.filter(mine).with_columns(moved) for frame in whole.rejects]
        taken = sum(reading.frame.height for reading in readings) + sum(frame.height for frame in rejects)
        parts.append(Parsed([reading for reading in readings if reading.frame.height], rejects, lines[place] - taken, set(whole.remarks)))
    return parts


def _number(job: BlockJob, parsed: Parsed | None) -> tuple[int, Parsed]:
    """Parse a block unless that was done, and tell the block behind it where its lines begin; give the lines before this one, too."""
    try:
        parsed = parsed or job.log.read(job.block)
        before = job.first_line.result() - 1
        job.following_line.set_result(before + parsed.lines + 1)
    except BaseException as error:
        job.following_line.set_exception(error)  # the blocks behind this one wait for it
        raise
    return before, parsed


def _count_parsed(job: BlockJob, parsed: Parsed, before: int) -> BlockResult:
    refused = pl.concat([pl.DataFrame(schema=REFUSED_SCHEMA), *parsed.rejects])
    rejects = _redact(refused) if refused.height else refused
    return BlockResult(
        job=job,
        lines=parsed.lines,
        next_line=before + parsed.lines + 1,
        rejects=rejects.sort("source_offset").select(
            pl.lit(job.source_id).alias("source_id"),
            pl.col("source_line") + before,
            "source_offset",
            pl.lit(job.log.formats[0].name).alias("log_format"),
            "reason",
            pl.col("text").alias("line"),
        ),
        ignored=parsed.ignored,
        remarks=frozenset(parsed.remarks),
        reasons=Counter(refused["reason"].to_list()),
    )


def _redact(refused: pl.DataFrame) -> pl.DataFrame:
    from pullstats.enrich.redact import redact_reject  # noqa: PLC0415 - not needed where nothing is new

    return redact_reject(refused, "text")


def _count_events(results: Sequence[BlockResult], found: pl.DataFrame, events: pl.DataFrame) -> None:
    """Count the events of every block, and among them what its summary tells.

    Args:
        results: of the blocks; filled in.
        found: all events, with the block they belong to.
        events: those of them that were not known.
    """
    for owner, result in enumerate(results):
        mine = events if len(results) == 1 else events.filter(pl.col(_OWNER) == owner)
        total = found.height if len(results) == 1 else int((found[_OWNER] == owner).sum())
        result.events, result.duplicates = mine.height, total - mine.height
        fields = mine["field"].value_counts().drop_nulls()
        result.fields = Counter(dict(zip(fields["field"].cast(pl.String), fields["count"], strict=True)))
        result.told = Counter({what: mine.height - mine[column].null_count() for what, column in TOLD.items()})
        result.dominant = _find_dominant(mine["endpoint_id"])
        result.forwarding = find_forwarding(mine)
        result.first, result.last = mine["timestamp"].min(), mine["timestamp"].max()  # type: ignore[assignment]


def _find_dominant(endpoints: pl.Series) -> tuple[int, int] | None:
    """Find the endpoint that makes up nearly all of a block, if there is one; a sample says which it could be."""
    sample = endpoints.gather_every(max(endpoints.len() // _SAMPLE, 1)).drop_nulls()
    if not sample.len():
        return None
    top = sample.value_counts(sort=True).row(0)
    if top[1] < _NEARLY_ALL * sample.len():
        return None
    return top[0], int(endpoints.to_frame("id").select((pl.col("id") == pl.lit(top[0], ID_TYPE)).sum()).item())


def _join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Join what several formats read; their codes differ, so texts are texts again."""
    if len(frames) == 1:
        return frames[0]
    return pl.concat([frame.with_columns(CODED.cast(pl.String)) for frame in frames]).sort(_OWNER, "source_offset")
