"""Pulls of images: manifest requests folded into groups.

Requests are sorted by time within (origin, repository), ties by log and byte offset, so that neither
blocks nor the order of ingest change an answer.

Source: DEFINITIONS "When is it a download?".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.counting.pauses import PauseClock
from pullstats.metrics.counting.rule import GROUP_LENGTH, ISLAND_END, ISLAND_START, VISIT_LENGTH, Terms
from pullstats.metrics.islands import IS_NEW, ROW, Islands
from pullstats.metrics.request_folds import Fold, fold_requests
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY, IS_ANSWERED, IS_FAILED, IS_GET, IS_HEAD, IS_REDIRECT, IS_TAKEN

IS_IMAGE_MANIFEST: Final = (pl.col("package_type") == "oci") & (pl.col("action") == "manifest")
IS_MANIFEST: Final = IS_IMAGE_MANIFEST & pl.col("is_downloadable") & (IS_GET | IS_HEAD)
"""Manifest requests that can be part of a pull."""
_IS_TAGS: Final = pl.any_horizontal(pl.col("url_path").str.ends_with(end) for end in ("/tags/list", "/tags/list/"))
IS_LISTING: Final = (pl.col("package_type") == "oci") & (pl.col("action") == "metadata") & (IS_GET | IS_HEAD) & _IS_TAGS
"""Asks for the tags of a repository."""
_LENT: Final = {
    "group_tag": ("package_version", "tag_row"),
    "group_os": ("package_os", "os_row"),
    "group_arch": ("package_arch", "arch_row"),
}
"""What a group names anywhere: the column, and the row that names it."""
FACTS: Final = {
    # Stands for the tag named, null for a digest.
    "tag": pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version").hash()),
    "is_get": IS_GET,
    "is_taken": IS_GET & IS_TAKEN,
    "is_answered": IS_ANSWERED,
}


def fold_images(terms: Terms, *, is_capped: bool) -> Fold:
    """Fold manifest requests into pull groups: one row a group with a GET, the first of these.

    Gives `downloads`, `pulls`, `attempts` (0 or 1), `is_tagged`, `ISLAND_START`, `ISLAND_END`, and what
    `name_images` reads.

    Args:
        terms: what is asked.
        is_capped: a group ends `GROUP_LENGTH` after its first request, and nobody known is nobody else.
    """
    return _fold_groups(terms, _find_asked, is_capped=is_capped)


def find_image_checks(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Find the pull groups that took nothing and were not all refused.

    Args:
        events: with `IMAGE_COLUMNS`, `source_rank` and `terms.kept`.
        terms: what is asked of the rule.

    Returns:
        The first request of each group: `terms.kept`.
    """
    return name_images(fold_requests(events, [_fold_groups(terms, _find_checks, is_capped=False)], terms.kept), terms).select(terms.kept)


def fold_image_visits(terms: Terms) -> Fold:
    """Fold manifest requests and lists of tags into visits: one row each, its first request.

    Gives `checks` and `INVOCATIONS` (0 or 1), and what `fold_images` gives besides. A list of tags belongs to
    the pull group within `terms.pauses.visit` of it.
    """
    clock = PauseClock(terms.is_timed)
    facts = {
        "is_listing": IS_LISTING,
        "is_refused": IS_FAILED,
        "is_anonymous": IS_ANONYMOUS_TRY,
        "is_shown": IS_ANSWERED & ~IS_REDIRECT,
    }
    find = partial(_find_image_visits, terms=terms, clock=clock)
    return Fold(IS_MANIFEST | IS_LISTING, "origin_id", ("package_name",), {**_name_facts(terms, clock), **facts}, find, _LENT, is_alone=True)


def _fold_groups(terms: Terms, find: Callable[[pl.LazyFrame], pl.LazyFrame], *, is_capped: bool) -> Fold:
    clock = PauseClock(terms.is_timed and is_capped)

    def fold(rows: pl.LazyFrame) -> pl.LazyFrame:
        return find(mark_groups(clock.settle(rows), terms.pauses.pull, clock, is_capped=is_capped))

    return Fold(IS_MANIFEST, "origin_id", ("package_name",), _name_facts(terms, clock), fold, _LENT, is_alone=is_capped)


def _name_facts(terms: Terms, clock: PauseClock) -> dict[str, pl.Expr]:
    named = {f"has_{name.removeprefix('package_')}": pl.col(name).is_not_null() for name in ("package_os", "package_arch") if name in terms.kept}
    return {**FACTS, **named, **clock.facts}


