"""How much of the downloads is the echo of releases, taken by machines within hours, and how much is demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.metrics.accounting.classes import tell_classes
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.releases import account_for_echo
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.dimensions import CLASS, RELEASE
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.gaps import Gap, describe_gaps
from pullstats.metrics.versions.asks import ECOSYSTEM, KEYS, PACKAGE, is_of_one_package
from pullstats.metrics.versions.echoes import DEMAND, ECHO, ECHOING, split_echo
from pullstats.metrics.versions.kinds import RANK, add_rank, describe_releases
from pullstats.metrics.versions.moments import MOMENT_COLUMNS, RELEASED, TOLD_BY, find_moments, tell_moments
from pullstats.metrics.versions.plans import gaps_of, resolve_versions
from pullstats.metrics.versions.takings import MINUTE, list_takings
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

_SHARE: Final = "echo_share"
_CALLED: Final = {"mirror": "mirrors", "scanner": "scanners", "updater": "updaters", "bot": "bots", "probe": "probes", "ci": "CI"}


@dataclass(frozen=True, slots=True)
class ReleaseEcho:
    """Downloads of each release, its echo apart from demand.

    Attributes:
        query: what is asked.
        hours: after a release in which what machines take of it is its echo.
    """

    query: Query
    hours: int = 24

    def answer(self, events: StoreEvents) -> Report:
        """Split them.

        Raises:
            UsageError: as `Versions.answer`.
        """
        asked = resolve_versions(self.query, events)
        gaps = gaps_of(asked)
        rows, told = _split(asked, self.hours, gaps)
        notes = [*told, *describe_gaps(gaps, asked.query.tz)]
        return warn_of_unseen(_report(asked, rows, self.hours, notes), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it is a download from demand, or the echo of a release.

        Raises:
            UsageError: as `answer`.
        """
        asked = resolve_versions(self.query, events)
        rows, _ = _split(asked, self.hours, gaps_of(asked))
        return Account(asked, (*tell_classes(asked), *account_for_echo(asked, rows, self.hours)))


def _split(asked: Plan, hours: int, gaps: Sequence[Gap]) -> tuple[pl.DataFrame, list[str]]:
    """Tell echo from demand, a row a release; and say what must be said of when these came out."""
    takings = list_takings(asked, {CLASS: pl.col(CLASS)})
    kinds = describe_releases(takings, asked.query.releases)
    moments = find_moments(asked, kinds, takings.select(*KEYS, first=MINUTE), gaps)
    rows = add_rank(split_echo(takings, moments, hours), kinds)
    return rows.with_columns((pl.col(ECHO) / pl.col("downloads")).alias(_SHARE)), tell_moments(asked, kinds, moments)


def _report(asked: Plan, rows: pl.DataFrame, hours: int, notes: list[str]) -> Report:
    whole = [pl.col("downloads").sum().over(ECOSYSTEM, PACKAGE), pl.col(PACKAGE), pl.col(ECOSYSTEM), pl.col(RANK), pl.col(RELEASE)]
    rows = rows.sort(whole, descending=[True, False, False, True, False], nulls_last=True)
    dated = rows.filter(pl.col(RELEASED).is_not_null())
    columns = (
        *MOMENT_COLUMNS,
        Column("downloads", asked.metrics[0].title, "count", additive=True, bar=True),
        Column(DEMAND, DEMAND, "count", additive=True),
        Column(ECHO, f"echo ({hours}h)", "count", additive=True),
        Column(_SHARE, "of it", "share"),
        *(Column(name, _CALLED[name], "count", additive=True) for name in ECHOING),
    )
    shown = keep_first(dated, asked.query.limit)
    empty = {name for name in ECHOING if not dated[name].sum()}
    is_single = is_of_one_package(dated)
    hidden = {ECOSYSTEM, TOLD_BY, *empty} | ({PACKAGE} if is_single else set())
    seen = tuple(column for column in columns if column.name not in hidden)
    told = [*notes, *([] if dated.height else ["no release came out in this window, as far as is known, so there is no echo of one (--releases)"])]
    report = build_table(asked, shown.select(column.name for column in seen), seen, warnings=told)
    total, echo = int(rows["downloads"].sum()), int(rows[ECHO].sum())
    meta = report.meta | {"totals": {"downloads": total, ECHO: echo, DEMAND: total - echo}, "echo_hours": hours, "echo_classes": list(ECHOING)}
    return replace(report, headline=_describe(asked, total, echo, hours), flat=(rows.select(column.name for column in columns), columns), meta=meta)


def _describe(asked: Plan, total: int, echo: int, hours: int) -> str:
    """Give the headline of demand alone."""
    if not echo:
        return f"{asked.metrics[0].name_count(total)}, none of them the echo of a release"
    share = write_share(echo / total)
    return f"demand: {asked.metrics[0].name_count(total - echo)}; {echo:,} more ({share}) are what machines took of releases within {hours} hours"
