"""Questions larger than memory: events cut by network, so that each part fits and is answered apart.

Whatever is stateful belongs to an origin, an origin to an endpoint, an endpoint to a network; so no
pull, session or person crosses a part, and the parts' tables join to those of the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.counting import INVOCATIONS
from pullstats.metrics.dimensions import CLASS, RELEASE
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import Plan
from pullstats.metrics.scan_parts import cut_scan

RULE_BYTES: Final = 215
CHECK_BYTES: Final = 225
TABLE_BYTES: Final = 190
"""Memory that an event takes while a rule is applied, more for checks and visits (every request is looked at), and that
a row of a table takes until it is folded. Measured over ten million events, by the dimensions with the most values."""
_STAND_INS: Final = {RELEASE: pl.coalesce("package_version_normalized", "package_version"), CLASS: pl.col("user_agent_kind")}
_LEAST_SHARE: Final = 4
"""A part gets at least the memory over this, however large the tables: cutting finer would not make them smaller."""


def count_partitions(asked: Plan, groups: Mapping[str, pl.Expr], columns: Sequence[str]) -> int:
    """Tell into how many parts the events must be cut so that each fits into the memory allowed.

    Args:
        asked: the question.
        groups: name and value of each group column of the tables.
        columns: event columns that the groups read.
    """
    events, memory = asked.extent.events, asked.query.memory
    unions = [metric for metric in asked.metrics if metric.is_distinct]
    counted = {metric.tally for metric in asked.metrics if metric.rule}
    rule = RULE_BYTES * bool(counted) + CHECK_BYTES * bool({"checks", INVOCATIONS} & counted)
    most = rule + TABLE_BYTES * max(len(unions), 1)
    if events is None or events * most <= memory:
        return 1
    read = int(asked.inside(()).select(pl.len()).collect(engine="streaming").item())
    if read * most <= memory:
        return 1
    inside = _stand_in(asked, {*columns, *asked.filter_columns, *(column for metric in unions for column in metric.columns)})
    tables = _estimate_rows(asked.selection.keep(inside), unions, groups) * TABLE_BYTES
    room = max(memory - tables, memory // _LEAST_SHARE)
    return max(1, -(-read * rule // room), -(-(read * rule + tables) // memory))


def _stand_in(asked: Plan, columns: Collection[str]) -> pl.LazyFrame:
    """Give events with columns that are about as many as those asked for, where these would have to be found first."""
    found = {name: stand_in for name, stand_in in _STAND_INS.items() if name in columns}
    read = {*columns, *(name for stand_in in found.values() for name in stand_in.meta.root_names())} - {*found}
    return asked.inside(read).with_columns(**found)


def _estimate_rows(kept: pl.LazyFrame, unions: Sequence[Metric], groups: Mapping[str, pl.Expr]) -> int:
    """Estimate how many rows all tables will have."""
    keys = [[*groups.values(), metric.expr] for metric in unions if metric.expr is not None] or [[*groups.values()]]
    rows = [_hash(key).approx_n_unique().alias(str(number)) for number, key in enumerate(keys) if key]
    return sum(kept.select(rows).collect(engine="streaming").row(0)) if rows else 0


def _hash(values: Sequence[pl.Expr]) -> pl.Expr:
    hashes = [value.hash(number) for number, value in enumerate(values)]
    found = hashes[0]
    for one in hashes[1:]:
        found = found ^ one
    return found


def cut_by_network(asked: Plan, groups: Mapping[str, pl.Expr], columns: Sequence[str]) -> list[Plan]:
    """Cut a question's events by network into parts that fit into memory; those without an address are one part's.

    Args:
        asked: the question.
        groups: name and value of each group column of the tables.
        columns: event columns that the groups read.

    Returns:
        The question of each part, which is not cut again; the question itself where all fits.
    """
    count = count_partitions(asked, groups, columns)
    if count == 1:
        return [asked]
    extent = replace(asked.extent, events=None)
    return [replace(asked, events=replace(asked.events, scan=scan, extent=extent)) for scan in cut_scan(asked.events.scan, count)]
