"""Logs that look like copies: two copies with clocks of their own are suspected, two servers that answer the same questions are not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pullstats.events import EVENT_SCHEMA
from pullstats.metrics.likely_copies import Copy, find_copies
from support.command import pullstats, take_into
from support.effort import some

BEGIN = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
Line = tuple[float, str, int, int]
"""Seconds, path, status, size."""


def make_world(world: random.Random, seconds: int = 3000) -> Callable[[random.Random], list[Line]]:
    """Choose what is asked for and how often: some at random for what many ask for, in bursts or not, some at a pace; a chance gives the requests of a server."""
    paths = [f"/v2/acme/app{number}/manifests/latest" for number in range(world.choice([1, 5, 40, 400]))]
    weights = [1 / (1 + place) ** world.uniform(0.5, 1.5) for place in range(len(paths))]
    rate, pollers = world.choice([0.1, 0.5, 2.0]), world.randrange(12)

    def make(chance: random.Random) -> list[Line]:
        found: list[Line] = []
        at = 0.0
        while at < seconds:
            at += chance.expovariate(rate)
            path = chance.choices(paths, weights)[0]
            found += [(at + step * 0.2, path, chance.choice([200, 200, 200, 304, 404]), len(path)) for step in range(chance.choice([1, 1, 1, 4]))]
        for _ in range(pollers):
            period, path = chance.choice([5, 10, 15, 30, 60, 300]), chance.choice(paths)
            phase = chance.choice([0.0, chance.uniform(0, period)])  # by cron at the full minute, or whenever it began
            found += [(phase + turn * period + chance.uniform(0, 0.4), path, 200, 9) for turn in range(seconds // period)]
        return sorted(found)

    return make


def compare(logs: dict[str, list[Line]]) -> list[Copy]:
    rows = [(name, *line) for name, lines in logs.items() for line in lines]
    columns = ("source_id", "at", "url_path", "http_response_status_code", "http_response_body_size")
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        timestamp=pl.from_epoch((pl.col("at").floor() + BEGIN).cast(pl.Int64), "s").cast(EVENT_SCHEMA["timestamp"])
    )
    sources = frame.group_by("source_id").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max())
    return list(find_copies(lambda columns, _, __: frame.lazy().select(columns), sources, frame.height))


def copy(chance: random.Random, lines: list[Line]) -> list[Line]:
    """Write the same requests as another server does: later, by another clock, without what a cache answered, with health checks of its own."""
    skew, kept = chance.uniform(1, 2) * chance.choice([1, -1]), chance.choice([1.0, 1.0, 0.6])
    seen = [(at + skew + chance.uniform(0, 0.3), path, status, size) for at, path, status, size in lines if chance.random() < kept]
    end = lines[-1][0]
    return sorted(seen + [(at, "/healthz", 200, 2) for at in range(0, int(end), chance.choice([10, 30, 10**6]))])


@pytest.mark.parametrize("seed", some(range(250), 50))
def test_two_servers_that_answer_alike_are_no_copies(seed: int) -> None:
    one, two, world = random.Random(f"one {seed}"), random.Random(f"two {seed}"), random.Random(seed)
    make = make_world(world)
    first, second = make(one), make(two)
    assert compare({"a": first, "b": second}) == []
    assert compare({"a": first[::2], "b": first[1::2]}) == []


@pytest.mark.parametrize("seed", some(range(250), 50))
def test_a_copy_by_another_clock_is_suspected(seed: int) -> None:
    chance = random.Random(seed)
    lines = make_world(chance)(chance)
    (found,) = compare({"edge": lines, "inner": copy(chance, lines)})
    assert found.share > 0.9 > found.by_chance
    assert abs(found.offset) <= 3


def test_doctor_names_a_balancer_and_what_is_behind_it_and_no_two_nodes(tmp_path: Path) -> None:
    lines = make_world(random.Random(3))(random.Random(3))
    form = '{} - - [{:%d/%b/%Y:%H:%M:%S %z}] "GET {} HTTP/1.1" {} {} "-" "docker/24.0"\n'

    def write(name: str, kept: list[Line], address: str, ahead: int) -> Path:
        text = (
            form.format(address.format(place % 200), datetime.fromtimestamp(BEGIN + at + ahead, UTC), *rest) for place, (at, *rest) in enumerate(kept)
        )
        (tmp_path / name).write_text("".join(text))
        return tmp_path / name

    take_into(tmp_path / "twice", write("edge.log", lines, "192.0.2.{}", 0), write("inner.log", lines, "10.0.0.7", 2))
    said = pullstats("doctor", "--store", tmp_path / "twice").words
    names = "edge.log' looks like a copy of what '[^']*inner.log'|inner.log' looks like a copy of what '[^']*edge.log'"
    assert re.search(
        rf"({names}) holds: of [0-9,]+ of its requests [0-9.]+ % are there within a second of [+-]2 s, by path, status, size \(by chance", said
    )
    nodes = [write(f"node{number}.log", lines[number::2], "192.0.2.{}", 0) for number in range(2)]
    take_into(tmp_path / "nodes", *nodes)
    assert "looks like a copy" not in pullstats("doctor", "--store", tmp_path / "nodes").words
