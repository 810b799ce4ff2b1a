"""Where a log that should have spoken was silent: gaps, judged by the log's own rhythm.

A log is looked at in slots of five minutes, in which it speaks or not. How often it speaks at an hour
of a day of the week gives the time its own measure: a silence is as long as there would have been slots
in which it spoke, so that nights and weekends hardly count. The level of the weeks around is taken
into account, and what an hour or so of daylight saving time shifts is no silence.

On that measure the lengths of long silences fall off exponentially, the slower the more requests come
in bursts (`rhythm.py`). A gap is a silence of
an hour or more that is so long that, in twenty years of this log, one is expected at most: far
rarer than once a year, since the rhythm is itself estimated. The whole store has one where for more
than a week no log was there at all. What a log has not delivered yet is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.metrics.extent import Scan
from pullstats.metrics.time.completeness import SILENCE, name_whole
from pullstats.metrics.time.rhythm import HOUR, SLOT, expect_slots, find_limit, measure_silences
from pullstats.metrics.time.windows import TICK

_AROUND: Final = timedelta(days=56)
"""How far before and after the instants asked for a rhythm is read, so that every window sees the same gaps."""
_LEAST_SILENCES: Final = 20
_SPOKEN: Final = 0.5
"""Slots of an hour from which on it is missed; hours that usually hold less are silent by habit."""
_MOST_TOLD: Final = 5
_ANY: Final = "any log"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a log held nothing, though its rhythm says it should have.

    Attributes:
        log: its name.
        start: first instant that is missed, UTC.
        end: first instant after those, UTC.
        silent_from: where the silence begins that it is part of; what lies before it is silent by habit.
        silent_until: where that ends.
    """

    log: str
    start: datetime
    end: datetime
    silent_from: datetime
    silent_until: datetime


@dataclass(frozen=True, slots=True)
class Silences:
    """Where logs were silent, and when any spoke.

    Attributes:
        gaps: by time.
        spoken: the beginnings of the slots in which any log spoke, sorted.
    """

    gaps: list[Gap]
    spoken: pl.Series


def find_gaps(sources: pl.DataFrame | None, scan: Scan, start: datetime, end: datetime) -> Silences:
    """Find where between two instants a log is silent that should have spoken, or all logs are.

    Args:
        sources: `source_id`, `name`, `first`, `last` of each log; of logs that are not known there are no gaps.
        scan: gives the store's events.
        start: first instant.
        end: last instant.
    """
    around = (start - _AROUND, end + _AROUND) if sources is not None else (start, end + TICK)
    slots = _read_slots(scan, *around)
    inside = slots["slot"].unique().sort()
    spoken = inside.filter(inside.is_between(start - SLOT, end))
    if sources is None:
        return Silences([], spoken)
    names = {source: name_whole(name or source) for source, name in sources.select("source_id", "name").rows()}
    log = pl.col("source_id").replace_strict(names, default=pl.col("source_id"), return_dtype=pl.String)
    logs = sources.select("source_id", "first", "last", log=log).drop_nulls()
    slots = pl.concat([slots, *_read_beyond(scan, logs, slots.with_columns(log=log), *around)])
    slots = slots.select("slot", log=log).unique()
    found = _find_absence(sources)
    for (name,), rows in slots.group_by("log", maintain_order=False):
        found += _find_gaps_of(str(name), rows["slot"].sort())
    return Silences(sorted((gap for gap in found if gap.start <= end and gap.end > start), key=lambda gap: (gap.start, gap.log)), spoken)


def _read_slots(scan: Scan, start: datetime, end: datetime) -> pl.DataFrame:
    """Read in which slots each source spoke: `source_id`, `slot`."""
    slot = pl.col("timestamp").dt.truncate("5m")
    return scan(["source_id", "timestamp"], start, end).select("source_id", slot=slot).unique().collect(engine="streaming")


