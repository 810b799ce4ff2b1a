"""What other counters count: a function each, which their rules apply to events."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.counting.files import fold_datasets
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST
from pullstats.metrics.counting.rule import ISLAND_END, ISLAND_GAP, ISLAND_START, Count, Terms
from pullstats.metrics.islands import ROW, Islands, starts_island
from pullstats.metrics.request_folds import Fold, fold_requests
from pullstats.metrics.statuses import IS_ANSWERED, IS_GET, IS_HEAD, IS_WHOLE

_DVP_GAP: Final = timedelta(seconds=5)
_ONE: Final = pl.lit(1, pl.Int64)
_IS_OCI: Final = pl.col("package_type").eq_missing("oci")


def each(requests: pl.Expr) -> Count:
    """Make a rule that counts every request of a kind by itself."""

    def count(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
        return events.filter(requests).select(*terms.kept, downloads=_ONE, pulls=_IS_OCI.cast(pl.Int64))

    return count


def count_crates(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Crate files that cargo took, or in a log that tells no agents anybody; see `Count`."""
    is_told = ~pl.col("source_id").is_in(list(terms.mute)).fill_null(value=False)
    return each(is_file_of("cargo") & IS_GET & IS_WHOLE & (_IS_CARGO | ~is_told))(events, terms)


def count_dvp(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Every request by tag begins an action; requests by digest belong to the one before within 5 s, else begin one; see `Count`."""
    is_asked = IS_IMAGE_MANIFEST & (IS_GET | IS_HEAD) & IS_ANSWERED
    facts = {"is_get": IS_GET, "is_tag": pl.col("reference_kind").eq_missing("tag")}
    return fold_requests(events, [Fold(is_asked, "endpoint_id", ("package_name",), facts, _fold_actions)], terms.kept)


def _fold_actions(rows: pl.LazyFrame) -> pl.LazyFrame:
    action = Islands(pl.col("is_action"))
    found = rows.with_columns(is_action=starts_island(_DVP_GAP) | pl.col("is_tag")).select(
        pl.col(ROW).gather(action.first),
        pl.col("timestamp").gather(action.first).alias(ISLAND_START),
        pl.col("timestamp").gather(action.last).alias(ISLAND_END),
        is_pull=action.any(pl.col("is_get")) | ~pl.col("is_tag").gather(action.first),
    )
    return found.select(
        ROW, ISLAND_START, ISLAND_END, downloads=pl.col("is_pull").cast(pl.Int64), checks=(~pl.col("is_pull")).cast(pl.Int64), pulls=_ONE
    )


def count_traces(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Runs of one origin on one repository that hold a manifest and a blob; see `Count`."""
    is_asked = _IS_OCI & pl.col("action").is_in(["manifest", "blob"]) & (IS_GET | IS_HEAD) & IS_ANSWERED
    facts = {"is_manifest": pl.col("action") == "manifest"}
    return fold_requests(events, [Fold(is_asked, "origin_id", ("package_name",), facts, _fold_traces)], terms.kept)


def _fold_traces(rows: pl.LazyFrame) -> pl.LazyFrame:
    trace = Islands(pl.col("is_trace"))
    chosen = trace.first_where(pl.col("is_manifest"))
    found = rows.with_columns(is_trace=starts_island(ISLAND_GAP)).select(
        pl.col(ROW).gather(chosen),
        pl.col("timestamp").gather(trace.first).alias(ISLAND_START),
        pl.col("timestamp").gather(trace.last).alias(ISLAND_END),
        is_pull=chosen.is_not_null() & trace.any(~pl.col("is_manifest")),
    )
    return found.filter("is_pull").select(ROW, ISLAND_START, ISLAND_END, downloads=_ONE, pulls=_ONE)


def count_datasets(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Files of one data set that one endpoint took together, as one; see `Count`."""
    return fold_requests(events, [fold_datasets(IS_GET | IS_HEAD)], terms.kept).filter(pl.col("downloads") == 1).drop("attempts")


_IS_CARGO: Final = pl.col("user_agent_original").str.contains("^cargo[/ ]").fill_null(value=False)


def is_file_of(package_type: str) -> pl.Expr:
    """Requests for a file of an ecosystem, source archives too."""
    return pl.col("package_type").eq_missing(package_type) & pl.col("action").eq_missing("download")
