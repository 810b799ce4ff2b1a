"""Files as they are transferred: in one piece or in several, resumed or side by side, behind a redirect.

Source: DEFINITIONS "When is it a download?".
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.counting.files import IS_FILE, IS_HUB, IS_MODEL, IS_QUERY_FILE
from pullstats.metrics.counting.pauses import PauseClock
from pullstats.metrics.counting.rule import ISLAND_END, ISLAND_START, PART_GAP, PULL_GAP, Terms
from pullstats.metrics.islands import IS_NEW, ROW
from pullstats.metrics.request_folds import Fold
from pullstats.metrics.statuses import IS_GET, IS_PART, IS_REDIRECT, IS_UNCHANGED, IS_WHOLE

_WANTED: Final = IS_FILE & IS_GET & ~IS_UNCHANGED
_IS_BODY: Final = IS_WHOLE | IS_PART
_PLACE: Final = "place"
_ONE: Final = pl.lit(1, pl.Int64)


def fold_transfers(terms: Terms) -> Fold:
    """Fold files taken: a row each, the first piece of what it stands for.

    Whole files and parts of one path without a pause over `PART_GAP` are a group; it counts its
    whole files, or one if it has none. A redirect and what follows it are one. What was refused is
    an attempt, unless the same origin asks for the same path again within `PULL_GAP`: then the last
    answer speaks for all. Gives `downloads`, `attempts`, and of groups of several `ISLAND_START` and `ISLAND_END`.
    """
    clock = PauseClock(terms.is_timed)
    facts = {"is_answer": (_IS_BODY | IS_REDIRECT).fill_null(value=False), "is_body": _IS_BODY, "is_whole": IS_WHOLE, **clock.facts}
    return Fold(_WANTED & ~IS_HUB, "origin_id", ("url_path",), facts, partial(_fold_transfers, clock=clock), is_alone=True)


def fold_models(terms: Terms) -> Fold:
    """Fold files of models: only its query files stand for one."""
    return replace(fold_transfers(terms), requests=_WANTED & IS_MODEL & IS_QUERY_FILE)


def _fold_transfers(rows: pl.LazyFrame, clock: PauseClock) -> pl.LazyFrame:
    rows = clock.settle(rows).with_columns(owner=pl.col(IS_NEW).cum_sum())
    is_answer = pl.col("is_answer")
    refused = rows.filter(~is_answer & ~_is_followed(clock)).select(ROW, downloads=pl.lit(0, pl.Int64), attempts=_ONE)
    answers = rows.filter(is_answer).with_columns(leads_on=~pl.col("is_body") & _is_followed(clock))
    # A redirect lends its place to what it leads to.
    is_head = ~pl.col("leads_on").shift(1).fill_null(value=False)
    ends = answers.with_columns(pl.when(is_head).then(pl.col(ROW)).forward_fill().alias(_PLACE)).filter(~pl.col("leads_on"))
    sent_on = ends.filter(~pl.col("is_body")).select(pl.col(_PLACE).alias(ROW), downloads=_ONE, attempts=_ONE)
    return pl.concat([_count_bodies(ends.filter("is_body"), clock), sent_on, refused], how="diagonal")


def _is_followed(clock: PauseClock) -> pl.Expr:
    """Tell whether the same owner asks again within `PULL_GAP`."""
    pause = pl.col(clock.began).shift(-1) - pl.col(clock.ended)
    return ((pl.col("owner") == pl.col("owner").shift(-1)) & (pause <= PULL_GAP)).fill_null(value=False)


def _count_bodies(bodies: pl.LazyFrame, clock: PauseClock) -> pl.LazyFrame:
    """Count in each group the first piece, which stands for its first whole file or for all parts, and every further whole file."""
    pause = pl.col(clock.began) - pl.col(clock.ended).shift(1)
    is_group = (pl.col("owner").ne_missing(pl.col("owner").shift(1)) | (pause > PART_GAP)).fill_null(value=True)
    whole = pl.col("is_whole").cast(pl.Int32)
    bodies = bodies.with_columns(is_group=is_group, place_of_whole=whole.cum_sum())
    before = pl.when("is_group").then(pl.col("place_of_whole") - whole).forward_fill()
    is_counted = pl.col("is_group") | (pl.col("is_whole") & (pl.col("place_of_whole") - before > 1))
    began = pl.when("is_group").then(pl.col(clock.began)).forward_fill()
    ended = pl.when(pl.col("is_group").shift(-1).fill_null(value=True)).then(pl.col("timestamp")).backward_fill()
    marked = bodies.select(pl.col(_PLACE).alias(ROW), began.alias(ISLAND_START), ended.alias(ISLAND_END), is_counted=is_counted)
    return marked.filter("is_counted").drop("is_counted").with_columns(downloads=_ONE, attempts=_ONE)
