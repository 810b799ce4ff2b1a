"""The totals in words, above the rows."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.answers.presence import CLIENTS, Presence
from pullstats.metrics.definitions import DOWNLOADERS, INSTANCES, METRICS
from pullstats.metrics.folding import count_takers
from pullstats.metrics.levels import UNIQUE_LEVELS, name_level
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan

DOWNLOADS: Final = "downloads"
_BOUNDS: Final = INSTANCES[1:]


def describe_total(asked: Plan, partials: Partials, total: pl.DataFrame, presence: Presence | None = None) -> str:
    """Say the totals in words: downloads with who took them, each rule's by themselves; and who asked.

        143 downloads by 97 downloaders, 247 checks, 13 instances (8 to 21); 2,412 origins asked

    Args:
        asked: the plan of the question.
        partials: the tables.
        total: one row, a column per metric by its key (`Metric.key`).
        presence: who asked, None where it is not told.
    """
    parts = []
    for metric in asked.metrics:
        value = total[metric.key].item()
        if metric.kind != "count" or not metric.is_amount or value is None or metric.name in CLIENTS:
            continue
        is_taking = metric.tally == DOWNLOADS and metric.rule
        if metric.name in _BOUNDS and _shows(asked, INSTANCES[0]):
            continue  # told beside the estimate
        if metric.tally == DOWNLOADS and metric.is_distinct and _find(asked, DOWNLOADS, metric.rule) is not None:
            continue  # told beside the downloads
        takers = count_takers(partials, metric.rule) if is_taking and not metric.is_distinct and asked.has_one_key else None
        bare = METRICS[metric.counts] if metric.counts else metric
        by = f" by {METRICS[DOWNLOADERS].name_count(takers)}" if takers is not None else ""
        parts.append(f"{bare.name_count(value)}{by}{metric.title.removeprefix(bare.title)}{_tell_range(metric, total)}")
    who = [(name_level(level, total[name].item() or 0)) for level, name in UNIQUE_LEVELS.items() if name in total.columns and _shows(asked, name)]
    level = asked.query.unique_by
    if presence is not None and not _shows(asked, UNIQUE_LEVELS[level]):
        who.append(name_level(level, presence.asked))
    told = ", ".join(parts)
    return "; ".join(filter(None, (told, f"{', '.join(who)} asked" if who else "")))


def _tell_range(metric: Metric, total: pl.DataFrame) -> str:
    """Write what an estimate lies between, behind it; of what is counted nothing."""
    if metric.name != INSTANCES[0]:
        return ""
    low, high = (total[METRICS[name].key].item() for name in _BOUNDS)
    return f" ({low:,} to {high:,})"


def _find(asked: Plan, tally: str, rule: str) -> Metric | None:
    return next((metric for metric in asked.metrics if metric.tally == tally and metric.rule == rule and not metric.is_distinct), None)


def _shows(asked: Plan, name: str) -> bool:
    return any(metric.name == name for metric in asked.metrics)
