"""What a worker does with blocks: parse, enrich, write; nothing of it counts until committed.

Blocks of small logs are worked on together: what is done once per call and not per line (looking
distinct values up, writing a file) is then done once for many logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from pullstats.escaping import Escaping
from pullstats.formats import Parsed, Reading
from pullstats.lookup import CODED
from pullstats.pipeline.block_counts import OWNER, count_events, count_parsed
from pullstats.pipeline.block_results import BatchResult, BlockJob, BlockResult
from pullstats.pipeline.event_ids import SeenIds
from pullstats.sources import Block
from pullstats.store import Store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


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
            results.append(count_parsed(job, part, before))
            number = pl.col("source_line") + before
            for reading in part.readings:
                placed = reading.frame.with_columns(number, pl.lit(owner, pl.UInt32).alias(OWNER))
                readings.setdefault((reading.format_name, reading.escaping), []).append(placed)
    kept: list[pl.DataFrame] = []
    for (format_name, escaping), parts in readings.items():
        frame = _order_early(parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal"))
        frame = frame.with_columns(_name_sources(jobs).gather(frame[OWNER]).alias("source_id"))
        events, told = enricher.enrich(frame, format_name, escaping)
        kept.append(events.with_columns(frame[OWNER], *told))
    if not kept:
        return BatchResult(tuple(results), ())
    found = _join(kept)
    events = seen.drop_known(found)
    count_events(results, found, events)
    written = store.write_events(events.drop(OWNER, "field", "behind"), enricher.rules.version) if store is not None and events.height else ()
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


def _join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Join what several formats read; their codes differ, so texts are texts again."""
    if len(frames) == 1:
        return frames[0]
    return pl.concat([frame.with_columns(CODED.cast(pl.String)) for frame in frames]).sort(OWNER, "source_offset")
