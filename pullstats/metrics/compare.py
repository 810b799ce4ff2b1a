"""Two windows, or two filters, side by side: what changed, and whether more than it always does.

A difference is within the noise where it is no larger than twice the standard deviation of the
differences between the periods of the same length before. Like for like cuts both windows to the
same elapsed part, in whole weeks where there is one, so that both hold the same weekdays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import stdev
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.filters import parse_filter
from pullstats.metrics.framing import build_meta, describe_meta, dimension_columns, dimension_heads, refuse_epochs
from pullstats.metrics.partials import compute_partials, fold
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.windows import Window
from pullstats.reports import Column, Report

_PAST: Final = 8
_LEAST_PAST: Final = 3
_DEVIATIONS: Final = 2
_WEEK: Final = timedelta(days=7)
_TICK: Final = timedelta(microseconds=1)
_VALUE_DIMENSIONS: Final = ("version", "tag", "domain", "backend")
"""What a bare word may be a value of."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The two things to compare.

    Attributes:
        left: a window, a filter, or a version, host or backend.
        right: the other one.
        is_like_for_like: cut both to the same weekdays and the same elapsed part.
    """

    left: str
    right: str
    is_like_for_like: bool = False


def answer_comparison(query: Query, sides: Sides, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Compare two sides, metric by metric.

    Raises:
        UsageError: a side that is nothing of all this, or one a window and the other a filter.
    """
    base = resolve(query, reach, now, scan, is_shifting=is_shifting)
    windows = [_try_window(query, text, scan, reach, now) for text in (sides.left, sides.right)]
    if all(windows):
        asked = [found for found in windows if found is not None]
    elif not any(windows):
        asked = [_filter_side(query, text, base, scan, reach, now) for text in (sides.left, sides.right)]
    else:
        message = f"'{sides.left}' and '{sides.right}' are a window and a filter; compare two windows, or two filters within one --window"
        raise UsageError(message)
    notes: list[str] = []
    if all(windows) and sides.is_like_for_like:
        asked, notes = _align(asked)
    for one in asked:
        refuse_epochs(one, scan, one.metrics)
    return _compare(asked, scan, [sides.left, sides.right], notes)


def _try_window(query: Query, text: str, scan: Scan, reach: Reach, now: datetime) -> Resolved | None:
    try:
        return resolve(replace(query, window=text), reach, now, scan, is_shifting=False)
    except UsageError:
        return None


def _filter_side(query: Query, text: str, base: Resolved, scan: Scan, reach: Reach, now: datetime) -> Resolved:
    try:
        parse_filter(text, query.tz)
        where = text
    except UsageError as error:
        where = _find_value(text, base, scan, error)
    both = f"({query.where}) and ({where})" if query.where else where
    return replace(resolve(replace(query, where=both), reach, now, scan, is_shifting=False), window=base.window)


def _find_value(text: str, base: Resolved, scan: Scan, error: UsageError) -> str:
    """Find of which dimension a bare word is a value, and write that as a filter."""
    bare = text.removeprefix("v")
    for name in _VALUE_DIMENSIONS:
        dimension = DIMENSIONS[name]
        events = base.window.keep(scan(sorted({*dimension.columns, "timestamp"}), base.window.start, base.window.end))
        hits = events.select(dimension.expr(base.query.tz).alias(name)).filter(pl.col(name).is_in([text, bare, f"v{bare}"]))
        if (found := hits.unique().collect(engine="streaming")[name]).len():
            listed = ", ".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in found.sort())
            return f"{name} in ({listed})"
    message = f"'{text}' is no window, no version, host or backend of this window, and no filter:\n{error}"
    raise UsageError(message)


