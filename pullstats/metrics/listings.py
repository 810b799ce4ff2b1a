"""What the store holds as rows, for those who ask in another language: each counted download, and each origin.

A row of downloads is one download of `report --metric downloads`, and its columns are the dimensions of `--by` under their names: counted by any
of them, they give what the report gives.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from pullstats.events import EVENT_SCHEMA
from pullstats.ids import write_ids
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import CLASS, DIMENSIONS, RELEASE
from pullstats.metrics.log_names import list_logs, name_logs
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import DOWNLOADS, count_rows, find_digest_tags, look_beyond

_TIME: Final = "timestamp"
_RULE: Final = "rule"
_ORIGIN: Final = "origin"
_TRAITS: Final = ("client", "kind", "os", "arch", "country", "network-type", "org")
_READ: Final = pl.Schema([*EVENT_SCHEMA.items(), (CLASS, pl.String()), (RELEASE, pl.String())])


def _schema_of(dimensions: Sequence[Dimension]) -> dict[str, pl.DataType]:
    """Give the types of dimensions, by their keys."""
    return dict(pl.LazyFrame(schema=_READ).select(one.expr("UTC").alias(one.key) for one in dimensions).collect_schema())


def download_schema() -> pl.Schema:
    """Give the columns of `list_downloads`: when, by which rule, and every dimension."""
    return pl.Schema({_TIME: EVENT_SCHEMA[_TIME], _RULE: pl.String(), **_schema_of([*DIMENSIONS.values()])})


def origin_schema() -> pl.Schema:
    """Give the columns of `list_origins`."""
    seen = {"first_seen": EVENT_SCHEMA[_TIME], "last_seen": EVENT_SCHEMA[_TIME]}
    counts = {"requests": pl.Int64(), DOWNLOADS: pl.Int64()}
    traits = _schema_of([DIMENSIONS[name] for name in _TRAITS])
    return pl.Schema({_ORIGIN: pl.String(), CLASS: pl.String(), **seen, **counts, **traits})


def list_downloads(asked: Plan, wanted: Collection[str]) -> pl.DataFrame:
    """Give a row a counted download, once a rule, in no order.

    Args:
        asked: the plan of a question for `downloads`.
        wanted: which columns of `download_schema` to give.
    """
    named = list_logs(asked.extent.sources)
    dimensions = [name_logs(one, named) for one in DIMENSIONS.values() if one.key in wanted]
    columns = sorted({column for one in dimensions for column in one.columns})
    parts = cut_by_network(asked, {}, columns)
    tags = find_digest_tags(parts, columns)
    rows = [_list_part(part, rule.label, dimensions, columns, tags) for part in parts for rule in asked.rules]
    return pl.concat(rows).select(name for name in download_schema() if name in wanted)


def _list_part(asked: Plan, label: str, dimensions: Sequence[Dimension], columns: Sequence[str], tags: pl.DataFrame | None) -> pl.DataFrame:
    """Give the downloads of some networks by one rule."""
    counted, names = count_rows(asked, label, columns, tags, look_beyond(asked, label))
    if DOWNLOADS not in names:  # the rule says nothing of them
        counted = counted.with_columns(pl.lit(0, pl.Int64).alias(DOWNLOADS))
    values = [one.expr(asked.query.tz).alias(one.key) for one in dimensions]
    rows = counted.filter(pl.col(DOWNLOADS) > 0).select(_TIME, DOWNLOADS, *values, pl.lit(label).alias(_RULE)).collect(engine="streaming")
    return rows.select(pl.exclude(DOWNLOADS).repeat_by(DOWNLOADS).explode()) if rows.height and rows[DOWNLOADS].max() != 1 else rows.drop(DOWNLOADS)


def list_origins(asked: Plan, wanted: Collection[str]) -> pl.DataFrame:
    """Give a row an origin, in no order; downloads by the first rule, the class as of the window's end.

    Args:
        asked: the plan of a question for `downloads`.
        wanted: which columns of `origin_schema` to give; others are not worked out.
    """
    traits = [DIMENSIONS[name] for name in _TRAITS if DIMENSIONS[name].key in wanted]
    events = asked.kept({"origin_id", *(column for trait in traits for column in trait.columns)}).filter(pl.col("origin_id").is_not_null())
    rows = events.group_by("origin_id").agg(
        pl.col(_TIME).min().alias("first_seen"),
        pl.col(_TIME).max().alias("last_seen"),
        pl.len().cast(pl.Int64).alias("requests"),
        *(trait.expr(asked.query.tz).max().alias(trait.key) for trait in traits),
    )
    found = rows.collect(engine="streaming")
    if CLASS in wanted:
        found = found.join(asked.classes.find().origins.select("origin_id", CLASS), on="origin_id", how="left")
    found = found.with_columns(write_ids(pl.col("origin_id")).alias(_ORIGIN))
    if DOWNLOADS in wanted:
        found = _add_downloads(found, asked)
    return found.select(name for name in origin_schema() if name in wanted)


def _add_downloads(origins: pl.DataFrame, asked: Plan) -> pl.DataFrame:
    """Count what each origin took."""
    taken = list_downloads(asked, {_ORIGIN, _RULE}).filter(pl.col(_RULE) == asked.rules[0].label)
    counts = taken.group_by(_ORIGIN).agg(pl.len().cast(pl.Int64).alias(DOWNLOADS))
    return origins.join(counts, on=_ORIGIN, how="left").with_columns(pl.col(DOWNLOADS).fill_null(0))