def name_images(counted: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Give a pull its group's tag as `package_version`, if it has one, and the first platform that the group names.

    Args:
        counted: rows of folded pull groups: `terms.kept`, `is_tagged`, and what the group lends.
        terms: what is asked of the rule.

    Returns:
        The rows without `is_tagged` and what was lent.
    """
    named = {
        "package_version": pl.coalesce("group_tag", "package_version"),
        "reference_kind": pl.when("is_tagged").then(pl.lit("tag")).otherwise("reference_kind"),
        "package_os": pl.coalesce("package_os", "group_os"),
        "package_arch": pl.coalesce("package_arch", "group_arch"),
    }
    lent = [name for name, (column, _) in _LENT.items() if column in terms.kept]
    return counted.with_columns(value.alias(name) for name, value in named.items() if name in terms.kept).drop(*lent, "is_tagged")


_GROUP: Final = Islands(pl.col("is_group"))


def _find_asked(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give the first GET of each group."""
    is_pull = _GROUP.any(pl.col("is_taken")).cast(pl.Int64)
    chosen = _GROUP.first_where(pl.col("is_get"))
    return rows.select(*_describe_groups(rows, chosen), downloads=is_pull, pulls=is_pull, attempts=pl.lit(1, pl.Int64)).drop_nulls(ROW)


def _find_checks(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give the first request of each group that was answered and took nothing."""
    is_check = _GROUP.any(pl.col("is_answered")) & ~_GROUP.any(pl.col("is_taken"))
    return rows.select(*_describe_groups(rows, _GROUP.first), is_check=is_check).filter("is_check").drop("is_check")


def _describe_groups(rows: pl.LazyFrame, chosen: pl.Expr) -> list[pl.Expr]:
    """Give the row that stands for each group, when its run began and it ended, and the rows that name its tag and platform."""
    tag_row = pl.col(ROW).gather(_GROUP.first_where(pl.col("tag").is_not_null()))
    return [
        pl.col(ROW).gather(chosen),
        pl.col(ISLAND_START).gather(_GROUP.first),
        pl.col("timestamp").gather(_GROUP.last).alias(ISLAND_END),
        tag_row.alias("tag_row"),
        _first_with(rows, "has_os").alias("os_row"),
        _first_with(rows, "has_arch").alias("arch_row"),
        tag_row.is_not_null().alias("is_tagged"),
    ]


def _first_with(rows: pl.LazyFrame, fact: str) -> pl.Expr:
    """Give the first row of each group that has something; none where nobody asks for it."""
    return pl.col(ROW).gather(_GROUP.first_where(pl.col(fact))) if fact in rows.collect_schema().names() else pl.lit(None, pl.UInt32)


def mark_groups(rows: pl.LazyFrame, pull_gap: timedelta, clock: PauseClock, *, is_capped: bool) -> pl.LazyFrame:
    """Mark the first request of each pull group, and tell when what it was cut from began.

    Args:
        rows: manifest requests of one owner after the other, with `tag` (null where none is named).
        pull_gap: a longer pause ends a group.
        clock: measures pauses.
        is_capped: end a group `GROUP_LENGTH` after its first request at the latest.

    Returns:
        The same rows with `is_group` (Boolean) and `ISLAND_START` (an instant).
    """
    rows = rows.with_columns(run=clock.starts_island(pull_gap).cum_sum())
    # The tag of the open group: the last one named, if that was in this run.
    before = pl.when(pl.col("tag").is_not_null()).then(pl.col("run")).forward_fill().shift(1)
    named = pl.when(before == pl.col("run")).then(pl.col("tag").forward_fill().shift(1))
    is_other_tag = pl.col("tag").is_not_null() & pl.col("tag").ne_missing(named)
    is_run = pl.col("run").ne_missing(pl.col("run").shift(1))
    rows = rows.with_columns(is_group=is_run | is_other_tag).drop("run")
    # What follows a cut depends on where the first group began.
    rows = rows.with_columns(pl.when("is_group").then(pl.col(clock.began)).forward_fill().alias(ISLAND_START))
    return clock.cap(rows, "is_group", GROUP_LENGTH) if is_capped else rows


def _find_image_visits(rows: pl.LazyFrame, terms: Terms, clock: PauseClock) -> pl.LazyFrame:
    """Give the first request of each pull group, and of each list of tags that belongs to none."""
    rows = clock.settle(rows).with_columns(owner=pl.col(IS_NEW).cum_sum())
    groups = mark_groups(_mark_owners(rows.filter(~pl.col("is_listing"))), terms.pauses.pull, clock, is_capped=True)
    is_get, is_let_in = pl.col("is_get"), ~pl.col("is_refused")
    # What the GETs were answered says whether a group was refused; without any, what the HEADs were.
    is_looked = pl.when(_GROUP.any(is_get)).then(_GROUP.any(is_get & is_let_in)).otherwise(_GROUP.any(is_let_in))
    visits = groups.select(
        *_describe_groups(groups, _GROUP.first),
        checks=(is_looked & ~_GROUP.any(pl.col("is_taken"))).cast(pl.Int64),
        invocations=_GROUP.any(~pl.col("is_anonymous")).cast(pl.Int64),
    )
    return pl.concat([visits, _find_listings(rows, clock, terms.pauses.visit)], how="diagonal")


def _mark_owners(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Mark each owner's first row anew, after some were left out."""
    return rows.with_columns(pl.col("owner").ne_missing(pl.col("owner").shift(1)).alias(IS_NEW))


def _find_listings(rows: pl.LazyFrame, clock: PauseClock, gap: timedelta) -> pl.LazyFrame:
    """Give the first of each run of lists of tags that no pull group is near to."""
    is_manifest, began, ended = ~pl.col("is_listing"), pl.col(clock.began), pl.col(clock.ended)
    owner = pl.col("owner")
    before, after = (pl.when(is_manifest).then(value) for value in (ended, began))
    is_after = (pl.when(is_manifest).then(owner).forward_fill() == owner) & (began - before.forward_fill() <= gap)
    is_before = (pl.when(is_manifest).then(owner).backward_fill() == owner) & (clock.first_ahead(after) - ended <= gap)
    marked = rows.with_columns(is_near=(is_after | is_before).fill_null(value=False))
    listings = _mark_owners(marked.filter("is_listing")).with_columns(is_group=clock.starts_island(gap))
    listings = listings.with_columns(pl.when("is_group").then(began).forward_fill().alias(ISLAND_START))
    found = clock.cap(listings, "is_group", VISIT_LENGTH)
    return (
        found.select(
            *_describe_groups(found, _GROUP.first),
            checks=_GROUP.any(pl.col("is_shown")).cast(pl.Int64),
            invocations=_GROUP.any(~pl.col("is_anonymous")).cast(pl.Int64),
            is_near=_GROUP.any(pl.col("is_near")),
        )
        .filter(~pl.col("is_near"))
        .drop("is_near")
    )
