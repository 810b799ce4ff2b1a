"""Uniques with their bounds, and what becomes of them: new, returning, resurrected, churned.

A network is the lower bound of people, an endpoint the middle, an origin the upper bound. Every
count is the union over its row. "New" means first seen in these logs: who came before they begin
is new to them, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.answer import break_down
from pullstats.metrics.buckets import parse_every
from pullstats.metrics.completeness import find_final_until
from pullstats.metrics.definitions import UNIQUE_LEVELS
from pullstats.metrics.framing import build_report, name_level, refuse_epochs, unique_metric
from pullstats.metrics.partials import VALUE, Partials, compute_partials, count_partitions, split_scan
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.rolling import BUCKET
from pullstats.reports import Column, Report

LEVELS: Final = ("network", "endpoint", "origin", "org", "user")
BOUNDS: Final = {"network": "lower bound", "endpoint": "middle", "origin": "upper bound"}
STATES: Final = ("new", "returning", "resurrected", "churned")
_INDEX: Final = "bucket_index"
_DAY: Final = "local_day"
_SKETCH_SIZE: Final = 14
_DEVIATIONS: Final = 2
_SHORT: Final = 2**62 - 1


@dataclass(frozen=True, slots=True)
class UniqueQuestion:
    """What is asked of uniques besides the question itself.

    Attributes:
        levels: which levels to count, `LEVELS` by default.
        is_sketched: estimate with a sketch instead, and say how far it may be off.
    """

    levels: tuple[str, ...] = LEVELS
    is_sketched: bool = False


def answer_uniques(query: Query, asked_for: UniqueQuestion, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Count uniques on every level side by side; with `every`, follow one level through time.

    Raises:
        UsageError: a name that is not understood; uniques over several keys.
    """
    for level in asked_for.levels:
        if level not in UNIQUE_LEVELS:
            noun = "unique level"
            raise unknown_name(noun, level, UNIQUE_LEVELS)
    metrics = tuple(UNIQUE_LEVELS[level] for level in asked_for.levels)
    asked = resolve(replace(query, metrics=metrics, sort=query.sort or metrics[0]), reach, now, scan, is_shifting=is_shifting)
    refuse_epochs(asked, scan, asked.metrics)
    if query.every:
        if asked.dimensions or asked_for.is_sketched:
            message = "uniques --every takes neither --by nor --sketch; filter with --where"
            raise UsageError(message)
        return _follow(asked, scan)
    if asked_for.is_sketched:
        return _sketch(asked, scan, asked_for.levels)
    report, total = break_down(asked, scan)
    return replace(report, headline=_describe_bounds(asked_for.levels, total), columns=tuple(_bound(column) for column in report.columns))


def _bound(column: Column) -> Column:
    level = next((level for level, name in UNIQUE_LEVELS.items() if name == column.name), None)
    return replace(column, title=f"{column.title} ({BOUNDS[level]})", bar=False) if level in BOUNDS else column


def _describe_bounds(levels: tuple[str, ...], total: pl.DataFrame) -> str:
    named = [name_level(level, total[UNIQUE_LEVELS[level]].item() or 0) + (f" ({BOUNDS[level]})" if level in BOUNDS else "") for level in levels]
    return ", ".join(named)


def _sketch(asked: Resolved, scan: Scan, levels: tuple[str, ...]) -> Report:
    """Estimate every level with Apache DataSketches HLL, network by network where memory is short."""
    if asked.dimensions:
        message = "uniques --sketch takes no --by; leave --sketch out for exact counts of every row"
        raise UsageError(message)
    try:
        from datasketches import hll_sketch  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "--sketch needs the package datasketches; run: pip install 'pullstats[sketch]'"
        raise UsageError(message) from error
    sketches = {level: hll_sketch(_SKETCH_SIZE) for level in levels}
    read = kept = 0
    for part in split_scan(scan, count_partitions(asked, scan)):
        partials = compute_partials(replace(asked, reach=replace(asked.reach, events=None)), part, {}, [])
        read, kept = read + partials.read, kept + partials.kept
        for level, sketch in sketches.items():
            for value in _short_keys(partials.sets[UNIQUE_LEVELS[level]]):
                sketch.update(value)
    rows = [
        {
            "level": level,
            "estimate": round(sketch.get_estimate()),
            "low": round(sketch.get_lower_bound(_DEVIATIONS)),
            "high": round(sketch.get_upper_bound(_DEVIATIONS)),
        }
        for level, sketch in sketches.items()
    ]
    relative = hll_sketch.get_rel_err(True, False, _SKETCH_SIZE, _DEVIATIONS)
    frame = pl.DataFrame(rows, schema={"level": pl.String, "estimate": pl.Int64, "low": pl.Int64, "high": pl.Int64})
    columns = (Column("level", "level", "text"), *(Column(name, name, "count") for name in ("estimate", "low", "high")))
    empty = Partials((), pl.DataFrame({"requests": [kept]}), {}, {}, read, kept)
    report = build_report(asked, empty, frame, columns, pl.DataFrame({metric.key: [0] for metric in asked.metrics}))
    note = (
        f"estimates of a HyperLogLog sketch (lg_k {_SKETCH_SIZE}): low and high hold the true number in 95 of 100 cases, about ±{abs(relative):.1%}"
    )
    meta = report.meta | {"warnings": [*report.meta["warnings"], note], "relative_error": abs(relative)}
    return replace(report, headline="", meta=meta)


