"""Simulate comparisons in which nothing changed, and some in which something did; write what verdicts say into docs/verdicts.md.

    python tools/verdicts.py [--runs 1000]

A run has three metrics that depend on each other as requests, downloads and origins do: each holds
what they share and something of its own. Counts are Poisson, or Poisson about a level that itself
varies by period (negative binomial), or on another level in the one side's days than in the other's.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from math import exp, log, sqrt
from pathlib import Path
from typing import Final

from pullstats.metrics.questions.noise import Daily, Evidence, judge_days, judge_windows

PERIODS: Final = (3, 4, 5, 8, 20)
KINDS: Final = ("poisson", "overdispersed", "weekly")
PAGE: Final = Path(__file__).parent.parent / "docs" / "verdicts.md"
_SHARED: Final = 0.7
_QUIET: Final = 0.4
"""How much of a workday's requests a day of the weekend has."""
_SHAPE: Final = 10.0
"""Of the gamma distribution of levels: a standard deviation of a third."""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    asked = parser.parse_args()
    PAGE.write_text(write_page(asked.runs), encoding="utf-8")


@cache
def _cumulate(mean: float) -> tuple[int, list[float]]:
    """Give the first number that is at all likely, and the cumulated probabilities of it and those after it."""
    first, last = (max(0, int(mean + side * (9 * sqrt(mean) + 9))) for side in (-1, 1))
    terms = [0.0]
    terms += accumulate(log(mean) - log(number) for number in range(1, last + 1))
    return first, list(accumulate(exp(term - mean) for term in terms[first:]))


def draw_count(chance: random.Random, mean: float, kind: str) -> int:
    """Draw a count of a mean; levels are drawn in steps, so that few tables are needed."""
    level = round(mean * chance.gammavariate(_SHAPE, 1 / _SHAPE), -1 if mean >= _COARSE else 0) if kind == "overdispersed" else mean
    if not level:
        return 0
    first, sums = _cumulate(level)
    return first + bisect_left(sums, chance.random())


_COARSE: Final = 50


def draw_metrics(chance: random.Random, mean: float, kind: str) -> list[int]:
    """Draw three metrics of one period."""
    common = draw_count(chance, mean * _SHARED, kind)
    own = [0, draw_count(chance, mean * (1 - _SHARED), kind), draw_count(chance, mean * (1 - _SHARED) / 2, kind)]
    return [common + one for one in own]


def is_told(chance: random.Random, mean: float, kind: str, periods: int, *, factor: float = 1.0) -> bool:
    """Tell whether any metric of a run is called beyond the noise."""
    sides = (mean, mean * _QUIET) if kind == "weekly" else (mean,)
    past = [[draw_metrics(chance, side, kind) for side in sides] for _ in range(periods)]
    a, b = draw_metrics(chance, mean, kind), draw_metrics(chance, sides[-1] * factor, kind)
    metrics = [Evidence(a[index], b[index], tuple(tuple(float(side[index]) for side in period) for period in past)) for index in range(len(a))]
    return any(verdict.text.startswith("beyond") for verdict in judge_windows(metrics))


def is_told_of_days(chance: random.Random, mean: float, kind: str, days: int, *, factor: float = 1.0) -> bool:
    """Tell whether any metric of two filters is called beyond the noise."""
    levels = [mean * (_QUIET if kind == "weekly" and day % 7 > _WORKDAYS else 1) for day in range(days)]
    sides = [[draw_metrics(chance, level * more, kind) for level in levels] for more in (1, factor)]
    metrics = [Daily(tuple(float(b[index] - a[index]) for a, b in zip(*sides, strict=True))) for index in range(3)]
    return any(verdict.text.startswith("beyond") for verdict in judge_days(metrics))


_WORKDAYS: Final = 4


def write_page(runs: int) -> str:
    """Write the tables."""
    return "\n".join([*_write_head(runs), *_write_tables(runs)]) + "\n"


def _write_head(runs: int) -> Iterator[str]:
    yield "# How often a verdict is wrong, and what it can see"
    yield ""
    yield f"Written by `tools/verdicts.py`: {runs:,} runs a cell, each with three metrics that depend on each other as requests, downloads and origins do."
    yield "*Overdispersed* periods are Poisson about a level that varies by a third; *weekly* ones compare a workday with a day of the weekend, which"
    yield f"has {_QUIET:.0%} of its requests. A run counts if any of its metrics is called beyond the noise. How verdicts are made: [questions](questions.md)."


def _write_tables(runs: int) -> Iterator[str]:
    head = [f"{number} past periods" for number in PERIODS]
    for title, factor in (("Nothing changed: how many runs say so nevertheless (5 % is meant)", 1.0), ("20 % more: how many runs see it", 1.2)):
        yield from ("", f"## {title}", "")
        yield from _write_rows(["requests a period", "kind", *head])
        for mean in (5, 50, 200, 1000):
            for kind in KINDS:
                chance = random.Random(f"{mean} {kind}")  # noqa: S311 - a simulation
                cells = [sum(is_told(chance, mean, kind, periods, factor=factor) for _ in range(runs)) / runs for periods in PERIODS]
                yield "| " + " | ".join([f"{mean:,}", kind, *(f"{cell:.1%}" for cell in cells)]) + " |"
    yield from ("", "## Two filters or versions, day by day, 200 requests a day", "")
    yield from _write_rows(["kind", "days", "nothing changed", "20 % more"])
    for kind in KINDS:
        for days in (8, 14, 30):
            chance = random.Random(f"{days} {kind}")  # noqa: S311 - a simulation
            cells = [sum(is_told_of_days(chance, 200, kind, days, factor=factor) for _ in range(runs)) / runs for factor in (1.0, 1.2)]
            yield "| " + " | ".join([kind, str(days), *(f"{cell:.1%}" for cell in cells)]) + " |"


def _write_rows(heads: list[str]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)


if __name__ == "__main__":
    main()
