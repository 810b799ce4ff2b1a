"""The visits of the made-up traffic: the requests that one run of a client makes, in the client's order.

A request is (method, path, protocol, status, bytes). The sequences follow what the clients do against a registry: Docker asks
`/v2/`, HEADs the tag and GETs manifests and blobs by digest; containerd skips `/v2/`; pip asks `/simple/` and then for a wheel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machines import zipf

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

VISITS_PER_FAMILY = 5_000
# fmt: off
WORDS = (
    "amber", "apple", "arbor", "atlas", "basil", "beacon", "birch", "blaze", "bolt", "brook", "cairn", "cedar", "cinder", "clover",
    "cobalt", "comet", "copper", "coral", "crest", "cypress", "delta", "drift", "ember", "falcon", "fern", "flint", "forge", "fox",
    "garnet", "ginger", "glacier", "grove", "harbor", "hazel", "heron", "indigo", "iris", "ivory", "jasper", "juniper", "kestrel",
    "lantern", "larch", "linen", "lotus", "lunar", "lynx", "maple", "marble", "meadow", "mesa", "mint", "moss", "nectar", "nimbus",
    "north", "oak", "ocean", "olive", "onyx", "opal", "orbit", "otter", "pearl", "pebble", "pepper", "pine", "plum", "prism", "quartz",
    "quill", "raven", "reed", "ridge", "river", "robin", "rowan", "ruby", "saffron", "sage", "sand", "shale", "sierra", "slate",
    "sparrow", "spruce", "stone", "summit", "swift", "tango", "teal", "thistle", "thorn", "tide", "topaz", "tulip", "umber", "vale",
    "velvet", "violet", "walnut", "willow", "wren", "zephyr", "zinc",
)
# fmt: on


class Request(NamedTuple):
    """One request of a visit; `size` is the body's bytes as the log says."""

    method: str
    path: str
    protocol: str
    status: int
    size: int
    referrer: str = "-"


class Image(NamedTuple):
    """One image version: its repository, tag, index digest, platform manifests and blobs."""

    repository: str
    tag: str
    index_digest: str
    platforms: tuple[str, ...]
    blobs: tuple[tuple[str, int], ...]