def _align(asked: Sequence[Resolved]) -> tuple[list[Resolved], list[str]]:
    """Cut two windows to the same elapsed part: whole weeks where there is one, else the same weekdays."""
    zone = ZoneInfo(asked[0].query.tz)
    spans = [_local_span(one, zone) for one in asked]
    length = min(end - start for start, end in spans)
    weekdays: frozenset[int] | None = None
    if length >= _WEEK:
        length = length // _WEEK * _WEEK
    else:
        weekdays = frozenset.intersection(*(_weekdays(start, start + length) for start, _ in spans))
    cut = []
    for one, (start, _) in zip(asked, spans, strict=True):
        bounds = [local.replace(tzinfo=zone).astimezone(UTC) for local in (start, start + length)]
        days = weekdays if weekdays is None or one.window.weekdays is None else weekdays & one.window.weekdays
        cut.append(
            replace(one, window=replace(one.window, start=bounds[0], end=bounds[1], weekdays=days if days is not None else one.window.weekdays))
        )
    told = " and ".join(f"{one.window.start:%Y-%m-%d %H:%M}–{one.window.end:%Y-%m-%d %H:%M}" for one in cut)
    return cut, [f"like for like: {told} UTC{', the weekdays both hold' if weekdays is not None else ', whole weeks'}"]


def _local_span(one: Resolved, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give a window's span on the local clock, as far as the logs reach."""
    reach = one.reach
    start = one.window.start or reach.first
    newest = reach.newest + _TICK if reach.newest else None
    end = min((moment for moment in (one.window.end, newest) if moment is not None), default=None)
    if start is None or end is None or end <= start:
        message = f"the window '{one.window.label}' holds no time that the logs reach; like for like needs both"
        raise UsageError(message)
    return start.astimezone(zone).replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None)


def _weekdays(start: datetime, end: datetime) -> frozenset[int]:
    days = (end - _TICK).date() - start.date()
    return frozenset((start + timedelta(days=number)).isoweekday() for number in range(days.days + 1))


def _compare(asked: Sequence[Resolved], scan: Scan, names: Sequence[str], notes: list[str]) -> Report:
    left, right = asked
    groups = {dimension.key: dimension.expr(left.query.tz) for dimension in left.dimensions}
    keys = list(groups)
    partials = [compute_partials(one, scan, groups, dimension_columns(one)) for one in asked]
    metrics = [metric for metric in left.metrics if metric.kind in {"count", "bytes", "share"}]
    sides = [_long(fold(part, tuple(metrics), tuple(keys)), keys, [metric.key for metric in metrics]) for part in partials]
    rows = sides[0].rename({"value": "a"}).join(sides[1].rename({"value": "b"}), on=[*keys, "metric"], how="full", coalesce=True, nulls_equal=True)
    counts = [metric.key for metric in metrics if metric.kind != "share"]
    rows = rows.with_columns(pl.when(pl.col("metric").is_in(counts)).then(pl.col("a", "b").fill_null(0)).otherwise(pl.col("a", "b")))
    rows = rows.with_columns(difference=pl.col("b") - pl.col("a"), change=pl.when(pl.col("a") != 0).then(pl.col("b") / pl.col("a") - 1))
    order = {metric.key: place for place, metric in enumerate(metrics)}
    rows = rows.with_columns(place=pl.col("metric").replace_strict(order, return_dtype=pl.Int64))
    if keys:
        size = rows.filter(pl.col("place") == 0).select(*keys, size=pl.col("difference").abs())
        rows = rows.join(size, on=keys, how="left", nulls_equal=True).sort(
            "size", *keys, "place", descending=[True, *(False for _ in keys), False], nulls_last=True
        )
        rows = rows.head(left.query.limit * len(metrics)) if left.query.limit else rows
    else:
        rows = rows.sort("place")
    columns = [*dimension_heads(left), Column("metric", "metric", "text")]
    columns += [
        Column("a", names[0], "number"),
        Column("b", names[1], "number"),
        Column("difference", "difference", "number"),
        Column("change", "change", "change"),
    ]
    if not keys:
        verdicts = _judge(asked, scan, rows)
        rows = rows.with_columns(
            noise=pl.Series([one[0] for one in verdicts], dtype=pl.Float64), verdict=pl.Series([one[1] for one in verdicts], dtype=pl.String)
        )
        columns += [Column("noise", "noise ±", "number"), Column("verdict", "verdict", "prose")]
    meta = build_meta(right, partials[1], warnings=notes)
    meta |= {"a": build_meta(left, partials[0])["window"] | {"side": names[0]}, "b": meta["window"] | {"side": names[1]}}
    footer = f"a: {names[0]} · b: {names[1]} · {describe_meta(meta)}"
    is_empty = all(part.kept == 0 for part in partials)
    return Report(
        rows.select(column.name for column in columns), tuple(columns), headline=_headline(rows, keys), footer=footer, meta=meta, is_empty=is_empty
    )


