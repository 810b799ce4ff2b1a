"""Hashes of different keys, which cannot be counted together, and the history that can be compared with a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from pullstats.clock import find_zone, write_time
from pullstats.errors import UsageError
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan
from pullstats.timestamps import instant


def refuse_epochs(asked: Plan, metrics: Sequence[Metric]) -> Plan:
    """Refuse to count hashes that were made with different keys.

    Args:
        asked: the plan of the question.
        metrics: those shown in columns.

    Returns:
        The question; where only its headline would count such hashes, that is told instead.

    Raises:
        UsageError: the window holds events of several keys; the message says of which time.
    """
    named = next((metric for metric in metrics if metric.is_hashed), None)
    level = asked.level
    if named is None and not (level.is_hashed and any(metric.rule for metric in asked.metrics)):
        return asked
    events = asked.inside(["key_epoch"])
    if _has_one_key(events):
        return asked
    spans = events.group_by("key_epoch").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()).collect().sort("first")
    zone = find_zone(asked.query.tz)
    told = "; ".join(f"from {first.astimezone(zone):%Y-%m-%d} to {last.astimezone(zone):%Y-%m-%d}" for _, first, last in spans.rows())
    counted = named or level
    message = (
        f"{counted.title} cannot be counted over this window: its events were hashed with {spans.height} different keys ({told}), and hashes of "
        f"different keys cannot be compared, so one {counted.singular} would count again under each; choose a --window within one of them"
    )
    if named is not None:
        raise UsageError(f"{message}, or metrics without uniques")
    return replace(asked, has_one_key=False, warnings=(*asked.warnings, message))


def _has_one_key(events: pl.LazyFrame) -> bool:
    ends = events.select(low=pl.col("key_epoch").min(), high=pl.col("key_epoch").max()).collect(engine="streaming")
    return bool(ends["low"].item() == ends["high"].item())


def comparable_history(asked: Plan, metric: Metric) -> tuple[pl.Expr, list[str]]:
    """Tell which events up to the window's end were hashed with the window's key.

    Args:
        asked: the question; `refuse_epochs` has seen to it that its window holds one key.
        metric: what is compared; names are no hashes, so that all history serves.

    Returns:
        True for these events, from `key_epoch`; and what the reader must know about the others.
    """
    everything = pl.lit(value=True)
    if not metric.is_hashed:
        return everything, []
    events = asked.events.scan(["timestamp", "key_epoch"], None, asked.window.end)
    if _has_one_key(events):
        return everything, []
    is_inside = pl.col("timestamp") >= instant(asked.window.start) if asked.window.start else everything
    spans = events.group_by("key_epoch").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max(), is_inside=is_inside.any())
    own = spans.collect(engine="streaming").sort("is_inside", "last").row(-1, named=True)
    told = f"before {write_time(own['first'], asked.query.tz)} the logs were hashed with another key: whoever came before is new again since then"
    return pl.col("key_epoch") == own["key_epoch"], [told]
