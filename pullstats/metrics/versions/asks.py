"""Who asked for which release of which package, how often, and when first and last: requests that were answered.

What was answered 4xx or 5xx names versions that may never have been; it is no asking here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_ANSWERED

ECOSYSTEM: Final = "ecosystem"
PACKAGE: Final = "package"
KEYS: Final = (ECOSYSTEM, PACKAGE, RELEASE)
WHO: Final = "who"
GROUPS: Final = {ECOSYSTEM: pl.col("package_type"), PACKAGE: pl.col("package_name"), RELEASE: pl.col(RELEASE)}
"""Values of `KEYS`."""
COLUMNS: Final = ("package_type", "package_name", RELEASE)


def is_of_one_package(rows: pl.DataFrame) -> bool:
    """Tell whether all rows are of one package, and there are some.

    Args:
        rows: with `ecosystem` and `package`.
    """
    return rows.select(ECOSYSTEM, PACKAGE).unique().height == 1


def list_asks(asked: Plan, groups: Mapping[str, pl.Expr] | None = None) -> pl.DataFrame:
    """List who asked for what in the window, as filtered.

    Args:
        asked: the plan of the question.
        groups: name and value of columns to tell apart besides, of event columns.

    Returns:
        One row a release, unique (`who`; null is nobody known) and group: `requests`, `first`, `last`. What names no release has null.
    """
    level = asked.level
    assert level.identity is not None
    keys = {**GROUPS, **(groups or {}), WHO: level.identity}
    read = {name for value in keys.values() for name in value.meta.root_names()}
    folds = (pl.col("requests").sum(), pl.col("first").min(), pl.col("last").max())
    found = []
    for part in cut_by_network(replace(asked, metrics=()), keys, sorted(read)):
        events = part.kept({*read, "http_response_status_code"}).filter(IS_ANSWERED & pl.col("package_name").is_not_null())
        counted = events.group_by(value.alias(name) for name, value in keys.items()).agg(
            requests=pl.len().cast(pl.Int64), first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
        )
        found.append(counted.collect(engine="streaming"))
    return found[0] if len(found) == 1 else pl.concat(found).group_by(list(keys)).agg(*folds)
