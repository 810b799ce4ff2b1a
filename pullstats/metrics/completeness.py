"""What is complete: which buckets are final, and where a log that should have spoken was silent.

A bucket is final once every log that still delivers has delivered events later than its end and a
day of grace. A log that another one continues (the piece of a rotation, the next day's file), or
that fell silent a week before the newest event, delivers no more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

GRACE: Final = timedelta(hours=24)
_SILENCE: Final = timedelta(days=7)
_SUCCESSION: Final = timedelta(hours=1)
_HOUR: Final = timedelta(hours=1)
_HISTORY: Final = timedelta(days=28)
_LEAST_DAYS: Final = 3
_LEAST_EVENTS: Final = 5
_MOST_GAPS: Final = 5
_PIECE: Final = re.compile(r"(?:[.-](?:[0-9]{1,3}|[0-9]{8}(?:[0-9]{2,6})?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T_-][0-9-]+)?|gz|bz2|xz|zst))+$")
"""What rotation appends to a log's name: a number, a date, a compression."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours in which a log held nothing, though its history says it should have.

    Attributes:
        log: its name.
        start: first instant, UTC.
        end: first instant after it, UTC.
    """

    log: str
    start: datetime
    end: datetime


def find_final_until(sources: pl.DataFrame | None, newest: datetime | None) -> datetime | None:
    """Tell up to when every log that still delivers has delivered, grace taken off; None if nothing is final.

    Args:
        sources: `source_id`, `name`, `first`, `last` of each log, None if only `newest` is known.
        newest: the latest event of the store.
    """
    if newest is None:
        return None
    if sources is None:
        return newest - GRACE
    known = [row for row in sources.select("source_id", "name", "first", "last").rows() if row[2] is not None]
    starts = sorted((first, source) for source, _, first, _ in known)
    latest: dict[str, datetime] = {}
    for source, name, _, last in known:
        following = bisect_right(starts, (last, source))
        is_continued = following < len(starts) and starts[following][0] - last <= _SUCCESSION
        if not is_continued and newest - last < _SILENCE:
            log = name_log(name or source)
            latest[log] = max(latest.get(log, last), last)
    return min(latest.values(), default=newest) - GRACE


def name_log(name: str) -> str:
    """Give the name that the pieces of one rotated log share."""
    return _PIECE.sub("", name)


def find_gaps(
    sources: pl.DataFrame | None, scan: Callable[[Sequence[str], datetime | None, datetime | None], pl.LazyFrame], start: datetime, end: datetime
) -> list[Gap]:
    """Find the hours between two instants in which a log is silent that at this hour of other days held events.

    Returns:
        Gaps by time; none where fewer than three days of history could tell.
    """
    if sources is None:
        return []
    events = scan(["source_id", "timestamp"], start - _HISTORY, end)
    hours = events.group_by("source_id", hour=pl.col("timestamp").dt.truncate("1h")).agg(count=pl.len()).collect(engine="streaming")
    names = {source: name_log(name or source) for source, name in sources.select("source_id", "name").rows()}
    hours = hours.with_columns(log=pl.col("source_id").replace_strict(names, default=pl.col("source_id"), return_dtype=pl.String))
    found: list[Gap] = []
    for (log,), rows in hours.group_by("log", maintain_order=False):
        found += _find_gaps_of(str(log), rows.group_by("hour").agg(pl.col("count").sum()), start)
    return sorted(found, key=lambda gap: (gap.start, gap.log))


def _find_gaps_of(log: str, rows: pl.DataFrame, start: datetime) -> list[Gap]:
    first, last = rows["hour"].min(), rows["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    if last - first < timedelta(days=_LEAST_DAYS):
        return []
    every = pl.datetime_range(first, last, "1h", time_zone="UTC", time_unit="us", eager=True).alias("hour").to_frame()
    grid = every.join(rows, on="hour", how="left").with_columns(pl.col("count").fill_null(0))
    usual = grid.with_columns(usual=pl.col("count").median().over(pl.col("hour").dt.hour()))
    silent = usual.filter((pl.col("count") == 0) & (pl.col("usual") >= _LEAST_EVENTS) & (pl.col("hour") >= start)).sort("hour")["hour"].to_list()
    gaps: list[Gap] = []
    for hour in silent:
        if gaps and gaps[-1].end == hour:
            gaps[-1] = Gap(log, gaps[-1].start, hour + _HOUR)
        else:
            gaps.append(Gap(log, hour, hour + _HOUR))
    return gaps


def describe_gaps(gaps: Sequence[Gap]) -> list[str]:
    """Say in words where the logs have gaps, the first few."""
    told = [f"gap: no events of {gap.log} from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} UTC" for gap in gaps[:_MOST_GAPS]]
    return told + ([f"and {len(gaps) - _MOST_GAPS} more gaps"] if len(gaps) > _MOST_GAPS else [])
