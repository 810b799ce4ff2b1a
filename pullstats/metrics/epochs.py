"""Hashes of another key, and the history that can be compared with a window."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.definitions import Metric
from pullstats.metrics.query import Resolved, Scan


def comparable_history(asked: Resolved, scan: Scan, metric: Metric) -> tuple[pl.Expr, list[str]]:
    """Tell which events up to the window's end were hashed with the window's key.

    Args:
        asked: the question; `refuse_epochs` has seen to it that its window holds one key.
        scan: gives the store's events.
        metric: what is compared; names are no hashes, so that all history serves.

    Returns:
        True for these events, from `key_epoch`; and what the reader must know about the others.
    """
    everything = pl.lit(value=True)
    if not metric.is_hashed:
        return everything, []
    events = scan(["timestamp", "key_epoch"], None, asked.window.end)
    ends = events.select(low=pl.col("key_epoch").min(), high=pl.col("key_epoch").max()).collect(engine="streaming")
    if ends["low"].item() == ends["high"].item():
        return everything, []
    is_inside = pl.col("timestamp") >= asked.window.start if asked.window.start else everything
    spans = events.group_by("key_epoch").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max(), is_inside=is_inside.any())
    own = spans.collect(engine="streaming").sort("is_inside", "last").row(-1, named=True)
    told = f"before {own['first']:%Y-%m-%d %H:%M} UTC the logs were hashed with another key: whoever came before is new again since then"
    return pl.col("key_epoch") == own["key_epoch"], [told]
