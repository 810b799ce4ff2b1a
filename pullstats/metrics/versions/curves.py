"""How the downloads of a package went over to a release, by whole days of 24 hours since it came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.time.gaps import Gap
from pullstats.metrics.versions.kinds import RANK
from pullstats.metrics.versions.moments import Moment
from pullstats.metrics.versions.takings import MINUTE

DAY: Final = "day"
NEWER: Final = "newer"
OLD: Final = "old"
BASE_DAYS: Final = 7
"""Before a release, over which the share of the old version is taken."""
_DAY: Final = timedelta(days=1)
_PARTS: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Curve:
    """The days since a release.

    Attributes:
        moment: of the release.
        days: a row a whole day: `day` (from 1), `downloads` of versions that have an order, `newer` (of the release or newer ones), `old` (of the
            old version), `newer_share`, `old_share` (null where nothing was taken), `gap`.
        old: the version that was taken most in the week before; None where none was, or the logs do not hold that week.
        base: its share in that week.
    """

    moment: Moment
    days: pl.DataFrame
    old: str | None
    base: float | None

    @property
    def reached(self) -> list[int | None]:
        """On which day 10, 50 and 90 % of the downloads were of the release or newer; None where none was."""
        return [self._first(pl.col("newer_share") >= part) for part in _PARTS]

    @property
    def half_life(self) -> int | None:
        """On which day the share of the old version was half of what it had been, or less."""
        return self._first(pl.col("old_share") <= self.base / 2) if self.base else None

    def _first(self, holds: pl.Expr) -> int | None:
        found = self.days.filter(~pl.col("gap") & holds)[DAY]
        return int(found[0]) if found.len() else None


def draw_curve(takings: pl.DataFrame, moment: Moment, first: datetime, last: datetime, gaps: Sequence[Gap]) -> Curve:
    """Follow the downloads of a package since a release.

    Args:
        takings: of its package, as `list_takings` gives them, with `rank`, as far as that is known.
        moment: of the release.
        first: the first instant that is known.
        last: the first instant that is not known any more.
        gaps: when logs were silent; a day that one falls into tells of no share.
    """
    begin = pl.lit(moment.moment)
    old, rank, base = _find_old(takings, moment, first)
    count = max((last - moment.moment) // _DAY, 0)
    since = takings.filter(pl.col(MINUTE) >= begin).with_columns(((pl.col(MINUTE) - begin).dt.total_days() + 1).alias(DAY))
    is_newer = pl.col(RANK) >= moment.rank
    is_old = pl.col(RANK) == rank if rank is not None else pl.lit(value=False)
    taken = pl.col("downloads")
    counted = since.group_by(DAY).agg(taken.sum(), taken.filter(is_newer).sum().alias(NEWER), taken.filter(is_old).sum().alias(OLD))
    grid = pl.DataFrame({DAY: range(1, count + 1)}, schema={DAY: pl.Int64})
    days = grid.join(counted, on=DAY, how="left", maintain_order="left").with_columns(pl.col("downloads", NEWER, OLD).fill_null(0))
    starts = [moment.moment + day * _DAY for day in range(count)]
    silent = [any(gap.silent_from < start + _DAY and gap.silent_until > start for gap in gaps) for start in starts]
    some = pl.when(taken > 0)
    shares = (some.then(pl.col(NEWER) / taken).alias("newer_share"), some.then(pl.col(OLD) / taken).alias("old_share"))
    return Curve(moment, days.with_columns(*shares, pl.Series("gap", silent, pl.Boolean)), old, base)


def _find_old(takings: pl.DataFrame, moment: Moment, first: datetime) -> tuple[str | None, int | None, float | None]:
    """Find the version that was taken most in the week before a release, and its share."""
    start = moment.moment - BASE_DAYS * _DAY
    before = takings.filter((pl.col(MINUTE) >= start) & (pl.col(MINUTE) < moment.moment))
    ranked = before.group_by(RANK).agg(pl.col("downloads").sum(), pl.col("release").min()).sort("downloads", RANK, descending=True)
    ranked = ranked.filter((pl.col(RANK) < moment.rank) & (pl.col("downloads") > 0))
    if start < first or not ranked.height:
        return None, None, None
    rank, downloads, release = ranked.row(0)
    return release, rank, downloads / before["downloads"].sum()
