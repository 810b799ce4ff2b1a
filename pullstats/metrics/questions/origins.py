"""Who: one row an origin (endpoint, network, user, organisation), what it asked for, and its state.

The state compares the window with the span of the same length before it: new (first seen in these
logs), returning (there before, too), resurrected (there earlier, but not in that span), churned
(there before, not any more). Whoever was only ever answered 401 is nobody; of everybody else all
requests count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.clock import find_zone, write_time
from pullstats.errors import UsageError, unknown_name
from pullstats.ids import write_ids
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.key_epochs import comparable_history, refuse_epochs
from pullstats.metrics.answers.ordering import name_metrics
from pullstats.metrics.answers.others import cut_rows
from pullstats.metrics.answers.presence import find_presence
from pullstats.metrics.answers.report_parts import build_report, metric_columns
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.folding import fold
from pullstats.metrics.levels import name_level
from pullstats.metrics.over_time.lifecycle import CHURNED, STATES
from pullstats.metrics.partials import Partials
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.timeline import ID_COLUMNS, SHORT_ID, answer_timeline
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.spans import close_window, span_before
from pullstats.metrics.time.windows import Window
from pullstats.reports import Column, Report
from pullstats.timestamps import instant

ACTOR: Final = "actor"
_TRAITS: Final = ("client", "os", "arch", "country", "org")
_OWN: Final = frozenset({"first_seen", "last_seen"})
"""Columns that every list has, whatever metrics are asked for."""
_DAY: Final = "local_day"
_IS_INSIDE: Final = "is_inside"
_ONLY_FOR_MACHINES: Final = frozenset({"first_seen", "os", "arch"})


@dataclass(frozen=True, slots=True)
class Origins:
    """Who is behind the numbers: origins, or another unique level, most active first; or one's timeline.

    Attributes:
        query: what is asked.
        who: the first digits of an id, for one's timeline; None for the list.
        state: only those in this state.
    """

    query: Query
    who: str | None = None
    state: str | None = None

    def answer(self, events: StoreEvents) -> Report:
        """List them, or give one's timeline.

        Raises:
            UsageError: a name that is not understood, an id that fits none or several.
        """
        if self.state is not None and self.state not in STATES:
            noun = "state"
            raise unknown_name(noun, self.state, STATES)
        if self.query.min_origins:
            raise UsageError(
                "origins lists everybody by themselves, so it takes no --min-origins; leave it out (--min-origins 0), or use report --by"
            )
        asked = resolve(self.query, events)
        if self.who is not None:
            if self.state or self.query.sort:
                raise UsageError("a timeline is one origin's requests by time, so it takes neither --state nor --sort")
            return answer_timeline(asked, self.who)
        refuse_epochs(asked, (asked.level,))
        asked = replace(asked, metrics=tuple(metric for metric in asked.metrics if metric.key not in _OWN))
        return warn_of_unseen(_list(asked, self.state), asked)


def count_actors(asked: Plan) -> tuple[pl.DataFrame, Partials]:
    """Count for everybody what is asked: `actor` and a column per metric; and the partials it comes from.

    These are the people that `uniques` counts, each with all that its id asked for.
    """
    level = asked.level
    wanted = asked.metrics if level in asked.metrics else (*asked.metrics, level)
    key, columns = actor_key(asked)
    partials = compute_partials(replace(asked, metrics=wanted), {ACTOR: key}, columns)
    rows = fold(partials, wanted, (ACTOR,)).filter(pl.col(ACTOR).is_not_null() & (pl.col(level.key) > 0))
    return rows.select(ACTOR, *(metric.key for metric in asked.metrics)), partials


def actor_key(asked: Plan) -> tuple[pl.Expr, tuple[str, ...]]:
    """Tell whose a request is, answered 401 or not; and the columns that say it."""
    level = asked.query.unique_by
    if level in ID_COLUMNS:
        return pl.col(ID_COLUMNS[level]), (ID_COLUMNS[level],)
    dimension = DIMENSIONS[level]
    return dimension.expr(asked.query.tz), dimension.columns


def _list(asked: Plan, state: str | None) -> Report:
    level = asked.query.unique_by
    before = span_before(close_window(asked.window, asked.extent.newest))
    if state is not None and before is None:
        raise UsageError(f"--state compares a window with the time before it, and '{asked.window.label}' has none; give a --window that begins")
    counts, partials = count_actors(asked)
    if state == CHURNED and before is not None:  # in the window they have nothing
        counts, _ = count_actors(replace(asked, window=before))
    history, warnings = comparable_history(asked, asked.level)
    rows = describe_people(asked, before, history).join(counts, on=ACTOR, how="left")
    zero = [metric.key for metric in asked.metrics if metric.is_amount and counts[metric.key].null_count() < max(counts.height, 1)]
    rows = rows.with_columns(pl.col(zero).fill_null(0)).drop(level, strict=False).rename({ACTOR: level})
    if before is not None:
        rows = rows.filter(pl.col("state") == state if state else pl.col("state") != CHURNED)
        warnings = [*tell_beginning(asked, before), *(tell_churned(asked, before) if state == CHURNED else ()), *warnings]
    if level in ID_COLUMNS:
        rows = rows.with_columns(write_ids(pl.col(level)))
    rows, total = _sort(rows, asked, level), rows.height
    columns = _columns(asked, level)
    rows, _, other_row = cut_rows(rows, asked, columns, [metric.key for metric in asked.metrics if metric.additive])
    full = rows.select(column.name for column in columns)
    seen = tuple(column for column in columns if column.name not in _ONLY_FOR_MACHINES and (before is not None or column.name != "state"))
    short = full.with_columns(pl.col(level).str.slice(0, SHORT_ID)) if level in ID_COLUMNS else full
    shown = short.select(column.name for column in seen)
    report = build_report(
        asked, partials, shown, seen, fold(partials, asked.metrics, ()), warnings=warnings, presence=find_presence(asked), other_row=other_row
    )
    count, noun = name_level(level, total).split(" ")
    headline = f"{' '.join(filter(None, (count, state, noun)))}, {rows.height - (other_row is not None):,} shown"
    return replace(report, headline=headline, flat=(full, columns))


def tell_beginning(asked: Plan, before: Window) -> list[str]:
    """Say that whoever is new may be older than the logs, where these begin within the window or the span before it."""
    first = asked.extent.first
    if first is None or before.start is None or first < before.start:
        return []
    return [f"new means first seen in these logs; they begin on {write_time(first, asked.query.tz)}, so whoever came before is new, too"]


def tell_churned(asked: Plan, before: Window) -> list[str]:
    """Say of which span the numbers are of those who are not there any more."""
    assert before.start is not None
    assert before.end is not None
    start, end = (moment.astimezone(find_zone(asked.query.tz)) for moment in (before.start, before.end))
    return [f"their numbers and days are of the span before the window, from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: in it they have none"]


def _columns(asked: Plan, level: str) -> tuple[Column, ...]:
    traits = tuple(Column(trait, trait, "dimension") for trait in _TRAITS if trait != level)
    return (
        Column(level, level, "bucket" if level in ID_COLUMNS else "dimension"),
        Column("state", "state", "bucket"),
        *(replace(column, bar=False) for column in metric_columns(asked.metrics)),
        Column("days", "days", "count"),
        Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
        *traits,
    )


def _sort(rows: pl.DataFrame, asked: Plan, level: str) -> pl.DataFrame:
    """Order rows totally: by what is asked for, else by the first metric; counts and times the largest first."""
    chosen = asked.query.sort or (asked.metrics[0].key if asked.metrics else "last_seen")
    name = chosen.removeprefix("-").replace("-", "_")
    names = {column.name: column.name for column in _columns(asked, level)} | name_metrics(asked.metrics)
    name = names.get(chosen.removeprefix("-"), name)
    if name not in names.values():
        raise UsageError(f"--sort '{name}' is not in this report; it has {', '.join(dict.fromkeys(names.values()))}")
    is_falling = rows.schema[name] != pl.String
    return rows.sort(name, "last_seen", level, descending=[is_falling != chosen.startswith("-"), True, False], nulls_last=True)


def describe_people(asked: Plan, before: Window | None, history: pl.Expr) -> pl.DataFrame:
    """Give one row for everybody of the window and the span before it.

    Args:
        asked: the plan.
        before: the span that tells who returns; None where the window has none before it.
        history: true of the events whose hashes can be compared with those of the window.

    Returns:
        By actor, traits, `first_seen` and `last_seen` (UTC), `days` with a request, and state.
    """
    window = replace(asked.window, start=before.start if before else asked.window.start)
    traits = [DIMENSIONS[trait] for trait in _TRAITS]
    is_inside = pl.col("timestamp") >= instant(asked.window.start) if asked.window.start else pl.lit(value=True)
    day = pl.col("timestamp").dt.convert_time_zone(asked.query.tz).dt.date().alias(_DAY)
    values = [trait.expr(asked.query.tz).alias(trait.name) for trait in traits]
    columns = {column for trait in traits for column in trait.columns}
    found = []
    for events in _read_parts(asked, window, history, columns):
        days = events.group_by(ACTOR, day, is_inside.alias(_IS_INSIDE)).agg(
            *(value.max() for value in values), first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
        )
        found.append(days.collect(engine="streaming"))
    inside = pl.col(_IS_INSIDE)
    people = (
        pl.concat(found)
        .group_by(ACTOR)
        .agg(
            *(pl.col(trait).filter(inside).max().fill_null(pl.col(trait).max()) for trait in _TRAITS),
            pl.coalesce(pl.col("first").filter(inside).min(), pl.col("first").min()).alias("first_seen"),
            pl.coalesce(pl.col("last").filter(inside).max(), pl.col("last").max()).alias("last_seen"),
            pl.coalesce(pl.col(_DAY).filter(inside).n_unique().replace(0, None), pl.col(_DAY).n_unique()).cast(pl.Int64).alias("days"),
            inside.any(),
            is_before=(~inside).any(),
        )
    )
    return _name_states(asked, people, before, history)


def _read_parts(asked: Plan, window: Window, history: pl.Expr, columns: set[str]) -> list[pl.LazyFrame]:
    """Give the events that show somebody in a window, `actor` added, network by network where memory is short."""
    level = asked.level
    assert level.expr is not None
    parts = cut_by_network(replace(asked, window=window, metrics=()), {ACTOR: level.expr}, level.columns)
    frames = [part.kept({*level.columns, "key_epoch", *columns}).filter(history) for part in parts]
    return [events.with_columns(level.expr.alias(ACTOR)).filter(pl.col(ACTOR).is_not_null()) for events in frames]


def _name_states(asked: Plan, people: pl.DataFrame, before: Window | None, history: pl.Expr) -> pl.DataFrame:
    if before is None:
        return people.with_columns(state=pl.lit(None, pl.String)).drop(_IS_INSIDE, "is_before")
    older = _read_parts(asked, replace(before, start=None, end=before.start), history, set())
    known = pl.concat([part.select(ACTOR).unique().collect(engine="streaming") for part in older])[ACTOR].unique()
    state = (
        pl.when(~pl.col(_IS_INSIDE))
        .then(pl.lit(CHURNED))
        .when("is_before")
        .then(pl.lit("returning"))
        .when(pl.col(ACTOR).is_in(known.implode()))
        .then(pl.lit("resurrected"))
        .otherwise(pl.lit("new"))
    )
    return people.with_columns(state=state).drop(_IS_INSIDE, "is_before")
