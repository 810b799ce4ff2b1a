"""Simulate comparisons in which nothing changed, and some in which something did; write what verdicts say into docs/verdicts.md.

    python tools/verdicts.py [--runs 4000]

A run has three metrics that depend on each other as requests, downloads and origins do: each holds
what they share and something of its own. Counts are Poisson, or Poisson about a level that itself
varies by period (negative binomial), or on another level in the one side's days than in the other's.
"""

from __future__ import annotations

import argparse
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from math import exp, log, sqrt
from pathlib import Path
from typing import Final

from pullstats.metrics.comparing.joint_level import LEVEL
from pullstats.metrics.comparing.noise import DailyDifferences, Evidence, Verdict, judge_days, judge_windows
from pullstats.percentages import write_level, write_points, write_share

PERIODS: Final = (3, 4, 5, 8, 20)
KINDS: Final = ("poisson", "overdispersed", "weekly")
Simulation = Callable[[random.Random, float, str, int], bool]
"""Tells of a run with a mean, a kind and a number of periods or days whether a verdict is given."""
PAGE: Final = Path(__file__).parent.parent / "docs" / "verdicts.md"
_SHARED: Final = 0.7
_QUIET: Final = 0.4
"""How much of a workday's requests a day of the weekend has."""
_SHAPE: Final = 10.0
"""Of the gamma distribution of levels: a standard deviation of a third."""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000, help="of a cell in which nothing changes; a fourth of it where something does")
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
    return any(verdict.text.startswith("beyond") for verdict in _judge(a, b, past))


def is_seen(chance: random.Random, mean: float, kind: str, periods: int) -> bool:
    """Tell whether a verdict sees the first metric change by what the verdict on no change says that it would have seen."""
    sides = (mean, mean * _QUIET) if kind == "weekly" else (mean,)
    past = [[draw_metrics(chance, side, kind) for side in sides] for _ in range(periods)]
    a, b = draw_metrics(chance, mean, kind), draw_metrics(chance, sides[-1], kind)
    rise = _judge(a, b, past)[0].smallest
    assert rise is not None
    shared = sides[-1] * _SHARED
    return _judge(a, draw_metrics(chance, sides[-1] * (1 + rise / shared), kind), past)[0].text.startswith("beyond")


def _judge(a: list[int], b: list[int], past: list[list[list[int]]]) -> list[Verdict]:
    return judge_windows(
        [Evidence(a[index], b[index], tuple(tuple(float(side[index]) for side in period) for period in past)) for index in range(len(a))]
    )


def is_told_of_days(chance: random.Random, mean: float, kind: str, days: int, *, factor: float = 1.0) -> bool:
    """Tell whether any metric of two filters is called beyond the noise."""
    levels = _list_levels(mean, kind, days)
    sides = [[draw_metrics(chance, level * more, kind) for level in levels] for more in (1, factor)]
    return any(verdict.text.startswith("beyond") for verdict in _judge_days(sides[0], sides[1]))


def is_seen_of_days(chance: random.Random, mean: float, kind: str, days: int) -> bool:
    """Tell whether the first metric of two filters is called beyond the noise once the one has more by what the verdict on both says that it would see."""
    levels = _list_levels(mean, kind, days)
    one, other = ([draw_metrics(chance, level, kind) for level in levels] for _ in range(2))
    rise = _judge_days(one, other)[0].smallest
    assert rise is not None
    return _judge_days(one, [[day[0] + rise, *day[1:]] for day in other])[0].text.startswith("beyond")


def _list_levels(mean: float, kind: str, days: int) -> list[float]:
    return [mean * (_QUIET if kind == "weekly" and day % 7 > _WORKDAYS else 1) for day in range(days)]


def _judge_days(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> list[Verdict]:
    return judge_days([DailyDifferences(tuple(b[index] - a[index] for a, b in zip(one, other, strict=True))) for index in range(len(one[0]))])


_WORKDAYS: Final = 4


def write_page(runs: int) -> str:
    """Write the tables."""
    return "\n".join([*_write_head(runs), *_write_tables(runs)]) + "\n"


def _write_head(runs: int) -> Iterator[str]:
    error = write_points(2 * sqrt(LEVEL * (1 - LEVEL) / runs))
    yield from (
        "# How often a verdict is wrong, and what it can see",
        "",
        f"Written by `python tools/verdicts.py --runs {runs}`: {runs:,} runs a cell where nothing changes, so that of twenty cells that are 5 % in truth",
        f"nineteen are off by less than {error}, and {_few(runs):,} where something does. A run has three metrics that depend on each other as requests,",
        "downloads and origins do. *Overdispersed* periods are Poisson about a level that varies by a third; *weekly* ones compare a workday with a day",
        f"of the weekend, which has {write_level(_QUIET)} of its requests. How verdicts are made: [questions](questions.md).",
    )


def _few(runs: int) -> int:
    return max(runs // 4, 1)


def _write_tables(runs: int) -> Iterator[str]:
    few = _few(runs)
    yield from _write_table("Nothing changed: runs in which any metric is called beyond the noise (5 % is meant)", runs, is_told)
    yield from _write_table("20 % more: runs in which any metric is", few, lambda *given: is_told(*given, factor=1.2))
    told = "What a verdict says that it would have seen: runs in which it does (80 % is meant)"
    yield from _write_table(told, few, is_seen, means=(50, 200, 1000))
    yield from ("", "## Two filters or versions, day by day, 200 requests a day", "")
    yield from _write_rows(["kind", "days", "nothing changed", "20 % more", "what is said to be seen"])
    for kind in KINDS:
        for days in (8, 14, 30):
            chance = random.Random(f"{days} {kind}")  # noqa: S311 - a simulation
            null = _share(runs, is_told_of_days, chance, 200, kind, days)
            power = _share(few, lambda *given: is_told_of_days(*given, factor=1.2), chance, 200, kind, days)
            yield _join([kind, str(days), null, power, _share(few, is_seen_of_days, chance, 200, kind, days)])


def _write_table(title: str, runs: int, simulate: Simulation, means: Sequence[int] = (5, 50, 200, 1000)) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from _write_rows(["requests a period", "kind", *(f"{number} past periods" for number in PERIODS)])
    for mean in means:
        for kind in KINDS:
            chance = random.Random(f"{mean} {kind}")  # noqa: S311 - a simulation
            yield _join([f"{mean:,}", kind, *(_share(runs, simulate, chance, mean, kind, periods) for periods in PERIODS)])


def _share(runs: int, simulate: Simulation, chance: random.Random, mean: float, kind: str, number: int) -> str:
    return write_share(sum(simulate(chance, mean, kind, number) for _ in range(runs)) / runs)


def _write_rows(heads: Sequence[str]) -> Iterator[str]:
    yield _join(heads)
    yield "|" + " --- |" * len(heads)


def _join(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