def _read_beyond(scan: Scan, logs: pl.DataFrame, slots: pl.DataFrame, start: datetime, end: datetime) -> list[pl.DataFrame]:
    """Read what came before and after a silence that reaches beyond what was read: without its ends it is seen by no window within it.

    Args:
        scan: gives the store's events.
        logs: `source_id`, its `log`, and the `first` and `last` event of it.
        slots: what was read: `log`, `slot`.
        start: from when on it was read.
        end: up to when.
    """
    reach = logs.group_by("log").agg(pl.col("first").min(), pl.col("last").max())
    reach = reach.join(slots.group_by("log").agg(earliest=pl.col("slot").min(), latest=pl.col("slot").max()), on="log", how="left")
    begun, ends = pl.col("first") < start, pl.col("last") >= end
    late = reach.filter(begun, pl.col("last") >= start, pl.col("earliest").fill_null(end) > start + SILENCE)["log"]
    early = reach.filter(ends, pl.col("first") < end, pl.col("latest").fill_null(start) < end - SILENCE)["log"]
    found = []
    if (before := _find_nearest(scan, logs, late, None, start)) is not None:
        found.append(_read_slots(scan, before - _AROUND, start))
    if (after := _find_nearest(scan, logs, early, end, None)) is not None:
        found.append(_read_slots(scan, end, after + _AROUND))
    return found


def _find_nearest(scan: Scan, logs: pl.DataFrame, silent: pl.Series, start: datetime | None, end: datetime | None) -> datetime | None:
    """Find the instant nearest to a bound beyond which each of some logs has spoken; None where there are none of them."""
    sources = logs.filter(pl.col("log").is_in(silent.implode()))["source_id"]
    if not sources.len():
        return None
    nearest = pl.col("timestamp").max() if start is None else pl.col("timestamp").min()
    found = scan(["source_id", "timestamp"], start, end).filter(pl.col("source_id").is_in(sources.implode())).group_by("source_id").agg(nearest)
    by_log = found.collect(engine="streaming").join(logs.select("source_id", "log"), on="source_id").group_by("log").agg(nearest)["timestamp"]
    bound = by_log.min() if start is None else by_log.max()
    return bound if isinstance(bound, datetime) else None


def _find_absence(sources: pl.DataFrame) -> list[Gap]:
    """Find where no log was there at all, for more than a week."""
    found: list[Gap] = []
    reached: datetime | None = None
    for first, last in sources.select("first", "last").drop_nulls().sort("first", "last").rows():
        if reached is not None and first - reached > SILENCE:
            found.append(Gap(_ANY, reached + TICK, first, reached + TICK, first))
        reached = last if reached is None else max(reached, last)
    return found


def _find_gaps_of(name: str, slots: pl.Series) -> list[Gap]:
    """Find the silences of a log that are too long for its rhythm."""
    if slots.len() < _LEAST_SILENCES:
        return []
    hours = expect_slots(slots)
    silences = measure_silences(slots, hours)
    limit = find_limit(silences["length"], hours.height)
    long = silences.filter((pl.col("length") > limit) & (pl.col("until") - pl.col("since") >= HOUR))
    return [_trim(name, hours, since, until) for since, until in long.select("since", "until").rows()]


def _trim(name: str, hours: pl.DataFrame, since: datetime, until: datetime) -> Gap:
    """Let a gap begin when the next request was due, and leave out the hours at its ends that are silent by habit."""
    spoken = hours.filter(pl.col("hour").is_between(since - HOUR, until, closed="left") & (pl.col("usual") >= _SPOKEN))
    rate = spoken["usual"].first()
    due = since + max(HOUR / rate - SLOT, timedelta()) if isinstance(rate, float) else since
    due = due.replace(minute=due.minute // 5 * 5, second=0, microsecond=0)
    missed = spoken.filter(pl.col("hour") + HOUR > due)["hour"]
    start, end = missed.min(), missed.max()
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return Gap(name, since, until, since, until)
    start = min(max(start, due), until - SLOT)
    return Gap(name, start, max(min(end + HOUR, until), start + SLOT), since, until)


def describe_gaps(gaps: Sequence[Gap], zone: str) -> list[str]:
    """Say in words where the logs have gaps, the first few, as clocks of a zone show it."""
    told = [
        f"gap: no events of {gap.log} from {write_time(gap.start, zone).removesuffix(f' {zone}')} to {write_time(gap.end, zone)}"
        for gap in gaps[:_MOST_TOLD]
    ]
    return told + ([f"and {len(gaps) - _MOST_TOLD} more gaps"] if len(gaps) > _MOST_TOLD else [])
