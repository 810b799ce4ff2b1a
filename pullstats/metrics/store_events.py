"""The events of a store as a question reads them: each request once where that is asked for, with the releases they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from pullstats.metrics.extent import Extent, Scan
from pullstats.metrics.findings import Findings
from pullstats.metrics.query import Query
from pullstats.metrics.question_window import find_end
from pullstats.metrics.release_names import ReleaseNames
from pullstats.metrics.same_requests import OnceScan, scan_once
from pullstats.metrics.source_order import SourceOrder


@dataclass(frozen=True, slots=True)
class StoreEvents:
    """What a question asks: the events, how far they reach, in which order their logs go, and when it is asked.

    Attributes:
        scan: gives the events as the question counts them.
        extent: how far they reach.
        now: the present, UTC.
        logs: gives what the logs hold, whatever the question counts once: for when they were silent.
        order: which log goes first where two requests were made in one instant.
        repeats: what leaves out the requests that another log holds, too; None where all count.
        rule_sets: gives the number of events by the version of the rules that derived their columns.
        names: what gives `scan` the releases that requests name.
        findings: what questions asked together find alike.
    """

    scan: Scan
    extent: Extent
    now: datetime
    logs: Scan
    order: SourceOrder
    repeats: OnceScan | None = None
    rule_sets: Callable[[], Mapping[str, int]] = dict
    names: ReleaseNames | None = None
    findings: Findings = field(default_factory=Findings)

    def narrow(self, kept: pl.Expr | None) -> StoreEvents:
        """Look up what tags and digests stand for of some packages alone; see `ReleaseNames.kept`."""
        if kept is None or self.names is None:
            return self
        names = self.names.narrow(kept)
        return replace(self, scan=names.scan_named, names=names)


def prepare_events(
    scan: Scan, extent: Extent, query: Query, *, now: datetime | None = None, rule_sets: Callable[[], Mapping[str, int]] = dict
) -> StoreEvents:
    """Make a store's events ready for a question.

    Args:
        scan: gives the store's events.
        extent: how far they reach.
        query: says whether what several logs hold counts once, and when releases came out.
        now: the present, UTC; this instant if it is not said.
        rule_sets: see `StoreEvents`.
    """
    present, order = now or datetime.now(UTC), SourceOrder(extent, scan)
    repeats = scan_once(scan, extent, query.memory) if query.same_request else None
    names = ReleaseNames(repeats or scan, order.add_to, query.releases, timedelta(seconds=query.pull_window), find_end(query, present))
    return StoreEvents(names.scan_named, extent, present, scan, order, repeats, rule_sets, names)
