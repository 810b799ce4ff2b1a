"""Production: deployments that ask at their scheduler's times whether something is new, and take it then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from support.labelled import moments
from support.labelled.moments import DAY, HOUR, MINUTE, Span
from support.labelled.sequences import Image, Package, Step, docker_run, pip_index, pip_run, podman_run, wheel
from support.labelled.town import Town

Run = Callable[[float], list[Step]]
"""What one machine sends when it polls at a moment."""


@dataclass(frozen=True)
class Client:
    """A program that polls: its family of agents, how to make one run of it, and what it asks for."""

    family: str
    run: Run
    package: Package
    version: str | None
    weight: float
    """Requests of a usual run."""
    asked: Package
    """The package before the program gave it a name of its own."""
    also: tuple[str, ...] = ()
    """What else it asks for in every run."""


CRON: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 360, 720)
"""Minutes that people write into crontabs."""


def add_poller(town: Town) -> None:
    """Add one address that polls: one machine or several, one period or two, staying or moving."""
    draw, world = town.chance.random(), town.world
    if draw < world.shared:
        add_behind_nat(town, town.chance.randint(2, 6))
    elif draw < world.shared + world.doubled:
        add_with_two_periods(town)
    elif draw < world.shared + world.doubled + world.moving:
        add_that_moves(town)
    elif draw < world.shared + world.doubled + world.moving * 1.3:
        add_on_nodes(town)
    else:
        who, client, period = begin(town)
        poll(town, "single", who, client, period)


def begin(town: Town) -> tuple[tuple[str, str], Client, float]:
    """Choose where, with what and how often something polls."""
    client = make_client(town)
    who = (town.address("cloud", "hosting", "hosting", "office"), town.agent(client.family))
    return who, client, moments.log_uniform(town.chance, *town.world.periods)


def poll(town: Town, kind: str, who: tuple[str, str], client: Client, period: float) -> None:
    """Let one machine poll, and remember that it does."""
    for moment in schedule(town, period, life(town, period, client)):
        town.send("production", kind, who, moment, client.run(moment))
    town.remember((client.package.name, *client.also), client.version, kind)


def life(town: Town, period: float, client: Client) -> Span:
    """Let who asks often begin late, so that no log gets too long."""
    return max(town.span[0], town.span[1] - period * town.world.most / client.weight), town.span[1]


def schedule(town: Town, period: float, span: Span) -> list[float]:
    """Draw how the times are chosen: a loop that sleeps, a timer, cron at round minutes or at local hours."""
    chance, world = town.chance, town.world
    draw = chance.random()
    if period >= 5 * HOUR and draw < 0.6:
        hours = chance.sample(range(24), max(1, round(DAY / period)))
        times = moments.cron_daily(chance, span, chance.choice(world.zones), hours, lag=chance.choice((1, 3, 10)))
    elif draw < 0.4:
        lag, spread = moments.log_uniform(chance, 0.3, 8), chance.uniform(*world.sleep) if chance.random() < 0.5 else 0.0
        times = moments.sleep_loop(chance, span, period, lag=lag, spread=spread, restarts=chance.uniform(*world.restarts))
    elif draw < 0.65 or period < MINUTE:
        times = moments.timer(chance, span, period, delay=period * chance.uniform(*world.delay), fixed=chance.random() < 0.3)
    else:
        minutes = min(CRON, key=lambda minutes: abs(minutes * MINUTE - period))
        times = moments.cron_every(chance, span, minutes, lag=moments.log_uniform(chance, 0.5, 12))
    return moments.miss(chance, times, chance.uniform(*world.missed))


def add_behind_nat(town: Town, count: int) -> None:
    """Put several machines with one period behind one address; each began when it liked, or cron starts all at once."""
    who, client, period = begin(town)
    period, style = max(period, 2 * MINUTE), town.chance.choice(("loop", "timer", "kept", "cron"))
    span = life(town, period * count, client)
    minutes = min(CRON, key=lambda minutes: abs(minutes * MINUTE - period))
    rounds = moments.cron_every(town.chance, span, minutes, lag=0)
    for _ in range(count):
        machine = make_client(town, like=client)
        times = [moment + town.chance.uniform(0, 8) for moment in rounds] if style == "cron" else _one_of_many(town, style, period, span)
        for moment in moments.miss(town.chance, times, town.chance.uniform(*town.world.missed) / 2):
            town.send("production", f"behind NAT, {style}", who, moment, machine.run(moment))
        town.remember((machine.package.name, *machine.also), machine.version, f"behind NAT, {style}")


def _one_of_many(town: Town, style: str, period: float, span: Span) -> list[float]:
    if style == "loop":
        return moments.sleep_loop(town.chance, span, period, lag=1.0)
    return moments.timer(town.chance, span, period, delay=period * min(0.02, town.world.delay[1]), fixed=style == "kept")


def add_with_two_periods(town: Town) -> None:
    """Let one machine poll two packages, each at its own period."""
    who, client, period = begin(town)
    poll(town, "two periods", who, client, period)
    other = make_client(town, family=client.family)
    slower = min(period * town.chance.choice((3, 4, 6, 12)) * town.chance.uniform(0.9, 1.1), DAY)
    poll(town, "two periods", who, other, slower)


def add_that_moves(town: Town) -> None:
    """Let a machine change its address several times: a node set up anew, or an access network's lease."""
    who, client, period = begin(town)
    period = _for_days(town, client, period)
    span = life(town, period, client)
    times = schedule(town, period, span)
    moves = sorted(town.chance.uniform(*span) for _ in range(town.chance.randint(1, 5)))
    address = who[0]
    for moment in times:
        while moves and moment >= moves[0]:
            address = town.addresses.beside(who[0])
            moves.pop(0)
        town.send("production", "moving", (address, who[1]), moment, client.run(moment))
    town.remember((client.package.name, *client.also), client.version, "moving")


