"""How long those who were on an older version took to move to each release; and who has not moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.ids import write_ids
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.releases import account_for_lags
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.dimensions import CLASS, DIMENSIONS, RELEASE
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.questions.timeline import ID_COLUMNS
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.gaps import Gap, describe_gaps
from pullstats.metrics.versions.asks import ECOSYSTEM, KEYS, PACKAGE, WHO, is_of_one_package, list_asks
from pullstats.metrics.versions.kinds import RANK, Packages, add_rank, describe_releases
from pullstats.metrics.versions.lags import DAY_GROUP, Lags, measure_lags, name_lags
from pullstats.metrics.versions.moments import (
    MOMENT_COLUMNS,
    TOLD_BY,
    Moment,
    choose_moment,
    drop_single,
    find_moments,
    make_frame,
    name_moment,
    tell_moments,
)
from pullstats.metrics.versions.plans import find_last, gaps_of, resolve_versions
from pullstats.metrics.versions.sentences import tell_half, tell_halves
from pullstats.reports import Column, Report

_ORG: Final = "org"
_MOVED: Final = (
    "whoever's address changed looks gone here and is nobody who moved: days are an estimate from those who were seen again (Kaplan and Meier)"
)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class VersionLag:
    """How long origins took to move to releases.

    Attributes:
        query: what is asked.
        active: days before a release in which somebody must have asked for an older version, and before the end to be stuck.
        stuck: a release whose stragglers are listed; None for the table of all.
    """

    query: Query
    active: int = 30
    stuck: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """Tell it of each release, or list who is stuck before one.

        Raises:
            UsageError: as `Versions.answer`; a release that nobody asked for, or of which nobody knows when it came out.
        """
        asked = resolve_versions(self.query, events)
        gaps = gaps_of(asked)
        silent = describe_gaps(gaps, asked.query.tz)
        ranked, moments, dated = _find(asked, self.stuck, gaps)
        if self.stuck is not None:
            return warn_of_unseen(_list_stuck(asked, self, ranked, moments[0], silent), asked)
        return warn_of_unseen(_tabulate(asked, self, _measure(asked, self, ranked, moments), dated, silent), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it says when somebody moved to a release.

        Raises:
            UsageError: as `answer`.
        """
        asked = resolve_versions(self.query, events)
        ranked, moments, _ = _find(asked, self.stuck, gaps_of(asked))
        return Account(asked, account_for_lags(asked, ranked, [one for one, _ in _measure(asked, self, ranked, moments)]))


def _find(asked: Plan, stuck: str | None, gaps: Sequence[Gap]) -> tuple[pl.DataFrame, list[Moment], list[str]]:
    """Find who asked for what, with ranks, when the releases came out that are looked at, and what must be said of that."""
    asks = list_asks(asked, DAY_GROUP)
    kinds = describe_releases(asks, asked.query.releases)
    moments = find_moments(asked, kinds, asks, gaps)
    chosen = drop_single(moments, kinds) if stuck is None else [choose_moment(moments, kinds, stuck)]
    return add_rank(asks, kinds), chosen, tell_moments(asked, kinds, moments)


def _measure(asked: Plan, question: VersionLag, ranked: pl.DataFrame, moments: Sequence[Moment]) -> list[tuple[Moment, Lags]]:
    """Measure how long it took to move to each release, of those that somebody could move to."""
    last = find_last(asked)
    packages = Packages(ranked.drop_nulls(WHO))
    measured = [(one, measure_lags(packages.of(one.ecosystem, one.package), one, question.active, last)) for one in moments] if last else []
    return [(one, lags) for one, lags in measured if lags.people.height]


def _tabulate(asked: Plan, question: VersionLag, measured: list[tuple[Moment, Lags]], dated: list[str], silent: list[str]) -> Report:
    rows = [{**name_moment(one), **name_lags(lags)} for one, lags in measured]
    columns = _columns(asked, question.active)
    frame = make_frame(rows, columns)
    shown = keep_first(frame, asked.query.limit)
    is_single = is_of_one_package(frame)
    hidden = {ECOSYSTEM, TOLD_BY, "median_low", "median_high"} | ({PACKAGE} if is_single else set())
    seen = tuple(column for column in columns if column.name not in hidden)
    told = [*dated, _MOVED if rows else "no release in this window came out while somebody was on an older version", *silent]
    report = build_table(asked, shown.select(column.name for column in seen), seen, warnings=told)
    headline = tell_half(*measured[0], asked.level) if is_single else tell_halves(measured) if measured else ""
    return replace(report, headline=headline, flat=(shown, columns), meta=report.meta | {"active_days": question.active})


