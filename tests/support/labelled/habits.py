"""Other habits than those of the worlds: odd periods, delays of every shape, many missed polls, caches, monorepos, scripts, random orders, holidays.

What clients send is the same (see `sequences`); when and how often they do is drawn from other families than `moments` has, so that
what is read right in one is not read right by the accident of its draws.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from support.labelled import moments
from support.labelled.build import ADD
from support.labelled.machines import make_agent
from support.labelled.moments import DAY, HOUR, MINUTE
from support.labelled.sequences import Image, Package, Step, docker_run, pip_index, pip_run, podman_run, wheel
from support.labelled.town import Town, Who
from support.labelled.world import CROWD, World

HABITS: Final = World(
    "other habits", datetime(2025, 10, 20, tzinfo=UTC), 24, (420, 86400), images=0.6, one_agent=True, one_network="cloud", packages=40
)
"""Clocks turn in Europe on the 26th, in America on 2 November."""
PERIODS: Final = (7 * MINUTE, 13 * MINUTE, 47 * MINUTE, 3 * HOUR, DAY / 2, DAY)
HOLIDAY: Final = (datetime(2025, 10, 30, tzinfo=UTC).timestamp(), datetime(2025, 11, 3, tzinfo=UTC).timestamp())
_SHAPES: Final = ("exponential", "uniform", "gaussian")


def _delay(town: Town, shape: str, size: float) -> float:
    if shape == "exponential":
        return min(town.chance.expovariate(1 / size), 6 * size)
    return town.chance.uniform(0, 2 * size) if shape == "uniform" else abs(town.chance.gauss(0, size))


def add_poller(town: Town) -> None:
    """Add a machine that polls on a grid, each time after a delay of one of three shapes; hosts restart, polls are missed, several tags are asked for."""
    chance, period, shape = town.chance, town.chance.choice(PERIODS), town.chance.choice(_SHAPES)
    missed, size = chance.choice((0.0, 0.1, 0.3, 0.5)), period * chance.choice((0.001, 0.01, 0.04))
    who: Who = (town.address("cloud"), town.agent("docker" if chance.random() < 0.6 else "pip"))
    images = "docker" in who[1]
    package = town.pick(town.images if images else town.projects)[0]
    tags = ["latest", *(["stable"] if chance.random() < 0.25 else [])]
    held = {tag: package.version_at(town.span[0]) for tag in tags}
    moment = max(town.span[0], town.span[1] - 400 * period) + chance.uniform(0, period)
    while moment < town.span[1]:
        if chance.random() >= missed:
            at, newest = moment + _delay(town, shape, min(size, 10 * MINUTE)), package.version_at(moment)
            for order, tag in enumerate(tags):
                run = (
                    docker_run(Image(chance, package, tag), at, fresh=held[tag] != newest, new_layers=2)
                    if images
                    else _look(package, held[tag], newest)
                )
                town.send("production", f"{round(period / MINUTE)} min, {shape}, {missed:.0%} missed", who, at + order * 1.5, run)
                held[tag] = newest
        moment += chance.uniform(0, 2 * period) if chance.random() < 0.3 * period / DAY else period  # a restart now and then


def _look(package: Package, held: str, newest: str) -> list[Step]:
    fetch = [Step(0.8, "GET", wheel(package, newest), 200, 800_000, package.name)] if held != newest else []
    return [pip_index(package, cached=not fetch), *fetch]


def add_builder(town: Town) -> None:
    """Add CI: at pushes by day, at night and weekends too, a monorepo of thirty packages, or a runner with a cache that takes what is new to it."""
    chance = town.chance
    kind = chance.choice(("pushes", "nights and weekends", "monorepo", "cache"))
    zone = chance.choice(town.world.zones)
    if kind == "nights and weekends":
        times = sorted(one + chance.uniform(0, 3) * HOUR for one in moments.at_random(chance, town.span, 7 * HOUR))
    else:
        times = moments.at_work(chance, town.span, zone, chance.uniform(4, 12), begin=7, end=23, weekend=0.2)
    images = kind == "pushes" and chance.random() < 0.6
    agent, home = town.agent("docker" if images else "pip"), town.address("cloud")
    wanted = town.pick(town.images if images else town.projects, {"monorepo": 30, "cache": 12}.get(kind, 4))
    held: set[tuple[str, str]] = set()
    for moment in [one for one in times if not HOLIDAY[0] <= one < HOLIDAY[1]][-60:]:
        address = home if kind in {"cache", "monorepo"} else town.address("cloud")
        found = [(package, package.version_at(moment)) for package in wanted]
        if images:
            at = moment
            for package, _ in found:
                run = docker_run(Image(chance, package, "latest"), at, fresh=True)
                town.send("ci", kind, (address, agent), at, run)
                at += run[-1].after + 1
            continue
        cached = [kind == "cache" and (package.name, version) in held for package, version in found]
        held.update((package.name, version) for package, version in found)
        town.send("ci", kind, (address, agent), moment, pip_run(chance, [(*one, kept) for one, kept in zip(found, cached, strict=True)]))


def add_developer(town: Town) -> None:
    """Add somebody at work; some have a script that asks several times in a row while they try things out. Nobody comes on holidays."""
    chance, scripts = town.chance, town.chance.random() < 0.3
    zone = chance.choice(town.world.zones)
    images = chance.random() < town.world.images
    who: Who = (town.address("cloud"), town.agent("docker" if images else "pip"))
    packages = town.pick(town.images if images else town.projects, chance.randint(1, 4))
    held: set[tuple[str, str]] = set()
    for moment in moments.at_work(chance, town.span, zone, chance.uniform(1.5, 5), begin=8, end=19, absent=0.25):
        if HOLIDAY[0] <= moment < HOLIDAY[1]:
            continue
        package = chance.choice(packages)
        known = [version for at, version in package.releases if at <= moment][-5:]
        for repeat in range(chance.randint(2, 5) if scripts and chance.random() < 0.4 else 1):
            version = chance.choice(known)
            fresh = (package.name, version) not in held
            held.add((package.name, version))
            at = moment + repeat * chance.uniform(35, 200)
            run = docker_run(Image(chance, package, version), at, fresh=fresh) if images else pip_run(chance, [(package, version, not fresh)])
            town.send("development", "with scripts" if scripts else "by hand", who, at, run)


def add_mirror(town: Town) -> None:
    """Add a mirror that goes through all packages in another order each time, at no strict hour."""
    chance = town.chance
    who: Who = (town.address("hosting"), make_agent(chance, "requests"))
    held: set[tuple[str, str]] = set()
    for moment in moments.timer(chance, town.span, DAY, delay=4 * HOUR)[-12:]:
        at = moment
        for package in chance.sample(town.projects, len(town.projects)):
            version = package.version_at(at)
            taken = [(package, version, (package.name, version) in held)]
            held.add((package.name, version))
            town.send("mirror", "random order", who, at, pip_run(chance, taken))
            at += chance.uniform(0.5, 6)


def add_scanner(town: Town) -> None:
    """Add a scanner that takes days for one round."""
    chance = town.chance
    who: Who = (town.address("cloud"), make_agent(chance, "scanner"))
    for moment in moments.at_random(chance, town.span, 5 * HOUR):
        package = chance.choice(town.images)
        town.send("scanner", "slow", who, moment, podman_run(Image(chance, package, "latest"), moment, fresh=True))


_OTHERS: Final[dict[str, Callable[[Town], None]]] = {
    "production": add_poller,
    "ci": add_builder,
    "development": add_developer,
    "mirror": add_mirror,
    "scanner": add_scanner,
}


def build_habits(seed: int, share: float = 0.5) -> Town:
    """Let a world of other habits happen."""
    town = Town(HABITS, random.Random(f"habits {seed}"))
    for kind, count in CROWD.items():
        for _ in range(max(3, round(count * share))):
            {**ADD, **_OTHERS}[kind](town)
    town.sent = [sent for sent in town.sent if town.span[0] <= sent.time < town.span[1]]
    town.sent.sort(key=lambda sent: sent.time)
    return town
