"""Pairs of an origin and a package: what is kept of each until all are known, in few bytes.

Nine in ten are seen too seldom to have any pace. These are decided by what they asked for and by their origin alone, so of them the counts are
kept and all else is made of these again, some at a time, when it is needed. Of the others everything is kept, for their
streams are joined.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import add_ratios
from pullstats.metrics.behaviour.periods import LEAST_VISITS, PERIOD_COLUMNS
from pullstats.metrics.behaviour.requests import OWNER, OWNER_COLUMNS, TRAITS
from pullstats.metrics.behaviour.visits import COUNTS, LAST
from pullstats.metrics.vocabulary import CLASS_OF_KIND

_COUNTED: Final = ("visits", "requests", "full", "hours", "days", "tags", "takes", "artifacts", *COUNTS)
KEPT: Final = (OWNER, *OWNER_COLUMNS, "start", "end", LAST, "night", "weekend", *_COUNTED)
"""What is kept of every pair."""
_WHOSE: Final = ("origin_id", *TRAITS, "in_ci")


def is_thin() -> pl.Expr:
    """Tell which pairs have too few visits for any pace."""
    return pl.col("visits") < LEAST_VISITS


def keep_counts(pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep of pairs what the rest can be made of: `KEPT`.

    Args:
        pairs: with these columns.
    """
    return pairs.select(pl.col(name).cast(pl.UInt32) if name in _COUNTED else pl.col(name) for name in KEPT)


def describe_thin(counts: pl.DataFrame, origins: pl.DataFrame) -> pl.DataFrame:
    """Give thin pairs all features again.

    Args:
        counts: thin pairs, as `keep_counts` gives them.
        origins: `origin_id`, `TRAITS`, `in_ci`.
    """
    none = pl.lit(None, pl.Float64)
    counted = ("gaps", "hits", "multiples", "long", "close")
    paceless = {name: pl.lit(0, pl.Int64) if name in counted else none for name in PERIOD_COLUMNS}
    paceless |= {"machines": pl.lit(None, pl.UInt32), "regular": pl.lit(0.0), "tight": pl.lit(0.0), "beyond_chance": pl.lit(0.0)}
    wide = counts.with_columns(pl.col("requests", "full").cast(pl.Int64), packages_a_visit=pl.lit(1.0), **paceless)
    return finish_pairs(wide, origins)


def finish_pairs(pairs: pl.DataFrame, origins: pl.DataFrame) -> pl.DataFrame:
    """Add to pairs the traits of their origins, and what is made of counts.

    Args:
        pairs: `origin_id`, `package_name`, with sums, rhythm and period.
        origins: `origin_id`, `TRAITS`, `in_ci`.
    """
    both = pairs.join(origins.select(_WHOSE), on="origin_id", how="left", maintain_order="left")
    return finish(
        both.with_columns(packages=pl.col("package_name").is_not_null().cast(pl.UInt32), owners=pl.lit(1, pl.UInt32), alike=pl.lit(0, pl.UInt32))
    )


def finish(found: pl.DataFrame) -> pl.DataFrame:
    """Add what is made of sums, what the agent says, and that nothing is joined yet.

    Args:
        found: a row an origin, or a pair: `user_agent_kind`, and what `add_ratios` reads.
    """
    one = pl.lit(1, pl.UInt32)
    return add_ratios(found).with_columns(*_tell_agent(), addresses=one, sharers=one)


def _tell_agent() -> list[pl.Expr]:
    kinds = {name: kind for kind, name in CLASS_OF_KIND.items()}
    return [pl.col("user_agent_kind").eq_missing(kind).cast(pl.Int8).alias(f"kind_{name}") for name, kind in kinds.items()]
