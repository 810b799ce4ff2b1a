"""Which versions are taken and asked for, the newest first: shares, who is still active on each, and how that went over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.errors import unknown_name
from pullstats.metrics.accounting.lines import Account
from pullstats.metrics.accounting.releases import account_for_asks
from pullstats.metrics.aggregation import compute_counted, compute_partials
from pullstats.metrics.answers.report_parts import OTHER, build_report
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.folding import fold
from pullstats.metrics.over_time.bucket_axis import GAP, BucketAxis, describe_axis, describe_provisional, list_buckets, mark_buckets
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.versions.asks import COLUMNS, ECOSYSTEM, GROUPS, KEYS, PACKAGE, is_of_one_package, list_asks
from pullstats.metrics.versions.kinds import KIND, KINDS, LINES, MINOR, RANK, UNNAMED, describe_releases
from pullstats.metrics.versions.plans import choose_every, find_last, resolve_versions
from pullstats.metrics.versions.sentences import describe_versions, tell_unordered
from pullstats.metrics.versions.shares import add_shares, count_asks, join_lines, split_limit
from pullstats.reports import Column, Report

_TREND: Final = "trend"
_STEPS: Final = ((31, "d"), (210, "w"), (900, "mo"), (2700, "q"))
"""A bucket by the most days of a window that has it; beyond, years."""
_ONLY_FOR_MACHINES: Final = frozenset({ECOSYSTEM, "requests", "origins_share", "first_seen", "last_seen", "instances_low", "instances_high", MINOR})


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of packages, the newest first.

    Attributes:
        query: what is asked; its first metric are the downloads of a rule, further ones may be `instances`.
        active: who asked within so many days before the window's end is active.
        line: what a row is: a `release`, a `minor` line (1.4) or a `major` one.
    """

    query: Query
    active: int = 30
    line: str = RELEASE

    def answer(self, events: StoreEvents) -> Report:
        """List them.

        Raises:
            UsageError: a name that is not understood; several counting rules; what tells of few; uniques over several keys.
        """
        if self.line not in LINES:
            noun = "line of versions"
            raise unknown_name(noun, self.line, LINES)
        asked = resolve_versions(self.query, events)
        return warn_of_unseen(_list(asked, self), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request whether it asks for a release that is listed.

        Raises:
            UsageError: as `answer`.
        """
        asked = resolve_versions(self.query, events)
        last = find_last(asked)
        since = write_time(last - timedelta(days=self.active), asked.query.tz) if last else "the beginning"
        active = ("active", f"whoever asked from {since} on, {self.active} days before the end", None)
        return Account(asked, (active, *account_for_asks(asked)))


def _list(asked: Plan, question: Versions) -> Report:
    axis = list_buckets(replace(asked, query=replace(asked.query, every=asked.query.every or choose_every(asked, _STEPS, "y"))))
    compute = compute_partials if asked.metrics[1:] else compute_counted
    partials = compute(asked, GROUPS | {BUCKET: axis.buckets.expr}, [*COLUMNS, "timestamp"])
    asks, last = list_asks(asked), find_last(asked)
    kinds = describe_releases(pl.concat([asks.select(KEYS), partials.plain.select(KEYS).filter(pl.col(PACKAGE).is_not_null())]), asked.query.releases)
    since = last - timedelta(days=question.active) if last else None
    if question.line != RELEASE:
        asks, partials, kinds = join_lines(asks, partials, kinds, question.line)
    rows = _make_rows(asked, partials, asks, kinds, since)
    asks = asks.join(rows.select(KEYS), on=KEYS, how="semi", nulls_equal=True)
    shown, rest = split_limit(rows, asked.query.limit)
    marks = mark_buckets(asked, axis)
    shown = shown.join(_trends(partials, shown, marks, asked), on=KEYS, how="left", nulls_equal=True, maintain_order="left")
    if rest.height:
        shown = pl.concat([shown, _fold_rest(rest, asks, since)], how="diagonal_relaxed")
    return _report(asked, question, _Found(rows, shown, partials, axis, marks, asks, since))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found.

    Attributes:
        rows: all versions.
        shown: those shown, and the others in one.
        partials: what is counted.
        axis: buckets of time.
        marks: what is known of each.
        asks: who asked for what.
        since: who asked from then on is active.
    """

    rows: pl.DataFrame
    shown: pl.DataFrame
    partials: Partials
    axis: BucketAxis
    marks: pl.DataFrame
    asks: pl.DataFrame
    since: datetime | None


def _make_rows(asked: Plan, partials: Partials, asks: pl.DataFrame, kinds: pl.DataFrame, since: datetime | None) -> pl.DataFrame:
    """Give a row a version, the packages with the most downloads first, in each the newest first."""
    counted = fold(partials, asked.metrics, KEYS).filter(pl.col(PACKAGE).is_not_null())
    rows = kinds.join(count_asks(asks, since), on=KEYS, how="left", nulls_equal=True).join(counted, on=KEYS, how="left", nulls_equal=True)
    zero = [metric.key for metric in asked.metrics] + ["requests", "origins", "active"]
    rows = rows.with_columns(pl.col(zero).fill_null(0))
    metric = asked.metrics[0].key
    rows = rows.filter((pl.col(metric) > 0) | ((pl.col("requests") > 0) & pl.col(RELEASE).is_not_null()))  # layers and lists of tags are of none
    rows = add_shares(rows, asks.join(rows.select(KEYS), on=KEYS, how="semi", nulls_equal=True), metric)
    order = [
        -pl.col(metric).sum().over(ECOSYSTEM, PACKAGE),
        pl.col(PACKAGE),
        pl.col(ECOSYSTEM),
        pl.col(KIND).replace_strict({kind: place for place, kind in enumerate(KINDS)}, return_dtype=pl.Int64),
        -pl.col(RANK),
        -pl.col(metric),
        pl.col(RELEASE),
    ]
    return rows.sort(order, nulls_last=True)


def _trends(partials: Partials, shown: pl.DataFrame, marks: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Give the share of the package's downloads of each version in each bucket; null in a gap."""
    grid = _cells(partials, shown, marks, asked)
    return grid.group_by(KEYS, maintain_order=True).agg(pl.col("downloads_share").alias(_TREND))


def _cells(partials: Partials, shown: pl.DataFrame, marks: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Give a row a bucket and version: downloads, and their share of the package's."""
    metric = asked.metrics[0]
    cells = fold(partials, (metric,), (*KEYS, BUCKET))
    totals = cells.group_by(ECOSYSTEM, PACKAGE, BUCKET).agg(pl.col(metric.key).sum().alias("all"))
    grid = shown.select(KEYS).join(marks, how="cross", maintain_order="left_right")
    grid = grid.join(cells, on=[*KEYS, BUCKET], how="left", nulls_equal=True, maintain_order="left")
    grid = grid.join(totals, on=[ECOSYSTEM, PACKAGE, BUCKET], how="left", nulls_equal=True, maintain_order="left")
    value = pl.when(GAP).then(None).otherwise(pl.col(metric.key).fill_null(0))
    share = pl.when(pl.col("all") > 0).then(pl.col(metric.key).fill_null(0) / pl.col("all"))
    return grid.with_columns(value.alias(metric.key), share.alias("downloads_share"))


def _fold_rest(rest: pl.DataFrame, asks: pl.DataFrame, since: datetime | None) -> pl.DataFrame:
    """Make one row of the versions that are not shown; whoever asked for several counts once."""
    theirs = asks.join(rest.select(KEYS), on=KEYS, how="semi", nulls_equal=True)
    counted = count_asks(theirs.with_columns(pl.lit(OTHER).alias(name) for name in KEYS), since)
    sums = rest.select(pl.col("^downloads.*$").exclude("downloads_share").sum())
    return counted.hstack(sums).with_columns(pl.lit(OTHER).alias(KIND))


def _columns(asked: Plan, question: Versions) -> tuple[Column, ...]:
    metrics = asked.metrics
    level = asked.level
    running = tuple(Column(metric.key, metric.title, "count") for metric in metrics[1:])
    return (
        Column(ECOSYSTEM, ECOSYSTEM, "dimension"),
        Column(PACKAGE, PACKAGE, "dimension"),
        Column(RELEASE, RELEASE if question.line == RELEASE else f"{question.line} line", "dimension"),
        Column(KIND, KIND, "text"),
        *((Column(MINOR, "minor line", "text"),) if question.line == RELEASE else ()),
        Column(metrics[0].key, metrics[0].title, "count", additive=True, bar=True),
        Column("downloads_share", "of its package", "share"),
        Column("requests", "requests", "count", additive=True),
        Column("origins", level.title, "count"),
        Column("origins_share", f"of its {level.title}", "share"),
        Column("active", f"active ({question.active}d)", "count"),
        *running,
        Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
        Column(_TREND, "share over time", "spark"),
    )


def _report(asked: Plan, question: Versions, found: _Found) -> Report:
    columns = _columns(asked, question)
    full = found.shown.select(column.name for column in columns)
    is_single = is_of_one_package(found.rows)
    hidden = _ONLY_FOR_MACHINES | ({PACKAGE} if is_single else set()) | ({KIND} if found.rows[KIND].n_unique() == 1 else set())
    seen = [column for column in columns if column.name not in hidden]
    people = full.select(column.name for column in seen).with_columns(
        pl.when(found.shown[KIND] == UNNAMED).then(pl.lit("none named")).otherwise(pl.col(RELEASE)).alias(RELEASE)
    )
    notes = [*tell_unordered(found.rows), *_tell_first(asked), *describe_axis(asked, found.axis), *describe_provisional(found.axis, found.marks)]
    total = fold(found.partials, asked.metrics, ())
    report = build_report(asked, found.partials, people, seen, total, warnings=notes, other_row=_other_row(found))
    headline = describe_versions(found.rows, found.asks, found.since, asked, question.active)
    flat = _flat_cells(asked, found, columns) if asked.query.every else (full, columns)
    meta = report.meta | {"active_days": question.active, "active_since": found.since.isoformat() if found.since else None}
    return replace(report, headline=headline, flat=flat, meta=meta)


def _other_row(found: _Found) -> int | None:
    return found.shown.height - 1 if found.shown.height and found.shown[KIND][-1] == OTHER else None


def _flat_cells(asked: Plan, found: _Found, columns: Sequence[Column]) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Give programs a row a bucket and version, as a series does."""
    cells = _cells(found.partials, found.shown.filter(pl.col(KIND) != OTHER), found.marks, asked)
    cells = cells.with_columns(found.axis.buckets.label(cells[BUCKET]).alias(BUCKET))
    heads = [column for column in columns if column.name in {*KEYS, asked.metrics[0].key, "downloads_share"}]
    marks = [Column(name, name, "text") for name in ("final", GAP, "partial", "cut")]
    shown = (Column(BUCKET, BUCKET, "bucket"), *heads, *marks, Column("missing_hours", "hours missing", "number"))
    return cells.select(column.name for column in shown), shown


def _tell_first(asked: Plan) -> list[str]:
    """Say what no count of origins knows: that whoever changes address is somebody new."""
    spread = asked.window.clip(asked.extent.first, asked.extent.newest)
    if spread is None or asked.query.unique_by in {"org", "user"} or spread[1] - spread[0] < timedelta(days=1):
        return []
    return [f"whoever comes from another address is another {asked.level.singular}: of those no longer active some only moved"]
