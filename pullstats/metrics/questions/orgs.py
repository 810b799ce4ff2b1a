"""Which organisations take how much, since when, why and what, and whether it grew: owners of networks, or one's own names for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.owners import account_for_owners
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.doubled import warn_of_doubled
from pullstats.metrics.answers.ordering import find_sort
from pullstats.metrics.answers.others import cut_rows
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.dimensions import CLASS
from pullstats.metrics.folding import fold
from pullstats.metrics.organisations.growth import Growth, measure_growth, tell_growth
from pullstats.metrics.organisations.naming import CLOUD, COLUMNS, GROUPS, ISP, KEYS, NAMED_BY, NETWORKS, ORG, OWN, UNKNOWN, org_groups, place_group
from pullstats.metrics.organisations.traits import find_beginnings, name_classes, name_versions
from pullstats.metrics.over_time.lifecycle import CHURNED, STATES
from pullstats.metrics.partials import Partials, keep_rows
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import Breakdown
from pullstats.metrics.questions.origins import ACTOR, describe_people, tell_beginning, tell_churned
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.spans import close_window, span_before
from pullstats.metrics.time.windows import Window
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

METRICS: Final = ("downloads", "requests", "origins")
_CALLED: Final = {OWN: "with networks of their own", UNKNOWN: "of unknown kind", CLOUD: "clouds and hosters", ISP: "Internet providers"}
_NAMES: Final = "names are those of whoever owns the address, or your own for it (ingest --orgs): of a cloud or an Internet provider not who asks, but who carries it"
_FEW: Final = "with --min-origins neither classes, versions, states nor growth are told: each would tell of fewer"
_ONLY_FOR_MACHINES: Final = frozenset({NAMED_BY, "requests", "days", "first_seen", "last_seen", CLASS, "versions", "verdict"})


@dataclass(frozen=True, slots=True)
class Organisations:
    """Owners of networks, those of their own first, by what they take.

    Attributes:
        query: what is asked; its metrics are `METRICS`.
        state: only those in this state.
        networks: only these kinds of network, of `GROUPS`; all if empty.
        has_classes: tell why their origins come; else all are of unknown class, and none is looked for.
    """

    query: Query
    state: str | None = None
    networks: tuple[str, ...] = ()
    has_classes: bool = True

    def answer(self, events: StoreEvents) -> Report:
        """List them.

        Raises:
            UsageError: a name that is not understood; several counting rules; what cannot be asked with `--min-origins`.
        """
        asked = self._resolve(events)
        if self.query.min_origins:  # few are folded into one row, and nothing tells of fewer still
            return warn_of_doubled(Breakdown(asked.query).answer(events).with_warnings(_FEW, _NAMES), asked)
        return warn_of_doubled(warn_of_unseen(_list(asked, self), asked), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request from which kind of network it came, and whether its owner is listed.

        Raises:
            UsageError: as `answer`.
        """
        asked = self._resolve(events)
        before, counted = _find_counted(asked, self.state)
        people = describe_people(asked, before, pl.lit(value=True)).select(pl.col(ACTOR).alias(ORG), "state") if self.state else None
        return Account(counted, account_for_owners(counted, self.networks, self.state, people))

    def _resolve(self, events: StoreEvents) -> Plan:
        """Make the plan; of what may leave the house one that breaks down by owner."""
        for value, known, noun in (*((name, GROUPS, "kind of network") for name in self.networks), (self.state, STATES, "state")):
            if value is not None and value not in known:
                raise unknown_name(noun, value, known)
        if self.query.min_origins and (self.state or self.networks):
            message = "--min-origins goes neither with --state nor with --networks: what they leave out would tell of few"
            raise UsageError(message)
        if self.query.min_origins:
            return resolve(replace(self.query, dimensions=(ORG, "network-type")), events)
        asked = resolve(replace(self.query, unique_by=ORG), events)
        if len(asked.metrics) != len(METRICS):
            message = "orgs follows one count: --count-as takes one counting rule"
            raise UsageError(message)
        return asked


