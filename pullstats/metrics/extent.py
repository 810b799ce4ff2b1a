"""What there is to read: a scan of a store's events, and how far these reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

Scan = Callable[[Sequence[str], datetime | None, datetime | None], pl.LazyFrame]
"""From columns, first instant and first instant after to the events between them, these columns of them; None is no bound."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a store's events reach.

    Attributes:
        first: the earliest event, UTC; None if there is none.
        newest: the latest event, UTC; None if there is none.
        sources: `source_id`, `name`, `first`, `last` of each log; None if they are not known.
        events: how many there are, None if that is not known.
    """

    first: datetime | None
    newest: datetime | None
    sources: pl.DataFrame | None = None
    events: int | None = None


def find_sources(extent: Extent, scan: Scan) -> pl.DataFrame:
    """Give `source_id`, `name`, `first` of each log; what the events say of them where the runs are not known.

    Args:
        extent: with the logs, where they are known.
        scan: gives all of the store's events.
    """
    if extent.sources is not None:
        return extent.sources
    events = scan(["source_id", "timestamp"], None, None).filter(pl.col("source_id").is_not_null())
    return events.group_by("source_id").agg(pl.lit(None, pl.String).alias("name"), pl.col("timestamp").min().alias("first")).collect()
