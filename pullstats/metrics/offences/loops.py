"""Loops: requests that go on although the answer stays the same refusal."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.islands import INDEX, IS_NEW, Islands
from pullstats.metrics.offences.requests import SECOND, Part, give_waste, mix, order_owners
from pullstats.metrics.offences.rules import Kind


def find_401(part: Part, kind: Kind) -> pl.DataFrame:
    """Find loops on 401: of one endpoint and client for one path, whoever it is let in as afterwards; see `DETECTORS`."""
    # A login begins with a 401 of the registry itself, each time.
    return _find_loops(part, kind, 401, mix("endpoint", "client", "path"), ~pl.col("is_entry"))


def find_404(part: Part, kind: Kind) -> pl.DataFrame:
    """Find loops on 404: of one origin for one path that names a package; what clients try on the way to an index names none; see `DETECTORS`."""
    return _find_loops(part, kind, 404, mix("origin", "path"), pl.col("package").is_not_null())


def find_429(part: Part, kind: Kind) -> pl.DataFrame:
    """Find loops on 429: of one endpoint and client, whatever it asks for; see `DETECTORS`."""
    return _find_loops(part, kind, 429, mix("endpoint", "client"), pl.lit(value=True))


def _find_loops(part: Part, kind: Kind, status: int, owner: pl.Expr, is_looked_at: pl.Expr) -> pl.DataFrame:
    """Find rows of one answer without another in between and without a long pause: all but the first ones."""
    is_hit = pl.col("status").eq_missing(status)
    ordered = order_owners(part.rows.lazy().filter(is_looked_at), owner, kind["least"], ("status",), is_hit)
    is_late = pl.col("instant") - pl.col("instant").shift(1) > int(kind["gap_seconds"] * SECOND)
    begins = pl.col(IS_NEW) | ~is_hit.shift(1).fill_null(value=False) | is_late.fill_null(value=True)
    hits = ordered.with_columns(is_start=is_hit & begins).filter(is_hit)
    runs = Islands(pl.col("is_start"))
    size = runs.spread(runs.last - runs.first + 1)
    marked = hits.with_columns(size=size, number=INDEX - runs.spread(runs.first))
    return give_waste(marked.filter((pl.col("size") >= kind["least"]) & (pl.col("number") >= kind["free"])), "size")