def _for_days(town: Town, client: Client, period: float) -> float:
    """Let who moves live for some days: nobody's address changes every few minutes."""
    return max(period, 4 * DAY * client.weight / town.world.most)


def add_on_nodes(town: Town) -> None:
    """Let a cluster start a job on whichever of its nodes has room: each address sees some of the polls."""
    who, client, period = begin(town)
    period = _for_days(town, client, period)
    nodes = [who[0], *(town.addresses.beside(who[0]) for _ in range(town.chance.randint(1, 2)))]
    for moment in schedule(town, period, life(town, period, client)):
        town.send("production", "on nodes", (town.chance.choice(nodes), who[1]), moment, client.run(moment))
    town.remember((client.package.name, *client.also), client.version, "on nodes")


def make_client(town: Town, like: Client | None = None, family: str | None = None) -> Client:
    """Choose a program and what it asks for; like another one, or of a family, where that is given."""
    if like is not None:
        return _MAKERS[like.family](town, like.asked, like.version)
    if family is None:
        images = town.chance.random() < town.world.images
        families: tuple[str, ...] = (
            ("docker", "containerd", "containerd", "podman", "curl") if images else ("pip", "pip", "requests", "uv", "npm", "hf", "helm")
        )
        if town.world.one_agent:
            families = ("docker",) if images else ("pip",)
        family = town.chance.choice(families)
    images = family in ("docker", "containerd", "podman", "curl")
    package = town.pick(town.images if images else town.bundles if family == "npm" else town.projects)[0]
    newest = town.chance.random() < 0.6
    return _MAKERS[family](town, package, "latest" if newest else package.version_at(town.span[0]) if images else None)


def _image_client(family: str) -> Callable[[Town, Package, str | None], Client]:
    def make(town: Town, package: Package, version: str | None) -> Client:
        image = Image(town.chance, package, version or "latest")
        held: list[str] = [image.version(town.span[0])]  # what runs there since before

        def run(moment: float) -> list[Step]:
            fresh = image.version(moment) not in held
            held[:] = [image.version(moment)]
            layers = town.chance.randint(1, 3)
            if family == "podman":
                return podman_run(image, moment, fresh=fresh, new_layers=layers)
            if family == "curl":  # a script with If-None-Match
                return [image.get_tag(0.0, 200 if fresh else 304)]
            return docker_run(image, moment, fresh=fresh, ping=family == "docker", new_layers=layers)

        return Client(family, run, package, version, {"podman": 4.0, "docker": 2.1}.get(family, 1.1) + 2 * town.world.tokens, package)

    return make


def _project_client(family: str) -> Callable[[Town, Package, str | None], Client]:
    def make(town: Town, package: Package, version: str | None) -> Client:
        others = town.pick(town.projects, town.chance.randint(0, 2)) if family != "requests" else []
        wanted = [package, *(other for other in others if other is not package)]
        held = {one.name: one.version_at(town.span[0]) for one in wanted}
        forgets = family == "pip" and town.chance.random() < 0.2  # a container that installs anew whenever it starts

        def run(moment: float) -> list[Step]:
            newest = [(one, one.version_at(moment)) for one in wanted]
            cached = [held[one.name] == version and not forgets for one, version in newest]
            held.update({one.name: version for one, version in newest})
            if family == "requests":
                fetch = [] if cached[0] else [Step(0.8, "GET", wheel(*newest[0]), 200, 800_000, package.name)]
                return [pip_index(package, cached=cached[0]), *fetch]
            return pip_run(town.chance, [(*one, kept) for one, kept in zip(newest, cached, strict=True)])

        return Client(family, run, package, None, len(wanted) * (3.0 if forgets else 1.1), package, tuple(one.name for one in wanted[1:]))

    return make


def _other_client(family: str) -> Callable[[Town, Package, str | None], Client]:
    """Make what polls one file: a packument, a model's configuration, the index of a chart repository."""

    def make(town: Town, package: Package, version: str | None) -> Client:
        method, path, named = {
            "npm": ("GET", f"/{package.name}", package),
            "hf": ("HEAD", f"/acme/{package.name}/resolve/main/config.json", replace(package, name=f"acme/{package.name}")),
            "helm": ("GET", "/charts/index.yaml", replace(package, name="")),
        }[family]
        held = [package.version_at(town.span[0])]

        def run(moment: float) -> list[Step]:
            is_new = package.version_at(moment) not in held
            held[:] = [package.version_at(moment)]
            status = 200 if is_new or method == "HEAD" else 304
            return [Step(0.0, method, path, status, 9000 if status == 200 and method == "GET" else 0, named.name or None)]

        return Client(family, run, named, "main" if family == "hf" else None, 1.0, package)

    return make


_MAKERS: Final = {
    **{family: _other_client(family) for family in ("npm", "hf", "helm")},
    **{family: _image_client(family) for family in ("docker", "containerd", "podman", "curl")},
    **{family: _project_client(family) for family in ("pip", "uv", "requests")},
}
