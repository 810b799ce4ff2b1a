"""What was named and what was taken: how many versions, and whether anything was taken twice.

Who keeps what they took takes each artifact once; who builds from nothing takes it again every time.
Of images the manifests asked for by digest are the artifacts, in visits that took layers, too: who
has these asks for manifests alone. Of files it is the version that was downloaded, and in a log without blobs each manifest.
"""

from __future__ import annotations

import polars as pl

from pullstats.metrics.behaviour.requests import is_set, reference
from pullstats.metrics.behaviour.visits import FULL, KEY

REFERENCE = "reference"


def count_takings(requests: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Count versions named and artifacts taken of each owner.

    Args:
        requests: in order, as `order_requests` gives them.
        visits: what `fold_visits` makes of them.

    Returns:
        `key`, `tags` (distinct versions and tags named), `takes`, `artifacts` (distinct ones among these).
    """
    sizes, keys, is_full = visits["requests"], visits[KEY], visits[FULL]
    place = pl.lit(pl.int_range(visits.height, dtype=pl.UInt32, eager=True).repeat_by(sizes).explode())
    is_named = is_set("is_tag") & (reference() != 0)
    is_taken = (is_set("is_manifest") & is_set("is_digest")) | ((is_set("is_file") | is_set("is_bare")) & (reference() != 0))
    rows = requests.select(visit=place, reference=reference(), is_named=is_named, is_taken=is_taken)
    named = _drop_repeats(rows.filter("is_named"), pl.lit(keys).gather(pl.col("visit")))
    taken = _drop_repeats(rows.filter(pl.col("is_taken") & pl.lit(is_full).gather(pl.col("visit"))), pl.col("visit"))
    taken = taken.with_columns(pl.lit(keys).gather(pl.col("visit")).alias(KEY))
    named = named.with_columns(pl.lit(keys).gather(pl.col("visit")).alias(KEY))
    tags = named.select(KEY, REFERENCE).unique().group_by(KEY).agg(pl.len().alias("tags"))
    takes = taken.group_by(KEY, REFERENCE).agg(pl.len()).group_by(KEY).agg(pl.col("len").sum().alias("takes"), pl.len().alias("artifacts"))
    return (
        visits.select(pl.col(KEY).unique(maintain_order=True)).join(tags, on=KEY, how="left").join(takes, on=KEY, how="left").fill_null(0).sort(KEY)
    )


def _drop_repeats(rows: pl.DataFrame, owner: pl.Expr) -> pl.DataFrame:
    """Keep one of several rows that name the same one after the other, for one owner."""
    same = (pl.col(REFERENCE) == pl.col(REFERENCE).shift(1)) & (owner == owner.shift(1))
    return rows.filter(~same.fill_null(value=False))
