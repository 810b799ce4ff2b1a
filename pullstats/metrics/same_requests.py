"""Requests that two logs hold, told by their ids, to be counted once where a question asks for it (`--same-request id`).

A CDN and the server behind it, or a gateway and its registry, log one request each; an id that is
handed on tells so. Requests of one id and method are the same where they lie in different logs at
most a minute apart. The best of them stays: one whose client is known and of no private network
before the others (the log behind a proxy knows the proxy), then that of the log that goes first
(`source_order.py`). What shares the best one's log stays as well: within one log an id that comes twice is two requests,
for a client may write it. So whether a request stays depends on the minute around it alone, and
no window or filter changes it.

Source: developers.cloudflare.com/fundamentals/reference/http-headers (CF-Ray); nginx.org ngx_http_core_module `$request_id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.events import EVENT_SCHEMA
from pullstats.metrics.extent import Extent, Scan, find_sources
from pullstats.metrics.source_order import rank_sources
from pullstats.metrics.time.windows import Window
from pullstats.reports import Report

APART: Final = timedelta(seconds=60)
"""Farthest that two logs write down one request: servers log at its end, with clocks of their own."""
ROW_BYTES: Final = 120
"""Memory that a request takes while its id is looked for."""
_KEYS: Final = ["source_id", "source_offset"]
_READ: Final = ("timestamp", *_KEYS, "http_request_id", "http_request_method", "endpoint_id", "network_type")
_ID: Final = "id_bits"
REPEAT_SCHEMA: Final = pl.Schema(
    {"source_id": pl.String(), "source_offset": pl.Int64(), "timestamp": EVENT_SCHEMA["timestamp"], "kept_in": pl.String()}
)


def find_repeats(events: pl.LazyFrame, ranks: pl.DataFrame, parts: int = 1) -> pl.DataFrame:
    """Find the requests that another log holds, too, and that do not stay.

    Args:
        events: with the columns that are read, a minute more on either side than is asked about.
        ranks: `source_id`, `source_rank` of every log.
        parts: into how many parts, by id, the work is cut to fit into memory.

    Returns:
        A row each, columns of `REPEAT_SCHEMA`: where it lies, when it was, and the log of the one that stays.
    """
    # Hashed within this process alone, so that ids of any length take as much.
    bits = pl.col("http_request_id").hash(1) ^ pl.col("http_request_method").fill_null("GET").hash(2)
    is_inner = pl.col("endpoint_id").is_null() | (pl.col("network_type") == "private").fill_null(value=False)
    places = dict(zip(ranks["source_id"], ranks["source_rank"], strict=True))
    rank = pl.col("source_id").replace_strict(places, default=None, return_dtype=pl.Int64)
    named = events.filter(pl.col("http_request_id").is_not_null())
    narrow = named.select(*_KEYS, "timestamp", bits.alias(_ID), rank=rank, order=rank + is_inner.cast(pl.Int64) * ranks.height)
    found = [_find_part(narrow.filter(pl.col(_ID) % parts == part), ranks) for part in range(parts)] if ranks.height > 1 else []
    return pl.concat(found) if found else pl.DataFrame(schema=REPEAT_SCHEMA)


def _find_part(rows: pl.LazyFrame, ranks: pl.DataFrame) -> pl.DataFrame:
    logs = rows.group_by(_ID).agg(first=pl.col("rank").min(), last=pl.col("rank").max())
    shared = logs.filter(pl.col("first") != pl.col("last")).select(_ID).collect(engine="streaming")
    if not shared.height:
        return pl.DataFrame(schema=REPEAT_SCHEMA)
    asked = rows.join(shared.lazy(), on=_ID, how="semi").collect(engine="streaming").sort(_ID, "timestamp")
    near = asked.rolling("timestamp", period=2 * APART, offset=-APART, closed="both", group_by=_ID)
    best = near.agg(best=pl.col("order").min() % ranks.height).unique([_ID, "timestamp"])
    repeats = asked.join(best, on=[_ID, "timestamp"], how="left").filter(pl.col("best") != pl.col("rank"))
    names = ranks.select(kept_in="source_id", best="source_rank")
    return repeats.join(names, on="best", how="left").select(REPEAT_SCHEMA.names())


class OnceScan:
    """Gives the store's events, each request that several logs hold once."""

    def __init__(self, scan: Scan, ranks: pl.DataFrame, parts: int) -> None:
        """Wrap a scan.

        Args:
            scan: gives all events; what the logs themselves are asked about (gaps) goes by these.
            ranks: `source_id`, `source_rank` of every log.
            parts: see `find_repeats`.
        """
        self.all: Final = scan
        self._ranks = ranks
        self._parts = parts
        self._found: dict[tuple[datetime | None, datetime | None], pl.DataFrame] = {}

    def __call__(self, columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """Scan columns of a span of time."""
        repeats = self.find(start, end)
        if not repeats.height:
            return self.all(columns, start, end)
        events = self.all(list(dict.fromkeys([*columns, *_KEYS])), start, end)
        return events.join(repeats.lazy().select(_KEYS), on=_KEYS, how="anti").select(columns)

    def find(self, start: datetime | None, end: datetime | None) -> pl.DataFrame:
        """Find the requests that are left out from `start` on and before `end` (UTC; None for no bound), columns of `REPEAT_SCHEMA`."""
        span = (start, end)
        if span not in self._found:
            around = self.all(list(_READ), start - APART if start else None, end + APART if end else None)
            inside = Window(start, end, "")
            self._found[span] = inside.keep(find_repeats(around, self._ranks, self._parts).lazy()).collect()
        return self._found[span]


def scan_once(scan: Scan, extent: Extent, memory: int) -> OnceScan:
    """Count requests that several logs hold once.

    Args:
        scan: gives the store's events.
        extent: its logs, and how many events there are.
        memory: bytes that finding them may take.
    """
    return OnceScan(scan, rank_sources(find_sources(extent, scan)), max(1, -(-(extent.events or 0) * ROW_BYTES // memory)))


def pair_logs(repeats: pl.DataFrame, extent: Extent) -> pl.DataFrame:
    """Count what each two logs share.

    Args:
        repeats: columns of `REPEAT_SCHEMA`.
        extent: with the names of the logs, where they are known.

    Returns:
        `left`, `kept` (what the logs are called: that whose requests are left out, and that whose requests stay) and `count`, the most first.
    """
    names = {} if extent.sources is None else {one: name or one for one, name in extent.sources.select("source_id", "name").rows()}
    pairs = repeats.group_by("source_id", "kept_in").len("count").sort(["count", "source_id", "kept_in"], descending=[True, False, False])
    return pairs.select(pl.col("source_id").replace(names).alias("left"), pl.col("kept_in").replace(names).alias("kept"), "count")


def tell_repeats(report: Report, scan: OnceScan) -> Report:
    """Say under a report how many requests of its window were left out, as another log holds them.

    Args:
        report: the answer; its meta tells the window.
        scan: what it was read by.
    """
    window = report.meta.get("window")
    if not isinstance(window, dict):
        return replace(report, footer=f"{report.footer} · requests that several logs hold counted once (--same-request id)")
    span = [datetime.fromisoformat(window[name]) if window[name] else None for name in ("start", "end")]
    count = scan.find(span[0], span[1]).height
    said = f"{count:,} requests left out that another log holds, too (--same-request id)"
    return replace(report, footer=f"{report.footer} · {said}", meta=report.meta | {"repeated_requests": count})
