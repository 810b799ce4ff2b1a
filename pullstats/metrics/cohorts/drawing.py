"""The triangle as people read it: a row a cohort, a column an age, whole per cents; below it all cohorts together, and how long they stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from pullstats.metrics.cohorts.calendar import STATE, WHOLE
from pullstats.metrics.cohorts.lasting import Lasting
from pullstats.metrics.cohorts.retention import AGE, MEMBERS
from pullstats.metrics.cohorts.sightings import BORN
from pullstats.reports import Column

_MOST: Final = 9
"""Ages that have room in 80 columns."""
_FAR: Final = (1, 2, 3, 4, 6, 8, 12, 26, 52)
COHORT: Final = "cohort"
_UNKNOWN: Final = "·"
_OPEN: Final = "~"
"""Stands before a share of a bucket that is not whole: it may grow."""
_BOUNDS: Final = ("  95 % from", "  95 % to")


def choose_ages(last: int) -> list[int]:
    """Choose the ages that are shown: all, or the first few and some of the later ones.

    Args:
        last: the highest there is.
    """
    return list(range(1, last + 1)) if last <= _MOST else [age for age in _FAR if age <= last]


def draw_triangle(
    triangle: pl.DataFrame, labels: Mapping[int, str], pooled: pl.DataFrame, lasting: Lasting, level: str
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Write the rows, and say how to read their columns.

    Args:
        triangle: the cohorts shown, as `make_triangle` gives them.
        labels: what a cohort is called, by its index.
        pooled: all together, as `pool` gives it.
        lasting: how long they stayed.
        level: the title of whom one counts.
    """
    ages = choose_ages(triangle[AGE].max() or 0)  # type: ignore[arg-type]
    rows: list[dict[str, Any]] = []
    for (born,), cohort in triangle.group_by(BORN, maintain_order=True):
        cells = {age: _write_cell(share, state) for age, share, state in cohort.select(AGE, "share", STATE).rows()}
        rows.append({COHORT: labels[int(born)], MEMBERS: cohort[MEMBERS][0], **{_name(age): cells.get(age, "") for age in ages}})
    if pooled.height:
        shares = {age: (share, low, high) for age, share, low, high in pooled.select(AGE, "share", "low", "high").rows()}
        rows += _write_estimate("all", int(pooled[MEMBERS].max()), ages, shares)  # type: ignore[arg-type]
    if lasting.people and lasting.reach >= 0:
        rows += _write_estimate("then or later", lasting.people, ages, {age: found for age in ages if (found := lasting.at(age))})
    columns = (Column(COHORT, COHORT, "bucket"), Column(MEMBERS, level, "count"), *(Column(_name(age), f"+{age}", "heat") for age in ages))
    schema = {COHORT: pl.String, MEMBERS: pl.Int64} | {_name(age): pl.String for age in ages}
    return pl.DataFrame(rows, schema=schema, orient="row"), columns


def _name(age: int) -> str:
    return f"age_{age}"


def _write_estimate(name: str, members: int, ages: Sequence[int], shares: Mapping[int, Sequence[float | None]]) -> list[dict[str, Any]]:
    rows = []
    for place, label in enumerate((name, *_BOUNDS)):
        cells = {_name(age): _write_percent(shares[age][place]) if age in shares else "" for age in ages}
        rows.append({COHORT: label, MEMBERS: None if place else members, **cells})
    return rows


def _write_cell(share: float | None, state: str) -> str:
    return _write_percent(share) if share is None or state == WHOLE else f"{_OPEN}{_write_percent(share)}"


def _write_percent(share: float | None) -> str:
    """Write whole per cents; what is neither nothing nor all is never written so."""
    if share is None:
        return _UNKNOWN
    whole = round(share * 100)
    if share > 0 and not whole:
        return "<1"
    return ">99" if share < 1 and whole == 100 else str(whole)
