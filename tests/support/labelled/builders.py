"""CI: jobs that take everything anew, mostly while people work, on runners that live for minutes or for years.

Sources: GitHub Actions' hosted runners are virtual machines of Azure, a new one each job; GitLab's autoscaled docker executor; docker in
docker starts with an empty store; `schedule:` and Jenkins' `H 2 * * *` for what is built by night.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from support.labelled import moments
from support.labelled.moments import MINUTE
from support.labelled.sequences import Image, Package, Step, docker_run, npm_run, pip_run, podman_run
from support.labelled.town import Town

Job = Callable[[float], list[list[Step]]]
"""The runs of one job, one after the other."""


WITH_CACHE: Final = "own runner with cache"


def add_builder(town: Town, kind: str | None = None) -> None:
    """Add one project's CI; of a kind that is drawn if it is not said."""
    family, job = make_job(town)
    kind = kind or town.chance.choices(("hosted", "own runner", "nightly", WITH_CACHE), (4, 4, 1, 0.4))[0]
    zone, per_day = town.chance.choice(town.world.zones), moments.log_uniform(town.chance, 2, 14)
    days = {"weekend": town.chance.uniform(0.05, 0.3), "absent": 0.03}
    if kind == "nightly":
        times = moments.cron_daily(town.chance, town.span, zone, [town.chance.randrange(6)], lag=10)
    else:
        times = moments.at_work(town.chance, town.span, zone, per_day, begin=8.5, end=town.chance.uniform(18, 22), **days)
    times = times[-town.world.most // 12 :]
    agent = town.agent(family)
    homes = [town.address("cloud", "hosting", "office") for _ in range(town.chance.randint(1, 2))] if kind.startswith("own") else []
    caches = kind == WITH_CACHE and family in ("docker", "containerd")
    for moment in times:
        address = town.chance.choice(homes) if homes else town.address("azure", "azure", "cloud")
        _work(town, kind, (address, agent), moment, job(moment), looks_only=caches and town.chance.random() < 0.85)


def _work(town: Town, kind: str, who: tuple[str, str], moment: float, runs: list[list[Step]], *, looks_only: bool) -> None:
    at = moment
    for run in runs:
        steps = [step for step in run if step.path == "/v2/" or step.method == "HEAD"] if looks_only else run
        town.send("ci", kind, who, at, steps)
        at = at + run[-1].after + moments.log_uniform(town.chance, 2, 4 * MINUTE) if town.chance.random() < 0.6 else at + run[-1].after + 0.5


def make_job(town: Town) -> tuple[str, Job]:
    """Choose what a project's job takes: always the same, and always all of it."""
    images = town.chance.random() < town.world.images
    families = ("docker", "docker", "buildkit", "kaniko", "podman") if images else ("pip", "pip-ci", "pip-ci", "npm-ci", "uv")
    family = town.chance.choice(families)
    if town.world.one_agent:
        family = "docker" if images else "pip"
    return family, _image_job(town, family) if images else _package_job(town, family)


def _image_job(town: Town, family: str) -> Job:
    count = town.chance.randint(3, 5) if town.chance.random() < 0.6 else 2
    images = [
        Image(town.chance, package, "latest" if town.chance.random() < 0.5 else package.version_at(town.span[0]))
        for package in town.pick(town.images, count)
    ]
    run = podman_run if family in ("podman", "kaniko") else docker_run
    return lambda moment: [run(image, moment, fresh=True) for image in images]


def _package_job(town: Town, family: str) -> Job:
    wanted: list[Package] = town.pick(town.bundles if family == "npm-ci" else town.projects, town.chance.randint(7, 16))
    pinned = {package.name: package.version_at(town.span[0]) for package in wanted}

    def job(moment: float) -> list[list[Step]]:
        taken = [(package, pinned[package.name] if index % 3 else package.version_at(moment), False) for index, package in enumerate(wanted)]
        return [npm_run(town.chance, taken, lock=town.chance.random() < 0.8) if family == "npm-ci" else pip_run(town.chance, taken)]

    return job