def _long(frame: pl.DataFrame, keys: list[str], metrics: list[str]) -> pl.DataFrame:
    return frame.with_columns(pl.col(metrics).cast(pl.Float64)).unpivot(metrics, index=keys or None, variable_name="metric", value_name="value")


def _headline(rows: pl.DataFrame, keys: list[str]) -> str:
    if keys or not rows.height:
        return ""
    told = []
    for row in rows.to_dicts():
        change = f" ({row['change']:+.1%})" if row["change"] is not None else ""
        if row["difference"] is not None and float(row["difference"]).is_integer():
            told.append(f"{row['metric'].replace('_', ' ')} {int(row['a']):,} → {int(row['b']):,}{change}")
    return ", ".join(told)


def _judge(asked: Sequence[Resolved], scan: Scan, rows: pl.DataFrame) -> list[tuple[float | None, str]]:
    """Say of each metric whether the difference is within the noise of past periods."""
    past = _past_differences(asked, scan)
    found: list[tuple[float | None, str]] = []
    for row in rows.to_dicts():
        changes = [change for change in past.get(row["metric"], []) if change is not None]
        if row["difference"] is None:
            found.append((None, "one side says nothing of it"))
        elif len(changes) < _LEAST_PAST:
            found.append((None, f"too little past to tell: {len(changes)} of at least {_LEAST_PAST} earlier differences"))
        else:
            usual = sum(changes) / len(changes) if _is_same_window(asked) else 0.0
            noise = (
                _DEVIATIONS * stdev(changes) if _is_same_window(asked) else _DEVIATIONS * (sum(one * one for one in changes) / len(changes)) ** 0.5
            )
            is_noise = abs(row["difference"] - usual) <= noise
            found.append((noise, f"{'within' if is_noise else 'beyond'} the noise of {len(changes)} past differences"))
    return found


def _is_same_window(asked: Sequence[Resolved]) -> bool:
    return (asked[0].window.start, asked[0].window.end) == (asked[1].window.start, asked[1].window.end)


def _past_differences(asked: Sequence[Resolved], scan: Scan) -> dict[str, list[float | None]]:
    """Measure the periods before: of two windows how they follow each other, of two filters how they differ."""
    earlier = min(asked, key=lambda one: one.window.start or datetime.max.replace(tzinfo=UTC))
    values: list[list[dict[str, Any]]] = []
    for window in _past_windows(earlier):
        sides = asked if _is_same_window(asked) else (earlier,)
        values.append(
            [fold(compute_partials(one_side := replace(one, window=window), scan, {}, []), one_side.metrics, ()).row(0, named=True) for one in sides]
        )
    found: dict[str, list[float | None]] = {}
    for metric in asked[0].metrics:
        key = metric.key
        if metric.kind not in {"count", "bytes", "share"}:
            continue
        if _is_same_window(asked):
            found[key] = [_minus(right[key], left[key]) for left, right in values]
        else:
            course = [row[0][key] for row in values]
            found[key] = [_minus(later, before) for later, before in pairwise(course)]
    return found


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else float(later) - float(earlier)


def _past_windows(one: Resolved) -> list[Window]:
    """List the spans of a window's length before it, the latest first, as far as the logs reach.

    Where only some weekdays count, it goes back by whole weeks.
    """
    window, first = one.window, one.reach.first
    found: list[Window] = []
    if window.start is None or window.end is None or first is None or window.end <= window.start:
        return found
    length = window.end - window.start
    step = -(-length // _WEEK) * _WEEK if window.weekdays is not None else length
    while len(found) < _PAST and window.start - step >= first:
        window = replace(window, start=window.start - step, end=window.end - step)
        found.append(window)
    return found