def _list(asked: Plan, asked_for: Organisations) -> Report:
    before, counted = _find_counted(asked, asked_for.state)
    classed = {CLASS: pl.col(CLASS) if asked_for.has_classes else pl.lit(None, pl.String)}
    partials = compute_partials(counted, org_groups() | classed, [*COLUMNS, *([CLASS] if asked_for.has_classes else [])])
    rows = fold(partials, counted.metrics, KEYS)
    classes = name_classes(fold(partials, counted.metrics, (*KEYS, CLASS)))
    growth = measure_growth(asked, before)
    rows = _join(rows, classes, name_versions(counted), growth.rows)
    rows = _add_states(rows, asked, before).join(find_beginnings(asked), on=ORG, how="left", nulls_equal=True)
    total = int(rows[asked.metrics[0].key].sum())
    rows = rows.with_columns((pl.col(asked.metrics[0].key) / pl.lit(total or None)).alias("share"))
    whole = rows
    rows = _sort(_choose(rows, asked_for), asked)
    columns = _columns(asked)
    shown, rest, other_row = cut_rows(rows, asked, columns, (asked.metrics[0].key, "share", "before", "requests"))
    if other_row is not None:
        shown = _count_origins(shown, rest, partials, counted)
    full = shown.select(column.name for column in columns)
    seen = tuple(replace(column, kind="prose") if column.name == ORG else column for column in columns if column.name not in _hide(before, growth))
    people = full.select(column.name for column in seen).with_columns(pl.col(ORG).fill_null("unknown"))
    warnings = [
        *_tell_end(asked),
        *_tell_state(asked, asked_for, before),
        *([f"whether they grew is not told: {growth.reason}"] if growth.reason else []),
        _NAMES,
    ]
    report = build_report(asked, partials, people, seen, fold(partials, counted.metrics, ()), warnings=warnings, other_row=other_row)
    headline = _describe(asked, rows if asked_for.state else whole, asked_for.state, growth)
    return replace(report, headline=headline, flat=(full, columns), meta=report.meta | {"growth": growth.reason or "judged"})


def _count_origins(shown: pl.DataFrame, rest: pl.DataFrame, partials: Partials, asked: Plan) -> pl.DataFrame:
    """Count in the last row, that of the others, the origins behind it: they do not add up."""
    key = asked.metrics[-1].key
    behind = partials.plain.select(partials.keys).join(rest.select(KEYS), on=KEYS, how="semi", nulls_equal=True)
    rest = fold(keep_rows(partials, behind, is_kept=True), asked.metrics, ())
    return shown.with_columns(pl.when(pl.int_range(pl.len()) == pl.len() - 1).then(rest[key].item()).otherwise(key).cast(pl.Int64).alias(key))


def _find_counted(asked: Plan, state: str | None) -> tuple[Window | None, Plan]:
    """Give the span before the window, and the plan of what is counted: of those who are gone it is that span."""
    before = span_before(close_window(asked.window, asked.extent.newest))
    if before is None:
        if state is not None:
            message = f"--state compares a window with the time before it, and '{asked.window.label}' has none; give a --window that begins"
            raise UsageError(message)
        return None, asked
    before = replace(before, label=f"the span before {asked.window.label}")
    return before, replace(asked, window=before) if state == CHURNED else asked


def _hide(before: Window | None, growth: Growth) -> frozenset[str]:
    """Name the columns that people need not see: those for programs, and such as have nothing to say."""
    without = frozenset() if before else frozenset({"state", "trend"})
    unsaid = frozenset({"change", "growth"}) if growth.reason else frozenset({"before"})
    return _ONLY_FOR_MACHINES | without | unsaid | (frozenset() if growth.is_comparable else {"before"})


def _join(rows: pl.DataFrame, *others: pl.DataFrame) -> pl.DataFrame:
    for other in others:
        rows = rows.join(other, on=KEYS, how="left", nulls_equal=True)
    return rows.with_columns(pl.col("versions").fill_null(0), pl.col("trend").fill_null(pl.lit([], pl.List(pl.Int64))))


