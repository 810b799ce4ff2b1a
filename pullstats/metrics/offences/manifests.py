"""Manifests of images fetched in vain: such as the client had, and such as it fetches twice for one pull."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.counting.pauses import PauseClock
from pullstats.metrics.counting.pulls import mark_groups
from pullstats.metrics.islands import ROW
from pullstats.metrics.offences.requests import OWNER, SECOND, Part, give_waste, mix, order_owners
from pullstats.metrics.offences.rules import Kind

_IS_FETCHED = pl.col("is_manifest") & pl.col("is_get") & pl.col("is_taken")
_SEEN = ("path", "size", "is_manifest", "is_blob", "is_get", "is_taken", "is_redirect")


def find_needless(part: Part, kind: Kind) -> pl.DataFrame:
    """Find manifests that their origin took before with the same size, and after which it fetches no layer, where most are such; see `DETECTORS`."""
    marked = list_needless(part, kind)
    owners = marked.group_by(OWNER).agg(needless=pl.col("is_needless").sum(), fetched=_IS_FETCHED.sum())
    is_much = (pl.col("needless") >= kind["least"]) & (pl.col("needless") >= kind["share"] * pl.col("fetched"))
    return give_waste(marked.filter("is_needless").join(owners.filter(is_much), on=OWNER, how="semi"))


def list_needless(part: Part, kind: Kind) -> pl.DataFrame:
    """List the manifests and blobs taken, with `is_needless`; of repositories whose layers these logs do not show, nothing."""
    is_blob = pl.col("is_blob") & pl.col("is_get") & pl.col("is_taken")
    shown = part.rows.lazy().filter(_IS_FETCHED | is_blob).join(part.around.layered.lazy(), on="package", how="semi")
    ordered = order_owners(shown, mix("origin", "package"), 2, _SEEN, _IS_FETCHED)
    return mark_needless(ordered, int(kind["follow_seconds"] * SECOND), int(kind["small_blob_bytes"]))


def mark_needless(ordered: pl.DataFrame, follow: int, small: int) -> pl.DataFrame:
    """Mark `is_needless`, the manifests that were there already.

    Args:
        ordered: manifests and blobs taken, by `owner` (an origin and a repository) and time.
        follow: microseconds within which a layer shows that a pull was needed.
        small: bytes up to which a blob that was taken before is a configuration.
    """
    size = pl.col("size").fill_null(-1)
    answer = (pl.col(OWNER) ^ pl.col("path") ^ size.hash(7)).is_first_distinct()
    blob = (pl.col(OWNER) ^ pl.col("path")).is_first_distinct()
    is_layer = pl.col("is_blob") & (blob | pl.col("is_redirect") | (pl.col("size") > small).fill_null(value=True))
    ahead = ordered.with_columns(
        is_known=~answer,
        layer=pl.when(is_layer).then("instant").backward_fill(),
        layer_owner=pl.when(is_layer).then(OWNER).backward_fill(),
    )
    is_followed = (pl.col("layer_owner") == pl.col(OWNER)) & (pl.col("layer") - pl.col("instant") <= follow)
    return ahead.with_columns(is_needless=_IS_FETCHED & pl.col("is_known") & ~is_followed.fill_null(value=False))


def find_repeated(part: Part, kind: Kind) -> pl.DataFrame:
    """Find manifests fetched again within one pull group and log, by origins of whose pulls most do so; see `DETECTORS`.

    Another log may hold the same request once more; and a redirect and what it leads to are one.
    """
    asked = part.rows.lazy().filter(pl.col("is_manifest") & (pl.col("is_get") | pl.col("is_head")))
    ordered = order_owners(asked, mix("origin", "package", "log"), kind["least"], (*_SEEN, "is_tag"), _IS_FETCHED)
    rows = ordered.lazy().with_columns(timestamp=pl.from_epoch("instant", "us"), tag=pl.when("is_tag").then("path"))
    grouped = mark_groups(rows, part.pauses.pull, PauseClock(is_timed=False), is_capped=True).with_columns(group=pl.col("is_group").cum_sum())
    fetched = grouped.filter(_IS_FETCHED).select(ROW, OWNER, "group", "path", "is_redirect").collect()
    answer = pl.col("path") ^ pl.col("group").hash(8) ^ pl.col("is_redirect").hash(10)
    marked = fetched.with_columns(is_again=~answer.is_first_distinct())
    groups = marked.group_by(OWNER, "group").agg(pl.col("is_again").sum(), is_double=pl.col("is_again").any())
    owners = groups.group_by(OWNER).agg(pl.col("is_again").sum(), doubles=pl.col("is_double").sum(), pulls=pl.len())
    is_much = (pl.col("is_again") >= kind["least"]) & (pl.col("doubles") >= kind["share"] * pl.col("pulls"))
    return give_waste(marked.filter("is_again").join(owners.filter(is_much), on=OWNER, how="semi"))
