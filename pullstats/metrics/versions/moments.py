"""When the releases of a package came out: by a list or git tags, else when these logs first name them, where they could have named them before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.events import TIMESTAMP
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.gaps import Gap
from pullstats.metrics.time.releases import Release
from pullstats.metrics.versions.asks import ECOSYSTEM, KEYS, PACKAGE
from pullstats.metrics.versions.kinds import COMING, KIND, RANK, VERSION
from pullstats.metrics.versions.plans import find_first
from pullstats.reports import Column

RELEASED: Final = "released"
TOLD_BY: Final = "told_by"
FIRST_SEEN: Final = "first seen"
LOOK_BACK: Final = timedelta(days=7)
"""So long logs must have been silent of a version before its first request says when it came out."""
MOMENT_COLUMNS: Final = (
    Column(ECOSYSTEM, ECOSYSTEM, "dimension"),
    Column(PACKAGE, PACKAGE, "dimension"),
    Column(RELEASE, RELEASE, "dimension"),
    Column(RELEASED, RELEASED, "time"),
    Column(TOLD_BY, "told by", "text"),
)
"""Of a release and when it came out."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Moment:
    """A version and when it came out.

    Attributes:
        ecosystem: of its package.
        package: whose it is.
        release: the version.
        rank: its place among those of the package.
        moment: when it came out, in whole minutes, UTC.
        told_by: what says so.
    """

    ecosystem: str | None
    package: str
    release: str
    rank: int
    moment: datetime
    told_by: str


def find_moments(asked: Plan, kinds: pl.DataFrame, seen: pl.DataFrame, gaps: Sequence[Gap] = ()) -> list[Moment]:
    """Tell when versions came out, those of which that is known; package by package the newest first.

    Args:
        asked: the plan of the question; releases before its window, or after the logs end, are left out.
        kinds: as `describe_releases` gives them.
        seen: `KEYS` and `first`, the first request, in any number of rows.
        gaps: when logs were silent; what was first seen soon after may be older.
    """
    first, newest = find_first(asked), asked.extent.newest
    if first is None or newest is None:
        return []
    rows = kinds.filter(pl.col(KIND).is_in([VERSION, COMING])).join(
        seen.group_by(KEYS).agg(pl.col("first").min()), on=KEYS, how="left", nulls_equal=True
    )
    rows = _add_listed(rows, asked.query.releases)
    unseen = [pl.col("first").is_between(gap.silent_from, gap.silent_until + LOOK_BACK, closed="left") for gap in gaps]
    is_new = (pl.col("first") >= first + LOOK_BACK) & ~pl.any_horizontal(pl.lit(value=False), *unseen)
    told = rows.with_columns(
        pl.coalesce("listed", pl.when(is_new).then("first")).dt.truncate("1m").alias(RELEASED),
        pl.when(pl.col("listed").is_not_null()).then("source").otherwise(pl.lit(FIRST_SEEN)).alias(TOLD_BY),
    )
    begin = first.replace(second=0, microsecond=0)  # a window may begin with a release, to the second
    known = told.filter(pl.col(RELEASED).is_between(begin, newest)).sort(PACKAGE, ECOSYSTEM, RANK, RELEASE, descending=[False, False, True, False])
    return [Moment(*row) for row in known.select(*KEYS, RANK, RELEASED, TOLD_BY).rows()]


def _add_listed(rows: pl.DataFrame, releases: Sequence[Release]) -> pl.DataFrame:
    """Add `listed`, when a list says that a version came out, and `source`, which list; what it says of a package goes before what it says of any."""
    schema = pl.Schema({PACKAGE: pl.String(), "bare": pl.String(), "listed": TIMESTAMP, "source": pl.String()})
    listed = pl.DataFrame([(one.package, one.version.removeprefix("v"), one.moment, one.source) for one in releases], schema=schema, orient="row")
    listed = listed.group_by(PACKAGE, "bare").agg(pl.col("listed", "source").sort_by("listed").first())
    named = rows.with_columns(bare=pl.col(RELEASE).str.strip_prefix("v"))
    own = named.join(listed.filter(pl.col(PACKAGE).is_not_null()), on=[PACKAGE, "bare"], how="left", maintain_order="left")
    anybody = listed.filter(pl.col(PACKAGE).is_null()).drop(PACKAGE)
    both = own.join(anybody, on="bare", how="left", maintain_order="left", suffix="_any")
    return both.with_columns(pl.coalesce("listed", "listed_any"), pl.coalesce("source", "source_any"))


