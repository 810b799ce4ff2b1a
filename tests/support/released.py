"""Made-up life of a package: releases with known moments, people who move to them after a known time or never, and machines that take each at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pullstats.metrics.time.releases import Release
from support.command import take_into
from support.crowd import NOON, Row, manifest, request

DAY = timedelta(days=1)
PACKAGE = "acme/app"
VERSIONS = ("1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0")
"""As they came out, which is no order of texts."""


@dataclass
class World:
    """What happened.

    Attributes:
        rows: the requests.
        moments: when each version came out.
        moves: by origin and version when it first asked for it.
    """

    rows: list[Row]
    moments: dict[str, datetime]
    moves: dict[tuple[int, str], datetime] = field(default_factory=dict)

    @property
    def releases(self) -> tuple[Release, ...]:
        """The list of releases."""
        return tuple(Release(version, moment) for version, moment in self.moments.items())


def make_life(seed: int, people: int = 40, days: int = 70, *, images: bool = True, asks_a_day: float = 0.6) -> World:
    """Let people ask for a package: every so often each takes the version it is at, and moves to the next some days after it came out.

    Some never move, some leave, some only look; some ask by tags that float, some by digest, some for what never was.
    """
    chance = random.Random(seed)
    steps = [chance.uniform(8, 14) * number + chance.uniform(0, 3) for number in range(1, len(VERSIONS))]
    moments = dict(zip(VERSIONS, [NOON - 400 * DAY, *(NOON + timedelta(seconds=round(step * 86_400)) for step in steps)], strict=True))
    world = World([], moments)
    for who in range(people):
        _live(world, chance, who * 10, days, images=images, asks_a_day=asks_a_day)
    world.rows += [_ask(chance, NOON + chance.random() * days * DAY, 7777, "9.9.9", 404, images=images) for _ in range(5)]
    world.rows.sort(key=lambda row: row["time"])
    return world


def add_machines(world: World, seed: int) -> None:
    """Let scanners take each release within hours after it came out, each from an address of its own."""
    chance = random.Random(seed)
    for number, version in enumerate(VERSIONS[1:]):
        for scanner in range(5):
            time = world.moments[version] + timedelta(seconds=chance.randrange(60, 20 * 3600))
            world.rows.append(manifest(time, 2000 + 10 * number + scanner, "GET", version, client="trivy"))
    world.rows.sort(key=lambda row: row["time"])


AGENTS = {"docker": "containerd/1.7.2", "trivy": "trivy/0.50.1"}


def write_line(row: Row) -> str:
    """Write a request as a web server logs it; addresses are made up of whose it is."""
    who, agent = row["who"], AGENTS[row["client"]]
    return f'198.18.{who // 250}.{who % 250} - - [{row["time"]:%d/%b/%Y:%H:%M:%S +0000}] "{row["method"]} {row["path"]} HTTP/1.1" {row["status"]} 10 "-" "{agent}"\n'


def take_in(world: World, folder: Path) -> None:
    """Write `access.log` and `releases.csv` of a life, and take the log into `store`."""
    (folder / "access.log").write_text("".join(map(write_line, world.rows)))
    dates = "".join(f"v{version},{moment.isoformat()}\n" for version, moment in world.moments.items())
    (folder / "releases.csv").write_text(f"\ufeffversion,date\n{dates}")
    take_into(folder / "store", folder / "access.log", key_file=folder / "key")


def _live(world: World, chance: random.Random, who: int, days: int, *, images: bool, asks_a_day: float) -> None:
    begin, end = chance.uniform(0, 12), chance.choice([days, days, days, chance.uniform(10, days)])
    lags = {version: chance.choice([chance.expovariate(1 / 5), chance.expovariate(1 / 5), 1000.0]) for version in VERSIONS[1:]}
    if chance.random() < 0.7:
        lags["2.0.0-rc.1"] = 1000.0
    at = begin
    while at < end:
        time = NOON + timedelta(seconds=round(at * 86_400))
        known = [version for version in VERSIONS if version == "1.0.0" or world.moments[version] + lags[version] * DAY <= time]
        version = known[-1]
        world.moves.setdefault((who, version), time)
        world.rows += [_ask(chance, time, who, version, images=images)]
        at += chance.expovariate(asks_a_day) + 0.01


def _ask(chance: random.Random, time: datetime, who: int, version: str, status: int = 200, *, images: bool) -> Row:
    if not images:
        return request(time, who, reference=version, path=f"/f-{version}.whl", status=status, size=10 if status == 200 else 0)
    if status == 200 and chance.random() < 0.2:
        return manifest(time, who, "HEAD", version)
    return manifest(time, who, "GET", version, status)


def answered(rows: Sequence[Row]) -> list[Row]:
    """Keep what was not answered 4xx or 5xx."""
    return [row for row in rows if row["status"] is None or row["status"] < 400]


def as_read(rows: Sequence[Row]) -> list[Row]:
    """Give rows the names that `oracle` knows them by."""
    return [row | {"origin": row["who"], "offset": place, "duration": None} for place, row in enumerate(rows)]
