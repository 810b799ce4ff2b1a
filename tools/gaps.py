"""Simulate logs that were never down, and some that were; write which gaps are found in them into docs/gaps.md.

    python tools/gaps.py [--runs 40]

Requests come one by one or in bursts of a few minutes, at all hours, with quiet nights, or in the
hours of offices alone; a log begins on a Monday.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.metrics.time.gaps import Gap, find_gaps
from pullstats.percentages import write_share

PAGE: Final = Path(__file__).parent.parent / "docs" / "gaps.md"
RATES: Final = (5, 20, 50)
BURSTS: Final = (1, 10)
LENGTHS: Final = (7, 60)
OUTAGE: Final = timedelta(days=1)
RHYTHMS: Final[dict[str, Callable[[float], float]]] = {
    "flat": lambda _: 1.0,
    "nights": lambda hour: 1.4 if 7 <= hour % 24 < 22 else 0.05,
    "offices": lambda hour: 2.5 if hour % 168 < 120 and 8 <= hour % 24 < 18 else 0.0,
}
"""How much more, or less, than on average there is in an hour of the week."""
_BEGIN: Final = datetime(2025, 3, 3, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    asked = parser.parse_args()
    PAGE.write_text(write_page(asked.runs), encoding="utf-8")


def make_log(chance: random.Random, rate: float, burst: int, rhythm: str, length: int = 60) -> pl.Series:
    """Make a log of so many lines an hour on average, over so many days; bursts are as long by geometric chance."""
    moments, hour = [], 0.0
    while hour < length * 24:
        hour += chance.expovariate(3 * rate / burst)
        if chance.random() * 3 < RHYTHMS[rhythm](hour):
            lines = 1 + int(log(chance.random()) / log(1 - 1 / burst)) if burst > 1 else 1
            moments += [hour + chance.expovariate(20) for _ in range(lines)]
    micros = [int(one * 3_600_000_000) for one in moments if one < length * 24]
    return (pl.Series(micros, dtype=pl.Duration("us")) + _BEGIN).cast(pl.Datetime("us", "UTC")).sort()


def find(moments: pl.Series) -> list[Gap]:
    """Find the gaps of one log."""
    frame = pl.DataFrame({"timestamp": moments, "source_id": "a"})
    sources = pl.DataFrame({"source_id": ["a"], "name": ["access.log"], "first": [moments[0]], "last": [moments[-1]]})

    def scan(columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    return find_gaps(sources, scan, moments[0], moments[-1]).gaps


def is_flagged(chance: random.Random, rate: float, burst: int, rhythm: str, length: int = 60) -> bool:
    """Tell whether a log that was never down has a gap."""
    return bool(find(make_log(chance, rate, burst, rhythm, length)))


def lose_a_day(chance: random.Random, rate: float, burst: int, rhythm: str) -> tuple[datetime, list[Gap]]:
    """Take a Tuesday, Wednesday or Thursday out of a log of sixty days; give when it begins, and the gaps that are found."""
    moments = make_log(chance, rate, burst, rhythm)
    down = _BEGIN + chance.randrange(2, 7) * 7 * _DAY + chance.randrange(1, 4) * _DAY
    return down, find(moments.filter(~moments.is_between(down, down + OUTAGE, closed="left")))


def is_seen(down: datetime, gaps: Sequence[Gap]) -> bool:
    """Tell whether an outage is a gap, whole."""
    return any(gap.silent_from <= down and down + OUTAGE <= gap.silent_until for gap in gaps)


def write_page(runs: int) -> str:
    """Write both tables."""
    return "\n".join([*_write_head(runs), *_write_false_gaps(runs), *_write_outages(runs)]) + "\n"


def _write_head(runs: int) -> Iterator[str]:
    yield from (
        "# Which gaps are found, and which are not there",
        "",
        f"Written by `python tools/gaps.py --runs {runs}`: {runs} logs a cell, whose lines come one by one or in bursts of ten on average, at all hours",
        "(*flat*), with few of them at night (*nights*), or on workdays from eight to six alone (*offices*). How gaps are found:",
        "[questions](questions.md#series).",
    )


def _write_false_gaps(runs: int) -> Iterator[str]:
    yield from ("", "## Logs that were never down: how many have a gap nevertheless (at most 5 % is meant)", "")
    yield _join(["lines an hour", "come", "rhythm", *(f"{days} days" for days in LENGTHS)])
    yield _join(["---"] * (3 + len(LENGTHS)))
    for rate, burst, rhythm in _list_kinds(RATES):
        chance = random.Random(f"{rate} {burst} {rhythm}")  # noqa: S311 - a simulation
        shares = [sum(is_flagged(chance, rate, burst, rhythm, length) for _ in range(runs)) / runs for length in LENGTHS]
        yield _join([*_name(rate, burst, rhythm), *map(write_share, shares)])


def _write_outages(runs: int) -> Iterator[str]:
    yield from ("", "## Logs of 60 days that lose 24 hours of a workday: how many have the gap (at least 95 % is meant)", "")
    yield _join(["lines an hour", "come", "rhythm", "found"])
    yield _join(["---"] * 4)
    for rate, burst, rhythm in _list_kinds(RATES[1:]):
        chance = random.Random(f"outage {rate} {burst} {rhythm}")  # noqa: S311 - a simulation
        yield _join([*_name(rate, burst, rhythm), write_share(sum(is_seen(*lose_a_day(chance, rate, burst, rhythm)) for _ in range(runs)) / runs)])


def _list_kinds(rates: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    return ((rate, burst, rhythm) for rate in rates for burst in BURSTS for rhythm in RHYTHMS)


def _name(rate: int, burst: int, rhythm: str) -> list[str]:
    return [str(rate), "one by one" if burst == 1 else "in bursts", rhythm]


def _join(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
