"""Files of events written anew: by other rules, or without a line that is to be read again as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from pullstats.store.failures import explain_failure
from pullstats.store.parts import commit_of, part_rules, write_event_parts, write_rows
from pullstats.store.progress import SourceProgress, progress_transactions
from pullstats.store.scan import scan_files
from pullstats.store.snapshot import LiveFile
from pullstats.store.store import Store
from pullstats.store.tables import EVENTS, REJECTS, Table


def derive_events(
    store: Store, derive: Callable[[pl.DataFrame], pl.DataFrame], rule_set_version: str, *, is_every: bool = False
) -> Iterator[tuple[LiveFile, pl.DataFrame, pl.DataFrame]]:
    """Derive the columns of files anew, and write nothing: what `rewrite_events` would do.

    Args:
        store: opened.
        derive: from the events of a file to the same events in the same order.
        rule_set_version: version of the rules that `derive` reads by.
        is_every: look at every file, since `derive` knows what no version of rules tells; files that other rules made are always looked at.

    Yields:
        Each file that is to be written, its events as they are and as they will be: those of other rules, and those that change.
    """
    folder = store.path / EVENTS.name
    for file in sorted(store.readable(EVENTS, store.snapshot(EVENTS).files.values()), key=lambda file: file.path):
        is_current = part_rules(folder, file) == rule_set_version
        if is_current and not is_every:
            continue
        with explain_failure("rebuild", store.path):
            before = scan_files(folder, [file], store.as_written(EVENTS)).collect()
        after = derive(before)
        if not is_current or not after.equals(before):
            yield file, before, after


def rewrite_events(
    store: Store, derive: Callable[[pl.DataFrame], pl.DataFrame], rule_set_version: str, *, is_every: bool = False
) -> Iterator[tuple[LiveFile, pl.DataFrame, pl.DataFrame]]:
    """Derive the columns of files anew, one file and one transaction at a time.

    A run that dies leaves files of either kind, each whole; the next one goes on with those that are left.

    Args:
        store: locked.
        derive: see `derive_events`.
        rule_set_version: see `derive_events`.
        is_every: see `derive_events`.

    Yields:
        What `derive_events` does, once it is written.
    """
    log = store.log(EVENTS)
    for file, before, after in derive_events(store, derive, rule_set_version, is_every=is_every):
        with explain_failure("rebuild", store.path):
            log.commit(write_event_parts(log.folder, after, rule_set_version, file.commits), [file], is_new_data=False)
        yield file, before, after
    store.refresh()


def take_back_line(store: Store, progress: SourceProgress, run_rows: pl.DataFrame) -> None:
    """Take a source's last line back, of which more has come since, so that it is read again as a whole.

    Args:
        store: locked.
        progress: where the source stands without the line; its event or reject is the one at `end_offset`.
        run_rows: what is taken off the counts, columns of `RUN_ROW_SCHEMA`, negative.

    Raises:
        StoreError: nothing was taken back, the store is as it was.
    """
    mine = (pl.col("source_id") == progress.source_id) & (pl.col("source_offset") == progress.end_offset)
    with explain_failure("write to", store.path):
        for file, rows in [*_files_with(store, REJECTS, mine)]:
            kept = [write_rows(store.log(REJECTS).folder, rows, REJECTS, commit_of(file.path), file.commits)] if rows.height else []
            store.log(REJECTS).commit(kept, [file])
        transactions = store.commit_others(None, run_rows)
        folder, found = store.path / EVENTS.name, [*_files_with(store, EVENTS, mine)]
        kept = [part for file, rows in found for part in write_event_parts(folder, rows, part_rules(folder, file), file.commits)]
        store.commit_events(kept, [file for file, _ in found], transactions | progress_transactions(progress))
    store.refresh()


def _files_with(store: Store, table: Table, wanted: pl.Expr) -> Iterator[tuple[LiveFile, pl.DataFrame]]:
    """Find the files of a table that hold wanted rows, and give their other rows."""
    folder = store.path / table.name
    for file in sorted(store.readable(table, store.snapshot(table).files.values()), key=lambda file: file.path):
        if scan_files(folder, [file], table).filter(wanted).head(1).collect().height:
            yield file, scan_files(folder, [file], table).filter(~wanted).collect()
