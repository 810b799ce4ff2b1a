"""What clients send in one run, request by request: recorded from the programs themselves, or as their sources and manuals say.

Sources: recordings against nginx and docker-registry 2.8.2 (docker 20.10, containerd 1.6, podman 4.3, skopeo 1.9, pip 20–23, npm 11,
as in `tests/data/capture`); containers/image docker_image_src.go; the compact descriptions of Watchtower, Diun and regsync.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import NamedTuple

from support.labelled.moments import DAY, log_uniform


class Step(NamedTuple):
    """A request: seconds after the first one, method, target, status, bytes, the package it names."""

    after: float
    method: str
    path: str
    status: int
    size: int
    package: str | None = None


@dataclass(frozen=True)
class Package:
    """What is published: a name, versions with the moment of their release, layers of an image."""

    name: str
    releases: tuple[tuple[float, str], ...]
    layers: int

    def version_at(self, moment: float) -> str:
        """Give the newest version of a moment."""
        return max((release for release in self.releases if release[0] <= moment), default=self.releases[0])[1]

    def digest(self, *parts: object) -> str:
        """Make a digest of a version's index, manifest or layer."""
        return "sha256:" + hashlib.sha256(repr((self.name, *parts)).encode()).hexdigest()


def make_packages(chance: random.Random, count: int, start: float, days: float, prefix: str) -> list[Package]:
    """Make packages, each with releases before and within the time looked at."""
    made = []
    for number in range(count):
        moments = [start - chance.uniform(0, 200) * DAY for _ in range(chance.randint(3, 9))]
        moment = start
        while (moment := moment + chance.expovariate(1 / log_uniform(chance, 4 * DAY, 60 * DAY))) < start + days * DAY:
            moments.append(moment)
        releases = tuple((at, f"{1 + order // 8}.{order % 8}.{chance.randrange(3)}") for order, at in enumerate(sorted(moments)))
        made.append(Package(f"{prefix}{number:02d}", releases, chance.randint(2, 9)))
    return made


class Image:
    """Requests for one tag of an image; what a tag stands for changes with releases unless it is a version."""

    def __init__(self, chance: random.Random, package: Package, tag: str) -> None:
        """Look at a tag."""
        self.chance, self.package, self.tag = chance, package, tag
        self.base = f"/v2/{package.name}"

    def version(self, moment: float) -> str:
        """Tell what the tag stands for."""
        return self.package.version_at(moment) if self.tag in ("latest", "stable") else self.tag

    def _step(self, after: float, method: str, rest: str, status: int = 200, size: int = 1500) -> Step:
        return Step(after, method, f"{self.base}/{rest}", status, 0 if method == "HEAD" else size, self.package.name)

    def head(self, after: float = 0.0) -> Step:
        """Ask what the tag stands for."""
        return self._step(after, "HEAD", f"manifests/{self.tag}")

    def get_tag(self, after: float = 0.0, status: int = 200) -> Step:
        """Take the manifest by its tag."""
        return self._step(after, "GET", f"manifests/{self.tag}", status, 0 if status == 304 else 1500)

    def content(self, moment: float, after: float, *, index: bool = True, new_layers: int | None = None) -> list[Step]:
        """Take manifests by digest, config and layers."""
        version = self.version(moment)
        paths = ["manifests/" + self.package.digest(version, "index")] if index else []
        paths += ["manifests/" + self.package.digest(version, "amd64"), "blobs/" + self.package.digest(version, "config")]
        layers = self.package.layers if new_layers is None else min(new_layers, self.package.layers)
        paths += ["blobs/" + self.package.digest(version if layer < 2 else "base", layer) for layer in range(layers)]
        steps = []
        for path in paths:
            after += self.chance.uniform(0.05, 1.2)
            steps.append(self._step(after, "GET", path, size=1500 if "manifests" in path else int(log_uniform(self.chance, 2e3, 8e7))))
        return steps


PING = Step(0.0, "GET", "/v2/", 200, 2)


def docker_run(image: Image, moment: float, *, fresh: bool, ping: bool = True, new_layers: int | None = None) -> list[Step]:
    """Pull as docker (with a ping) or containerd (without): HEAD, and the content if the digest is not there yet."""
    start = [PING] if ping else []
    return [*start, image.head(0.1 if ping else 0.0), *(image.content(moment, 0.3, new_layers=new_layers) if fresh else [])]


def podman_run(image: Image, moment: float, *, fresh: bool, new_layers: int | None = None) -> list[Step]:
    """Pull as podman, skopeo, buildah: the manifests every time, layers only if they are new."""
    content = image.content(moment, 0.2, index=False, new_layers=new_layers if fresh else 0)
    return [PING, image.get_tag(0.1), *content]


def auth(steps: list[Step], scope: str) -> list[Step]:
    """Put a refused ping and the token in front, as registries with bearer tokens make every client do."""
    later = [step._replace(after=step.after + 0.4) for step in steps if step.path != "/v2/"]
    return [Step(0.0, "GET", "/v2/", 401, 87), Step(0.2, "GET", f"/token?scope=repository%3A{scope}%3Apull&service=registry", 200, 900), *later]


def wheel(package: Package, version: str) -> str:
    """Give the path of a wheel."""
    return f"/packages/{package.name}/{package.name.replace('-', '_')}-{version}-py3-none-any.whl"


def pip_index(package: Package, after: float = 0.0, *, cached: bool) -> Step:
    """Ask the index of one package."""
    return Step(after, "GET", f"/simple/{package.name}/", 304 if cached else 200, 0 if cached else 4200, package.name)


def pip_run(chance: random.Random, wanted: list[tuple[Package, str, bool]]) -> list[Step]:
    """Install packages: index, metadata, then wheels of those that the cache lacks (the flag says which it has)."""
    after, steps, late = 0.0, [], []
    for package, version, cached in wanted:
        steps.append(pip_index(package, after, cached=cached and chance.random() < 0.9))
        after += chance.uniform(0.05, 0.5)
        if not cached:
            steps.append(Step(after, "GET", wheel(package, version) + ".metadata", 200, 2100, package.name))
            late.append(Step(0, "GET", wheel(package, version), 200, int(log_uniform(chance, 1e4, 2e7)), package.name))
    for step in late:
        after += chance.uniform(0.05, 0.8)
        steps.append(step._replace(after=after))
    return steps


def npm_run(chance: random.Random, wanted: list[tuple[Package, str, bool]], *, lock: bool) -> list[Step]:
    """Install packages: packument and tarball; with a lock file the tarballs alone."""
    after, steps = 0.0, []
    for package, version, cached in wanted:
        after += chance.uniform(0.02, 0.3)
        if not lock:
            steps.append(Step(after, "GET", f"/{package.name}", 304 if cached else 200, 0 if cached else 30000, package.name))
        if not cached:
            size = int(log_uniform(chance, 2e3, 2e6))
            steps.append(Step(after + 0.1, "GET", f"/{package.name}/-/{package.name}-{version}.tgz", 200, size, package.name))
    return steps
