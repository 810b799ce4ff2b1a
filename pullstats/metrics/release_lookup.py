"""The release of each request: what it names, or what the tag or digest that it names stood for.

What a request names is told of it before pulls are named after their tags (`ASKED`); what that stood for is looked up where it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.metrics.dimensions import RELEASE

RELEASE_COLUMNS: Final = (
    *("timestamp", "package_type", "package_name", "package_version", "package_version_normalized"),
    *("reference_kind", "action", "is_downloadable"),
)
"""What `ASKED` and `LOOKED_UP` read."""
LOOKED_UP: Final = ("timestamp", "package_type", "package_name")
NAMES: Final = ["package_name", "package_version"]
_PLACE: Final = "place"
_NAMED, _IS_TAG, _DIGEST = "asked_name", "is_asked_by_tag", "asked_digest"
_IS_IMAGE: Final = pl.col("package_type").eq_missing("oci")
_KIND: Final = pl.col("reference_kind")
_IS_NAMING: Final = (
    pl.when(_IS_IMAGE)
    .then(pl.col("action").eq_missing("manifest") & pl.col("is_downloadable").fill_null(value=False))
    .otherwise(_KIND.ne_missing("digest") | pl.col("action").eq_missing("download"))
)
_BY_TAG: Final = _KIND.eq_missing("tag")
_BY_DIGEST: Final = _IS_IMAGE & _KIND.eq_missing("digest")
_SPELLED: Final = pl.when(_BY_TAG).then(pl.col("package_version")).otherwise(pl.coalesce("package_version_normalized", "package_version"))
_BITS: Final = pl.col("package_version").hash(21)
ASKED: Final = {
    _NAMED: pl.when(_IS_NAMING & ~_BY_DIGEST).then(_SPELLED),
    _IS_TAG: (_IS_NAMING & _BY_TAG).fill_null(value=False),
    _DIGEST: pl.when(_IS_NAMING & _BY_DIGEST).then(_BITS),
}
"""What a request names, and whether that may stand for something else: a tag, or a digest of an image, which is kept in 64 bits that never leave the process."""


@dataclass(frozen=True, slots=True)
class Known:
    """What digests and tags stand for.

    Attributes:
        digests: `package_name`, `package_version` (a digest), `by_digest`: its release, null where nobody took it by its digest.
        tags: as `_find_moves` gives them.
        listed: the same by a list of releases, of one package, as `by_list`.
        anywhere: the same of any package, without `package_name`, as `by_any`.
    """

    digests: pl.DataFrame
    tags: pl.DataFrame
    listed: pl.DataFrame
    anywhere: pl.DataFrame


def add_releases(events: pl.LazyFrame, known: Known, kept: pl.Expr | None) -> pl.LazyFrame:
    """Add `release`, in the order in which the rows come.

    Args:
        events: `ASKED`, `LOOKED_UP` and whatever else.
        known: what digests and tags stand for.
        kept: true for the rows that are looked up; None for all.
    """
    floating = pl.concat([table["package_version"] for table in (known.tags, known.listed, known.anywhere)]).unique()

    def add(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(_find_releases(frame, known, floating, kept))

    # Row by row, and so in any pieces; the streaming engine's own joins by time fail on tables without a row.
    schema = {**events.collect_schema(), RELEASE: pl.String()}
    return events.map_batches(add, schema=schema, streamable=True)


def _find_releases(events: pl.DataFrame, known: Known, floating: pl.Series, kept: pl.Expr | None) -> pl.Series:
    """Give the releases of some requests; only those by a tag that floats, and by digest, are looked up."""
    named = pl.col(NAMES[1])
    is_floating = named.is_in(floating.implode()) | (_IS_IMAGE & named.str.starts_with("v"))
    is_open = (pl.col(_IS_TAG) & is_floating) | pl.col(_DIGEST).is_not_null()
    rows = (
        events.select(pl.col(_NAMED).alias(NAMES[1]), _IS_TAG, _DIGEST, *LOOKED_UP)
        .with_row_index(_PLACE)
        .filter(is_open if kept is None else is_open & kept)
    )
    releases = events[_NAMED].alias(RELEASE)
    for looked in (_look_up_tags(rows.filter(_IS_TAG), known), _look_up_digests(rows.filter(~pl.col(_IS_TAG)), known)):
        if looked.height:
            releases = releases.scatter(looked[_PLACE], looked[RELEASE])
    return releases


def _look_up_digests(rows: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Give the release of requests for images by digest: `place`, `release`."""
    digests = known.digests.with_columns(_BITS.alias(_DIGEST))
    named = rows.select(_PLACE, "package_name", _DIGEST).join(digests, on=["package_name", _DIGEST], how="left", maintain_order="left")
    return named.select(_PLACE, pl.col("by_digest").str.replace(r"^v([0-9])", "$1").alias(RELEASE))


def _look_up_tags(rows: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Give the release of requests by a tag: `place`, `release`."""
    tables = ((known.tags, NAMES, "by_tag"), (known.listed, NAMES, "by_list"), (known.anywhere, NAMES[1:], "by_any"))
    if any(table.height for table, _, _ in tables):
        rows = rows.sort("timestamp")
    for table, by, found in tables:
        if table.height:
            rows = rows.join_asof(table, on="timestamp", by=by, strategy="backward", check_sortedness=False)
        else:
            rows = rows.with_columns(pl.lit(None, pl.String).alias(found))
    asked = pl.col("package_version")
    bare = pl.when(_IS_IMAGE).then(asked.str.replace(r"^v([0-9])", "$1")).otherwise(asked)
    release = pl.coalesce(pl.col("by_tag").str.replace(r"^v([0-9])", "$1"), "by_list", "by_any", bare)
    return rows.select(_PLACE, release.alias(RELEASE))
