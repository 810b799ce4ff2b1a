"""Who makes requests that need not be made, of which kind, and what they cost; or a note to one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.ids import ID_DIGITS, is_beginning
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.waste import account_for_waste
from pullstats.metrics.answers.doubled import warn_of_doubled
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.ordering import find_sort
from pullstats.metrics.answers.others import cut_rows
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.filtering.selection import several_ids
from pullstats.metrics.levels import name_level
from pullstats.metrics.offences.evidence import EVIDENCE, add_evidence
from pullstats.metrics.offences.note import tell_span, write_note
from pullstats.metrics.offences.rules import Kind, OffenceRules
from pullstats.metrics.offences.tally import LEVEL, ORG, TREND, WHO, Tally, name_requests, tally_waste
from pullstats.metrics.offences.waste import KIND, find_waste
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.timeline import SHORT_ID
from pullstats.metrics.rule_counts import DOWNLOADS
from pullstats.metrics.store_events import StoreEvents
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

LEVELS: Final = ("origin", "network", ORG)
PRICE: Final = 0.09
"""Of 10⁹ bytes: what large clouds list, in US dollars, for the first ten terabytes a month sent to the Internet."""
_GIGABYTE: Final = 1e9
_SAMPLES: Final = 3
_NETWORK: Final = "network "
_SHARE: Final = "downloads_share"
_SUMS: Final = ("requests", "bytes", "cost", DOWNLOADS, _SHARE)
"""Columns that add up over the rows; a request of two kinds is in two of them."""
_ONLY_FOR_MACHINES: Final = frozenset({LEVEL, "first_seen", "package", "client", "client_version"})


@dataclass(frozen=True, slots=True)
class Offenders:
    """Waste, a row each for somebody and a kind.

    Attributes:
        query: what is asked; its metric are the downloads that are told.
        rules: the kinds of waste and their thresholds.
        kinds: names of those looked for; all if empty.
        level: whose waste is told: `origin`, `network` or `org`; None for what suits each kind.
        price: of 10⁹ bytes sent.
        note_to: the first digits of an id, or the name of a network's owner, to write a note to; None for the list.
    """

    query: Query
    rules: OffenceRules
    kinds: tuple[str, ...] = ()
    level: str | None = None
    price: float = PRICE
    note_to: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """List the waste, or write a note about somebody's.

        Raises:
            UsageError: a name that is not understood; an id that fits nobody, or several.
        """
        asked, chosen = self._resolve(events)
        tally = tally_waste(asked, find_waste(asked, chosen.values()), chosen, self.level)
        if self.note_to is not None:
            return warn_of_doubled(_answer_note(asked, tally, chosen, self.note_to), asked)
        return warn_of_doubled(_list(asked, self, tally, chosen), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request of which kinds of waste it is.

        Raises:
            UsageError: as `answer`.
        """
        asked, chosen = self._resolve(events)
        return Account(asked, account_for_waste(asked, find_waste(asked, chosen.values()), chosen, self.rules.label))

    def _resolve(self, events: StoreEvents) -> tuple[Plan, dict[str, Kind]]:
        """Make the plan, and choose the kinds of waste."""
        if self.query.min_origins:
            raise UsageError("offenders lists everybody by themselves, so it takes no --min-origins; leave it out (--min-origins 0)")
        if self.level is not None and self.level not in LEVELS:
            noun = "level"
            raise unknown_name(noun, self.level, LEVELS)
        chosen = _choose_kinds(self.rules, self.kinds)
        asked = resolve(self.query, events)
        if len(asked.metrics) != 1:
            raise UsageError("offenders tells the share of one headline: --count-as takes one counting rule")
        refuse_epochs(asked, (asked.level,))
        return asked, chosen


def _choose_kinds(rules: OffenceRules, names: Sequence[str]) -> dict[str, Kind]:
    for name in names:
        if name not in rules.kinds:
            noun = "kind of waste"
            raise unknown_name(noun, name, rules.kinds)
    return {name: kind for name, kind in rules.kinds.items() if not names or name in names}


