"""One ingest at work: logs to blocks, blocks to results, results to commits.

One thread reads blocks of whole lines, workers parse, enrich and write them as Parquet, and the
results are committed in order, several blocks at a time, rows and offsets in one transaction.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pullstats.clock import AMBIGUOUS, MISSING, Clock
from pullstats.enrich import Enricher
from pullstats.errors import InputError, VanishedError
from pullstats.events import SCHEMA_VERSION
from pullstats.formats import Detector
from pullstats.pipeline.balancers import REMEDY
from pullstats.pipeline.blocks import BatchResult, BlockJob, BlockResult, work_blocks
from pullstats.pipeline.content import last_line
from pullstats.pipeline.earlier import EarlierLogs
from pullstats.pipeline.event_ids import SeenIds
from pullstats.pipeline.identity import KnownLogs, Place
from pullstats.pipeline.key_check import CheckedKey
from pullstats.pipeline.plan import IngestPlan, IngestSummary, Progress, ProgressHandler, SourceSummary
from pullstats.pipeline.reading import LogReading, detect_log, read_context
from pullstats.pipeline.recovery import recover_lost
from pullstats.pipeline.refusals import refuse_log
from pullstats.pipeline.remarks import remark_on_log
from pullstats.sources import Expansion, Source, SourceFile, is_test_object, open_source, read_blocks
from pullstats.sources.blocks import BLOCK_SIZE
from pullstats.store import RUN_ROW_SCHEMA, PendingFile, SourceProgress, Store

COMMIT_BYTES: Final = 16 * BLOCK_SIZE
"""Bytes of logs that become visible together."""
COMMIT_SECONDS: Final = 20.0
BATCH_BYTES: Final = 2 << 20
BATCH_BLOCKS: Final = 256
"""Blocks of small logs are worked on together, up to so many bytes or blocks."""
CROWD_FROM: Final = 100
CROWD_SHARE: Final = 0.9
"""From so many events on, an address that asks for this share of them is taken for a balancer."""


@dataclass(frozen=True, slots=True)
class FoundLog:
    """How to read a log that was looked at before the run.

    Attributes:
        log: its format and wrappers.
        inode: the file that was looked at; by now another one may have its name.
    """

    log: LogReading
    inode: tuple[int, int] | None


class Run:
    """One ingest: reads logs one after the other, works on their blocks side by side, commits in groups."""

    def __init__(
        self,
        plan: IngestPlan,
        store: Store | None,
        enricher: Enricher,
        checked: CheckedKey,
        earlier: EarlierLogs,
        summary: IngestSummary,
        on_progress: ProgressHandler | None,
        bytes_total: int,
        limit: Expansion,
    ) -> None:
        """Prepare to read.

        Args:
            plan: what to ingest.
            store: where to, locked; None where nothing is kept and nothing is there.
            enricher: shared by all workers.
            checked: the key.
            earlier: what was read before.
            summary: filled in.
            on_progress: called after every block.
            bytes_total: bytes of all logs on disk.
            limit: how far a compressed log may expand.
        """
        self._plan = plan
        self._writing = None if plan.is_dry_run else store
        self._enricher = enricher
        self._keys = checked.transactions
        self._earlier = earlier
        self._known = KnownLogs(store, checked.key, plan.source_name, self._settle)
        self._summary = summary
        self._on_progress = on_progress
        self._bytes_total = bytes_total
        self._limit = limit
        self._bytes_before = 0
        self._lines = 0
        self._run_id = uuid.uuid4().hex
        self._started = datetime.now(UTC)
        self._group = _Group()
        self._batch: list[tuple[BlockJob, _LogWork]] = []
        self._batch_bytes = 0
        self._waiting: deque[tuple[Future[BatchResult], list[_LogWork]]] = deque()
        self._seen = SeenIds(store)
        self._pool = ThreadPoolExecutor(plan.workers, thread_name_prefix="block")

    def try_to_read(self, file: SourceFile, found: FoundLog | None, detector: Detector) -> None:
        """Read one log from where it was left, or say why not: one that cannot be read keeps no other from being read."""
        try:
            self._read(file, found, detector)
        except InputError as error:
            if file.path is None:
                raise
            self._fail(str(error), is_failure=file.is_named or not isinstance(error, VanishedError))

    def _fail(self, text: str, *, is_failure: bool = True) -> None:
        """Note what could not be read."""
        self._summary.notes.append(text)
        if is_failure:
            self._summary.failures.append(text)

    def _read(self, file: SourceFile, found: FoundLog | None, detector: Detector) -> None:
        with open_source(file, self._limit) as source:
            self._known.watch(source)
            # What can only be read forward is looked at before it moves.
            log = None if source.is_seekable else detect_log(source, detector, self._plan.tz_in)
            place = self._known.find(source)
            if place is not None and self._is_known(source, place):
                self._pass_known(source, place, log)
            else:
                log = log or self._detect(source, place, found, detector)
                place = place or self._known.find_old(source, log) or self._known.begin(source)
                if log.detection.best is None:
                    self._pass_over(file, source, log, detector)
                elif place.is_complete:
                    self._recover(source, place, log)
                    self._pass_known(source, place, log)
                else:
                    self._recover(source, place, log)
                    self._read_log(source, self._take_back_half(source, place, log), log)
            self._bytes_before += source.size

    def _detect(self, source: Source, place: Place | None, found: FoundLog | None, detector: Detector) -> LogReading:
        """Tell how to read a log that is seekable; it stands afterwards where it stood."""
        if found is not None and found.inode == source.inode:
            return found.log
        if place is None:
            return detect_log(source, detector, self._plan.tz_in)
        source.seek(0)
        log = detect_log(source, detector, self._plan.tz_in)
        source.seek(place.offset)
        return log

    def _is_known(self, source: Source, place: Place) -> bool:
        """Tell whether nothing of a log is new, and nothing lost of what was read."""
        has_lost = self._writing is not None and bool(self._writing.losses(place.source_id))
        return not has_lost and (place.is_complete or not source.peek(1))

    def _take_back_half(self, source: Source, place: Place, log: LogReading) -> Place:
        """Go back to the last line of a compressed log that counted without its end, now that more of it is there."""
        half = last_line(place.before)
        if (
            self._writing is None
            or source.codec is None
            or half.endswith(b"\n")
            or not half
            or not log.framing.may_grow
            or len(half) == len(place.before) > 1
        ):
            return place
        start = place.offset - len(half)
        events, rejected = self._writing.count_at(place.source_id, start)
        taken = {"lines": -1, "events": -events, "rejected": -rejected, "ignored": events + rejected - 1, "duplicates": 0, "bytes": -len(half)}
        row = self._row_of(place.source_id, source.file.name, log) | taken | {"offset": start, "line": place.line - 1}
        before = place.before[: -len(half)]
        progress = place.progress(start, place.lines_known - 1, last_line(before))
        self._writing.take_back_line(progress, pl.DataFrame([row], schema=RUN_ROW_SCHEMA))
        source.seek(start)
        place.content.forget_marks(start)
        return replace(place, offset=start, line=place.line - 1, lines_known=place.lines_known - 1, before=before)

    def _recover(self, source: Source, place: Place, log: LogReading) -> None:
        """Read again what the store has lost of a log."""
        if self._writing is None:
            return
        note = recover_lost(source, log, place.source_id, self._writing, self._enricher, self._run_id, self._limit)
        if note:
            self._note(source.file, note)

    def _pass_known(self, source: Source, place: Place, log: LogReading | None = None) -> None:
        """Count a log of which nothing is new."""
        summary = SourceSummary(source.file.name, place.source_id, *self._told(place.source_id, log))
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        if place.is_to_note:
            self._group.progress[place.source_id] = place.progress(place.offset, place.lines_known, last_line(place.before))
        self._note_damage(source)

    def _told(self, source_id: str, log: LogReading | None) -> tuple[str, float, str | None]:
        """Tell format, confidence and wrapper of a log that is known."""
        if log is not None and log.detection.best is not None:
            return log.detection.best.name, log.detection.confidence, log.wrapper
        read = next((source for source in self._summary.sources if source.source_id == source_id), None)
        return (read.format, read.confidence, read.wrapper) if read is not None else self._earlier.format_of(source_id)

    def _read_log(self, source: Source, place: Place, log: LogReading) -> None:
        """Read what is new of a log."""
        best = log.detection.best
        assert best is not None
        summary = SourceSummary(source.file.name, place.source_id, best.name, log.detection.confidence, log.wrapper)
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        work = _LogWork(source.file, log, summary, is_new_stream=not source.is_seekable and not place.offset)
        self._read_blocks(source, place, work)
        work.is_read = True
        self._note_damage(source)
        if source.held_back and not source.is_seekable:
            self._note(source.file, "its last line has no end yet and was left; it counts once it is given again as a whole line")
        if not work.open_blocks:
            self._finish_log(work)

    def _note_damage(self, source: Source) -> None:
        if source.damage:
            self._fail(f"{source.file.name}: {source.damage}; what came before is kept")
        if source.is_cut_off:
            self._note(source.file, "it was cut off while it was read (a rotation that copies and truncates); what was not read is in its copy")

    def _finish_log(self, work: _LogWork) -> None:
        """Say what can be said of a log once all of it was read."""
        remarks = [
            *remark_on_log(work.summary),
            *_remark_on_times(work.log.clock),
            *_remark_on_crowd(work.summary, is_trusting=bool(self._plan.trusted_proxies)),
        ]
        if work.log.peeler and (remark := work.log.peeler.remark(work.summary.lines)):
            remarks.append(remark)
        if work.log.formats[0].caution:
            remarks.append(work.log.formats[0].caution)
        if work.is_new_stream and (remark := self._earlier.remark_on_stream(work.summary.first, work.summary.last)):
            remarks.append(remark)
        for remark in remarks:
            self._note(work.file, remark)

    def _note(self, file: SourceFile, text: str) -> None:
        note = f"{file.name}: {text}"
        if note not in self._summary.notes:
            self._summary.notes.append(note)

    def _pass_over(self, file: SourceFile, source: Source, log: LogReading, detector: Detector) -> None:
        """Note a log that cannot be read, or fail if it was asked for by name."""
        if is_test_object(source.peek(64)):
            self._note(file, "the object CloudWatch writes to test an export; no log; passed over")
        elif source.damage:
            self._fail(f"{file.name}: {source.damage}; nothing can be read of it")
        elif not log.sample:
            self._note(file, "no whole line in it yet; passed over")
        elif file.is_named:
            raise refuse_log(file.name, log.sample, detector, is_chosen=self._plan.is_format_chosen)
        else:
            self._note(file, "no known log format fits; passed over")

    def _read_blocks(self, source: Source, place: Place, work: _LogWork) -> None:
        log = work.log
        context = read_context(source, place.offset, log.framing)
        line: Future[int] = Future()
        line.set_result(place.line)
        marks = b""
        block = None
        try:
            for block in read_blocks(source, place.offset, self._plan.block_size, log.framing, place.before, context):
                following: Future[int] = Future()
                progress, mark = place.progress(block.end, 0, block.tail), place.content.mark_to(block.end)
                job = BlockJob(block, log, progress, mark, line, following, self._bytes_before + source.position())
                line, marks = following, marks + mark
                work.open_blocks += 1
                self._add(job, work)
        except BaseException:
            self._abandon()
            raise
        if block is not None:
            self._known.note(place, block.end, block.tail, line, marks)

    def _add(self, job: BlockJob, work: _LogWork) -> None:
        """Put a block with others that are worked on together; a large one goes alone."""
        self._batch.append((job, work))
        self._batch_bytes += len(job.block.data)
        if self._batch_bytes >= BATCH_BYTES or len(self._batch) >= BATCH_BLOCKS:
            self._submit()

    def _submit(self) -> None:
        if not self._batch:
            return
        works = [work for _, work in self._batch]
        jobs = [job for job, _ in self._batch]
        self._batch, self._batch_bytes = [], 0
        self._waiting.append((self._pool.submit(work_blocks, jobs, self._enricher, self._writing, self._seen), works))
        while len(self._waiting) > self._plan.workers:
            self._take_next()

    def _take_next(self) -> None:
        """Count the blocks that were given out first, and put them into the group that is committed next."""
        future, works = self._waiting.popleft()
        batch = future.result()
        self._group.pending += batch.pending
        for result, work in zip(batch.blocks, works, strict=True):
            self._take(result, work)
        if self._group.bytes >= COMMIT_BYTES or self._group.age >= COMMIT_SECONDS:
            self._commit()

    def _settle(self) -> None:
        """Have all that was read so far worked on and committed."""
        self._drain()
        self._commit()

    def _drain(self) -> None:
        self._submit()
        while self._waiting:
            self._take_next()

    def _take(self, result: BlockResult, work: _LogWork) -> None:
        """Count a block."""
        summary, job = work.summary, result.job
        summary.add(result)
        for remark in sorted(result.remarks):
            self._note(work.file, remark)
        self._lines += result.lines
        progress = replace(job.progress, lines=result.next_line - 1)
        summary.bytes = job.block.end
        self._group.add(result, progress, self._run_row(summary, result))
        if self._on_progress:
            self._on_progress(Progress(summary.name, job.position, self._bytes_total, self._lines))
        work.open_blocks -= 1
        if work.is_read and not work.open_blocks:
            self._finish_log(work)

    def _run_row(self, summary: SourceSummary, result: BlockResult) -> dict[str, Any]:
        """Say what a block adds to its source: a row of `RUN_ROW_SCHEMA`."""
        block = result.job.block
        return self._row_of(summary.source_id, summary.name, result.job.log) | {
            "lines": result.lines,
            "events": result.events,
            "ignored": result.ignored,
            "rejected": result.rejects.height,
            "duplicates": result.duplicates,
            "bytes": block.end - block.offset,
            "offset": block.offset,
            "line": result.next_line - result.lines,
            "first": result.first,
            "last": result.last,
            "marks": result.job.marks,
        }

    def _row_of(self, source_id: str, name: str, log: LogReading) -> dict[str, Any]:
        """Say what this run is, and how it reads a log."""
        return {
            "run_id": self._run_id,
            "source_id": source_id,
            "name": self._plan.source_name or name,
            "format": log.formats[0].name,
            "confidence": log.detection.confidence,
            "wrapper": log.wrapper,
            "started": self._started,
            "finished": datetime.now(UTC),
            "rule_set_version": self._enricher.rules.version,
            "schema_version": SCHEMA_VERSION,
        }

    def _commit(self) -> None:
        if self._writing is not None and (self._group.progress or (self._keys and self._plan.is_new_key_epoch)):
            rejects = pl.concat(self._group.rejects).with_columns(run_id=pl.lit(self._run_id)) if self._group.rejects else None
            runs = pl.DataFrame(self._group.runs, schema=RUN_ROW_SCHEMA)
            self._writing.commit(self._group.pending, list(self._group.progress.values()), rejects, runs, keys=self._keys)
            self._keys = {}
        self._group = _Group()

    def _abandon(self) -> None:
        """Remove what was written and not committed; what cannot be removed now is swept later."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        futures = [future for future, _ in self._waiting]
        done = [future.result() for future in futures if future.done() and not future.cancelled() and future.exception() is None]
        pending = [file for batch in done for file in batch.pending]
        self._waiting.clear()
        if self._writing is not None:
            self._writing.discard([*self._group.pending, *pending])

    def finish(self) -> None:
        """Take in and commit what is left."""
        try:
            self._drain()
        except BaseException:
            self._abandon()
            raise
        self._commit()
        self._pool.shutdown()


