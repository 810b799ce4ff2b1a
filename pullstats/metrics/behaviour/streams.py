"""Streams: one machine that asks at one pace, whatever its address is by now.

A node in a cloud and a line at home change their address. Where the pace of one origin ends, and within three periods
that of another begins, of the same network owner (or, where none is known, kind of network), client, platform and
package and with the same period, it is one stream that moved. Each end is followed by one beginning at most.
All is done on the small table of origins and packages, so that it does not matter how many events there are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import count_hits, find_chance
from pullstats.metrics.behaviour.visits import SECOND

STREAM: Final = "stream"
GROUP: Final = "group"
_ROW: Final = "stream_row"
_WHO: Final = ("owned_by", "user_agent_name", "os_name", "host_arch", "package_type", "package_name", "pace")
_LEAST_REGULAR: Final = 0.4
_LEAST_BEYOND: Final = 2.0
_PAUSE: Final = 3
"""Periods after which another beginning is another machine's."""
_WHOLE: Final = 0.75
"""Polls in each period from which on a stream is whole."""
_SAME: Final = 0.18
"""Logarithms of periods that count as one are cut into steps of so much."""
_SUMS: Final = ("gaps", "hits", "multiples", "long", "close", "hours")


def join_streams(pairs: pl.DataFrame) -> pl.DataFrame:
    """Join what moved from address to address.

    Args:
        pairs: a row an origin and package, with its features, `owner` and traits.

    Returns:
        The same rows in the same order, with `stream` (the first owner of each), `group` (what could be one that moved), `addresses`, and of those that moved the hours and gaps of the whole stream.
    """
    rows = _name_groups(pairs.with_row_index(_ROW))
    is_paced = (pl.col("regular") >= _LEAST_REGULAR) & (pl.col("beyond_chance") >= _LEAST_BEYOND) & (pl.col("machines") == 1)
    paced = rows.filter(is_paced & pl.col("package_name").is_not_null()).select(_ROW, GROUP, "start", "end", "period", "visits")
    is_part = pl.col("visits") < _WHOLE * (pl.col("end") - pl.col("start")) / SECOND / pl.col("period")
    before = _find_before(paced.filter(~is_part), pairs.height)
    root = _find_roots(_find_shares(paced.filter(is_part), before))
    joined = pairs.with_columns(root=root)
    moved = joined.filter((pl.len() > 1).over("root"))
    span = (pl.col("end").max() - pl.col("start").min()) / SECOND / 3600
    whole = moved.group_by("root").agg(pl.col(_SUMS).sum(), span.alias("hours_span"), addresses=pl.col("origin_id").n_unique().cast(pl.UInt32))
    told = joined.select("root").join(whole, on="root", how="left", maintain_order="left")
    fresh = [pl.coalesce(told[name], pairs[name]).alias(name) for name in (*_SUMS, "hours_span", "addresses")]
    return pairs.with_columns(pl.Series(STREAM, pairs["owner"].gather(root)), rows[GROUP], *fresh).with_columns(find_chance(), count_hits())


def _name_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `group`, a number for each network owner, client, platform, package and pace."""
    owned = pl.coalesce("organization_name", "as_organization", "network_type").fill_null("").alias("owned_by")
    named = rows.with_columns(owned, pace=(pl.col("period").log() / _SAME).round())
    return named.with_columns(pl.struct(_WHO).rank("dense").alias(GROUP)).drop("owned_by", "pace")


def _find_shares(parts: pl.DataFrame, before: pl.Series) -> pl.Series:
    """Let those at whose pace polls are missing be parts of one stream, where there are several: its polls leave by several addresses in turn."""
    several = parts.filter((pl.len() > 1).over(GROUP)).sort("start", _ROW)
    firsts = several.select(_ROW, first=pl.col(_ROW).first().over(GROUP))
    return before.scatter(firsts[_ROW], firsts["first"])


def show_origins(origins: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Let origins that ask for one package alone be the part of a stream that their package shows them to be.

    Args:
        origins: a row an origin, with its features.
        pairs: as `join_streams` gives them.
    """
    names = [*_SUMS, "hours_span", "addresses", "beyond_chance", "hits_all"]
    moved = pairs.filter((pl.col("addresses") > 1) & pl.col("package_name").is_not_null()).sort("requests", "owner")
    whole = moved.unique("origin_id", keep="last", maintain_order=True).select("origin_id", *names)
    both = origins.join(whole, on="origin_id", how="left", maintain_order="left", suffix=" of stream")
    is_alone = pl.col("packages") == 1
    fresh = [pl.when(is_alone).then(pl.coalesce(f"{name} of stream", name)).otherwise(name).alias(name) for name in names]
    return both.with_columns(fresh).select(origins.columns)


def _find_before(paced: pl.DataFrame, count: int) -> pl.Series:
    """Give for each of so many rows the row whose stream it goes on with, else itself."""
    none = pl.int_range(count, dtype=pl.UInt32, eager=True)
    if not paced.height:
        return none
    ends = paced.select(GROUP, before=pl.col(_ROW), moment="end").sort("moment")
    begins = paced.select(GROUP, _ROW, "start", "period", moment=pl.col("start") - 1).sort("moment")
    found = begins.join_asof(ends, on="moment", by=GROUP, strategy="backward", check_sortedness=False, coalesce=False, suffix="_end")
    is_next = (pl.col("start") - pl.col("moment_end")) <= _PAUSE * pl.col("period") * SECOND
    links = found.filter(is_next & (pl.col("before") != pl.col(_ROW))).sort("start", _ROW).unique("before", keep="first", maintain_order=True)
    return none.scatter(links[_ROW], links["before"])


def _find_roots(before: pl.Series) -> pl.Series:
    """Follow each row to the first of its stream, by twice as many steps each turn."""
    while True:
        further = before.gather(before)
        if (further == before).all():
            return before
        before = further
