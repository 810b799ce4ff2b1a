"""Visits: what one run of a client does to one package; and the checks that follow from them.

Source: DEFINITIONS "Vocabulary" (visit) and "Metrics" (checks, invocations).
"""

from __future__ import annotations

from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.counting.pauses import IS_UNTIMED, PauseClock
from pullstats.metrics.counting.pulls import fold_image_visits, name_images
from pullstats.metrics.counting.rule import INVOCATIONS, ISLAND_END, ISLAND_GAP, ISLAND_START, VISIT_LENGTH, Terms
from pullstats.metrics.islands import IS_NEW, ROW, Islands
from pullstats.metrics.request_folds import Fold, fold_requests
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY, IS_GET, IS_HEAD, IS_REDIRECT, IS_TAKEN, IS_UNCHANGED

_IS_OUTSIDE_OCI: Final = pl.col("package_type").ne_missing("oci")
_IS_READING: Final = pl.col("action").is_in(["index", "metadata"]).fill_null(value=False)
_IS_ARTIFACT: Final = pl.col("action").eq_missing("download")
_IS_UNCHANGED_GET: Final = IS_GET & IS_UNCHANGED & pl.col("package_type").is_not_null() & _IS_OUTSIDE_OCI
_VISIT: Final = Islands(pl.col("is_visit"))


def count_visits(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Count visits and checks: a row each, the first request of what it stands for; 304s outside OCI by themselves; see `Count`.

    Gives `INVOCATIONS` and `checks` (0 or 1), `ISLAND_START` and `ISLAND_END`, as far as they are wanted.
    """
    clock = PauseClock(terms.is_timed)
    wanted = [name for name in ("checks", INVOCATIONS) if name in terms.wanted]
    named = events.filter(pl.col("package_name").is_not_null())
    folds = [fold_image_visits(terms), _fold_file_visits(terms, clock)]
    visits = name_images(fold_requests(named, folds, terms.kept), terms).filter(pl.any_horizontal(pl.col(name) == 1 for name in wanted))
    parts = [visits.select(*terms.kept, ISLAND_START, ISLAND_END, *wanted)]
    if "checks" in wanted:
        parts.append(events.filter(_IS_UNCHANGED_GET).select(*terms.kept, checks=pl.lit(1, pl.Int64)))
    return pl.concat(parts, how="diagonal")


def _fold_file_visits(terms: Terms, clock: PauseClock) -> Fold:
    """Fold all requests for a package that is no image."""
    facts = {
        "is_reading": _IS_READING,
        # Read, or asked of an artifact by HEAD whether it is still the same.
        "is_look": (_IS_READING & (IS_GET | IS_HEAD) & (IS_TAKEN & ~IS_REDIRECT | IS_UNCHANGED))
        | (_IS_ARTIFACT & IS_HEAD & (IS_TAKEN | IS_UNCHANGED)),
        "is_got": _IS_ARTIFACT & IS_GET & IS_TAKEN,
        "is_unchanged": _IS_UNCHANGED_GET,
        "is_anonymous": IS_ANONYMOUS_TRY,
        "is_untimed": IS_UNTIMED if terms.is_timed else pl.lit(value=True),
        **clock.facts,
    }
    return Fold(_IS_OUTSIDE_OCI, "origin_id", ("package_type", "package_name"), facts, partial(_fold_visits, terms=terms, clock=clock), is_alone=True)


def _fold_visits(rows: pl.LazyFrame, terms: Terms, clock: PauseClock) -> pl.LazyFrame:
    rows = _join_downloads(
        clock.cap(clock.settle(rows).with_columns(is_visit=clock.starts_island(terms.pauses.visit)), "is_visit", VISIT_LENGTH), clock
    )
    is_check = _VISIT.any(pl.col("is_look")) & ~_VISIT.any(pl.col("is_got")) & ~_VISIT.any(pl.col("is_unchanged"))
    # Where visits are cut, and which join, depends on what came before without a pause over the longest of these.
    is_chain = clock.starts_island(max(ISLAND_GAP, terms.pauses.visit))
    return rows.with_columns(pl.when(is_chain).then(pl.col(clock.began)).forward_fill().alias(ISLAND_START)).select(
        pl.col(ROW).gather(_VISIT.first),
        pl.col(ISLAND_START).gather(_VISIT.first),
        pl.col("timestamp").gather(_VISIT.last).alias(ISLAND_END),
        checks=is_check.cast(pl.Int64),
        invocations=_VISIT.any(~pl.col("is_anonymous")).cast(pl.Int64),
    )


def _join_downloads(rows: pl.LazyFrame, clock: PauseClock) -> pl.LazyFrame:
    """Let a visit that only read join the next, if that begins within `ISLAND_GAP` with a download of which no log says how long it took.

    Its line may have been written long after it began.
    """
    other = (~pl.col("is_reading")).cast(pl.UInt32)
    total = other.cum_sum()
    before = pl.when("is_visit").then(total - other).forward_fill()
    has_only_read = (total == before).shift(1)
    pause = pl.col(clock.began) - pl.col(clock.ended).shift(1)
    joins = ~pl.col(IS_NEW) & has_only_read & pl.col("is_got") & pl.col("is_untimed") & (pause <= ISLAND_GAP)
    return rows.with_columns(is_visit=pl.col("is_visit") & ~joins.fill_null(value=False))
