"""Parts of the events, cut by network: what is one origin's lies in one part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from pullstats.metrics.extent import Scan


def cut_scan(scan: Scan, count: int) -> list[Scan]:
    """Cut a scan by network into so many (`count`); events without an address are the first one's."""
    return [scan] if count == 1 else [_scan_part(scan, number, count) for number in range(count)]


def _scan_part(scan: Scan, number: int, count: int) -> Scan:
    place = pl.col("network_id").reinterpret(signed=False) % count

    def scan_part(columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        events = scan(sorted({*columns, "network_id"}), start, end)
        return events.filter(place.fill_null(0) == number).select(columns)

    return scan_part
