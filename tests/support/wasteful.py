"""Made-up traffic of a registry: careful clients, and such as waste requests in each way there is, above and below what is told of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pullstats.ids import write_id
from pullstats.metrics import Extent, Query
from pullstats.metrics.question import Question
from pullstats.metrics.questions.breakdown import Breakdown
from pullstats.reports import Report
from support.crowd import NOON, Row, ask_of, make_events, make_id, request

BEGIN = NOON - timedelta(hours=12)
DAYS = 4
DAY = 86_400.0
LAYER = 5_000_000


class Plot:
    """Requests that are being made up.

    Attributes:
        rows: those there are.
        chance: draws.
    """

    def __init__(self, seed: int) -> None:
        """Begin with none."""
        self.chance = random.Random(seed)
        self.rows: list[Row] = []
        self._people = 0

    def somebody(self) -> int:
        """Give a number nobody had: an origin with an address and a network of its own."""
        self._people += 100
        return self._people

    def add(self, at: float, who: int | None, **other: Any) -> None:
        """Add a request so many seconds after the beginning."""
        extra = {name: other.pop(name) for name in ("ci", "query", "agent", "release") if name in other}
        row = request(BEGIN + timedelta(microseconds=round(at * 1e6)), who, **other)
        self.rows.append(row | {"ci": None, "query": None, "agent": "made/1.0", "release": "1.0"} | extra)

    def manifest(self, at: float, who: int | None, method: str, image: str, reference: str, status: int = 200, **other: Any) -> None:
        """Ask for a manifest."""
        kind = "digest" if reference.startswith("sha256:") else "tag"
        given = {"path": f"/v2/{image}/manifests/{reference}", "package": image, "reference": reference, "kind": kind, "action": "manifest"}
        self.add(at, who, method=method, status=status, ecosystem="oci", **{"client": "podman", "size": 1234, **given, **other})

    def blob(self, at: float, who: int | None, image: str, name: str, **other: Any) -> None:
        """Ask for a blob."""
        given = {"path": f"/v2/{image}/blobs/sha256:{name}", "package": image, "reference": f"sha256:{name}", "kind": "digest", "action": "blob"}
        self.add(at, who, ecosystem="oci", counts=False, **{"client": "podman", "size": LAYER, **given, **other})

    def file(self, at: float, who: int | None, name: str, **other: Any) -> None:
        """Ask for a file."""
        self.add(at, who, **{"path": f"/files/{name}-1.0.whl", "package": name, "size": 1000, **other})


def around(chance: random.Random, number: float) -> int:
    """Draw a count near a threshold: some below, some above."""
    return max(1, round(number * chance.uniform(0.6, 1.8)))


def careful(plot: Plot) -> None:
    """Clients as they should be, or as nobody can blame: pulls, polls every five minutes, installs, a busy address, a few refusals."""
    chance = plot.chance
    for number in range(12):
        who, at = plot.somebody(), chance.uniform(0, DAY)
        image = f"acme/app{number % 4}"
        plot.add(at, who, path="/v2/", status=401, action="ping", ecosystem="oci", package=None, reference=None, kind=None, counts=False)
        plot.manifest(at + 1, who, "HEAD", image, "1.0", client="docker")
        plot.manifest(at + 1.2, who, "GET", image, "sha256:aa", client="docker")
        plot.manifest(at + 1.4, who, "GET", image, "sha256:bb", client="docker", size=900)
        for layer in range(3):
            plot.blob(at + 2 + layer, who, image, f"{number % 4}{layer}", client="docker")
        for later in range(chance.randrange(200)):
            plot.manifest(at + 300 * (later + 1) + chance.uniform(-5, 5), who, "HEAD", image, "1.0", client="docker")
    for number in range(30):
        who, at = plot.somebody(), chance.uniform(0, DAYS * DAY)
        plot.add(at, who, path=f"/simple/p{number % 9}/", action="metadata", package=f"p{number % 9}", counts=False, reference=None, kind=None)
        plot.file(at + 1, who, f"p{number % 9}", ci=chance.choice([None, True]))
        plot.file(at + 3, who, "missing", status=404)
    busy, at = plot.somebody(), 0.0
    for _ in range(600):  # many people behind one address: often, and not evenly
        at += chance.expovariate(1 / 15)
        plot.manifest(at, busy, "HEAD", "acme/app0", "latest", client="docker")


def gets_what_it_has(plot: Plot) -> None:
    """Ask by GET every five minutes for what is there, sometimes for what is new."""
    for redirects in (False, True):
        who, chance, known = plot.somebody(), plot.chance, 0
        image = f"acme/had{redirects:d}"
        for number in range(around(chance, 22)):
            at = number * 300 + chance.uniform(0, 20)
            is_new = chance.random() < 0.2
            known += is_new
            plot.manifest(at, who, "GET", image, "latest", size=1234 + known % 2)
            plot.manifest(at + 0.3, who, "GET", image, f"sha256:{known}", size=1000)
            plot.blob(at + 0.6, who, image, f"config{known}", size=3000)
            if is_new or chance.random() < 0.1:
                plot.blob(
                    at + chance.choice([1, 59, 62]), who, image, f"layer{known}", status=307 if redirects else 200, size=0 if redirects else LAYER
                )


def prunes(plot: Plot) -> None:
    """Pull the whole image again and again, as builds without a cache do: no manifest is needless."""
    who = plot.somebody()
    for number in range(40):
        plot.manifest(number * 600, who, "GET", "acme/pruned", "latest")
        plot.blob(number * 600 + 1, who, "acme/pruned", "a")


def hides_layers(plot: Plot) -> None:
    """Pull through a gateway whose log shows no layers: nobody can tell whether they were fetched."""
    who = plot.somebody()
    for number in range(60):
        plot.manifest(number * 600, who, "GET", "acme/gateway", "latest", status=307)


def fetches_twice(plot: Plot) -> None:
    """Fetch the manifest twice for most pulls."""
    for _ in range(3):
        who, chance = plot.somebody(), plot.chance
        for number in range(around(chance, 7)):
            at = number * 3600 + chance.uniform(0, 1000)
            plot.manifest(at, who, "GET", "acme/twice", f"{number}", client="cri-o")
            if chance.random() < 0.8:
                plot.manifest(at + chance.choice([0.5, 2, 4.9, 5.1]), who, "GET", "acme/twice", f"{number}", client="cri-o")
            plot.manifest(at + 6, who, "GET", "acme/twice", f"sha256:{number}", client="cri-o")


def polls_fast(plot: Plot) -> None:
    """Ask for one thing every some seconds, evenly or not, by HEAD or GET, for some minutes."""
    chance = plot.chance
    for _ in range(8):
        who, at, every = plot.somebody(), chance.uniform(0, DAY), chance.choice([2, 10, 30, 55, 61])
        method, spread = chance.choice(["GET", "HEAD"]), chance.choice([0.02, 0.3, 0.9])
        for _ in range(around(chance, 900 / every) + chance.randrange(12)):
            plot.manifest(at, who, method, "acme/poll", "latest", status=chance.choice([200, 200, 404]))
            at += max(every * chance.uniform(1 - spread, 1 + spread), 0.001)


def loops(plot: Plot) -> None:
    """Go on after refusals: with pauses, other answers in between, under another name."""
    chance = plot.chance
    for status in (401, 404, 429):
        for _ in range(4):
            who, at = plot.somebody(), chance.uniform(0, DAY)
            for _ in range(around(chance, 70)):
                # Who is let in is somebody else, on the same address with the same client.
                other = chance.random() < 0.03
                given: dict[str, Any] = {"status": 200 if other else status, "client": "docker"}
                path: dict[str, Any] = {} if status == 404 or chance.random() < 0.9 else {"path": f"/v2/acme/none/manifests/{chance.randrange(3)}"}
                plot.manifest(at, who + 1 if other and status == 401 else who, "HEAD", "acme/none", "1.0", **given, **path)
                at += chance.choice(
                    [1, 30, 300, 300, 600, 600.5 if chance.random() < 0.2 else 5]
                    if status != 429
                    else [1, 5, 60, 60.5 if chance.random() < 0.2 else 5]
                )


def reads_all(plot: Plot) -> None:
    """Fetch an index every hour, in pages or whole; look through all packages every hour."""
    chance = plot.chance
    for pages in (1, 3):
        who = plot.somebody()
        for hour in range(24 * DAYS):
            for page in range(pages if chance.random() < 0.65 else 0):
                query = f"last={page}" if pages > 1 else None
                status = chance.choice([200, 200, 200, 200, 304])
                plot.add(
                    hour * 3600 + chance.uniform(0, 3000),
                    who,
                    path="/v2/_catalog",
                    query=query,
                    status=status,
                    action="index",
                    ecosystem="oci",
                    package=None,
                    reference=None,
                    kind=None,
                    counts=False,
                    size=70_000,
                )
    who = plot.somebody()
    for hour in range(24 * 2):
        for number in range(chance.choice([19, 25, 40])):
            at = hour * 3600 + chance.uniform(0, 3500)
            plot.add(at, who, path=f"/simple/q{number}/", action="metadata", package=f"q{number}", reference=None, kind=None, counts=False)


def builds(plot: Plot) -> None:
    """Download the same files in builds on fresh addresses of a network."""
    chance = plot.chance
    for client in ("pip", "uv"):
        base = plot.somebody()
        for _ in range(60):
            for name in ("numpy", "scipy"):
                if chance.random() < 0.5:
                    plot.file(chance.uniform(0, 3 * DAY), base + chance.randrange(100), name, client=client, ci=chance.choice([True, True, None]))


def never_has_it(plot: Plot) -> None:
    """Begin and resume, cut off each time; others in parts, side by side, or with luck in the end."""
    chance = plot.chance
    plot.file(1, plot.somebody(), "big", size=100_000)
    for number in range(8):
        who, name = plot.somebody(), chance.choice(["big", "big", "unseen"])
        at = chance.uniform(0, DAY)
        for _ in range(around(chance, 14)):
            status = chance.choice([200, 206, 206, 499])
            sent = {200: 20_000, 206: chance.choice([2_000, 90_000] if number % 4 == 0 else [2_000, 3_000]), 499: 0}[status]
            if name == "unseen" and number % 2:
                status = 499
            plot.file(at, who, name, status=status, size=sent)
            at += chance.choice([20, 599, 600, 601, 4000])
    parts = plot.somebody()
    for number in range(12):
        plot.file(number * 5000, parts, "big", status=200, size=25_000)
        for piece in range(3):
            plot.file(number * 5000 + piece, parts, "big", status=206, size=25_000)


def is_redirected(plot: Plot) -> None:
    """Pull and build through a redirect to the same path: each request is followed by that of where it leads."""
    who = plot.somebody()
    for number in range(40):
        for status in (308, 200):
            plot.manifest(number * 3600 + (status == 200), who, "GET", "acme/moved", f"{number}", status=status)
            plot.file(number * 30_000 + (status == 200), who + number, "moved", status=status, ci=True)


WASTEFUL: tuple[Callable[[Plot], None], ...] = (
    *(gets_what_it_has, prunes, hides_layers, fetches_twice, polls_fast, loops, reads_all, builds, never_has_it, is_redirected),
)


def make_traffic(seed: int, *parts: Callable[[Plot], None]) -> list[Row]:
    """Make requests up; with some of nobody's. Each has its place in the log."""
    plot = Plot(seed)
    careful(plot)
    for part in parts:
        part(plot)
    for number in range(40):
        plot.manifest(number, None, "GET", "acme/app0", "latest")
    return number_requests(plot.rows)


