"""What a counting rule counts of a question's events, looking as far beyond the window as what belongs together reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.counting import (
    DIGEST_COLUMNS,
    DURATION,
    IMAGE_COLUMNS,
    ISLAND_END,
    ISLAND_START,
    PULLSTATS,
    SEEN,
    TIMES,
    CountingRule,
    Terms,
    find_longest,
    find_tags,
    name_digests,
    rule_of,
)
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.partials import IS_TAKER, VALUE, name_groups
from pullstats.metrics.plan import Plan
from pullstats.metrics.release_lookup import ASKED, LOOKED_UP, RELEASE_COLUMNS
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY
from pullstats.metrics.store_events import StoreEvents
from pullstats.timestamps import instant

IS_CUT: Final = "is_cut"
DOWNLOADS: Final = "downloads"
_WIDER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Beyond:
    """What a rule must know of events besides those of the window.

    Attributes:
        margin: how far beyond the window's edges they are read; None for all of the store.
        is_timed: whether a log tells how long requests took.
        mute: `source_id` of the logs that tell no agents, for a rule that asks for them.
    """

    margin: timedelta | None
    is_timed: bool = False
    mute: tuple[str, ...] = ()


def count_by_rule(
    asked: Plan, label: str, groups: Mapping[str, pl.Expr], columns: Sequence[str], tags: pl.DataFrame | None, *, has_owners: bool = True
) -> pl.DataFrame:
    """Apply a rule, reading beyond the window's edges as far as what belongs together reaches.

    Args:
        asked: the plan of the question.
        label: of the rule, or `SESSIONS`.
        groups: name and value of each group column.
        columns: event columns that the groups read.
        tags: tags of digests, as `find_digest_tags` gives them.
        has_owners: tell apart whose they are.

    Returns:
        One row a group and, with owners, `VALUE`: a column per name that the rule counts, and `IS_TAKER`.
    """
    beyond = look_beyond(asked, label)
    assert beyond.margin is not None
    for margin in (beyond.margin, beyond.margin + _WIDER, None):
        wider = replace(beyond, margin=margin)
        owners = [VALUE] if has_owners else []
        frame = _counted_table(asked, label, [*name_groups(groups), *owners], columns, tags, wider).collect(engine="streaming")
        if not frame[IS_CUT].any():
            break
    return frame.drop(IS_CUT)


def look_beyond(asked: Plan, label: str) -> Beyond:
    """Tell how far a rule, or `SESSIONS`, must look; as far as the longest request took, what is beside each other may be logged apart.

    Args:
        asked: the plan of the question.
        label: of the rule.
    """
    window, margin = asked.window, asked.pauses.margin(label)
    rule = rule_of(label)
    if not rule.is_timed:
        return Beyond(margin, mute=_find_mute(asked.events) if rule.asks_agents else ())
    events = asked.events.scan([DURATION], window.start - _WIDER if window.start else None, window.end + _WIDER if window.end else None)
    longest = find_longest(events)
    return Beyond(margin + (longest or timedelta()), is_timed=longest is not None)


def _find_mute(store: StoreEvents) -> tuple[str, ...]:
    """List the logs in which no request of any time tells an agent."""
    events = store.scan(["source_id", "user_agent_original"], None, None)
    told = events.group_by("source_id").agg(pl.col("user_agent_original").is_not_null().any()).collect(engine="streaming")
    return tuple(told.filter(~pl.col("user_agent_original"))["source_id"].drop_nulls().sort())


def _counted_table(
    asked: Plan,
    label: str,
    keys: Sequence[pl.Expr | str],
    columns: Sequence[str],
    tags: pl.DataFrame | None,
    beyond: Beyond,
) -> pl.LazyFrame:
    counted, names = count_rows(asked, label, columns, tags, beyond)
    taking = _is_taking(counted.collect_schema().names() if DOWNLOADS in names else ()).any().alias(IS_TAKER)
    return counted.group_by(*keys).agg(pl.col(names).sum(), pl.col(IS_CUT).any(), taking)


def _is_taking(names: Sequence[str]) -> pl.Expr:
    """Tell whether a counted row makes whoever it is of a downloader: a single request answered 401 makes nobody, as of those who asked."""
    if DOWNLOADS not in names:
        return pl.lit(value=False)
    is_single = pl.col(ISLAND_START).is_null() if ISLAND_START in names else pl.lit(value=True)
    return (pl.col(DOWNLOADS) > 0) & ~(is_single & IS_ANONYMOUS_TRY)


def count_rows(asked: Plan, label: str, columns: Sequence[str], tags: pl.DataFrame | None, beyond: Beyond) -> tuple[pl.LazyFrame, tuple[str, ...]]:
    """Give the rows of the window that count under a rule, filtered, and the names of what they count.

    A row has the columns asked for and, as `VALUE`, who made the request, answered 401 or not. It is marked `IS_CUT` where what it stands for may
    reach beyond what was read.

    Args:
        asked: the plan of the question.
        label: of the rule, or `SESSIONS`.
        columns: event columns to give of each row.
        tags: tags of digests; None to leave these as they are.
        beyond: what is read besides the window.
    """
    window = asked.window
    start = window.start - beyond.margin if window.start and beyond.margin is not None else None
    end = window.end + beyond.margin if window.end and beyond.margin is not None else None
    rule = rule_of(label)
    wanted = tuple(dict.fromkeys(metric.tally for metric in asked.metrics if metric.rule == label and metric.tally in rule.defines))
    level = asked.level
    assert level.identity is not None
    read = {*columns, *asked.filter_columns, "timestamp", *(DIGEST_COLUMNS if tags is not None else ())}
    read |= {"http_response_status_code"} if DOWNLOADS in wanted else set()
    needed = {*rule.columns_for(wanted), *(TIMES if beyond.is_timed else ()), *read, *level.columns} - {RELEASE}
    names = asked.events.names if RELEASE in read else None
    read = {*read, *(LOOKED_UP if names else ())} - {RELEASE}
    own = ASKED if names else {}
    terms = Terms(wanted, (*sorted(read), *own, VALUE), asked.pauses, beyond.is_timed, beyond.mute)
    ranked = asked.events.order.add_to(asked.events.scan(sorted({*needed, *read, *(RELEASE_COLUMNS if names else ())}), start, end))
    events = _leave_out_images(ranked.with_columns(level.identity.alias(VALUE), **own), asked, rule)
    counted = rule.count(events, terms)
    # What a request was for is looked up of those that count alone, and of what it named before its pull named it.
    counted = names.add_to(counted) if names else counted
    plain = [pl.col(name).is_null() for name in rule.unnamed if name in wanted]
    if tags is not None and len(plain) < len(wanted):
        counted = name_digests(counted, tags.lazy(), is_named=pl.all_horizontal(plain) if plain else None)
    schema = counted.collect_schema().names()
    counted = counted.with_columns(
        _is_cut(schema, asked, start, end).alias(IS_CUT), *(pl.col(name).fill_null(0) for name in wanted if name in schema)
    )
    return asked.selection.keep(window.keep(counted)), tuple(name for name in wanted if name in schema)


def _leave_out_images(events: pl.LazyFrame, asked: Plan, rule: CountingRule) -> pl.LazyFrame:
    """Leave out manifests of images that nobody asks about: under our rule what they are one with is of the same image, so nothing else changes."""
    kept = asked.selection.of_package
    if kept is None or rule.name != PULLSTATS.name:
        return events
    return events.filter(IS_IMAGE_MANIFEST.fill_null(value=False).not_() | kept)


def _is_cut(names: Sequence[str], asked: Plan, start: datetime | None, end: datetime | None) -> pl.Expr:
    """Mark what begins or ends so near to where reading did that more of it may lie beyond."""
    if ISLAND_START not in names:
        return pl.lit(value=False)
    gap = asked.pauses.longest
    at_start = pl.col(ISLAND_START) - instant(start) <= gap if start else pl.lit(value=False)
    at_end = instant(end) - pl.col(ISLAND_END) <= gap if end else pl.lit(value=False)
    return (at_start | at_end).fill_null(value=False)


def find_digest_tags(parts: Sequence[Plan], columns: Sequence[str]) -> pl.DataFrame | None:
    """Find the tags of digests in the whole store up to the window's end, where the question reads versions.

    Args:
        parts: plans of the disjoint parts of the events.
        columns: event columns that the groups read.

    Returns:
        Digests with their tags, sorted by `SEEN`; None where versions are not read.
    """
    asked = parts[0]
    is_ruled = any(metric.is_ruled or metric.counts for metric in asked.metrics)
    if not is_ruled or not {*columns, *asked.filter_columns} & {"package_version", "reference_kind"}:
        return None
    end = asked.window.end + asked.pauses.margin(PULLSTATS.label) if asked.window.end else None
    asked_for = [part.events.order.add_to(part.events.scan(sorted(IMAGE_COLUMNS), None, end)) for part in parts]
    found = [find_tags(events, asked.pauses.pull).collect(engine="streaming") for events in asked_for]
    return pl.concat(found).sort(SEEN)
