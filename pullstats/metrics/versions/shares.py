"""Shares of a package's downloads and askers by version, who is still active, and the rows that a limit leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import polars as pl

from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.partials import Partials
from pullstats.metrics.versions.asks import ECOSYSTEM, KEYS, PACKAGE, WHO
from pullstats.metrics.versions.kinds import COMING, KIND, MAJOR, MINOR, RANK, VERSION


def count_asks(asks: pl.DataFrame, since: datetime | None) -> pl.DataFrame:
    """Count who asked for each release: `KEYS`, `requests`, `origins`, `active` (from `since` on), `first_seen`, `last_seen`.

    Args:
        asks: as `list_asks` gives them.
        since: the first instant of those who are active; None for all.
    """
    is_active = pl.col("last") >= since if since is not None else pl.lit(value=True)
    return asks.group_by(KEYS).agg(
        pl.col("requests").sum(),
        origins=pl.col(WHO).drop_nulls().n_unique().cast(pl.Int64),
        active=pl.col(WHO).filter(is_active).drop_nulls().n_unique().cast(pl.Int64),
        first_seen=pl.col("first").min(),
        last_seen=pl.col("last").max(),
    )


def add_shares(rows: pl.DataFrame, asks: pl.DataFrame, downloads: str) -> pl.DataFrame:
    """Add `downloads_share` and `origins_share`, both of the package; of shares of origins the sum may pass 1, for one may use several versions.

    Args:
        rows: one a release.
        asks: as `list_asks` gives them.
        downloads: name of the column.
    """
    package = [ECOSYSTEM, PACKAGE]
    people = asks.group_by(package).agg(people=pl.col(WHO).drop_nulls().n_unique())
    rows = rows.join(people, on=package, how="left", nulls_equal=True)
    taken = pl.col(downloads).sum().over(package)
    return rows.with_columns(
        downloads_share=pl.when(taken > 0).then(pl.col(downloads) / taken),
        origins_share=pl.when(pl.col("people") > 0).then(pl.col("origins") / pl.col("people")),
    ).drop("people")


def split_limit(rows: pl.DataFrame, limit: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the rows with the most downloads, in the order they have, and all others.

    Args:
        rows: in order, with `downloads` and `requests`.
        limit: how many to keep, 0 for all.
    """
    if not limit or rows.height <= limit:
        return rows, rows.clear()
    placed = rows.with_row_index("place")
    kept = placed.sort("downloads", "requests", "place", descending=[True, True, False]).head(limit).select("place")
    shown = placed.join(kept, on="place", how="semi", maintain_order="left").drop("place")
    return shown, placed.join(kept, on="place", how="anti", maintain_order="left").drop("place")


def join_lines(asks: pl.DataFrame, partials: Partials, kinds: pl.DataFrame, line: str) -> tuple[pl.DataFrame, Partials, pl.DataFrame]:
    """Name each version by its line, so that the versions of one fold into one row; pre-releases into that of their line.

    Args:
        asks: as `list_asks` gives them.
        partials: tables with `KEYS`.
        kinds: as `describe_releases` gives them.
        line: `minor` or `major`.
    """
    names = kinds.select(*KEYS, pl.coalesce(line, RELEASE).alias("line"))

    def rename(frame: pl.DataFrame) -> pl.DataFrame:
        joined = frame.join(names, on=KEYS, how="left", nulls_equal=True, maintain_order="left")
        return joined.with_columns(pl.col("line").alias(RELEASE)).drop("line")

    merged = replace(
        partials,
        plain=rename(partials.plain),
        sets={name: rename(frame) for name, frame in partials.sets.items()},
        counted={label: rename(frame) for label, frame in partials.counted.items()},
        is_whole=False,
    )
    kind = pl.when(pl.col(KIND) == COMING).then(pl.lit(VERSION)).otherwise(KIND)
    told = rename(kinds).with_columns(kind.alias(KIND)).group_by(KEYS).agg(pl.col(KIND).first(), pl.col(RANK).max(), pl.col(MINOR, MAJOR).first())
    return rename(asks), merged, told
