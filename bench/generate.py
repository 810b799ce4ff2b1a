"""Write a made-up access log of a package registry: the same bytes for the same seed, on every machine.

    python bench/generate.py --lines 3000000 --seed 1 -o access.log

About 2,000 different User-Agent strings, up to 60,000 public addresses (15 % IPv6), 45 days (`--days`) that end at a fixed date, nearly in time
order as nginx writes them (a line is written when its request ends). The address space is drawn at random: no address is anybody's.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from clients import make_agents, quoted
from machines import make_addresses, make_machines, zipf
from visits import Request, make_visits

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = 45
END = datetime(2025, 7, 1, tzinfo=UTC)
HOUR = 3600
DAY = 24 * HOUR
FLUSH_LINES = 100_000
LATE = 5  # seconds that a request may end after the ones that began later


def hourly_lines(lines: int, days: int) -> Iterator[int]:
    """Split the lines over the hours: more by day than by night, fewer at weekends."""
    weights = []
    for hour in range(days * 24):
        moment = END - timedelta(days=days) + timedelta(hours=hour)
        day = 1 + 0.5 * math.sin((moment.hour - 8) * math.pi / 12)
        weights.append(day * (0.7 if moment.weekday() > 4 else 1.0))
    total, done, summed = sum(weights), 0, 0.0
    for weight in weights:
        summed += weight
        due = round(lines * summed / total)
        yield due - done
        done = due


def combined_request(request: Request) -> str:
    """Write the middle of an nginx `combined` line: request, status, bytes, referrer, opening quote of the agent."""
    return f'"{request.method} {request.path} {request.protocol}" {request.status} {request.size} "{request.referrer}" "'


def json_request(request: Request) -> str:
    """Write the middle of a JSON line (nginx `escape=json`)."""
    return (
        f'"request_method":"{request.method}","request_uri":"{request.path}","server_protocol":"{request.protocol}",'
        f'"status":{request.status},"body_bytes_sent":{request.size},"http_referer":"{request.referrer.removeprefix("-")}",'
    )


class Shape:
    """How one line is put together: head, day, time of day, zone, request, tail."""

    def __init__(self, name: str, days: int) -> None:
        """Choose `combined` or `json`, and how many days the log spans."""
        self.json = name == "json"
        self.request = json_request if self.json else combined_request
        self.days = [(END - timedelta(days=days - day)).strftime("%Y-%m-%dT" if self.json else "%d/%b/%Y:") for day in range(days + 1)]
        self.zone = '+00:00",' if self.json else " +0000] "

    def head(self, address: str) -> str:
        """Write what stands before the date."""
        return f'{{"remote_addr":"{address}","remote_user":"","time_iso8601":"' if self.json else f"{address} - - ["

    def tail(self, agent: str) -> str:
        """Write the agent and what closes the line."""
        if self.json:
            return f'"http_user_agent":{json.dumps("" if agent == "-" else agent)}}}\n'
        return f'{quoted(agent)}"\n'


class Pools(NamedTuple):
    """What the lines are drawn from, all of it already written out as text."""

    machines: list[tuple[str, str, str]]  # head of the line, tail of the line, client family
    weights: list[float]
    visits: dict[str, tuple[list[list[str]], list[float]]]
    days: list[str]
    clock: list[str]


def make_pools(rng: random.Random, shape: Shape) -> Pools:
    """Draw machines and visits, and write their parts of the lines."""
    agents = make_agents(rng)
    machines, weights = make_machines(rng, agents, make_addresses(rng))
    visits = {family: [[shape.request(request) for request in visit] for visit in pool] for family, pool in make_visits(rng).items()}
    tails = {agent: shape.tail(agent) for pool in agents.values() for agent in pool}
    return Pools(
        [(shape.head(address), tails[agent], family) for address, agent, family in machines],
        weights,
        {family: (pool, zipf(len(pool), 0.5)) for family, pool in visits.items()},
        shape.days,
        [f"{second // HOUR:02d}:{second // 60 % 60:02d}:{second % 60:02d}{shape.zone}" for second in range(DAY)],
    )


def write_log(out: IO[bytes], lines: int, seed: int, log_format: str, days: int = DAYS) -> None:
    """Write `lines` lines to `out`."""
    rng = random.Random(seed)
    pools = make_pools(rng, Shape(log_format, days))
    ready: list[str] = []
    due = written = 0
    for hour, wanted in enumerate(hourly_lines(lines, days)):
        due += wanted  # visits stay whole: what an hour has too many, the next ones have too few
        drawn: list[tuple[int, str]] = []
        while written + len(drawn) < due:
            drawn += draw_visits(rng, hour * HOUR, due - written - len(drawn), pools)
        drawn.sort(key=lambda line: line[0])
        del drawn[lines - written :]
        written += len(drawn)
        ready += [text for _, text in drawn]
        if len(ready) >= FLUSH_LINES:
            out.write("".join(ready).encode())
            ready.clear()
    out.write("".join(ready).encode())


def draw_visits(rng: random.Random, begin: int, wanted: int, pools: Pools) -> list[tuple[int, str]]:
    """Draw whole visits within the hour from `begin`, about `wanted` lines: (place in the file, line), unsorted."""
    count = wanted // 4 + 1
    visitors = rng.choices(pools.machines, cum_weights=pools.weights, k=count)
    chosen = {family: iter(rng.choices(pool, cum_weights=weights, k=count)) for family, (pool, weights) in pools.visits.items()}
    lines = []
    for head, tail, family in visitors:
        moment = begin + int(rng.random() * HOUR)
        for request in next(chosen[family]):
            stamp = min(moment, (len(pools.days) - 1) * DAY - 1)
            place = stamp if stamp & 3 else stamp + int(rng.random() * LATE)
            lines.append((place, f"{head}{pools.days[stamp // DAY]}{pools.clock[stamp % DAY]}{request}{tail}"))
            moment += stamp & 1
    return lines


def main() -> None:
    """Parse the arguments and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--format", choices=("combined", "json"), default="combined")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    begun = time.perf_counter()
    with options.output.open("wb") as out:
        write_log(out, options.lines, options.seed, options.format, options.days)
    size = options.output.stat().st_size
    amount = f"{options.lines:,} lines, {size:,} bytes ({size / max(options.lines, 1):.0f} a line)"
    print(f"{options.output}: {amount}, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
