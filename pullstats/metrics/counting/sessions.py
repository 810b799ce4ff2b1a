"""Sessions: what one origin asks without a long pause; and what version 1 of our rule made of those of one package.

Version 1 called what one origin asks of one package without a pause over `ISLAND_GAP` a session, an
invocation each, and counted a check a session.

Source: DEFINITIONS "Metrics" (sessions, checks, invocations).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.counting.files import IS_FILE
from pullstats.metrics.counting.pauses import PauseClock
from pullstats.metrics.counting.pulls import IS_MANIFEST, find_image_checks
from pullstats.metrics.counting.rule import INVOCATIONS, ISLAND_END, ISLAND_GAP, ISLAND_START, SESSIONS, Terms
from pullstats.metrics.islands import ROW, Islands, starts_island
from pullstats.metrics.request_folds import Fold, fold_requests
from pullstats.metrics.statuses import IS_GET, IS_TAKEN, IS_UNCHANGED, IS_WHOLE

_WHAT: Final = ("package_type", "package_name")
SESSION_COLUMNS: Final = ("timestamp", "origin_id", "source_id", "source_offset")

_IS_ASKED: Final = pl.col("package_name").is_not_null()
_IS_UNCHANGED_GET: Final = IS_GET & IS_UNCHANGED & pl.col("package_type").is_not_null()
_FACTS: Final = ("is_group", "is_read", "is_got", "is_unchanged")


def count_sessions(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Count sessions: a row each, the first request of an origin after a pause over `terms.pauses.session`; see `Count`."""
    clock = PauseClock(terms.is_timed)
    fold = Fold(pl.lit(value=True), "origin_id", (), clock.facts, partial(_fold_sessions, clock=clock, gap=terms.pauses.session), is_alone=True)
    return fold_requests(events, [fold], terms.kept)


def _fold_sessions(rows: pl.LazyFrame, clock: PauseClock, gap: timedelta) -> pl.LazyFrame:
    return clock.settle(rows).filter(clock.starts_island(gap)).select(ROW, pl.lit(1, pl.Int64).alias(SESSIONS))


def count_invocations(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Count what version 1 called sessions: one row each, its first request. Requests without a package form none; see `Count`."""
    sessions = Fold(_IS_ASKED, "origin_id", _WHAT, {}, partial(_fold_invocations, session_gap=ISLAND_GAP))
    return fold_requests(events, [sessions], terms.kept)


def _fold_invocations(rows: pl.LazyFrame, session_gap: timedelta) -> pl.LazyFrame:
    return rows.filter(starts_island(session_gap)).select(ROW, pl.lit(1, pl.Int64).alias(INVOCATIONS))


def count_unchanged(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Count every conditional GET that was answered 304 as a check; see `Count`."""
    return events.filter(_IS_UNCHANGED_GET).select(*terms.kept, checks=pl.lit(1, pl.Int64))


def count_readings(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Count sessions that asked and took nothing: one check each, at the first request of what it asked; see `Count`.

    That is a pull group without a GET that was answered, or an index or metadata read in a session
    that downloads nothing of the package. A session with a 304 is counted by `count_unchanged`.
    """
    names = tuple(dict.fromkeys([*terms.kept, "timestamp", "origin_id", *_WHAT, "source_rank", "source_offset"]))
    groups = find_image_checks(events, replace(terms, kept=names))
    is_read = IS_GET & pl.col("action").is_in(["index", "metadata"]) & IS_WHOLE
    is_got = IS_GET & ((IS_FILE & IS_TAKEN) | (IS_MANIFEST & IS_TAKEN))
    flagged = [
        events.filter(_IS_ASKED).select(*names, is_group=pl.lit(value=False), is_read=is_read, is_got=is_got, is_unchanged=_IS_UNCHANGED_GET),
        groups.with_columns(pl.lit(name == "is_group").alias(name) for name in _FACTS),
    ]
    sessions = Fold(_IS_ASKED, "origin_id", _WHAT, {name: pl.col(name) for name in _FACTS}, partial(_fold_readings, session_gap=ISLAND_GAP))
    return fold_requests(pl.concat(flagged), [sessions], terms.kept)


def _fold_readings(rows: pl.LazyFrame, session_gap: timedelta) -> pl.LazyFrame:
    session = Islands(pl.col("is_session"))
    group = session.first_where(pl.col("is_group"))
    read = pl.when(~session.any(pl.col("is_got"))).then(session.first_where(pl.col("is_read")))
    chosen = pl.when(~session.any(pl.col("is_unchanged"))).then(pl.min_horizontal(group, read))
    found = rows.with_columns(is_session=starts_island(session_gap)).select(
        pl.col(ROW).gather(chosen),
        pl.col("timestamp").gather(session.first).alias(ISLAND_START),
        pl.col("timestamp").gather(session.last).alias(ISLAND_END),
        checks=pl.lit(1, pl.Int64),
    )
    return found.drop_nulls(ROW)