@dataclass(slots=True)
class _LogWork:
    """A log that is being read: its blocks may still be worked on when the next log is opened."""

    file: SourceFile
    log: LogReading
    summary: SourceSummary
    is_new_stream: bool = False
    open_blocks: int = 0
    is_read: bool = False


class _Group:
    """Blocks that become visible together."""

    def __init__(self) -> None:
        self.pending: list[PendingFile] = []
        self.progress: dict[str, SourceProgress] = {}
        self.rejects: list[pl.DataFrame] = []
        self.runs: list[dict[str, Any]] = []
        self.bytes = 0
        self._since = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the group was begun."""
        return time.monotonic() - self._since

    def add(self, result: BlockResult, progress: SourceProgress, run: dict[str, Any]) -> None:
        """Put a block in; of its log only the furthest progress counts."""
        self.progress[progress.source_id] = progress
        self.rejects.append(result.rejects)
        self.runs.append(run)
        self.bytes += len(result.job.block.data)


def _remark_on_times(clock: Clock) -> Iterator[str]:
    """Say how often a local time had to be decided."""
    odd = clock.sum_odd()
    if odd[AMBIGUOUS]:
        yield f"{odd[AMBIGUOUS]:,} local times came twice in {clock.zone}, when clocks were put back; each was taken for the first"
    if odd[MISSING]:
        yield f"{odd[MISSING]:,} local times do not exist in {clock.zone}, where clocks were put forward; each was read by the offset that held before"


def _remark_on_crowd(summary: SourceSummary, *, is_trusting: bool) -> Iterator[str]:
    """Warn where one address asks nearly everything: that is no client, but what stands before the server."""
    told = summary.forwarding.describe(summary.events)
    if told is not None and summary.crowd < CROWD_SHARE:
        yield told
    if summary.events < CROWD_FROM or summary.crowd < CROWD_SHARE:
        return
    share = f"{summary.crowd:.0%} of the requests come from one address"
    if told is not None:
        yield f"{share}; this looks like your load balancer: {REMEDY}"
    elif is_trusting:
        yield f"{share}, for which the log names no client behind a trusted proxy"
    else:
        yield f"{share}; this looks like your load balancer: log X-Forwarded-For, and name the balancer with --trusted-proxy"
