"""Files that are taken too often, or over and over in pieces."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.islands import IS_NEW
from pullstats.metrics.offences.requests import HOUR, OWNER, SECOND, Part, give_waste, mix, order_owners
from pullstats.metrics.offences.rules import Kind

_DAY = 24 * HOUR
_BY_CLASS = "by_class"
_TAKER = mix("network", "client", "path", "log") ^ pl.col("is_redirect").hash(10)
_IS_ARTIFACT = pl.col("is_get") & (pl.col("is_file") | pl.col("is_blob"))


def find_uncached(part: Part, kind: Kind) -> pl.DataFrame:
    """Find files that builds of one network take whole, with one client, many times a day by one log; see `DETECTORS`.

    All but the day's first are waste. A redirect and what it leads to are one. Builds say that they are in CI, or are told by how they ask.
    """
    is_whole = pl.col("status").eq_missing(200) | pl.col("is_redirect")
    taken = _mark_builds(part, part.rows.lazy().filter(_IS_ARTIFACT & is_whole), kind)
    ordered = order_owners(taken, _TAKER, kind["times_a_day"], (_BY_CLASS,)).with_columns(day=pl.col("instant") // _DAY)
    times = ordered.group_by(OWNER, "day", maintain_order=True).agg(times=pl.len())
    found = ordered.join(times, on=[OWNER, "day"], how="left", maintain_order="left")
    is_first = pl.col(IS_NEW) | pl.col("day").ne_missing(pl.col("day").shift(1))
    return give_waste(found.filter(~is_first & (pl.col("times") >= kind["times_a_day"])), "times", _BY_CLASS)


def _mark_builds(part: Part, taken: pl.LazyFrame, kind: Kind) -> pl.LazyFrame:
    """Keep what builds took; classes are looked at only where something is taken that often by clients that do not say what they are in."""
    flagged = taken.filter("is_ci").with_columns(pl.lit(value=False).alias(_BY_CLASS))
    often = taken.group_by(_TAKER.alias(OWNER), pl.col("instant") // _DAY).agg(pl.len(), is_silent=(~pl.col("is_ci")).any())
    if not often.filter("is_silent", pl.col("len") >= kind["times_a_day"]).head(1).collect(engine="streaming").height:
        return flagged
    silent = taken.filter(~pl.col("is_ci")).join(part.list_builds().lazy(), on=["origin", "package"], how="semi")
    return pl.concat([flagged, silent.with_columns(pl.lit(value=True).alias(_BY_CLASS))])


def find_unfinished(part: Part, kind: Kind) -> pl.DataFrame:
    """Find files that one origin begins and resumes, and never has: all requests for them; see `DETECTORS`."""
    asked = part.rows.lazy().filter(_IS_ARTIFACT & pl.col("status").is_in([200, 206, 499]))
    known = asked.join(part.around.sizes.lazy(), on="path", how="inner")
    ordered = order_owners(known, mix("origin", "path"), kind["least"], ("status", "size", "full"))
    is_late = pl.col("instant") - pl.col("instant").shift(1) > int(kind["gap_seconds"] * SECOND)
    ordered = ordered.with_columns(transfer=(pl.col(IS_NEW) | is_late.fill_null(value=True)).cum_sum())
    status, size, full = pl.col("status"), pl.col("size").fill_null(0), pl.col("full")
    is_cut = (status == 499) | ((status == 200) & (size < full)).fill_null(value=False)
    # A piece sent by range goes on where the largest beginning ended.
    got = size.filter(status == 200).max().fill_null(0) + size.filter(status == 206).sum()
    # Of a file that nobody took whole, any answer with a body may have been all of it.
    is_whole = pl.when(full.first().is_null()).then((status != 499).any()).otherwise(got >= full.first())
    transfers = ordered.group_by(OWNER, "transfer").agg(cuts=is_cut.sum(), is_whole=is_whole)
    owners = transfers.group_by(OWNER).agg(pl.col("cuts").sum(), pl.col("is_whole").any())
    failing = owners.filter(~pl.col("is_whole") & (pl.col("cuts") >= kind["cuts"]))
    return give_waste(ordered.join(failing.select(OWNER, "cuts"), on=OWNER, how="inner"), "cuts")
