"""Pulls of images: manifest requests folded into groups, and digests named by the tag they were seen with.

Requests are sorted by time within (origin, repository), ties by log and byte offset, so that neither
blocks nor the order of ingest change an answer.

Source: DEFINITIONS "When is it a download?".
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.answers import IS_ANSWERED, IS_GET, IS_HEAD, IS_TAKEN
from pullstats.metrics.counting.rule import RUN_END, RUN_START
from pullstats.metrics.runs import IS_NEW, Runs, sort_by_owner, starts_run

_PLATFORM: Final = ("package_os", "package_arch")
IS_IMAGE_MANIFEST: Final = (pl.col("package_type") == "oci") & (pl.col("action") == "manifest")
IS_MANIFEST: Final = IS_IMAGE_MANIFEST & pl.col("is_downloadable") & (IS_GET | IS_HEAD)
"""Manifest requests that can be part of a pull."""


def count_images(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Fold manifest requests into pull groups: one row a group, at its first GET, else its first request.

    Returns:
        `downloads`, `pulls`, `attempts` (0 or 1), `is_check` (nothing was fetched, and not all was
        refused), and the columns given; `package_version` is the group's tag if it has one.
    """
    rows = group_manifests(events.filter(IS_MANIFEST), pull_gap)
    names = [name for name in rows.collect_schema().names() if name not in _GROUP]
    group = Runs(pl.col("is_group"))
    chosen = pl.coalesce(group.first_where(pl.col("is_get")), group.first)
    found = rows.select(
        *(pl.col(name).gather(chosen) for name in names if name not in _PLATFORM),
        *(pl.coalesce(pl.col(name).gather(chosen), group.first_value(pl.col(name))).alias(name) for name in names if name in _PLATFORM),
        pl.col("timestamp").gather(group.first).alias(RUN_START),
        pl.col("timestamp").gather(group.last).alias(RUN_END),
        group_tag=group.first_value(pl.col("tag")),
        is_pull=group.any(pl.col("is_taken")),
        is_asked=group.any(pl.col("is_get")),
        is_answered=group.any(IS_ANSWERED),
    )
    return (
        found.filter(pl.col("is_asked") | pl.col("is_answered"))
        .with_columns(
            package_version=pl.coalesce("group_tag", "package_version"),
            reference_kind=pl.when(pl.col("group_tag").is_not_null()).then(pl.lit("tag")).otherwise("reference_kind"),
            downloads=pl.col("is_pull").cast(pl.Int64),
            pulls=pl.col("is_pull").cast(pl.Int64),
            is_check=~pl.col("is_pull") & pl.col("is_answered"),
            attempts=pl.col("is_asked").cast(pl.Int64),
        )
        .drop("group_tag", "is_pull", "is_asked", "is_answered")
    )


OWNER: Final = ("origin_id", "package_name")
_GROUP: Final = frozenset({"tag", "is_group", "is_get", "is_taken", IS_NEW})


def group_manifests(manifests: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Sort manifest requests by owner and mark the first of each pull group (`is_group`); `tag` is null for a digest."""
    tag = pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version"))
    rows = sort_by_owner(manifests.with_columns(tag=tag, is_get=IS_GET, is_taken=IS_GET & IS_TAKEN), OWNER)
    rows = rows.with_columns(run=starts_run(pull_gap).cum_sum())
    # The tag of the open group: the last one named, if that was in this run.
    before = pl.when(pl.col("tag").is_not_null()).then(pl.col("run")).forward_fill().shift(1)
    named = pl.when(before == pl.col("run")).then(pl.col("tag").forward_fill().shift(1))
    is_other_tag = pl.col("tag").is_not_null() & pl.col("tag").ne_missing(named)
    is_run = pl.col("run").ne_missing(pl.col("run").shift(1))
    return rows.with_columns(is_group=is_run | is_other_tag).drop("run")


def find_tags(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """List which digest was seen with which tag, and when: both were asked for in one pull group.

    Args:
        events: `IMAGE_COLUMNS` and `source_rank`, from the beginning of the store on.
        pull_gap: pause after which a pull group closes.

    Returns:
        `timestamp`, `package_name`, `digest`, `digest_tag`, sorted by time.
    """
    rows = group_manifests(events.filter(IS_MANIFEST), pull_gap)
    group = pl.col("is_group").cum_sum()
    tagged = pl.when(pl.col("tag").is_not_null()).then(group)
    # A group's tag is named by its first request; a group that a digest opened has none.
    rows = rows.with_columns(group_tag=pl.when(tagged.forward_fill() == group).then(pl.col("tag").forward_fill()))
    seen = rows.filter((pl.col("reference_kind") == "digest") & pl.col("group_tag").is_not_null() & IS_ANSWERED)
    return seen.select("timestamp", "package_name", digest="package_version", digest_tag="group_tag").sort("timestamp", "digest_tag")


def name_digests(counted: pl.LazyFrame, tags: pl.LazyFrame) -> pl.LazyFrame:
    """Give what was pulled by digest alone the tag last seen with that digest at or before it."""
    named = counted.sort("timestamp").join_asof(
        tags,
        on="timestamp",
        by_left=["package_name", "package_version"],
        by_right=["package_name", "digest"],
        strategy="backward",
        check_sortedness=False,
    )
    is_open = (pl.col("package_type") == "oci") & (pl.col("reference_kind") == "digest") & pl.col("digest_tag").is_not_null()
    return named.with_columns(
        package_version=pl.when(is_open).then("digest_tag").otherwise("package_version"),
        reference_kind=pl.when(is_open).then(pl.lit("tag")).otherwise("reference_kind"),
    ).drop("digest_tag")