def _names(rng: random.Random, count: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names["-".join(rng.sample(WORDS, rng.choice((1, 2, 2, 2))))] = None
    return list(names)


def _version(rng: random.Random) -> str:
    return f"{rng.randrange(6)}.{rng.randrange(20)}.{rng.randrange(12)}"


def _digest(rng: random.Random) -> str:
    return f"sha256:{rng.getrandbits(256):064x}"


def _size(rng: random.Random, low: float, sigma: float) -> int:
    return int(rng.lognormvariate(low, sigma))


def make_images(rng: random.Random) -> list[Image]:
    """3,000 image versions of 900 repositories; popular first."""
    repositories = [f"{rng.choice(('library', 'demo', 'acme', 'acme/team', 'tools', 'infra'))}/{name}" for name in _names(rng, 900)]
    images = []
    for number in range(3_000):
        repository = repositories[number] if number < len(repositories) else rng.choice(repositories)
        tag = rng.choice(("latest", "main", _version(rng), f"v{_version(rng)}", f"{_version(rng)}-alpine"))
        blobs = tuple((_digest(rng), _size(rng, 14.5, 2.0)) for _ in range(rng.randrange(2, 7)))
        images.append(Image(repository, tag, _digest(rng), tuple(_digest(rng) for _ in range(3)), blobs))
    return images


def _blobs(rng: random.Random, image: Image, protocol: str) -> list[Request]:
    taken = rng.sample(image.blobs, rng.randrange(1, len(image.blobs) + 1))
    outcomes = rng.choices(("storage", "body", "part", "aborted"), weights=(30, 62, 4, 4), k=len(taken))
    shapes: dict[str, Callable[[int], tuple[int, int]]] = {
        "storage": lambda _size: (307, 0),
        "body": lambda size: (200, size),
        "part": lambda size: (206, size // 3),
        "aborted": lambda size: (499, size // 7),
    }
    return [
        Request("GET", f"/v2/{image.repository}/blobs/{digest}", protocol, *shapes[outcome](size))
        for (digest, size), outcome in zip(taken, outcomes, strict=True)
    ]


def _docker_visit(rng: random.Random, image: Image) -> list[Request]:
    base, h = f"/v2/{image.repository}/manifests/", "HTTP/1.1"
    ping = [Request("GET", "/v2/", h, 401, 87)] if rng.random() < 0.35 else []
    if rng.random() < 0.04:
        missing = f"{base}{_version(rng)}"
        return [*ping, Request("GET", "/v2/", h, 200, 2), Request("HEAD", missing, h, 404, 0), Request("GET", missing, h, 404, 96)]
    start = [*ping, Request("GET", "/v2/", h, 200, 2), Request("HEAD", f"{base}{image.tag}", h, 200, 0)]
    if rng.random() < 0.3:  # the image is present: nothing is fetched
        return start
    return [
        *start,
        Request("GET", f"{base}{image.index_digest}", h, 200, 1609),
        Request("GET", f"{base}{rng.choice(image.platforms)}", h, 200, 1157),
        *_blobs(rng, image, h),
    ]


def _node_visit(rng: random.Random, image: Image) -> list[Request]:
    base, h = f"/v2/{image.repository}/manifests/", "HTTP/2.0"
    head = Request("HEAD", f"{base}{image.tag}", h, 200, 0)
    if rng.random() < 0.45:
        return [head]
    return [
        head,
        Request("GET", f"{base}{image.index_digest}", h, 200, 1609),
        Request("GET", f"{base}{rng.choice(image.platforms)}", h, 200, 1157),
        *_blobs(rng, image, h),
    ]


def _libimage_visit(rng: random.Random, image: Image) -> list[Request]:
    base, h = f"/v2/{image.repository}/manifests/", "HTTP/1.1"
    return [
        Request("GET", "/v2/", h, 200, 2),
        Request("GET", f"{base}{image.tag}", h, 200, 1609),
        Request("GET", f"{base}{rng.choice(image.platforms)}", h, 200, 1157),
        *_blobs(rng, image, h),
    ]


def _poller_visit(rng: random.Random, image: Image) -> list[Request]:
    base, h = f"/v2/{image.repository}/manifests/", "HTTP/1.1"
    status = rng.choices((200, 404, 401), weights=(90, 6, 4))[0]
    return [Request("GET", "/v2/", h, 401, 87), Request("HEAD", f"{base}{image.tag}", h, status, 0)][rng.randrange(2) :]


def _oci_visits(rng: random.Random) -> dict[str, list[list[Request]]]:
    images = make_images(rng)
    weights = zipf(len(images), 0.9)
    makers = {"docker": _docker_visit, "node": _node_visit, "libimage": _libimage_visit, "poller": _poller_visit}
    return {
        family: [maker(rng, image) for image in rng.choices(images, cum_weights=weights, k=VISITS_PER_FAMILY)] for family, maker in makers.items()
    }


def _pypi_visits(rng: random.Random) -> list[list[Request]]:
    packages = [(name, [_version(rng) for _ in range(8)], _size(rng, 9.5, 1.2)) for name in _names(rng, 1_200)]
    weights, visits = zipf(len(packages), 0.9), []
    for _ in range(VISITS_PER_FAMILY):
        visit = []
        for name, versions, page in rng.choices(packages, cum_weights=weights, k=rng.randrange(1, 4)):
            if rng.random() < 0.05:
                visit.append(Request("GET", f"/simple/{name.title()}/", "HTTP/1.1", 301, 0))
            status = rng.choices((200, 304, 404), weights=(80, 17, 3))[0]
            visit.append(Request("GET", f"/simple/{name}/", "HTTP/1.1", status, page if status == 200 else 0))
            if rng.random() < 0.7:
                tag = rng.choice(
                    (
                        "py3-none-any",
                        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
                        "cp312-cp312-macosx_11_0_arm64",
                        "cp310-cp310-win_amd64",
                    ),
                )
                folder = f"{rng.getrandbits(8):02x}/{rng.getrandbits(8):02x}/{rng.getrandbits(240):060x}"
                stem = f"{folder}/{name.replace('-', '_')}-{rng.choice(versions)}-{tag}.whl"
                size = _size(rng, 12, 1.8)
                if rng.random() < 0.4:
                    visit.append(Request("GET", f"/packages/{stem}.metadata", "HTTP/1.1", 200, 2100 + size % 9000))
                visit.append(
                    Request(
                        "GET",
                        f"/packages/{stem}",
                        "HTTP/1.1",
                        *rng.choices(((200, size), (206, size // 2), (499, size // 5)), weights=(95, 3, 2))[0],
                    ),
                )
        visits.append(visit)
    return visits


def _npm_visits(rng: random.Random) -> list[list[Request]]:
    packages = [
        (f"@{rng.choice(WORDS)}/{name}" if rng.random() < 0.25 else name, [_version(rng) for _ in range(8)], _size(rng, 10, 1.3))
        for name in _names(rng, 1_200)
    ]
    weights, visits = zipf(len(packages), 0.9), []
    for _ in range(VISITS_PER_FAMILY):
        visit = []
        for name, versions, page in rng.choices(packages, cum_weights=weights, k=rng.randrange(1, 6)):
            status = rng.choices((200, 304, 404), weights=(75, 22, 3))[0]
            if rng.random() < 0.6:
                visit.append(Request("GET", f"/npm/{name.replace('/', '%2f')}", "HTTP/1.1", status, page if status == 200 else 0))
            if rng.random() < 0.75 or not visit:
                path = f"/npm/{name}/-/{name.rpartition('/')[2]}-{rng.choice(versions)}.tgz"
                visit.append(Request("GET", path, "HTTP/1.1", 200, _size(rng, 10.5, 1.5)))
        visits.append(visit)
    return visits


def _helm_visits(rng: random.Random) -> list[list[Request]]:
    charts = [(name, [_version(rng) for _ in range(8)]) for name in _names(rng, 200)]
    weights, visits = zipf(len(charts), 0.9), []
    for name, versions in rng.choices(charts, cum_weights=weights, k=VISITS_PER_FAMILY):
        fresh = rng.random() < 0.6
        visit = [Request("GET", "/charts/index.yaml", "HTTP/1.1", 200 if fresh else 304, 181_442 if fresh else 0)]
        if rng.random() < 0.5:
            visit.append(Request("GET", f"/charts/{name}-{rng.choice(versions)}.tgz", "HTTP/1.1", 200, _size(rng, 9.8, 0.8)))
        visits.append(visit)
    return visits


def _generic_visits(rng: random.Random) -> list[list[Request]]:
    tools = [(name, [_version(rng) for _ in range(6)]) for name in _names(rng, 300)]
    weights, visits = zipf(len(tools), 0.9), []
    for name, versions in rng.choices(tools, cum_weights=weights, k=VISITS_PER_FAMILY):
        version, size = rng.choice(versions), _size(rng, 16, 0.9)
        place = rng.choice(("linux_amd64", "linux_arm64", "darwin_arm64", "windows_amd64"))
        path = f"/acme/{name}/releases/download/v{version}/{name}_{version}_{place}.tar.gz"
        status, sent = rng.choices(
            ((200, size), (301, 169), (206, size // 4), (304, 0), (404, 153), (499, size // 9)),
            weights=(70, 8, 9, 3, 7, 3),
        )[0]
        visits.append([Request("GET", path, "HTTP/1.1", status, sent)] * (3 if status == 206 else 1))
    return visits


def _browser_visits(rng: random.Random) -> list[list[Request]]:
    pages = ["/", "/docs/", "/docs/install.html", *(f"/browse/{name}" for name in _names(rng, 200))]
    return [
        [
            Request(
                "GET",
                rng.choice(pages),
                "HTTP/2.0",
                200,
                _size(rng, 9, 0.6),
                rng.choice(("-", "https://www.example.org/search?q=registry")),
            ),
            Request(
                "GET",
                rng.choice(("/favicon.ico", "/static/site.css", "/static/app.js")),
                "HTTP/2.0",
                rng.choice((200, 304, 404)),
                1406,
                "https://registry.example.org/",
            ),
        ]
        for _ in range(1_000)
    ]


def _bot_visits(rng: random.Random) -> list[list[Request]]:
    paths = ("/healthz", "/healthz", "/", "/robots.txt", "/v2/", "/.env", "/wp-login.php")
    return [
        [Request("GET", path, "HTTP/1.1", {"/.env": 404, "/wp-login.php": 404, "/v2/": 401}.get(path, 200), _size(rng, 5, 0.5))]
        for path in rng.choices(paths, k=1_000)
    ]


def make_visits(rng: random.Random) -> dict[str, list[list[Request]]]:
    """Draw the visits of every client family: family -> visits, each a list of requests in order."""
    pypi = _pypi_visits(rng)
    return {
        **_oci_visits(rng),
        "pip": pypi,
        "uv": pypi,
        "npm": _npm_visits(rng),
        "helm": _helm_visits(rng),
        "generic": _generic_visits(rng),
        "browser": _browser_visits(rng),
        "bot": _bot_visits(rng),
    }
