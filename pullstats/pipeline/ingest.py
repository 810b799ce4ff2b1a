"""The straight line in: logs to events in the store.

What is asked for is checked before anything is written (`preparation`); then logs are read one after the other (`run`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pullstats.pipeline.key_check import CheckedKey
from pullstats.pipeline.plan import IngestPlan, IngestSummary, ProgressHandler
from pullstats.pipeline.preparation import prepare
from pullstats.pipeline.run import Run
from pullstats.store import Store, open_store


def ingest(plan: IngestPlan, on_progress: ProgressHandler | None = None, tell: Callable[[str], None] = lambda _: None) -> IngestSummary:
    """Read logs into the store, each line exactly once, however often it is called.

    Args:
        plan: what to ingest, and how.
        on_progress: called after every block.
        tell: takes a sentence on what may take its time before the first log is read.

    Returns:
        What became of every line: `lines = events + ignored + rejected + duplicates`.

    Raises:
        UserError: a path, format, key, database or store that cannot be used. The store is then
            as it was, or holds whole groups of blocks from which the next run goes on.
    """
    started = time.monotonic()
    ready = prepare(plan)
    summary = IngestSummary(
        notes=list(ready.notes),
        failures=list(ready.failures),
        is_dry_run=plan.is_dry_run,
        geo=ready.enrichment.geo.describe(),
        rule_set_version=ready.enrichment.rules.version,
    )
    with _opened(plan, ready.key, tell) as store:
        summary.notes += store.glance() if store is not None else []
        run = Run(plan, ready, store, summary, on_progress)
        for file in ready.files:
            run.try_to_read(file)
        run.finish()
    summary.seconds = time.monotonic() - started
    return summary


@contextmanager
def _opened(plan: IngestPlan, checked: CheckedKey, tell: Callable[[str], None]) -> Iterator[Store | None]:
    """Open the store for writing; a dry run only looks at one that is there."""
    if plan.is_dry_run:
        yield open_store(plan.store, create=False) if plan.store.exists() else None
        return
    store = open_store(plan.store, create=True)
    with store.lock(tell, plan.lock_timeout):
        checked.check_again(store)
        store.sweep()
        yield store
        store.tidy()