def _add_states(rows: pl.DataFrame, asked: Plan, before: Window | None) -> pl.DataFrame:
    """Add state, days, and first and last request to each owner; of addresses whose owner is not known nothing."""
    people = describe_people(asked, before, pl.lit(value=True)).select(pl.col(ACTOR).alias(ORG), "state", "days", "first_seen", "last_seen")
    return rows.join(people, on=ORG, how="left")


def _choose(rows: pl.DataFrame, asked_for: Organisations) -> pl.DataFrame:
    if asked_for.state is not None:
        rows = rows.filter(pl.col("state") == asked_for.state)
    return rows.filter(pl.col(NETWORKS).is_in(asked_for.networks)) if asked_for.networks else rows


def _columns(asked: Plan) -> tuple[Column, ...]:
    downloads, requests, origins = asked.metrics
    return (
        Column(ORG, "network owner", "dimension"),
        Column(NETWORKS, "networks", "bucket"),
        Column(NAMED_BY, "named by", "text"),
        Column(downloads.key, downloads.title, "count", additive=True, bar=True),
        Column("share", "of all", "share"),
        Column("before", "before", "count"),
        Column("change", "change", "change"),
        Column("growth", "growth", "text"),
        Column("state", "state", "text"),
        Column("trend", "over time", "spark"),
        Column(requests.key, requests.title, "count", additive=True),
        Column(origins.key, origins.title, "count"),
        Column("since", "since", "time"),
        Column("days", "days", "count"),
        Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
        Column(CLASS, CLASS, "text"),
        Column("classes", "classes (origins)", "prose"),
        Column("versions", "versions", "count"),
        Column("taken", "takes most", "prose"),
        Column("verdict", "verdict", "text"),
    )


def _sort(rows: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Order rows totally: who took something by kind of network, the most downloads first, then who only asked; or by what is asked for."""
    downloads, sort = asked.metrics[0].key, asked.query.sort
    if sort is None:
        order = [pl.col(ORG).is_null(), pl.col(downloads) == 0, place_group(), -pl.col(downloads), -pl.col("requests"), pl.col(ORG)]
        return rows.sort(order, nulls_last=True)
    name, is_falling = find_sort(sort, rows.select(column.name for column in _columns(asked) if column.kind not in {"spark", "prose"}))
    return rows.sort(name, downloads, ORG, descending=[is_falling, True, False], nulls_last=True)


def _tell_state(asked: Plan, asked_for: Organisations, before: Window | None) -> list[str]:
    if before is None:
        return []
    return [*tell_beginning(asked, before), *(tell_churned(asked, before) if asked_for.state == CHURNED else ())]


def _tell_end(asked: Plan) -> list[str]:
    """Say that all that the logs hold lies in the day that is left out, where it does."""
    first, end = asked.extent.first, asked.window.end
    is_after = first is not None and end is not None and first >= end
    return ["all that these logs hold lies behind the window, which ends with the last whole day; --window all takes it in"] if is_after else []


def _describe(asked: Plan, rows: pl.DataFrame, state: str | None, growth: Growth) -> str:
    """Say who takes what, by kind of network, and who grew or fell by more than noise."""
    named = rows.filter(pl.col(ORG).is_not_null())
    taken = [metric for metric in asked.metrics[:2] if rows[metric.key].sum()]
    metric = taken[0] if taken else asked.metrics[0]
    total = int(rows[metric.key].sum())
    parts = [
        f"{of_kind.height:,} {_CALLED[name]} {write_share(int(of_kind[metric.key].sum()) / max(total, 1))}"
        for name in GROUPS
        if (of_kind := named.filter(pl.col(NETWORKS) == name)).height
    ]
    nobody = rows.filter(pl.col(ORG).is_null())
    if nobody.height and total:
        parts.append(f"addresses whose owner is not known {write_share(int(nobody[metric.key].sum()) / total)}")
    count = f"{named.height:,} {f'{state} ' if state else ''}{'organisation' if named.height == 1 else 'organisations'}"
    nothing = f"no {asked.metrics[0].title}; " if metric != asked.metrics[0] else ""
    told = f"{count}; {nothing}of {metric.name_count(total)}: {', '.join(parts)}" if parts and total else count
    return "; ".join([told, *tell_growth(named, growth)])
