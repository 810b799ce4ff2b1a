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
from pullstats.metrics.islands import INDEX, Islands, changes, sum_between

PERIOD_COLUMNS: Final = ("period", "machines", "gaps", "hits", "multiples", "long", "wide", "close", "spread", "by_chance", "regular", "tight")
"""What is found of each owner's pace."""
LAGS: Final = (1, 2, 3, 4, 5, 6, 8)
TOLERANCE: Final = 0.1
DAILY: Final = 12 * 3600.0
DAILY_TOLERANCE: Final = 900.0
"""Seconds, of periods from half a day on: who comes every morning is within 10 % of a day, too, but hardly within a quarter of an hour."""
TIGHT: Final = 0.01
LEAST_SPREAD: Final = 1.5
"""Seconds that clocks of logs and machines are off at any rate."""
LEAST_VISITS: Final = 4
"""Visits from which on a period is looked for."""
_MOST_USED: Final = 300
"""Differences of one owner among which the period is looked for; those of each visit to the next are all counted."""
MOST_MULTIPLE: Final = 12
_ROOM: Final = 64.0
"""Between the logarithms of one owner's differences and of the next one's on a line; none reaches so far."""
_GOOD: Final = 0.75
_GOOD_TIGHT: Final = 0.5
"""Shares from which on a period of each visit to the next needs no other explanation."""
_MUCH: Final = 0.25
_CERTAIN: Final = 2.0
_SHARPER: Final = 0.33
"""Share of the spread at which a later place is the same visitor's: delays and drifts spread over several periods as much as over one, or more."""
_LOSS: Final = 0.1
_LEAST_GAPS: Final = 16
_SHARP_TIGHT: Final = 0.9
_PLACES: Final = 2**32
"""More than there are gaps of a slice."""
_HALF: Final = 2**31
_COUNTED: Final = (("hits", "multiples"), ("long", "close"))
_GAP: Final = pl.col("gap")


