"""Streams: one machine that asks at one pace, whatever its address is by now.

A node in a cloud and a line at home change their address. Where the pace of one origin ends, and within two periods and a half
that of another begins, of the same network owner (or, where none is known, kind of network), client, platform and
package and with the same period, it is one stream that moved. Each end is followed by one beginning at most.
Where polls are missing at several such addresses, they may be those of one machine that leaves by one address and the other
in turn: as long as there are together no more than one in each period.
All is done on the small table of origins and packages, so that it does not matter how many events there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import count_hits, describe_pace, find_chance
from pullstats.metrics.behaviour.periods import PERIOD_COLUMNS
from pullstats.metrics.behaviour.requests import OWNER
from pullstats.metrics.behaviour.turns import PAUSE, TURN, WHO, is_part, name_owned
from pullstats.metrics.behaviour.visits import SECOND

STREAM: Final = "stream"
GROUP: Final = "group"
_ROW: Final = "stream_row"
_ROOT: Final = "root"
_LEAST_REGULAR: Final = 0.4
_LEAST_BEYOND: Final = 2.0
_SAME: Final = log(1.2)
"""How far the logarithms of two periods that count as one are apart at most."""
_DOUBLED: Final = 1.1
"""Polls in each period from which on they are no longer those of one machine."""
_GAPS: Final = ("gaps", "hits", "multiples", "long", "close")
_SUMS: Final = (*_GAPS, "hours")
_PACE: Final = (*PERIOD_COLUMNS, "periods", "period_hours", "spread_seconds")
_ROW_COLUMNS: Final = (
    *(OWNER, "organization_name", "as_organization", "network_type", *WHO),
    *("start", "end", "visits", "period", "regular", "beyond_chance", "machines", TURN),
)
_JOINED_COLUMNS: Final = ("origin_id", OWNER, "start", "end", "visits", "period", "by_chance", "wide", TURN, *_SUMS)


def join_streams(pairs: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Join what moved from address to address, or leaves by several.

    Args:
        pairs: a row an origin and package, with its features, `owner` and traits.
        turns: jobs that leave by several addresses in turn, as `find_turns` gives them.

    Returns:
        The same rows in the same order, with `stream` (the first owner of each), `group` (what could be one that moved); `addresses` that one stream had
        one after the other, `sharers` that it leaves by in turn; and of these the hours and gaps of the whole stream.
    """
    pairs = _take_turns(pairs, turns)
    rows = _name_groups(pairs.select(_ROW_COLUMNS).with_row_index(_ROW))
    is_paced = (pl.col("regular") >= _LEAST_REGULAR) & (pl.col("beyond_chance") >= _LEAST_BEYOND) & (pl.col("machines") == 1)
    paced = rows.filter(is_paced & pl.col("package_name").is_not_null() & pl.col(TURN).is_null())
    before = _find_shares(paced.filter(is_part()), _find_before(paced.filter(~is_part()), pairs.height))
    jobs = rows.filter(pl.col(TURN).is_not_null()).select(_ROW, first=pl.col(_ROW).first().over(TURN))
    root = _find_roots(before.scatter(jobs[_ROW], jobs["first"]))
    group = pl.int_range(pairs.height, dtype=pl.UInt32, eager=True).scatter(rows[_ROW], rows[GROUP])
    one = pl.lit(1, pl.UInt32)
    joined = pairs.with_columns(pl.Series(STREAM, pairs[OWNER].gather(root)), group.alias(GROUP), addresses=one, sharers=one)
    return _describe_whole(joined, root).drop(TURN)


