"""How many of each cohort came again, by age: the triangle, and all cohorts of it together."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.cohorts.calendar import INDEX, SHOWN, STATE, WHOLE, Calendar
from pullstats.metrics.cohorts.sightings import BORN, Sightings
from pullstats.metrics.versions.wilson import add_interval

AGE: Final = "age"
MEMBERS: Final = "members"
RETAINED: Final = "retained"


def make_triangle(sightings: Sightings, calendar: Calendar) -> pl.DataFrame:
    """Count who of each cohort was seen at each age.

    Args:
        sightings: who was seen when.
        calendar: the buckets.

    Returns:
        A row a cohort shown and age, in order: `born`, `age`, `members`, `retained` (null in a gap), `state` of the bucket, and `add_interval`; of age 0, which all are
        seen at, no interval.
    """
    counted = sightings.seen.group_by(BORN, (pl.col(INDEX) - pl.col(BORN)).alias(AGE)).agg(pl.len().cast(pl.Int64).alias(RETAINED))
    members = counted.filter(pl.col(AGE) == 0).select(BORN, pl.col(RETAINED).alias(MEMBERS))
    cohorts = calendar.places.filter(SHOWN).select(pl.col(INDEX).alias(BORN)).join(members, on=BORN, how="left", maintain_order="left")
    grid = cohorts.join(calendar.places.select(INDEX, STATE), how="cross", maintain_order="left_right").filter(pl.col(INDEX) >= pl.col(BORN))
    grid = grid.with_columns((pl.col(INDEX) - pl.col(BORN)).alias(AGE), pl.col(MEMBERS).fill_null(0))
    grid = grid.join(counted, on=[BORN, AGE], how="left", maintain_order="left")
    known = pl.when(pl.col(STATE) != "gap").then(pl.col(RETAINED).fill_null(0))
    shares = add_interval(grid.with_columns(known.alias(RETAINED)), RETAINED, MEMBERS)
    bounds = (pl.when(pl.col(AGE) > 0).then(pl.col(name)).alias(name) for name in ("low", "high"))
    return shares.select(BORN, AGE, MEMBERS, RETAINED, "share", *bounds, STATE)


def pool(triangle: pl.DataFrame) -> pl.DataFrame:
    """Count all cohorts together, of those buckets alone that are whole.

    Args:
        triangle: as `make_triangle` gives it.

    Returns:
        A row an age from 1 on: `age`, `members`, `retained`, `cohorts`, and `add_interval`.
    """
    known = triangle.filter((pl.col(STATE) == WHOLE) & (pl.col(AGE) > 0) & (pl.col(MEMBERS) > 0))
    counted = known.group_by(AGE).agg(pl.col(MEMBERS, RETAINED).sum(), pl.len().cast(pl.Int64).alias("cohorts")).sort(AGE)
    return add_interval(counted, RETAINED, MEMBERS)
