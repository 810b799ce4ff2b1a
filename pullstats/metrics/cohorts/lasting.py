"""How long whoever came stayed: Kaplan and Meier's estimate of the share that was seen at an age or later.

Who was last seen so long before the end that a look-back of whole buckets lies behind is gone. Of all others it is not known: they are followed up to there and
no further (censored). Every member of a cohort is censored at the same bucket, whatever became of it, as the estimate asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pullstats.metrics.cohorts.calendar import INDEX, SHOWN, Calendar
from pullstats.metrics.cohorts.sightings import BORN, Sightings
from pullstats.metrics.versions.survival import Step, follow_counts


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long they stayed.

    Attributes:
        steps: the share that is seen after each age, as `follow` gives it.
        people: how many were followed.
        reach: the last age that is known; -1 where nothing is.
    """

    steps: Sequence[Step]
    people: int
    reach: int

    def at(self, age: int) -> tuple[float, float | None, float | None] | None:
        """Give the share that was seen at an age or later, and its interval; None where it is not known, no interval before anybody was lost."""
        if age - 1 > self.reach:
            return None
        passed = [step for step in self.steps if step.time <= age - 1]
        return (passed[-1].share, passed[-1].low, passed[-1].high) if passed else (1.0, None, None)


def measure_lasting(sightings: Sightings, calendar: Calendar) -> Lasting:
    """Follow the members of all cohorts shown.

    Args:
        sightings: who was seen when.
        calendar: the buckets.
    """
    until = calendar.last_known
    if until is None:
        return Lasting([], 0, -1)
    shown = calendar.places.filter(SHOWN).select(pl.col(INDEX).alias(BORN))
    members = sightings.people.join(shown, on=BORN, how="semi").filter(pl.col(BORN) <= until)
    is_lost = pl.col("gone") <= until
    times = (pl.min_horizontal("gone", pl.lit(until)) - pl.col(BORN)).alias("time")
    counted = members.group_by(times).agg(lost=is_lost.sum().cast(pl.Int64), left=(~is_lost).sum().cast(pl.Int64)).sort("time")
    reach = members.select((until - pl.col(BORN)).max()).item()
    return Lasting(follow_counts(counted.rows()), members.height, -1 if reach is None else int(reach))
