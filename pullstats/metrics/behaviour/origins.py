"""What an origin is like over all packages it asks for.

Its visits join those to several packages at once. It is as regular as these visits, or as its visits to single
packages on average: one that polls ten packages at ten times of the hour is regular in each.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import describe_visits, mark_silences
from pullstats.metrics.behaviour.periods import PERIOD_COLUMNS
from pullstats.metrics.behaviour.visits import COUNTS, KEY, join_packages

_SUMS: Final = ("tags", "takes", "artifacts", *COUNTS)
_BEST: Final = "best"
_PACE: Final = (*PERIOD_COLUMNS, "beyond_chance")


def describe_origins(visits: pl.DataFrame, pairs: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    """Describe origins.

    Args:
        visits: of owners, with `key`.
        pairs: a row an owner, as `describe_visits` gives them, with `origin` (its origin's number), `has_package`, `COUNTS`, `tags`, `takes`, `artifacts`.
        silences: see `mark_silences`.

    Returns:
        A row an origin by number, `key`: the same features, and `packages`.
    """
    sums = pairs.group_by(pl.col("origin").alias(KEY)).agg(
        pl.col(_SUMS).sum(), pl.col("has_package").sum().alias("packages"), owners=pl.len(), pair=pl.col(KEY).first()
    )
    several = pl.lit(sums.sort(KEY)["owners"] > 1)
    joined = join_packages(visits.filter(several.gather(pl.lit(pairs["origin"]).gather(pl.col(KEY)))), pairs["origin"])
    alone = pairs.join(sums.filter(pl.col("owners") == 1).select("pair"), left_on=KEY, right_on="pair", how="semi")
    columns = [name for name in pairs.columns if name not in {"origin", "has_package", *_SUMS}]
    found = pl.concat(
        [alone.with_columns(pl.col("origin").alias(KEY)).select(columns), describe_visits(mark_silences(joined, silences)).select(columns)]
    ).sort(KEY)
    found = found.join(sums.drop("pair"), on=KEY, how="left", maintain_order="left")
    return _take_best(found, pairs)


def _take_best(found: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Let an origin be as regular as its visits to single packages are on average, with the clearest of their periods, where that is more."""
    weight = pl.col("visits")
    clear = pl.col("regular") * pl.col("gaps")
    by_pair = pairs.group_by(pl.col("origin").alias(KEY)).agg(
        mean=(pl.col("regular") * weight).sum() / weight.sum(), best=pl.struct(_PACE).sort_by(clear, KEY, descending=[True, False]).first()
    )
    both = found.join(by_pair, on=KEY, how="left", maintain_order="left")
    is_more = pl.col("mean") > pl.col("regular")
    return both.with_columns(pl.when(is_more).then(pl.col(_BEST).struct.field(name)).otherwise(pl.col(name)).alias(name) for name in _PACE).drop(
        "mean", _BEST
    )
