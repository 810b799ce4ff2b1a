"""Which tags stand for which digests, as pull groups that name both tell."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.counting.pauses import PauseClock
from pullstats.metrics.counting.pulls import FACTS, IS_MANIFEST, mark_groups
from pullstats.metrics.counting.rule import ISLAND_START
from pullstats.metrics.islands import ROW
from pullstats.metrics.request_folds import Fold, fold_requests

SEEN: Final = ("timestamp", "source_rank", "source_offset")
"""What says in which order requests were made."""


def find_tags(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """List which digest was seen with which tag, and when: both were asked for in one pull group.

    Args:
        events: `IMAGE_COLUMNS` and `source_rank`, from the beginning of the store on.
        pull_gap: pause after which a pull group closes.

    Returns:
        `timestamp`, `package_name`, `digest`, `digest_tag`, and the log and place of what named it, sorted as they were seen.
    """
    lent = {"digest_tag": ("package_version", "tag_row")}
    tagged = Fold(IS_MANIFEST, "origin_id", ("package_name",), FACTS, partial(_find_tagged, pull_gap=pull_gap), lent)
    seen = fold_requests(events, [tagged], (*SEEN, "package_name", "package_version"))
    return seen.rename({"package_version": "digest"}).sort(SEEN)


def _find_tagged(rows: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Give the requests by digest that belong to a group with a tag, and the row that names it."""
    rows = mark_groups(rows, pull_gap, PauseClock(is_timed=False), is_capped=False)
    group, is_tag = pl.col("is_group").cum_sum(), pl.col("tag").is_not_null()
    # A group's tag is named by its first request; a group that a digest opened has none.
    is_tagged = pl.when(is_tag).then(group).forward_fill() == group
    tag_row = pl.when(is_tag).then(pl.col(ROW)).forward_fill()
    marked = rows.with_columns(tag_row=tag_row, is_tagged=is_tagged)
    return marked.filter(~is_tag & pl.col("is_tagged") & pl.col("is_answered")).select(ROW, "tag_row")


def find_named(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """List the digests that were asked for, with what their pull groups name besides.

    Args:
        events: `IMAGE_COLUMNS` and `source_rank`.
        pull_gap: pause after which a pull group closes.

    Returns:
        `package_name`, `digest`, `tag` of the group (null if it names none), `first_digest` of the group, whether the group `is_taken`,
        when it `began`, and `SEEN`.
    """
    lent = {"tag": ("package_version", "tag_row"), "first_digest": ("package_version", "digest_row")}
    named = Fold(IS_MANIFEST, "origin_id", ("package_name",), FACTS, partial(_find_digests, pull_gap=pull_gap), lent)
    return fold_requests(events, [named], (*SEEN, "package_name", "package_version")).rename({"package_version": "digest"})


def _find_digests(rows: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Give the answered requests by digest, each with the rows that name its group's tag and first digest."""
    rows = mark_groups(rows, pull_gap, PauseClock(is_timed=False), is_capped=False)
    numbers = {"tag_row": pl.UInt32(), "digest_row": pl.UInt32(), "is_taken": pl.Boolean(), "began": rows.collect_schema()["timestamp"]}
    return rows.map_batches(_name_by_group, schema={ROW: pl.UInt32(), **numbers})


def _name_by_group(rows: pl.DataFrame) -> pl.DataFrame:
    is_tag = pl.col("tag").is_not_null()
    rows = rows.with_columns(group=pl.col("is_group").cum_sum())
    groups = rows.group_by("group", maintain_order=True).agg(
        pl.col(ROW).filter(is_tag).first().alias("tag_row"),
        pl.col(ROW).filter(~is_tag).first().alias("digest_row"),
        pl.col("is_taken").any().alias("is_group_taken"),
        pl.col(ISLAND_START).first().alias("began"),
    )
    digests = rows.filter(~is_tag & pl.col("is_answered")).select(ROW, "group").join(groups, on="group", how="left")
    return digests.select(ROW, "tag_row", "digest_row", pl.col("is_group_taken").alias("is_taken"), "began")


DIGEST_COLUMNS: Final = ("timestamp", "package_type", "package_name", "package_version", "reference_kind")
"""What `name_digests` reads."""


def name_digests(counted: pl.LazyFrame, tags: pl.LazyFrame, is_named: pl.Expr | None = None) -> pl.LazyFrame:
    """Give what was pulled by digest alone the tag last seen with that digest at or before it.

    Args:
        counted: `DIGEST_COLUMNS`, and whatever else.
        tags: as `find_tags` lists them.
        is_named: true for the rows to name, all by default.
    """
    named = counted.sort("timestamp").join_asof(
        tags.drop("source_rank", "source_offset"),
        on="timestamp",
        by_left=["package_name", "package_version"],
        by_right=["package_name", "digest"],
        strategy="backward",
        check_sortedness=False,
    )
    is_open = (pl.col("package_type") == "oci") & (pl.col("reference_kind") == "digest") & pl.col("digest_tag").is_not_null()
    is_open = is_open if is_named is None else is_open & is_named
    return named.with_columns(
        package_version=pl.when(is_open).then("digest_tag").otherwise("package_version"),
        reference_kind=pl.when(is_open).then(pl.lit("tag")).otherwise("reference_kind"),
    ).drop("digest_tag")
