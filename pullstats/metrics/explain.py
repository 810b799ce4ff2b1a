"""How a number came about: definitions, window, filters, requests in and out by reason, rules, samples.

Every request of the window is told of once: left out by a filter, or by the first reason that
holds, or counted, or part of what another request counts for. The rows of a step add up to the
row before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.metrics.answers import IS_ANONYMOUS_TRY, IS_GET, IS_HEAD, IS_UNCHANGED
from pullstats.metrics.counting.files import IS_DATASET, IS_MODEL, IS_QUERY_FILE
from pullstats.metrics.counting.pulls import IS_IMAGE_MANIFEST
from pullstats.metrics.definitions import SESSIONS, Metric
from pullstats.metrics.framing import build_report
from pullstats.metrics.partials import compute_partials, count_rows, fold
from pullstats.metrics.query import Query, Reach, Resolved, Scan, resolve
from pullstats.reports import Column, Report

_SAMPLES: Final = 3
_PULLSTATS: Final = "pullstats"
_ACTION: Final = pl.col("action")
_IS_FILE_PATH: Final = ~IS_IMAGE_MANIFEST.fill_null(value=False)
_REASONS: Final[tuple[tuple[str, pl.Expr], ...]] = (
    ("names no package", pl.col("package_name").is_null()),
    ("is neither GET nor HEAD: uploads and the like", ~(IS_GET | IS_HEAD)),
    ("reads an index or metadata, or asks the registry for something else", ~_ACTION.is_in(["manifest", "blob", "download"])),
    ("takes a blob: the manifest stands for the image", _ACTION == "blob"),
    ("takes a checksum, a signature or a source archive, not the artifact", ~pl.col("is_downloadable").fill_null(value=False)),
    ("is a HEAD for a file", _IS_FILE_PATH & IS_HEAD),
    ("was answered 304: a check", IS_UNCHANGED),
    ("takes a file of a model that is not its query file", IS_MODEL & ~IS_QUERY_FILE),
    (
        "was refused (4xx, 5xx) or answered without the file",
        _IS_FILE_PATH & ~IS_DATASET & ~pl.col("http_response_status_code").is_in([200, 206, 301, 302, 303, 307, 308]),
    ),
)
_REASON_COLUMNS: Final = (
    "package_name",
    "package_type",
    "action",
    "is_downloadable",
    "http_request_method",
    "http_response_status_code",
    "url_path",
    "user_agent_name",
)
_COUNTED: Final = "counts, each at the request that stands for it"
_FOLDED: Final = "belongs to what another request counts for, or to a group that took nothing"
_REASON: Final = "reason"


def answer_explanation(query: Query, rule_sets: Mapping[str, int], scan: Scan, reach: Reach, now: datetime, *, is_shifting: bool) -> Report:
    """Take a report's numbers apart.

    Args:
        query: the question of the report.
        rule_sets: events of the store by the version of the rules that derived their columns.
        scan: gives the store's events.
        reach: the store's range.
        now: the present.
        is_shifting: as the report itself.

    Raises:
        UsageError: a name, window or filter that is not understood.
    """
    asked = resolve(query, reach, now, scan, is_shifting=is_shifting)
    partials = compute_partials(asked, scan, {}, [])
    total = fold(partials, asked.metrics, ())
    rows = [*_tell_definitions(asked, total), *_tell_window(asked), *_tell_requests(asked, scan, partials.read)]
    for metric in asked.metrics:
        rows += _tell_metric(asked, scan, metric, partials.kept)
    rows += [
        _row("rule", f"{rule.label}: {rule.text} (source: {rule.source})") for rule in asked.rules if any(metric.rule for metric in asked.metrics)
    ]
    rows += [
        _row("rule set", f"columns derived by rules {version or 'of an unknown version'}", count) for version, count in sorted(rule_sets.items())
    ]
    frame = pl.DataFrame(rows, schema={"part": pl.String, "what": pl.String, "requests": pl.Int64})
    columns = (Column("part", "part", "text"), Column("what", "what", "prose"), Column("requests", "requests", "count"))
    return build_report(asked, partials, frame, columns, total)


def _row(part: str, what: str, requests: int | None = None) -> dict[str, Any]:
    return {"part": part, "what": what, "requests": requests}


def _tell_definitions(asked: Resolved, total: pl.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for metric in asked.metrics:
        value = total[metric.key].item()
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        additive = "may be added up" if metric.additive else "is never added up: a total is computed anew"
        rows.append(
            _row(
                "metric",
                f"{metric.title} = {shown} {metric.unit if metric.unit != metric.title else ''}".rstrip() + f". {metric.help} It {additive}.",
            )
        )
    return rows + [_row("dimension", f"{dimension.name}: {dimension.help}") for dimension in asked.dimensions]


def _tell_window(asked: Resolved) -> list[dict[str, Any]]:
    window, zone = asked.window, ZoneInfo(asked.query.tz)
    bounds = [
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %z} ({moment:%Y-%m-%d %H:%M:%S} UTC)" if moment else "no bound"
        for moment in (window.start, window.end)
    ]
    rows = [_row("window", f"{window.label} in {asked.query.tz}: from {bounds[0]} up to, not including, {bounds[1]}")]
    if window.weekdays is not None:
        names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        rows.append(_row("window", f"only on {', '.join(names[number - 1] for number in sorted(window.weekdays)) or 'no day'}"))
    rows += [_row("window", f"only from {start // 60:02}:{start % 60:02} to {end // 60:02}:{end % 60:02}") for start, end in window.hours]
    return rows + [_row("window", warning) for warning in asked.warnings]


def _events(asked: Resolved, scan: Scan, columns: Sequence[str]) -> pl.LazyFrame:
    needed = sorted({*columns, *asked.filter_columns, "timestamp"})
    return asked.window.keep(scan(needed, asked.window.start, asked.window.end))


def _tell_requests(asked: Resolved, scan: Scan, read: int) -> list[dict[str, Any]]:
    """Tell what each filter leaves out, one after the other, and what stays."""
    rows = [_row("requests", "in the window", read)]
    events, left = _events(asked, scan, []), read
    for text, step in asked.steps:
        events = events.filter(step)
        kept = int(events.select(pl.len()).collect(engine="streaming").item())
        rows.append(_row("requests", f"left out by {text}", left - kept))
        left = kept
    return [*rows, _row("requests", "kept", left)] if asked.steps else rows


def _tell_metric(asked: Resolved, scan: Scan, metric: Metric, kept: int) -> list[dict[str, Any]]:
    if metric.is_counted or metric.counts:
        return _tell_counted(asked, scan, metric, kept)
    if metric.merge != "union":
        return []
    assert metric.expr is not None
    events = _events(asked, scan, metric.columns)
    events = events.filter(asked.filter) if asked.filter is not None else events
    found = events.select(
        tries=IS_ANONYMOUS_TRY.sum(), nobody=(metric.expr.is_null() & ~IS_ANONYMOUS_TRY).sum(), counted=metric.expr.is_not_null().sum()
    )
    row = found.collect(engine="streaming").row(0, named=True)
    return [
        _row(metric.name, "out: answered 401, a first try without credentials is no second person", row["tries"]),
        _row(metric.name, f"out: names no {metric.title.removesuffix('s')}", row["nobody"]),
        _row(metric.name, f"in: requests from which distinct {metric.title} are counted", row["counted"]),
    ]


def _tell_counted(asked: Resolved, scan: Scan, metric: Metric, kept: int) -> list[dict[str, Any]]:
    """Tell which requests count and which do not, with samples of both."""
    name = metric.counts or metric.name
    counted, names = count_rows(replace(asked, metrics=(metric,)), scan, metric.rule, _REASON_COLUMNS, None, asked.gaps.margin)
    if name not in names:
        return [_row(metric.name, f"{metric.rule} says nothing of {name}")]
    hits = counted.filter(pl.col(name) > 0)
    count = int(hits.select(pl.len()).collect(engine="streaming").item())
    rows = [_row(metric.name, f"in: {_COUNTED}", count)]
    rows += _sample(metric.name, hits)
    if not metric.rule.startswith(_PULLSTATS) or name not in {"downloads", "pulls"}:
        return [
            *rows,
            _row(metric.name, f"out: {'belongs to a session that began before it' if metric.rule == SESSIONS else 'all others'}", kept - count),
        ]
    return rows + _tell_reasons(asked, scan, metric, kept, count)


def _tell_reasons(asked: Resolved, scan: Scan, metric: Metric, kept: int, count: int) -> list[dict[str, Any]]:
    name = metric.counts or metric.name
    events = _events(asked, scan, _REASON_COLUMNS)
    events = events.filter(asked.filter) if asked.filter is not None else events
    reasons = [*_REASONS, *([("takes a file, not an image", _IS_FILE_PATH)] if name == "pulls" else [])]
    reason = pl.coalesce(*(pl.when(test.fill_null(value=False)).then(pl.lit(text)) for text, test in reasons))
    told = events.with_columns(reason.alias(_REASON))
    by_reason = dict(told.group_by(_REASON).agg(pl.len()).collect(engine="streaming").rows())
    rows = []
    for text, _ in reasons:
        if by_reason.get(text):
            rows.append(_row(metric.name, f"out: {text}", by_reason[text]))
            rows += _sample(metric.name, told.filter(pl.col(_REASON) == text), 1)
    candidates = int(by_reason.get(None, 0))
    assert kept == sum(by_reason.values())
    return [*rows, _row(metric.name, f"out: {_FOLDED}", candidates - count)]


def _sample(part: str, events: pl.LazyFrame, most: int = _SAMPLES) -> list[dict[str, Any]]:
    """Show the first few by time, without anything that names a person."""
    columns = ["timestamp", "http_request_method", "url_path", "http_response_status_code", "user_agent_name"]
    found = events.select(columns).bottom_k(most, by=["timestamp", "url_path", "http_request_method"]).collect(engine="streaming")
    rows = found.sort("timestamp", "url_path", "http_request_method")
    return [
        _row(part, f"  e.g. {time:%Y-%m-%d %H:%M:%S} {method or '–'} {path or '–'} → {status if status is not None else '–'}, {client or 'unknown'}")
        for time, method, path, status, client in rows.rows()
    ]
