"""What metrics were in past periods, all read at once, and day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.comparing.activity import Activity
from pullstats.metrics.comparing.scales import Value
from pullstats.metrics.extent import Scan
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.buckets import Buckets
from pullstats.metrics.time.windows import Window

PERIOD: Final = "period"
_DAY: Final = "day"

Values = dict[str, Value]
Group = tuple[Any, ...]
"""The values of a group, in the order of its columns."""


def measure_periods(one: Plan, windows: Sequence[Window], metrics: Sequence[Metric], activity: Activity) -> list[Values]:
    """Give each metric in each of some windows, read at once; None where a window counts hashes of several keys.

    Args:
        one: the plan of either side.
        windows: past periods, with a beginning and an end each.
        metrics: what is measured.
        activity: when the logs spoke, and under which keys.

    Returns:
        By the key of each metric its value, a window after the other.
    """
    return measure_groups(one, windows, [()], {}, [], metrics, activity)[()]


def measure_groups(
    one: Plan,
    windows: Sequence[Window],
    wanted: Sequence[Group],
    groups: Mapping[str, pl.Expr],
    columns: Sequence[str],
    metrics: Sequence[Metric],
    activity: Activity,
) -> dict[Group, list[Values]]:
    """Give each metric of some groups in each of some windows, read at once.

    Args:
        one: the plan of either side.
        windows: past periods, with a beginning and an end each.
        wanted: the groups to give, each by its values in the order of `groups`.
        groups: name and value of each group column.
        columns: event columns that the groups read.
        metrics: what is measured.
        activity: when the logs spoke, and under which keys.

    Returns:
        By group, for a window after the other, what `measure_periods` gives.
    """
    if not windows:
        return {group: [] for group in wanted}
    partials = compute_periods(one, windows, groups, columns)
    keys = (*groups, PERIOD)
    rows = {tuple(row[key] for key in keys): row for row in fold(partials, metrics, keys).to_dicts()}
    return {
        group: [_read(rows.get((*group, index)), window, metrics, activity, partials) for index, window in enumerate(windows)] for group in wanted
    }


def compute_periods(one: Plan, windows: Sequence[Window], groups: Mapping[str, pl.Expr], columns: Sequence[str]) -> Partials:
    """Build the tables of some windows, read at once; `PERIOD`, the place of the window among them, is a group beside those asked for.

    Args:
        one: the plan of the question; its own window is not looked at.
        windows: with a beginning and an end each; at least one.
        groups: name and value of each group column.
        columns: event columns that the groups read.
    """
    time, number = pl.col("timestamp"), pl.lit(None, pl.Int32)
    for index, window in enumerate(windows):
        number = pl.when(time.is_between(window.start, window.end, closed="left")).then(pl.lit(index, pl.Int32)).otherwise(number)
    spans = [(window.start, window.end) for window in windows if window.start and window.end]
    whole = replace(one, window=replace(windows[0], start=min(start for start, _ in spans), end=max(end for _, end in spans)))
    patched = replace(whole, events=replace(one.events, scan=_Patches(one.events.scan, whole.window, windows).scan))
    return compute_partials(patched, {**groups, PERIOD: number}, [*columns, "timestamp"])


def _read(row: dict[str, Any] | None, window: Window, metrics: Sequence[Metric], activity: Activity, partials: Partials) -> Values:
    has_one_key = activity.has_one_key(window)
    values: Values = {}
    for metric in metrics:
        value = row[metric.key] if row is not None else 0 if partials.defines(metric) else None
        values[metric.key] = None if metric.is_hashed and not has_one_key else value
    return values


def group_by_day(zone: str) -> dict[str, pl.Expr]:
    """Give the groups of partials that `fold_days` takes."""
    return {_DAY: Buckets(1, "d", zone).expr}


def fold_days(partials: Partials, days: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Give each metric on each of some days: 0 where it counts nothing, null where nothing is known of it.

    Args:
        partials: the tables, by `day`.
        days: the days, column `day`, a row each.
        metrics: what to give.

    Returns:
        The rows of `days` in their order, and a column per metric, named by its key.
    """
    defined = [metric.key for metric in metrics if partials.defines(metric)]
    found = days.join(fold(partials, metrics, (_DAY,)), on=_DAY, how="left", maintain_order="left")
    return found.with_columns(pl.col(defined).fill_null(0))


class _Patches:
    """Reads only what lies in some windows, and as far beyond each as beyond the whole is asked for."""

    def __init__(self, scan: Scan, whole: Window, windows: Sequence[Window]) -> None:
        self._scan, self._whole = scan, whole
        self._spans = sorted((window.start, window.end) for window in windows if window.start and window.end)

    def scan(self, columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        if start is None or end is None or self._whole.start is None or self._whole.end is None:
            return self._scan(columns, start, end)
        before, after = self._whole.start - start, end - self._whole.end
        merged: list[tuple[datetime, datetime]] = []
        for first, last in ((one - before, other + after) for one, other in self._spans):
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return pl.concat([self._scan(columns, first, last) for first, last in merged])
