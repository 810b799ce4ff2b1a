"""Why origins come: the mix of classes, the class of every origin with its evidence, or one origin explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.ids import begins_with, is_beginning, write_ids
from pullstats.metrics import definitions
from pullstats.metrics.accounting.classes import account_for_classes, account_for_origin, look_at_all
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.answers.doubled import warn_of_doubled
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.behaviour.judging import EVIDENCE, SCORE, describe_evidence
from pullstats.metrics.behaviour.requests import OWNER, OWNER_COLUMNS, name_owner
from pullstats.metrics.behaviour.visits import LAST
from pullstats.metrics.dimensions import CLASS, DIMENSIONS
from pullstats.metrics.filtering.selection import several_ids
from pullstats.metrics.plan import MAX_DIMENSIONS, Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import Breakdown, break_down
from pullstats.metrics.questions.timeline import SHORT_ID
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.synonyms import name_dimension
from pullstats.metrics.vocabulary import CLASSES
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

METRICS: Final = ("origins", "downloads", "requests")
_ORIGIN_COLUMNS: Final = (
    Column("origin", "origin", "bucket"),
    Column(CLASS, CLASS, "dimension"),
    Column(SCORE, SCORE, "number"),
    Column(EVIDENCE, EVIDENCE, "prose"),
    Column("classes", "classes of its packages", "text"),
    Column("requests", "requests", "count"),
    Column("visits", "visits", "count"),
    Column("packages", "packages", "count"),
    Column("versions", "versions", "count"),
    Column("period_seconds", "period", "number"),
    Column("machines", "machines", "count"),
    Column("client", "client", "dimension"),
    Column("network_type", "network type", "dimension"),
    Column("org", "org", "dimension"),
    Column("country", "country", "dimension"),
    Column("first_seen", "first seen", "time"),
    Column("last_seen", "last seen", "time"),
)
_PACKAGE_COLUMNS: Final = (
    Column("ecosystem", "ecosystem", "dimension"),
    Column("package", "package", "dimension"),
    *(
        column
        for column in _ORIGIN_COLUMNS
        if column.name in {CLASS, SCORE, EVIDENCE, "requests", "visits", "versions", "period_seconds", "machines"}
    ),
    Column("first_seen", "first seen", "time"),
    Column("last_seen", "last seen", "time"),
)
_SHORT: Final = (CLASS, SCORE, EVIDENCE)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Why origins come.

    Attributes:
        query: what is asked; its dimensions and buckets break the mix of classes down.
        who: the first digits of an origin's id, to explain it; None for the mix.
    """

    query: Query
    who: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """Give the mix, or explain an origin.

        Raises:
            UsageError: a name that is not understood; an id that fits none or several.
        """
        asked = self._resolve(events)
        if self.who is not None:
            return warn_of_doubled(_explain(asked, self.who), asked)
        if self.query.dimensions or self.query.every:
            return warn_of_doubled(Breakdown(asked.query).answer(events), asked)
        report, _ = break_down(_leave_untold(asked))
        report = replace(report, headline=_tell_mix(report) or report.headline)
        if self.query.min_origins:  # who lists everybody by themselves hides nobody
            return warn_of_doubled(warn_of_unseen(report, asked), asked)
        pairs = _find_pairs(asked)
        report = _add_examples(report.with_warnings(*_tell_several(pairs)), asked, pairs)
        if self.query.is_listed:
            report = replace(report, flat=(_show(_list_origins(asked, pairs), _ORIGIN_COLUMNS), _ORIGIN_COLUMNS))
        return warn_of_doubled(warn_of_unseen(report, asked), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request of which class it is; of one origin, of all up to the window's end, whether it is one of its.

        Raises:
            UsageError: as `answer`.
        """
        asked = self._resolve(events)
        if self.who is None:
            return Account(asked, account_for_classes(asked))
        origin = _find_origin(asked, self.who)["origin_id"].item()
        whole = look_at_all(asked)
        return Account(whole, account_for_origin(whole, origin))

    def _resolve(self, events: StoreEvents) -> Plan:
        """Make the plan: the class is always among the dimensions of the mix."""
        if self.who is not None:
            if self.query.min_origins:
                raise UsageError(
                    "behaviour --explain tells of one origin, so it takes no --min-origins; leave it out (--min-origins 0), or ask for the mix"
                )
            return resolve(replace(self.query, dimensions=()), events)
        named = self.query.dimensions
        _refuse_many(named)
        return resolve(replace(self.query, dimensions=named if CLASS in map(name_dimension, named) else (*named, CLASS)), events)


def _leave_untold(asked: Plan) -> Plan:
    """Leave out of the mix what nobody sees of it: a program that wants no words gets the list of origins, not their mix."""
    requests, query = definitions.METRICS["requests"], asked.query
    is_unseen = query.is_bare and query.is_listed and not query.min_origins and query.sort is None
    return replace(asked, metrics=(requests,)) if is_unseen and requests in asked.metrics else asked


def _refuse_many(named: Sequence[str]) -> None:
    """Refuse more dimensions than there is room for beside the class, which is always among them."""
    count = sum(name_dimension(name) != CLASS for name in named)
    if count > MAX_DIMENSIONS - 1:
        raise UsageError(f"behaviour --by takes up to {MAX_DIMENSIONS - 1} dimensions beside class, not {count}")


def _tell_mix(report: Report) -> str:
    """Say which classes there are, and what they take: of 143 downloads: 61 % ci, 20 % production; not those in the row of the others."""
    frame, place = report.frame, report.meta["other_row"]
    named = frame if place is None else frame.head(place)
    for name in ("downloads", "requests"):
        if name in frame.columns and (total := int(frame[name].sum())):
            rows = named.filter(pl.col(name) > 0).sort(name, CLASS, descending=[True, False]).head(4)
            told = ", ".join(f"{write_share(value / total)} {one or 'unknown'}" for one, value in rows.select(CLASS, name).rows())
            return f"of {definitions.METRICS[name].name_count(total)}: {told}" if told else ""
    return ""


def _find_pairs(asked: Plan) -> pl.DataFrame:
    """Give a row an origin and package with requests in the window, as origins are counted: who was only ever answered 401 is nobody."""
    pairs = asked.classes.find().pairs
    if asked.filter is None and asked.window.recurring is None:  # classes are as of the window's end: whose last request is in it asked in it
        start = pl.lit(asked.window.start or datetime.min.replace(tzinfo=UTC), pl.Datetime("us", "UTC")).to_physical()
        return pairs.filter(pl.col(LAST) >= start)
    origins = definitions.METRICS["origins"]
    assert origins.expr is not None
    seen = asked.kept({*origins.columns, *OWNER_COLUMNS}).filter(origins.expr.is_not_null()).select(name_owner()).unique()
    return pairs.join(seen.collect(engine="streaming"), on=OWNER, how="semi")


def _list_origins(asked: Plan, pairs: pl.DataFrame) -> pl.DataFrame:
    """Give a row an origin of some pairs, the surest first within each class, with the classes of its packages."""
    counted = pairs.group_by("origin_id", CLASS).agg(pl.len().alias("count")).sort("count", CLASS, descending=[True, False])
    told = counted.group_by("origin_id", maintain_order=True).agg(pl.format("{} {}", CLASS, "count").str.join(", ").alias("classes"))
    rows = asked.classes.find().origins.join(told, on="origin_id", how="inner")
    kept, left = ([DIMENSIONS[CLASS].name_value(name) for name in names] for names in (asked.query.classes, asked.query.exclude_classes))
    rows = rows.filter(pl.col(CLASS).is_in(kept or list(CLASSES)) & ~pl.col(CLASS).is_in(left))
    return _describe(rows, asked).sort(_place_class(), SCORE, "requests", "origin_id", descending=[False, True, True, False])


def _tell_several(pairs: pl.DataFrame) -> list[str]:
    """Say how many origins are in several rows of the mix, where any is: the list has each of them once."""
    by_origin = pairs.group_by("origin_id").agg(pl.col(CLASS).n_unique().alias("classes"))
    several = by_origin.filter(pl.col("classes") > 1).height
    if not several:
        return []
    are = "is" if several == 1 else "are"
    counted = f"{several:,} of {by_origin.height:,} origins {are} of several, and counted in each of these rows"
    return [f"a class is that of an origin and package: {counted}; the list (--format csv) has every origin once, by all that it asks for"]


def _place_class() -> pl.Expr:
    return pl.col(CLASS).replace_strict({name: place for place, name in enumerate(CLASSES)}, return_dtype=pl.Int64)


def _describe(rows: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Add the columns that are shown."""
    is_paced = pl.col("regular") > 0
    return rows.with_columns(
        describe_evidence(rows, asked.classes.rules),
        write_ids(pl.col("origin_id")).alias("origin"),
        pl.col(SCORE).round(3),
        pl.col("requests", "visits", "packages").cast(pl.Int64),
        versions=pl.col("tags").cast(pl.Int64),
        period_seconds=pl.when(is_paced).then(pl.col("period").round(1)),
        machines=pl.when(is_paced).then(pl.col("machines").cast(pl.Int64)),
        client=pl.col("user_agent_name"),
        org=pl.coalesce("organization_name", "as_organization"),
        country=pl.col("geo_country_iso_code"),
        first_seen=pl.from_epoch("start", "us").dt.replace_time_zone("UTC"),
        last_seen=pl.from_epoch("end", "us").dt.replace_time_zone("UTC"),
    )


def _show(rows: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    return rows.select(column.name for column in columns)


def _add_examples(report: Report, asked: Plan, pairs: pl.DataFrame) -> Report:
    """Show people the surest origin and package of each class beside the mix, with its evidence."""
    surest = pairs.filter(pl.col(SCORE) == pl.col(SCORE).max().over(CLASS))
    ordered = surest.sort(CLASS, "requests", "origin_id", "package_name", descending=[False, True, False, False])
    best = _describe(asked.classes.find().describe(ordered.unique(CLASS, keep="first", maintain_order=True)), asked)
    package = pl.when(pl.col("package_name").is_not_null()).then(pl.format(" for {}", "package_name")).otherwise(pl.lit(""))
    told = pl.format("{}{}: {}", pl.col("origin").str.slice(0, SHORT_ID), package, EVIDENCE).alias("example")
    frame = report.frame.join(best.select(CLASS, told), on=CLASS, how="left", maintain_order="left")
    return replace(report, frame=frame, columns=(*report.columns, Column("example", "for example", "prose")))


def _find_origin(asked: Plan, text: str) -> pl.DataFrame:
    """Find the origin whose id begins so, a row of `Classes.origins`.

    Raises:
        UsageError: it is no beginning of an id, or that of none or several.
    """
    who = text.lower()
    if not is_beginning(who):
        raise UsageError(f"'{text}' is no id: 4 to 16 hexadecimal digits, as origins and behaviour print them")
    found = asked.classes.find().origins.filter(begins_with(pl.col("origin_id"), who))
    if not found.height:
        raise UsageError(f"no origin '{who}' in this store up to the end of the window; behaviour --format csv lists them")
    if found.height > 1:
        raise several_ids(who, found.select(write_ids(pl.col("origin_id")).alias("origin"))["origin"].sort().to_list())
    return found


def _explain(asked: Plan, text: str) -> Report:
    """Explain one origin: as a whole, and package by package."""
    whole = _describe(_find_origin(asked, text), asked).row(0, named=True)
    classes = asked.classes.find()
    pairs = classes.describe(classes.pairs.filter(pl.col("origin_id") == whole["origin_id"]))
    rows = (
        _describe(pairs, asked).with_columns(ecosystem="package_type", package="package_name").sort("requests", "package", descending=[True, False])
    )
    full = _show(rows, _PACKAGE_COLUMNS)
    report = build_table(asked, full, _PACKAGE_COLUMNS)
    seen = tuple(
        replace(column, kind="bucket") if column.name == SCORE else column
        for column in _PACKAGE_COLUMNS
        if column.name in {"package", "requests", *_SHORT}
    )
    scores = pl.col(SCORE).cast(pl.Decimal(scale=2)).cast(pl.String)
    headline = f"origin {whole['origin']} ({whole['client'] or 'no agent'}, {whole['requests']:,} requests): {whole[CLASS]}, score {whole[SCORE]:.2f}: {whole[EVIDENCE]}"
    return replace(
        report, frame=_show(full, seen).with_columns(scores), columns=seen, headline=headline, flat=(full, _PACKAGE_COLUMNS), is_empty=False
    )
