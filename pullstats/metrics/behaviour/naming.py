"""The class of each request, as that of who made it, and the stream it is part of: columns `class` and `stream` beside the events, for whoever asks.

One question has one class for every origin and package, whatever windows it looks at. Requests of nobody known have what their agent says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.metrics.behaviour.classes import EVENT_BYTES, Classes, classify
from pullstats.metrics.behaviour.judging import CLASS, UNKNOWN
from pullstats.metrics.behaviour.requests import FLAGS, OWNER, OWNER_COLUMNS, name_owner
from pullstats.metrics.behaviour.rules import ClassRules, bundled_rules
from pullstats.metrics.behaviour.streams import STREAM
from pullstats.metrics.extent import Extent, Scan
from pullstats.metrics.findings import Findings
from pullstats.metrics.scan_parts import cut_scan
from pullstats.metrics.time.gaps import find_gaps
from pullstats.metrics.vocabulary import CLASS_OF_KIND

_AGENT: Final = ("user_agent_kind", "is_ci")
_ASKED: Final = tuple(FLAGS["is_poll"].meta.root_names())
_BY_KIND: Final = pl.col("user_agent_kind").replace_strict(CLASS_OF_KIND, default=None, return_dtype=pl.String)
_BY_AGENT: Final = pl.when(pl.col("is_ci").fill_null(value=False)).then(pl.lit("ci")).otherwise(_BY_KIND)
_NAMED: Final = {
    CLASS: pl.when(pl.col("origin_id").is_not_null()).then(CLASS).otherwise(_BY_AGENT).fill_null(UNKNOWN).alias(CLASS),
    STREAM: pl.when(FLAGS["is_poll"]).then(STREAM).alias(STREAM),
}


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The classes of a question, found when they are first needed.

    Attributes:
        scan: gives the events, without classes.
        logs: gives what the logs hold, for when they were silent.
        extent: how far they reach.
        until: the first instant not to read; None to read all.
        rules: the table of classes.
        memory: bytes it may take.
        findings: what questions asked together find alike.
    """

    scan: Scan
    logs: Scan
    extent: Extent
    until: datetime | None
    rules: ClassRules = field(default_factory=bundled_rules)
    memory: int = 0
    findings: Findings = field(default_factory=Findings, compare=False)
    _found: list[Classes] = field(default_factory=list, repr=False, compare=False)

    @property
    def is_used(self) -> bool:
        """Tell whether classes have been needed."""
        return bool(self._found)

    def find(self) -> Classes:
        """Give the classes."""
        if not self._found:
            self._found.append(self.findings.find(("classes", self.until, self.rules.label), self._classify))
        return self._found[0]

    def _classify(self) -> Classes:
        events = self.extent.events or 0
        parts = max(1, -(-events * EVENT_BYTES // self.memory)) if self.memory else 1
        return classify(cut_scan(self.scan, parts), self.rules, _find_silences(self), self.until)

    def scan_named(self, columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """Give `columns` of the events from `start` on and before `end` (UTC; None for no bound).

        `class` and `stream` are among them where these are asked for; nobody else pays for it.
        """
        named = [name for name in (CLASS, STREAM) if name in columns]
        if not named:
            return self.scan(columns, start, end)
        table = self._list_named(named)
        used = (*(_AGENT if CLASS in named else ()), *(_ASKED if STREAM in named else ()))
        read = self.scan(sorted({*columns, *OWNER_COLUMNS, *used} - {*named}), start, end).with_columns(name_owner())
        joined = read.join(table.lazy(), on=OWNER, how="left")
        return joined.with_columns(_NAMED[name] for name in named).select(columns)

    def _list_named(self, names: Sequence[str]) -> pl.DataFrame:
        """Give `owner` and what is named of each, nothing of whom nothing is said: all have a class, and few a stream with machines."""
        found = self.find()
        table = found.pairs.select(OWNER, *names)
        if STREAM not in names:
            return table
        table = table.with_columns(pl.when(pl.col(STREAM).is_in(found.streams[STREAM].implode())).then(STREAM))
        return table if CLASS in names else table.drop_nulls(STREAM)

    def tell(self, zone: str) -> str:
        """Say what the classes are by: the table, as of when, and since when, as clocks of a zone show it."""
        first, last = self.extent.first, self.extent.newest
        end = min(filter(None, (self.until, last)), default=None)
        span = f", as of {write_time(end, zone)}, from events since {write_time(first, zone).removesuffix(f' {zone}')}" if first and end else ""
        return f"{self.rules.label}{span}"


def _find_silences(names: ClassNames) -> pl.DataFrame:
    """Give when any log was silent that should have spoken: `since`, `until` (µs), joined where they overlap."""
    schema = {"since": pl.Int64, "until": pl.Int64}
    first, last = names.extent.first, names.extent.newest
    if first is None or last is None or names.extent.sources is None:
        return pl.DataFrame(schema=schema)
    gaps = find_gaps(names.extent.sources, names.logs, first, min(last, names.until) if names.until else last).gaps
    spans = pl.DataFrame([(gap.silent_from, gap.silent_until) for gap in gaps], schema=dict.fromkeys(schema, pl.Datetime("us", "UTC")), orient="row")
    ordered = spans.select(pl.all().to_physical()).sort("since")
    run = (pl.col("since") > pl.col("until").cum_max().shift(1)).fill_null(value=True).cum_sum()
    return ordered.group_by(run.alias("run"), maintain_order=True).agg(pl.col("since").first(), pl.col("until").max()).drop("run")
