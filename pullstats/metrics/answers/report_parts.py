"""What stands around the numbers: headline, footer, and what `--meta` adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.presence import CLIENTS, Presence
from pullstats.metrics.definitions import DOWNLOADERS, INSTANCES, METRICS
from pullstats.metrics.folding import count_takers
from pullstats.metrics.levels import UNIQUE_LEVELS, name_level
from pullstats.metrics.metric import Metric
from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.percentages import round_share, write_share
from pullstats.reports import Column, Report

OTHER: Final = "other"
ALL_OTHERS: Final = "all others"
TOTAL: Final = "total"
ALL_ROWS: Final = "all rows"
DOWNLOADS: Final = "downloads"
_BOUNDS: Final = INSTANCES[1:]


def build_report(
    asked: Plan,
    partials: Partials,
    frame: pl.DataFrame,
    columns: Sequence[Column],
    total: pl.DataFrame | None,
    *,
    hidden: int = 0,
    other_row: int | None = None,
    warnings: Sequence[str] = (),
    presence: Presence | None = None,
) -> Report:
    """Put headline, footer and meta around a frame; without a total, too few made it to tell.

    Where a row of totals is asked for, it becomes the last of the frame.

    Args:
        asked: the plan of the question.
        partials: the tables it is folded from.
        frame: one row a group, in order.
        columns: how to read each column of it.
        total: one row, a column per metric by its key; None where too few are behind it.
        hidden: rows that `min_origins` hides.
        other_row: place of the row of the others.
        warnings: what must be said besides what the plan says.
        presence: who asked, None where it is not told.
    """
    meta = build_meta(asked, partials, hidden, warnings) | {"other_row": other_row}
    if total is None:
        headline = f"no total is told: fewer than {asked.query.min_origins:,} endpoints are behind it (--min-origins)"
    else:
        headline = describe_total(asked, partials, total, presence)
        meta |= {"totals": _name_totals(asked, total), "one_day_share": presence.one_day_share if presence else None}
        meta |= {"asked": {asked.level.key: presence.asked}} if presence else {}
        if asked.query.has_total and frame.height:
            frame = append_total(frame, columns, total)
            meta["total_row"] = frame.height - 1
    return Report(frame, tuple(columns), headline=headline, footer=describe_meta(meta), meta=meta, is_empty=partials.kept == 0)


def build_table(asked: Plan, frame: pl.DataFrame, columns: Sequence[Column], *, warnings: Sequence[str] = ()) -> Report:
    """Put footer and meta around rows that no metric makes.

    Args:
        asked: the plan of the question.
        frame: the rows, in order.
        columns: how to read each column of them.
        warnings: what must be said besides what the plan says.
    """
    bare = replace(asked, metrics=())
    return build_report(bare, compute_partials(bare, {}, []), frame, columns, pl.DataFrame(), warnings=warnings)


def _name_totals(asked: Plan, total: pl.DataFrame) -> dict[str, Any]:
    """Give the totals by the names of their columns."""
    totals = total.row(0, named=True) if total.height else {}
    return {metric.key: totals[metric.key] for metric in asked.metrics if metric.key in totals}


def append_total(frame: pl.DataFrame, columns: Sequence[Column], total: pl.DataFrame) -> pl.DataFrame:
    """Add the totals as a row that is called so in every column that names rows; none where nothing names them.

    Args:
        frame: the rows.
        columns: how to read them.
        total: one row, a column per metric by its key.
    """
    heads = [column.name for column in columns if column.kind in {"dimension", "bucket"}]
    if not heads:
        return frame
    texts = frame.with_columns(pl.col(heads).cast(pl.String))
    row: dict[str, Any] = {name: ALL_ROWS if TOTAL in texts[name] else TOTAL for name in heads}
    for column in columns:
        if column.name in total.columns:
            row[column.name] = total[column.name].item()
        elif column.kind == "share":
            row[column.name] = 1.0 if total[column.name.removesuffix("_share")].item() else None
    last = pl.DataFrame([{name: row.get(name) for name in frame.columns}], schema=texts.schema)
    return pl.concat([texts, last])


def metric_columns(metrics: Sequence[Metric]) -> list[Column]:
    """Describe the columns of metrics; the first additive one gets a bar."""
    first = next((metric for metric in metrics if metric.additive), None)
    return [Column(metric.key, metric.title, metric.kind, additive=metric.additive, bar=metric is first) for metric in metrics]


def describe_total(asked: Plan, partials: Partials, total: pl.DataFrame, presence: Presence | None = None) -> str:
    """Say the totals in words: downloads with who took them, each rule's by themselves; and who asked.

    143 downloads by 97 downloaders, 247 checks, 13 instances (8 to 21); 2,412 origins asked

    Args:
        asked: the plan of the question.
        partials: the tables.
        total: one row, a column per metric by its key.
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


