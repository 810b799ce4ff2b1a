"""What a person wants to know of a log first: a dozen questions, answered side by side on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics import DIMENSIONS, Breakdown, Query
from pullstats.metrics.question import Question
from pullstats.render.cells import format_cell
from pullstats.render.panels import Bar, Panel
from pullstats.reports import Column, Report

SERIES: Final = "series"
_COUNTED: Final = ("downloads", "downloaders", "requests", "bytes", "origins", "errors")
_BUCKETS: Final = 60
_STEPS: Final = {
    "5m": (timedelta(minutes=5), "5 minutes"),
    "15m": (timedelta(minutes=15), "15 minutes"),
    "h": (timedelta(hours=1), "an hour"),
    "3h": (timedelta(hours=3), "3 hours"),
    "6h": (timedelta(hours=6), "6 hours"),
    "d": (timedelta(days=1), "a day"),
    "w": (timedelta(weeks=1), "a week"),
    "mo": (timedelta(days=31), "a month"),
    "q": (timedelta(days=92), "a quarter"),
    "y": (timedelta(days=366), "a year"),
}
"""Sizes of a bucket, of which the smallest is taken that needs no more than `_BUCKETS` of them: how long one is, and that in words."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A panel that is to be.

    Attributes:
        title: what its rows are; names its question, too.
        by: dimensions that make a row.
        metric: what is counted.
        where: of which requests.
        adds_up: the panel whose rows add up to those of this one; what is counted must be additive, and nothing more is asked.
        is_whole: all rows are asked for, as another panel adds them up.
    """

    title: str
    by: str
    metric: str = "requests"
    where: str = ""
    adds_up: str = ""
    is_whole: bool = False


_PANELS: Final = (
    _Asked("packages", "package", "downloads", adds_up="versions"),
    _Asked("versions", "package,version", "downloads", "package is not null", is_whole=True),
    _Asked("clients", "client"),
    _Asked("kinds of client", "kind"),
    _Asked("platforms", "platform"),
    _Asked("countries", "country"),
    _Asked("kinds of network", "network-type"),
    _Asked("organisations", "org"),
    _Asked("statuses", "status"),
    _Asked("what failed", "path", where="status >= 400"),
    _Asked("paths", "path"),
    _Asked("what is asked for", "action"),
)


def ask_totals(query: Query) -> Question:
    """Give the question how much there is in all; its report says how far the logs reach, too.

    Args:
        query: window, filters, zone and rules; its metrics and dimensions are not looked at.
    """
    return Breakdown(replace(query, dimensions=(), every=None, limit=0, metrics=_COUNTED))


def ask_panels(query: Query, every: str, *, rows: int) -> dict[str, Question]:
    """Give the questions behind the panels, by name.

    Args:
        query: see `ask_totals`.
        every: how long a bucket of the series is, see `choose_step`.
        rows: rows of a panel.
    """
    bare = replace(query, dimensions=(), every=None, limit=rows, has_other=False)
    asked: dict[str, Question] = {}
    asked[SERIES] = Breakdown(replace(bare, metrics=("requests",), every=every, limit=0, is_bare=True))
    for panel in _PANELS:
        if not panel.adds_up:
            where = " and ".join(f"({part})" for part in (query.where, panel.where) if part) or None
            limit = 0 if panel.is_whole else rows
            one = replace(bare, metrics=(panel.metric,), dimensions=tuple(panel.by.split(",")), where=where, limit=limit, is_bare=True)
            asked[panel.title] = Breakdown(one)
    return asked


def find_reach(totals: Report) -> tuple[datetime, datetime]:
    """Tell from when to when the logs reach within the window of an answer."""
    window, logs = totals.meta["window"], totals.meta["completeness"]
    first, last = datetime.fromisoformat(logs["first_event"]), datetime.fromisoformat(logs["newest_event"])
    start, end = (datetime.fromisoformat(window[name]) if window[name] else None for name in ("start", "end"))
    return max(first, start or first), min(last, end or last)


def choose_step(first: datetime, last: datetime) -> str:
    """Choose how long a bucket is, so that a line of them fits a terminal.

    Example:
        >>> choose_step(datetime(2026, 5, 1), datetime(2026, 5, 3)), choose_step(datetime(2026, 1, 1), datetime(2026, 6, 30))
        ('h', 'w')
    """
    return next((step for step, (length, _) in _STEPS.items() if (last - first) / length < _BUCKETS), "y")


def name_step(every: str) -> str:
    """Say in words how long a bucket is, of one that `choose_step` gave."""
    return _STEPS[every][1]


def make_panels(reports: Mapping[str, Report], rows: int) -> list[Panel]:
    """Make panels of so many rows of the answers; what has nothing to tell has none."""
    made = [_make_panel(asked, reports[asked.adds_up or asked.title], rows) for asked in _PANELS]
    return [panel for panel in made if panel is not None]


def read_series(reports: Mapping[str, Report]) -> tuple[list[str], list[float | None]]:
    """Give the buckets of the series and the requests of each, None where the logs are silent."""
    frame = reports[SERIES].frame
    return frame["bucket"].to_list(), frame["requests"].cast(pl.Float64).to_list()


def _make_panel(asked: _Asked, report: Report, rows: int) -> Panel | None:
    keys, counted = [DIMENSIONS[name].key for name in asked.by.split(",")], report.columns[-1]
    frame = report.frame.filter(pl.col(counted.name) > 0)
    if asked.adds_up:
        frame = frame.group_by(keys, maintain_order=True).agg(pl.col(counted.name).sum()).sort(counted.name, descending=True, maintain_order=True)
    shown = (frame.drop_nulls(keys) if len(keys) > 1 else frame).select(*keys, counted.name).head(rows)
    if shown[keys[0]].null_count() == shown.height:
        return None
    heads = [column for column in report.columns if column.name in keys]
    bars = [Bar(_name(row[:-1], heads), format_cell(row[-1], counted), row[-1] / shown[counted.name][0]) for row in shown.rows()]
    return Panel(f"{asked.title}, by {counted.title}", tuple(bars))


def _name(values: tuple[object, ...], columns: list[Column]) -> str:
    return " ".join(format_cell(value, column) for value, column in zip(values, columns, strict=True))