def _short_keys(frame: pl.DataFrame) -> list[Any]:
    """Give the keys of a set as a sketch takes them: hashes as 64-bit numbers, names as they are."""
    keys = frame[VALUE].drop_nulls().unique()
    return [key & _SHORT for key in keys.to_list()] if keys.dtype == pl.Int128 else keys.to_list()


def _follow(asked: Resolved, scan: Scan) -> Report:
    """Give one row a bucket: how many were there, and which of them are new, back, or gone."""
    buckets = parse_every(asked.query.every or "d", asked.query.tz, asked.query.week_start)
    metric = unique_metric(asked)
    seen, one_day = _sightings(asked, scan, buckets.expr)
    reach = asked.reach
    names = (BUCKET, metric.key, *STATES)
    kept = int(seen[VALUE].n_unique())
    empty = Partials((), pl.DataFrame({"requests": [kept]}), {}, {}, kept, kept)
    columns = (
        Column(BUCKET, BUCKET, "bucket"),
        *(Column(name, name, "count", bar=name == metric.key) for name in names[1:]),
        Column("final", "final", "text"),
    )
    nothing = pl.DataFrame({one.key: [0] for one in asked.metrics})
    if reach.first is None or reach.newest is None or not seen.height:
        schema = {BUCKET: pl.String} | dict.fromkeys(names[1:], pl.Int64) | {"final": pl.Boolean}
        return build_report(asked, replace(empty, kept=0, read=0), pl.DataFrame(schema=schema), columns, nothing)
    last = min(asked.window.end, reach.newest) if asked.window.end else reach.newest
    places = buckets.range(reach.first, last).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_INDEX))
    rows = _count_states(seen.join(places, on=BUCKET), places).rename({"present": metric.key})
    first = max(asked.window.start, reach.first) if asked.window.start else reach.first
    shown = buckets.range(first, last, asked.window)
    rows = shown.join(rows, on=BUCKET, how="left").sort(BUCKET)
    until = find_final_until(reach.sources, reach.newest)
    final = (buckets.end_of(rows[BUCKET]) <= until) if until is not None else pl.Series([False] * rows.height)
    rows = rows.with_columns(final=final).with_columns(buckets.label(rows[BUCKET]).alias(BUCKET))
    inside = seen.join(shown, on=BUCKET, how="semi")[VALUE].unique()
    share = one_day.filter(one_day[VALUE].is_in(inside.implode()))["is_one_day"].mean()
    warnings = ["new means first seen in these logs"]
    if isinstance(share, float):
        warnings.append(
            f"{share:.0%} of the {metric.title} were seen on one day only; where that is much, changing addresses look like new {metric.title}"
        )
    report = build_report(asked, empty, rows.select(column.name for column in columns), columns, nothing, warnings=warnings)
    return replace(report, headline=f"{name_level(asked.query.unique_by, inside.len())} in the window", is_empty=inside.len() == 0)


def _sightings(asked: Resolved, scan: Scan, bucket: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """List who was seen in which bucket since the store begins, and who on one local day only."""
    metric = unique_metric(asked)
    assert metric.expr is not None
    columns = sorted({*metric.columns, *asked.filter_columns, "timestamp"})
    events = scan(columns, None, asked.window.end)
    if asked.window.recurring is not None:
        events = events.filter(asked.window.recurring)
    if asked.filter is not None:
        events = events.filter(asked.filter)
    day = pl.col("timestamp").dt.convert_time_zone(asked.query.tz).dt.date().alias(_DAY)
    found = events.select(metric.expr.alias(VALUE), bucket.alias(BUCKET), day).drop_nulls(VALUE).unique().collect(engine="streaming")
    days = found.group_by(VALUE).agg(is_one_day=pl.col(_DAY).n_unique() == 1)
    return found.select(VALUE, BUCKET).unique(), days


def _count_states(seen: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Count, for every bucket, who is there, and who is new, returning, resurrected or churned.

    Args:
        seen: `set_key` and `bucket_index`, a row for each bucket somebody was seen in.
        places: `bucket` and `bucket_index`, all buckets in order.
    """
    ordered = seen.sort(VALUE, _INDEX)
    is_first = pl.col(VALUE).ne_missing(pl.col(VALUE).shift(1))
    is_last = pl.col(VALUE).ne_missing(pl.col(VALUE).shift(-1))
    before = pl.col(_INDEX) - pl.col(_INDEX).shift(1)
    ordered = ordered.with_columns(
        new=is_first,
        returning=~is_first & (before == 1),
        resurrected=~is_first & (before > 1),
        leaves=is_last | (pl.col(_INDEX).shift(-1) - pl.col(_INDEX) > 1),
    )
    counted = ordered.group_by(_INDEX).agg(
        pl.len().cast(pl.Int64).alias("present"), pl.col("new", "returning", "resurrected", "leaves").sum().cast(pl.Int64)
    )
    gone = counted.select(pl.col(_INDEX) + 1, churned="leaves")
    rows = places.join(counted.drop("leaves"), on=_INDEX, how="left").join(gone, on=_INDEX, how="left").sort(_INDEX)
    return rows.with_columns(pl.col("present", *STATES).fill_null(0)).drop(_INDEX)