def build_meta(asked: Plan, partials: Partials, hidden: int = 0, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Give what a number needs to be read right, as `--meta` prints it.

    Args:
        asked: the plan of the question.
        partials: the tables.
        hidden: rows that `min_origins` hides.
        warnings: what must be said besides what the plan says.
    """
    window, extent = asked.window, asked.extent
    is_open = window.end is None or (extent.newest is not None and extent.newest < window.end)
    elsewhere = int(partials.plain["elsewhere"].sum()) if "elsewhere" in partials.plain.columns else 0
    return {
        "window": {
            "label": window.label,
            "start": window.start.isoformat() if window.start else None,
            "end": window.end.isoformat() if window.end else None,
        },
        "tz": asked.query.tz,
        "counting_rule": ", ".join(rule.label for rule in asked.rules),
        "unique_level": asked.query.unique_by,
        "excluded": {
            "events": partials.read - partials.kept,
            "share": round_share((partials.read - partials.kept) / partials.read) if partials.read else 0.0,
            "filters": [text for text, _ in asked.steps],
        },
        "hidden_rows": hidden,
        "redirected_readings": elsewhere,
        "completeness": {
            "first_event": extent.first.isoformat() if extent.first else None,
            "newest_event": extent.newest.isoformat() if extent.newest else None,
            "is_provisional": is_open,
        },
        "warnings": [*asked.warnings, *warnings],
    } | ({"class_by": asked.classes.tell(asked.query.tz)} if _has_class(asked) else {})


def _has_class(asked: Plan) -> bool:
    return asked.classes.is_used or "class" in asked.selection.dimensions or any(dimension.name == "class" for dimension in asked.dimensions)


def describe_meta(meta: dict[str, Any]) -> str:
    """Write the footer: window and zone, rule, unique level, what filters left out, how far the logs extent."""
    window, completeness = meta["window"], meta["completeness"]
    span = f"window {window['label']}"
    for word, moment in (("from", window["start"]), ("to", window["end"])):
        span += f" {word} {datetime.fromisoformat(moment).astimezone(ZoneInfo(meta['tz'])):%Y-%m-%dT%H:%M}" if moment else ""
    parts = [f"{span} ({meta['tz']})", meta["counting_rule"], f"unique by {meta['unique_level']}"]
    parts.append(_describe_filters(meta))
    if "class_by" in meta:
        parts.append(f"class by {meta['class_by']}")
    if meta["hidden_rows"]:
        parts.append(f"{meta['hidden_rows']} small rows {'hidden' if meta.get('other_row') is None else 'in other'}")
    if shares := _list_sides(meta, "one_day_share"):
        parts.append(f"{' and '.join(write_share(share) + side for side, share in shares.items())} of the endpoints were seen on one day only")
    if meta["redirected_readings"]:
        count = meta["redirected_readings"]
        parts.append(f"{count:,} {'reading' if count == 1 else 'readings'} of an index or metadata redirected, which count as nothing")
    first, newest = completeness["first_event"], completeness["newest_event"]
    reach = [f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(meta['tz'])):%Y-%m-%dT%H:%M}" for moment in (first, newest) if moment]
    parts.append(f"logs reach from {reach[0]} to {reach[-1]} {meta['tz']}" if first and newest else "no events in the store")
    return " · ".join(parts)


def _list_sides(meta: dict[str, Any], name: str) -> dict[str, Any]:
    """Give what there is of a name: of each of two sides, by what is written behind it, else of the whole."""
    sides = {f" ({side})": meta[side] for side in "ab"} if "a" in meta else {"": meta}
    return {side: found for side, one in sides.items() if (found := one.get(name)) is not None}


def _describe_filters(meta: dict[str, Any]) -> str:
    """Say what share of the requests filters left out; of two sides each by itself."""
    told = _list_sides(meta, "excluded")
    if not any(one["filters"] for one in told.values()):
        return "no filters"
    shares = [write_share(one["share"]) + side for side, one in told.items()]
    return f"filters left out {' and '.join(shares)} of requests"


def dimension_columns(asked: Plan) -> list[str]:
    """Name the event columns that the dimensions read."""
    return [column for dimension in asked.dimensions for column in dimension.columns]


def dimension_heads(asked: Plan) -> list[Column]:
    """Describe the columns of the dimensions."""
    return [
        Column(dimension.key, dimension.name, "dimension", value=dimension.type, has_unknown=dimension.has_unknown) for dimension in asked.dimensions
    ]


def name_others(shown: pl.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """Name the row of the others in each column; a value may be spelled like it: then that row has another name.

    Args:
        shown: the rows shown, `keys` as texts or not.
        keys: columns that name rows.

    Returns:
        By column what the row of the others is called.
    """
    return {key: ALL_OTHERS if OTHER in shown[key].cast(pl.String) else OTHER for key in keys}
