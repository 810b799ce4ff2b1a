"""Who showed which value of a dimension, and when: an architecture, a runtime, a client. Requests that name a package and were answered.

Versions of runtimes, clients and kernels mean something only beside what they are versions of, and stand so: `python 3.8`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import RELEASE, find_dimension
from pullstats.metrics.over_time.rolling import BUCKET
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANSWERED
from pullstats.metrics.versions.asks import WHO
from pullstats.metrics.versions.kinds import MAJOR, MINOR

VALUE: Final = "value"
CLUSTER: Final = "cluster"
_WITHIN_NETWORKS: Final = ("origin", "endpoint")
_NAMED_BY: Final = {"runtime-version": "runtime_name", "client-version": "user_agent_name", "kernel": None}
"""Dimensions whose values are versions, and the event column that says of what."""
_VERSION_OF: Final = {"runtime": "runtime-version", "client": "client-version"}
_LINES: Final = {MINOR: r"^v?([0-9]{1,18}(?:\.[0-9]{1,18})?)", MAJOR: r"^v?([0-9]{1,18})"}
_READ: Final = ("http_response_status_code", "package_name")


def find_followed(name: str) -> Dimension:
    """Look up a dimension whose values one can be on.

    Raises:
        UsageError: there is none of that name, or it says when or who, not what.
    """
    dimension = find_dimension(name)
    if dimension.is_ordered or dimension.hash_of:
        raise UsageError(
            f"--of {dimension.name} says {'when' if dimension.is_ordered else 'who'}, not what somebody is on; write arch, runtime or os"
        )
    return dimension


def has_lines(dimension: Dimension) -> bool:
    """Tell whether values are versions, so that those of a line may count together."""
    return dimension.name in _NAMED_BY


def value_of(dimension: Dimension, zone: str, line: str) -> pl.Expr:
    """Give what a request shows, as a text; null where it shows nothing.

    Args:
        dimension: what is looked at.
        zone: of the question.
        line: of versions `release` for the whole of them, `minor` or `major` for their first numbers.
    """
    value = dimension.expr(zone).cast(pl.String)
    if not has_lines(dimension):
        return value
    short = value if line == RELEASE else pl.coalesce(value.str.extract(_LINES[line]), value)
    named = _NAMED_BY[dimension.name]
    return pl.concat_str(pl.coalesce(named, pl.lit("unknown")), short, separator=" ") if named else short


def is_shown(dimension: Dimension, zone: str, text: str) -> pl.Expr:
    """Tell whether a request shows a value: itself, or of versions any of its line (3.8.10 of `3.8`), with or without what it is a version of.

    Args:
        dimension: what is looked at.
        zone: of the question.
        text: the value as typed: `arm/v6`, `python 3.8`.

    Raises:
        UsageError: the dimension can have no such value.
    """
    name, _, number = text.strip().rpartition(" ")
    versioned = dimension if has_lines(dimension) else find_dimension(_VERSION_OF[dimension.name]) if dimension.name in _VERSION_OF and name else None
    if versioned is None:
        return dimension.expr(zone).cast(pl.String).str.to_lowercase() == dimension.name_value(text.strip()).lower()
    version, bare = versioned.expr(zone).str.strip_prefix("v"), number.removeprefix("v")
    hit = (version == bare) | version.str.starts_with(f"{bare}.") | version.str.starts_with(f"{bare}-")
    named = _NAMED_BY[versioned.name]
    return hit & (pl.col(named).str.to_lowercase() == name.lower()) if named and name else hit


def list_showings(asked: Plan, value: pl.Expr, bucket: pl.Expr) -> pl.DataFrame:
    """List who showed what in the window, as filtered.

    Args:
        asked: the plan of the question.
        value: what a request shows.
        bucket: of time.

    Returns:
        One row a `value` (null: none was shown), unique (`who`) and `bucket`: `cluster` (its network where that is known, else itself), `last`.
    """
    identity = asked.level.identity
    assert identity is not None
    keys = {VALUE: value, WHO: identity, BUCKET: bucket}
    read = sorted({*(name for one in keys.values() for name in one.meta.root_names()), *_READ, "network_id"})
    within = pl.col("network_id") if asked.query.unique_by in _WITHIN_NETWORKS else pl.lit(None)
    own = {CLUSTER: within.first(), "last": pl.col("timestamp").max()}
    found = []
    for part in cut_by_network(replace(asked, metrics=()), keys, read):
        events = part.kept(read).filter(IS_ANSWERED & pl.col("package_name").is_not_null() & identity.is_not_null())
        found.append(events.group_by(one.alias(name) for name, one in keys.items()).agg(**own).collect(engine="streaming"))
    whole = found[0] if len(found) == 1 else pl.concat(found).group_by(list(keys)).agg(pl.col(CLUSTER).first(), pl.col("last").max())
    return whole.with_columns(pl.coalesce(CLUSTER, WHO))
