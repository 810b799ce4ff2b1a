"""The straight line out: a question, the store's events, a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pullstats.clock import find_zone
from pullstats.errors import StoreError, UsageError
from pullstats.events import EVENT_SCHEMA
from pullstats.metrics import Extent, Query, StoreEvents, prepare_events
from pullstats.metrics.answers.local_times import put_in_zone
from pullstats.metrics.findings import Findings
from pullstats.metrics.plan import resolve
from pullstats.metrics.question import Question
from pullstats.metrics.same_requests import tell_repeats
from pullstats.pipeline.asking import FAILURES, ask_store
from pullstats.reports import Report
from pullstats.store import Store, StoreStatus

BATCH_ROWS = 200_000


def answer(store: Path, question: Question) -> Report:
    """Answer a question.

    Args:
        store: folder of the store.
        question: what is asked.

    Returns:
        The answer, which says what the store lacks.

    Raises:
        UserError: a store or a question that cannot be used.
    """
    report, warnings = ask_store(store, lambda opened: _answer(opened, question))
    known = report.meta.get("warnings", ())
    return replace(report, meta={**report.meta, "warnings": [*known, *warnings]}) if warnings else report


def answer_whole(store: Path, question: Question) -> Report:
    """Answer a question only if the store lacks nothing: for what is told once and never again.

    Args:
        store: folder of the store.
        question: what is asked.

    Raises:
        UserError: a store or a question that cannot be used.
    """
    report, warnings = ask_store(store, lambda opened: _answer(opened, question))
    if warnings:
        raise StoreError(f"nothing is told while the store lacks something: {warnings[0]}")
    return report


def answer_all(store: Path, questions: Mapping[str, Question], optional: Collection[str] = ()) -> dict[str, Report]:
    """Answer several questions of one state of the store, asked at one instant.

    Args:
        store: folder of the store.
        questions: what is asked, by name.
        optional: names of those that need not be answered: what is refused of them is an empty report whose headline says why.

    Returns:
        The answers, by name; what the store lacks is said by the first.

    Raises:
        UserError: a store, or a question that is not optional, that cannot be used.
    """
    now = datetime.now(UTC)

    def ask(opened: Store) -> dict[str, Report]:
        extent, kept = read_extent(opened), defaultdict[Hashable, Findings](Findings)
        moments = {name: _Moment(extent, now, kept[_name_reading(question.query)]) for name, question in questions.items()}
        return {name: _try(opened, question, moments[name], is_optional=name in optional) for name, question in questions.items()}

    reports, warnings = ask_store(store, ask)
    first = next(iter(reports))
    known = reports[first].meta.get("warnings", ())
    return reports | {first: replace(reports[first], meta={**reports[first].meta, "warnings": [*known, *warnings]})}


@dataclass(frozen=True, slots=True)
class _Moment:
    """What questions asked together share: how far the events reach, the present, and what they find alike."""

    extent: Extent
    now: datetime
    findings: Findings


def _name_reading(query: Query) -> Hashable:
    """Tell apart how events are read: what is found of some readings is not true of others."""
    return query.same_request, query.releases, query.pull_window, query.as_of, query.memory, id(query.class_rules)


def _try(opened: Store, question: Question, moment: _Moment, *, is_optional: bool) -> Report:
    try:
        return _answer(opened, question, moment)
    except UsageError as error:
        if not is_optional:
            raise
        return Report(pl.DataFrame(), (), headline=str(error), is_empty=True)


def _answer(opened: Store, question: Question, moment: _Moment | None = None) -> Report:
    events = prepare(opened, question.query, moment)
    report = put_in_zone(question.answer(events), find_zone(question.query.tz).key)
    return report if events.repeats is None else tell_repeats(report, events.repeats)


def prepare(opened: Store, query: Query, moment: _Moment | None = None) -> StoreEvents:
    """Make the events of a store ready for a question."""
    if moment is None:
        return prepare_events(opened.scan_events, read_extent(opened), query, rule_sets=opened.rule_sets)
    events = prepare_events(opened.scan_events, moment.extent, query, now=moment.now, rule_sets=opened.rule_sets)
    return replace(events, findings=moment.findings)


def export_events(store: Path, query: Query, warn: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    """Give the events of a question's window that its filters keep, in batches, columns of `EVENT_SCHEMA`; `warn` of what is missing."""

    def select(opened: Store) -> pl.LazyFrame:
        fixed = replace(query, is_shifting=False)
        return resolve(fixed, prepare(opened, fixed)).kept(EVENT_SCHEMA.names()).select(EVENT_SCHEMA.names())

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


def read_extent(store: Store) -> Extent:
    """Tell where a store's events begin and end, and of which logs they are."""
    status = store.extent()
    runs = store.runs()
    if any(damage.table == "runs" for damage in store.damages):
        return Extent(status.first, status.last, None, status.events)
    sources = runs.group_by("source_id").agg(pl.col("name").last(), pl.col("first").min(), pl.col("last").max())
    return Extent(status.first, status.last, sources, status.events)


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


def list_sources(runs: pl.DataFrame) -> pl.DataFrame:
    """Sum up what each log gave: `source_id`, its name as `source`, `format`, counts, the first and last time; the freshest first.

    Args:
        runs: what each run read from each log, columns of `RUN_SCHEMA`.
    """
    return (
        runs.group_by("source_id", maintain_order=True)
        .agg(
            pl.col("name").last().alias("source"),
            pl.col("format").last(),
            pl.col("lines", "events", "ignored", "rejected").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .sort("last", "source", descending=[True, False], nulls_last=True)
    )


def store_overview(store: Path) -> Overview:
    """Sum up a store."""
    found, warnings = ask_store(store, lambda opened: (opened.status(), opened.runs(), opened.rule_sets()))
    return Overview(*found, warnings)
