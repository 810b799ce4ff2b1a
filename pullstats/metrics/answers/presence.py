"""Who asked at all, and how long they stayed: what must stand beside every count of uniques.

No level bounds the number of people: a network hides many behind one address, a laptop that roams
and a job in CI that is thrown away make one person many. How far that goes is seen from the share
of endpoints that came on one day and never again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pullstats.metrics.definitions import METRICS
from pullstats.metrics.levels import UNIQUE_LEVELS
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY

_ENDPOINT, _WHO = "endpoint_key", "who_key"
CLIENTS: Final = frozenset({*UNIQUE_LEVELS.values()})
"""Metrics that count those who asked."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Those who asked, within window and filters; answered 401 alone they are nobody.

    Attributes:
        asked: how many there were, of the unique level of the question.
        one_day_share: share of endpoints seen on one day of the question's zone only; None where the logs of the window reach over one day alone.
    """

    asked: int
    one_day_share: float | None


def find_presence(asked: Plan) -> Presence | None:
    """Count who asked, and on how many days; None where that is not wanted, or hashes of several keys cannot be compared."""
    if asked.query.is_bare or not asked.has_one_key or not _counts_clients(asked):
        return None
    filters = tuple(text for text, _ in asked.steps)
    return asked.events.findings.find(("presence", asked.window, filters, asked.query.unique_by, asked.query.tz), lambda: _count_presence(asked))


def _count_presence(asked: Plan) -> Presence:
    level, endpoint = asked.level, METRICS["endpoints"]
    assert level.identity is not None
    assert endpoint.identity is not None
    needed = [*level.columns, *endpoint.columns]
    keys = {_ENDPOINT: endpoint.identity, _WHO: level.identity}
    found = []
    for part in cut_by_network(replace(asked, metrics=()), keys, needed):
        groups = part.kept(needed).filter(~IS_ANONYMOUS_TRY).group_by(key.alias(name) for name, key in keys.items())
        found.append(groups.agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()).collect(engine="streaming"))
    seen = pl.concat(found)
    return Presence(seen[_WHO].drop_nulls().n_unique(), _share_of_one_day(asked, seen) if _spans_days(asked) else None)


def _counts_clients(asked: Plan) -> bool:
    """Tell whether an answer counts uniques anywhere: in a column, or in the headline beside downloads."""
    return any(metric.rule or metric.name in CLIENTS for metric in asked.metrics)


def _spans_days(asked: Plan) -> bool:
    """Tell whether the window holds more than one local day of the logs."""
    ends = asked.window.clip(asked.extent.first, asked.extent.newest)
    if ends is None:
        return False
    first, last = _local_days(asked, pl.Series(ends, dtype=pl.Datetime("us", "UTC")))
    return bool(first != last)


def _share_of_one_day(asked: Plan, seen: pl.DataFrame) -> float | None:
    people = seen.drop_nulls(_ENDPOINT).group_by(_ENDPOINT).agg(pl.col("first").min(), pl.col("last").max())
    share: float | None = (_local_days(asked, people["first"]) == _local_days(asked, people["last"])).mean()  # type: ignore[assignment]
    return share


def _local_days(asked: Plan, instants: pl.Series) -> pl.Series:
    return instants.dt.convert_time_zone(asked.query.tz).dt.date()
