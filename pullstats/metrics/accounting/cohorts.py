"""Of every request whether it shows somebody of a cohort, or why it does not."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.accounting.lines import Known, Line, sort_requests
from pullstats.metrics.cohorts.calendar import FORMED, INDEX, SHOWN, Calendar
from pullstats.metrics.cohorts.sightings import BORN, WHO, Sightings
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_FAILED

_PART: Final = "cohorts"


def account_for_cohorts(asked: Plan, calendar: Calendar, sightings: Sightings, history: pl.Expr) -> tuple[Line, ...]:
    """Tell of every request up to the window's end whether it shows somebody of a cohort.

    Args:
        asked: the plan of the question, of all requests up to the window's end.
        calendar: its buckets.
        sightings: who was seen when.
        history: true for the events that can be compared with those of the window.
    """
    identity = asked.level.identity
    assert identity is not None
    born = calendar.places.select(pl.col(INDEX).alias(BORN), SHOWN)
    people = sightings.people.select(WHO, BORN, FORMED).join(born, on=BORN, how="left")
    reasons = (
        ("was answered 4xx or 5xx", IS_FAILED),
        ("names no package", pl.col("package_name").is_null()),
        ("was hashed with another key, so that nobody can tell who came again", ~history),
        (f"names no {asked.level.singular}", identity.is_null()),
        (f"of whoever was first seen where less than {calendar.look_back} whole buckets of logs lie before: that forms no cohort", ~pl.col(FORMED)),
        ("of a cohort from before the window", ~pl.col(SHOWN)),
    )
    row = pl.lit("in: shows somebody of a cohort")
    return tuple(sort_requests(asked, _PART, row, reasons, Known(people, {WHO: identity})))
