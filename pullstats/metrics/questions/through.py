"""A series whose buckets are as long as its window asks for: days of a year, weeks of more, months of many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pullstats.metrics.plan import resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import Breakdown
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.versions.plans import choose_every
from pullstats.reports import Report

_STEPS: Final = ((2, "h"), (400, "d"), (1500, "w"))
"""A bucket by the most days of a window that has it; beyond, months."""


@dataclass(frozen=True, slots=True)
class Through:
    """Metrics over time, as `Breakdown` with the bucket that fits.

    Attributes:
        query: what is asked; its `every`, where it has one, is obeyed.
    """

    query: Query

    def answer(self, events: StoreEvents) -> Report:
        """Answer a series.

        Raises:
            UsageError: as `Breakdown`.
        """
        every = self.query.every or choose_every(resolve(self.query, events), _STEPS, "mo")
        report = Breakdown(replace(self.query, every=every)).answer(events)
        return replace(report, meta=report.meta | {"every": every})
