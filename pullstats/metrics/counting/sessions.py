"""Sessions: what one origin asks of one package without a long pause; and the checks that follow from them.

Source: DEFINITIONS "Metrics" (checks, invocations).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from pullstats.metrics.answers import IS_GET, IS_TAKEN, IS_UNCHANGED, IS_WHOLE
from pullstats.metrics.counting.files import IS_FILE
from pullstats.metrics.counting.pulls import IS_MANIFEST, count_images
from pullstats.metrics.counting.rule import RUN_END, RUN_START, Gaps
from pullstats.metrics.runs import IS_NEW, Runs, sort_by_owner, starts_run

OWNER: Final = ("origin_id", "package_type", "package_name")
SESSION_COLUMNS: Final = ("timestamp", *OWNER, "source_id", "source_offset")
INVOCATIONS: Final = "invocations"

_IS_UNCHANGED_GET: Final = IS_GET & IS_UNCHANGED & pl.col("package_type").is_not_null()
_FLAGS: Final = ("is_group", "is_read", "is_got", "is_unchanged")


def count_invocations(events: pl.LazyFrame, wanted: Collection[str], gaps: Gaps) -> pl.LazyFrame:  # noqa: ARG001 - one signature for all that count
    """Count sessions: one row each, its first request. Requests without a package form none."""
    rows = sort_by_owner(events.filter(pl.col("package_name").is_not_null()), OWNER)
    return rows.filter(starts_run(gaps.session)).drop(IS_NEW).with_columns(pl.lit(1, pl.Int64).alias(INVOCATIONS))


def count_unchanged(events: pl.LazyFrame) -> pl.LazyFrame:
    """Count every conditional GET that was answered 304 as a check."""
    return events.filter(_IS_UNCHANGED_GET).with_columns(checks=pl.lit(1, pl.Int64))


def count_readings(events: pl.LazyFrame, gaps: Gaps) -> pl.LazyFrame:
    """Count sessions that asked and took nothing: one check each, at the first request of what it asked.

    That is a pull group without a GET that was answered, or an index or metadata read in a session
    that downloads nothing of the package. A session with a 304 is counted by `count_unchanged`.
    """
    groups = count_images(events, gaps.pull).filter(pl.col("is_check")).drop("is_check", "downloads", "pulls", "attempts", RUN_START, RUN_END)
    is_read = IS_GET & pl.col("action").is_in(["index", "metadata"]) & IS_WHOLE
    is_got = IS_GET & ((IS_FILE & IS_TAKEN) | (IS_MANIFEST & IS_TAKEN))
    asked = events.filter(pl.col("package_name").is_not_null())
    flagged = [
        asked.with_columns(is_group=pl.lit(value=False), is_read=is_read, is_got=is_got, is_unchanged=_IS_UNCHANGED_GET),
        groups.with_columns(pl.lit(name == "is_group").alias(name) for name in _FLAGS),
    ]
    rows = sort_by_owner(pl.concat(flagged, how="diagonal"), OWNER).with_columns(is_session=starts_run(gaps.session))
    session = Runs(pl.col("is_session"))
    group = session.first_where(pl.col("is_group"))
    read = pl.when(~session.any(pl.col("is_got"))).then(session.first_where(pl.col("is_read")))
    chosen = pl.when(~session.any(pl.col("is_unchanged"))).then(pl.min_horizontal(group, read))
    names = [name for name in rows.collect_schema().names() if name not in {"is_session", IS_NEW, *_FLAGS}]
    found = rows.select(
        *(pl.col(name).gather(chosen) for name in names),
        pl.col("timestamp").gather(session.first).alias(RUN_START),
        pl.col("timestamp").gather(session.last).alias(RUN_END),
        is_found=chosen.is_not_null(),
    )
    return found.filter("is_found").drop("is_found").with_columns(checks=pl.lit(1, pl.Int64))
