"""Periods: how regularly visits follow each other.

Of the differences between a visit and the next, the next but one and so on, the window of a few per cent that
holds the most tells a period. Several machines behind one address poll with several phases: then it
is the visit so many places on that comes a period later, and the places count the machines.

Whether so many lie so close together by chance is told by what random processes do. In the fullest window of
±10 % lie about 0.2·√(k/2π) of the differences of places k apart where gaps are exponential (the mode of the gamma
distribution, by Stirling), and 0.2·√(k/2π)/c where they are independent and vary by c of their mean (the sum of
k is nearly normal): the larger counts. A gap much longer than the period lies within 10 % of a multiple in a fifth of all cases.

Source: DEFINITIONS "Behaviour (class)".
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.visits import KEY, SECOND

LAGS: Final = (1, 2, 3, 4, 5, 6, 8)
TOLERANCE: Final = 0.1
DAILY: Final = 12 * 3600.0
DAILY_TOLERANCE: Final = 900.0
"""Seconds, of periods from half a day on: who comes every morning is within 10 % of a day, too, but hardly within a quarter of an hour."""
TIGHT: Final = 0.01
LEAST_SPREAD: Final = 1.5
"""Seconds that clocks of logs and machines are off at any rate."""
_LEAST_VISITS: Final = 4
_MOST_USED: Final = 300
"""Differences of one owner among which the period is looked for; all are counted."""
_MOST_MULTIPLE: Final = 12
_CHANCE: Final = 2 * TOLERANCE
_ROOM: Final = 64.0
"""Between the logarithms of one owner's differences and of the next one's on a line; none reaches so far."""
_GOOD: Final = 0.75
"""Share from which on a period of each visit to the next needs no other explanation."""


def find_periods(visits: pl.DataFrame) -> pl.DataFrame:
    """Find the period of each owner's visits, if they have one.

    Args:
        visits: `key`, `start` (µs) and `is_explained`, whether the gap before a visit is the log's own; in order of both.

    Returns:
        `key` of those with enough visits; `period` (s), `machines`, the places to the visit one period later, `gaps` counted, `hits` within 10 %,
        `multiples` within it of a multiple, of the `long` ones that may be some, `wide` (share of all lengths that are), `close` (hits within 1 %), `by_chance` (share of hits in a random process), `regular` (the share of both beyond chance), `tight` (share within 1 %), `spread` (s, the middle half).
    """
    counted = visits.select(KEY, "start", "is_explained").with_columns(
        size=pl.len().over(KEY), place=pl.int_range(pl.len(), dtype=pl.UInt32).over(KEY)
    )
    rows = counted.filter(pl.col("size") >= _LEAST_VISITS)
    found = _try_lag(rows.with_columns(varies=1.0), 1)
    rows = _add_variation(rows)
    for lag in LAGS[1:]:
        open_ = found.filter(pl.col("regular") < _GOOD).select(KEY)
        chosen = rows.filter(pl.col("size") >= 6 * lag).join(open_, on=KEY, how="semi", maintain_order="left")
        if not chosen.height:
            break
        found = _choose(found, _try_lag(chosen, lag))
    return found


def _choose(found: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Keep the clearer of two answers for each owner; a later one must be much clearer."""
    both = pl.concat([found.with_columns(rank=pl.col("regular") + 0.1), other.with_columns(rank=pl.col("regular"))])
    return both.sort(KEY, "rank", descending=[False, True], maintain_order=True).unique(KEY, keep="first", maintain_order=True).drop("rank")


def tolerance(period: pl.Expr) -> pl.Expr:
    """Tell how far off a period a gap may be, in seconds."""
    return pl.when(period < DAILY).then(pl.max_horizontal(TOLERANCE * period, LEAST_SPREAD)).otherwise(DAILY_TOLERANCE)


