"""Downloads of files as version 1 of our rule counts them: whole ones, pieces, redirects; models and data sets.

Source: DEFINITIONS "When is it a download?"; which files stand for a model:
https://huggingface.co/docs/hub/models-download-stats
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.counting.rule import ISLAND_END, ISLAND_GAP, ISLAND_START, PART_GAP, PULL_GAP
from pullstats.metrics.islands import IS_NEW, ROW, Islands, starts_island
from pullstats.metrics.request_folds import Fold
from pullstats.metrics.statuses import IS_GET, IS_PART, IS_REDIRECT, IS_TAKEN, IS_UNCHANGED, IS_WHOLE

IS_HUB: Final = pl.col("package_type").eq_missing("huggingface")
IS_DATASET: Final = IS_HUB & pl.col("package_name").str.starts_with("datasets/").fill_null(value=False)
IS_MODEL: Final = IS_HUB & ~IS_DATASET
_QUERY_FILE: Final = (
    r"/(?:resolve/(?:refs/(?:pr|convert)/[^/]+|[^/]+)|resolve-cache/(?:models/)?[^/]+/[^/]+/[0-9a-f]{40})"
    r"/(?:(?:config\.json|config\.yaml|hyperparams\.yaml|meta\.yaml)|.+\.gguf)$"
)
IS_QUERY_FILE: Final = pl.col("url_path").str.contains(_QUERY_FILE).fill_null(value=False)
"""A file at a model's root that every use of it asks for once, or weights in one file."""

IS_FILE: Final = (pl.col("package_type") != "oci") & (pl.col("action") == "download") & pl.col("is_downloadable")
"""Requests for the file of a package itself."""


def _fold_files(rows: pl.LazyFrame) -> pl.LazyFrame:
    rows = rows.with_columns(asked=pl.col(IS_NEW).cum_sum())
    pause = pl.col("timestamp") - _before(pl.col("is_answer"), pl.col("timestamp"))
    follows_redirect = _before(pl.col("is_answer"), pl.col("is_redirect")) & (pause <= PULL_GAP)
    # The last piece or whole file of the same origin and path before this row.
    body = _before(pl.col("is_body"), pl.col("timestamp"))
    continues = pl.col("is_part") & ((pl.col("timestamp") - body) <= PART_GAP).fill_null(value=False)
    counts = pl.col("is_answer") & ~(follows_redirect.fill_null(value=False) | continues)
    is_repeated = ~pl.col(IS_NEW).shift(-1).fill_null(value=True) & (pl.col("timestamp").shift(-1) - pl.col("timestamp") <= PULL_GAP)
    is_attempt = counts | (~pl.col("is_answer") & ~is_repeated.fill_null(value=False))
    marked = rows.select(ROW, downloads=counts.cast(pl.Int64), attempts=is_attempt.cast(pl.Int64))
    return marked.filter(pl.col("attempts") == 1)


def _before(where: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Take a value from the last row before this one of the same origin and path (`asked`) that is true."""
    owner = pl.when(where).then(pl.col("asked")).forward_fill().shift(1)
    return pl.when(owner == pl.col("asked")).then(pl.when(where).then(value).forward_fill().shift(1))


FOLD_FILES: Final = Fold(
    IS_FILE & IS_GET & ~IS_UNCHANGED & ~IS_HUB,
    "origin_id",
    ("url_path",),
    {
        "is_answer": (IS_WHOLE | IS_PART | IS_REDIRECT).fill_null(value=False),
        "is_redirect": IS_REDIRECT,
        "is_part": IS_PART,
        "is_body": IS_WHOLE | IS_PART,
    },
    _fold_files,
)
"""Files taken: each 200, parts once in `PART_GAP`, a redirect and what follows it once.

What was refused is an attempt, unless the same origin asks for the same path again within
`PULL_GAP`: then the last answer speaks for all. Gives `downloads` and `attempts`.
"""

FOLD_MODELS: Final = replace(FOLD_FILES, requests=IS_FILE & IS_GET & ~IS_UNCHANGED & IS_MODEL & IS_QUERY_FILE)
"""Files of models: only its query files stand for one."""


def fold_datasets(methods: pl.Expr = IS_GET, *, is_alone: bool = False) -> Fold:
    """Fold data sets: all files of one repository that one endpoint takes without a pause over `ISLAND_GAP` are one.

    Args:
        methods: requests that can take a file.
        is_alone: requests of nobody known belong with no other.
    """
    requests = IS_FILE & IS_DATASET & methods & ~IS_UNCHANGED
    return Fold(requests, "endpoint_id", ("package_name",), {"is_taken_file": IS_TAKEN}, _fold_datasets, is_alone=is_alone)


def _fold_datasets(rows: pl.LazyFrame) -> pl.LazyFrame:
    run = Islands(pl.col("is_run"))
    chosen = pl.coalesce(run.first_where(pl.col("is_taken_file")), run.first)
    return rows.with_columns(is_run=starts_island(ISLAND_GAP)).select(
        pl.col(ROW).gather(chosen),
        pl.col("timestamp").gather(run.first).alias(ISLAND_START),
        pl.col("timestamp").gather(run.last).alias(ISLAND_END),
        downloads=run.any(pl.col("is_taken_file")).cast(pl.Int64),
        attempts=pl.lit(1, pl.Int64),
    )
