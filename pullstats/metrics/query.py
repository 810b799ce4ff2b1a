"""A question about the events: what to count, by what, when, and of which events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pullstats.metrics.behaviour.rules import ClassRules
from pullstats.metrics.counting import PULL_GAP, PULLSTATS, SESSION_GAP, VISIT_GAP
from pullstats.metrics.time.dates import Annotation
from pullstats.metrics.time.releases import Release

DEFAULT_MEMORY: Final = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Query:
    """A question.

    Attributes:
        metrics: names of metrics.
        dimensions: names of dimensions, up to three.
        window: see `windows.GRAMMAR`.
        where: filter of events, see `filters`.
        classes: classes to keep, all if empty.
        exclude_classes: classes to leave out.
        class_rules: the table of classes; None for the bundled one.
        exclude_kinds: kinds of client to leave out.
        exclude_nets: organisations to leave out, `@ours` for one's own networks.
        count_as: names of counting rules, with or without their versions; of several, each gives a column.
        unique_by: level of the default unique count.
        tz: IANA name of the zone whose days count.
        as_of: `now`, `newest` or a date: the instant to count back from; None for now, or for the newest event where all are older than the window.
        is_shifting: count a relative window back from the newest event if all events are older.
        is_complete: leave the unfinished day out.
        every: size of a bucket for a series, None for a breakdown.
        week_start: `monday` or `sunday`.
        sort: metric or dimension to sort by, `-` in front reverses.
        limit: rows to show, 0 for all.
        has_other: add a row for what the limit cuts off.
        has_percent: add shares of additive metrics.
        min_origins: hide rows with fewer endpoints.
        pull_window: seconds after which a pull group closes.
        visit_gap: seconds after which a visit closes.
        session_gap: seconds after which a session closes.
        same_request: `id` to count requests that several logs hold under one id once; None to count all.
        rolling: span of days or hours that each bucket of a series looks back over.
        annotations: what happened when, to be shown beside a series.
        is_marking_releases: show beside a series when each version was first asked for.
        releases: when versions came out.
        memory: bytes an answer may take; what would need more is read network by network.
        has_total: add a row with the totals, each computed anew.
        is_listed: a program reads the answer: the list is wanted that it gets where people get a table.
        is_bare: no words around the numbers are wanted: neither who asked nor how long they stayed is looked up.
    """

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    window: str = "30d"
    where: str | None = None
    classes: tuple[str, ...] = ()
    exclude_classes: tuple[str, ...] = ()
    class_rules: ClassRules | None = field(default=None, hash=False)
    exclude_kinds: tuple[str, ...] = ()
    exclude_nets: tuple[str, ...] = ()
    count_as: tuple[str, ...] = (PULLSTATS.label,)
    unique_by: str = "origin"
    tz: str = "UTC"
    as_of: str | None = None
    is_shifting: bool = True
    is_complete: bool = False
    every: str | None = None
    week_start: str = "monday"
    sort: str | None = None
    limit: int = 20
    has_other: bool = True
    has_percent: bool = False
    min_origins: int = 0
    pull_window: float = PULL_GAP.total_seconds()
    visit_gap: float = VISIT_GAP.total_seconds()
    session_gap: float = SESSION_GAP.total_seconds()
    same_request: str | None = None
    rolling: str | None = None
    annotations: tuple[Annotation, ...] = ()
    is_marking_releases: bool = False
    releases: tuple[Release, ...] = ()
    memory: int = DEFAULT_MEMORY
    has_total: bool = False
    is_listed: bool = True
    is_bare: bool = False
