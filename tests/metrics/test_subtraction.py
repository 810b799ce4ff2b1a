"""Whoever holds answers with `--min-origins` against one another, whatever was counted, and however sorted and cut, learns of no few either."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from pullstats.metrics.answers.report_parts import ALL_OTHERS, OTHER
from pullstats.metrics.questions.breakdown import Breakdown
from pullstats.metrics.questions.daily import DAILY_METRICS, Daily
from support.crowd import NOON, Row, ask, request
from support.effort import some

LEAST = 4
Part = frozenset[int]
"""Places of the requests that a number was counted of."""


def make_rows(seed: int) -> list[Row]:
    """Make requests of few and of many, of whom some take something."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for _ in range(chance.randrange(4, 14)):
        group = {
            "client": chance.choice(["pip", "uv", "curl", "wget"]),
            "country": chance.choice(["DE", "FR", None]),
            "status": chance.choice([200, 304]),
        }
        for _ in range(chance.choice([1, 2, 3, 4, 5, 7])):
            who = chance.randrange(40)
            rows.append(request(NOON + timedelta(minutes=len(rows)), who, endpoint=who, **group))
    return rows


def list_parts(rows: list[Row], by: tuple[str, ...], **options: Any) -> set[Part]:
    """Ask, and give of each number of the answer the requests that it was counted of."""
    report = ask(Breakdown, rows, dimensions=by, min_origins=LEAST, **options)
    if not report.frame.height:
        return set()
    parts: dict[tuple[Any, ...], set[int]] = {}
    for place, row in enumerate(rows):
        parts.setdefault(tuple(None if row[name] is None else str(row[name]) for name in by), set()).add(place)
    shown = [tuple(None if value is None else str(value) for value in row) for row in report.frame.select(by).rows()]
    named = {frozenset(parts[key]) for key in shown if key in parts}
    told = frozenset(range(len(rows)))
    is_rest = any(set(key) <= {OTHER, ALL_OTHERS} for key in shown)
    return {told, *named, *([told.difference(*named)] if is_rest else [])}


def subtract(parts: set[Part]) -> set[Part]:
    """Take from each what lies wholly in it, for as long as that tells something new."""
    known, fresh = set(parts), set(parts)
    while fresh and len(known) < 1000:
        pairs = {(one, other) for one, other in product(fresh, known)} | {(one, other) for one, other in product(known, fresh)}
        fresh = {whole - part for whole, part in pairs if part < whole} - known
        known |= fresh
    return known


@pytest.mark.parametrize("seed", some(range(60), 20))
@pytest.mark.parametrize("by", [("client",), ("client", "country")])
def test_no_difference_of_answers_tells_of_few(seed: int, by: tuple[str, ...]) -> None:
    rows = make_rows(seed)
    plain: set[Part] = set()
    taken: set[Part] = set()
    for metrics, limit, sort in product((("requests",), ("downloads",), ("requests", "downloaders")), (0, 1, 2), (None, "client", "-requests")):
        if sort is None or sort.removeprefix("-") in {*metrics, *by}:
            parts = list_parts(rows, by, metrics=metrics, limit=limit, sort=sort, has_other=True)
            plain |= parts
            taken |= parts if "downloaders" in metrics else set()
    for part in subtract(plain) - {frozenset()}:
        assert len({rows[place]["who"] for place in part}) >= LEAST
    for part in subtract(taken) - {frozenset()}:
        takers = {rows[place]["who"] for place in part if rows[place]["status"] == 200}
        assert not 0 < len(takers) < LEAST


@pytest.mark.parametrize("seed", some(range(40), 8))
def test_the_totals_of_the_daily_export_are_those_of_its_rows(seed: int) -> None:
    """A day of few, and what few took on another, is in no total either: the difference would tell it."""
    chance = random.Random(seed)
    rows = [row | {"time": row["time"] + timedelta(days=chance.choice([0, 0, 1, 2, 3]))} for row in make_rows(seed)]
    rows += [request(NOON + timedelta(days=9), 10**6, size=12345)]
    report = ask(Daily, rows, metrics=DAILY_METRICS, min_origins=LEAST)
    told = report.meta.get("totals")
    if told is None:
        return
    assert "2025-03-12" not in {str(day)[:10] for day in report.frame["date"]}
    for name in ("requests", "bytes", "downloads", "checks"):
        assert told[name] == report.frame[name].sum(), name
    assert report.headline.startswith(f"{told['requests']} request")
    days = {day: [row for row in rows if row["time"].date() == day] for day in {*report.frame["date"]}}
    assert told["origins"] == len({row["who"] for day in days.values() for row in day})
    whole = ask(Daily, rows, metrics=DAILY_METRICS)
    assert whole.meta["totals"]["bytes"] == sum(row["size"] for row in rows)


def test_an_answer_says_that_it_is_guarded_by_itself() -> None:
    rows = [request(NOON, who, endpoint=who) for who in range(9)]
    said = "--min-origins 4 guards this answer by itself, not what several answers tell together (docs/privacy.md)"
    assert said in ask(Breakdown, rows, dimensions=("client",), min_origins=4).footer
    assert "guards" not in ask(Breakdown, rows, dimensions=("client",)).footer
