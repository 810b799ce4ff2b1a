"""Programs that come for no use of their own: mirrors, updaters, scanners, probes, crawlers.

Sources: bandersnatch's and devpi's manuals (an hourly or daily pass over all that changed), Harbor's replication and proxy cache, regsync
(tags, then HEAD of each), Watchtower (HEAD, every 24 h or `--interval`), Diun (HEAD, every 6 h), Renovate (hourly, many packages), Flux and
Argo CD's image updater (tags every few minutes), Trivy and Grype (manifests and layers of what is deployed, by night or at each push),
kube-probe and balancers (every 10 to 300 s), robots (pages at odd times).
"""

from __future__ import annotations

from support.labelled import moments
from support.labelled.machines import make_agent
from support.labelled.moments import DAY, HOUR, MINUTE
from support.labelled.sequences import PING, Image, Package, Step, pip_index, podman_run, wheel
from support.labelled.town import Town, Who


def add_mirror(town: Town) -> None:
    """Add a mirror: it passes over all packages, and takes what is new to it; one in four is a script that says only its library's name."""
    images, named = town.chance.random() < town.world.images, town.chance.random() < 0.75
    family = ("mirror-oci" if images else "mirror-pypi") if named else ("skopeo" if images else "requests")
    who: Who = (town.addresses.draw("hosting"), make_agent(town.chance, family))
    period = moments.log_uniform(town.chance, 2 * HOUR, DAY)
    packages = list(town.images if images else town.projects)
    span = (max(town.span[0], town.span[1] - period * town.world.most / (3 * len(packages))), town.span[1])
    kind = f"{'images' if images else 'projects'}, {'known' if named else 'a script'}"
    held: set[tuple[str, str]] = set()
    for moment in moments.timer(town.chance, span, period, delay=period * 0.1):
        after = 0.0
        for package in packages:
            version = package.version_at(moment)
            fresh = (package.name, version) not in held
            held.add((package.name, version))
            town.send("mirror", kind, who, moment + after, _copy(town, package, moment, images=images, fresh=fresh))
            after += town.chance.uniform(0.3, 4)


def _copy(town: Town, package: Package, moment: float, *, images: bool, fresh: bool) -> list[Step]:
    if images:
        image = Image(town.chance, package, "latest")
        tags = Step(0.0, "GET", f"{image.base}/tags/list", 200, 400, image.package.name)
        return [tags, image.head(0.1), *(image.content(moment, 0.3) if fresh else [])]
    version = package.version_at(moment)
    taken = [Step(0.4, "GET", wheel(package, version), 200, 800_000, package.name)] if fresh else []
    return [pip_index(package, cached=not fresh), *taken]


def add_updater(town: Town) -> None:
    """Add a program that watches for new versions and takes none itself."""
    quick = town.chance.random() < 0.4
    who: Who = (town.addresses.draw(town.chance.choice(("cloud", "hosting", "isp"))), make_agent(town.chance, "flux" if quick else "updater"))
    period = moments.log_uniform(town.chance, 2 * MINUTE, 20 * MINUTE) if quick else moments.log_uniform(town.chance, HOUR, DAY)
    watched = town.pick(town.images, town.chance.randint(1, 8))
    span = (max(town.span[0], town.span[1] - period * town.world.most / (2 * len(watched))), town.span[1])
    for moment in moments.timer(town.chance, span, period, delay=period * 0.05):
        after = 0.0
        for package in watched:
            image = Image(town.chance, package, "latest")
            tags = [Step(after, "GET", f"{image.base}/tags/list", 200, 400, package.name)] if quick else []
            town.send("updater", "tags" if quick else "digests", who, moment, [*tags, image.head(after + 0.1)])
            after += town.chance.uniform(0.1, 2)


def add_scanner(town: Town) -> None:
    """Add a scanner: it takes manifests and layers of many images, by night or whenever something is pushed."""
    who: Who = (town.addresses.draw(town.chance.choice(("cloud", "office"))), make_agent(town.chance, "scanner"))
    zone, chance = town.chance.choice(town.world.zones), town.chance
    nightly = chance.random() < 0.6
    times = moments.cron_daily(chance, town.span, zone, [chance.randrange(24)]) if nightly else moments.at_work(chance, town.span, zone, 2)
    many = chance.randint(4, 12)
    for moment in times[-town.world.most // (many * 5) :]:
        at = moment
        for package in town.pick(town.images, many):
            town.send(
                "scanner",
                "nightly" if nightly else "at pushes",
                who,
                at,
                podman_run(Image(chance, package, "latest"), at, fresh=chance.random() < 0.5),
            )
            at += chance.uniform(2, 60)


def add_probe(town: Town) -> None:
    """Add a health check; one in five is a line of cron with curl."""
    named = town.chance.random() < 0.8
    who: Who = (town.addresses.draw(town.chance.choice(("private", "cloud"))), make_agent(town.chance, "probe" if named else "curl"))
    period = town.chance.choice((10, 15, 30, 60, 300) if named else (60, 120, 300))
    path = town.chance.choice(("/v2/", "/", "/healthz", "/simple/") if named else ("/v2/", "/healthz"))
    span = (max(town.span[0], town.span[1] - period * town.world.most), town.span[1])
    method = town.chance.choice(("GET", "GET", "HEAD")) if path == "/" else "GET"
    for moment in moments.timer(town.chance, span, period, delay=0.2):
        town.send("probe", "known" if named else "curl", who, moment, [PING._replace(path=path, method=method)])


def add_robot(town: Town) -> None:
    """Add a crawler: pages of all packages at odd times of day and night."""
    who: Who = (town.addresses.draw("crawler"), make_agent(town.chance, "bot"))
    gap = moments.log_uniform(town.chance, 10 * MINUTE, 12 * HOUR)
    for moment in moments.at_random(town.chance, town.span, gap)[-town.world.most :]:
        path = town.chance.choice(("/robots.txt", "/", "/sitemap.xml", *(f"/packages/{package.name}" for package in town.projects)))
        town.send("bot", "crawler", who, moment, [Step(0.0, "GET", path, 200, 9000)])
