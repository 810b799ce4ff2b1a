"""Whether the share of a value grows or shrinks over whole buckets of time by more than chance does.

The slope is that of a straight line through who was seen in which bucket, with the value or without (least squares). It has two errors, and
must pass both: that from one network to the next, for who comes again and again, or from many addresses of one network, is one draw (a
sandwich of clusters, under no trend); and that from one bucket to the next, for what shifts all of a week at once is one draw, too.
Several values are judged together, each at the level that keeps that of all.

Sources: Liang and Zeger, Longitudinal data analysis using generalized linear models, Biometrika 73 (1986); Šidák, Rectangular confidence
regions, JASA 62 (1967).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Final

import polars as pl

from pullstats.metrics.comparing.joint_level import LEVEL
from pullstats.metrics.comparing.student import find_quantile
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.versions.asks import WHO
from pullstats.metrics.versions.values import CLUSTER, VALUE

LEAST_BUCKETS: Final = 6
LEAST_CLUSTERS: Final = 10
"""Networks that must show a value, and networks that must show another."""
MOST_JUDGED: Final = 20
"""Values, the most common ones; the more are judged, the less is seen of each."""
GROWING, SHRINKING, NONE_SEEN = "growing", "shrinking", "none seen"
_PLACE: Final = "place"
_MOST_FREEDOM: Final = 500
"""From there on Student's t is as good as normal."""


@dataclass(frozen=True, slots=True)
class Trend:
    """What is said of the share of a value.

    Attributes:
        word: `growing`, `shrinking`, or `none seen`.
        slope: by how much the share rises from one bucket to the next.
        low: its interval from, at the level of all values together.
        high: to.
    """

    word: str
    slope: float
    low: float
    high: float


def judge_trends(showings: pl.DataFrame, whole: Sequence[object]) -> dict[str, Trend]:
    """Judge the values that enough networks show, and enough show another of.

    Args:
        showings: as `list_showings` gives them.
        whole: the buckets that hold all there was, in order.

    Returns:
        By value what is said of it; nothing of fewer buckets than `LEAST_BUCKETS`.
    """
    if len(whole) < LEAST_BUCKETS:
        return {}
    places = pl.DataFrame({BUCKET: whole, _PLACE: range(len(whole))}, schema={BUCKET: showings.schema[BUCKET], _PLACE: pl.Int64})
    seen = showings.drop_nulls(VALUE).join(places, on=BUCKET)
    people = seen.select(WHO, CLUSTER, _PLACE).unique([WHO, _PLACE])
    if people[_PLACE].n_unique() < LEAST_BUCKETS:
        return {}
    chosen = _choose(seen)
    level = 1 - (1 - LEVEL) ** (1 / max(len(chosen), 1))
    line = _Line.through(people)
    return {value: line.judge(seen.filter(pl.col(VALUE) == value), freedom, level) for value, freedom in chosen}


def _choose(seen: pl.DataFrame) -> list[tuple[str, int]]:
    """Choose the most common values of which something can be said, each with its degrees of freedom."""
    every = seen[CLUSTER].n_unique()
    counted = (
        seen.group_by(VALUE).agg(people=pl.col(WHO).n_unique(), those=pl.col(CLUSTER).n_unique()).sort("people", VALUE, descending=[True, False])
    )
    only = seen.group_by(CLUSTER).agg(pl.col(VALUE).n_unique().alias("count"), pl.col(VALUE).first()).filter(pl.col("count") == 1)
    alone = dict(only.group_by(VALUE).len().rows())
    fewest = [(value, min(those, every - alone.get(value, 0))) for value, those in counted.select(VALUE, "those").rows()]
    return [(value, count - 1) for value, count in fewest if count >= LEAST_CLUSTERS][:MOST_JUDGED]


@dataclass(frozen=True, slots=True)
class _Line:
    """The line through whom was seen when. Sums are exact whatever the order of their parts, so that an answer does not depend on it.

    Attributes:
        totals: a row a bucket: `place`, `count` of whoever was seen.
        reach: a row a cluster: how often any was seen, `count`, and the sum of their places, `places`.
        centre: the mean place.
        spread: the sum of squared distances from it.
    """

    totals: pl.DataFrame
    reach: pl.DataFrame
    centre: float
    spread: float

    @staticmethod
    def through(people: pl.DataFrame) -> _Line:
        """Lay it.

        Args:
            people: a row for each that was seen in a bucket: `cluster`, `place`.
        """
        totals = people.group_by(_PLACE).agg(count=pl.len().cast(pl.Int64)).sort(_PLACE)
        reach = people.group_by(CLUSTER).agg(count=pl.len().cast(pl.Int64), places=pl.col(_PLACE).sum())
        centre = int(reach["places"].sum()) / people.height
        return _Line(totals, reach, centre, fsum(count * (place - centre) ** 2 for place, count in totals.rows()))

    def judge(self, theirs: pl.DataFrame, freedom: int, level: float) -> Trend:
        """Judge one value.

        Args:
            theirs: a row for each that showed it in a bucket: `cluster`, `place`.
            freedom: degrees of freedom of what clusters tell.
            level: of the judgement.
        """
        shown = dict(theirs.group_by(_PLACE).len().rows())
        slope = fsum(count * (place - self.centre) for place, count in shown.items()) / self.spread
        mean = theirs.height / int(self.totals["count"].sum())
        margin = max(
            find_quantile(level, min(freedom, _MOST_FREEDOM)) * self._find_error_among(theirs, mean),
            find_quantile(level, min(self.totals.height - 2, _MOST_FREEDOM)) * self._find_error_between(shown, mean, slope),
        )
        word = NONE_SEEN if abs(slope) <= margin else GROWING if slope > 0 else SHRINKING
        return Trend(word, slope, slope - margin, slope + margin)

    def _find_error_among(self, theirs: pl.DataFrame, mean: float) -> float:
        """Give the standard error of the slope from one cluster to the next."""
        own = theirs.group_by(CLUSTER).agg(own_count=pl.len().cast(pl.Int64), own_places=pl.col(_PLACE).sum())
        both = self.reach.join(own, on=CLUSTER, how="left").with_columns(pl.col("own_count", "own_places").fill_null(0))
        own_pull = pl.col("own_places") - self.centre * pl.col("own_count")
        pull = own_pull - mean * (pl.col("places") - self.centre * pl.col("count"))
        return sqrt(fsum(both.select(pull**2).to_series())) / self.spread

    def _find_error_between(self, shown: Mapping[int, int], mean: float, slope: float) -> float:
        """Give the standard error of the slope from one bucket to the next."""
        misses = (count * (shown.get(place, 0) / count - mean - slope * (place - self.centre)) ** 2 for place, count in self.totals.rows())
        return sqrt(fsum(misses) / (self.totals.height - 2) / self.spread)
