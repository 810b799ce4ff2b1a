"""How much of a count comes of clients that repeat themselves, and the count without that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.waste import account_for_repeats, tell_kinds
from pullstats.metrics.answers.doubled import warn_of_doubled
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.others import cut_rows
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.offences.inflation import CLIENT, CLIENTS, VERSION, count_inflation
from pullstats.metrics.offences.rules import OffenceRules
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.rule_counts import DOWNLOADS
from pullstats.metrics.store_events import StoreEvents
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

RULE: Final = "get-for-head"
LABEL: Final = "inflation@1"
_SUMS: Final = (DOWNLOADS, "had", "again", "adjusted", "heads", "gets")
_NAMES: Final = (Column(CLIENT, CLIENT, "dimension"), Column(VERSION, "version", "dimension"))
_NAMED: Final = 3
"""Clients named in the first line."""
_COMPUTED: Final = (
    "adjusted = downloads - had - again. had: the pull's first manifest was taken before by the same origin with the same size, and no layer followed. "
    "again: the same origin took the same file, or the same manifest, earlier that day. An origin may stand for several machines: the adjusted count is the "
    "least that they needed"
)


@dataclass(frozen=True, slots=True)
class Inflation:
    """What of the downloads repeats what their origin had, by client and version.

    Attributes:
        query: what is asked; its metric are the downloads of a rule.
        rules: say when a manifest was there already.
    """

    query: Query
    rules: OffenceRules

    def answer(self, events: StoreEvents) -> Report:
        """Tell how much the downloads are inflated.

        Raises:
            UsageError: a name that is not understood; several counting rules.
        """
        asked = self._resolve(events)
        return warn_of_doubled(_answer(asked, count_inflation(asked, self.rules.kinds[RULE]), self.rules.label), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it is a download that repeats nothing.

        Raises:
            UsageError: as `answer`.
        """
        asked, kind = self._resolve(events), self.rules.kinds[RULE]
        return Account(asked, (*tell_kinds([kind], self.rules.label), *account_for_repeats(asked, count_inflation(asked, kind))))

    def _resolve(self, events: StoreEvents) -> Plan:
        if self.query.min_origins:
            raise UsageError("doctor inflation shows every client version, so it takes no --min-origins; leave it out (--min-origins 0)")
        asked = resolve(self.query, events)
        if len(asked.metrics) != 1:
            raise UsageError("doctor inflation adjusts one count: --count-as takes one counting rule")
        if RULE not in self.rules.kinds:
            raise UsageError(f"doctor inflation needs the numbers of [{RULE}]; take enabled = false out of --offences")
        refuse_epochs(asked, (METRICS["origins"],))
        return asked


def _answer(asked: Plan, rows: pl.DataFrame, label: str) -> Report:
    totals = rows.select(pl.col(_SUMS).sum()).row(0, named=True)
    shown, _, other_row = cut_rows(rows, asked, _NAMES, _SUMS)
    shown = shown.with_columns(
        ((pl.col("had") + pl.col("again")) / pl.col(DOWNLOADS)).alias("repeated_share"),
        pl.when(pl.col("gets") > 0).then(pl.when(pl.col("heads") > 0).then(pl.lit("HEAD and GET")).otherwise(pl.lit("GET only"))).alias("manifests"),
    )
    columns = (
        *_NAMES,
        Column(DOWNLOADS, asked.metrics[0].title, "count", additive=True),
        Column("had", "had", "count", additive=True),
        Column("again", "again", "count", additive=True),
        Column("adjusted", "adjusted", "count", additive=True, bar=True),
        Column("repeated_share", "repeated", "share"),
        Column("manifests", "manifests by", "text"),
        Column("origins", "downloaders", "count"),
    )
    frame = shown.select(column.name for column in columns)
    report = build_table(asked, frame, columns, warnings=[_COMPUTED] if rows.height else [])
    meta = report.meta | {"other_row": other_row, "totals": totals, "inflation": LABEL, "offences": label}
    headline = _describe(asked, rows, totals)
    return replace(report, headline=headline, footer=f"{report.footer} · {LABEL}, {label}", meta=meta)


def _describe(asked: Plan, rows: pl.DataFrame, totals: Mapping[str, Any]) -> str:
    """Say it in words, the adjusted count beside the published one."""
    metric, repeats = asked.metrics[0], totals["had"] + totals["again"]
    if not totals[DOWNLOADS]:
        return f"no {metric.title}"
    published = metric.name_count(totals[DOWNLOADS])
    if not repeats:
        return f"none of {published} repeats what its origin had: no inflation found"
    share = write_share(repeats / totals[DOWNLOADS])
    parts = [
        f"{totals['had']:,} pulls found everything there" if totals["had"] else "",
        f"{totals['again']:,} took the same again on one day" if totals["again"] else "",
    ]
    told = f"{published}, {totals['adjusted']:,} adjusted: {repeats:,} ({share}) repeat what their origin had, {' and '.join(filter(None, parts))}"
    only = int(rows.filter((pl.col("heads") == 0) & (pl.col("gets") > 0))[DOWNLOADS].sum())
    by_get = f"; {only:,} are of clients that ask for manifests by GET only" if only else ""
    return f"{told}{by_get}; most repeats: {_name_most(rows)}"


def _name_most(rows: pl.DataFrame) -> str:
    """Name the client versions that repeat most, each with how many of its downloads it repeats."""
    repeats = rows.select(*CLIENTS, DOWNLOADS, count=pl.col("had") + pl.col("again")).filter(pl.col("count") > 0).head(_NAMED)
    return ", ".join(
        f"{' '.join(filter(None, (row[CLIENT] or 'unknown', row[VERSION])))} ({row['count']:,} of {row[DOWNLOADS]:,})" for row in repeats.to_dicts()
    )
