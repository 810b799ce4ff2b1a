"""Downloads by release and time, without whose they are: what counts under the rule of a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import DOWNLOADS, IS_CUT, count_rows, look_beyond
from pullstats.metrics.versions.asks import COLUMNS, GROUPS, PACKAGE

MINUTE: Final = "minute"
"""The minute in which a download was made."""
_WIDER: Final = timedelta(days=1)


def list_takings(asked: Plan, groups: Mapping[str, pl.Expr] | None = None) -> pl.DataFrame:
    """Count the downloads of each release in each minute.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
        groups: name and value of columns to tell apart besides, of event columns.

    Returns:
        `KEYS`, `minute`, the groups, `downloads`.
    """
    keys = {**GROUPS, MINUTE: pl.col("timestamp").dt.truncate("1m"), **(groups or {})}
    read = sorted({*COLUMNS, "timestamp", *(name for value in keys.values() for name in value.meta.root_names())})
    found = [_count(part, keys, read) for part in cut_by_network(asked, keys, read)]
    whole = found[0] if len(found) == 1 else pl.concat(found).group_by(list(keys)).agg(pl.col(DOWNLOADS).sum())
    return whole.filter(pl.col(PACKAGE).is_not_null())


def _count(asked: Plan, keys: Mapping[str, pl.Expr], read: list[str]) -> pl.DataFrame:
    label = asked.metrics[0].rule
    beyond = look_beyond(asked, label)
    assert beyond.margin is not None
    for margin in (beyond.margin, beyond.margin + _WIDER, None):
        counted, _ = count_rows(asked, label, read, None, replace(beyond, margin=margin))
        taken = counted.filter(pl.col(DOWNLOADS) > 0).group_by(value.alias(name) for name, value in keys.items())
        frame = taken.agg(pl.col(DOWNLOADS).sum(), pl.col(IS_CUT).any()).collect(engine="streaming")
        if not frame[IS_CUT].any():
            break
    return frame.drop(IS_CUT)
