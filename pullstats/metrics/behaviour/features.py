"""Features: what the visits of an origin, or of an origin to one package, are like.

Source: DEFINITIONS "Behaviour (class)".
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.periods import find_periods
from pullstats.metrics.behaviour.rhythm import describe_rhythm
from pullstats.metrics.behaviour.visits import FULL, KEY, SECOND
from pullstats.metrics.islands import Islands, changes, sum_between

_HOUR: Final = 3600 * SECOND
_SHARES: Final = {
    "unchanged_share": "unchanged",
    "denied_share": "denied",
    "absent_share": "absent",
    "failed_share": "failed",
    "ping_share": "pings",
    "listing_share": "listings",
    "index_share": "indexes",
}
_BY_CHANCE: Final = 0.1
"""Share of a random process's gaps in its fullest window of ±10 %, rounded up; the least that counts."""

_CLOSE_BY_CHANCE: Final = 0.2
"""Share of those within 1 % of it, twice what it would be if they were spread evenly."""


def mark_silences(visits: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    """Mark the visits before which the logs were silent for a while: that gap is not their origin's.

    Args:
        visits: `key`, `start`, `end` (µs), in order.
        silences: `since`, `until` (µs) of spans that do not overlap, in order.

    Returns:
        The visits with `is_explained`.
    """
    if not silences.height:
        return visits.with_columns(is_explained=pl.lit(value=False))
    left = visits["end"].shift(1).fill_null(0)
    place = pl.lit(silences["until"].search_sorted(left, side="right"))
    begins = pl.lit(silences["since"]).gather(pl.min_horizontal(place, silences.height - 1))
    return visits.with_columns(is_explained=(place < silences.height) & (begins < pl.col("start")))


def describe_visits(visits: pl.DataFrame) -> pl.DataFrame:
    """Describe the visits of each owner.

    Args:
        visits: `key`, `start`, `end` (µs), `requests`, `is_full`, `packages`, `is_explained`, in order of the first two.

    Returns:
        One row a key, in order: sums, rhythm and period.
    """
    first, last = Islands(changes(KEY)).locate(visits)
    sums = {"requests": pl.col("requests").cast(pl.Int64), "full": pl.col(FULL).cast(pl.Int64), "package_visits": pl.col("packages").cast(pl.Int64)}
    found = visits.select(
        pl.col(KEY).gather(first),
        pl.col("start").gather(first),
        pl.col("end").gather(last),
        (last - first + 1).alias("visits"),
        *(sum_between(one, first, last).alias(name) for name, one in sums.items()),
    ).with_columns(packages_a_visit=pl.col("package_visits") / pl.col("visits"))
    found = found.drop("package_visits").with_columns(describe_rhythm(visits).drop(KEY).get_columns())
    found = found.join(find_periods(visits).with_columns(find_chance()), on=KEY, how="left", maintain_order="left")
    return found.with_columns(
        pl.col("gaps", "hits", "multiples", "long", "close").fill_null(0), pl.col("regular", "tight", "beyond_chance").fill_null(0.0)
    )


def find_chance() -> pl.Expr:
    """Give the log of how much less likely so many gaps of one length, and of its multiples, are by chance (Chernoff's bound, for as many tries as gaps)."""
    near = _surprise(pl.col("hits"), pl.col("gaps"), pl.col("by_chance").clip(_BY_CHANCE))
    multiple = _surprise(pl.col("multiples"), pl.col("long"), pl.col("wide"))
    close = _surprise(pl.col("close") - 1, pl.col("hits") - 1, pl.lit(_CLOSE_BY_CHANCE))  # the period is one of them
    return (near + multiple + close - pl.col("gaps").log()).clip(0).fill_null(0.0).alias("beyond_chance")


def _surprise(hits: pl.Expr, tries: pl.Expr, by_chance: pl.Expr) -> pl.Expr:
    """Bound the log of the chance of so many hits or more; nothing where they are fewer than expected."""
    share = (hits / tries).fill_nan(0).clip(1e-9, 1 - 1e-9)
    apart = share * (share / by_chance).log() + (1 - share) * ((1 - share) / (1 - by_chance)).log()
    return pl.when(share > by_chance).then(tries * apart).otherwise(0.0).fill_null(0.0)


def count_hits() -> pl.Expr:
    """Count the gaps that are the period or a multiple of it, missed polls between."""
    return (pl.col("hits") + pl.col("multiples")).alias("hits_all")


def describe_pace() -> dict[str, pl.Expr]:
    """Give what is made of a period: how many fit, its length and its spread as features."""
    span = (pl.col("end") - pl.col("start")) / SECOND
    return {
        "periods": (span / pl.col("period")).fill_null(0.0),
        "spread_seconds": pl.col("spread") / 2,
        "period_hours": (pl.col("period") / 3600).fill_null(0.0),
    }


def add_ratios(found: pl.DataFrame) -> pl.DataFrame:
    """Add what is made of sums: shares of requests and visits, spans, takings.

    Args:
        found: as `describe_visits` gives it, with `COUNTS`, `tags`, `takes`, `artifacts` and `packages`.
    """
    span = pl.col("end") - pl.col("start")
    return found.with_columns(
        *((pl.col(of) / pl.col("requests")).alias(name) for name, of in _SHARES.items()),
        hours_span=span / _HOUR,
        a_day=pl.col("visits") / pl.col("days"),
        full_share=pl.col("full") / pl.col("visits"),
        retakes=pl.col("takes") / pl.col("artifacts").clip(1),
        tags_a_visit=pl.col("tags") / pl.col("visits"),
        together=pl.col("packages_a_visit") / pl.col("packages").clip(1),
        versions_a_package=pl.col("tags") / pl.col("packages").clip(1),
        **describe_pace(),
        head_share=(pl.col("heads") / (pl.col("heads") + pl.col("gets"))).fill_nan(0.0),
        machines=pl.col("machines").fill_null(1),
    ).with_columns(count_hits())
