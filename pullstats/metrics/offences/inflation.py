"""Downloads that repeat what their origin had: pulls that found everything there, and the same thing taken again on one day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.offences.manifests import list_needless
from pullstats.metrics.offences.requests import Around, Part, list_builds, look_around, narrow_requests, number_rows
from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.offences.waste import list_downloads
from pullstats.metrics.partials import name_groups
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import DOWNLOADS
from pullstats.metrics.statuses import IS_GET, IS_HEAD

CLIENT, VERSION = "client", "client_version"
CLIENTS: Final = (CLIENT, VERSION)
_TEXTS: Final = 2
"""Paths and versions are kept beside what a rule takes: about as much again."""
_NAMES: Final = {CLIENT: pl.col("user_agent_name"), VERSION: pl.col("user_agent_version")}
_IS_MANIFEST: Final = pl.col("action").eq_missing("manifest")
_VALUES: Final = {
    **_NAMES,
    "origin": pl.col("origin_id"),
    "instant": pl.col("timestamp"),
    # A tag that moved within the day is told by the size of its manifest; a file by its path.
    "thing": pl.col("url_path").hash(1) ^ pl.when(_IS_MANIFEST).then(pl.col("http_response_body_size").hash(2)).otherwise(pl.lit(0, pl.UInt64)),
}


def count_inflation(asked: Plan, kind: Kind) -> pl.DataFrame:
    """Count the downloads of each client and version, and those of them that repeat.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
        kind: says when a manifest was there already.

    Returns:
        `client`, `client_version`, `downloads`, `had` (pulls that found everything there), `again` (the same thing by the same origin,
        on a day of the question's zone, but for the first), `adjusted` (the rest), `origins` that downloaded, and `heads` and `gets`,
        the manifests asked for by either method; the most repeats first.
    """
    plans = cut_by_network(replace(asked, query=replace(asked.query, memory=asked.query.memory // _TEXTS)), {}, [])
    around = None if len(plans) == 1 else look_around(pl.concat([narrow_requests(plan) for plan in plans]))
    counted = pl.concat([_mark_part(plan, kind, around) for plan in plans])
    # No origin crosses a part, but for those who have none: each of these is alone.
    day = pl.col("instant").dt.convert_time_zone(asked.query.tz).dt.date()
    kept = counted.filter(~pl.col("had")).sort("instant", "place")
    is_first = (pl.struct("origin", "thing", day.alias("day"))).is_first_distinct() | pl.col("origin").is_null()
    marked = pl.concat([counted.filter("had").with_columns(again=pl.lit(value=False)), kept.with_columns(again=~is_first)])
    rows = marked.group_by(CLIENTS).agg(
        pl.col(DOWNLOADS).sum(),
        pl.col(DOWNLOADS).filter("had").sum().alias("had"),
        pl.col(DOWNLOADS).filter("again").sum().alias("again"),
        pl.col("origin").drop_nulls().n_unique().cast(pl.Int64).alias("origins"),
    )
    rows = rows.with_columns(adjusted=pl.col(DOWNLOADS) - pl.col("had") - pl.col("again"))
    named = rows.join(_count_methods(plans), on=CLIENTS, how="left", nulls_equal=True).with_columns(pl.col("heads", "gets").fill_null(0))
    return named.sort(pl.col("adjusted") - pl.col(DOWNLOADS), -pl.col(DOWNLOADS), *CLIENTS, nulls_last=True)


def _mark_part(asked: Plan, kind: Kind, around: Around | None) -> pl.DataFrame:
    """List the downloads of a part: `place`, `downloads`, `_VALUES`, and whether everything `had` been there."""
    rows = number_rows(narrow_requests(asked).collect(engine="streaming"))
    marked = (
        list_needless(Part(rows, around or look_around(rows.lazy()), asked.pauses, partial(list_builds, asked)), kind)
        .filter("is_needless")
        .select("place")
        .unique()
    )
    del rows
    counted = list_downloads(asked, _VALUES)
    return counted.join(marked.with_columns(had=pl.lit(value=True)), on="place", how="left").with_columns(pl.col("had").fill_null(value=False))


def _count_methods(plans: Sequence[Plan]) -> pl.DataFrame:
    """Count the manifests that each client and version asks for by HEAD and by GET."""
    read = {"user_agent_name", "user_agent_version", "action", "http_request_method"}
    parts = [
        plan.kept(read).filter(_IS_MANIFEST).group_by(name_groups(_NAMES)).agg(heads=IS_HEAD.sum().cast(pl.Int64), gets=IS_GET.sum().cast(pl.Int64))
        for plan in plans
    ]
    found = pl.concat([part.collect(engine="streaming") for part in parts])
    return found.group_by(CLIENTS).agg(pl.col("heads", "gets").sum())