def number_requests(rows: list[Row]) -> list[Row]:
    """Put requests in order of time, and give each its place in the log."""
    ordered = sorted(rows, key=lambda row: row["time"])
    return [row | {"offset": 1000 * number, "log": 0, "origin": row["who"]} for number, row in enumerate(ordered)]


def build_events(rows: list[Row]) -> pl.DataFrame:
    """Build the events of made-up rows."""
    more = {"is_ci": "ci", "url_query": "query", "user_agent_original": "agent", "user_agent_version": "release"}
    events = make_events(rows)
    return events.with_columns(pl.Series(column, [row[name] for row in rows], dtype=events.schema[column]) for column, name in more.items())


def ask_events(question: Callable[..., Question], rows: list[Row], *given: Any, named: dict[str, Any] | None = None, **options: Any) -> Report:
    """Ask a question of made-up rows; of their downloads, over all time and in full, if nothing else is said.

    Args:
        question: makes it of a query and what is given.
        rows: the requests.
        given: what the question takes besides.
        named: the same, by name.
        options: of the query.
    """
    frame = build_events(rows)

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    times = [row["time"] for row in rows]
    extent = Extent(min(times, default=None), max(times, default=None), None, len(rows))
    query = Query(**{"metrics": ("downloads",), "window": "all", "limit": 0, "is_shifting": False, **options})
    return ask_of(question(query, *given, **(named or {})), scan, extent, max(times, default=BEGIN))


def mark_builds(rows: list[Row]) -> list[Row]:
    """Let the requests of an origin for a package be in CI where that is its class, whatever they say: what a second opinion on waste does not judge."""
    found = ask_events(Breakdown, rows, dimensions=("origin", "package", "class"), metrics=("requests",)).frame
    builds = {*found.filter(pl.col("class") == "ci").select("origin", "package").rows()}
    ids = {who: write_id(make_id({"who": who}, "origin") or 0) for who in {row["who"] for row in rows}}
    return [row | {"ci": row["ci"] or (row["who"] is not None and (ids[row["who"]], row["package"]) in builds)} for row in rows]


def each(rows: list[Row], *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """Give the rows of each owner, in order; owners of whom a name is not known are none."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    for owner, owned in found.items():
        if None not in owner[:1]:
            yield owner, sorted(owned, key=lambda row: (row["time"], row["offset"]))