def _add_variation(rows: pl.DataFrame) -> pl.DataFrame:
    """Add how much the gaps of each owner vary, as a share of their mean (`varies`)."""
    gaps = rows.select(KEY, gap=pl.when(pl.col("place") > 0).then(pl.col("start").diff()))
    return rows.join(gaps.group_by(KEY).agg(varies=pl.col("gap").std() / pl.col("gap").mean()), on=KEY, how="left", maintain_order="left")


def _try_lag(rows: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Look for a period between a visit and the one `lag` places on."""
    is_one = pl.col("size") - pl.col("place") > lag
    explained = pl.col("is_explained").cast(pl.UInt32).cum_sum()
    gaps = rows.with_columns(gap=(pl.col("start").shift(-lag) - pl.col("start")) / SECOND, missing=explained.shift(-lag) - explained)
    gaps = gaps.filter(is_one, pl.col("missing") == 0, pl.col("gap") > 0).select(KEY, "gap", "size", "place", "varies")
    modes = _find_modes(gaps)
    judged = gaps.select(KEY, "gap", "varies").join(modes, on=KEY, maintain_order="left")
    period, gap = pl.col("period"), pl.col("gap")
    times = (gap / period).round()
    off = (gap - times * period).abs()
    near = tolerance(period)
    is_hit = (times == 1) & (off <= near)
    is_long = (times > 1) & (times <= _MOST_MULTIPLE)
    close = pl.max_horizontal(TIGHT * period, LEAST_SPREAD).clip(upper_bound=near)
    told = judged.group_by(KEY, maintain_order=True).agg(
        period.first(),
        pl.len().alias("gaps"),
        is_hit.sum().cast(pl.Int64).alias("hits"),
        (is_long & (off <= near)).sum().alias("multiples"),
        is_long.sum().alias("long"),
        (is_hit & (off <= close)).sum().cast(pl.Int64).alias("close"),
        (gap.filter(is_hit).quantile(0.75) - gap.filter(is_hit).quantile(0.25)).alias("spread"),
        wide=(2 * near / period).first(),
        varies=pl.col("varies").first(),
    )
    share = sqrt(lag / (2 * pi)) / pl.col("varies").clip(0.01, 1.0)  # of a window as wide as the period
    beyond = ((pl.col("multiples") - pl.col("wide") * pl.col("long")) / (1 - pl.col("wide"))).clip(0)
    by_chance = (pl.col("wide") * share).clip(0, 0.95)
    regular = (((pl.col("hits") + beyond) / pl.col("gaps") - by_chance) / (1 - by_chance)).clip(0)
    return told.select(
        KEY,
        "period",
        pl.lit(lag, pl.UInt32).alias("machines"),
        "gaps",
        "hits",
        "multiples",
        "long",
        "wide",
        "close",
        "spread",
        by_chance=by_chance,
        regular=regular,
        tight=pl.col("close") / pl.col("gaps"),
    )


def _find_modes(gaps: pl.DataFrame) -> pl.DataFrame:
    """Find the fullest window of each owner's gaps: `key`, `period` (s), the middle of what lies in it."""
    step = (pl.col("size") - 1) // _MOST_USED + 1
    chosen = gaps.filter(pl.col("place") % step == 0).with_columns(number=pl.col(KEY).rle_id())
    reach = (2 * tolerance(pl.col("gap")) / pl.col("gap")).clip(upper_bound=0.5).log1p()
    line = chosen.select(KEY, "number", "gap", start=pl.col("number") * _ROOM + pl.col("gap").log(), reach=reach).sort("start")
    starts = line["start"]
    upper = starts.search_sorted(starts + line["reach"] + 1e-9, side="right")
    counted = line.with_row_index("index").with_columns(count=pl.lit(upper) - pl.col("index"))
    best = counted.group_by("number", maintain_order=True).agg(pl.all().sort_by("count", descending=True, maintain_order=True).first())
    return best.select(KEY, period=line["gap"].gather(best["index"] + (best["count"] - 1) // 2))
