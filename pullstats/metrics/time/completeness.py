"""What is complete: which buckets are final, and where a log that should have spoken was silent.

A bucket is final once every log that still delivers has delivered events later than its end and a
day of grace. A log that another one continues (the piece of a rotation, the next day's file), or
that fell silent a week before the newest event, delivers no more.

A log has a gap where it held nothing for an hour in which on most days of the four weeks before it
held five events or more, unless it is mostly silent at this hour of this weekday, and spoke again
later; and the whole store has one where for more than a week no log was there at all. What a log
has not delivered yet is no gap: its buckets are provisional.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.time.windows import TICK

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
_DATE: Final = re.compile(r"[./_-]?(?<![0-9])20[0-9]{2}([./_-]?)[01][0-9]\1[0-3][0-9](?:[./_T-]?[0-9]{2}){0,3}(?![0-9])")
"""A date elsewhere in it: `access-2025-04-16.log`, `2025/04/16/access.log`."""
_ANY: Final = "any log"


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours in which a log held nothing, though its history says it should have.

    Attributes:
        log: its name.
        start: first instant, UTC.
        end: first instant after it, UTC.
        silent_from: where the silence begins that it is part of; hours before it may be silent by habit.
        silent_until: where that ends.
    """

    log: str
    start: datetime
    end: datetime
    silent_from: datetime
    silent_until: datetime


def find_final_until(sources: pl.DataFrame | None, newest: datetime | None) -> datetime | None:
    """Tell the latest instant at which what ends is final: all logs that still deliver go beyond it by more than the grace.

    Args:
        sources: `source_id`, `name`, `first`, `last` of each log, None if only `newest` is known.
        newest: the latest event of the store.

    Returns:
        The instant; None if nothing is final.
    """
    if newest is None:
        return None
    if sources is None:
        return newest - GRACE - TICK
    known = [row for row in sources.select("source_id", "name", "first", "last").rows() if row[2] is not None]
    starts = sorted((first, source) for source, _, first, _ in known)
    latest: dict[str, datetime] = {}
    for source, name, _, last in known:
        following = bisect_right(starts, (last, source))
        is_continued = following < len(starts) and starts[following][0] - last <= _SUCCESSION
        if not is_continued and newest - last < _SILENCE:
            log = name_whole(name or source)
            latest[log] = max(latest.get(log, last), last)
    return min(latest.values(), default=newest) - GRACE - TICK


def name_log(name: str) -> str:
    """Give the name that the pieces of one rotated log share."""
    return _PIECE.sub("", name)


def name_whole(name: str) -> str:
    """Give the name that all files of one log share, wherever their names hold a date."""
    return _DATE.sub("", name_log(name)).lstrip("._-") or name


def find_gaps(
    sources: pl.DataFrame | None, scan: Callable[[Sequence[str], datetime | None, datetime | None], pl.LazyFrame], start: datetime, end: datetime
) -> list[Gap]:
    """Find where between two instants a log is silent that at this hour of other days held events, or all logs are.

    Returns:
        Gaps by time; of single logs none where fewer than three days of history could tell.
    """
    if sources is None:
        return []
    events = scan(["source_id", "timestamp"], start - _HISTORY, end)
    hours = events.group_by("source_id", hour=pl.col("timestamp").dt.truncate("1h")).agg(count=pl.len()).collect(engine="streaming")
    names = {source: name_whole(name or source) for source, name in sources.select("source_id", "name").rows()}
    hours = hours.with_columns(log=pl.col("source_id").replace_strict(names, default=pl.col("source_id"), return_dtype=pl.String))
    latest: dict[str, datetime] = {}
    for source, last in sources.select("source_id", "last").drop_nulls().rows():
        latest[names[source]] = max(latest.get(names[source], last), last)
    found = _find_absence(sources)
    for (log,), rows in hours.group_by("log", maintain_order=False):
        known = min(latest.get(str(log), end), end)
        found += _find_gaps_of(str(log), rows.group_by("hour").agg(pl.col("count").sum()), known)
    return sorted((gap for gap in found if gap.start <= end and gap.end > start), key=lambda gap: (gap.start, gap.log))


def _find_absence(sources: pl.DataFrame) -> list[Gap]:
    """Find where no log was there at all, for more than a week."""
    found: list[Gap] = []
    reached: datetime | None = None
    for first, last in sources.select("first", "last").drop_nulls().sort("first", "last").rows():
        if reached is not None and first - reached > _SILENCE:
            found.append(Gap(_ANY, reached + TICK, first, reached + TICK, first))
        reached = last if reached is None else max(reached, last)
    return found


def _find_gaps_of(log: str, rows: pl.DataFrame, known: datetime) -> list[Gap]:
    """Find the silences up to an instant until which the log is known to have been there."""
    first, last = rows["hour"].min(), rows["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    if last - first < timedelta(days=_LEAST_DAYS):
        return []
    whole = (known + TICK).replace(minute=0, second=0, microsecond=0) - _HOUR  # of an hour cut short nothing is known
    every = pl.datetime_range(first, max(last, whole), "1h", time_zone="UTC", time_unit="us", eager=True).alias("hour").to_frame()
    grid = every.join(rows, on="hour", how="left", maintain_order="left").with_columns(pl.col("count").fill_null(0))
    grid = grid.with_columns(is_silent=pl.col("count") == 0).with_columns(run=pl.col("is_silent").rle_id())
    grid = grid.with_columns(is_history=~(pl.col("is_silent") & (pl.len().over("run") > _SILENCE // _HOUR)))  # a silence of over a week is none
    runs = grid.with_columns(is_expected=_is_expected()).filter("is_silent")
    expected = pl.col("hour").filter("is_expected")
    gaps = runs.group_by("run").agg(
        pl.col("is_expected").any(),
        start=expected.min(),
        end=expected.max() + _HOUR,
        silent_from=pl.col("hour").min(),
        silent_until=pl.col("hour").max() + _HOUR,
    )
    return [Gap(log, *row) for row in gaps.filter("is_expected").select("start", "end", "silent_from", "silent_until").rows()]


def _is_expected() -> pl.Expr:
    """True for the hours in which a log's history says there should be events."""
    hour, day = pl.col("hour").dt.hour(), pl.col("hour").dt.weekday()
    is_silent, is_history = pl.col("is_silent"), pl.col("is_history")
    is_usual = pl.col("count").filter(is_history).median().over(hour) >= _LEAST_EVENTS
    others = is_history.sum().over(day, hour).cast(pl.Int64) - 1
    silent = (is_silent & is_history).sum().over(day, hour).cast(pl.Int64) - 1
    is_habit = is_history & (silent > 0) & (2 * silent >= others)
    return is_usual.fill_null(value=False) & ~is_habit


def describe_gaps(gaps: Sequence[Gap]) -> list[str]:
    """Say in words where the logs have gaps, the first few."""
    told = [f"gap: no events of {gap.log} from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M} UTC" for gap in gaps[:_MOST_GAPS]]
    return told + ([f"and {len(gaps) - _MOST_GAPS} more gaps"] if len(gaps) > _MOST_GAPS else [])
