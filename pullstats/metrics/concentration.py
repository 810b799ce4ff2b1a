"""How much of a number a few make up: top k, who makes half of it, Gini, and the number without them.

Gini is 0 where all have the same and near 1 where one has all; of values x sorted upwards it is
2·Σ i·x_i / (n·Σ x) − (n + 1) / n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.framing import build_report, name_level, refuse_epochs, unique_metric
from pullstats.metrics.partials import Partials, compute_partials, fold
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.metrics.windows import Window
from pullstats.reports import Column, Report

_HOLDER: Final = "holder"
_PERIODS: Final = 3
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class ConcentrationQuestion:
    """What is asked besides the question itself.

    Attributes:
        tops: how many of the largest to add up, each a row.
        shares: how many it takes for these shares (0–1), each a row.
    """

    tops: tuple[int, ...] = (2, 10, 20)
    shares: tuple[float, ...] = (_HALF,)


def answer_concentration(query: Query, asked_for: ConcentrationQuestion, scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Tell how a metric is spread over origins, or another unique level.

    Raises:
        UsageError: a name that is not understood; a metric that cannot be added up.
    """
    asked = resolve(query, reach, now, scan, is_shifting=is_shifting)
    metric = asked.metrics[0]
    if len(asked.metrics) != 1 or not metric.additive:
        additive = (
            "concentration adds one metric up: downloads, pulls, requests, bytes, checks, attempts, invocations or errors, by one counting rule"
        )
        raise UsageError(additive)
    refuse_epochs(asked, scan, (unique_metric(asked),))
    values, partials = _spread(asked, scan)
    frame = _rows(asked_for, values, metric.key)
    columns = (
        Column("measure", "measure", "text"),
        Column("origins", f"{asked.query.unique_by}s", "count"),
        Column(metric.key, metric.title, metric.kind, additive=False),
        Column("share", f"of all {metric.title}", "share"),
        Column("without", f"{metric.title} without them", metric.kind),
        Column("gini", "Gini", "ratio"),
    )
    trend = _trend(asked, scan, asked_for, metric.key)
    total = fold(partials, asked.metrics, ())
    report = build_report(asked, partials, frame, columns, total, warnings=_describe_trend(trend, asked_for))
    nobody = int(total[metric.key].item() or 0) - int(values.sum())
    warnings = [*report.meta["warnings"], *([f"{nobody:,} {metric.title} belong to no {asked.query.unique_by}"] if nobody else [])]
    meta = report.meta | {"trend": trend, "warnings": warnings, "unattributed": nobody}
    headline = _describe(asked, asked_for, values, metric.title)
    return replace(report, headline=headline, meta=meta, is_empty=report.is_empty or not values.len())


def _spread(asked: Resolved, scan: Scan) -> tuple[pl.Series, Partials]:
    """Give what everybody has, the largest first, zeros left out; and the partials it comes from."""
    level = unique_metric(asked)
    assert level.expr is not None
    partials = compute_partials(asked, scan, {_HOLDER: level.expr}, level.columns)
    key = asked.metrics[0].key
    rows = fold(partials, asked.metrics, (_HOLDER,)).filter(pl.col(_HOLDER).is_not_null() & (pl.col(key) > 0))
    return rows.sort(key, _HOLDER, descending=[True, False])[key], partials


def compute_gini(values: pl.Series) -> float | None:
    """Compute the Gini coefficient; None of nothing."""
    total, count = float(values.sum()), values.len()
    if not count or not total:
        return None
    ranked = values.sort().cast(pl.Float64)
    weighted = float((ranked * pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)).sum())
    return 2 * weighted / (count * total) - (count + 1) / count


def count_for_share(values: pl.Series, share: float) -> int:
    """Count how many of the largest it takes to make up a share of the sum."""
    reached = values.cum_sum() >= share * float(values.sum())
    return int((~reached).sum()) + 1 if values.len() else 0


def _rows(asked_for: ConcentrationQuestion, values: pl.Series, key: str) -> pl.DataFrame:
    total = int(values.sum())
    places = [(f"top {count}", min(count, values.len())) for count in asked_for.tops]
    places += [(f"{share:.0%} of all", count_for_share(values, share)) for share in asked_for.shares]
    places.append(("all", values.len()))
    gini = compute_gini(values)
    rows: list[dict[str, Any]] = []
    for name, count in places:
        taken = int(values.head(count).sum())
        share = taken / total if total else None
        rows.append(
            {"measure": name, "origins": count, key: taken, "share": share, "without": total - taken, "gini": gini if name == "all" else None}
        )
    schema = {"measure": pl.String, "origins": pl.Int64, key: pl.Int64, "share": pl.Float64, "without": pl.Int64, "gini": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def _describe(asked: Resolved, asked_for: ConcentrationQuestion, values: pl.Series, title: str) -> str:
    """Say it in words: 2 origins = 73,000 pulls; the next 10 = 55,000; half of all pulls come from 20 origins."""
    if not values.len():
        return f"no {title}"
    level, parts, before = asked.query.unique_by, [], 0
    for count in sorted({min(top, values.len()) for top in asked_for.tops}):
        taken = int(values.slice(before, count - before).sum())
        who = name_level(level, count) if not before else f"the next {count - before:,}"
        parts.append(f"{who} = {taken:,}{f' {title}' if not before else ''}")
        before = count
    for share in asked_for.shares:
        part = "half" if share == _HALF else f"{share:.0%}"
        count = count_for_share(values, share)
        parts.append(f"{part} of all {title} {'comes' if count == 1 else 'come'} from {name_level(level, count)}")
    first = min(asked_for.tops, default=0)
    if first:
        parts.append(f"without the top {min(first, values.len())}, {int(values.sum()) - int(values.head(first).sum()):,} {title}")
    gini = compute_gini(values)
    return "; ".join([*parts, f"Gini {gini:.2f}"])


def _trend(asked: Resolved, scan: Scan, asked_for: ConcentrationQuestion, key: str) -> list[dict[str, Any]]:
    """Measure the spans of the same length before the window, the latest first, as far as the logs reach."""
    found: list[dict[str, Any]] = []
    window: Window = asked.window
    top = max(asked_for.tops, default=1)
    for _ in range(_PERIODS + 1):
        if window.start is None or window.end is None or asked.reach.first is None or window.end <= asked.reach.first:
            break
        if found and window.start < asked.reach.first:
            break
        values, _partials = _spread(replace(asked, window=window), scan)
        total = int(values.sum())
        found.append(
            {
                "start": window.start.isoformat(),
                "end": window.end.isoformat(),
                key: total,
                "top": top,
                "top_share": round(int(values.head(top).sum()) / total, 6) if total else None,
                "gini": round(gini, 6) if (gini := compute_gini(values)) is not None else None,
            }
        )
        window = replace(window, start=window.start - (window.end - window.start), end=window.start)
    return found


def _describe_trend(trend: list[dict[str, Any]], asked_for: ConcentrationQuestion) -> list[str]:
    told = [one for one in trend if one["gini"] is not None]
    if len(told) <= 1:
        return []
    shares = " → ".join(f"{one['top_share']:.0%}" for one in reversed(told))
    ginis = " → ".join(f"{one['gini']:.2f}" for one in reversed(told))
    return [f"over the last {len(told)} spans of this length: share of the top {max(asked_for.tops, default=1)} {shares}, Gini {ginis}"]