def _columns(asked: Plan, tally: Tally) -> tuple[Column, ...]:
    is_named = tally.rows.height > 0 and tally.rows[LEVEL].n_unique() == 1 and tally.rows[LEVEL][0] == ORG
    metric = asked.metrics[0]
    return (
        Column(LEVEL, "level", "text"),
        Column(WHO, "network owner" if is_named else "who", "dimension" if is_named else "bucket"),
        Column(KIND, "kind", "bucket"),
        Column("requests", "requests", "count", bar=True),
        Column("bytes", "sent", "bytes"),
        Column("cost", "cost", "number"),
        Column(DOWNLOADS, f"{metric.title} of it", "count"),
        Column(_SHARE, "of all", "share"),
        Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
        Column(TREND, "over time", "spark"),
        Column("package", "package", "text"),
        Column("client", "client", "text"),
        Column("client_version", "client version", "text"),
        Column(EVIDENCE, "evidence", "prose"),
    )


def _list(asked: Plan, asked_for: Offenders, tally: Tally, kinds: Mapping[str, Kind]) -> Report:
    query, total = asked.query, tally.waste.downloads
    rows = tally.rows.with_columns(
        (pl.col("bytes") * (asked_for.price / _GIGABYTE)).round(2).alias("cost"),
        (pl.col(DOWNLOADS) / pl.lit(total or None)).alias(_SHARE),
    )
    rows = _sort(rows, query.sort, [column.name for column in _columns(asked, tally)])
    columns = _columns(asked, tally)
    rows = (
        add_evidence(rows, kinds)
        if not query.limit
        else add_evidence(rows.head(query.limit), kinds).vstack(rows.slice(query.limit).with_columns(pl.lit(None, pl.String).alias(EVIDENCE)))
    )
    shown, _, other_row = cut_rows(rows, asked, columns, _SUMS)
    full = shown.select(column.name for column in columns)
    seen = tuple(column for column in columns if column.name not in _ONLY_FOR_MACHINES | _name_untold(rows))
    short = (
        pl.when(pl.col(LEVEL) == "network").then(pl.lit(_NETWORK) + pl.col(WHO).str.slice(0, SHORT_ID)).otherwise(pl.col(WHO).str.slice(0, SHORT_ID))
    )
    people = full.with_columns(pl.when(pl.col(LEVEL) == ORG).then(WHO).otherwise(short).alias(WHO)).select(column.name for column in seen)
    report = build_table(asked, people, seen)
    totals = _sum_up(tally, asked_for.price)
    meta = report.meta | {
        "other_row": other_row,
        "offences": asked_for.rules.label,
        "thresholds": {name: dict(kind.thresholds) for name, kind in kinds.items()},
        "price_per_gb": asked_for.price,
        "totals": totals,
    }
    footer = f"{report.footer} · {asked_for.rules.label} · cost at {asked_for.price:g} per GB sent (--price-per-gb)"
    return replace(report, headline=_describe(asked, tally, totals), footer=footer, meta=meta, flat=(full, columns))


def _name_untold(rows: pl.DataFrame) -> frozenset[str]:
    """Name the columns that are 0 in every row, as the first line says as well: people need not see them."""
    downloads = frozenset() if rows[DOWNLOADS].sum() else frozenset({DOWNLOADS, _SHARE})
    return downloads if rows["cost"].sum() else downloads | {"cost"}


def _sort(rows: pl.DataFrame, sort: str | None, known: Sequence[str]) -> pl.DataFrame:
    """Order rows by a column, numbers and times the largest first; else as they are."""
    if sort is None:
        return rows
    name, is_falling = find_sort(sort, rows.select(one for one in known if one not in {TREND, EVIDENCE}))
    return rows.sort(name, descending=is_falling, nulls_last=True, maintain_order=True)


