"""What was named and what was taken: how many versions, and whether anything was taken twice.

Who keeps what they took takes each artifact once; who builds from nothing takes it again every time.
Of images the manifests asked for by digest are the artifacts, in visits that took layers, too: who
has these asks for manifests alone. Of files it is the version that was downloaded, and in a log without blobs each manifest.
"""

from __future__ import annotations

import polars as pl

from pullstats.metrics.behaviour.requests import REFERENCES, is_set, reference
from pullstats.metrics.behaviour.visits import FULL, KEY
from pullstats.metrics.islands import changes

REFERENCE = "reference"


def count_takings(requests: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Count versions named and artifacts taken of each owner.

    Args:
        requests: in order, as `order_requests` gives them.
        visits: what `fold_visits` makes of them.

    Returns:
        `key`, `tags` (distinct versions and tags named), `takes`, `artifacts` (distinct ones among these).
    """
    keys, is_full = pl.lit(visits[KEY]), pl.lit(visits[FULL])
    is_named = is_set("is_tag") & (reference() != 0)
    is_taken = (is_set("is_manifest") & is_set("is_digest")) | ((is_set("is_file") | is_set("is_bare")) & (reference() != 0))
    rows = requests.select(_find_visits(visits), reference=reference(), is_named=is_named, is_taken=is_taken)
    rows = rows.filter(pl.col("is_named") | pl.col("is_taken")).with_columns(keys.gather(pl.col("visit")).alias(KEY))
    named = rows.filter("is_named").select(KEY, REFERENCE)
    taken = _drop_repeats(rows.filter(pl.col("is_taken") & is_full.gather(pl.col("visit"))), "visit")
    counts = {"tags": _keep_distinct(named), "takes": taken[KEY], "artifacts": _keep_distinct(taken.select(KEY, REFERENCE))}
    found = visits.select(pl.col(KEY).filter(changes(KEY)))
    none = pl.zeros(found.height, pl.UInt32, eager=True)
    return found.with_columns(_count(none, held).alias(name) for name, held in counts.items())


def _find_visits(visits: pl.DataFrame) -> pl.Series:
    """Give the place of its visit for each request, in order."""
    sizes = visits["requests"]
    begins = pl.zeros(int(sizes.sum()), pl.UInt32, eager=True).scatter(sizes.cum_sum().shift(1).drop_nulls(), 1)
    return begins.cum_sum().alias("visit")


def _count(none: pl.Series, keys: pl.Series) -> pl.Series:
    """Count how often each key is there, `none` holding 0 for each."""
    counted = keys.value_counts(name="count")
    return none.clone().scatter(counted[KEY], counted["count"])


def _keep_distinct(rows: pl.DataFrame) -> pl.Series:
    """Give the `key` of each distinct key and `reference`: both fit into one number, which is sorted many times as fast as two."""
    packed = rows.select((pl.col(KEY).cast(pl.UInt64) * REFERENCES + pl.col(REFERENCE)).sort().alias(KEY)).filter(changes(KEY))
    return packed.select((pl.col(KEY) // REFERENCES).cast(pl.UInt32))[KEY]


def _drop_repeats(rows: pl.DataFrame, owner: str) -> pl.DataFrame:
    """Keep one of several rows that name the same one after the other, for one owner."""
    return rows.filter(changes(REFERENCE) | changes(owner))
