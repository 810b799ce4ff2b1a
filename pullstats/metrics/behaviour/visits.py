"""Visits: what one run of a client does, as behaviour sees it; requests without a pause over 30 seconds.

Whoever asks again within that pause, every ten seconds, would make one endless visit. So where a
visit lasts more than a minute, each question in it that comes five seconds or more after the
one before begins another: what was made in one go lies closer together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.requests import FACTS, FLAG_VALUES, OWNER, flags_of, is_set
from pullstats.metrics.counting.rule import GROUP_LENGTH, PULL_GAP, VISIT_GAP
from pullstats.metrics.islands import INDEX, Islands, changes, sum_between

KEY: Final = "key"
"""Place of an owner, or of an origin, among all."""
LAST: Final = "last_counted"
SECOND: Final = 1_000_000
FULL: Final = "is_full"
"""A visit that took content: a file, or of an image more than its configuration, which podman asks for even where the layers are there; in a log without blobs, a manifest."""
COUNTS: Final = {
    "heads": "is_head",
    "gets": "is_get",
    "unchanged": "is_unchanged",
    "denied": "is_denied",
    "absent": "is_absent",
    "failed": "is_failed",
    "listings": "is_listing",
    "pings": "is_ping",
    "indexes": "is_index",
    "polls": "is_poll",
}
"""What is counted of the requests of an owner, by flag."""
_BITS: Final = 32
_PAIRS: Final = tuple(zip(list(COUNTS)[::2], list(COUNTS)[1::2], strict=True))
"""Two are counted at a time, in the halves of one number."""
_PAUSE: Final = VISIT_GAP // timedelta(microseconds=1)
_LONG: Final = GROUP_LENGTH // timedelta(microseconds=1)
_NEAR: Final = PULL_GAP // timedelta(microseconds=1)
_ORDER: Final = "visit_order"


def fold_visits(requests: pl.DataFrame) -> pl.DataFrame:
    """Fold requests to visits.

    Args:
        requests: `owner`, `timestamp`, `facts`, as `order_requests` gives them.

    Returns:
        One row a visit, in order: `key` (the owner's place, from 0 on), `start`, `end` (µs), `requests`, `is_full`.
    """
    is_new = pl.col(OWNER) != pl.col(OWNER).shift(1)
    pause = pl.col("timestamp").diff()
    rows = requests.with_columns(is_new=is_new.fill_null(value=True), is_start=(is_new | (pause > _PAUSE)).fill_null(value=True))
    rows = _part_long(rows)
    run = Islands(pl.col("is_start"))
    first, last = run.locate(rows)
    return rows.select(
        (pl.col("is_new").cum_sum() - 1).gather(first).cast(pl.UInt32).alias(KEY),
        pl.col("timestamp").gather(first).alias("start"),
        pl.col("timestamp").gather(last).alias("end"),
        (last - first + 1).alias("requests"),
        ((_total("is_blob", first, last) > 1) | (_total("is_file", first, last) + _total("is_bare", first, last) > 0)).alias(FULL),
    )


def _total(flag: str, first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Count the requests with a flag between two rows."""
    return sum_between(is_set(flag).cast(pl.UInt32), first, last)


def count_requests(requests: pl.DataFrame) -> pl.DataFrame:
    """Count what `requests` of each owner were, in the order of their keys: `COUNTS`."""
    first, last = Islands(changes(OWNER)).locate(requests)
    flags = requests.select(flags=flags_of())
    packed = flags.select(sum_between(pl.lit(_pack(two)).gather("flags"), first, last).alias(two[0]) for two in _PAIRS)
    low, high = (packed.select(pl.all() % 2**_BITS), packed.select(pl.all() // 2**_BITS))
    return pl.DataFrame([half[two[0]].cast(pl.UInt32).alias(name) for two in _PAIRS for half, name in zip((low, high), two, strict=True)])


def find_last(requests: pl.DataFrame) -> pl.Series:
    """Give when each owner made the last of its `requests` that count as somebody's, in the order of their keys (µs); null of who was only ever answered 401."""
    first, last = Islands(changes(OWNER)).locate(requests)
    place = pl.when(~is_set("is_try")).then(INDEX).forward_fill().gather(last)
    return requests.select(pl.when(place >= first).then(pl.col("timestamp").gather(place)).alias(LAST))[LAST]


def _pack(names: Sequence[str]) -> pl.Series:
    """Give for all that flags can be the counts of two of them in one number."""
    flags = pl.DataFrame({FACTS: pl.int_range(FLAG_VALUES, dtype=pl.UInt64, eager=True)})
    counts = (is_set(COUNTS[name]).cast(pl.UInt64) * 2 ** (_BITS * place) for place, name in enumerate(names))
    return flags.select(pl.sum_horizontal(counts))[FACTS]


def _part_long(rows: pl.DataFrame) -> pl.DataFrame:
    """Begin a visit with each question that stands apart, in visits that last too long to be one."""
    run = Islands(pl.col("is_start"))
    spans = rows.select(is_long=(pl.col("timestamp").gather(run.last) - pl.col("timestamp").gather(run.first)) > _LONG)["is_long"]
    if not spans.any():
        return rows
    chosen = rows.select("timestamp", "facts", "is_start", place=INDEX, is_long=pl.lit(spans).gather(pl.col("is_start").cum_sum() - 1))
    chosen = chosen.filter("is_long").with_columns(is_ask=is_set("is_ask"))
    asked = pl.when("is_ask").then(pl.col("timestamp")).forward_fill().shift(1)
    cuts = chosen.filter((pl.col("is_ask") & ~pl.col("is_start") & (pl.col("timestamp") - asked > _NEAR)).fill_null(value=False))["place"]
    return rows.with_columns(rows["is_start"].scatter(cuts, values=True))


def join_packages(visits: pl.DataFrame, origins: pl.Series) -> pl.DataFrame:
    """Join the visits that an origin pays to several packages at once: an install, a build, a sweep.

    Args:
        visits: as `fold_visits` gives them.
        origins: number of each owner's origin, by its key.

    Returns:
        The same columns, a row a visit of an origin, and the number of `packages` in it; `key` is the origin's number.
    """
    least = pl.col("start").min()
    span = visits.select((pl.col("end").max() - least).fill_null(0)).item()
    room = (span + 2 * _PAUSE) // 1000 + 1  # milliseconds between one origin's visits and the next one's: logs may reach over decades
    moved = visits.with_columns(pl.lit(origins).gather(pl.col(KEY)).alias(KEY), package=pl.col(KEY))
    order = pl.col(KEY).cast(pl.Int64) * room + (pl.col("start") - least) // 1000
    rows = moved.with_columns(order.alias(_ORDER)).sort(_ORDER)
    # On one line for all origins, in milliseconds, the next one's far behind, so that nothing reaches from one to the other.
    base = pl.col(KEY).cast(pl.Int64) * room - least // 1000
    reached = (base + pl.col("end") // 1000).cum_max()
    is_new = pl.col(KEY) != pl.col(KEY).shift(1)
    rows = rows.with_columns(is_start=(is_new | (base + pl.col("start") // 1000 - reached.shift(1) > _PAUSE // 1000)).fill_null(value=True))
    several = _count_packages(rows)
    first, last = Islands(pl.col("is_start")).locate(rows)
    return rows.select(
        pl.col(KEY).gather(first),
        pl.col("start").gather(first),
        ((reached - base) * 1000).gather(last).alias("end"),
        requests=sum_between(pl.col("requests"), first, last),
        is_full=sum_between(pl.col(FULL).cast(pl.UInt32), first, last) > 0,
        packages=pl.lit(several),
    )


def _count_packages(rows: pl.DataFrame) -> pl.Series:
    """Count the distinct packages of each joined visit: both fit into one number, which is sorted many times as fast as two."""
    run = pl.col("is_start").cum_sum().cast(pl.UInt64)
    pairs = rows.select(pair=(run * 2**_BITS + pl.col("package")).sort()).filter(changes("pair")).select(run=pl.col("pair") // 2**_BITS)
    first, last = Islands(changes("run")).locate(pairs)
    return pairs.select(packages=last - first + 1)["packages"]
