"""Of every request whether it need not have been made, and of which kind it is; of every download whether it repeats another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from pullstats.metrics.accounting.lines import Line, sort_requests, split_counted
from pullstats.metrics.islands import ROW
from pullstats.metrics.offences.rules import Kind, write_thresholds
from pullstats.metrics.offences.waste import KIND, PART, Waste
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import DOWNLOADS

_WASTE: Final = "waste"
_KEPT: Final = "kept"


def account_for_waste(asked: Plan, waste: Waste, kinds: Mapping[str, Kind], label: str) -> tuple[Line, ...]:
    """Tell of every request of the window of which kinds of waste it is: all together, each request once, and kind by kind.

    Args:
        asked: the plan of the question.
        waste: what was found.
        kinds: those looked for, by name.
        label: name and version of the table that they are from.
    """
    left = [(text, count or 0) for _, text, count in sort_requests(asked, _WASTE, pl.lit(_KEPT)) if text != _KEPT]
    once = waste.rows.group_by(PART, ROW).agg(pl.col(KIND).sort().str.join(" and "))
    together = _count(once, "in: need not have been made: {}")
    lines = _tell(_WASTE, together, "of no kind of waste", left, waste.requests)
    for name in kinds:
        found = _count(waste.rows.filter(pl.col(KIND) == name), "in: need not have been made")
        lines += _tell(name, found, f"is not {name}", left, waste.requests) if found else []
    return (*tell_kinds(kinds.values(), label), *lines)


def tell_kinds(kinds: Iterable[Kind], label: str) -> list[Line]:
    """Say what each kind is, by which numbers.

    Args:
        kinds: those looked for.
        label: name and version of the table that they are from.
    """
    return [("kind", f"{kind.name} ({label}; {write_thresholds(kind)}): {kind.what}", None) for kind in kinds]


def _count(rows: pl.DataFrame, words: str) -> list[tuple[str, int]]:
    """Count rows by kind, the most first."""
    counted = rows.group_by(KIND).agg(pl.len().cast(pl.Int64)).sort("len", KIND, descending=[True, False])
    return [(words.format(name), count) for name, count in counted.rows()]


def _tell(part: str, found: list[tuple[str, int]], others: str, left: list[tuple[str, int]], kept: int) -> list[Line]:
    rest = kept - sum(count for _, count in found)
    return [(part, text, count) for text, count in (*found, (f"out: {others}", rest), *left)]


def account_for_repeats(asked: Plan, rows: pl.DataFrame) -> list[Line]:
    """Tell of every request of the window whether it is a download that repeats nothing, or why it is none of the adjusted count.

    Args:
        asked: the plan of the question.
        rows: the downloads by client, as `count_inflation` gives them.
    """
    had, again, counted = (int(rows[name].sum()) for name in ("had", "again", DOWNLOADS))
    pieces = [
        ("in: a download that repeats nothing", counted - had - again),
        ("out: a download of which everything had been there", had),
        ("out: a download of what its origin took earlier that day", again),
    ]
    return split_counted(asked, "adjusted", pieces, "out: a download of nobody's")
