"""Made-up traffic: what real clients send, over weeks with a change of the clock in spring and one in autumn, on two gateways.

Times are whole seconds, so many requests are made in one instant; pauses lie on both sides of every limit; lines are
written in several offsets from UTC. The same seed gives the same lines.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

SPRING = (datetime(2025, 3, 20, tzinfo=UTC), datetime(2025, 4, 5, tzinfo=UTC))
AUTUMN = (datetime(2025, 10, 20, tzinfo=UTC), datetime(2025, 11, 1, tzinfo=UTC))
# Where days and clocks turn in UTC, Berlin (summer and winter) and Kolkata.
TURNS = [(0, 0), (23, 0), (22, 0), (18, 30), (1, 0)]
OFFSETS = [0, 0, 0, 120, -210, 330]

Step = tuple[int, str, str, int]
"""Seconds after the first request, method, target, status."""


def agent(name: str) -> str:
    system = "os/linux arch/amd64"
    return {
        "docker": f"docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/6.1.0 {system} UpstreamClient(Docker-Client/24.0.7 \\x5C(linux\\x5C))",
        "docker-arm": "docker/25.0.1 go/go1.21.6 kernel/6.6.12-linuxkit os/linux arch/arm64 UpstreamClient(Docker-Client/25.0.1 \\x5C(darwin\\x5C))",
        "containerd": "containerd/1.7.2",
        "podman": "containers/5.23.1 (github.com/containers/image)",
        "skopeo": "skopeo/1.9.3",
        "cri-o": f"cri-o/1.28.1 go/go1.21.1 {system}",
        "cosign": "cosign/v2.2.0 (linux; amd64)",
        "watchtower": "Watchtower/1.7.1",
        "pip": "pip/23.3 {\\x22ci\\x22:null,\\x22cpu\\x22:\\x22x86_64\\x22,\\x22distro\\x22:{\\x22libc\\x22:{\\x22lib\\x22:\\x22glibc\\x22},\\x22name\\x22:\\x22Ubuntu\\x22},"
        "\\x22installer\\x22:{\\x22name\\x22:\\x22pip\\x22,\\x22version\\x22:\\x2223.3\\x22},\\x22python\\x22:\\x223.11.4\\x22,"
        "\\x22system\\x22:{\\x22name\\x22:\\x22Linux\\x22,\\x22release\\x22:\\x226.1.0\\x22}}",
        "uv": "uv/0.4.9 {\\x22installer\\x22:{\\x22name\\x22:\\x22uv\\x22,\\x22version\\x22:\\x220.4.9\\x22},\\x22python\\x22:\\x223.12.1\\x22,"
        "\\x22distro\\x22:{\\x22name\\x22:\\x22Alpine Linux\\x22,\\x22libc\\x22:{\\x22lib\\x22:\\x22musl\\x22}}}",
        "npm": "npm/10.2.3 node/v20.10.0 linux x64 workspaces/false",
        "cargo": "cargo/1.74.1 (a28077b28 2023-12-04)",
        "old-cargo": "cargo 1.41.0 (626f0f40e 2019-12-03)",
        "Cargo": "Cargo/1.0",
        "maven": "Apache-Maven/3.9.5 (Java 17.0.9; Linux 6.1)",
        "go": "Go-http-client/1.1",
        "hf": "unknown/None; hf_hub/0.20.0; python/3.11.4",
        "aria2": "aria2/1.36.0",
        "wget": "Wget/1.21.3",
        "curl": "curl/7.88.1",
        "bot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "probe": "kube-probe/1.28",
        "none": "-",
        "odd": "artifact-tool",
    }[name]


@dataclass(frozen=True)
class Line:
    """A request before it is written."""

    second: int
    place: float
    log: int
    text: str


class Traffic:
    """Collects lines; every choice comes from one seed."""

    def __init__(self, seed: int) -> None:
        """Begin without a line."""
        self.chance = random.Random(seed)
        self.lines: list[Line] = []

    def moment(self) -> int:
        """A second of the two spans, often a few seconds or minutes before a day turns."""
        first, last = self.chance.choice((SPRING, AUTUMN))
        if self.chance.random() < 0.3:
            day = first + timedelta(days=self.chance.randrange((last - first).days))
            hour, minute = self.chance.choice(TURNS)
            turn = day.replace(hour=hour, minute=minute)
            return int(turn.timestamp()) - self.chance.choice((0, 1, 2, 5, 6, 60, 299, 300, 301, 600))
        return self.chance.randrange(int(first.timestamp()), int(last.timestamp()) - 7200)

    def address(self) -> str:
        """A client: one of a few hosts of a few networks, so that owners are busy; some are no address."""
        number = self.chance.randrange(90)
        if number < 60:
            return f"198.51.{100 + number % 3}.{number % 7}"
        if number < 80:  # hosts of one /64, and two /64 of one /48
            return f"2001:db8:1:{number % 2}::{number % 5 + 1:x}"
        if number < 85:
            return f"::ffff:198.51.100.{number % 7}"
        return self.chance.choice(("unix:", "builder.example.org", "-"))

    def send(self, who: str, steps: list[Step], *, log: int | None = None, address: str | None = None, start: int | None = None) -> None:
        """Write a sequence of one client; to log 0, 1, or (2) to both in turn."""
        start = self.moment() if start is None else start
        address = self.address() if address is None else address
        log = self.chance.randrange(2) if log is None else log
        user = "deploy" if self.chance.random() < 0.1 else "-"
        for index, (after, method, target, status) in enumerate(steps):
            logged = log if log < 2 else index % 2
            self.write(start + after, logged, address, "-" if status == 401 else user, who, method, target, status)

    def write(self, second: int, log: int, address: str, user: str, who: str, method: str, target: str, status: int) -> None:
        """Write one line of `combined`."""
        zone = timezone(timedelta(minutes=self.chance.choice(OFFSETS)))
        clock = datetime.fromtimestamp(second, zone).strftime("%d/%b/%Y:%H:%M:%S %z")
        request = target if method == "" else f"{method} {target} HTTP/1.1"
        size = 0 if status == 304 else self.chance.choice((0, 162, 1049, 5_242_880))
        # Lines are written as requests end, in one second in any order.
        place = self.chance.random() if self.chance.random() < 0.1 else float(len(self.lines))
        self.lines.append(Line(second, place, log, f'{address} - {user} [{clock}] "{request}" {status} {size} "-" "{agent(who)}"\n'))


def digest(*parts: object) -> str:
    return "sha256:" + hashlib.sha256(repr(parts).encode()).hexdigest()


def image(chance: random.Random) -> tuple[str, str]:
    return chance.choice(("acme/app", "acme/app", "acme/db", "library/redis", "tools/manifests")), chance.choice(("1.0", "1.1", "2.0", "latest"))


def pull(chance: random.Random, style: str, repository: str, tag: str, status: int = 200) -> list[Step]:
    """What one command asks the registry."""
    base = f"/v2/{repository}"
    # A tag moves: what `latest` is differs from week to week; two tags can be one image.
    version = tag if chance.random() < 0.7 else "1.0"
    index, machine, config, layer = (digest(repository, version, part) for part in ("index", chance.choice(("amd64", "arm64")), "config", "layer"))
    later = chance.choice((0, 0, 1, 2))
    head: list[Step] = [(0, "HEAD", f"{base}/manifests/{tag}", status)]
    manifests: list[Step] = [(0, "GET", f"{base}/manifests/{index}", status), (later, "GET", f"{base}/manifests/{machine}", status)]
    blobs: list[Step] = [(later, "GET", f"{base}/blobs/{config}", status), (later + 1, "GET", f"{base}/blobs/{layer}", status)]
    named: list[Step] = [(0, "GET", f"{base}/manifests/{tag}", status), (later, "GET", f"{base}/manifests/{machine}", status)]
    steps: dict[str, list[Step]] = {
        "head-first": [(0, "GET", "/v2/", 200), *head, *manifests, *blobs],
        "single": [*head, (later, "GET", f"{base}/manifests/{machine}", status), *blobs],
        "present": [(0, "GET", "/v2/", 200), *head],
        "present-get": named,
        "named": [(0, "GET", "/v2/", 200), *named, *blobs],
        "digest": [*manifests, *blobs],
        "digest-head": [(0, "HEAD", f"{base}/manifests/{index}", 200)],
        "digest-then-tag": [(0, "GET", f"{base}/manifests/{index}", 200), *named],
        "shared-blobs": [*head, *blobs],
        "every-platform": [*named, *((1, "GET", f"{base}/manifests/{digest(repository, tag, part)}", status) for part in "abcd")],
        "twice": [*named, *((after + 1, method, path, code) for after, method, path, code in named), *blobs],
        "missing": [(0, "HEAD", f"{base}/manifests/9.9", 404), (0, "GET", f"{base}/manifests/9.9", 404)],
        "half-refused": [*head, (later, "GET", f"{base}/manifests/{index}", chance.choice((401, 404, 429, 500)))],
        "refused-then-taken": [(0, "GET", f"{base}/manifests/{tag}", 401), (0, "GET", "/token?scope=repository%3Aacme%2Fapp%3Apull", 200), *named],
        "unchanged": [(0, "GET", f"{base}/manifests/{tag}", 304)],
        "listed": [(0, "GET", f"{base}/tags/list", 200)],
        "listed-then-head": [(0, "GET", f"{base}/tags/list", 200), *head],
        "all-tags": [
            (0, "GET", f"{base}/tags/list", 200),
            *(
                (number, method, f"{base}/manifests/{reference}", status)
                for number, name in enumerate(("1.0", "1.1", "latest"))
                for method, reference in (("HEAD", name), ("GET", digest(repository, name, "index")))
            ),
        ],
        "push": [
            (0, "HEAD", f"{base}/blobs/{layer}", 404),
            (0, "POST", f"{base}/blobs/uploads/", 202),
            (1, "PUT", f"{base}/manifests/{tag}", 201),
        ],
        "delete": [(0, "GET", f"{base}/manifests/{tag}", 200), (1, "DELETE", f"{base}/manifests/{index}", 202)],
    }
    return steps[style]


STYLES = {
    "docker": (
        "head-first",
        "head-first",
        "single",
        "present",
        "missing",
        "all-tags",
        "digest",
        "half-refused",
        "refused-then-taken",
        "push",
        "digest-head",
    ),
    "docker-arm": ("head-first", "present"),
    "containerd": ("head-first", "present", "shared-blobs", "every-platform"),
    "podman": ("named", "named", "present-get", "unchanged"),
    "skopeo": ("named", "every-platform", "listed", "listed-then-head", "delete", "digest-then-tag"),
    "cri-o": ("twice",),
}


def pull_images(traffic: Traffic) -> None:
    chance = traffic.chance
    who = chance.choice(list(STYLES))
    repository, tag = image(chance)
    status = chance.choice((200, 200, 200, 200, 301, 307))
    steps = pull(chance, chance.choice(STYLES[who]), repository, tag, status)
    if who == "skopeo" and chance.random() < 0.3:  # https first
        steps.insert(0, (0, "", "\\x16\\x03\\x01\\x02\\x00", 400))
    traffic.send(who, steps)


def pull_side_by_side(traffic: Traffic) -> None:
    """Two commands of one host at once, or a second one just within or beyond a limit."""
    chance = traffic.chance
    repository, tag = image(chance)
    who, other = chance.choice((("docker", "docker"), ("podman", "podman"), ("containerd", "docker"), ("skopeo", "skopeo")))
    start, address = traffic.moment(), traffic.address()
    pause = chance.choice((0, 1, 4, 5, 6, 7, 299, 300, 301, 302))
    traffic.send(who, pull(chance, chance.choice(STYLES[who]), repository, tag), address=address, start=start)
    again = tag if chance.random() < 0.5 else image(chance)[1]
    traffic.send(other, pull(chance, chance.choice(STYLES[other]), repository, again), address=address, start=start + pause)


def pull_slowly(traffic: Traffic) -> None:
    """Manifests with pauses around the limit of a pull group."""
    chance = traffic.chance
    repository, tag = image(chance)
    steps: list[Step] = []
    after = 0
    for _ in range(chance.randrange(2, 7)):
        reference = chance.choice((tag, digest(repository, tag, "index"), digest(repository, tag, "amd64")))
        steps.append((after, chance.choice(("GET", "HEAD")), f"/v2/{repository}/manifests/{reference}", chance.choice((200, 200, 200, 404))))
        after += chance.choice((1, 4, 5, 5, 6, 6, 7))
    traffic.send(chance.choice(("podman", "docker")), steps, log=chance.choice((0, 1, 2)))


def sign(traffic: Traffic) -> None:
    name = digest("acme/app", "1.0", "index").replace(":", "-")
    steps: list[Step] = [(number, "GET", f"/v2/acme/app/manifests/{name}.{kind}", 200) for number, kind in enumerate(("sig", "att"))]
    traffic.send("cosign", [*steps, (1, "GET", f"/v2/acme/app/referrers/{digest('acme/app', '1.0', 'index')}", 404)])


def watch(traffic: Traffic) -> None:
    """A poller for half a day: every half minute, minute, five minutes, or ten, on the second or nearly."""
    chance = traffic.chance
    repository, tag = image(chance)
    every, jitter = chance.choice(((30, 0), (60, 0), (299, 0), (300, 0), (300, 2), (600, 0), (301, 0)))
    who = chance.choice(("watchtower", "docker", "containerd"))
    steps = [(number * every + chance.randint(0, jitter), "HEAD", f"/v2/{repository}/manifests/{tag}", 200) for number in range(43_200 // every)]
    steps = [step if chance.random() < 0.98 else (*step[:3], chance.choice((429, 500, 401))) for step in steps]
    if chance.random() < 0.5:
        steps[0:0] = [(0, "GET", f"/v2/{repository}/manifests/{tag}", 200)]
    traffic.send(who, steps, log=chance.randrange(2))


def watch_index(traffic: Traffic) -> None:
    """What asks an index at regular times, for an hour or two, and takes something now and then."""
    chance = traffic.chance
    every, jitter = chance.choice(((10, 0), (29, 1), (30, 0), (31, 0), (60, 0), (150, 3), (300, 0)))
    index, file = "/simple/acme/", f"{WHEELS}/acme-1.0-py3-none-any.whl"
    status = chance.choice((200, 200, 304, 302))
    steps: list[Step] = []
    for number in range(chance.randrange(600, 7200) // every):
        after = number * every + chance.randint(0, jitter)
        steps.append(
            (after, chance.choice(("GET", "GET", "GET", "HEAD")), index, status if chance.random() < 0.9 else chance.choice((200, 304, 404, 401)))
        )
        if chance.random() < 0.03:
            steps.append((after + chance.choice((0, 1, 5)), chance.choice(("GET", "HEAD")), file, chance.choice((200, 206, 302, 304, 404))))
    traffic.send(chance.choice(("pip", "uv", "curl")), sorted(steps), log=chance.choice((0, 1, 2)))


def download_slowly(traffic: Traffic) -> None:
    """An index, and a file whose line is written when it has come: seconds or minutes later."""
    chance = traffic.chance
    file = f"{WHEELS}/acme-1.0-py3-none-any.whl"
    pause = chance.choice((1, 29, 30, 31, 100, 299, 300, 301, 400))
    steps: list[Step] = [(0, "GET", "/simple/acme/", chance.choice((200, 304, 401))), (chance.choice((0, 1)), "GET", file + ".metadata", 200)]
    steps.append((steps[-1][0] + pause, chance.choice(("GET", "GET", "HEAD")), file, chance.choice((200, 200, 206, 302, 404))))
    steps += [(steps[-1][0] + chance.choice((1, 30, 31)), "GET", "/simple/acme/", 200)] * chance.randrange(2)
    traffic.send(chance.choice(("pip", "uv")), steps)


def list_tags(traffic: Traffic) -> None:
    """Lists of tags, by themselves and near to a pull."""
    chance = traffic.chance
    repository, tag = image(chance)
    steps: list[Step] = []
    after = 0
    for _ in range(chance.randrange(1, 6)):
        what = "manifests/" + tag if chance.random() < 0.3 else "tags/list"
        steps.append((after, chance.choice(("GET", "GET", "HEAD")), f"/v2/{repository}/{what}", chance.choice((200, 200, 200, 301, 401, 404))))
        after += chance.choice((1, 5, 25, 29, 30, 30, 31, 60))
    traffic.send(chance.choice(("skopeo", "watchtower", "docker")), steps, log=chance.choice((0, 1, 2)))


WHEELS = "/packages/ab/cd/" + "e" * 60


def install_python(traffic: Traffic) -> None:
    chance = traffic.chance
    who = chance.choice(("pip", "pip", "uv", "bot", "none", "curl", "odd"))
    name, version = chance.choice(("acme", "Acme_Kit", "django")), chance.choice(("1.0", "1.1"))
    project = name.lower().replace("_", "-")
    file = f"{WHEELS}/{name.lower().replace('-', '_')}-{version}-py3-none-any.whl"
    index = f"/simple/{project}/"
    steps: list[Step] = chance.choice(
        (
            [(0, "GET", index, 200), (0, "GET", file + ".metadata", 200), (1, "GET", file, 200)],
            [(0, "GET", index, 200), (0, "GET", file + ".metadata", 200)],
            [(0, "GET", index, 304), (1, "GET", file, 304)],
            [(0, "GET", index, 302)],
            [(0, "GET", index, 200), (1, "GET", f"{WHEELS}/{name.lower().replace('_', '-')}-{version}.tar.gz", 200)],
            [(0, "HEAD", file, 200), (0, "GET", file, 206), (1, "GET", file, 206)],
            [(0, "GET", file, 401), (1, "GET", file, 200)],
            [(0, "GET", file, 404), (chance.choice((1, 5, 6)), "GET", file, 404)],
            [(0, "GET", "/simple/", 200), (2, "GET", index, 404)],
        )
    )
    again: list[Step] = [(after + chance.choice((299, 300, 301, 400)), method, target, status) for after, method, target, status in steps]
    traffic.send(who, steps + (again if chance.random() < 0.4 else []))


def install_node(traffic: Traffic) -> None:
    chance = traffic.chance
    tarball = chance.choice(("/@acme/ui-kit/-/ui-kit-0.2.0.tgz", "/@acme%2fui-kit/-/ui-kit-0.2.0.tgz", "/left-pad/-/left-pad-1.3.0.tgz"))
    packument = "/left-pad" if "left-pad" in tarball else chance.choice(("/@acme%2fui-kit", "/@acme/ui-kit"))
    status = chance.choice((200, 200, 200, 304, 307))
    steps: list[Step] = [(0, "GET", "/npm", 404), (0, "GET", packument, status), (1, "GET", tarball, status)]
    if chance.random() < 0.2:
        steps += [(1, "POST", "/-/npm/v1/security/advisories/bulk", 200), (1, "HEAD", tarball, 200)]
    if status == 307:
        steps.append((1 + chance.choice((0, 1, 5, 6)), "GET", tarball, 200))
    traffic.send(chance.choice(("npm", "npm", "npm", "curl", "bot")), steps[chance.randrange(2) :], log=chance.choice((0, 1, 2)))


def install_others(traffic: Traffic) -> None:
    chance = traffic.chance
    who, steps = chance.choice(
        [
            (
                chance.choice(("cargo", "old-cargo", "Cargo", "curl")),
                [
                    (0, "GET", "/crates/index/config.json", 200),
                    (0, "GET", "/crates/index/se/rd/serde", chance.choice((200, 304))),
                    (1, "GET", "/api/v1/crates/serde/1.0.0/download", chance.choice((200, 302, 403))),
                ],
            ),
            (
                "maven",
                [
                    (0, "GET", "/maven2/org/acme/lib/1.0/lib-1.0.pom", 200),
                    (0, "GET", "/maven2/org/acme/lib/1.0/lib-1.0.jar", chance.choice((200, 404))),
                    (0, "GET", "/maven2/org/acme/lib/1.0/lib-1.0.jar.sha1", 200),
                    (1, "GET", "/maven2/org/acme/lib/1.0/lib-1.0-sources.jar", 200),
                ],
            ),
            ("maven", [(0, "GET", "/maven2/org/acme/lib/maven-metadata.xml", 200), (0, "GET", "/maven2/org/acme/lib/1.0/lib-1.0-javadoc.jar", 200)]),
            (
                "go",
                [
                    (0, "GET", "/example.com/mod/@v/list", 200),
                    (0, "GET", "/example.com/mod/@v/v1.2.0.info", 200),
                    (0, "GET", "/example.com/mod/@v/v1.2.0.mod", 200),
                    (1, "GET", "/example.com/mod/@v/v1.2.0.zip", chance.choice((200, 404, 410))),
                ],
            ),
            ("go", [(0, "GET", "/example.com/mod/@latest", 200), (0, "GET", "/example.com/mod/sub/@v/list", 404)]),
        ]
    )
    traffic.send(who, steps[: chance.choice((1, len(steps), len(steps)))])


def fetch_models(traffic: Traffic) -> None:
    chance = traffic.chance
    if chance.random() < 0.5:
        steps: list[Step] = [
            (0, chance.choice(("HEAD", "GET")), "/acme/model/resolve/main/config.json", 200),
            (0, "GET", "/acme/model/resolve/main/config.json", chance.choice((200, 302, 304, 404))),
            (1, "GET", "/acme/model/resolve/main/onnx/config.json", 200),
            (1, "GET", "/acme/model/resolve/main/model-00001-of-00002.safetensors", 302),
            (3, "GET", "/acme/small/resolve/" + "a" * 40 + "/q4/small.gguf", chance.choice((200, 206, 302))),
        ]
    else:
        pauses = [0]
        for _ in range(4):
            pauses.append(pauses[-1] + chance.choice((1, 240, 300, 301)))
        methods = chance.choice((("GET",), ("GET", "HEAD"), ("HEAD",)))
        steps = [
            (after, chance.choice(methods), f"/datasets/acme/set/resolve/main/data/{number % 3}.parquet", chance.choice((200, 302, 404, 304)))
            for number, after in enumerate(pauses)
        ]
    traffic.send(chance.choice(("hf", "hf", "wget")), steps)


def fetch_files(traffic: Traffic) -> None:
    """Pieces, what resumes within ten minutes and later, redirects and what follows them."""
    chance = traffic.chance
    target = chance.choice(("/acme/tool/releases/download/v1.0/tool-linux-amd64.zip", "/downloads/widget-2.4.0.tar.gz"))
    style = chance.choice(("aria2", "resume", "redirect", "chain", "refused", "checksum", "any"))
    if style == "aria2":
        steps: list[Step] = [(0, "GET", target, 200), (0, "GET", target, 206), (0, "GET", target, 206), (1, "GET", target, 206)]
    elif style == "resume":
        steps = [(0, "GET", target, chance.choice((200, 206, 499))), (chance.choice((5, 599, 600, 601, 700)), "GET", target, 206)]
    elif style == "redirect":
        steps = [
            (0, "GET", target, chance.choice((301, 302, 303, 307, 308))),
            (chance.choice((0, 5, 6)), "GET", target, chance.choice((200, 206, 404))),
        ]
    elif style == "chain":
        steps = [(0, "GET", target, 301), (4, "GET", target, 302), (chance.choice((8, 9, 10)), "GET", target, 200), (11, "GET", target, 206)]
    elif style == "refused":
        statuses = chance.choice(((404, 404), (401, 200), (429, 429, 200), (500, 404, 304), (403,)))
        steps = [(number * chance.choice((1, 5, 6)), "GET", target, status) for number, status in enumerate(statuses)]
    elif style == "checksum":
        steps = [(0, "GET", target + ".sha256", 200), (0, "HEAD", target, 200)]
    else:
        steps = [(chance.randrange(1500), "GET", target, chance.choice((200, 206, 206, 302, 304, 404))) for _ in range(6)]
    traffic.send("aria2" if style == "aria2" else chance.choice(("wget", "curl", "none")), steps, log=chance.choice((0, 1, 2)))


def look_around(traffic: Traffic) -> None:
    """What is about no package."""
    chance = traffic.chance
    who, target = chance.choice((("probe", "/healthz"), ("bot", "/robots.txt"), ("curl", "/v2/_catalog"), ("none", "/"), ("odd", "/v2/")))
    traffic.send(who, [(0, "GET", target, chance.choice((200, 401, 404, 304)))])


KINDS: list[tuple[Callable[[Traffic], None], int]] = [
    (pull_images, 30),
    (pull_side_by_side, 8),
    (pull_slowly, 8),
    (sign, 2),
    (list_tags, 5),
    (watch_index, 1),
    (download_slowly, 6),
    (install_python, 18),
    (install_node, 10),
    (install_others, 18),
    (fetch_models, 7),
    (fetch_files, 12),
    (look_around, 6),
]


def make_logs(seed: int, requests: int) -> tuple[list[bytes], list[bytes]]:
    """Lines of two gateways, each in the order of time."""
    traffic = Traffic(seed)
    kinds, weights = zip(*KINDS, strict=True)
    for _ in range(max(1, requests // 4000)):
        watch(traffic)
    while len(traffic.lines) < requests:
        traffic.chance.choices(kinds, weights)[0](traffic)
    ordered = sorted(traffic.lines, key=lambda line: (line.second, line.place))
    first, second = ([line.text.encode() for line in ordered if line.log == log] for log in (0, 1))
    return first, second
