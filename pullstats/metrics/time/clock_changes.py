"""When the clocks of a zone are put forward or back: the instants at which its offset from UTC changes.

Source: the IANA time zone database, as polars reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import polars as pl

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(hours=6)
"""Short enough that no zone changes its clock twice within it."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """One change of a zone's clock.

    Attributes:
        moment: the first instant of the new time, UTC.
        before: what the clock was ahead of UTC until then.
        after: what it is ahead from then on.
    """

    moment: datetime
    before: timedelta
    after: timedelta


@cache
def find_changes(zone: str) -> tuple[ClockChange, ...]:
    """List the changes of a zone's clock from 1970 to 2100, to the minute, in order."""
    steps = _find_changed(zone, pl.datetime_range(_FIRST, _LAST, _STEP, time_unit="us", eager=True))
    minutes = pl.select(
        pl.datetime_ranges(pl.lit(steps["moment"]) - _STEP, pl.lit(steps["moment"]), _MINUTE, time_unit="us").explode(empty_as_null=False)
    )
    found = _find_changed(zone, minutes.to_series())
    return tuple(ClockChange(moment, before, after) for moment, before, after in found.rows())


def _find_changed(zone: str, moments: pl.Series) -> pl.DataFrame:
    """Keep the moments whose offset is not that of the moment before them: `moment`, `before`, `after`."""
    after = moments.dt.convert_time_zone(zone).dt.replace_time_zone(None) - moments.dt.replace_time_zone(None)
    return pl.DataFrame({"moment": moments, "before": after.shift(1), "after": after}).filter(pl.col("before") != pl.col("after"))


@cache
def find_repeated_days(zone: str) -> tuple[tuple[datetime, datetime], ...]:
    """List the spans in which a clock that was put back over midnight shows the day before once more."""
    found = []
    for change in find_changes(zone):
        reached = (change.moment + change.before).replace(tzinfo=None)
        midnight = reached.replace(hour=0, minute=0)
        until = (midnight - change.after).replace(tzinfo=UTC)
        if midnight < reached and change.moment < until:
            found.append((change.moment, until))
    return tuple(found)
