"""What `cohorts` estimates holds where the truth is known: shares that come again, how long people stay, and who only changed an address."""

from __future__ import annotations

import re
from collections import Counter
from math import comb
from typing import Any

import pytest

from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.reports import Report
from support.crowd import Row, ask
from support.effort import SOAK, some
from support.returning import make_movers, make_stayers

SEEDS = some(range(200), 20)
LEAVING, SEEN = 0.15, 0.8
CHANGED = re.compile(r"an estimated ([0-9.]+) % of the origins that were lost only changed their address")


def cohorts(rows: list[Row], **options: Any) -> Report:
    return ask(Cohorts, rows, **{"metrics": ("requests",), "every": "w", **options})


def least_held(runs: int, share: float) -> int:
    """Give the least number of runs in which an interval that holds with a chance does so, but for one case in 10,000."""
    total = 0.0
    for held in range(runs + 1):
        total += comb(runs, held) * share**held * (1 - share) ** (runs - held)
        if total > 1e-4:
            return held
    raise AssertionError


def test_intervals_of_who_comes_again_and_of_who_stays_hold_the_truth() -> None:
    stays = 1 - LEAVING
    later = SEEN / (1 - (1 - SEEN) * stays)  # of those who are still there at an age, how many are seen at it or after it
    held: Counter[tuple[str, int]] = Counter()
    for seed in SEEDS:
        meta = cohorts(make_stayers(seed, leaving=LEAVING, seen=SEEN)).meta
        for name, truth in (("pooled", SEEN), ("survival", later)):
            rows = {row["age"]: row for row in meta[name]}
            held.update((name, age) for age in (1, 2, 4, 8) if rows[age]["low"] <= stays**age * truth <= rows[age]["high"])
    assert set(held) == {(name, age) for name in ("pooled", "survival") for age in (1, 2, 4, 8)}
    assert min(held.values()) >= least_held(len(SEEDS), 0.95), held


@pytest.mark.parametrize(("moving", "growth"), some([(0.0, 0.0), (0.0, 0.05), (0.3, 0.0), (0.6, 0.0)], 2))
def test_who_only_changed_an_address_is_estimated_and_nothing_is_said_where_nobody_did(moving: float, growth: float) -> None:
    """Whoever moves twice within two spans makes the estimate a little too low, so its interval holds the truth less often than where nobody moves."""
    held = told = 0
    seeds, networks = (SEEDS, 80) if SOAK else (SEEDS[:3], 30)
    for seed in seeds:
        report = cohorts(make_movers(seed, moving=moving, growth=growth, networks=networks))
        found = report.meta["address_churn"]
        held += found["low"] <= moving <= found["high"]
        said = CHANGED.search("\n".join(report.meta["warnings"]))
        assert (said is not None) == (found["low"] > 0)
        assert said is None or said[1] == f"{found['share'] * 100:.1f}"
        told += said is not None
    assert held >= least_held(len(seeds), 0.85 if moving else 0.93)
    assert told == len(seeds) if moving else told <= len(seeds) - least_held(len(seeds), 0.96)


def test_nothing_is_estimated_of_few_networks_nor_of_people_who_have_no_address() -> None:
    rows = make_movers(1, moving=0.6, networks=12)
    assert cohorts(rows).meta["address_churn"] is None
    assert "changed their address" not in "\n".join(cohorts(rows).meta["warnings"])
    assert cohorts(make_movers(1, moving=0.6, networks=30), unique_by="org").meta["address_churn"] is None
