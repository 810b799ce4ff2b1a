"""How a number came about: definitions, window, filters, requests in and out by reason, rules, samples.

For every metric each request of the window is told of once, in or out, so that the numbers of its
part add up to the requests in the window; see `accounting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import starmap
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.accounting.lines import Account, Line
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.accounting import COUNTED, COUNTED_ONCE, REASON, account_for, add_reason
from pullstats.metrics.answers.key_epochs import refuse_epochs
from pullstats.metrics.answers.presence import find_presence
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.answers.suppression import find_takers, is_few, refuse_few
from pullstats.metrics.behaviour.instances import ASSUMPTIONS
from pullstats.metrics.counting import PULL_GAP, SESSION_GAP, VISIT_GAP
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.folding import fold
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan, resolve
from pullstats.metrics.query import Query
from pullstats.metrics.question import Accounted
from pullstats.metrics.rule_counts import count_rows, look_beyond
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.time.weekdays import WEEKDAYS
from pullstats.reports import Column, Report

_SAMPLES: Final = 3
_SHOWN: Final = ("timestamp", "http_request_method", "url_path", "http_response_status_code", "user_agent_name", "source_id", "source_offset")
_VERSION_COLUMNS: Final = frozenset({"package_version", "reference_kind"})
_SCHEMA: Final = {"part": pl.String, "what": pl.String, "requests": pl.Int64}


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a report's numbers came about.

    Attributes:
        query: the question of the report, or of what is explained.
        question: whose answer is explained, where it is no report; it has the same query.
    """

    query: Query
    question: Accounted | None = None

    def answer(self, events: StoreEvents) -> Report:
        """Take the numbers apart.

        Raises:
            UsageError: a name, window or filter that is not understood; uniques over several keys.
        """
        account = self.question.account(events) if self.question is not None else Account(resolve(self.query, events), ())
        asked = refuse_epochs(account.plan, account.plan.metrics)
        _refuse_few(asked)
        return _explain(asked, account.lines)


def _explain(asked: Plan, lines: Sequence[Line]) -> Report:
    partials = compute_partials(asked, {}, [])
    total = fold(partials, asked.metrics, ())
    rows = [*_tell_window(asked), *_tell_filters(asked, partials.read)]
    for metric in asked.metrics:
        rows += _tell_metric(asked, metric)
    rows += starmap(_row, lines)
    rows += [*_tell_rules(asked), *_tell_hiding(asked)]
    columns = (Column("part", "part", "text"), Column("what", "what", "prose"), Column("requests", "requests", "count"))
    shown = pl.DataFrame([*_tell_definitions(asked, total, "{:,}"), *rows], schema=_SCHEMA)
    report = build_report(asked, partials, shown, columns, total, presence=find_presence(asked))
    plain = pl.DataFrame([*_tell_definitions(asked, total, "{}"), *rows], schema=_SCHEMA)
    return replace(report, flat=(plain, columns))


def _refuse_few(asked: Plan) -> None:
    """Refuse to explain a number that the report hides."""
    least, endpoints = asked.query.min_origins, METRICS["endpoints"]
    if not least:
        return
    refuse_few(asked)
    found, takers = find_takers(asked, {}, [], compute_partials(replace(asked, metrics=(endpoints,)), {}, []))
    if found.kept and fold(found, (endpoints, *takers), ()).select(is_few(least, takers)).item():
        raise UsageError(f"fewer than {least} endpoints are behind this number: --min-origins {least} hides it, and how it came about")


def _row(part: str, what: str, requests: int | None = None) -> dict[str, Any]:
    return {"part": part, "what": what, "requests": requests}


def _tell_definitions(asked: Plan, total: pl.DataFrame, number: str) -> list[dict[str, Any]]:
    rows = []
    for metric in asked.metrics:
        value = total[metric.key].item()
        value = value.astimezone(ZoneInfo(asked.query.tz)) if isinstance(value, datetime) else value
        unit = (METRICS[metric.counts].title if metric.counts else metric.unit) if isinstance(value, int) else ""
        shown = "nothing" if value is None else number.format(value) if isinstance(value, int) else str(value)
        additive = "may be added up" if metric.additive else "is never added up: a total is computed anew"
        rows.append(_row("metric", f"{f'{metric.title} = {shown} {unit}'.rstrip()}. {metric.help} It {additive}."))
    rows += [_row("assumes", text) for text in ASSUMPTIONS] if any(metric.weight for metric in asked.metrics) else []
    return rows + [_row("dimension", f"{dimension.name}: {dimension.help}") for dimension in asked.dimensions]


