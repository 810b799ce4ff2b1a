"""Visits: what one run of a client does, as behaviour sees it; requests without a pause over 30 seconds.

Whoever asks again within that pause, every ten seconds, would make one endless visit. So where a
visit lasts more than a minute, each question in it that comes five seconds or more after the
one before begins another: what was made in one go lies closer together.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.requests import OWNER, is_set
from pullstats.metrics.counting.rule import GROUP_LENGTH, PULL_GAP, VISIT_GAP
from pullstats.metrics.islands import Islands

KEY: Final = "key"
"""Place of an owner, or of an origin, among all."""
SECOND: Final = 1_000_000
COUNTS: Final = {
    "heads": "is_head",
    "unchanged": "is_unchanged",
    "denied": "is_denied",
    "absent": "is_absent",
    "failed": "is_failed",
    "blobs": "is_blob",
    "files": "is_file",
    "manifests": "is_manifest",
    "listings": "is_listing",
    "pings": "is_ping",
    "indexes": "is_index",
}
"""What is counted of the requests of a visit, by flag."""
IS_FULL: Final = (pl.col("blobs") > 1) | (pl.col("files") > 0)
"""A visit that took content: a file, or of an image more than its configuration, which podman asks for even where the layers are there."""
_PAUSE: Final = VISIT_GAP // timedelta(microseconds=1)
_LONG: Final = GROUP_LENGTH // timedelta(microseconds=1)
_NEAR: Final = PULL_GAP // timedelta(microseconds=1)


def fold_visits(requests: pl.DataFrame) -> pl.DataFrame:
    """Fold requests to visits.

    Args:
        requests: `owner`, `timestamp`, `facts`, as `order_requests` gives them.

    Returns:
        One row a visit, in order: `owner`, `key` (from 0 on, rising), `start`, `end` (µs), `requests`, `COUNTS`.
    """
    is_new = pl.col(OWNER) != pl.col(OWNER).shift(1)
    pause = pl.col("timestamp").diff()
    rows = requests.with_columns(is_new=is_new.fill_null(value=True), is_start=(is_new | (pause > _PAUSE)).fill_null(value=True))
    rows = _part_long(rows)
    run = Islands(pl.col("is_start"))
    return rows.select(
        pl.col(OWNER).gather(run.first),
        (pl.col("is_new").cum_sum() - 1).gather(run.first).cast(pl.UInt32).alias(KEY),
        pl.col("timestamp").gather(run.first).alias("start"),
        pl.col("timestamp").gather(run.last).alias("end"),
        (run.last - run.first + 1).alias("requests"),
        *(_count(run, flag).alias(name) for name, flag in COUNTS.items()),
    )


def _count(run: Islands, flag: str) -> pl.Expr:
    is_one = is_set(flag).cast(pl.UInt32)
    total = is_one.cum_sum()
    return total.gather(run.last) - total.gather(run.first) + is_one.gather(run.first)


def _part_long(rows: pl.DataFrame) -> pl.DataFrame:
    """Begin a visit with each question that stands apart, in visits that last too long to be one."""
    run = Islands(pl.col("is_start"))
    spans = rows.select(is_long=(pl.col("timestamp").gather(run.last) - pl.col("timestamp").gather(run.first)) > _LONG)["is_long"]
    if not spans.any():
        return rows
    is_ask = is_set("is_ask")
    asked = pl.when(is_ask).then(pl.col("timestamp")).forward_fill().shift(1)
    is_long = pl.lit(spans).gather(pl.col("is_start").cum_sum() - 1)
    return rows.with_columns(is_start=pl.col("is_start") | (is_long & is_ask & (pl.col("timestamp") - asked > _NEAR)).fill_null(value=False))


def join_packages(visits: pl.DataFrame, origins: pl.Series) -> pl.DataFrame:
    """Join the visits that an origin pays to several packages at once: an install, a build, a sweep.

    Args:
        visits: as `fold_visits` gives them.
        origins: number of each owner's origin, by its key.

    Returns:
        The same columns without `owner`, a row a visit of an origin, with the number of `packages` in it; `key` is the origin's number.
    """
    moved = visits.drop(OWNER).with_columns(pl.lit(origins).gather(pl.col(KEY)).alias(KEY), package=pl.col(KEY)).sort(KEY, "start")
    reached = pl.col("end").cum_max().over(KEY).shift(1)
    is_start = (pl.col(KEY) != pl.col(KEY).shift(1)) | (pl.col("start") - reached > _PAUSE)
    rows = moved.with_columns(run=is_start.fill_null(value=True).cum_sum())
    sums = [pl.col(name).sum() for name in ("requests", *COUNTS)]
    packages = pl.col("package").n_unique().cast(pl.UInt32).alias("packages")
    return (
        rows.group_by("run", maintain_order=True).agg(pl.col(KEY).first(), pl.col("start").first(), pl.col("end").max(), *sums, packages).drop("run")
    )
