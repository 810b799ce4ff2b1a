"""What of versions is said in words."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan
from pullstats.metrics.versions.asks import ECOSYSTEM, PACKAGE, WHO
from pullstats.metrics.versions.curves import Curve
from pullstats.metrics.versions.kinds import COMING, DIGEST, FLOATING, KIND, RANK, UNORDERED, VERSION
from pullstats.metrics.versions.lags import Lags
from pullstats.metrics.versions.moments import Moment
from pullstats.percentages import write_share

_NAMED: Final = 3


def describe_versions(rows: pl.DataFrame, asks: pl.DataFrame, since: datetime | None, asked: Plan, active: int) -> str:
    """Say how much was taken of what, and of one package how much of its newest version.

    Args:
        rows: one a version, all of them: `KEYS`, `KIND`, `RANK`, and the first metric by its key.
        asks: who asked for what: `WHO`, `RELEASE`, `last`.
        since: the first instant of those who are active.
        asked: the plan of the question.
        active: days of that.
    """
    metric = asked.metrics[0]
    total = int(rows[metric.key].sum())
    packages = rows.select(ECOSYSTEM, PACKAGE).unique().height
    count = rows.filter(pl.col(KIND).is_in([VERSION, COMING])).height
    told = f"{metric.name_count(total)} of {packages:,} {'package' if packages == 1 else 'packages'} in {count:,} {'version' if count == 1 else 'versions'}"
    newest = rows.filter((pl.col(KIND) == VERSION) & (pl.col(RANK) == pl.col(RANK).filter(pl.col(KIND) == VERSION).max()))
    if packages != 1 or not newest.height:
        return told
    names = newest[RELEASE].sort().to_list()
    share = f", {write_share(int(newest[metric.key].sum()) / total)} of them of the newest, {', '.join(names[:_NAMED])}" if total else ""
    people = asks.filter(pl.col("last") >= since) if since is not None else asks
    everybody = people[WHO].drop_nulls().n_unique()
    theirs = people.filter(pl.col(RELEASE).is_in(names))[WHO].drop_nulls().n_unique()
    who = asked.level.name_count(everybody)
    return f"{told}{share}; of {who} that asked within {active} days {theirs:,} asked for {'it' if share else names[0]}"


def tell_unordered(rows: pl.DataFrame) -> list[str]:
    """Say what has no place in the order of versions, and why it stands apart.

    Args:
        rows: one a version: `KIND`, `RELEASE`.

    Returns:
        A sentence a kind.
    """
    notes = []
    for kind, reason in (
        (UNORDERED, "the rules of their ecosystem give these no place among versions, so they stand apart"),
        (FLOATING, "these tags name no one version, and no digest tells what they stood for (--releases may)"),
        (DIGEST, "no tag was ever seen with these digests (a list with a column digest names them: --releases)"),
    ):
        names = rows.filter(pl.col(KIND) == kind)[RELEASE].unique().sort().to_list()
        if names:
            shown = [name[:19] if kind == DIGEST else name for name in names[:_NAMED]]
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            notes.append(f"{reason}: {', '.join(shown)}{more}")
    return notes


def tell_half(moment: Moment, lags: Lags, level: Metric) -> str:
    """Say after how many days half of those who were on an older version had moved, or that it was not seen to be half.

    Args:
        moment: of the release.
        lags: of those who were.
        level: what one of them is.
    """
    counts = lags.counts
    who = f"the {level.name_count(counts['origins'])} on a version before {moment.release}"
    rest = f"{counts['stuck']:,} {'is' if counts['stuck'] == 1 else 'are'} stuck, {counts['gone']:,} not seen again"
    median, low, high = lags.quantile(0.5)
    if median is None:
        return f"fewer than half of {who} were seen to move to it or a newer one; {rest}"
    span = f" ({low:.1f} to {high:.1f})" if low is not None and high is not None else ""
    return f"half of {who} had moved to it or a newer one after {median:.1f} days{span}; {rest}"


def describe_curve(curve: Curve, zone: str) -> str:
    """Say on which day half of a package's downloads were of a release, and when its predecessor had halved.

    Args:
        curve: the days since it came out.
        zone: whose clocks tell when that was.
    """
    one, half = curve.moment, curve.reached[1]
    if half is None:
        known = curve.days.filter(~pl.col("gap") & pl.col("newer_share").is_not_null())
        told = f"{one.release} and newer made up half of no day's downloads in {known.height:,} days since {write_time(one.moment, zone)}"
    else:
        told = f"{one.release} and newer made up half of a day's downloads or more on day {half} since {write_time(one.moment, zone)}"
    if curve.old is None:
        return told
    gone = f"had halved by day {curve.half_life}" if curve.half_life is not None else "has not halved"
    return f"{told}; the share of {curve.old} {gone}"