def _tell_window(asked: Plan) -> list[dict[str, Any]]:
    window, zone = asked.window, ZoneInfo(asked.query.tz)
    bounds = [
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %z} ({moment:%Y-%m-%d %H:%M:%S} UTC)" if moment else "no bound"
        for moment in (window.start, window.end)
    ]
    rows = [_row("window", f"{window.label} in {asked.query.tz}: from {bounds[0]} up to, not including, {bounds[1]}")]
    if window.weekdays is not None:
        days = ", ".join(WEEKDAYS[number - 1][:3] for number in sorted(window.weekdays))
        rows.append(_row("window", f"only on {days or 'no day'}"))
    rows += [_row("window", f"only from {start // 60:02}:{start % 60:02} to {end // 60:02}:{end % 60:02}") for start, end in window.hours]
    return rows + [_row("window", warning) for warning in asked.warnings]


def _tell_filters(asked: Plan, read: int) -> list[dict[str, Any]]:
    """Tell what each filter leaves out, one after the other, and what stays."""
    rows = [_row("filters", "in the window", read)]
    events, left = asked.inside(asked.filter_columns), read
    for text, step in asked.steps:
        events = events.filter(step)
        kept = int(events.select(pl.len()).collect(engine="streaming").item())
        rows.append(_row("filters", f"left out by {text}", left - kept))
        left = kept
    return [*rows, _row("filters", "kept", left)] if asked.steps else rows


def _tell_metric(asked: Plan, metric: Metric) -> list[dict[str, Any]]:
    """Tell which requests are in and which are out, with samples of both."""
    rows = []
    for text, count, reason in account_for(asked, metric):
        rows.append(_row(metric.name, text, count))
        if count and not asked.query.min_origins:
            if text in {COUNTED, COUNTED_ONCE}:
                rows += _sample(asked, metric.name, _find_counted(asked, metric), _SAMPLES)
            elif reason is not None and metric.rule and not reason.startswith("left out by"):
                rows += _sample(asked, metric.name, _find_left_out(asked, metric, reason), 1)
    return rows


def _find_counted(asked: Plan, metric: Metric) -> pl.LazyFrame:
    """Give what counts, but for digests where the filter asks for a version: their tag is not looked up here."""
    columns = [*_SHOWN, "reference_kind"]
    counted, _ = count_rows(replace(asked, metrics=(metric,)), metric.rule, columns, None, look_beyond(asked, metric.rule))
    counted = counted.filter(pl.col(metric.tally) > 0)
    return counted.filter(pl.col("reference_kind").ne_missing("digest")) if _VERSION_COLUMNS & {*asked.filter_columns} else counted


def _find_left_out(asked: Plan, metric: Metric, reason: str) -> pl.LazyFrame:
    return add_reason(asked, metric).inside([*_SHOWN, REASON]).filter(pl.col(REASON) == reason)


def _sample(asked: Plan, part: str, events: pl.LazyFrame, most: int) -> list[dict[str, Any]]:
    """Show the first few by time, without anything that names a person."""
    place = ["timestamp", "source_id", "source_offset", "url_path"]
    found = events.select(_SHOWN).bottom_k(most, by=place).collect(engine="streaming").sort(place)
    zone = ZoneInfo(asked.query.tz)
    return [
        _row(
            part,
            f"  e.g. {time.astimezone(zone):%Y-%m-%d %H:%M:%S} {method or '–'} {path or '–'} → {status if status is not None else '–'}, {client or 'unknown'}",
        )
        for time, method, path, status, client, _, _ in found.rows()
    ]


def _tell_rules(asked: Plan) -> list[dict[str, Any]]:
    used = {metric.rule for metric in asked.metrics}
    rows = [_row("rule", f"{rule.label}: {rule.text} (source: {rule.source})") for rule in asked.rules if rule.label in used]
    for option, seconds, usual in (
        ("--pull-window", asked.query.pull_window, PULL_GAP.total_seconds()),
        ("--visit-gap", asked.query.visit_gap, VISIT_GAP.total_seconds()),
        ("--session-gap", asked.query.session_gap, SESSION_GAP.total_seconds()),
    ):
        if seconds != usual:
            rows.append(_row("rule", f"with {option} {seconds:g} s instead of {usual:g} s"))
    derived: Sequence[tuple[str, int]] = sorted(asked.events.rule_sets().items())
    return rows + [_row("rule set", f"columns derived by rules {version or 'of an unknown version'}", count) for version, count in derived]


def _tell_hiding(asked: Plan) -> list[dict[str, Any]]:
    if not asked.query.min_origins:
        return []
    return [_row("hidden", f"--min-origins {asked.query.min_origins}: the report folds smaller rows into other, its totals stay; no samples here")]
