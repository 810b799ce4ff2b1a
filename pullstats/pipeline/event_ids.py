"""Know an event again by the id its log service gave it: delivered twice, it counts once.

Lines are never compared by text: two equal requests in one second are two. Ids are held as two
hashes of 64 bits, per UTC day of the event, and only for the days an ingest meets.
"""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import polars as pl

from pullstats.store import Store

_KEYS: Final = ("first_hash", "second_hash")


class SeenIds:
    """The event ids of a store and of a running ingest. Safe to call from several threads."""

    def __init__(self, store: Store | None) -> None:
        """Know nothing yet.

        Args:
            store: where ids are looked up; None if there is none.
        """
        self._store = store
        self._days: dict[date, pl.DataFrame] = {}
        self._lock = threading.Lock()

    def drop_known(self, events: pl.DataFrame) -> pl.DataFrame:
        """Leave out the events whose id was seen before, in the store, in this ingest or among themselves.

        Args:
            events: with `timestamp` and `event_id`.
        """
        if "event_id" not in events.columns or events["event_id"].null_count() == events.height:
            return events
        ids = pl.col("event_id").cast(pl.String)
        keyed = events.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
            pl.col("timestamp").dt.date().alias("day"),
            ids.hash(1).alias(_KEYS[0]),
            ids.hash(2).alias(_KEYS[1]),
            ids.is_null().alias("is_nameless"),
        )
        named = keyed.filter(~pl.col("is_nameless"))
        if named[_KEYS[0]].n_unique() < named.height:  # seldom, and cheaper to tell than to look for the first of each
            named = named.unique([*_KEYS, "day"], keep="first", maintain_order=True)
        with self._lock:
            fresh = [self._take(day, rows) for (day,), rows in named.partition_by("day", as_dict=True, maintain_order=True).items()]
        kept = pl.concat([*fresh, keyed.filter("is_nameless").select("row")])["row"]
        return events if kept.len() == events.height else events[kept.sort()]

    def _take(self, day: date, rows: pl.DataFrame) -> pl.DataFrame:
        """Give the rows of a day whose ids are new, and remember them."""
        if day not in self._days:
            self._days[day] = self._load(day)
        new = rows.join(self._days[day], on=_KEYS, how="anti", maintain_order="left")
        self._days[day] = pl.concat([self._days[day], new.select(_KEYS)])
        return new.select("row")

    def _load(self, day: date) -> pl.DataFrame:
        if self._store is None:
            return pl.DataFrame(schema=dict.fromkeys(_KEYS, pl.UInt64))
        start = datetime.combine(day, time(), UTC)
        events = self._store.scan_events(["event_id", "timestamp"], start, start + timedelta(days=1))
        ids = pl.col("event_id").cast(pl.String)
        return events.filter(ids.is_not_null()).select(ids.hash(1).alias(_KEYS[0]), ids.hash(2).alias(_KEYS[1])).collect()
