"""Turns: one job that leaves by several addresses, now by one and then by another, told by its visits put together.

A cluster starts a job on whichever node has room, a company leaves by several gateways. Each address sees some of the polls, at gaps that are
one period or two or five, as chance has it: too few of one length to tell. Put together they are as regular as the job is. Two that are no
one job are together less regular than apart, or just as regular. So the visits of two or more origins of one network owner, client, platform and
package are one job's where together they are as regular as the most regular of them, and less likely by chance than any of them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import find_chance, mark_silences
from pullstats.metrics.behaviour.periods import LEAST_VISITS, PERIOD_COLUMNS, find_periods
from pullstats.metrics.behaviour.requests import OWNER
from pullstats.metrics.behaviour.visits import KEY, SECOND

TURN: Final = "turn"
WHOLE: Final = 0.75
"""Polls in each period from which on a stream is whole."""
WHO: Final = ("user_agent_name", "os_name", "host_arch", "package_type", "package_name")
PAUSE: Final = 2.5
"""Periods after which another beginning is another machine's: with one poll missed it comes after two."""
_LEAST_REGULAR: Final = 0.6
_LEAST_LOSS: Final = 0.1
_LEAST_GAIN: Final = 5.0
"""By how much the logarithm of the chance must be less, all together, than that of the surest part by itself."""
_MOST: Final = 6
"""Of more addresses at a time nobody can tell which belong together."""
_BEYOND: Final = "beyond_chance"
_ROW_COLUMNS: Final = (OWNER, "start", "end")


def name_owned() -> pl.Expr:
    """Name the owner of an origin's network, or where none is known its kind."""
    return pl.coalesce("organization_name", "as_organization", "network_type").fill_null("").alias("owned_by")


def is_part() -> pl.Expr:
    """Tell of which streams polls are missing."""
    return pl.col("visits") < WHOLE * (pl.col("end") - pl.col("start")) / SECOND / pl.col("period")


def is_loose() -> pl.Expr:
    """Tell of which origins and packages the visits may be some of a job's that has others elsewhere."""
    is_vague = (pl.col("regular") < WHOLE) | is_part().fill_null(value=True)
    return (pl.col("visits") >= LEAST_VISITS) & is_vague


def keep_loose(visits: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep the visits of those whose visits may be parts: `owner`, `start`, `end`.

    Args:
        visits: in order, with `key`.
        pairs: a row a key, in order, with `owner`, features, `package_name`.
    """
    place = pl.col(KEY)
    kept = pl.lit(pairs.select(is_loose() & pl.col("package_name").is_not_null()).to_series()).gather(place)
    return visits.filter(kept).select(pl.lit(pairs[OWNER]).gather(place).alias(OWNER), "start", "end")


def find_turns(pairs: pl.DataFrame, visits: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    """Find the jobs that leave by several addresses in turn.

    Args:
        pairs: a row an origin and package, with features, `owner` and traits.
        visits: of those that may be parts, as `keep_loose` gives them.
        silences: see `mark_silences`.

    Returns:
        `owner` of each part, `turn`, the number of the job, and of the whole job the columns of its pace and `beyond_chance`.
    """
    parts = _list_parts(pairs)
    tried = _list_unions(parts)
    together = _describe_unions(tried, visits, silences)
    apart = (
        tried.join(parts.select(OWNER, "regular", _BEYOND), on=OWNER).group_by(KEY).agg(most=pl.col("regular").max(), surest=pl.col(_BEYOND).max())
    )
    both = together.join(apart, on=KEY)
    is_more = (pl.col("regular") >= pl.col("most") - _LEAST_LOSS) & (pl.col(_BEYOND) >= pl.col("surest") + _LEAST_GAIN)
    jobs = _connect(tried.join(both.filter(is_more & (pl.col("regular") >= _LEAST_REGULAR)), on=KEY, how="semi"))
    whole = _describe_unions(jobs, visits, silences).filter(pl.col("regular") >= _LEAST_REGULAR)
    return jobs.join(whole, on=KEY).rename({KEY: TURN}).sort(OWNER)


def _list_parts(pairs: pl.DataFrame) -> pl.DataFrame:
    """List what may be parts, with the `run` of those that are there at one time."""
    loose = pairs.filter(is_loose() & pl.col("package_name").is_not_null()).with_columns(name_owned())
    loose = loose.with_columns(kin=pl.struct("owned_by", *WHO).rank("dense")).sort("kin", "start", OWNER)
    mean = (pl.col("end") - pl.col("start")) / pl.col("visits")
    is_new = (pl.col("kin").diff() != 0) | (pl.col("start") > (pl.col("end") + PAUSE * mean).cum_max().over("kin").shift(1))
    runs = loose.select(OWNER, "regular", _BEYOND, run=is_new.fill_null(value=True).cum_sum())
    return runs.filter(pl.len().over("run").is_between(2, _MOST))


def _list_unions(parts: pl.DataFrame) -> pl.DataFrame:
    """List which parts to put together: all two of a run, and all of it; `key`, `owner`."""
    ones = parts.select("run", OWNER)
    twos = ones.join(ones, on="run", suffix=" other").filter(pl.col(OWNER) < pl.col(f"{OWNER} other")).sort("run", OWNER, f"{OWNER} other")
    twos = twos.with_row_index(KEY).select(KEY, both=pl.concat_list(OWNER, f"{OWNER} other")).explode("both").rename({"both": OWNER})
    more = ones.filter(pl.len().over("run") > 2).select((pl.col("run").rank("dense") + pl.lit(twos.height)).cast(pl.UInt32).alias(KEY), OWNER)
    return pl.concat([twos, more])


def _describe_unions(unions: pl.DataFrame, visits: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    """Find the period of the visits of several owners together: `key`, the columns of its pace, `beyond_chance`."""
    rows = unions.join(visits.select(_ROW_COLUMNS), on=OWNER).sort(KEY, "start", "end")
    found = find_periods(mark_silences(rows.select(KEY, "start", "end"), silences))
    return found.select(KEY, *PERIOD_COLUMNS, find_chance())


def _connect(unions: pl.DataFrame) -> pl.DataFrame:
    """Join unions that share an owner: `key` of what they are together, `owner`, each once."""
    found = unions.with_columns(job=pl.col(KEY))
    while True:
        nearer = found.with_columns(pl.col("job").min().over(OWNER)).with_columns(pl.col("job").min().over(KEY))
        if nearer["job"].equals(found["job"]):
            return found.select(pl.col("job").alias(KEY), OWNER).unique().sort(KEY, OWNER)
        found = nearer
