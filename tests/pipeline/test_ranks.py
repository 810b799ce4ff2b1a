"""Which log goes first in one instant: never a matter of how logs were cut or in which order they were read."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pullstats.metrics.source_order import rank_sources

START = datetime(2025, 3, 29, 22, 0, tzinfo=UTC)


def rank(pieces: dict[str, int | None], seed: int) -> list[str]:
    """Rank logs given by name and second of the first event; source ids say nothing of the order."""
    names, chance = list(pieces), random.Random(seed)
    chance.shuffle(names)
    rows = {
        "source_id": [f"{chance.getrandbits(64):016x}" for _ in names],
        "name": names,
        "first": [None if pieces[name] is None else START + timedelta(seconds=pieces[name] or 0) for name in names],
    }
    frame = pl.DataFrame(rows, schema={"source_id": pl.String, "name": pl.String, "first": pl.Datetime("us", "UTC")})
    return frame.join(rank_sources(frame), on="source_id").sort("source_rank")["name"].to_list()


ORDERS: dict[str, dict[str, int | None]] = {
    "two logs, each in pieces that overlap in time": {"b/access.log.1": 0, "b/access.log": 20, "a/access.log.1": 5, "a/access.log": 10},
    "two logs that begin in one instant": {"a/access.log.1": 0, "a/access.log": 7, "b/access.log.1": 0, "b/access.log": 3},
    "numbers descend to the bare name": {"access.log.10": 0, "access.log.2.gz": 0, "access.log.1": 0, "access.log": 0},
    "dates ascend to the bare name": {"access.log-20250329.gz": 0, "access.log-20250330": 0, "access.log.2025-03-31.zst": 0, "access.log": 0},
    "one day in several pieces": {"access.log-20250329.2.gz": 0, "access.log-20250329.1.gz": 0, "access.log-20250330.1": 0, "access.log": 0},
    "the first event before the name": {"access.log": 0, "access.log.1": 1},
    "a log without an event": {"z/access.log": 0, "a/access.log": None},
}


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("seed", range(3))
def test_logs_go_by_whole_log_then_by_rotation(name: str, seed: int) -> None:
    assert rank(ORDERS[name], seed) == list(ORDERS[name])
