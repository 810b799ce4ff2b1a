"""What is sent and by whom: requests with the reason behind them, and how many machines poll which package."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from support.labelled.machines import Addresses, make_agent
from support.labelled.moments import DAY, Span
from support.labelled.sequences import Package, Step, auth, make_packages
from support.labelled.world import World

Who = tuple[str, str]
"""Address and agent."""


class Sent(NamedTuple):
    """A request, and why it was sent."""

    time: float
    address: str
    agent: str
    step: Step
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Machine:
    """It polls one version (None: whatever is newest) of a package until the end."""

    package: str
    version: str | None
    kind: str


def seen_at_gateway(steps: Iterable[Step]) -> list[Step]:
    """Keep what names a version, manifests by the tag that they were asked for by; a ping alone is all there is of a health check."""
    run = [step for step in steps if "/blobs/" not in step.path and not step.path.endswith(".metadata")]
    run = [step for step in run if step.path != "/v2/"] or run
    tags = [step.path for step in run if "/manifests/" in step.path and "sha256:" not in step.path]
    taken = [step for step in run if "/manifests/" in step.path and step.method == "GET"]
    return [step._replace(path=tags[-1]) if step in taken else step for step in run if step not in taken[1:]]


@dataclass
class Town:
    """Everything that happens in a world.

    Attributes:
        world: its parameters.
        chance: where all draws come from.
        sent: the requests, in any order.
        machines: the truth about polling machines.
    """

    world: World
    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Publish packages, and hand out nothing yet."""
        self.addresses = Addresses(self.chance)
        self.span: Span = (self.world.start, self.world.start + self.world.days * DAY)
        many, start, days = self.world.packages, self.world.start, self.world.days
        self.images = make_packages(self.chance, many, start, days, "acme/svc")
        self.projects = make_packages(self.chance, many, start, days, "lib-")
        self.bundles = make_packages(self.chance, max(many, 12), start, days, "ui-")
        self._agent_of_all = {family: make_agent(self.chance, family) for family in ("docker", "pip")}

    def pick(self, packages: list[Package], count: int = 1) -> list[Package]:
        """Choose packages as people do: few are asked for by most (Zipf)."""
        weights = [1 / (rank + 1) ** self.world.concentration for rank in range(len(packages))]
        chosen: list[Package] = []
        while len(chosen) < min(count, len(packages)):
            found = self.chance.choices(packages, weights)[0]
            chosen += [] if found in chosen else [found]
        return chosen

    def agent(self, family: str) -> str:
        """Write an agent, or the one that all have where only the pattern shall tell."""
        if self.world.one_agent:
            return self._agent_of_all["pip" if family in ("pip", "pip-ci", "uv") else "docker"]
        return make_agent(self.chance, family)

    def address(self, *places: str) -> str:
        """Give an address of one of the places, or of the one network that all are in where only the pattern shall tell."""
        return self.addresses.draw(self.world.one_network or self.chance.choice(places))

    def send(self, label: str, kind: str, who: Who, moment: float, steps: Iterable[Step]) -> None:
        """Write a run of requests."""
        chosen = seen_at_gateway(steps) if self.world.plain else list(steps)
        named = [step.package for step in chosen if step.package and step.path.startswith("/v2/")]
        if named and self.world.tokens:
            chosen = auth(chosen, named[0])
        self.sent += [Sent(moment + step.after, who[0], who[1], step, label, kind) for step in chosen]

    def remember(self, packages: Iterable[str], version: str | None, kind: str) -> None:
        """Note that a machine polls packages until the end; an index that names none is nobody's."""
        self.machines += [Machine(package, version, kind) for package in packages if package]

    def lose_hours(self) -> None:
        """Lose some hours of the log, for all; not of its last days, when the quickest are there."""
        for _ in range(self.world.log_gaps):
            begin = self.chance.uniform(self.span[0], self.span[1] - 3 * DAY)
            end = begin + self.chance.uniform(1, 12) * 3600
            self.sent = [sent for sent in self.sent if not begin <= sent.time < end]

    def labels(self) -> dict[Who, Counter[str]]:
        """Count the requests of every address and agent by the reason behind them."""
        found: dict[Who, Counter[str]] = {}
        for sent in self.sent:
            found.setdefault((sent.address, sent.agent), Counter())[sent.label] += 1
        return found

    def kinds(self) -> dict[Who, str]:
        """Tell of every address and agent which kind of its label sent the most."""
        found: dict[Who, Counter[str]] = {}
        for sent in self.sent:
            found.setdefault((sent.address, sent.agent), Counter())[sent.kind] += 1
        return {who: kinds.most_common(1)[0][0] for who, kinds in found.items()}
