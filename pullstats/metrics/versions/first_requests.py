"""The first request for each version of a package, to be shown beside a series where no list says when they came out."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANSWERED
from pullstats.metrics.time.dates import Annotation
from pullstats.metrics.versions.asks import COLUMNS, GROUPS, PACKAGE, is_of_one_package
from pullstats.metrics.versions.kinds import describe_releases
from pullstats.metrics.versions.moments import FIRST_SEEN, find_moments
from pullstats.metrics.versions.plans import gaps_of

_TOLD: Final = (
    "releases are marked where these logs first name them (--releases names better dates); what they named from their beginning on has no mark"
)


def mark_releases(asked: Plan) -> tuple[Plan, list[str]]:
    """Let a series show when each version of its package was first asked for, in all of the logs.

    Args:
        asked: the plan of a series.

    Returns:
        The plan with annotations, and what must be said of them.

    Raises:
        UsageError: several packages are asked for.
    """
    whole = replace(asked, window=replace(asked.window, start=None))
    events = whole.kept({*COLUMNS, "http_response_status_code"}).filter(IS_ANSWERED & pl.col("package_name").is_not_null())
    seen = events.group_by(value.alias(name) for name, value in GROUPS.items()).agg(first=pl.col("timestamp").min()).collect(engine="streaming")
    if seen.height and not is_of_one_package(seen):
        raise UsageError(
            f"--annotate releases marks the first requests of one package, and {seen[PACKAGE].n_unique():,} are asked for; choose one with "
            "--where package=…, or name when versions came out with --releases"
        )
    moments = find_moments(whole, describe_releases(seen), seen, gaps_of(whole))
    marks = tuple(Annotation(one.moment, f"{one.release} ({FIRST_SEEN})") for one in moments)
    return replace(asked, query=replace(asked.query, annotations=marks)), [_TOLD] if marks else []
