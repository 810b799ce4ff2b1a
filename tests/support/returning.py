"""Made-up people who come, come again, and leave or only move to another address, with known chances."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from support.crowd import NOON, Row, request

WEEK = timedelta(days=7)


def make_visitors(seed: int, people: int = 150, days: int = 90) -> list[Row]:
    """Let people come for a while, some with long absences; some are refused, some name no package, some are nobody known."""
    chance = random.Random(seed)
    rows = []
    for who in range(people):
        at = chance.uniform(-20, days)
        end = at + chance.expovariate(1 / 30)
        while at < min(end, days):
            if at >= 0:
                named = {"package": chance.choice(["f", "f", "g", None]), "status": chance.choice([200, 200, 304, 302, 404, 503, None])}
                user = chance.choice([None, who // 3])
                rows.append(
                    request(
                        NOON + timedelta(seconds=round(at * 86_400)),
                        who * 7 if who % 11 else None,
                        user=user,
                        org=f"org {who % (people // 5)}",
                        **named,
                    )
                )
            at += chance.choice([chance.expovariate(1 / 4), chance.expovariate(1 / 4), chance.uniform(5, 60)])
    return sorted(rows, key=lambda row: row["time"])


def make_stayers(seed: int, *, leaving: float, seen: float, people: int = 300, weeks: int = 24) -> list[Row]:
    """Let people come in a week, and stay each following week with a chance, seen in it or not."""
    chance = random.Random(seed)
    rows = [request(NOON + timedelta(days=number), 10**6) for number in range(7 * weeks)]
    for who in range(people):
        week, is_first = chance.randrange(weeks), True
        while week < weeks:
            if is_first or chance.random() < seen:
                rows.append(request(NOON - timedelta(hours=12) + (week + chance.random()) * WEEK, who))
            week, is_first = week + 1, False
            if chance.random() < leaving:
                break
    return [row for row in rows if row["time"] >= NOON]


def make_movers(seed: int, *, moving: float, growth: float = 0.0, networks: int = 80, weeks: int = 30) -> list[Row]:
    """Let people of small networks come twice a week until they leave or, with a chance, go on under another address.

    Args:
        seed: of chance.
        moving: the chance that whoever is lost only moved.
        growth: how many more come each week, as a share of those of the first.
        networks: how many there are.
        weeks: how long it goes on.
    """
    chance = random.Random(seed)
    rows: list[Row] = []
    numbers = iter(range(10**9))
    for network in range(networks):
        for week in range(-8, weeks):
            at = chance.expovariate(0.35 * (1 + growth * (week + 8)))
            while at < 1:
                _live(rows, chance, network, week + at, weeks, moving, numbers)
                at += chance.expovariate(0.35 * (1 + growth * (week + 8)))
    return sorted(rows, key=lambda row: row["time"])


def _live(rows: list[Row], chance: random.Random, network: int, at: float, weeks: int, moving: float, numbers: Iterator[int]) -> None:
    client = chance.choice(["pip", "uv", "poetry"])
    while at < weeks:
        who = next(numbers)
        end = at + chance.expovariate(1 / 5)
        while at < min(end, weeks):
            if at >= 0:
                rows.append(request(NOON + at * WEEK, who, endpoint=who, network=network, client=client))
            at += chance.uniform(0.1, 0.6)
        if chance.random() >= moving:
            return
