"""Measure what distinct values cost: agents, paths and addresses, on one thread of Python.

    make bench-enrich

Values are made from the labelled samples by drawing their digits anew; addresses evenly from the routed space.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.enrich import HashKey, open_geo
from pullstats.enrich.agents import classify_agents
from pullstats.enrich.enricher import Enricher
from pullstats.enrich.escapes import unescape
from pullstats.enrich.packages import classify_paths

BENCH: Final = Path(__file__).parent
DATA: Final = BENCH.parent / "tests" / "data"
_DIGITS: Final = re.compile(r"[0-9]+")
GOALS: Final = {"agents": (200_000, 4.0), "paths": (1_000_000, 6.0), "addresses": (1_000_000, 5.0)}


def main() -> None:
    """Measure, print and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=BENCH / "ENRICHMENT.md")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    gc.set_threshold(100_000)  # as the command line does
    chance = random.Random(asked.seed)
    enricher = Enricher(HashKey(b"k" * 32), open_geo())
    texts = [unescape(row["ua"]) for row in _load("agents/registry_uas_dev.jsonl")]
    paths = [row["path"] for row in _load("packages/paths_dev.jsonl")]
    rows = [
        _measure("agents", _vary(texts, GOALS["agents"][0], chance), classify_agents),
        _measure("paths", _vary(paths, GOALS["paths"][0], chance), classify_paths),
        _measure("addresses", _addresses(GOALS["addresses"][0], chance), enricher.clients.look_at_addresses),
    ]
    head = ["| distinct | values | wall s | CPU s | a second | goal s | reached |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    title = f"# Enrichment\n\nMade by `make bench-enrich` on {platform.machine()}, Python {platform.python_version()}, polars {pl.__version__}; one run.\n\n"
    text = title + "\n".join([*head, *rows]) + "\n"
    asked.results.write_text(text, encoding="utf-8")
    print(text)


def _load(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def _vary(samples: list[str], count: int, chance: random.Random) -> pl.Series:
    """Draw the digits of samples anew until there are enough distinct values."""
    found: set[str] = set()
    while len(found) < count:
        found.add(_DIGITS.sub(lambda match: str(chance.randint(0, 9999)) if len(match[0]) < 4 else match[0], chance.choice(samples)))
    return pl.Series(sorted(found))


def _addresses(count: int, chance: random.Random) -> pl.Series:
    return pl.Series(
        [f"{chance.randint(1, 223)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}" for _ in range(count)]
    ).unique()


def _measure(name: str, values: pl.Series, work: Callable[[pl.Series], pl.DataFrame]) -> str:
    wall, cpu = time.perf_counter(), time.process_time()
    work(values)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    goal = GOALS[name][1]
    return f"| {name} | {values.len():,} | {wall:.2f} | {cpu:.2f} | {values.len() / wall:,.0f} | {goal:.0f} | {'yes' if wall < goal else 'NO'} |"


if __name__ == "__main__":
    main()
