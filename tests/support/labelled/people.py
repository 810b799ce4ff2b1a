"""People: developers at their working hours in several time zones, visitors of pages, and those who try something once."""

from __future__ import annotations

from collections.abc import Callable

from support.labelled import moments
from support.labelled.machines import make_agent
from support.labelled.moments import DAY, HOUR, MINUTE
from support.labelled.sequences import Image, Package, Step, docker_run, npm_run, pip_run, podman_run
from support.labelled.town import Town, Who

Try = Callable[[float], list[Step]]


def add_developer(town: Town) -> None:
    """Add somebody who works with a few packages, now this version and now that, on a machine that keeps what it took."""
    family, attempt = make_tools(town)
    kind = town.chance.choices(("office", "home", "evenings", "each morning"), (4, 4, 1.5, 1))[0]
    zone = town.chance.choice(town.world.zones)
    times = _times(town, kind, zone)
    agent, address = town.agent(family), town.address(*(("office",) if kind == "office" else ("isp",)))
    lease = moments.log_uniform(town.chance, DAY, 30 * DAY) if kind != "office" and town.chance.random() < 0.4 else 10000 * DAY
    ends = town.span[0] + town.chance.uniform(0, lease)
    for moment in times[-town.world.most // 5 :]:
        if moment > ends:
            address, ends = town.addresses.beside(address), moment + lease
        town.send("development", kind, (address, agent), moment, attempt(moment))


def _times(town: Town, kind: str, zone: str) -> list[float]:
    chance, span = town.chance, town.span
    if kind == "evenings":
        return moments.at_work(chance, span, zone, chance.uniform(0.4, 2), begin=19, end=23.5, weekend=0.6, absent=0.5)
    if kind == "each morning":
        spread = chance.uniform(4, 25) * MINUTE
        nine = [midnight + 9 * HOUR + chance.gauss(0, spread) for midnight in moments.working_days(chance, span, zone, absent=0.08)]
        return sorted([*nine, *moments.at_work(chance, span, zone, 0.7)])
    return moments.at_work(chance, span, zone, moments.log_uniform(chance, 0.7, 8), absent=chance.uniform(0.05, 0.4))


def make_tools(town: Town) -> tuple[str, Try]:
    """Choose a program, and what its user works on."""
    images = town.chance.random() < town.world.images
    family = town.chance.choice(("docker", "docker", "podman") if images else ("pip", "pip", "uv", "npm"))
    if town.world.one_agent:
        family = "docker" if images else "pip"
    if images:
        return family, _image_tools(town, family, town.pick(town.images, town.chance.randint(1, 5)))
    return family, _package_tools(town, family, town.pick(town.bundles if family == "npm" else town.projects, town.chance.randint(3, 9)))


def _image_tools(town: Town, family: str, packages: list[Package]) -> Try:
    held: set[tuple[str, str]] = set()
    run = podman_run if family == "podman" else docker_run

    def attempt(moment: float) -> list[Step]:
        package = town.chance.choice(packages)
        known = [version for at, version in package.releases if at <= moment]
        tag = "latest" if town.chance.random() < 0.35 else town.chance.choice(known[-4:])
        image = Image(town.chance, package, tag)
        fresh = (package.name, image.version(moment)) not in held
        held.add((package.name, image.version(moment)))
        if town.chance.random() < 0.1:
            held.clear()  # docker system prune
        return run(image, moment, fresh=fresh, new_layers=None if town.chance.random() < 0.4 else town.chance.randint(1, 4))

    return attempt


def _package_tools(town: Town, family: str, packages: list[Package]) -> Try:
    held: set[tuple[str, str]] = set()

    def attempt(moment: float) -> list[Step]:
        wanted = []
        for package in town.chance.sample(packages, town.chance.randint(1, min(4, len(packages)))):
            known = [version for at, version in package.releases if at <= moment]
            version = known[-1] if town.chance.random() < 0.6 else town.chance.choice(known[-4:])
            wanted.append((package, version, (package.name, version) in held))
            held.add((package.name, version))
        return npm_run(town.chance, wanted, lock=False) if family == "npm" else pip_run(town.chance, wanted)

    return attempt


def add_tryer(town: Town) -> None:
    """Add somebody who comes once or twice and never again: nobody can tell why."""
    family, attempt = make_tools(town)
    who: Who = (town.address("isp", "isp", "cloud", "office"), town.agent(family))
    moment = town.chance.uniform(town.span[0], town.span[1] - 6 * HOUR)
    for _ in range(town.chance.choice((1, 1, 1, 2))):
        town.send("tryer", "once", who, moment, attempt(moment))
        moment += moments.log_uniform(town.chance, 30, 5 * HOUR)


def add_visitor(town: Town) -> None:
    """Add somebody who reads pages in a browser."""
    who: Who = (town.addresses.draw(town.chance.choice(("isp", "isp", "office"))), make_agent(town.chance, "browser"))
    times = moments.at_work(town.chance, town.span, town.chance.choice(town.world.zones), town.chance.uniform(0.3, 3), begin=8, end=23, weekend=0.4)
    for moment in times:
        pages = [f"/packages/{package.name}" for package in town.pick(town.projects, town.chance.randint(1, 4))]
        assets = ["/static/site.css", "/static/site.js", "/favicon.ico"]
        paths = ["/", *(assets if town.chance.random() < 0.5 else []), *pages]
        town.send(
            "browser", "reader", who, moment, [Step(index * town.chance.uniform(0.1, 30), "GET", path, 200, 9000) for index, path in enumerate(paths)]
        )
