"""`versions --would-miss` and `--echo`: who would notice, and what machines took of releases, as counted in plain Python."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.ids import write_ids
from pullstats.metrics import Breakdown, Extent, Query
from pullstats.metrics.question import Question
from pullstats.metrics.questions.release_echo import ReleaseEcho
from pullstats.metrics.questions.would_miss import METRICS, WouldMiss
from pullstats.metrics.time.releases import Release
from pullstats.metrics.versions.echoes import ECHOING
from pullstats.reports import Report
from support.crowd import NOON, Row, ask_of, make_events, make_id, manifest
from support.effort import SOAK, some
from support.oracle import find_downloads_2, with_releases
from support.released import DAY, World, answered, as_read, make_life

HOUR = timedelta(hours=1)
KINDS = {"mirror": "mirror", "trivy": "scanner", "watchtower": "update-poller", "googlebot": "bot", "drone": "ci"}


def ask(question: Question, rows: list[Row]) -> Report:
    """Ask about rows of which some are of machines, as `KINDS` of their clients say."""
    kinds = pl.Series("user_agent_kind", [KINDS.get(row["client"]) for row in rows], dtype=pl.String)
    frame = make_events(rows).with_columns(kinds, pl.Series("is_ci", [row["client"] == "drone" or None for row in rows], dtype=pl.Boolean))

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy().filter(pl.col("timestamp") >= start) if start else frame.lazy()
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    times = [row["time"] for row in rows]
    return ask_of(question, scan, Extent(min(times, default=None), max(times, default=None), None, len(rows)), max(times, default=NOON))


def query(*metrics: str, **options: Any) -> Query:
    given: dict[str, Any] = {"window": "all", "limit": 0, "is_shifting": False} | options
    return Query(metrics=metrics or ("downloads",), **given)


def flat(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def make_world(seed: int) -> World:
    """A life of an image, and machines of each kind that take each release within hours, some of them again later."""
    world, chance = make_life(seed, people=1500 if SOAK else 30), random.Random(seed)
    for number, client in enumerate(KINDS):
        for who in range(3000 + 1000 * number, 3003 + 1000 * number):
            for version, moment in list(world.moments.items())[1:]:
                times = [moment + HOUR * chance.uniform(0.1, 30), *([moment + DAY * chance.uniform(2, 20)] if chance.random() < 0.5 else [])]
                world.rows += [manifest(time.replace(microsecond=0), who, "GET", version, client=client) for time in times]
    world.rows.sort(key=lambda row: row["time"])
    return world


def find_classes(rows: list[Row]) -> dict[int | None, str]:
    """Give the class of each origin, as a report tells it."""
    frame = ask(Breakdown(query("requests", dimensions=("origin", "class"))), rows).frame
    told = dict(frame.select("origin", "class").rows())
    ids = {row["who"]: make_id(row, "origin") for row in rows}
    return {
        who: told[pl.Series([number], dtype=pl.Int64).to_frame("id").select(write_ids(pl.col("id"))).item()] for who, number in ids.items() if number
    }


@pytest.mark.parametrize("seed", some(range(10)))
def test_echo_and_demand_are_as_counted_by_other_means(seed: int) -> None:
    world = make_world(seed)
    classes = find_classes(world.rows)
    assert len({*ECHOING} & {*classes.values()}) >= 3  # else there would be little to tell
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for row in find_downloads_2(with_releases(as_read(world.rows))):
        version, kind = row["release"], classes[row["who"]]
        at, time = world.moments[version].replace(second=0), row["time"].replace(second=0)
        is_echo = version != "1.0.0" and at <= time < at + 12 * HOUR and kind in ECHOING
        expected[version].update(["downloads", *(["echo", kind] if is_echo else ["demand"])])
    report = ask(ReleaseEcho(query(releases=world.releases), 12), world.rows)
    names = ("downloads", "demand", "echo", *ECHOING)
    assert {row["release"]: {name: row[name] for name in names if row[name]} for row in flat(report)} == {
        one: dict(counts) for one, counts in expected.items()
    }
    echo, demand = (sum(counts[name] for counts in expected.values()) for name in ("echo", "demand"))
    assert report.meta["totals"] == {"downloads": echo + demand, "echo": echo, "demand": demand}
    assert report.headline.startswith(f"demand: {demand:,} downloads; {echo:,} more (")


def test_where_no_machine_took_a_release_in_time_there_is_no_echo() -> None:
    world = make_life(3, people=8)
    machines = make_world(3).rows
    assert "demand: " in ask(ReleaseEcho(query(releases=world.releases)), machines).headline
    late = tuple(Release(one.version, one.moment - 3 * DAY) for one in world.releases)
    assert ", none of them the echo of a release" in ask(ReleaseEcho(query(releases=late), 1), machines).headline
    early = [row for row in machines if row["time"] < NOON + 7 * DAY]
    told = ask(ReleaseEcho(query()), early)
    assert "no release came out in this window, as far as is known, so there is no echo of one (--releases)" in told.meta["warnings"]


@pytest.mark.parametrize("seed", some(range(10)))
@pytest.mark.parametrize("version", ["1.10.0", "v2.0.0", "latest"])
def test_who_would_miss_a_version_is_as_counted_by_other_means(seed: int, version: str) -> None:
    world = make_world(seed)
    digest = "sha256:" + "a" * 64
    end = world.rows[-1]["time"]
    world.rows += [manifest(end - day * DAY, 42_000 + who, "GET", name) for day, who in ((1, 1), (40, 2)) for name in ("latest", digest)]
    world.rows += [manifest(end - 2 * DAY, 42_003, "GET", name) for name in ("1.10.0", digest)]
    world.rows.sort(key=lambda row: row["time"])
    classes, bare = find_classes(world.rows), version.removeprefix("v")
    named = with_releases(as_read(world.rows))
    since = max(row["time"] for row in world.rows) + timedelta(microseconds=1) - 25 * DAY

    def is_it(row: Row) -> bool:
        return row["time"] >= since and bool({row["release"], row["reference"]} & {bare, f"v{bare}"})

    expected: dict[Any, list[Any]] = defaultdict(lambda: [set(), 0, 0])
    for row in filter(is_it, answered(named)):
        mine = expected[row["package"], classes[row["who"]], row["org"]]
        mine[0].add(row["who"])
        mine[1] += 1
    for row in filter(is_it, find_downloads_2(named)):
        expected[row["package"], classes[row["who"]], row["org"]][2] += 1
    report = ask(WouldMiss(query(*METRICS), version, 25), world.rows)
    found = {(row["package"], row["class"], row["org"]): [row["origins"], row["requests"], row["downloads"]] for row in flat(report)}
    assert found == {key: [len(people), asked, taken] for key, (people, asked, taken) in expected.items()}
    everybody = len({who for people, *_ in expected.values() for who in people})
    assert report.headline.startswith(f"{everybody:,} origin{'s' if everybody > 1 else ''} of ")
    assert f" asked for {version} in the last 25 days (" in report.headline


def test_what_nobody_asked_for_nobody_would_miss() -> None:
    rows = make_life(1, people=5).rows
    for version in ("9.9.9", "nowhere", "other@1.10.0", "x' or 1=1"):  # 9.9.9 was asked for and not found
        report = ask(WouldMiss(query(*METRICS), version), rows)
        assert report.headline == f"nobody asked for {version} in the last 30 days and was answered"
        assert report.frame.height == 0
    assert "of 1 network owner asked for acme/app@2.0.0" in ask(WouldMiss(query(*METRICS), "acme/app@2.0.0", 60), make_life(2).rows).headline
    with pytest.raises(UsageError, match="--would-miss names no version"):
        ask(WouldMiss(query(*METRICS), " "), rows)
    short = ask(WouldMiss(query(*METRICS), "1.0.0"), [manifest(NOON, 1, "GET", "1.0.0"), manifest(NOON + DAY, 1, "GET", "1.0.0")])
    assert "these logs hold less than 30 days before the end: who asked before they begin is not known" in short.meta["warnings"]
