"""What of versions is said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median_low
from typing import Final

import polars as pl

from pullstats.clock import write_time
from pullstats.metrics.comparing.joint_level import LEVEL
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan
from pullstats.metrics.versions.asks import ECOSYSTEM, PACKAGE, WHO
from pullstats.metrics.versions.curves import Curve
from pullstats.metrics.versions.kinds import COMING, DIGEST, FLOATING, KIND, RANK, UNORDERED, VERSION
from pullstats.metrics.versions.lags import Lags
from pullstats.metrics.versions.moments import Moment
from pullstats.metrics.versions.trends import GROWING, LEAST_BUCKETS, LEAST_CLUSTERS, SHRINKING, Trend
from pullstats.metrics.versions.values import VALUE
from pullstats.percentages import write_level, write_points, write_share

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


def describe_curves(curves: Sequence[Curve]) -> str:
    """Say of several packages how many releases came to half of a day's downloads, and how soon.

    Args:
        curves: one a release.
    """
    days = [half for curve in curves if (half := curve.reached[1]) is not None]
    told = f"of {_name_releases([curve.moment for curve in curves])} {f'{len(days):,}' if days else 'none'} made up half of a day's downloads or more"
    return f"{told}, in the middle on day {median_low(days):,}" if days else told


def tell_halves(measured: Sequence[tuple[Moment, Lags]]) -> str:
    """Say of several packages to how many releases half of those before had moved, and how soon.

    Args:
        measured: releases, and how people came to each.
    """
    days = [half for _, lags in measured if (half := lags.quantile(0.5)[0]) is not None]
    releases = _name_releases([one for one, _ in measured])
    if not days:
        return f"to none of {releases} had half of those on a version before moved"
    return (
        f"to {len(days):,} of {releases} or newer ones half of those on a version before had moved, in the middle after {median_low(days):.1f} days"
    )


def _name_releases(moments: Sequence[Moment]) -> str:
    packages = {(one.ecosystem, one.package) for one in moments}
    return f"{len(moments):,} releases of {len(packages):,} packages"


def describe_values(rows: pl.DataFrame, level: Metric, name: str, active: int) -> str:
    """Say what the most of those who are active are on, of those who say so.

    Args:
        rows: one a value, the most common first: `value`, `active`, `known`, and the interval of the share.
        level: what one of them is.
        name: of the dimension.
        active: days before the end in which whoever asked is active.
    """
    first = rows.filter(pl.col(VALUE).is_not_null() & (pl.col("active") > 0)).head(1).rows(named=True)
    silent = int(rows.filter(pl.col(VALUE).is_null())["active"].sum())
    rest = f"; {silent:,} more {'states' if silent == 1 else 'state'} none" if silent else ""
    if not first:
        return f"nobody who asked within {active} days states {name}{rest}"
    row = first[0]
    share, low, high = (write_share(row[key]) for key in ("share", "low", "high"))
    who = f"{row['active']:,} of {level.name_count(row['known'])} that asked within {active} days and state {name}"
    return f"{who} are on {row[VALUE]}: {share} (95 % interval {low} to {high}){rest}"


def tell_trends(trends: Mapping[str, Trend], whole: int, unit: str, *, is_long: bool) -> list[str]:
    """Say which shares grow or shrink, or why nothing is said of it.

    Args:
        trends: what is said of each value.
        whole: how many buckets hold all there was.
        unit: what a bucket is.
        is_long: whether it is long enough to hold all days of the week.

    Returns:
        A sentence.
    """
    if not is_long:
        return ["trends are told of weeks or longer (--every w)"]
    if whole < LEAST_BUCKETS:
        return [f"no trend is told: {whole} {unit}{'' if whole == 1 else 's'} are whole in these logs, and it takes {LEAST_BUCKETS}"]
    if not trends:
        return [f"no trend is told: no value is shown by {LEAST_CLUSTERS} networks or more, and another by as many"]
    parts = [
        f"{word}: {', '.join(_write_slope(value, one, unit) for value, one in trends.items() if one.word == word)}"
        for word in (GROWING, SHRINKING)
        if any(one.word == word for one in trends.values())
    ]
    judged = f"{len(trends):,} {'value' if len(trends) == 1 else 'values'} judged together over {whole:,} whole {unit}s, level {write_level(LEVEL)}"
    return [f"{'; '.join(parts)} ({judged})" if parts else f"no share grows or shrinks by more than chance does ({judged})"]


def _write_slope(value: str, one: Trend, unit: str) -> str:
    slope, low, high = (write_points(number, "+") for number in (one.slope, one.low, one.high))
    return f"{value} by {slope} a {unit} ({low.removesuffix(' points')} to {high.removesuffix(' points')})"