def _columns(asked: Plan, active: int) -> tuple[Column, ...]:
    return (
        *MOMENT_COLUMNS,
        Column("origins", f"{asked.level.title} before", "count"),
        Column("moved", "moved", "count"),
        Column("median_days", "median days", "number"),
        Column("median_low", "from", "number"),
        Column("median_high", "to", "number"),
        Column("p90_days", "90 %", "number"),
        Column("stuck", f"stuck ({active}d)", "count"),
        Column("gone", "gone", "count"),
    )


def _list_stuck(asked: Plan, question: VersionLag, ranked: pl.DataFrame, moment: Moment, notes: list[str]) -> Report:
    """List who asked for older versions within the last days and never for the release or a newer one: by class and organisation, or one by one."""
    last = find_last(asked)
    assert last is not None
    lags = measure_lags(Packages(ranked.drop_nulls(WHO)).of(moment.ecosystem, moment.package), moment, question.active, last)
    traits = list_asks(
        replace(asked, window=replace(asked.window, start=lags.since)), {CLASS: pl.col(CLASS), _ORG: DIMENSIONS[_ORG].expr(asked.query.tz)}
    )
    own = traits.filter(pl.col(ECOSYSTEM).eq_missing(moment.ecosystem) & (pl.col(PACKAGE) == moment.package))
    own = own.join(lags.stuck.select(WHO), on=WHO, how="semi").join(ranked.select(*KEYS, RANK).unique(), on=KEYS, how="left", nulls_equal=True)
    own = own.filter(pl.col(RANK).is_not_null()).sort("last", RELEASE)
    people = own.group_by(WHO).agg(pl.col(CLASS, _ORG, RELEASE, "last").last(), pl.col("requests").sum()).sort("last", WHO, descending=[True, False])
    ids = write_ids(pl.col(WHO)) if asked.query.unique_by in ID_COLUMNS else pl.col(WHO)
    level = asked.query.unique_by
    flat = people.select(ids.alias(level), *(name for name in (CLASS, _ORG) if name != level), RELEASE, "requests", last_seen="last")
    heads = {level: "dimension", CLASS: "dimension", _ORG: "dimension", RELEASE: "text", "requests": "count", "last_seen": "time"}
    flat_columns = tuple(Column(name, name.replace("_", " "), heads[name]) for name in flat.columns)  # type: ignore[arg-type]
    counted = pl.col(RELEASE).unique().sort()
    rows = people.group_by(CLASS, _ORG).agg(
        origins=pl.len().cast(pl.Int64),
        releases=pl.concat_str(counted.head(_SHOWN).str.join(", "), pl.when(counted.len() > _SHOWN).then(pl.lit(", …")).otherwise(pl.lit(""))),
        last_seen=pl.col("last").max(),
    )
    rows = rows.sort("origins", CLASS, _ORG, descending=[True, False, False], nulls_last=True)
    columns = (
        Column(CLASS, CLASS, "dimension"),
        Column(_ORG, "network owner", "dimension"),
        Column("origins", asked.level.title, "count", bar=True),
        Column("releases", "last asked for", "text"),
        Column("last_seen", "last seen", "time"),
    )
    limit = asked.query.limit
    report = build_table(asked, keep_first(rows, limit), columns, warnings=notes)
    headline = tell_stuck(lags, moment, asked)
    return replace(
        report,
        headline=headline,
        flat=(keep_first(flat, limit), flat_columns),
        meta=report.meta | {"active_days": question.active} | dict(lags.counts),
    )


def tell_stuck(lags: Lags, moment: Moment, asked: Plan) -> str:
    """Say how many have not moved.

    Args:
        lags: who moved from one version to the next, and who did not.
        moment: when the next one came out.
        asked: the plan of the question.
    """
    counts = lags.counts
    return (
        f"{counts['stuck']:,} of {asked.level.name_count(counts['origins'])} that were on a version before {moment.release} are still there; "
        f"{counts['moved']:,} moved, {counts['gone']:,} were not seen again"
    )