def _sum_up(tally: Tally, price: float) -> dict[str, Any]:
    """Sum up all waste, a request that is of two kinds once."""
    once = tally.waste.distinct
    sent = int(once["bytes"].sum())
    return {
        "requests": once.height,
        "bytes": sent,
        "cost": round(sent * price / _GIGABYTE, 2),
        DOWNLOADS: int(once[DOWNLOADS].sum()),
        "all_requests": tally.waste.requests,
        "all_downloads": tally.waste.downloads,
        "origins": once["origin"].drop_nulls().n_unique(),
    }


def _describe(asked: Plan, tally: Tally, totals: Mapping[str, Any]) -> str:
    """Say it in words."""
    metric, everything = asked.metrics[0], totals["all_requests"]
    if not totals["requests"]:
        return f"no waste found in {everything:,} {'request' if everything == 1 else 'requests'}"
    requests = f"{totals['requests']:,} of {everything:,} requests ({write_share(totals['requests'] / everything)}) need not have been made"
    cost = f"; what was sent for them costs about {totals['cost']:,.2f}" if totals["cost"] >= 0.01 else ""
    by = f"by {name_level('origin', totals['origins'])}{cost}"
    if not totals["all_downloads"]:
        return f"{requests}, {by}"  # of nothing there is no share
    headline = f"none of {metric.name_count(tally.waste.downloads)} comes of them"
    if totals[DOWNLOADS]:
        share = write_share(totals[DOWNLOADS] / totals["all_downloads"])
        headline = f"{totals[DOWNLOADS]:,} of {metric.name_count(totals['all_downloads'])} ({share}) come of them"
    return f"{requests}, {by}; {headline}"


def _answer_note(asked: Plan, tally: Tally, kinds: Mapping[str, Kind], who: str) -> Report:
    whose = _find_whose(tally.rows, who)
    local = pl.selectors.datetime().dt.convert_time_zone(asked.query.tz)
    rows = whose.with_columns(local).to_dicts()
    samples = _find_samples(asked, tally, whose)
    text = write_note(rows, samples, kinds, tell_span(asked, tally.waste.requests), asked.query.tz)
    frame = pl.DataFrame({LEVEL: [rows[0][LEVEL]], WHO: [rows[0][WHO]], "note": [text]})
    return Report(frame, (Column(LEVEL, "level", "text"), Column(WHO, "who", "text"), Column("note", "note", "text")), meta={"warnings": []})


def _find_whose(rows: pl.DataFrame, who: str) -> pl.DataFrame:
    """Find the rows of an id, or of a network owner's name.

    Raises:
        UsageError: nobody's, or several people's.
    """
    named = rows.filter((pl.col(LEVEL) == ORG) & (pl.col(WHO) == who))
    if named.height:
        return named
    digits = who.lower().removeprefix(_NETWORK)
    found = rows.filter((pl.col(LEVEL) != ORG) & pl.col(WHO).str.starts_with(digits[:ID_DIGITS])) if is_beginning(digits) else rows.clear()
    people = found.select(LEVEL, WHO).unique().sort(WHO)
    if people.height > 1:
        raise several_ids(who, people[WHO].to_list())
    if not people.height:
        raise UsageError(
            f"--note '{who}' is nobody whom offenders lists in this window; it takes an id of 4 to 16 digits as offenders prints them, or with --level org an owner's name"
        )
    return found


def _find_samples(asked: Plan, tally: Tally, whose: pl.DataFrame) -> list[dict[str, Any]]:
    """Give the last requests of each kind of somebody's waste, in order of time."""
    own = tally.wasted.join(whose.select(LEVEL, "whose", KIND), on=[LEVEL, "whose", KIND], how="semi", nulls_equal=True)
    last = own.sort("instant", "place", descending=True).group_by(KIND, maintain_order=True).head(_SAMPLES)
    named = last.select(KIND, "place").join(name_requests(asked, last["place"].unique()), on="place")
    return named.unique("place").sort("time", "place").with_columns(pl.col("time").dt.convert_time_zone(asked.query.tz)).to_dicts()
