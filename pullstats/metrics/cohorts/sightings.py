"""Who was seen in which bucket: made a request that names a package and was not answered 4xx or 5xx."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.metrics.cohorts.calendar import FORMED, INDEX, Calendar
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANSWERED

WHO: Final = "who"
BORN: Final = "born"
TRAITS: Final = {"network": "network_id", "client": "user_agent_name", "os": "os_name", "arch": "host_arch"}
"""What an origin that changes its address within its network keeps, and the event columns that tell it."""
_NEEDED: Final = ("http_response_status_code", "package_name", "key_epoch", "timestamp")


@dataclass(frozen=True, slots=True)
class Sightings:
    """Who was seen when.

    Attributes:
        seen: a row for each bucket that somebody was seen in: `who`, `index`, `born`.
        people: a row for each: `who`, `born` (index of the first bucket), `gone` (of the last), `first` and `last` request, `is_formed`; of origins `TRAITS`, too.
    """

    seen: pl.DataFrame
    people: pl.DataFrame


def find_sightings(asked: Plan, calendar: Calendar, history: pl.Expr) -> Sightings:
    """List who was seen in which bucket up to the window's end; network by network where memory is short.

    Args:
        asked: the plan of the question.
        calendar: its buckets.
        history: true for the events that can be compared with those of the window, from `key_epoch`.
    """
    identity = asked.level.identity
    assert identity is not None
    traits = TRAITS if asked.query.unique_by == "origin" else {}
    read = sorted({*identity.meta.root_names(), *traits.values(), *_NEEDED})
    whole = replace(asked, metrics=(), window=replace(asked.window, start=None))
    bounds = [pl.col("first").min(), pl.col("last").max(), *(pl.col(name).first() for name in traits)]
    own = [pl.col("timestamp").min().alias("first"), pl.col("timestamp").max().alias("last")]
    own += [pl.col(column).first().alias(name) for name, column in traits.items()]
    bucket = calendar.axis.buckets.expr.alias(BUCKET)
    found = []
    for part in cut_by_network(whole, {WHO: identity, BUCKET: bucket}, read):
        events = part.kept(read).filter(IS_ANSWERED & pl.col("package_name").is_not_null() & history)
        found.append(events.group_by(identity.alias(WHO), bucket).agg(own).filter(pl.col(WHO).is_not_null()).collect(engine="streaming"))
    seen = found[0] if len(found) == 1 else pl.concat(found).group_by(WHO, BUCKET).agg(bounds)
    seen = seen.join(calendar.places.select(BUCKET, INDEX), on=BUCKET)
    people = seen.group_by(WHO).agg(pl.col(INDEX).min().alias(BORN), pl.col(INDEX).max().alias("gone"), *bounds)
    people = people.join(calendar.places.select(pl.col(INDEX).alias(BORN), FORMED), on=BORN)
    return Sightings(seen.select(WHO, INDEX).join(people.select(WHO, BORN), on=WHO), people)
