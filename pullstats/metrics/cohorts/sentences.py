"""What of cohorts is said in words."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.cohorts.calendar import FORMED, INDEX, SHOWN, STATE, WHOLE, Calendar
from pullstats.metrics.cohorts.churn import Churn
from pullstats.metrics.cohorts.lasting import Lasting
from pullstats.metrics.cohorts.retention import AGE, MEMBERS
from pullstats.metrics.cohorts.sightings import BORN
from pullstats.metrics.metric import Metric
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.buckets import Buckets
from pullstats.percentages import write_share

COUNTED: Final = "who is seen made a request that names a package and was not answered 4xx or 5xx"
_UNITS: Final = {"d": "day", "w": "week", "mo": "month", "q": "quarter", "y": "year"}
_MOST_TOLD: Final = 3


def name_buckets(buckets: Buckets, count: int) -> str:
    """Write so many buckets in words: 1 week, 3 spans of 2 weeks.

    Args:
        buckets: their size.
        count: how many.
    """
    unit = _UNITS[buckets.unit]
    if buckets.count > 1:
        return f"{count:,} {'span' if count == 1 else 'spans'} of {buckets.count:,} {unit}s"
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def describe_cohorts(triangle: pl.DataFrame, pooled: pl.DataFrame, level: Metric, buckets: Buckets) -> str:
    """Say how many came for the first time, and how many of them came again in the bucket after.

    Args:
        triangle: the cohorts, as `make_triangle` gives them.
        pooled: all together, as `pool` gives it.
        level: the metric that counts them.
        buckets: their size.
    """
    heads = triangle.filter(pl.col(AGE) == 0)
    if not heads.height:
        return ""
    told = f"{level.name_count(int(heads[MEMBERS].sum()))} first seen in {name_buckets(buckets, heads.height)}"
    following = pooled.filter(pl.col(AGE) == 1).rows(named=True)
    if not following:
        return told
    row = following[0]
    unit = _UNITS[buckets.unit] if buckets.count == 1 else f"{buckets.count:,} {_UNITS[buckets.unit]}s"
    share, low, high = (write_share(row[name]) for name in ("share", "low", "high"))
    return f"{told}; of {row[MEMBERS]:,} whose next {unit} is known, {share} came in it (95 % interval {low} to {high})"


def tell_unformed(asked: Plan, calendar: Calendar) -> list[str]:
    """Say of which buckets of the window there is no cohort, and why.

    Args:
        asked: the plan of the question.
        calendar: the buckets.
    """
    places = calendar.places
    inside = places.filter(pl.col("end") > asked.window.start) if asked.window.start else places
    runs: list[list[str]] = []
    labels = calendar.axis.buckets.label(inside[BUCKET])
    for place, (label, formed) in enumerate(zip(labels, inside[FORMED], strict=True)):
        if formed:
            continue
        if place and not inside[FORMED][place - 1]:
            runs[-1][1:] = [label]
        else:
            runs.append([label])
    if not runs:
        return []
    named = ", ".join(" to ".join(run) for run in runs[:_MOST_TOLD]) + (f" and {len(runs) - _MOST_TOLD} more times" if len(runs) > _MOST_TOLD else "")
    need = name_buckets(calendar.axis.buckets, calendar.look_back)
    return [f"no cohort of {named}: not all of the {need} before are whole in these logs, so who is first seen there may have come before"]


def tell_signs(triangle: pl.DataFrame, pooled: pl.DataFrame, lasting: Lasting, calendar: Calendar) -> list[str]:
    """Say how the triangle is to be read: of each sign and row that it shows.

    Args:
        triangle: the cohorts shown, as `make_triangle` gives them.
        pooled: all together, as `pool` gives it.
        lasting: how long they stayed.
        calendar: the buckets.
    """
    aged = triangle.filter((pl.col(AGE) > 0) & (pl.col(MEMBERS) > 0))
    if not aged.height:
        return []
    unit = name_buckets(calendar.axis.buckets, 2).split(" ", 1)[1]
    told = [f"+1, +2, …: per cent of a cohort that were seen so many {unit} after the first"]
    if aged.filter(~pl.col(STATE).is_in([WHOLE, "gap"])).height:
        told.append(f"~: the {unit} are not whole in these logs, so more may have come; not in the row all")
    if aged.filter(pl.col(STATE) == "gap").height:
        told.append("·: the logs were silent")
    if pooled.height:
        told.append("all: the cohorts together, with Wilson's interval")
    if lasting.people and lasting.reach >= 0:
        need = name_buckets(calendar.axis.buckets, calendar.look_back)
        told.append(
            f"then or later: who was seen at this age or after it, Kaplan and Meier's estimate with Greenwood's interval on the scale of log(-log S); "
            f"gone is who was not seen in {need} or more at the end, others are followed up to there"
        )
    return told


def tell_churn(churn: Churn | None) -> list[str]:
    """Say how many of those lost only changed their address, where more did than none.

    Args:
        churn: the estimate.
    """
    if churn is None or churn.low <= 0:
        return []
    bounds = f"95 % interval {write_share(churn.low)} to {write_share(churn.high)}; {churn.departures:,} departures in {churn.networks:,} networks"
    told = (
        f"an estimated {write_share(churn.share)} of the origins that were lost only changed their address ({bounds}): so much more often than by chance a new "
        f"origin of the same network, client, system and architecture came within {churn.days:,} days after them"
    )
    return [told]


def label_cohorts(calendar: Calendar) -> dict[int, str]:
    """Name the cohorts shown by their bucket, by its index."""
    shown = calendar.places.filter(SHOWN)
    return dict(zip(shown[INDEX], calendar.axis.buckets.label(shown[BUCKET]), strict=True))


def keep_last(triangle: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Keep the cohorts that came last.

    Args:
        triangle: as `make_triangle` gives it.
        limit: how many, 0 for all.
    """
    return triangle.filter(pl.col(BORN).is_in(triangle[BORN].unique().sort().tail(limit).implode())) if limit else triangle
