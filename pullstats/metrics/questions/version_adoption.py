"""How releases were taken up, by days since each came out: all laid over each other, or one day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.releases import account_for_curves
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.gaps import Gap, describe_gaps
from pullstats.metrics.versions.asks import ECOSYSTEM, KEYS, PACKAGE, is_of_one_package
from pullstats.metrics.versions.curves import DAY, NEWER, OLD, Curve, draw_curve
from pullstats.metrics.versions.kinds import Packages, add_rank, describe_releases
from pullstats.metrics.versions.moments import (
    MOMENT_COLUMNS,
    RELEASED,
    TOLD_BY,
    Moment,
    choose_moment,
    drop_single,
    find_moments,
    make_frame,
    name_moment,
    tell_moments,
)
from pullstats.metrics.versions.plans import find_first, find_last, gaps_of, resolve_versions
from pullstats.metrics.versions.sentences import describe_curve, describe_curves
from pullstats.metrics.versions.takings import MINUTE, list_takings
from pullstats.reports import Column, Report

_REACHED: Final = ("day_of_10", "day_of_50", "day_of_90")
_TREND: Final = "trend"
_SHOWN_DAYS: Final = 14
"""Of a curve in a table."""


@dataclass(frozen=True, slots=True)
class VersionAdoption:
    """The share of downloads that are of a release or newer ones, by whole days since it came out.

    Attributes:
        query: what is asked.
        release: which one; None for all.
    """

    query: Query
    release: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """Follow one release day by day, or lay all over each other.

        Raises:
            UsageError: as `Versions.answer`; a release that nobody took, or of which nobody knows when it came out.
        """
        asked = resolve_versions(self.query, events)
        gaps = gaps_of(asked)
        ranked, moments, told = _find(asked, self.release, gaps)
        curves, notes = _draw(asked, ranked, moments, gaps), [*told, *describe_gaps(gaps, asked.query.tz)]
        if self.release is not None:
            return warn_of_unseen(_follow(asked, curves[0], notes), asked)
        return warn_of_unseen(_lay_over(asked, [curve for curve in curves if curve.days.height], notes), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it is a download of a day since a release came out.

        Raises:
            UsageError: as `answer`.
        """
        asked = resolve_versions(self.query, events)
        ranked, moments, _ = _find(asked, self.release, gaps_of(asked))
        return Account(asked, account_for_curves(asked, ranked, moments, find_last(asked)))


def _find(asked: Plan, release: str | None, gaps: Sequence[Gap]) -> tuple[pl.DataFrame, list[Moment], list[str]]:
    """Find the downloads with their ranks, when the releases that are followed came out, and what must be said of that."""
    takings = list_takings(asked)
    kinds = describe_releases(takings, asked.query.releases)
    moments = find_moments(asked, kinds, takings.select(*KEYS, first=MINUTE), gaps)
    chosen = drop_single(moments, kinds) if release is None else [choose_moment(moments, kinds, release)]
    return add_rank(takings, kinds), chosen, tell_moments(asked, kinds, moments)


def _draw(asked: Plan, ranked: pl.DataFrame, moments: Sequence[Moment], gaps: Sequence[Gap]) -> list[Curve]:
    first, last = find_first(asked), find_last(asked)
    if first is None or last is None:
        return []
    packages = Packages(ranked)
    return [draw_curve(packages.of(one.ecosystem, one.package), one, first, last, gaps) for one in moments]


def _summary(curve: Curve) -> dict[str, Any]:
    reached = dict(zip(_REACHED, curve.reached, strict=True))
    return {
        **name_moment(curve.moment),
        "days": curve.days.height,
        **reached,
        "old_version": curve.old,
        "half_life": curve.half_life,
    }


_SUMMARY: Final = (
    *MOMENT_COLUMNS,
    Column("days", "days", "count"),
    Column(_REACHED[0], "to 10 %", "count"),
    Column(_REACHED[1], "to 50 %", "count"),
    Column(_REACHED[2], "to 90 %", "count"),
    Column("old_version", "old version", "text"),
    Column("half_life", "old halved", "count"),
)
_ONLY_FOR_MACHINES: Final = frozenset({ECOSYSTEM, TOLD_BY, "days", "old_version"})
_DAYS: Final = (
    Column(DAY, "day", "bucket"),
    Column("downloads", "downloads", "count", additive=True, bar=True),
    Column(NEWER, "it or newer", "count", additive=True),
    Column("newer_share", "share", "share"),
    Column(OLD, "old version", "count", additive=True),
    Column("old_share", "its share", "share"),
    Column("gap", "gap", "text"),
)


def _lay_over(asked: Plan, curves: Sequence[Curve], notes: Sequence[str]) -> Report:
    """Give a row a release with its curve; programs get a row a release and day."""
    frame = make_frame([_summary(curve) for curve in curves], _SUMMARY)
    trends = pl.Series(
        _TREND,
        [curve.days.select(pl.when(~pl.col("gap")).then("newer_share")).to_series().head(_SHOWN_DAYS).to_list() for curve in curves],
        pl.List(pl.Float64),
    )
    shown = keep_first(frame.with_columns(trends), asked.query.limit)
    is_single = is_of_one_package(frame)
    hidden = _ONLY_FOR_MACHINES | {PACKAGE if is_single else "half_life"}
    seen = (*(column for column in _SUMMARY if column.name not in hidden), Column(_TREND, f"first {_SHOWN_DAYS} days", "spark"))
    told = [*notes, *([] if curves else ["no release came out a day or more before the end of these logs, as far as is known (--releases)"])]
    report = build_table(asked, shown.select(column.name for column in seen), seen, warnings=told)
    cells = [frame[place].join(curve.days, how="cross", maintain_order="left_right") for place, curve in enumerate(curves)]
    columns = (*_SUMMARY, *_DAYS)
    flat = pl.concat(cells).select(column.name for column in columns) if cells else make_frame([], columns)
    headline = describe_curve(curves[0], asked.query.tz) if is_single else describe_curves(curves) if curves else ""
    return replace(report, headline=headline, flat=(flat, columns))


def _follow(asked: Plan, curve: Curve, notes: Sequence[str]) -> Report:
    columns = tuple(column for column in _DAYS if column.name not in {OLD, "old_share"} or curve.old is not None)
    columns = tuple(column for column in columns if column.name != "gap" or curve.days["gap"].any())
    whole = [] if curve.days.height else [f"{curve.moment.release} came out less than a day before these logs end"]
    shown = keep_first(curve.days.select(column.name for column in columns), asked.query.limit)
    if shown.height < curve.days.height:
        whole = [f"these are the first {shown.height:,} of {curve.days.height:,} days (--limit 0 shows all)"]
    report = build_table(asked, shown, columns, warnings=[*notes, *whole])
    summary = {name: value.isoformat() if name == RELEASED else value for name, value in _summary(curve).items()}
    return replace(
        report,
        headline=describe_curve(curve, asked.query.tz),
        flat=(keep_first(curve.days, asked.query.limit).select(column.name for column in _DAYS), _DAYS),
        meta=report.meta | {"adoption": summary},
    )
