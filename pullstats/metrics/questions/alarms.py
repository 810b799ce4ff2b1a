"""Alarms: numbers that fell, rose or passed a bound, and by more than noise; a sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.metrics.alarms.finding import Finding
from pullstats.metrics.alarms.judging import Alarm, judge_alarm
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.reports import Column, Report

__all__ = ["SENTENCE", "Alarm", "Alarms"]

SENTENCE: Final = "sentence"
COLUMNS: Final = (
    Column("alarm", "alarm", "text"),
    Column("state", "state", "text"),
    Column("metric", "metric", "text"),
    Column("group", "group", "text"),
    Column("window", "window", "text"),
    Column("against", "against", "text"),
    Column("before", "before", "number"),
    Column("now", "now", "number"),
    Column("change", "change", "change"),
    Column("condition", "condition", "text"),
    Column("verdict", "verdict", "text"),
    Column(SENTENCE, "sentence", "prose"),
)


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms that are looked at together, on one state of the store; each keeps its level by itself.

    Attributes:
        alarms: at least one.
    """

    alarms: tuple[Alarm, ...]

    @property
    def query(self) -> Query:
        """What the first of them asks."""
        return self.alarms[0].query

    def answer(self, events: StoreEvents) -> Report:
        """Look at each.

        Raises:
            UsageError: see `judge_alarm`.
        """
        judged = [judge_alarm(alarm, events) for alarm in self.alarms]
        schema = {column.name: pl.Float64 if column.kind in {"number", "change"} else pl.String for column in COLUMNS}
        rows = [_tell(finding) for one in judged for finding in one.findings]
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        warnings = list(dict.fromkeys(text for one in judged for text in one.warnings))
        meta = {"fired": sum(finding.state == "alarm" for one in judged for finding in one.findings), "warnings": warnings}
        return Report(frame, COLUMNS, meta=meta, is_empty=not any(one.read for one in judged))


def _tell(finding: Finding) -> tuple[object, ...]:
    return (
        finding.name or None,
        finding.state,
        finding.metric.key,
        ", ".join(f"{name} {value}" for name, value in finding.group) or None,
        finding.window.label,
        finding.before.label,
        finding.old,
        finding.new,
        finding.change,
        finding.condition.describe(finding.metric),
        finding.missing or (finding.verdict.text if finding.verdict is not None else None),
        finding.tell(),
    )
