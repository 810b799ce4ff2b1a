"""Made-up people who come week by week with one client each, which is of a kind whose share among those who come is known."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from support.crowd import NOON, Row, request

WEEK = timedelta(days=7)
MONDAY = NOON - timedelta(hours=12)
Share = Callable[[float], float]


def make_platforms(seed: int, share: Share, *, weeks: int = 12, arrivals: int = 25, stay: float = 0.7, of_network: float = 0.0) -> list[Row]:
    """Let people come, each with a client for good, and stay week after week with a chance.

    Args:
        seed: of chance.
        share: from a place in time, 0 to 1, to the share of `uv` among those who come then; others come with `pip`, one in ten with `poetry`.
        weeks: how long it goes on.
        arrivals: people a week.
        stay: the chance to come in the week after, too.
        of_network: the chance that somebody has the client of the network.
    """
    chance = random.Random(seed)
    rows, usual = [], {network: _draw(chance, share(0.5)) for network in range(60)}
    for number in range((weeks + 6) * arrivals):
        week, network = number // arrivals - 6, chance.randrange(60)
        client = usual[network] if chance.random() < of_network else _draw(chance, share(max(week, 0) / weeks))
        while week < weeks:
            if week >= 0:
                at = MONDAY + (week + chance.uniform(0, 1)) * WEEK
                rows.append(request(at, number, network=network, org=f"org {network % 12}", client=client, path=f"/{number}"))
            week += 1
            if chance.random() >= stay:
                break
    return sorted(rows, key=lambda row: row["time"])


def _draw(chance: random.Random, share: float) -> str:
    return "uv" if chance.random() < share else chance.choice(["pip"] * 9 + ["poetry"])
