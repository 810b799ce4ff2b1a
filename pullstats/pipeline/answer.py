"""The straight line out: a question, the store's events, a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pullstats.errors import StoreError
from pullstats.events import EVENT_SCHEMA
from pullstats.metrics import Query, Reach, answer_query, daily_report
from pullstats.metrics.partials import add_ranks
from pullstats.metrics.query import Scan, find_end, find_ranks, resolve
from pullstats.metrics.questions.compare import Sides, answer_comparison
from pullstats.metrics.questions.concentration import ConcentrationQuestion, answer_concentration
from pullstats.metrics.questions.explain import answer_explanation
from pullstats.metrics.questions.holders import HolderQuestion, answer_holders
from pullstats.metrics.questions.uniques import UniqueQuestion, answer_uniques
from pullstats.metrics.release_names import name_releases
from pullstats.metrics.same_requests import OnceScan, scan_once, tell_repeats
from pullstats.pipeline.asking import FAILURES, ask_store
from pullstats.reports import Report
from pullstats.store import Store, StoreStatus

BATCH_ROWS = 200_000


def answer(store: Path, query: Query, *, is_shifting: bool = True) -> Report:
    """Answer a breakdown or a series.

    Args:
        store: folder of the store.
        query: the question.
        is_shifting: count a relative window back from the newest event if all events are older.

    Raises:
        UserError: a store or a question that cannot be used.
    """
    return _ask(store, query, lambda *given: answer_query(query, *given, is_shifting=is_shifting))


def uniques(store: Path, query: Query, asked_for: UniqueQuestion) -> Report:
    """Count uniques on every level, or follow one level through time."""
    return _ask(store, query, lambda *given: answer_uniques(query, asked_for, *given, is_shifting=True))


def holders(store: Path, query: Query, asked_for: HolderQuestion) -> Report:
    """List origins with their state, or give one's timeline."""
    return _ask(store, query, lambda *given: answer_holders(query, asked_for, *given, is_shifting=True))


def concentration(store: Path, query: Query, asked_for: ConcentrationQuestion) -> Report:
    """Tell how a metric is spread over origins."""
    return _ask(store, query, lambda *given: answer_concentration(query, asked_for, *given, is_shifting=True))


def comparison(store: Path, query: Query, sides: Sides) -> Report:
    """Compare two windows or filters."""
    return _ask(store, query, lambda *given: answer_comparison(query, sides, *given, is_shifting=True))


def explanation(store: Path, query: Query) -> Report:
    """Take a report's numbers apart."""
    rules: dict[str, int] = {}

    def ask(scan: Scan, reach: Reach, now: datetime) -> Report:
        return answer_explanation(query, rules, scan, reach, now, is_shifting=True)

    def prepare(opened: Store) -> None:
        rules.clear()
        rules.update(opened.rule_sets())

    return _ask(store, query, ask, prepare)


def _ask(store: Path, query: Query, ask: Callable[[Scan, Reach, datetime], Report], prepare: Callable[[Store], None] | None = None) -> Report:
    def ask_opened(opened: Store) -> Report:
        if prepare is not None:
            prepare(opened)
        reach = read_reach(opened)
        scan = _choose_scan(opened, query, reach)
        report = ask(_name_releases(scan, query, reach), reach, datetime.now(UTC))
        return tell_repeats(report, scan) if isinstance(scan, OnceScan) else report

    return _read(store, ask_opened)


def _name_releases(scan: Scan, query: Query, reach: Reach) -> Scan:
    """Let a scan name releases where a question asks for them."""

    def rank(events: pl.LazyFrame) -> pl.LazyFrame:
        return add_ranks(events, find_ranks(reach, scan))

    return name_releases(scan, rank, query.releases, timedelta(seconds=query.pull_window), find_end(query, datetime.now(UTC)))


def _choose_scan(opened: Store, query: Query, reach: Reach) -> Scan:
    """Give the events as they are, or each request that several logs hold once."""
    return scan_once(opened.scan_events, reach, query.memory) if query.same_request else opened.scan_events


def export_daily(store: Path, query: Query) -> Report:
    """Build the `daily` export set; windows never shift."""
    return _ask(store, query, lambda *given: daily_report(query, *given))


def export_events(store: Path, query: Query, warn: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    """Give the events of a question's window that its filters keep, in batches, columns of `EVENT_SCHEMA`; `warn` of what is missing."""

    def select(opened: Store) -> pl.LazyFrame:
        reach = read_reach(opened)
        scan = _name_releases(_choose_scan(opened, query, reach), query, reach)
        asked = resolve(query, reach, datetime.now(UTC), scan, is_shifting=False)
        names = EVENT_SCHEMA.names()
        wanted = [*names, *(name for name in asked.filter_columns if name not in names)]
        events = asked.window.keep(scan(wanted, asked.window.start, asked.window.end))
        return events if asked.filter is None else events.filter(asked.filter).select(names)

    yield from _export(store, select, warn)


def export_rejects(store: Path, warn: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    """Give the rejected lines: source name, line number, reason, redacted line, byte offset in the decompressed log; `warn` of what is missing."""

    def select(opened: Store) -> pl.LazyFrame:
        names = opened.runs().group_by("source_id").agg(pl.col("name").last().alias("source"))
        rejects = opened.scan_rejects().join(names.lazy(), on="source_id", how="left").sort("source_id", "source_offset")
        return rejects.select("source", "source_line", "reason", "line", "source_offset")

    yield from _export(store, select, warn)


def _export(path: Path, select: Callable[[Store], pl.LazyFrame], warn: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    (frame, store), warnings = ask_store(path, lambda opened: (select(opened), opened))
    try:
        yield from _batches(frame)
    except FAILURES as error:
        if not store.recheck():
            raise
        raise StoreError(store.warnings()[0]) from error
    for warning in warnings:
        warn(warning)


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Collect in batches; an empty frame still gives its header."""
    is_empty = True
    for batch in frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        is_empty = False
        yield batch
    if is_empty:
        yield pl.DataFrame(schema=frame.collect_schema())


def read_reach(store: Store) -> Reach:
    """Tell where a store's events begin and end, and of which logs they are."""
    status = store.extent()
    runs = store.runs()
    if any(damage.table == "runs" for damage in store.damages):
        return Reach(status.first, status.last, None, status.events)
    sources = runs.group_by("source_id").agg(pl.col("name").last(), pl.col("first").min(), pl.col("last").max())
    return Reach(status.first, status.last, sources, status.events)


def _read(path: Path, ask: Callable[[Store], Report]) -> Report:
    """Ask a store for a report, which then says what it lacks."""
    report, warnings = ask_store(path, ask)
    known = report.meta.get("warnings", ())
    return replace(report, meta={**report.meta, "warnings": [*known, *warnings]}) if warnings else report


@dataclass(frozen=True, slots=True)
class Overview:
    """What is in a store.

    Attributes:
        status: its totals.
        runs: what each run read from each log.
        rule_sets: events by the rule set that derived their columns.
        warnings: what of it is missing, and what to do.
    """

    status: StoreStatus
    runs: pl.DataFrame
    rule_sets: dict[str, int]
    warnings: list[str]


def store_overview(store: Path) -> Overview:
    """Sum up a store."""
    found, warnings = ask_store(store, lambda opened: (opened.status(), opened.runs(), opened.rule_sets()))
    return Overview(*found, warnings)
