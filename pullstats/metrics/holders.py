"""Who: one row an origin (endpoint, network, user, organisation), its state, and one's own timeline.

The state compares the window with the span of the same length before it: new (first seen in these
logs), returning (there before, too), resurrected (there earlier, but not in that span), churned
(there before, not any more).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.framing import build_report, metric_columns, name_level, refuse_epochs, unique_metric
from pullstats.metrics.partials import VALUE, compute_partials, fold
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.turnover import STATES
from pullstats.metrics.windows import Window
from pullstats.reports import Column, Report

_TRAITS: Final = ("client", "os", "arch", "country", "org")
_TIMELINE: Final = ("method", "path", "status", "ecosystem", "package", "version", "action", "client")
_ID: Final = re.compile(r"^[0-9a-f]{4,32}$")
_ID_COLUMNS: Final = {"origin": "origin_id", "endpoint": "endpoint_id", "network": "network_id", "user": "user_id"}
_MOST_NAMED: Final = 5
_SHORT_ID: Final = 10
"""Digits of an id that people see; as many find it again."""
_ONLY_FOR_MACHINES: Final = frozenset({"first_seen", "os", "arch"})


@dataclass(frozen=True, slots=True)
class HolderQuestion:
    """What is asked of origins besides the question itself.

    Attributes:
        who: the first digits of an id, for one's timeline; None for the list.
        state: only those in this state.
    """

    who: str | None = None
    state: str | None = None


def answer_holders(query: Query, asked_for: HolderQuestion, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """List origins (or another unique level), most active first; or one's timeline.

    Raises:
        UsageError: a name that is not understood, an id that fits none or several.
    """
    if asked_for.state is not None and asked_for.state not in STATES:
        noun = "state"
        raise unknown_name(noun, asked_for.state, STATES)
    asked = resolve(query, reach, now, scan, is_shifting=is_shifting)
    if asked_for.who is not None:
        return _timeline(asked, scan, asked_for.who)
    refuse_epochs(asked, scan, (unique_metric(asked),))
    return _list(asked, scan, asked_for.state)


def _list(asked: Resolved, scan: Scan, state: str | None) -> Report:
    metric = unique_metric(asked)
    assert metric.expr is not None
    level = asked.query.unique_by
    partials = compute_partials(asked, scan, {level: metric.expr}, metric.columns)
    counts = fold(partials, asked.metrics, (level,))
    people = _describe_people(asked, scan, metric.expr, metric.columns, _span_before(asked.window))
    rows = people.rename({VALUE: level}).join(counts, on=level, how="left").with_columns(pl.col([one.key for one in asked.metrics]).fill_null(0))
    if state is not None:
        rows = rows.filter(pl.col("state") == state)
    elif _span_before(asked.window) is not None:
        rows = rows.filter(pl.col("state") != "churned")
    name = (asked.query.sort or asked.metrics[0].key).removeprefix("-").replace("-", "_")
    known = [column for column in rows.columns if column != level]
    if name not in known:
        message = f"--sort '{name}' is not in this report; it has {', '.join(known)}"
        raise UsageError(message)
    is_rising = (asked.query.sort or "").startswith("-")
    if level in _ID_COLUMNS:
        rows = rows.with_columns(_write_ids(rows[level]))
    rows = rows.sort(name, "last_seen", level, descending=[not is_rising, True, False], nulls_last=True)
    total = rows.height
    rows = rows.head(asked.query.limit) if asked.query.limit else rows
    columns = (
        Column(level, level, "bucket" if level in _ID_COLUMNS else "dimension"),
        Column("state", "state", "bucket"),
        *(replace(column, bar=False) for column in metric_columns(asked.metrics)),
        Column("days", "days", "count"),
        Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
        *(Column(trait, trait, "dimension") for trait in _TRAITS),
    )
    full = rows.select(column.name for column in columns)
    seen = tuple(column for column in columns if column.name not in _ONLY_FOR_MACHINES)
    short = full.with_columns(pl.col(level).str.slice(0, _SHORT_ID)) if level in _ID_COLUMNS else full
    report = build_report(asked, partials, short.select(column.name for column in seen), seen, fold(partials, asked.metrics, ()))
    headline = f"{name_level(level, total)}{f' {state}' if state else ''}, {rows.height:,} shown"
    return replace(report, headline=headline, is_empty=total == 0, flat=(full, columns))


def _span_before(window: Window) -> Window | None:
    """The span of the same length before a window, None where it has no bound."""
    if window.start is None or window.end is None:
        return None
    return replace(window, start=window.start - (window.end - window.start), end=window.start)


def _describe_people(asked: Resolved, scan: Scan, key: pl.Expr, columns: tuple[str, ...], before: Window | None) -> pl.DataFrame:
    """Give one row for everybody of the window and the span before it: traits, first and last request, days, state."""
    traits = [DIMENSIONS[trait] for trait in _TRAITS]
    needed = sorted({*columns, *asked.filter_columns, "timestamp", *(column for trait in traits for column in trait.columns)})
    start = before.start if before else asked.window.start
    events = replace(asked.window, start=start).keep(scan(needed, start, asked.window.end))
    events = events.filter(asked.filter) if asked.filter is not None else events
    is_inside = pl.col("timestamp") >= asked.window.start if asked.window.start else pl.lit(value=True)
    day = pl.col("timestamp").dt.convert_time_zone(asked.query.tz).dt.date()
    found = (
        events.group_by(key.alias(VALUE))
        .agg(
            *(trait.expr(asked.query.tz).max().alias(trait.name) for trait in traits),
            pl.coalesce(pl.col("timestamp").filter(is_inside).min(), pl.col("timestamp").min()).alias("first_seen"),
            pl.coalesce(pl.col("timestamp").filter(is_inside).max(), pl.col("timestamp").max()).alias("last_seen"),
            day.filter(is_inside).n_unique().cast(pl.Int64).alias("days"),
            is_inside.any().alias("is_inside"),
            (~is_inside).any().alias("is_before"),
        )
        .filter(pl.col(VALUE).is_not_null())
        .collect(engine="streaming")
    )
    if before is None:
        return found.with_columns(state=pl.lit(None, pl.String)).drop("is_inside", "is_before")
    older = scan(sorted({*columns, *asked.filter_columns, "timestamp"}), None, before.start)
    older = older.filter(asked.filter) if asked.filter is not None else older
    known = older.select(key.alias(VALUE)).drop_nulls().unique().collect(engine="streaming")[VALUE]
    state = (
        pl.when(~pl.col("is_inside"))
        .then(pl.lit("churned"))
        .when("is_before")
        .then(pl.lit("returning"))
        .when(pl.col(VALUE).is_in(known.implode()))
        .then(pl.lit("resurrected"))
        .otherwise(pl.lit("new"))
    )
    return found.with_columns(state=state).drop("is_inside", "is_before")


def _write_ids(keys: pl.Series) -> pl.Series:
    """Write ids that were read as numbers as the hexadecimal that exports print."""
    texts = [int(key).to_bytes(16, "little", signed=True).hex() if key is not None else None for key in keys]
    return pl.Series(keys.name, texts, pl.String)


def _timeline(asked: Resolved, scan: Scan, who: str) -> Report:
    """Give everything one origin asked for in the window, by time."""
    level = asked.query.unique_by
    if level not in _ID_COLUMNS:
        message = f"a timeline needs an id, and {level} has none; use --unique-by origin, endpoint, network or user"
        raise UsageError(message)
    if not _ID.match(who.lower()):
        message = f"'{who}' is no id: 4 to 32 hexadecimal digits, as origins prints them"
        raise UsageError(message)
    column = _ID_COLUMNS[level]
    traits = [DIMENSIONS[name] for name in _TIMELINE]
    needed = sorted({column, "timestamp", "source_id", "source_offset", *asked.filter_columns, *(one for trait in traits for one in trait.columns)})
    events = asked.window.keep(scan(needed, asked.window.start, asked.window.end))
    events = events.filter(asked.filter) if asked.filter is not None else events
    identity = pl.col(column).bin.encode("hex").alias(level)
    values = [trait.expr(asked.query.tz).alias(trait.name) for trait in traits]
    found = events.filter(pl.col(column).bin.encode("hex").str.starts_with(who.lower()))
    rows = found.select(identity, pl.col("timestamp").alias("time"), *values, "source_id", "source_offset").collect(engine="streaming")
    ids = rows[level].unique().sort()
    if ids.len() > 1:
        message = f"'{who}' fits {ids.len()} ids: {', '.join(ids.head(_MOST_NAMED))}{', …' if ids.len() > _MOST_NAMED else ''}; give more digits"
        raise UsageError(message)
    rows = rows.sort("time", "source_id", "source_offset")
    shown = rows.head(asked.query.limit) if asked.query.limit else rows
    columns = (Column("time", "time", "time"), *(Column(name, name, "text") for name in _TIMELINE))
    bare = replace(asked, metrics=())
    partials = compute_partials(bare, scan, {}, [])
    report = build_report(bare, partials, shown.select(one.name for one in columns), columns, pl.DataFrame())
    name = ids.item() if ids.len() else who
    headline = f"{level} {name}: {rows.height:,} {'request' if rows.height == 1 else 'requests'}, {shown.height:,} shown"
    return replace(report, headline=headline, is_empty=rows.height == 0)
