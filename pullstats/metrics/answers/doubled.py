"""Logs that hold the same requests, told under answers that judge by when and how often somebody asks: twice is not how often it was."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.metrics.plan import Plan
from pullstats.metrics.same_requests import pair_logs, scan_once
from pullstats.reports import Report

LEAST: Final = 0.01
"""Share of a window's requests; of fewer a client that writes one id into many requests may be all there is."""


def warn_of_doubled(report: Report, asked: Plan) -> Report:
    """Warn where requests of the window lie in two logs, as their ids tell, and nobody asked to look at each once.

    Nothing is read where there is one log, or no two reach over the same time.

    Args:
        report: the answer.
        asked: the plan that it answers.
    """
    if asked.events.repeats is not None or not _lie_side_by_side(asked):
        return report
    window = asked.window
    repeats = scan_once(asked.events.logs, asked.extent, asked.query.memory).find(window.start, window.end)
    repeats = window.keep(repeats.lazy()).collect()
    if not repeats.height:
        return report
    events = window.keep(asked.events.logs(["timestamp"], window.start, window.end))
    total = int(events.select(pl.len()).collect(engine="streaming").item())
    if repeats.height < LEAST * total:
        return report
    left, kept, count = pair_logs(repeats, asked.extent).row(0)
    said = _tell(asked, f"{count:,} of the {total:,} requests of the window are in '{left}' and in '{kept}'")
    return report.with_warnings(said)


def _lie_side_by_side(asked: Plan) -> bool:
    sources = asked.extent.sources
    if sources is None:
        return True
    spans = sources.select("first", "last").drop_nulls().sort("first")
    return bool((spans["first"] <= spans["last"].cum_max().shift(1)).any())


def _tell(asked: Plan, most: str) -> str:
    """Say which logs share most; where few must not be told, only that there are such."""
    shared = "requests of the window are in two logs" if asked.query.min_origins else most
    return f"{shared}, by their ids, and are looked at twice here; --same-request id looks at each once"
