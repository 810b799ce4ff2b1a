"""Small scenes of one kind of traffic each, for what must not be taken for something else, and for what must be seen in spite of all."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from support.labelled import moments
from support.labelled.moments import DAY, HOUR, MINUTE
from support.labelled.sequences import Image, Package, docker_run
from support.labelled.town import Town, Who
from support.labelled.world import World

SPRING = datetime(2025, 3, 3, tzinfo=UTC)
"""A Monday; clocks turn in America on the 9th, in Europe on the 30th, in Sydney on 6 April."""


def make_scene(days: int = 28, *, packages: int = 20, seed: int = 1) -> Town:
    """Begin a scene in which nothing happens yet."""
    return Town(World("scene", SPRING, days, (60, 60), packages=packages, crowd={}), random.Random(seed))


def image_of(town: Town, number: int = 0, tag: str = "latest") -> Image:
    """Give a tag of an image that is never released anew."""
    first = town.images[number % len(town.images)]
    return Image(town.chance, Package(f"{first.name}x", first.releases[:1], first.layers), tag)


def add_checks(town: Town, label: str, times: Iterable[float], who: Who | None = None, *, number: int = 0, kind: str = "") -> Who:
    """Let one docker look at those times whether its image is new; it is not, but the first time."""
    who = who or (town.address("isp", "hosting", "cloud"), town.agent("docker"))
    image = image_of(town, number)
    for order, moment in enumerate(sorted(times)):
        town.send(label, kind or label, who, moment, docker_run(image, moment, fresh=order == 0))
    return who


def uniform(town: Town, count: int) -> list[float]:
    """Give moments that are drawn evenly from the whole time."""
    return [town.chance.uniform(*town.span) for _ in range(count)]


def clustered(town: Town, count: int) -> list[float]:
    """Give moments in bursts: a few in an hour, then nothing for days."""
    times: list[float] = []
    while len(times) < count:
        begin = town.chance.uniform(town.span[0], town.span[1] - HOUR)
        times += [begin + town.chance.uniform(0, HOUR) for _ in range(town.chance.randint(2, 12))]
    return sorted(times)[:count]


def poisson(town: Town, count: int) -> list[float]:
    """Give moments of a Poisson process."""
    return moments.at_random(town.chance, town.span, (town.span[1] - town.span[0]) / count)


def heavy_tailed(town: Town, count: int) -> list[float]:
    """Give moments with pauses from seconds to days (log-normal), as people and their scripts have."""
    times: list[float] = []
    moment = town.span[0]
    while len(times) < count and moment < town.span[1]:
        moment += town.chance.lognormvariate(7.5, 2.2)
        times.append(moment)
    return [time for time in times if time < town.span[1]]


WITHOUT_RHYTHM: dict[str, Callable[[Town, int], list[float]]] = {
    "uniform": uniform,
    "clustered": clustered,
    "poisson": poisson,
    "heavy-tailed": heavy_tailed,
}


def each_morning(town: Town, spread_minutes: float) -> list[float]:
    """Give nine o'clock of each working day, more or less."""
    nine = [midnight + 9 * HOUR for midnight in moments.working_days(town.chance, town.span, "Europe/Berlin", weekend=0.0, absent=0.08)]
    return [moment + town.chance.gauss(0, spread_minutes * MINUTE) for moment in nine if town.span[0] < moment < town.span[1] - DAY / 2]