def name_moment(one: Moment) -> dict[str, Any]:
    """Give the values of `MOMENT_COLUMNS`."""
    return {ECOSYSTEM: one.ecosystem, PACKAGE: one.package, RELEASE: one.release, RELEASED: one.moment, TOLD_BY: one.told_by}


def make_frame(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """Make a frame of rows that hold text, counts, numbers, shares and times, as their columns say.

    Args:
        rows: a value a column, by its name.
        columns: how to read them, in order; `MOMENT_COLUMNS` and others.

    Returns:
        One column each, `ecosystem` to `told_by` among them.
    """
    types: dict[str, pl.DataType] = {"count": pl.Int64(), "number": pl.Float64(), "share": pl.Float64(), "time": TIMESTAMP}
    return pl.DataFrame(rows, schema={column.name: types.get(column.kind, pl.String()) for column in columns}, orient="row")


def drop_single(moments: Sequence[Moment], kinds: pl.DataFrame) -> list[Moment]:
    """Leave out what comes before its release, and packages of one version: there is nothing to move from.

    Args:
        moments: when releases came out.
        kinds: one row a release: `KEYS`, `KIND`, `RANK`.
    """
    ordered = kinds.filter(pl.col(RANK).is_not_null())
    several = ordered.group_by(ECOSYSTEM, PACKAGE).agg(pl.col(RANK).n_unique()).filter(pl.col(RANK) > 1)
    chosen = ordered.filter(pl.col(KIND) == VERSION).join(several, on=[ECOSYSTEM, PACKAGE], how="semi", nulls_equal=True)
    names = {*chosen.select(KEYS).rows()}
    return [one for one in moments if (one.ecosystem, one.package, one.release) in names]


def tell_moments(asked: Plan, kinds: pl.DataFrame, moments: Sequence[Moment]) -> list[str]:
    """Say which dates are only those of a first request, and what a list names that nobody asked for, or too late for these logs.

    Args:
        asked: the plan of the question, with the list.
        kinds: one row a release that was asked for: `RELEASE`.
        moments: when they came out.

    Returns:
        A sentence each.
    """
    notes = []
    if any(one.told_by == FIRST_SEEN for one in moments):
        notes.append("dates that no list tells are those of the first request in these logs (--releases names better ones)")
    names = {str(text).removeprefix("v") for text in kinds[RELEASE].drop_nulls()}
    newest = asked.extent.newest
    late = sorted({one.version for one in asked.query.releases if newest is not None and one.moment > newest})
    unseen = sorted({one.version for one in asked.query.releases if one.version.removeprefix("v") not in names} - {*late})
    for versions, text in ((late, "came out after these logs end"), (unseen, "are listed, but nobody asked for them here")):
        if versions:
            more = f" and {len(versions) - _NAMED:,} more" if len(versions) > _NAMED else ""
            notes.append(f"{', '.join(versions[:_NAMED])}{more} {text}")
    return notes


def choose_moment(moments: Sequence[Moment], kinds: pl.DataFrame, text: str) -> Moment:
    """Find a release by its name, `1.4.0` or `name@1.4.0`.

    Args:
        moments: when releases came out.
        kinds: one row a release that was asked for: `PACKAGE`, `RELEASE`.
        text: the name, as typed.

    Raises:
        UsageError: nobody asked for it, several packages have it, or nobody knows when it came out.
    """
    package, _, version = text.rpartition("@")
    bare = version.removeprefix("v")
    found = [one for one in moments if one.release.removeprefix("v") == bare and package in {"", one.package}]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{one.package}@{one.release}" for one in found[:_NAMED])
        raise UsageError(f"several packages have a version {version}: write {names}, or choose one with --where")
    known = kinds.filter((pl.col(RELEASE).str.strip_prefix("v") == bare) & pl.col(PACKAGE).is_in([package] if package else kinds[PACKAGE].implode()))
    if known.height:
        raise UsageError(
            f"when {version} came out is not known: it was asked for from the beginning of these logs or the window on, or has no place in the order of "
            "versions; --releases names dates, a longer --window may hold it"
        )
    raise UsageError(f"nobody asked for a version '{text}' in this window; pullstats versions lists those that were")
