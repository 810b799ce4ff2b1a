"""What else is known of each network owner: why its origins come, what they take, and since when."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.dimensions import CLASS, DIMENSIONS
from pullstats.metrics.folding import fold
from pullstats.metrics.organisations.naming import COLUMNS, KEYS, ORG, org_groups
from pullstats.metrics.plan import Plan

MOST: Final = 3
"""Classes and versions that are named."""
_TAKEN: Final = ("package", "version")
_UNTAGGED: Final = "an untagged digest"


def name_classes(classes: pl.DataFrame) -> pl.DataFrame:
    """Name the main class of each owner and its mix: `KEYS`, `class`, `classes` (production 14, ci 3).

    Args:
        classes: `KEYS`, `class` and `origins`.
    """
    known = classes.filter(pl.col("origins") > 0).with_columns(pl.col(CLASS).fill_null("unknown"))
    ordered = known.sort("origins", CLASS, descending=[True, False])
    told = pl.format("{} {}", CLASS, "origins")
    return ordered.group_by(KEYS, maintain_order=True).agg(pl.col(CLASS).first(), classes=told.head(MOST).str.join(", "))


def name_versions(asked: Plan) -> pl.DataFrame:
    """Name what each owner takes most: `KEYS`, `versions` (how many), `taken` (acme/app 1.4 (12), …).

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
    """
    metric = asked.metrics[0]
    dimensions = [DIMENSIONS[name] for name in _TAKEN]
    groups = org_groups() | {one.name: one.expr(asked.query.tz) for one in dimensions}
    columns = [*COLUMNS, *(column for one in dimensions for column in one.columns)]
    partials = compute_partials(replace(asked, metrics=(metric,)), groups, columns)
    rows = fold(partials, (metric,), (*KEYS, *_TAKEN)).filter((pl.col(metric.key) > 0) & pl.col("package").is_not_null())
    version = pl.when(pl.col("version").str.starts_with("sha256:")).then(pl.lit(_UNTAGGED)).otherwise(pl.col("version").fill_null("of no version"))
    named = rows.with_columns(told=pl.format("{} {} ({})", "package", version, metric.key))
    ordered = named.sort(metric.key, "package", "version", descending=[True, False, False])
    return ordered.group_by(KEYS, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("versions"), taken=pl.col("told").head(MOST).str.join(", "))


def find_beginnings(asked: Plan) -> pl.DataFrame:
    """Find when each owner was first seen in these logs, up to the window's end: `org`, `since`."""
    read = ["timestamp", "organization_name", "as_organization"]
    events = asked.selection.keep(asked.events.scan(sorted({*read, *asked.filter_columns}), None, asked.window.end))
    return events.group_by(org_groups()[ORG].alias(ORG)).agg(pl.col("timestamp").min().alias("since")).collect(engine="streaming")
