"""One ingest at work: each log is recognised, its new blocks go to the workers, their results to commits.

Opening logs is done here, in one thread; `block_queue` has workers parse, enrich and write the blocks
as Parquet and gives the results back in order; `commits` makes several of them visible together,
rows and offsets in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pullstats.errors import InputError, VanishedError
from pullstats.formats import Detector
from pullstats.pipeline.block_queue import BlockQueue
from pullstats.pipeline.blocks import BatchResult, BlockJob, BlockResult, work_blocks
from pullstats.pipeline.commits import Commits, RunFacts
from pullstats.pipeline.content import last_line
from pullstats.pipeline.decoder import LogDecoder, read_context
from pullstats.pipeline.earlier import EarlierLogs
from pullstats.pipeline.event_ids import SeenIds
from pullstats.pipeline.half_lines import take_back_half
from pullstats.pipeline.identity import KnownLogs, Place
from pullstats.pipeline.key_check import CheckedKey
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.map_check import find_missing_keys
from pullstats.pipeline.plan import IngestPlan, IngestSummary, Progress, ProgressHandler, SourceSummary
from pullstats.pipeline.recovery import recover_lost
from pullstats.pipeline.refusals import refuse_log, say_waiting
from pullstats.pipeline.remarks import remark_on_log
from pullstats.sources import Expansion, Source, SourceFile, is_test_object, open_source, read_blocks
from pullstats.sources.streams import HEAD_LENGTH
from pullstats.store import Store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


@dataclass(frozen=True, slots=True)
class FoundLog:
    """How to read a log that was looked at before the run.

    Attributes:
        log: its format and wrappers.
        inode: the file that was looked at; by now another one may have its name.
    """

    log: LogDecoder
    inode: tuple[int, int] | None


class Run:
    """One ingest: reads logs one after the other, works on their blocks side by side, commits in groups."""

    def __init__(
        self,
        plan: IngestPlan,
        store: Store | None,
        make_enricher: Callable[[], Enricher],
        facts: RunFacts,
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
            make_enricher: makes what all workers share; called if there is anything new.
            facts: what the store keeps of the run.
            checked: the key.
            earlier: what was read before.
            summary: filled in.
            on_progress: called after every block.
            bytes_total: bytes of all logs on disk.
            limit: how far a compressed log may expand.
        """
        self._plan = plan
        self._store = None if plan.is_dry_run else store
        self._make_enricher = make_enricher
        self._limit = limit
        self._earlier = earlier
        self._known = KnownLogs(store, checked.key, plan.source_name, self._settle)
        self._lost = self._find_lost()
        self._summary = summary
        self._facts = facts
        self._commits = Commits(self._store, self._facts, checked.transactions, is_due_without_rows=plan.is_new_key_epoch)
        self._seen = SeenIds(store)
        self._queue: BlockQueue[_LogWork] = BlockQueue(plan.workers, self._work, self._take)
        self._ticker = _Ticker(on_progress, bytes_total)

    @cached_property
    def _enricher(self) -> Enricher:
        return self._make_enricher()

    def _work(self, jobs: Sequence[BlockJob]) -> BatchResult:
        return work_blocks(jobs, self._enricher, self._store, self._seen)

    def try_to_read(self, file: SourceFile, found: FoundLog | None, detector: Detector) -> None:
        """Read one log from where it was left, or say why not: one that cannot be read keeps no other from being read."""
        try:
            self._read(file, found, detector)
        except InputError as error:
            if file.path is None:
                raise
            self._summary.fail(str(error), is_failure=file.is_named or not isinstance(error, VanishedError))

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
                    if self._store is not None:
                        place = take_back_half(source, place, log, self._store, self._facts)
                    if found is None:
                        self._note_missing_keys(file, log, detector)
                    self._read_log(source, place, log)
            self._ticker.bytes_before += source.size

    def _note_missing_keys(self, file: SourceFile, log: LogDecoder, detector: Detector) -> None:
        missing = find_missing_keys(log, detector)
        for item in missing if log.detection.best is not None else missing[:1]:
            self._summary.note(file.name, item.text)

    def _detect(self, source: Source, place: Place | None, found: FoundLog | None, detector: Detector) -> LogDecoder:
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
        return place.source_id not in self._lost and (place.is_complete or not source.peek(1))

    def _recover(self, source: Source, place: Place, log: LogDecoder) -> None:
        """Read again what the store has lost of a log."""
        if self._store is None or place.source_id not in self._lost:
            return
        note = recover_lost(source, log, place.source_id, self._store, self._enricher, self._facts.run_id, self._limit)
        self._lost = self._find_lost()
        if note:
            self._summary.note(source.file.name, note)

    def _find_lost(self) -> frozenset[str]:
        """Name the logs of which the store has lost lines."""
        return frozenset() if self._store is None else frozenset(lost.source_id for loss in self._store.losses() for lost in loss.ranges)

    def _pass_known(self, source: Source, place: Place, log: LogDecoder | None = None) -> None:
        """Count a log of which nothing is new."""
        summary = SourceSummary(source.file.name, place.source_id, *self._told(place.source_id, log))
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        if place.is_to_note:
            self._commits.note(place.progress(place.offset, place.lines_known, last_line(place.before)))
        self._note_damage(source)

    def _told(self, source_id: str, log: LogDecoder | None) -> tuple[str, float, str | None]:
        """Tell format, confidence and wrapper of a log that is known."""
        if log is not None and log.detection.best is not None:
            return log.detection.name or "", log.detection.sure, log.wrapper
        read = next((source for source in self._summary.sources if source.source_id == source_id), None)
        return (read.format, read.confidence, read.wrapper) if read is not None else self._earlier.format_of(source_id)

    def _read_log(self, source: Source, place: Place, log: LogDecoder) -> None:
        """Read what is new of a log."""
        summary = SourceSummary(source.file.name, place.source_id, log.detection.name or "", log.detection.sure, log.wrapper)
        summary.lines = summary.duplicates = place.lines_known
        self._summary.sources.append(summary)
        work = _LogWork(source.file, log, summary, is_new_stream=not source.is_seekable and not place.offset)
        self._read_blocks(source, place, work)
        work.is_read = True
        self._note_damage(source)
        if source.held_back and not source.is_seekable:
            self._summary.note(source.file.name, "its last line has no end yet and was left; it counts once it is given again as a whole line")
        if not work.open_blocks:
            self._finish_log(work)

    def _note_damage(self, source: Source) -> None:
        if source.damage:
            self._summary.fail(f"{source.file.name}: {source.damage}; what came before is kept")
        if source.is_cut_off:
            self._summary.note(
                source.file.name, "it was cut off while it was read (a rotation that copies and truncates); what was not read is in its copy"
            )

    def _finish_log(self, work: _LogWork) -> None:
        """Say what can be said of a log once all of it was read."""
        for remark in remark_on_log(work.summary, work.log, is_trusting=bool(self._plan.trusted_proxies)):
            self._summary.note(work.file.name, remark)
        overlap = self._earlier.remark_on_stream(work.summary.first, work.summary.last) if work.is_new_stream else None
        if overlap:
            self._summary.note(work.file.name, overlap)

    def _pass_over(self, file: SourceFile, source: Source, log: LogDecoder, detector: Detector) -> None:
        """Note a log that cannot be read, or fail if it was asked for by name."""
        if is_test_object(source.peek(64)):
            self._summary.note(file.name, "the object CloudWatch writes to test an export; no log; passed over")
        elif source.damage:
            self._summary.fail(f"{file.name}: {source.damage}; nothing can be read of it")
        elif not log.sample:
            self._summary.note(file.name, say_waiting(source.peek(HEAD_LENGTH), HEAD_LENGTH))
        elif file.is_named:
            raise refuse_log(file.name, log, detector, is_chosen=self._plan.formats.is_made)
        else:
            self._note_missing_keys(file, log, detector)
            self._summary.note(file.name, "no known log format fits; passed over")

    def _read_blocks(self, source: Source, place: Place, work: _LogWork) -> None:
        log = work.log
        _ = self._enricher  # made here, once, and not by several workers
        context = read_context(source, place.offset, log.framing)
        line: Future[int] = Future()
        line.set_result(place.line)
        marks = b""
        block = None
        try:
            for block in read_blocks(source, place.offset, self._plan.block_size, log.framing, place.before, context):
                following: Future[int] = Future()
                progress, mark = place.progress(block.end, 0, block.tail), place.content.mark_to(block.end)
                job = BlockJob(block, log, progress, mark, line, following, self._ticker.bytes_before + source.position())
                line, marks = following, marks + mark
                work.open_blocks += 1
                self._queue.add(job, work)
        except BaseException:
            self._abandon()
            raise
        if block is not None:
            self._known.note(place, block.end, block.tail, line, marks)

    def _settle(self) -> None:
        """Have all that was read so far worked on and committed."""
        self._queue.drain()
        self._commits.commit()

    def _take(self, batch: BatchResult, works: Sequence[_LogWork]) -> None:
        """Count blocks that were worked on together, and put them into the group that is committed next."""
        self._commits.add_files(batch.pending)
        for result, work in zip(batch.blocks, works, strict=True):
            self._take_block(result, work)
        self._commits.commit_if_due()

    def _take_block(self, result: BlockResult, work: _LogWork) -> None:
        summary = work.summary
        summary.add(result)
        summary.bytes = result.job.block.end
        for remark in sorted(result.remarks):
            self._summary.note(work.file.name, remark)
        self._commits.add(summary, result)
        self._ticker.tell(summary.name, result)
        work.open_blocks -= 1
        if work.is_read and not work.open_blocks:
            self._finish_log(work)

    def _abandon(self) -> None:
        """Remove what was written and not committed."""
        self._commits.discard(self._queue.abandon())

    def finish(self) -> None:
        """Take in and commit what is left."""
        try:
            self._queue.drain()
        except BaseException:
            self._abandon()
            raise
        self._commits.commit()
        self._queue.close()


class _Ticker:
    """Tells how far the ingest is, block by block."""

    def __init__(self, on_progress: ProgressHandler | None, bytes_total: int) -> None:
        self.bytes_before = 0
        self._on_progress = on_progress
        self._bytes_total = bytes_total
        self._lines = 0

    def tell(self, name: str, result: BlockResult) -> None:
        self._lines += result.lines
        if self._on_progress is not None:
            self._on_progress(Progress(name, result.job.position, self._bytes_total, self._lines))


@dataclass(slots=True)
class _LogWork:
    """A log that is being read: its blocks may still be worked on when the next log is opened."""

    file: SourceFile
    log: LogDecoder
    summary: SourceSummary
    is_new_stream: bool = False
    open_blocks: int = 0
    is_read: bool = False