def find_periods(visits: pl.DataFrame) -> pl.DataFrame:
    """Find the period of each owner's visits, if they have one.

    Args:
        visits: `key`, `start` (µs) and `is_explained`, whether the gap before a visit is the log's own; in order of both.

    Returns:
        `key` of those with enough visits; `period` (s), `machines`, the places to the visit one period later, `gaps` counted, `hits` within 10 %,
        `multiples` within it of a multiple, of the `long` ones that may be some, `wide` (share of all lengths that are), `close` (hits within 1 % of the time between visits),
        `spread` (s, the middle half of the hits), `by_chance` (share of hits in a random process), `regular` (the share of hits and multiples beyond chance)
        and `tight` (the share of close ones).
    """
    rows = _number(visits)
    found = _try_lag(rows.with_columns(varies=1.0, step=1), 1)
    nobody = pl.repeat(value=False, n=int(visits.select(pl.col(KEY).max().fill_null(0)).item()) + 1, eager=True)
    rows = _add_variation(rows).with_columns(step=(pl.col("size") - 1) // _MOST_USED + 1)
    for lag in LAGS[1:]:
        is_open = nobody.clone().scatter(found.filter(_is_unclear())[KEY], values=True)
        rows = rows.filter((pl.col("size") >= 6 * lag) & pl.lit(is_open).gather(pl.col(KEY)))
        if not rows.height:
            break
        found = _choose(found, _try_lag(rows, lag))
    return found


def _is_unclear() -> pl.Expr:
    """Tell whose period another may explain better."""
    is_blurred = (pl.col("spread") > 2 * LEAST_SPREAD) & (pl.col("tight") < _SHARP_TIGHT)
    return (pl.col("regular") < _GOOD) | (pl.col("tight") < _GOOD_TIGHT) | is_blurred


def _number(visits: pl.DataFrame) -> pl.DataFrame:
    """Keep the visits of owners that have enough, and say how many these are (`size`) and which of them each is (`place`)."""
    run = Islands(changes(KEY))
    size = (run.last - run.first + 1).cast(pl.Int64)
    rows = visits.select(KEY, "start", "is_explained", size=run.spread(size), place=INDEX.cast(pl.Int64) - run.spread(run.first).cast(pl.Int64))
    return rows.filter(pl.col("size") >= LEAST_VISITS)


def _choose(found: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Keep the clearer of two answers for each owner; a later one must be much clearer, or much sharper: then the gaps of the first took turns."""
    clear = pl.col("regular") + pl.col("tight") / 2
    before = other.join(found.select(KEY, blur="spread", loss=pl.col("regular") - _LOSS), on=KEY, how="left", maintain_order="left")
    is_sharper = (
        (pl.col("spread") <= _SHARPER * pl.col("blur"))
        & (pl.col("blur") > 2 * LEAST_SPREAD)
        & (pl.col("regular") >= pl.col("loss"))
        & (pl.col("gaps") >= _LEAST_GAPS)
    )
    rank = pl.when(is_sharper.fill_null(value=False)).then(clear + _CERTAIN).otherwise(clear)
    both = pl.concat([found.with_columns(rank=clear + _MUCH), before.with_columns(rank=rank).drop("blur", "loss")])
    return both.sort(KEY, "rank", descending=[False, True], maintain_order=True).unique(KEY, keep="first", maintain_order=True).drop("rank")


def tolerance(period: pl.Expr) -> pl.Expr:
    """Tell how far off a period a gap may be, in seconds."""
    return pl.when(period < DAILY).then(pl.max_horizontal(TOLERANCE * period, LEAST_SPREAD)).otherwise(DAILY_TOLERANCE)


def _add_variation(rows: pl.DataFrame) -> pl.DataFrame:
    """Add how much the gaps of each owner vary, as a share of their mean (`varies`)."""
    gaps = rows.select(KEY, gap=pl.when(pl.col("place") > 0).then(pl.col("start").diff()))
    return rows.join(gaps.group_by(KEY).agg(varies=_GAP.std() / _GAP.mean()), on=KEY, how="left", maintain_order="left")


def _try_lag(rows: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Look for a period between a visit and the one `lag` places on."""
    gaps = _list_gaps(rows, lag)
    modes = _find_modes(gaps)
    bounds = modes.select("period", near=tolerance(pl.col("period")), closer=pl.max_horizontal(TIGHT * pl.col("period") / lag, LEAST_SPREAD))
    period, near, closer = (pl.lit(bound).gather(pl.col("number")) for bound in bounds)
    judged = gaps.select("number", "gap", period=period).with_columns(times=(_GAP / pl.col("period")).round())
    judged = judged.with_columns(off=(_GAP - pl.col("times") * pl.col("period")).abs())
    is_near = pl.col("off") <= near
    is_hit, is_long = (pl.col("times") == 1) & is_near, pl.col("times").is_between(2, MOST_MULTIPLE)
    is_close = is_hit & (pl.col("off") <= closer)
    flags = judged.select("number", hits=is_hit, multiples=is_long & is_near, long=is_long, close=is_close)
    told = modes.with_columns(_count(flags).get_columns())
    return _judge(told.with_columns(wide=(2 * tolerance(pl.col("period")) / pl.col("period"))), lag)


def _list_gaps(rows: pl.DataFrame, lag: int) -> pl.DataFrame:
    """List the differences: `key`, `number` (from 0 on, by owner), `gap` (s), `step`, `place`, `varies`."""
    explained = pl.col("is_explained").cast(pl.UInt32).cum_sum()
    is_one = (pl.col("size") - pl.col("place") > lag) & (pl.col("place") % pl.col("step") == 0) & (explained.shift(-lag) == explained)
    gaps = rows.select(KEY, "place", "size", "varies", gap=(pl.col("start").shift(-lag) - pl.col("start")) / SECOND, is_one=is_one)
    return gaps.filter("is_one", _GAP > 0).with_columns(number=(pl.col(KEY) != pl.col(KEY).shift(1)).fill_null(value=False).cum_sum())


def _count(flags: pl.DataFrame) -> pl.DataFrame:
    """Count flags by `number`, which rises, two of them in the halves of one number; and how many rows there are, as `gaps`."""
    first, last = Islands(changes("number")).locate(flags)
    pairs = flags.select(
        sum_between(pl.col(low).cast(pl.Int64) + pl.col(high).cast(pl.Int64) * _HALF, first, last).alias(low) for low, high in _COUNTED
    )
    halves = [half.alias(name) for low, high in _COUNTED for name, half in ((low, pl.col(low) % _HALF), (high, pl.col(low) // _HALF))]
    return pairs.select((last - first + 1).cast(pl.Int64).alias("gaps"), *halves)


def _judge(told: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Take off what would be so by chance."""
    share = sqrt(lag / (2 * pi)) / pl.col("varies").clip(0.01, 1.0)  # of a window as wide as the period
    beyond = ((pl.col("multiples") - pl.col("wide") * pl.col("long")) / (1 - pl.col("wide"))).clip(0)
    by_chance = (pl.col("wide") * share).clip(0, 0.95)
    regular = (((pl.col("hits") + beyond) / pl.col("gaps") - by_chance) / (1 - by_chance)).clip(0)
    machines = pl.lit(lag, pl.UInt32)
    judged = told.with_columns(machines=machines, by_chance=by_chance, regular=regular, tight=pl.col("close") / pl.col("gaps"))
    return judged.select(KEY, *PERIOD_COLUMNS)


def _find_modes(gaps: pl.DataFrame) -> pl.DataFrame:
    """Find the fullest window of each owner's gaps: `key`, `period` (s), the middle of what lies in it, `spread` (s), its middle half, and `varies`."""
    is_used = pl.col("place") % ((pl.col("size") - 1) // _MOST_USED + 1) == 0
    first = changes("number")
    chosen = gaps.filter(is_used | first)
    reach = (2 * tolerance(_GAP) / _GAP).clip(upper_bound=0.5).log1p()
    line = chosen.select("number", "gap", start=pl.col("number") * _ROOM + _GAP.log(), reach=reach).sort("start")
    upper = line["start"].search_sorted(line["start"] + line["reach"] + 1e-9, side="right")
    index, count = _find_fullest(line["number"], upper)
    low, middle, high = (line["gap"].gather(index + (count - 1) * part // 4) for part in (1, 2, 3))
    heads = gaps.filter(first).select(KEY, "varies")
    return heads.with_columns(period=middle, spread=high - low)


def _find_fullest(numbers: pl.Series, upper: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Find the first of each owner's fullest windows: where it begins, and how many lie in it.

    Args:
        numbers: of the owner of each window, in order.
        upper: where it ends; it begins at its own place.
    """
    # One number that is the larger the more lie in it, and of as many the earlier it begins.
    windows = pl.DataFrame({"number": numbers, "upper": upper.cast(pl.Int64)}).with_columns(index=INDEX.cast(pl.Int64))
    rank = (pl.col("upper") - pl.col("index")) * _PLACES + (_PLACES - 1 - pl.col("index"))
    best = windows.group_by("number", maintain_order=True).agg(rank.max().alias("rank"))["rank"]
    return _PLACES - 1 - best % _PLACES, best // _PLACES
