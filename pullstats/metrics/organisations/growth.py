"""What came of each network owner's downloads since the span before: by how much they changed, and whether that is more than noise.

Each owner is judged by its own past periods, all that are judged together at one level: where nothing changed, about five runs of a
hundred say of anybody that it grew or fell. Only those with the most downloads over all periods are judged, so that the level stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from pullstats.metrics.comparing.grounds import Grounds, find_grounds
from pullstats.metrics.comparing.joint_level import LEAST_PAST
from pullstats.metrics.comparing.noise import Verdict, judge_windows
from pullstats.metrics.comparing.periods import PERIOD, Values, compute_periods
from pullstats.metrics.comparing.verdicts import collect_evidence
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.organisations.naming import COLUMNS, KEYS, ORG, org_groups
from pullstats.metrics.plan import Plan
from pullstats.metrics.time.windows import Window
from pullstats.percentages import write_change

GREW, FELL, NOISE = "grew", "fell", "noise"
JUDGED: Final = 50
"""Owners that are judged; more at one level would find less of each."""
_BEYOND: Final = "beyond"
_TOLD: Final = 3
"""Owners named in a sentence."""
_TREND: Final = 12


@dataclass(frozen=True, slots=True)
class Growth:
    """How the downloads of owners went.

    Attributes:
        rows: `KEYS`, `before` (downloads of the span before), `change` (a share of that; null where it cannot be told), `growth` (`grew`, `fell`,
            `noise`, or null where nobody can tell), `verdict` in words, `trend` (downloads of past periods and the window, the oldest first).
        reason: why nothing is judged; empty if it is.
        is_comparable: whether the span before is known whole, so that its downloads can stand beside the window's.
    """

    rows: pl.DataFrame
    reason: str
    is_comparable: bool = False


def measure_growth(asked: Plan, before: Window | None) -> Growth:
    """Measure how downloads changed since the span before, owner by owner.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule, its window has a beginning and an end where `before` is told.
        before: the span before the window; None where there is none.
    """
    if before is None:
        return Growth(_no_rows(), f"'{asked.window.label}' has no time before it")
    metric = asked.metrics[0]
    plans = [replace(asked, window=before), asked]
    grounds = find_grounds(plans)
    windows = [before, asked.window, *(window for period in grounds.past for window in period)]
    partials = compute_periods(asked, windows, org_groups(), COLUMNS)
    values = _spread(fold(partials, (metric,), (*KEYS, PERIOD)), metric, len(windows))
    judged = _judge(metric, plans, grounds, values) if not grounds.reason else {}
    rows = [_describe(key, counts, grounds, judged.get(key), metric) for key, counts in values.items()]
    few = f"{len(grounds.past)} of at least {LEAST_PAST} earlier periods are whole in these logs" if len(grounds.past) < LEAST_PAST else ""
    return Growth(pl.DataFrame(rows, schema=_no_rows().schema, orient="row"), grounds.reason or few, not grounds.reason)


def _no_rows() -> pl.DataFrame:
    texts = dict.fromkeys((*KEYS,), pl.String)
    return pl.DataFrame(
        schema={**texts, "before": pl.Int64, "change": pl.Float64, "growth": pl.String, "verdict": pl.String, "trend": pl.List(pl.Int64)}
    )


Key = tuple[str | None, ...]


def _spread(folded: pl.DataFrame, metric: Metric, count: int) -> dict[Key, list[int]]:
    """Give the downloads of each owner in each window."""
    values: dict[Key, list[int]] = {}
    for *key, period, value in folded.select(*KEYS, PERIOD, metric.key).filter(pl.col(PERIOD).is_not_null()).rows():
        values.setdefault(tuple(key), [0] * count)[period] = value or 0
    return values


def _judge(metric: Metric, plans: Sequence[Plan], grounds: Grounds, values: Mapping[Key, list[int]]) -> dict[Key, Verdict]:
    """Judge the owners with the most downloads over all periods, together."""
    chosen = sorted(values, key=lambda key: (-sum(values[key]), *(text or "" for text in key)))[:JUDGED]
    evidence = []
    for key in chosen:
        counts: list[Values] = [{metric.key: float(count)} for count in values[key]]
        before, now, *past = counts
        periods = iter(past)
        found = [tuple(next(periods) for _ in period) for period in grounds.past]
        evidence.append(collect_evidence(metric, plans, [before, now], grounds.past, found))
    return dict(zip(chosen, judge_windows(evidence), strict=True))


def _describe(key: Key, counts: list[int], grounds: Grounds, verdict: Verdict | None, metric: Metric) -> tuple[Any, ...]:
    before, now = counts[:2]
    change = (now - before) / before if before and not grounds.reason else None
    text = verdict.text if verdict is not None else None if grounds.reason else f"no verdict: not among the {JUDGED} with the most {metric.title}"
    past = counts[2:] if not grounds.past or len(grounds.past[0]) == 1 else []
    return *key, before, change, _name_growth(verdict), text, [*reversed(past), before, now][-_TREND:]


def _name_growth(verdict: Verdict | None) -> str | None:
    if verdict is None or verdict.low is None:
        return None
    if not verdict.text.startswith(_BEYOND):
        return NOISE
    return GREW if verdict.low > 0 else FELL


def tell_growth(rows: pl.DataFrame, growth: Growth) -> list[str]:
    """Name who grew or fell by more than noise, the most first.

    Args:
        rows: named owners, with `org`, `change` and `growth`.
        growth: how their downloads went.
    """
    if growth.reason:
        return []
    found = []
    for verb in (GREW, FELL):
        movers = rows.filter(pl.col("growth") == verb).sort("change", descending=verb == GREW, nulls_last=False)
        if movers.height:
            more = f" and {movers.height - _TOLD:,} more" if movers.height > _TOLD else ""
            found.append(f"{verb} by more than noise: {', '.join(map(_name_change, movers.head(_TOLD).to_dicts()))}{more}")
    is_judged = bool(rows.filter(pl.col("growth").is_not_null()).height)
    return found or (["nobody grew or fell by more than noise"] if is_judged else [])


def _name_change(row: Mapping[str, object]) -> str:
    change = row["change"]
    return f"{row[ORG]} ({write_change(change) if isinstance(change, float) else 'from nothing'})"
