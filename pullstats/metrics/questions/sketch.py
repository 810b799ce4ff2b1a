"""Uniques estimated by a HyperLogLog sketch, with how far they may be off.

Source: Apache DataSketches, https://datasketches.apache.org/docs/HLL/HllSketches.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.report_parts import build_report
from pullstats.metrics.levels import UNIQUE_LEVELS, name_level
from pullstats.metrics.partials import VALUE, Partials
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.percentages import write_share
from pullstats.reports import Column, Report

if TYPE_CHECKING:
    from datasketches import hll_sketch

SIZE: Final = 14
"""Logarithm of the sketch's registers."""
_DEVIATIONS: Final = 2


def sketch_uniques(asked: Plan, levels: tuple[str, ...]) -> Report:
    """Estimate every level, network by network where memory is short.

    An estimate depends a little on the order in which the sketch sees the keys, so they come sorted:
    the same question gives the same answer.

    Args:
        asked: the plan, without dimensions.
        levels: the unique levels, one row each.

    Raises:
        UsageError: rows are asked for, or the package datasketches is missing.
    """
    if asked.dimensions:
        raise UsageError("uniques --sketch takes no --by; leave --sketch out for exact counts of every row")
    if asked.query.min_origins:
        raise UsageError("uniques --sketch estimates however few there are, so it takes no --min-origins; leave one of the two out")
    try:
        from datasketches import hll_sketch  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("--sketch needs the package datasketches; run: pip install 'pullstats[sketch]'") from error
    sketches = {level: hll_sketch(SIZE) for level in levels}
    read = kept = 0
    for part in cut_by_network(asked, {}, ()):
        partials = compute_partials(part, {}, [])
        read, kept = read + partials.read, kept + partials.kept
        for level, sketch in sketches.items():
            for value in _list_keys(partials.sets[UNIQUE_LEVELS[level]]):
                sketch.update(value)
    empty = Partials((), pl.DataFrame({"requests": [kept]}), {}, {}, read, kept)
    return _report(asked, empty, {level: _estimate(sketch) for level, sketch in sketches.items()})


def _list_keys(frame: pl.DataFrame) -> list[int] | list[str]:
    """Give the keys of a set as a sketch takes them: ids as numbers, names as they are."""
    return frame[VALUE].drop_nulls().unique().sort().to_list()


def _estimate(sketch: hll_sketch) -> tuple[int, int, int]:
    return round(sketch.get_estimate()), round(sketch.get_lower_bound(_DEVIATIONS)), round(sketch.get_upper_bound(_DEVIATIONS))


def _report(asked: Plan, partials: Partials, estimates: dict[str, tuple[int, int, int]]) -> Report:
    from datasketches import hll_sketch  # noqa: PLC0415 - an extra

    names = ("estimate", "low", "high")
    rows = [{"level": level} | dict(zip(names, found, strict=True)) for level, found in estimates.items()]
    frame = pl.DataFrame(rows, schema={"level": pl.String} | dict.fromkeys(names, pl.Int64))
    columns = (Column("level", "level", "text"), *(Column(name, name, "count") for name in names))
    report = build_report(asked, partials, frame, columns, pl.DataFrame({metric.key: [0] for metric in asked.metrics}))
    relative = abs(hll_sketch.get_rel_err(True, False, SIZE, _DEVIATIONS))
    note = f"estimates of a HyperLogLog sketch (lg_k {SIZE}): low and high hold the true number in 95 of 100 cases, about ±{write_share(relative)}"
    meta = report.meta | {"warnings": [*report.meta["warnings"], note], "relative_error": relative}
    meta.pop("totals")  # what is estimated is no total
    told = [f"about {name_level(level, found[0])} ({found[1]:,} to {found[2]:,})" for level, found in estimates.items()]
    return replace(report, headline=", ".join(told), meta=meta)
