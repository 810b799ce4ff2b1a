"""Who wastes how much: the waste found, folded to a row each for somebody and a kind, with names for what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.ids import write_ids
from pullstats.metrics.offences.requests import PLACE
from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.offences.waste import BY_CLASS, KIND, Waste
from pullstats.metrics.plan import Plan

WHO: Final = "who"
LEVEL: Final = "level"
ORG: Final = "org"
TREND: Final = "trend"
BUCKETS: Final = 12
"""Of a window as a sparkline."""
_NAMES: Final = {
    "package": pl.col("package_name"),
    "path": pl.col("url_path"),
    "agent": pl.col("user_agent_original"),
    "client": pl.col("user_agent_name"),
    "client_version": pl.col("user_agent_version"),
    "os": pl.col("os_name"),
    "arch": pl.col("host_arch"),
    "method": pl.col("http_request_method"),
    "status": pl.col("http_response_status_code"),
    "country": pl.col("geo_country_iso_code"),
    "owner_name": pl.coalesce("organization_name", "as_organization"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows of waste.

    Attributes:
        rows: `level`, `who` (an id in digits, or a network owner's name; null where it is not known), `kind`, `requests`, `bytes`, `downloads`,
            `first_seen`, `last_seen`, `days`, `measure`, `by_class` (of these, told by the class of who asks), `top` (requests for what was asked most), `trend`, and `_NAMES` of that; the most
            requests first.
        waste: what was found.
        wasted: its rows, with `level` and `whose`.
    """

    rows: pl.DataFrame
    waste: Waste
    wasted: pl.DataFrame


def tally_waste(asked: Plan, waste: Waste, kinds: Mapping[str, Kind], level: str | None) -> Tally:
    """Fold waste to rows.

    Args:
        asked: the plan of the question.
        waste: what was found.
        kinds: those looked for, by name.
        level: whose it is: `origin`, `network` or `org`; None for what each kind says.
    """
    by = pl.lit(level) if level else pl.col(KIND).replace_strict({name: kind.by for name, kind in kinds.items()}, return_dtype=pl.String)
    whose = pl.coalesce(pl.when(pl.col(LEVEL) == name).then(name) for name in ("origin", "network", "org"))
    wasted = waste.rows.with_columns(by.alias(LEVEL)).with_columns(whose.alias("whose"))
    keys = [LEVEL, "whose", KIND]
    time = pl.from_epoch("instant", "us").dt.replace_time_zone("UTC")
    rows = wasted.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("requests"),
        pl.col("bytes", "downloads").sum(),
        time.min().alias("first_seen"),
        time.max().alias("last_seen"),
        time.dt.convert_time_zone(asked.query.tz).dt.date().n_unique().cast(pl.Int64).alias("days"),
        pl.col("measure").mean(),
        pl.col(BY_CLASS).sum().cast(pl.Int64),
    )
    top = wasted.group_by(*keys, "package").agg(pl.len().alias("top"), pl.col("instant").max(), pl.col("place").sort_by("instant", "place").last())
    top = top.sort("top", "instant", "place", descending=True).unique(keys, keep="first", maintain_order=True).drop("package", "instant")
    rows = rows.join(top, on=keys, nulls_equal=True).join(_draw_trends(wasted, keys), on=keys, nulls_equal=True)
    named = rows.join(name_requests(asked, rows["place"]), on="place", how="left").with_columns(_write_who().alias(WHO))
    order = [*named.select("requests", "bytes").columns, WHO, KIND]
    return Tally(named.sort(order, descending=[True, True, False, False], nulls_last=True), waste, wasted)


def _write_who() -> pl.Expr:
    return pl.when(pl.col(LEVEL) == ORG).then("owner_name").when(pl.col("whose").is_not_null()).then(write_ids(pl.col("whose")))


def _draw_trends(wasted: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Count the requests of each row over equal parts of the time from the first to the last of all."""
    first, last = wasted["instant"].min(), wasted["instant"].max()
    span = (last - first + 1) if isinstance(first, int) and isinstance(last, int) else 1
    bucket = ((pl.col("instant") - (first or 0)) * BUCKETS // span).alias("bucket")
    return (
        wasted.group_by(keys)
        .agg((bucket == number).sum().cast(pl.Int64).alias(f"bucket_{number}") for number in range(BUCKETS))
        .select(*keys, pl.concat_list(f"bucket_{number}" for number in range(BUCKETS)).alias(TREND))
    )


def name_requests(asked: Plan, places: pl.Series) -> pl.DataFrame:
    """Read what some requests say: `place`, `time` and `_NAMES`.

    Args:
        asked: the plan of the question.
        places: where they stand among all logs.
    """
    read = {name for value in _NAMES.values() for name in value.meta.root_names()}
    offsets = pl.Series((places % 2**44).unique())
    events = asked.inside({*read, "source_id", "source_offset"}).filter(pl.col("source_offset").is_in(offsets.implode()))
    placed = asked.events.order.add_to(events).select(PLACE.alias("place"), pl.col("timestamp").alias("time"), **_NAMES)
    found = placed.filter(pl.col("place").is_in(places.implode())).collect(engine="streaming")
    return found.unique("place", keep="first", maintain_order=True)