def _take_turns(pairs: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Let the addresses by which one job leaves in turn have its pace: as `turns`, with `turn`, its number, null for all others."""
    rows = pairs.select(OWNER, "start", "end").with_row_index(_ROW).join(turns, on=OWNER).with_columns(**describe_pace())
    return _put(pairs.with_columns(pl.lit(None, pl.UInt32).alias(TURN)), rows, (*_PACE, TURN))


def _put(table: pl.DataFrame, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Put what is found of a few rows into a table, by their place in it."""
    return table.with_columns(table[name].clone().scatter(rows[_ROW], rows[name].cast(table[name].dtype)) for name in names) if rows.height else table


def _name_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows with a period, and add `kin`, a number for each network owner, client, platform and package; `pace`, the logarithm of the period; and `group`, one for each run of like paces of these."""
    named = rows.filter(pl.col("period").is_not_null()).with_columns(name_owned(), pace=pl.col("period").log())
    ordered = named.with_columns(kin=pl.struct("owned_by", *WHO).rank("dense")).sort("kin", "pace", _ROW)
    is_new = ((pl.col("kin").diff() != 0) | (pl.col("pace").diff() > _SAME)).fill_null(value=True)
    return ordered.with_columns(pl.when(is_new).then(_ROW).forward_fill().alias(GROUP)).sort(_ROW)


def _describe_whole(joined: pl.DataFrame, root: pl.Series) -> pl.DataFrame:
    """Let the addresses of one stream have the hours and gaps of all of it, unless their polls double up.

    Args:
        joined: a row an origin and package, with `turn`.
        root: the row that stands for the stream of each.
    """
    roots = pl.DataFrame({_ROOT: root}).with_row_index(_ROW).filter((pl.len() > 1).over(_ROOT))
    several = joined[roots[_ROW]].select(_JOINED_COLUMNS).with_columns(roots.get_columns()).sort(_ROOT, "start", OWNER)
    span = (pl.col("end").max() - pl.col("start").min()) / SECOND
    is_next = pl.col("start") >= pl.col("end").cum_max().shift(1)
    is_job = pl.col(TURN).first().is_not_null()
    whole = several.group_by(_ROOT, maintain_order=True).agg(
        pl.col("hours").sum(),
        *(pl.when(is_job).then(pl.col(name).first()).otherwise(pl.col(name).sum()).alias(name) for name in _GAPS),
        hours_span=span / 3600,
        count=pl.col("origin_id").n_unique().cast(pl.UInt32),
        is_moved=is_next.all(),
        is_doubled=~is_job & (pl.col("visits").sum() > _DOUBLED * span / pl.col("period").median() + pl.len()),
    )
    one = pl.lit(1, pl.UInt32)
    whole = whole.filter(pl.col("is_moved") | ~pl.col("is_doubled")).with_columns(
        addresses=pl.when("is_moved").then("count").otherwise(one), sharers=pl.when("is_moved").then(one).otherwise("count")
    )
    told = several.select(_ROW, _ROOT, "by_chance", "wide").join(whole, on=_ROOT).with_columns(find_chance(), count_hits())
    return _put(joined, told, (*_SUMS, "hours_span", "addresses", "sharers", "beyond_chance", "hits_all"))


def _find_shares(parts: pl.DataFrame, before: pl.Series) -> pl.Series:
    """Let those at whose pace polls are missing be parts of one stream, where there are several at a time: its polls leave by several addresses in turn."""
    mean = pl.max_horizontal(pl.col("period"), (pl.col("end") - pl.col("start")) / SECOND / pl.col("visits"))
    reach = (pl.col("end") + PAUSE * mean * SECOND).cum_max().over(GROUP).shift(1)
    ordered = parts.sort(GROUP, "start", _ROW)
    is_new = (pl.col(GROUP).diff() != 0) | (pl.col("start") > reach)
    runs = ordered.with_columns(run=is_new.fill_null(value=True).cum_sum())
    is_like = (pl.col("pace").max() - pl.col("pace").min() <= _SAME).over("run")
    several = runs.filter(is_like & (pl.len() > 1).over("run"))
    firsts = several.select(_ROW, first=pl.col(_ROW).first().over("run"))
    return before.scatter(firsts[_ROW], firsts["first"])


def show_origins(origins: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Let origins that ask for one package alone be the part of a stream that their package shows them to be.

    Args:
        origins: a row an origin, with its features.
        pairs: as `join_streams` gives them.
    """
    names = [*dict.fromkeys((*_SUMS, *_PACE)), "hours_span", "addresses", "sharers", "beyond_chance", "hits_all"]
    moved = pairs.filter(is_joined() & pl.col("package_name").is_not_null()).sort("requests", "owner")
    whole = moved.unique("origin_id", keep="last", maintain_order=True).select("origin_id", *names)
    both = origins.join(whole, on="origin_id", how="left", maintain_order="left", suffix=" of stream")
    is_alone = pl.col("packages") == 1
    fresh = [pl.when(is_alone).then(pl.coalesce(f"{name} of stream", name)).otherwise(name).alias(name) for name in names]
    return both.with_columns(fresh).select(origins.columns)


def is_joined() -> pl.Expr:
    """Tell whether an origin and package is one of several addresses of a stream."""
    return (pl.col("addresses") > 1) | (pl.col("sharers") > 1)


def _find_before(paced: pl.DataFrame, count: int) -> pl.Series:
    """Give for each of so many rows the row whose stream it goes on with, else itself."""
    none = pl.int_range(count, dtype=pl.UInt32, eager=True)
    if not paced.height:
        return none
    rows = paced.with_columns(bucket=(pl.col("pace") / _SAME).floor().cast(pl.Int64))
    ends = rows.select("kin", "bucket", before=pl.col(_ROW), moment="end", pace_before="pace").sort("moment")
    begins = rows.select("kin", "bucket", _ROW, "start", "period", "pace", moment=pl.col("start") - 1).sort("moment")
    # Periods that are alike lie in one step of the logarithm, or in the next: the bounds of the steps mean nothing.
    near = [begins.with_columns(pl.col("bucket") + step).pipe(_find_last_end, ends) for step in (-1, 0, 1)]
    nearest = pl.concat(near).sort("off", "before").unique(_ROW, keep="first", maintain_order=True)
    links = nearest.sort("start", _ROW).unique("before", keep="first", maintain_order=True)
    return none.scatter(links[_ROW], links["before"])


def _find_last_end(begins: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Give for each beginning the last end before it in its bucket, if it is of the same period and not long ago: `before`, and how far its period is `off`."""
    found = begins.join_asof(ends, on="moment", by=["kin", "bucket"], strategy="backward", check_sortedness=False, coalesce=False, suffix="_end")
    is_next = (pl.col("start") - pl.col("moment_end")) <= PAUSE * pl.col("period") * SECOND
    off = (pl.col("pace") - pl.col("pace_before")).abs()
    alike = found.with_columns(off=off).filter(is_next & (pl.col("off") <= _SAME) & (pl.col("before") != pl.col(_ROW)))
    return alike.select(_ROW, "start", "before", "off")


def _find_roots(before: pl.Series) -> pl.Series:
    """Follow each row to the first of its stream, by twice as many steps each turn."""
    while True:
        further = before.gather(before)
        if (further == before).all():
            return before
        before = further
