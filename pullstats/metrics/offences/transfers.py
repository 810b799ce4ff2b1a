"""Files that are taken too often, or over and over in pieces."""

from __future__ import annotations

import polars as pl

from pullstats.metrics.islands import IS_NEW
from pullstats.metrics.offences.requests import HOUR, OWNER, SECOND, Part, give_waste, mix, order_owners
from pullstats.metrics.offences.rules import Kind

_DAY = 24 * HOUR
_IS_ARTIFACT = pl.col("is_get") & (pl.col("is_file") | pl.col("is_blob"))


def find_uncached(part: Part, kind: Kind) -> pl.DataFrame:
    """Find files that builds of one network take whole, with one client, many times a day by one log; see `DETECTORS`.

    All but the day's first are waste. A redirect and what it leads to are one.
    """
    is_whole = pl.col("status").eq_missing(200) | pl.col("is_redirect")
    taken = part.rows.lazy().filter(_IS_ARTIFACT & pl.col("is_ci") & is_whole)
    ordered = order_owners(taken, mix("network", "client", "path", "log") ^ pl.col("is_redirect").hash(10), kind["times_a_day"]).with_columns(
        day=pl.col("instant") // _DAY
    )
    times = ordered.group_by(OWNER, "day", maintain_order=True).agg(times=pl.len())
    found = ordered.join(times, on=[OWNER, "day"], how="left", maintain_order="left")
    is_first = pl.col(IS_NEW) | pl.col("day").ne_missing(pl.col("day").shift(1))
    return give_waste(found.filter(~is_first & (pl.col("times") >= kind["times_a_day"])), "times")


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
