"""Who came for the first time when, and how many of them came again: a triangle of retention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.accounting.cohorts import account_for_cohorts
from pullstats.metrics.accounting.lines import Account, look_back
from pullstats.metrics.answers.key_epochs import comparable_history, refuse_epochs
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.answers.unseen import warn_of_unseen
from pullstats.metrics.cohorts.calendar import STATE, Calendar, make_calendar
from pullstats.metrics.cohorts.churn import Churn, estimate_churn
from pullstats.metrics.cohorts.drawing import COHORT, draw_triangle
from pullstats.metrics.cohorts.lasting import Lasting, measure_lasting
from pullstats.metrics.cohorts.retention import AGE, MEMBERS, RETAINED, make_triangle, pool
from pullstats.metrics.cohorts.sentences import COUNTED, describe_cohorts, keep_last, label_cohorts, tell_churn, tell_signs, tell_unformed
from pullstats.metrics.cohorts.sightings import BORN, Sightings, find_sightings
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.buckets import parse_every
from pullstats.reports import Column, Report

_FLAT: Final = (
    Column(COHORT, COHORT, "bucket"),
    Column(AGE, AGE, "number"),
    Column(MEMBERS, MEMBERS, "count"),
    Column(RETAINED, RETAINED, "count"),
    Column("share", "share", "share"),
    Column("low", "from", "share"),
    Column("high", "to", "share"),
    Column(STATE, STATE, "text"),
)


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Who came again of those who were first seen in each bucket.

    Attributes:
        query: what is asked; `every` is the size of a bucket, a week if it is None; of the cohorts the last `limit` are shown.
        look_back: how many whole buckets must lie before a cohort.
    """

    query: Query
    look_back: int = 4

    def answer(self, events: StoreEvents) -> Report:
        """Follow them.

        Raises:
            UsageError: a name that is not understood; buckets shorter than a day; days or hours that recur; what tells of few; uniques over several keys.
        """
        asked = self._resolve(events)
        return warn_of_unseen(_follow(asked, self.look_back), asked)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request up to the window's end whether it shows somebody of a cohort.

        Raises:
            UsageError: as `answer`.
        """
        asked = self._resolve(events)
        history, calendar, sightings, _ = _find(asked, self.look_back)
        whole = look_back(asked)
        return Account(whole, account_for_cohorts(whole, calendar, sightings, history))

    def _resolve(self, events: StoreEvents) -> Plan:
        query = replace(self.query, every=self.query.every or "w")
        if query.min_origins:
            message = (
                "cohorts are shown however few are in them, so it takes no --min-origins; uniques --every counts who is new, and takes none either"
            )
            raise UsageError(message)
        if not parse_every(query.every or "w", query.tz, query.week_start).is_daily:
            raise UsageError(f"--every '{query.every}' is too short for a cohort; write d, w, mo, q or y, with a number in front if wanted")
        asked = resolve(query, events)
        if asked.window.recurring is not None:
            message = (
                "cohorts follow people through all days and hours, so --window takes no days of the week or hours; filter with --where weekday=…"
            )
            raise UsageError(message)
        refuse_epochs(asked, (asked.level,))
        return asked


def _find(asked: Plan, look_back: int) -> tuple[pl.Expr, Calendar, Sightings, list[str]]:
    """Find which events can be compared, the buckets, who was seen in which, and what must be said."""
    history, notes = comparable_history(asked, asked.level)
    calendar = make_calendar(asked, look_back, _find_begin(asked, history) if notes else None)
    return history, calendar, find_sightings(asked, calendar, history), notes


def _follow(asked: Plan, look_back: int) -> Report:
    _, calendar, sightings, notes = _find(asked, look_back)
    triangle = make_triangle(sightings, calendar)
    lasting = measure_lasting(sightings, calendar)
    churn = estimate_churn(sightings.people, calendar) if asked.query.unique_by == "origin" else None
    return _report(asked, calendar, triangle, lasting, churn, notes)


def _find_begin(asked: Plan, history: pl.Expr) -> datetime | None:
    """Find the first instant whose events can be compared with those of the window."""
    events = asked.events.scan(["timestamp", "key_epoch"], None, asked.window.end).filter(history)
    begin: datetime | None = events.select(pl.col("timestamp").min()).collect(engine="streaming").item()
    return begin


def _report(asked: Plan, calendar: Calendar, triangle: pl.DataFrame, lasting: Lasting, churn: Churn | None, notes: list[str]) -> Report:
    pooled = pool(triangle)
    labels = label_cohorts(calendar)
    shown = keep_last(triangle, asked.query.limit)
    frame, columns = draw_triangle(shown, labels, pooled, lasting, asked.level.title)
    told = [
        COUNTED,
        *tell_signs(shown, pooled, lasting, calendar),
        *tell_churn(churn),
        *tell_unformed(asked, calendar),
        *calendar.notes,
        *notes,
    ]
    report = build_table(asked, frame, columns, warnings=told)
    named = shown.with_columns(pl.col(BORN).replace_strict(labels, return_dtype=pl.String).alias(COHORT))
    flat = named.select(column.name for column in _FLAT), _FLAT
    headline = describe_cohorts(triangle, pooled, asked.level, calendar.axis.buckets)
    return replace(report, headline=headline, flat=flat, meta=report.meta | _name_estimates(calendar, pooled, lasting, churn))


def _name_estimates(calendar: Calendar, pooled: pl.DataFrame, lasting: Lasting, churn: Churn | None) -> dict[str, Any]:
    """Give programs what people see below the triangle."""
    survival = [
        {"age": age, "share": found[0], "low": found[1], "high": found[2]} for age in range(1, lasting.reach + 2) if (found := lasting.at(age))
    ]
    changed = {"share": churn.share, "low": churn.low, "high": churn.high, "departures": churn.departures} if churn else None
    return {
        "look_back": calendar.look_back,
        "pooled": pooled.to_dicts(),
        "survival": survival,
        "survival_members": lasting.people,
        "address_churn": changed,
    }
