"""Results to commits: what a group of blocks gave becomes visible together with how far its logs were read."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pullstats.events import SCHEMA_VERSION
from pullstats.pipeline.block_results import BlockResult
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.plan import SourceSummary
from pullstats.sources.blocks import BLOCK_SIZE
from pullstats.store import RUN_ROW_SCHEMA, PendingFile, SourceProgress, Store

COMMIT_BYTES: Final = 16 * BLOCK_SIZE
"""Bytes of logs that become visible together."""
COMMIT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What every row says of the run it was written in.

    Attributes:
        rule_set_version: the rules used.
        source_name: name the user gave the source; None if each log has its own.
        run_id: of this run alone.
        started: when it began, UTC.
    """

    rule_set_version: str
    source_name: str | None = None
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def row(self, source_id: str, name: str, log: LogDecoder) -> dict[str, Any]:
        """Say what this run is, and how it reads a log: the part of a row of `RUN_ROW_SCHEMA` that is no count."""
        return {
            "run_id": self.run_id,
            "source_id": source_id,
            "name": self.source_name or name,
            "format": log.detection.name or "",
            "confidence": log.detection.sure,
            "wrapper": log.wrapper,
            "started": self.started,
            "finished": datetime.now(UTC),
            "rule_set_version": self.rule_set_version,
            "schema_version": SCHEMA_VERSION,
        }

    def block_row(self, summary: SourceSummary, result: BlockResult) -> dict[str, Any]:
        """Say what a block adds to its source: a row of `RUN_ROW_SCHEMA`."""
        block = result.job.block
        return self.row(summary.source_id, summary.name, result.job.log) | {
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


class Commits:
    """Puts results into groups and commits them, in the order they are given."""

    def __init__(self, store: Store | None, facts: RunFacts, keys: Mapping[str, int], *, is_due_without_rows: bool) -> None:
        """Begin the first group.

        Args:
            store: where to, locked; None where nothing is kept.
            facts: what the rows say of the run.
            keys: transactions that tell of the keys; they go with the first commit.
            is_due_without_rows: the keys are to be noted even if nothing is read.
        """
        self.store = store
        self._facts = facts
        self._keys = keys
        self._is_due = is_due_without_rows
        self._group = _Group()

    def add_files(self, pending: Sequence[PendingFile]) -> None:
        """Put written files in."""
        self._group.pending += pending

    def add(self, summary: SourceSummary, result: BlockResult) -> None:
        """Put a block in; its files were given before."""
        self._group.rejects.append(result.rejects)
        self._group.runs.append(self._facts.block_row(summary, result))
        self._group.bytes += len(result.job.block.data)
        self.note(replace(result.job.progress, lines=result.next_line - 1))

    def note(self, progress: SourceProgress) -> None:
        """Put in how far a log was read; of a log only the furthest counts."""
        self._group.progress[progress.source_id] = progress

    def commit_if_due(self) -> None:
        """Commit the group if it is large or old enough."""
        if self._group.bytes >= COMMIT_BYTES or self._group.age >= COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Commit the group, and begin the next."""
        group, self._group = self._group, _Group()
        if self.store is None or not (group.progress or (self._keys and self._is_due)):
            return
        rejects = pl.concat(group.rejects).with_columns(run_id=pl.lit(self._facts.run_id)) if group.rejects else None
        runs = pl.DataFrame(group.runs, schema=RUN_ROW_SCHEMA)
        self.store.commit(group.pending, list(group.progress.values()), rejects, runs, keys=self._keys)
        self._keys = {}

    def discard(self, pending: Sequence[PendingFile]) -> None:
        """Remove the files of the group, and others that were written; what cannot be removed now is swept later."""
        if self.store is not None:
            self.store.discard([*self._group.pending, *pending])


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
