"""Blocks of logs at work: workers parse, enrich and write them; their results go to commits in the order of the blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pullstats.pipeline.block_queue import BlockQueue
from pullstats.pipeline.block_results import BatchResult, BlockJob, BlockResult
from pullstats.pipeline.blocks import work_blocks
from pullstats.pipeline.commits import Commits
from pullstats.pipeline.decoder import LogDecoder, read_context
from pullstats.pipeline.event_ids import SeenIds
from pullstats.pipeline.place import Place
from pullstats.pipeline.plan import Progress, ProgressHandler, SourceSummary
from pullstats.sources import Source, SourceFile, read_blocks
from pullstats.store import Store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


@dataclass(slots=True)
class LogWork:
    """A log that is being read: its blocks may still be worked on when the next log is opened.

    Attributes:
        file: where it comes from.
        log: how to read it.
        summary: what became of its lines so far.
        is_new_stream: a stream that was not read before.
        open_blocks: blocks whose results were not taken yet.
        is_read: all of it was given to the workers.
    """

    file: SourceFile
    log: LogDecoder
    summary: SourceSummary
    is_new_stream: bool = False
    open_blocks: int = 0
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """How far a log was read by this run: what is known of it before its blocks are committed.

    Attributes:
        end: offset behind its last line.
        tail: that line, its last bytes if it is long.
        line: will tell the number of the line that follows.
        marks: digests by which shorter pieces of it are known.
    """

    end: int
    tail: bytes
    line: Future[int]
    marks: bytes


class BlockWork:
    """The workers of one ingest, what they share, and what is done with what they give back."""

    def __init__(
        self,
        store: Store | None,
        make_enricher: Callable[[], Enricher],
        commits: Commits,
        ticker: Ticker,
        *,
        workers: int,
        note: Callable[[str, str], None],
        finish_log: Callable[[LogWork], None],
    ) -> None:
        """Prepare to work.

        Args:
            store: what the store holds is known, and left out.
            make_enricher: makes what all workers share; called if there is anything new.
            commits: where results go; where it keeps nothing, nothing is written.
            ticker: told of every block.
            workers: batches of blocks that are worked on side by side.
            note: takes the name of a log and a sentence on it.
            finish_log: called once all blocks of a log were taken.
        """
        self._make_enricher = make_enricher
        self._commits = commits
        self._ticker = ticker
        self._note = note
        self._finish_log = finish_log
        self._seen = SeenIds(store)
        self._queue: BlockQueue[LogWork] = BlockQueue(workers, self._work, self._take)

    @cached_property
    def enricher(self) -> Enricher:
        """What makes events of lines, for all workers."""
        return self._make_enricher()

    def read(self, source: Source, place: Place, work: LogWork, block_size: int) -> ReadSoFar | None:
        """Give the blocks of a log from a place on to the workers; None if there are none."""
        log = work.log
        _ = self.enricher  # made here, once, and not by several workers
        context = read_context(source, place.offset, log.framing)
        line: Future[int] = Future()
        line.set_result(place.line)
        marks = b""
        block = None
        try:
            for block in read_blocks(source, place.offset, block_size, log.framing, place.before, context):
                following: Future[int] = Future()
                progress, mark = place.progress(block.end, 0, block.tail), place.content.mark_to(block.end)
                job = BlockJob(block, log, progress, mark, line, following, self._ticker.bytes_before + source.position())
                line, marks = following, marks + mark
                work.open_blocks += 1
                self._queue.add(job, work)
        except BaseException:
            self._abandon()
            raise
        return None if block is None else ReadSoFar(block.end, block.tail, line, marks)

    def end_log(self, work: LogWork) -> None:
        """All of a log was given to the workers; it is finished with the last of its blocks."""
        work.is_read = True
        if not work.open_blocks:
            self._finish_log(work)

    def settle(self) -> None:
        """Have all that was read so far worked on and committed."""
        self._queue.drain()
        self._commits.commit()

    def finish(self) -> None:
        """Take in and commit what is left, and let the workers go."""
        try:
            self._queue.drain()
        except BaseException:
            self._abandon()
            raise
        self._commits.commit()
        self._queue.close()

    def _work(self, jobs: Sequence[BlockJob]) -> BatchResult:
        return work_blocks(jobs, self.enricher, self._commits.store, self._seen)

    def _take(self, batch: BatchResult, works: Sequence[LogWork]) -> None:
        """Count blocks that were worked on together, and put them into the group that is committed next."""
        self._commits.add_files(batch.pending)
        for result, work in zip(batch.blocks, works, strict=True):
            self._take_block(result, work)
        self._commits.commit_if_due()

    def _take_block(self, result: BlockResult, work: LogWork) -> None:
        summary = work.summary
        summary.add(result)
        summary.bytes = result.job.block.end
        for remark in sorted(result.remarks):
            self._note(work.file.name, remark)
        self._commits.add(summary, result)
        self._ticker.tell(summary.name, result)
        work.open_blocks -= 1
        if work.is_read and not work.open_blocks:
            self._finish_log(work)

    def _abandon(self) -> None:
        """Remove what was written and not committed."""
        self._commits.discard(self._queue.abandon())


class Ticker:
    """Tells how far the ingest is, block by block."""

    def __init__(self, on_progress: ProgressHandler | None, bytes_total: int) -> None:
        """Begin at nothing.

        Args:
            on_progress: called after every block.
            bytes_total: bytes of all logs on disk.
        """
        self.bytes_before = 0
        self._on_progress = on_progress
        self._bytes_total = bytes_total
        self._lines = 0

    def tell(self, name: str, result: BlockResult) -> None:
        """Count the lines of a block of a log, and say how far that is."""
        self._lines += result.lines
        if self._on_progress is not None:
            self._on_progress(Progress(name, result.job.position, self._bytes_total, self._lines))
