"""Blocks that are worked on side by side, their results taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from pullstats.pipeline.block_results import BatchResult, BlockJob
from pullstats.store import PendingFile

BATCH_BYTES: Final = 2 << 20
BATCH_BLOCKS: Final = 256
"""Blocks of small logs are worked on together, up to so many bytes or blocks."""

Owner = TypeVar("Owner")


class BlockQueue(Generic[Owner]):
    """Gives batches of blocks to workers; what comes back is taken in the order in which blocks were added."""

    def __init__(self, workers: int, work: Callable[[Sequence[BlockJob]], BatchResult], take: Callable[[BatchResult, Sequence[Owner]], None]) -> None:
        """Start the workers.

        Args:
            workers: how many batches are worked on side by side.
            work: what a worker does with a batch.
            take: called with a batch's results and the owners of its blocks.
        """
        self._workers = workers
        self._work = work
        self._take = take
        self._batch: list[tuple[BlockJob, Owner]] = []
        self._batch_bytes = 0
        self._waiting: deque[tuple[Future[BatchResult], list[Owner]]] = deque()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="block")

    def add(self, job: BlockJob, owner: Owner) -> None:
        """Put a block with others that are worked on together; a large one goes alone."""
        self._batch.append((job, owner))
        self._batch_bytes += len(job.block.data)
        if self._batch_bytes >= BATCH_BYTES or len(self._batch) >= BATCH_BLOCKS:
            self._submit()

    def drain(self) -> None:
        """Have all that was added worked on and taken."""
        self._submit()
        while self._waiting:
            self._take_next()

    def close(self) -> None:
        """Let the workers go; nothing is left to do."""
        self._pool.shutdown()

    def abandon(self) -> list[PendingFile]:
        """Stop, and give the files that were written and not taken."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        futures = [future for future, _ in self._waiting]
        self._waiting.clear()
        done = [future.result() for future in futures if future.done() and not future.cancelled() and future.exception() is None]
        return [file for batch in done for file in batch.pending]

    def _submit(self) -> None:
        if not self._batch:
            return
        jobs = [job for job, _ in self._batch]
        owners = [owner for _, owner in self._batch]
        self._batch, self._batch_bytes = [], 0
        self._waiting.append((self._pool.submit(self._work, jobs), owners))
        while len(self._waiting) > self._workers:
            self._take_next()

    def _take_next(self) -> None:
        future, owners = self._waiting.popleft()
        self._take(future.result(), owners)
