"""The straight line in: logs to events in the store.

One thread reads blocks of whole lines, workers parse, enrich and write them as Parquet, and the
results are committed in order, several blocks at a time, rows and offsets in one transaction.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pullstats.clock import AMBIGUOUS, MISSING, Clock, find_zone
from pullstats.enrich import Enricher, HashKey, TrustedProxies, load_digests, load_key, load_own_networks, load_rules, open_geo
from pullstats.errors import InputError, VanishedError
from pullstats.events import SCHEMA_VERSION
from pullstats.formats import FORMATS, Detector, LogFormat, custom_format, named_format
from pullstats.pipeline.balancers import REMEDY
from pullstats.pipeline.blocks import BatchResult, BlockJob, BlockResult, work_blocks
from pullstats.pipeline.event_ids import SeenIds
from pullstats.pipeline.identity import Place, find_place, fingerprint_log, tail_mark
from pullstats.pipeline.plan import IngestPlan, IngestSummary, Progress, ProgressHandler, SourceSummary
from pullstats.pipeline.reading import LogReading, context_at, detect_log
from pullstats.pipeline.recovery import recover_lost
from pullstats.pipeline.refusals import refuse_log
from pullstats.pipeline.remarks import remark_on_log
from pullstats.sources import Expansion, Source, SourceFile, expand_paths, is_test_object, open_source, parse_expansion, read_blocks
from pullstats.sources.blocks import BLOCK_SIZE, TAIL_LENGTH
from pullstats.store import RUN_SCHEMA, PendingFile, SourceProgress, Store, open_store

COMMIT_BYTES: Final = 16 * BLOCK_SIZE
"""Bytes of logs that become visible together."""
COMMIT_SECONDS: Final = 20.0
BATCH_BYTES: Final = 2 << 20
BATCH_BLOCKS: Final = 256
"""Blocks of small logs are worked on together, up to so many bytes or blocks."""
CROWD_FROM: Final = 100
CROWD_SHARE: Final = 0.9
"""From so many events on, an address that asks for this share of them is taken for a balancer."""


def ingest(plan: IngestPlan, on_progress: ProgressHandler | None = None) -> IngestSummary:
    """Read logs into the store, each line exactly once, however often it is called.

    Args:
        plan: what to ingest, and how.
        on_progress: called after every block.

    Returns:
        What became of every line: `lines = events + ignored + rejected + duplicates`.

    Raises:
        UserError: a path, format, key, database or store that cannot be used. The store is then
            as it was, or holds whole groups of blocks from which the next run goes on.
    """
    started = time.monotonic()
    detector = Detector(_choose_formats(plan))
    find_zone(plan.tz_in)
    limit = parse_expansion(plan.max_expanded)
    proxies = TrustedProxies(plan.trusted_proxies) if plan.trusted_proxies else None
    found = expand_paths(plan.paths, exclude=plan.store)
    files, notes = found.files, found.notes
    logs = _check_named(files, detector, plan)
    key = load_key(plan.key_file)
    digests = load_digests(plan.digests) if plan.digests else None
    geo = open_geo(plan.geo_db)
    rules = load_rules(plan.rules, plan.routes, plan.routes_file)
    networks = load_own_networks(plan.orgs, plan.ours, plan.cloud_ranges)
    notes += [*networks.notes, *filter(None, [geo.warn_if_stale(datetime.now(UTC).date())])]
    enricher = Enricher(key, geo, keep_addresses=plan.keep_addresses, digests=digests, proxies=proxies, rules=rules, networks=networks)
    summary = IngestSummary(notes=notes, failures=found.failures, is_dry_run=plan.is_dry_run, geo=geo.describe(), rule_set_version=rules.version)
    with _opened(plan) as store:
        run = _Run(plan, store, enricher, key, summary, on_progress, sum(_size(file) for file in files), limit)
        for file in files:
            run.try_to_read(file, logs.get(file), detector)
        run.finish()
        summary.notes += store.glance() if store is not None else []
    summary.seconds = time.monotonic() - started
    return summary


def _choose_formats(plan: IngestPlan) -> tuple[LogFormat, ...]:
    if plan.log_format is not None:
        return (custom_format(plan.log_format),)
    return tuple(FORMATS.values()) if plan.input_format == "auto" else (named_format(plan.input_format),)


def _is_forced(plan: IngestPlan) -> bool:
    return plan.log_format is not None or plan.input_format != "auto"


def _size(file: SourceFile) -> int:
    try:
        return file.path.stat().st_size if file.path is not None else 0
    except OSError:
        return 0  # opening it will say why


def _check_named(files: Sequence[SourceFile], detector: Detector, plan: IngestPlan) -> dict[SourceFile, LogReading]:
    """Detect the format of the files the user named, before anything is written."""
    found: dict[SourceFile, LogReading] = {}
    for file in files:
        if file.is_named and file.path is not None and file.path.is_file():
            with open_source(file) as source:
                found[file] = detect_log(source, detector, plan.tz_in)
                if found[file].sample and found[file].detection.best is None and not is_test_object(source.peek(64)):
                    raise refuse_log(file.name, found[file].sample, detector, is_chosen=_is_forced(plan))
                if source.damage and not found[file].sample:
                    message = f"nothing can be read of '{file.name}': {source.damage}"
                    raise InputError(message)
    return found


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


@contextmanager
def _opened(plan: IngestPlan) -> Iterator[Store | None]:
    """Open the store for writing; a dry run only looks at one that is there."""
    if plan.is_dry_run:
        yield open_store(plan.store, create=False) if plan.store.exists() else None
        return
    store = open_store(plan.store, create=True)
    with store.lock():
        store.sweep()
        yield store
        store.tidy()


class _Run:
    """One ingest: reads logs one after the other, works on their blocks side by side, commits in groups."""

    def __init__(
        self,
        plan: IngestPlan,
        store: Store | None,
        enricher: Enricher,
        key: HashKey,
        summary: IngestSummary,
        on_progress: ProgressHandler | None,
        bytes_total: int,
        limit: Expansion,
    ) -> None:
        self._plan = plan
        self._store = store
        self._writing = None if plan.is_dry_run else store
        self._enricher = enricher
        self._key = key
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
        self._starts: set[str] = set()
        self._seen = SeenIds(store)
        self._pool = ThreadPoolExecutor(plan.workers, thread_name_prefix="block")

    def try_to_read(self, file: SourceFile, log: LogReading | None, detector: Detector) -> None:
        """Read one log from where it was left, or say why not: one that cannot be read keeps no other from being read."""
        try:
            self._read(file, log, detector)
        except InputError as error:
            if file.path is None:
                raise
            self._fail(str(error), is_failure=file.is_named or not isinstance(error, VanishedError))

    def _fail(self, text: str, *, is_failure: bool = True) -> None:
        """Note what could not be read."""
        self._summary.notes.append(text)
        if is_failure:
            self._summary.failures.append(text)

    def _read(self, file: SourceFile, log: LogReading | None, detector: Detector) -> None:
        with open_source(file, self._limit) as source:
            log = log or detect_log(source, detector, self._plan.tz_in)
            best = log.detection.best
            if best is None:
                self._pass_over(file, source, log, detector)
                return
            place = self._find_place(file, source, log)
            summary = SourceSummary(file.name, place.source_id, best.name, log.detection.confidence, log.wrapper)
            summary.lines = summary.duplicates = place.lines_known
            self._summary.sources.append(summary)
            if self._writing is not None and (
                note := recover_lost(source, log, place.source_id, self._writing, self._enricher, self._run_id, self._limit)
            ):
                self._note(file, note)
            work = _LogWork(file, log, summary)
            if not place.is_complete:
                self._read_blocks(source, place, work)
            work.is_read = True
            if source.damage:
                self._fail(f"{file.name}: {source.damage}; what came before is kept")
        if not work.open_blocks:
            self._finish_log(work)
        self._bytes_before += _size(file)

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
            raise refuse_log(file.name, log.sample, detector, is_chosen=_is_forced(self._plan))
        else:
            self._note(file, "no known log format fits; passed over")

    def _find_place(self, file: SourceFile, source: Source, log: LogReading) -> Place:
        if file.path is None and self._plan.source_name is None:
            return Place(f"stdin-{uuid.uuid4().hex}")
        start = fingerprint_log(source, self._key, log)
        if start in self._starts:  # a copy of a log of this very run: the store must know that one first
            self._drain()
            self._commit()
        self._starts.add(start)
        return find_place(file, start, self._store, self._key, log)

    def _read_blocks(self, source: Source, place: Place, work: _LogWork) -> None:
        log = work.log
        start = max(place.offset - TAIL_LENGTH, 0)
        if place.offset and not source.skip_to(start):
            return
        before = source.read(place.offset - start)
        context = context_at(source.file, place.offset, log.framing) if place.offset else ()
        line: Future[int] = Future()
        line.set_result(place.line)
        try:
            for block in read_blocks(source, place.offset, self._plan.block_size, log.framing, before, context):
                following: Future[int] = Future()
                job = BlockJob(block, log, place.source_id, line, following, self._bytes_before + source.position())
                line = following
                work.open_blocks += 1
                self._add(job, work)
        except BaseException:
            self._abandon()
            raise

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
        progress = SourceProgress(summary.source_id, job.block.end, result.next_line - 1, tail_mark(job.block.tail, self._key.secret))
        summary.bytes = job.block.end
        self._group.add(result, progress, self._run_row(summary, result))
        if self._on_progress:
            self._on_progress(Progress(summary.name, job.position, self._bytes_total, self._lines))
        work.open_blocks -= 1
        if work.is_read and not work.open_blocks:
            self._finish_log(work)

    def _run_row(self, summary: SourceSummary, result: BlockResult) -> dict[str, Any]:
        """Say what a block adds to its source: a row of `RUN_SCHEMA`."""
        return {
            "run_id": self._run_id,
            "source_id": summary.source_id,
            "name": self._plan.source_name or summary.name,
            "format": summary.format,
            "confidence": summary.confidence,
            "wrapper": summary.wrapper,
            "lines": result.lines,
            "events": result.events,
            "ignored": result.ignored,
            "rejected": result.rejects.height,
            "duplicates": result.duplicates,
            "bytes": result.job.block.end - result.job.block.offset,
            "offset": result.job.block.offset,
            "line": result.next_line - result.lines,
            "first": result.first,
            "last": result.last,
            "started": self._started,
            "finished": datetime.now(UTC),
            "rule_set_version": self._enricher.rules.version,
            "schema_version": SCHEMA_VERSION,
        }

    def _commit(self) -> None:
        if self._writing is not None and self._group.runs:
            rejects = pl.concat(self._group.rejects).with_columns(run_id=pl.lit(self._run_id))
            runs = pl.DataFrame(self._group.runs, schema=RUN_SCHEMA)
            self._writing.commit(self._group.pending, list(self._group.progress.values()), rejects, runs)
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
