"""How many of the origins that were lost only changed their address: an estimate.

An origin is an address with its client, so one that moves within its network looks like one that left and one that came. Directly after somebody was seen for the
last time, a *successor* is an origin that is first seen: of the same network, client, operating system and architecture. In a busy network one comes by chance, too;
how often, the same span before the last sight tells, and the one after the next, whose mean no steady growth or fall shifts. If Q is the share of departures
without such an arrival in a span, Q(after) = (1 - moved) x Q(by chance), and so moved = 1 - Q(after) / sqrt(Q(before) x Q(later)). Whoever comes back later than
within the span, or in another network, is not seen: the estimate is rather too low.

Source: the interval is that of the logarithm of this ratio, linearised, with departures of one network taken as one cluster (Taylor linearisation; Cochran 1977).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.cohorts.calendar import FORMED, INDEX, SHOWN, Calendar
from pullstats.metrics.cohorts.sightings import BORN, TRAITS, WHO
from pullstats.metrics.versions.survival import NORMAL_95

_LEAST_SPAN: Final = timedelta(days=7)
"""A shorter one would hold other days of the week than the one before it."""
_LEAST_NETWORKS: Final = 20
_KIND: Final = "kind"
_SPAN_DAYS: Final = {"d": 1, "w": 7, "mo": 28, "q": 90, "y": 365}


@dataclass(frozen=True, slots=True)
class Churn:
    """What is estimated.

    Attributes:
        share: of those lost, how many only changed their address.
        low: its 95 % interval from.
        high: to.
        departures: of how many it is estimated.
        networks: in how many networks these were.
        days: how long a span is.
    """

    share: float
    low: float
    high: float
    departures: int
    networks: int
    days: int


def estimate_churn(people: pl.DataFrame, calendar: Calendar) -> Churn | None:
    """Estimate it; None where too few networks lost anybody, or nothing can be told from chance.

    Args:
        people: as `Sightings` holds them, of origins.
        calendar: the buckets.
    """
    span = find_span(calendar)
    known = people.filter(pl.col("network").is_not_null())
    kinds = known.select(list(TRAITS)).unique(maintain_order=True).with_row_index(_KIND)
    known = known.join(kinds, on=list(TRAITS), nulls_equal=True)
    departures = _find_departures(known, calendar, span)
    arrivals = known.filter(FORMED).select(_KIND, pl.col(WHO).alias("new"), pl.col("first").alias("at")).sort("at", "new")
    arrivals = arrivals.with_columns(pl.col("at").shift(1).over(_KIND).alias("earlier"))
    counted = _look_around(departures, arrivals, span)
    networks = counted["network"].n_unique()
    return _estimate(counted, networks, span) if networks >= _LEAST_NETWORKS else None


def find_span(calendar: Calendar) -> timedelta:
    """Give how long after somebody's last request a successor is looked for: a bucket, but a week at least."""
    buckets = calendar.axis.buckets
    return max(timedelta(days=buckets.count * _SPAN_DAYS[buckets.unit]), _LEAST_SPAN)


def _find_departures(known: pl.DataFrame, calendar: Calendar, span: timedelta) -> pl.DataFrame:
    """List members of cohorts who are gone, and around whose last request it is known who was new: `who`, `kind`, `network`, `last`."""
    places, until = calendar.places, calendar.last_known
    if until is None:
        return known.clear()
    shown = places.filter(SHOWN).select(pl.col(INDEX).alias(BORN))
    gone = known.join(shown, on=BORN, how="semi").filter(pl.col("gone") <= until)
    unformed = pl.Series([0, *places.select((~pl.col(FORMED)).cast(pl.Int64).cum_sum()).to_series()])
    begin = places["start"].search_sorted(gone["last"] - span, side="right").cast(pl.Int64) - 1
    end = places["start"].search_sorted(gone["last"] + 2 * span, side="right").cast(pl.Int64)
    is_inside = (begin >= 0) & (gone["last"] + 2 * span < places["end"].max())
    whole = unformed.gather(end) == unformed.gather(begin.clip(lower_bound=0))
    return gone.filter(is_inside & whole)


def _look_around(departures: pl.DataFrame, arrivals: pl.DataFrame, span: timedelta) -> pl.DataFrame:
    """Tell of each departure whether nobody of its kind came in the span after it, before it, and after the next."""
    spans = {"after": pl.col("last"), "later": pl.col("last") + span}
    found = departures.select(WHO, _KIND, "network", "last").sort("last", WHO)
    for name, start in spans.items():
        following = arrivals.select(_KIND, pl.col("at").alias(f"{name}_at"))
        found = found.with_columns(start.alias("from")).join_asof(
            following, left_on="from", right_on=f"{name}_at", by=_KIND, strategy="forward", allow_exact_matches=False, check_sortedness=False
        )
        found = found.with_columns((pl.col(f"{name}_at") > pl.col("from") + span).fill_null(value=True).cast(pl.Float64).alias(name))
    found = found.join_asof(arrivals, left_on="last", right_on="at", by=_KIND, allow_exact_matches=False, check_sortedness=False)
    previous = pl.when(pl.col("new") == pl.col(WHO)).then("earlier").otherwise("at")
    before = (previous < pl.col("last") - span).fill_null(value=True).cast(pl.Float64)
    return found.select("network", "after", "later", before.alias("before"))


def _estimate(counted: pl.DataFrame, networks: int, span: timedelta) -> Churn | None:
    after, before, later = (float(counted[name].sum()) / counted.height for name in ("after", "before", "later"))
    if not min(after, before, later):
        return None
    ratio = after / math.sqrt(before * later)
    influence = pl.col("after") / after - (pl.col("before") / before + pl.col("later") / later) / 2
    squares = counted.group_by("network").agg(influence.sum().alias("sum")).select((pl.col("sum") ** 2).sum()).item()
    reach = NORMAL_95 * math.sqrt(squares * networks / (networks - 1)) / counted.height
    return Churn(1 - ratio, 1 - ratio * math.exp(reach), 1 - ratio * math.exp(-reach), counted.height, networks, span.days)
