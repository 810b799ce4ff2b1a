"""Everything one origin (endpoint, network, user) asked for, by time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.ids import begins_with, is_beginning, write_ids
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_table
from pullstats.metrics.behaviour.judging import CLASS, SCORE, describe_evidence
from pullstats.metrics.behaviour.pace import GAP, PACE, PERIODS, mark_pace
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.filtering.selection import several_ids
from pullstats.metrics.plan import Plan
from pullstats.reports import Column, Report

ID_COLUMNS: Final = {"origin": "origin_id", "endpoint": "endpoint_id", "network": "network_id", "user": "user_id"}
SHORT_ID: Final = 10
"""Digits of an id that people see; as many find it again."""
_TRAITS: Final = ("method", "path", "status", "ecosystem", "package", "version", "action", "client")
_PACE: Final = (Column(PACE, PACE, "text"), Column(GAP, "gap", "number"), Column(PERIODS, PERIODS, "count"))
_ONLY_FOR_MACHINES: Final = frozenset({"ecosystem", "package", "version", "action", GAP, PERIODS})
"""The path names package and version, too."""
_SAME: Final = frozenset({"origin", "client"})
"""What all requests of one origin share."""


def answer_timeline(asked: Plan, text: str) -> Report:
    """Give one row a request of the window.

    Args:
        asked: the question; `unique_by` says whose id it is.
        text: the first digits of an id, in hexadecimal.

    Raises:
        UsageError: no id, one that the store does not hold, or the beginning of several.
    """
    level, who = asked.query.unique_by, text.lower()
    if level not in ID_COLUMNS:
        raise UsageError(f"a timeline needs an id, and {level} has none; use --unique-by origin, endpoint, network or user")
    if not is_beginning(who):
        raise UsageError(f"'{text}' is no id: 4 to 16 hexadecimal digits, as origins prints them")
    _refuse_several(asked, who)
    rows, said = _find_requests(asked, who), ""
    if level == "origin":
        rows, said = _add_pace(asked, rows, who)
    shown = keep_first(rows, asked.query.limit)
    paced = _PACE if level == "origin" else ()
    traits = [Column(name, name, "text") for name in _TRAITS]
    columns = (Column("time", "time", "time"), Column(level, level, "bucket"), *traits[:2], *paced, *traits[2:])
    full = shown.select(column.name for column in columns)
    left = _ONLY_FOR_MACHINES | {level} | (_SAME if level == "origin" else frozenset())
    seen = tuple(replace(column, kind="bucket") if column.name == "time" else column for column in columns if column.name not in left)
    local = pl.col("time").dt.convert_time_zone(asked.query.tz).dt.strftime("%Y-%m-%d %H:%M:%S")
    short = full.with_columns(local).select(column.name for column in seen)
    report = build_table(asked, short, seen)
    name = rows[level][0] if rows.height else who
    headline = f"{level} {name}: {rows.height:,} {'request' if rows.height == 1 else 'requests'}, {shown.height:,} shown{said}"
    return replace(report, headline=headline, is_empty=rows.height == 0, flat=(full, columns))


def _add_pace(asked: Plan, rows: pl.DataFrame, who: str) -> tuple[pl.DataFrame, str]:
    """Mark which visits keep the origin's pace, and say what it is and why."""
    classes = asked.classes.find()
    mine = begins_with(pl.col("origin_id"), who)
    found = classes.origins.filter(mine)
    told = [
        f"; {name}, score {score:.2f}: {text}" for name, score, text in found.select(CLASS, SCORE, describe_evidence(found, classes.rules)).rows()
    ]
    return mark_pace(rows, classes.paced.filter(mine)), "".join(told)


def _refuse_several(asked: Plan, who: str) -> None:
    """Refuse digits that begin no id of the store, or several."""
    level = asked.query.unique_by
    column = ID_COLUMNS[level]
    found = (
        asked.events.scan([column, "timestamp"], None, None).filter(begins_with(pl.col(column), who)).group_by(write_ids(pl.col(column)).alias(level))
    )
    ids = found.agg(pl.len()).collect(engine="streaming").sort(level)
    if not ids.height:
        raise UsageError(f"no {level} '{who}' in this store; origins lists them")
    if ids.height > 1:
        raise several_ids(who, ids[level].to_list())


def _find_requests(asked: Plan, who: str) -> pl.DataFrame:
    level = asked.query.unique_by
    column = ID_COLUMNS[level]
    traits = [DIMENSIONS[name] for name in _TRAITS]
    events = asked.kept({column, "source_id", "source_offset", *(one for trait in traits for one in trait.columns)}).filter(
        begins_with(pl.col(column), who)
    )
    events = asked.events.order.add_to(events)
    values = [trait.expr(asked.query.tz).alias(trait.name) for trait in traits]
    place = ("source_rank", "source_id", "source_offset")
    found = events.select(pl.col("timestamp").alias("time"), write_ids(pl.col(column)).alias(level), *values, *place)
    return found.collect(engine="streaming").sort("time", *place)
