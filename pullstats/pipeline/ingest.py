"""The straight line in: logs to events in the store.

What is asked for is checked before anything is written; then logs are read one after the other (`run`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pullstats.clock import find_zone
from pullstats.enrich import TrustedProxies, load_digests, load_own_networks, load_rules, open_geo
from pullstats.errors import InputError
from pullstats.formats import Detector, choose_formats
from pullstats.pipeline.commits import RunFacts
from pullstats.pipeline.earlier import EarlierLogs
from pullstats.pipeline.identity import KnownLogs
from pullstats.pipeline.key_check import CheckedKey, check_key
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.map_check import refuse_missing_keys
from pullstats.pipeline.plan import IngestPlan, IngestSummary, ProgressHandler
from pullstats.pipeline.refusals import refuse_log
from pullstats.pipeline.run import FoundLog, Run
from pullstats.sources import SourceFile, expand_paths, is_test_object, open_source, parse_expansion
from pullstats.store import Store, is_store, open_store

if TYPE_CHECKING:
    from pullstats.enrich.enricher import Enricher


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
    detector = Detector(choose_formats(plan.formats))
    find_zone(plan.tz_in)
    limit = parse_expansion(plan.max_expanded)
    proxies = TrustedProxies(plan.trusted_proxies) if plan.trusted_proxies else None
    expanded = expand_paths(plan.paths, exclude=plan.store)
    files, notes = expanded.files, expanded.notes
    there = open_store(plan.store) if is_store(plan.store) else None
    logs = _check_named(files, detector, plan) if there is None else {}
    checked = check_key(there, plan.key_file, is_new_epoch=plan.is_new_key_epoch)
    earlier = EarlierLogs(there, plan.source_name, checked.unknowable_before)
    if there is not None:
        logs = _check_named(files, detector, plan, KnownLogs(there, checked.key, plan.source_name, lambda: None), earlier)
    digests = load_digests(plan.digests) if plan.digests else None
    geo = open_geo(plan.geo_db)
    rules = load_rules(plan.rules)
    networks = load_own_networks(plan.networks)
    notes += [*checked.notes, *networks.notes, *filter(None, [geo.warn_if_stale(datetime.now(UTC).date())])]

    def make_enricher() -> Enricher:
        from pullstats.enrich.enricher import Enricher  # noqa: PLC0415 - a log that is known needs none

        keeps = plan.keep_addresses
        return Enricher(checked.key, geo, keep_addresses=keeps, digests=digests, proxies=proxies, rules=rules, networks=networks)

    summary = IngestSummary(notes=notes, failures=expanded.failures, is_dry_run=plan.is_dry_run, geo=geo.describe(), rule_set_version=rules.version)
    with _opened(plan, checked, tell) as store:
        summary.notes += store.glance() if store is not None else []
        facts = RunFacts(rules.version, plan.source_name)
        run = Run(plan, store, make_enricher, facts, checked, earlier, summary, on_progress, sum(_size(file) for file in files), limit)
        for file in files:
            run.try_to_read(file, logs.get(file), detector)
        run.finish()
    summary.seconds = time.monotonic() - started
    return summary


def _size(file: SourceFile) -> int:
    try:
        return file.path.stat().st_size if file.path is not None else 0
    except OSError:  # gone by now; reading it will say so
        return 0


def _check_named(
    files: Sequence[SourceFile], detector: Detector, plan: IngestPlan, known: KnownLogs | None = None, earlier: EarlierLogs | None = None
) -> dict[SourceFile, FoundLog]:
    """Look at the files that the user named, before anything is written: what is not known must have a format.

    Raises:
        InputError: no format fits; or a log may have been read before, and there is no telling.
    """
    found: dict[SourceFile, FoundLog] = {}
    is_telling = earlier is None or earlier.is_telling
    for file in files:
        if (not file.is_named and is_telling) or file.path is None or not file.path.is_file():
            continue
        with open_source(file) as source:
            if known is not None:
                known.watch(source)
                if known.find(source) is not None:
                    continue
            log = detect_log(source, detector, plan.tz_in)
            if file.is_named:
                refuse_missing_keys(file, log, detector)
            found[file] = FoundLog(log, source.inode)
            is_read = log.detection.best is not None
            if file.is_named and source.damage and not is_read and b"\n" not in log.sample:
                message = f"nothing can be read of '{file.name}': {source.damage}" + (" before its first line is whole" if log.sample else "")
                raise InputError(message)
            if file.is_named and log.sample and not is_read and not is_test_object(source.peek(64)):
                raise refuse_log(file.name, log, detector, is_chosen=plan.formats.is_made)
            if earlier is not None and not plan.is_again:
                earlier.refuse(file.name, log)
    return found


@contextmanager
def _opened(plan: IngestPlan, checked: CheckedKey, tell: Callable[[str], None]) -> Iterator[Store | None]:
    """Open the store for writing; a dry run only looks at one that is there."""
    if plan.is_dry_run:
        yield open_store(plan.store, create=False) if plan.store.exists() else None
        return
    store = open_store(plan.store, create=True)
    with store.lock(tell):
        checked.check_again(store)
        store.sweep()
        yield store
        store.tidy()
