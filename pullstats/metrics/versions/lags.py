"""How long after a release each origin that was on an older version first asked for it or a newer one.

Who counts: whoever asked for an older version in the days before the release, and for none as new before it. Who moved did so with the first
request of the release or a newer version; whoever was not seen to is followed up to the last request for the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.versions.asks import WHO
from pullstats.metrics.versions.kinds import RANK
from pullstats.metrics.versions.moments import Moment
from pullstats.metrics.versions.survival import Step, find_quantile, follow

DAY: Final = "day"
DAY_GROUP: Final = {DAY: pl.col("timestamp").dt.truncate("1d")}
"""Asks are listed by day, so that who asked before and after any instant can be told."""
_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Lags:
    """How origins came to a release.

    Attributes:
        people: a row an origin that was on an older version: `who`, `moved` (when, null if not), `last` (the last request for the package).
        steps: the estimate of those who had not moved, by days.
        since: from when on whoever asked is active.
    """

    people: pl.DataFrame
    steps: list[Step]
    since: datetime

    @property
    def stuck(self) -> pl.DataFrame:
        """Those who have not moved and are still there: rows of `people`."""
        return self.people.filter(pl.col("moved").is_null() & (pl.col("last") >= self.since))

    @property
    def counts(self) -> dict[str, int]:
        """How many there were, moved, are stuck, and were not seen any more."""
        moved = self.people.height - self.people["moved"].null_count()
        return {"origins": self.people.height, "moved": moved, "stuck": self.stuck.height, "gone": self.people.height - moved - self.stuck.height}

    def quantile(self, part: float) -> tuple[float | None, float | None, float | None]:
        """Give after how many days a part had moved, and the 95 % interval; None where it is not known."""
        return find_quantile(self.steps, part)


def measure_lags(asks: pl.DataFrame, moment: Moment, active: int, last: datetime) -> Lags:
    """Follow those who were on an older version.

    Args:
        asks: of its package, as `list_asks` gives them by day, with `rank`, as far as that and who asked are known.
        moment: of the release.
        active: days before the release in which they must have asked, and before the end to be still there.
        last: the first instant that is not known any more.
    """
    at, before = pl.lit(moment.moment), pl.lit(moment.moment - timedelta(days=active))
    is_newer = pl.col(RANK) >= moment.rank
    # A day's row that begins before the release and ends in the days before it has a request in them: of the day of the release, its first.
    was_there = (~is_newer & (pl.col("first") < at) & (pl.col("last") >= before)).any()
    people = asks.group_by(WHO).agg(was_there=was_there, moved=pl.col("first").filter(is_newer).min(), last=pl.col("last").max())
    people = people.filter(pl.col("was_there") & (pl.col("moved").is_null() | (pl.col("moved") >= at)))
    lag = (pl.coalesce("moved", "last") - at).dt.total_seconds().clip(0) / _SECONDS
    timed = people.select(lag.alias("lag"), pl.col("moved").is_not_null().alias("has_moved"))
    return Lags(people.drop("was_there").sort(WHO), follow(timed.rows()), last - timedelta(days=active))


def name_lags(lags: Lags) -> Mapping[str, float | int | None]:
    """Give the counts and quantiles of a release, a column each."""
    median, low, high = lags.quantile(0.5)
    return {**lags.counts, "median_days": median, "median_low": low, "median_high": high, "p90_days": lags.quantile(0.9)[0]}
