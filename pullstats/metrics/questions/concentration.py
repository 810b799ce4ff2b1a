"""How much of a number a few make up: top k, who makes half of it, Gini, and the number without them.

Gini (undefined of one alone) is 0 where all have the same and near 1 where one has all; of values x sorted upwards it is
2·Σ i·x_i / (n·Σ x) − (n + 1) / n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.presence import find_presence
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.folding import fold
from pullstats.metrics.levels import name_level
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.questions.origins import ACTOR, count_actors
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.spans import close_window, spans_before
from pullstats.metrics.time.windows import Window
from pullstats.percentages import round_share, write_level, write_share
from pullstats.reports import Column, Report

_PERIODS: Final = 3
_HALF: Final = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Concentration:
    """How a metric is spread over origins, or another unique level.

    Attributes:
        query: what is asked, of one metric.
        tops: how many of the largest to add up, each a row.
        shares: how many it takes for these shares (0–1), each a row.
    """

    query: Query
    tops: tuple[int, ...] = (2, 10, 20)
    shares: tuple[Fraction, ...] = (_HALF,)

    def answer(self, events: StoreEvents) -> Report:
        """Tell how a metric is spread.

        Raises:
            UsageError: a name that is not understood; a metric that cannot be added up.
        """
        if self.query.min_origins:
            raise UsageError("concentration tells of a few, so it takes no --min-origins; leave it out (--min-origins 0)")
        asked = resolve(self.query, events)
        return warn_of_unseen(_answer(asked, self), asked)


def _answer(asked: Plan, asked_for: Concentration) -> Report:
    metric, level = asked.metrics[0], asked.level
    if len(asked.metrics) != 1 or not metric.additive:
        known = ", ".join(one.name for one in METRICS.values() if one.additive)
        raise UsageError(f"concentration adds one metric up, by one counting rule: --metric takes one of {known}")
    refuse_epochs(asked, (level,))
    values, partials = _spread(asked)
    columns = (
        Column("measure", "measure", "text"),
        Column(level.key, level.title, "count"),
        Column(metric.key, metric.title, metric.kind, additive=False),
        Column("share", f"of all {metric.title}", "share"),
        Column("without", f"{metric.title} without them", metric.kind),
        Column("gini", "Gini", "ratio"),
    )
    trend = _trend(asked, asked_for, values)
    total = fold(partials, asked.metrics, ())
    nobody = int(total[metric.key].item() or 0) - int(values.sum())
    warnings = [*_describe_trend(trend, asked_for), *_describe_nobody(asked, nobody)]
    rows, presence = _rows(asked_for, values, level.key, metric.key), find_presence(replace(asked, metrics=(metric, level)))
    report = build_report(asked, partials, rows, columns, total, warnings=warnings, presence=presence)
    return replace(report, headline=_describe(asked, asked_for, values), meta=report.meta | {"trend": trend, "unattributed": nobody})


def _spread(asked: Plan) -> tuple[pl.Series, Partials]:
    """Give what everybody has, the largest first, zeros left out; and the partials it comes from."""
    rows, partials = count_actors(asked)
    key = asked.metrics[0].key
    return rows.filter(pl.col(key) > 0).sort(key, ACTOR, descending=[True, False])[key], partials


def _describe_nobody(asked: Plan, count: int) -> list[str]:
    """Tell what has no actor: the share column is of what has one."""
    if not count:
        return []
    verb = "belongs" if count == 1 else "belong"
    return [
        f"{asked.metrics[0].name_count(count)} {verb} to no {asked.level.singular} (none logged, or only ever answered 401); shares are of the others"
    ]


def compute_gini(values: pl.Series) -> float | None:
    """Compute the Gini coefficient; None of nothing, and of one value, which is spread over nobody."""
    total, count = float(values.sum()), values.len()
    if count <= 1 or not total:
        return None
    ranked = values.sort().cast(pl.Float64)
    weighted = float((ranked * pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)).sum())
    return 2 * weighted / (count * total) - (count + 1) / count


def count_for_share(values: pl.Series, share: Fraction) -> int:
    """Count how many of the largest it takes to make up a share of the sum, exactly.

    Args:
        values: whole numbers, the largest first.
        share: from 0 to 1.
    """
    reached = values.cum_sum() >= ceil(share * int(values.sum()))
    return int((~reached).sum()) + 1 if values.len() else 0


def _rows(asked_for: Concentration, values: pl.Series, level: str, key: str) -> pl.DataFrame:
    total = int(values.sum())
    places = [(f"top {count}", min(count, values.len())) for count in asked_for.tops]
    places += [(f"{write_level(share).replace(' ', '')} of all", count_for_share(values, share)) for share in asked_for.shares]
    places.append(("all", values.len()))
    rows: list[dict[str, Any]] = []
    for name, count in places:
        taken = int(values.head(count).sum())
        share = taken / total if total else None
        gini = compute_gini(values) if name == "all" else None
        rows.append({"measure": name, level: count, key: taken, "share": share, "without": total - taken, "gini": gini})
    schema = {"measure": pl.String, level: pl.Int64, key: pl.Int64, "share": pl.Float64, "without": pl.Int64, "gini": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def _describe(asked: Plan, asked_for: Concentration, values: pl.Series) -> str:
    """Say it in words: 2 origins = 73,000 pulls; the next 10 = 55,000; half of all pulls come from 20 origins."""
    metric = asked.metrics[0]
    if not values.len():
        return f"no {metric.title}"
    level, parts, before = asked.query.unique_by, [], 0
    for count in sorted({min(top, values.len()) for top in asked_for.tops}):
        taken = int(values.slice(before, count - before).sum())
        parts.append(f"the next {count - before:,} = {taken:,}" if before else f"{name_level(level, count)} = {metric.name_count(taken)}")
        before = count
    for share in asked_for.shares:
        part = "half" if share == _HALF else write_level(share)
        count = count_for_share(values, share)
        parts.append(f"{part} of all {metric.title} {'comes' if part == 'half' and count == 1 else 'come'} from {name_level(level, count)}")
    first = min(asked_for.tops, default=0)
    if first:
        left = int(values.sum()) - int(values.head(first).sum())
        parts.append(f"without the top {min(first, values.len())}, {metric.name_count(left)}")
    gini = compute_gini(values)
    return "; ".join([*parts, *([f"Gini {gini:.2f}"] if gini is not None else [])])


def _trend(asked: Plan, asked_for: Concentration, values: pl.Series) -> list[dict[str, Any]]:
    """Measure the window and the spans of the same length before it, the latest first, as far as the logs reach under one key."""
    window = close_window(asked.window, asked.extent.newest)
    if window.start is None or window.end is None:
        return []
    found = [_measure(asked, window, asked_for, values)]
    for earlier in spans_before(window, asked.extent.first, _PERIODS):
        past = replace(asked, window=earlier)
        try:
            refuse_epochs(past, (asked.level,))
        except UsageError:
            break
        found.append(_measure(asked, earlier, asked_for, _spread(past)[0]))
    return found


def _measure(asked: Plan, window: Window, asked_for: Concentration, values: pl.Series) -> dict[str, Any]:
    assert window.start is not None
    assert window.end is not None
    total, top, gini = int(values.sum()), max(asked_for.tops, default=1), compute_gini(values)
    return {
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        asked.metrics[0].key: total,
        "top": top,
        "top_share": round_share(int(values.head(top).sum()) / total) if total else None,
        "gini": round(gini, 6) if gini is not None else None,
    }


def _describe_trend(trend: list[dict[str, Any]], asked_for: Concentration) -> list[str]:
    told = [one for one in trend if one["gini"] is not None]
    if len(told) <= 1:
        return []
    shares = " → ".join(f"{write_share(one['top_share'])}" for one in reversed(told))
    ginis = " → ".join(f"{one['gini']:.2f}" for one in reversed(told))
    return [f"over the last {len(told)} spans of this length: share of the top {max(asked_for.tops, default=1)} {shares}, Gini {ginis}"]
