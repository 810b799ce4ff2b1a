"""Where a log that should have spoken was silent: gaps, judged by the log's own rhythm.

A log is looked at in slots of five minutes, in which it speaks or not. How often it speaks at an hour
of a day of the week gives the time its own measure: a silence is as long as there would have been slots
in which it spoke, so that nights and weekends hardly count. The level of the weeks around is taken
into account, and what an hour or so of daylight saving time shifts is no silence.

On that measure the lengths of long silences fall off exponentially, the slower the more requests come
in bursts; the fall is read from the log's own silences (peaks over threshold). A gap is a silence of
an hour or more that is so long that, in twenty years of this log, one is expected at most: far
rarer than once a year, since the rhythm is itself estimated. The whole store has one where for more
than a week no log was there at all. What a log has not delivered yet is none.

Source: Davison and Smith, Models for exceedances over high thresholds, J. R. Statist. Soc. B 52 (1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.metrics.extent import Scan
from pullstats.metrics.time.completeness import SILENCE, name_whole
from pullstats.metrics.time.windows import TICK

_SLOT: Final = timedelta(minutes=5)
_HOUR: Final = timedelta(hours=1)
_WEEK_HOURS: Final = 7 * 24
_AROUND: Final = timedelta(days=56)
"""How far before and after the instants asked for a rhythm is read, so that every window sees the same gaps."""
_YEARS: Final = 20.0
_YEAR_HOURS: Final = 365.25 * 24
_LEAST_WEEKS: Final = 2
_LEAST_DAYS: Final = 3
_LEAST_SILENCES: Final = 20
_HIGH: Final = (0.9, 0.99, 0.998)
"""Quantiles of silences between which the fall is read; between the first two, or between the last two if it is much slower there."""
_TRUST: Final = 0.75
"""How much of the fall between the last two counts: it rests on few silences."""
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
    spoken = inside.filter(inside.is_between(start - _SLOT, end))
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
    hours = _expect(slots)
    silences = _measure(slots, hours)
    limit = _find_limit(silences["length"], hours.height)
    long = silences.filter((pl.col("length") > limit) & (pl.col("until") - pl.col("since") >= _HOUR))
    return [_trim(name, hours, since, until) for since, until in long.select("since", "until").rows()]


def _expect(slots: pl.Series) -> pl.DataFrame:
    """Tell of every hour in how many slots a log would have spoken.

    Returns:
        `hour`, `spoken`, `usual`, and with the caution of a judge `expected` and `passed`, what was expected before it.

    An hour is expected to be as on the same day of other weeks; where there are fewer than two of these,
    as on other workdays, or days of the weekend, if there are three or more.
    """
    counts = slots.to_frame("slot").group_by(hour=pl.col("slot").dt.truncate("1h")).agg(spoken=pl.len().cast(pl.Float64))
    first, last = counts["hour"].min(), counts["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    every = pl.datetime_range(first, last, "1h", time_zone="UTC", time_unit="us", eager=True).alias("hour").to_frame()
    grid = every.join(counts, on="hour", how="left", maintain_order="left").with_columns(pl.col("spoken").fill_null(0.0))
    silent = pl.col("spoken") == 0
    grid = grid.with_columns(run=silent.rle_id()).with_columns(is_history=~(silent & (pl.len().over("run") > _WEEK_HOURS)))  # absence is no rhythm
    moment = pl.col("hour")
    weekly = [moment.dt.weekday(), moment.dt.hour()]
    # Where a weekend begins and ends depends on the zone: the evening before and the morning after may be its.
    is_rest = (moment + timedelta(hours=12)).dt.weekday().is_in([6, 7]) | (moment - timedelta(hours=14)).dt.weekday().is_in([6, 7])
    daily, is_day = [is_rest, moment.dt.hour()], pl.col("is_history") & (~is_rest | moment.dt.weekday().is_in([6, 7]))
    counts_by_week, by_week = _average_others(pl.col("is_history"), weekly)
    counts_by_day, by_day = _average_others(is_day, daily)
    by_week, by_day = pl.when(counts_by_week >= _LEAST_WEEKS).then(by_week), pl.when(counts_by_day >= _LEAST_DAYS).then(by_day)
    grid = grid.with_columns(expected=pl.coalesce(by_week, by_day, 0.0))
    # A clock that is put forward moves everything by an hour.
    level = pl.min_horizontal(pl.col("expected").shift(number) for number in (-1, 0, 1))
    return grid.with_columns(usual=pl.col("expected"), expected=level * _find_level()).with_columns(
        passed=pl.col("expected").cum_sum() - pl.col("expected")
    )


def _average_others(is_history: pl.Expr, key: Sequence[pl.Expr]) -> tuple[pl.Expr, pl.Expr]:
    """Count the other hours of a kind that are history, and average in how many slots of them a log spoke."""
    held, own = pl.when(is_history).then("spoken").otherwise(0.0), is_history.cast(pl.Int64)
    count = own.sum().over(key) - own
    return count, (held.sum().over(key) - held) / count


def _find_level() -> pl.Expr:
    """How much of its rhythm a log has at a time, at most all: the less of the week before and the week after each silence."""
    before = [pl.col(name).rolling_sum(_WEEK_HOURS, min_samples=1).shift(1) for name in ("spoken", "expected")]
    after = [pl.col(name).reverse().rolling_sum(_WEEK_HOURS, min_samples=1).reverse().shift(-1) for name in ("spoken", "expected")]
    ratios = [(spoken / expected).fill_nan(1.0).clip(0.0, 1.0).fill_null(1.0) for spoken, expected in (before, after)]
    return pl.min_horizontal(ratios[0].first().over("run"), ratios[1].last().over("run"))


def _measure(slots: pl.Series, hours: pl.DataFrame) -> pl.DataFrame:
    """List the silences between slots, and their lengths in slots in which the log would have spoken: `since`, `until`, `length`."""
    silences = pl.DataFrame({"since": slots.head(-1) + _SLOT, "until": slots.tail(-1)})
    lengths = {name: _pass(silences[name], hours) for name in ("since", "until")}
    return silences.with_columns(length=lengths["until"] - lengths["since"])


def _pass(moments: pl.Series, hours: pl.DataFrame) -> pl.Series:
    """Tell how many slots were expected up to each instant."""
    frame = moments.alias("moment").to_frame().with_columns(hour=pl.col("moment").dt.truncate("1h"))
    joined = frame.join(hours.select("hour", "expected", "passed"), on="hour", how="left", maintain_order="left")
    share = (pl.col("moment") - pl.col("hour")).dt.total_seconds() / _HOUR.total_seconds()
    total = hours["passed"][-1] + hours["expected"][-1]
    return joined.select((pl.col("passed") + pl.col("expected") * share).fill_null(total)).to_series()


def _find_limit(lengths: pl.Series, hours: int) -> float:
    """Give the length that a silence passes once in so many years at most."""
    low, high, most = (float(lengths.quantile(share, "linear") or 0.0) for share in _HIGH)
    tail = lengths.len() * (1 - _HIGH[0])
    slope = max((high - low) / log((1 - _HIGH[0]) / (1 - _HIGH[1])), _TRUST * (most - high) / log((1 - _HIGH[1]) / (1 - _HIGH[2])), 1.0)
    slope *= 1 + 1 / sqrt(tail)
    return low + slope * log(max(_YEARS * _YEAR_HOURS / hours * tail, 1.0))


def _trim(name: str, hours: pl.DataFrame, since: datetime, until: datetime) -> Gap:
    """Let a gap begin when the next request was due, and leave out the hours at its ends that are silent by habit."""
    spoken = hours.filter(pl.col("hour").is_between(since - _HOUR, until, closed="left") & (pl.col("usual") >= _SPOKEN))
    rate = spoken["usual"].first()
    due = since + max(_HOUR / rate - _SLOT, timedelta()) if isinstance(rate, float) else since
    due = due.replace(minute=due.minute // 5 * 5, second=0, microsecond=0)
    missed = spoken.filter(pl.col("hour") + _HOUR > due)["hour"]
    start, end = missed.min(), missed.max()
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return Gap(name, since, until, since, until)
    start = min(max(start, due), until - _SLOT)
    return Gap(name, start, max(min(end + _HOUR, until), start + _SLOT), since, until)


def describe_gaps(gaps: Sequence[Gap], zone: str) -> list[str]:
    """Say in words where the logs have gaps, the first few, as clocks of a zone show it."""
    told = [
        f"gap: no events of {gap.log} from {write_time(gap.start, zone).removesuffix(f' {zone}')} to {write_time(gap.end, zone)}"
        for gap in gaps[:_MOST_TOLD]
    ]
    return told + ([f"and {len(gaps) - _MOST_TOLD} more gaps"] if len(gaps) > _MOST_TOLD else [])
