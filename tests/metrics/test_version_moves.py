"""`versions --lag`, `--stuck` and `--adoption`: as followed in plain Python over made-up lives of packages, and estimates that hold."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.metrics import Extent, Query
from pullstats.metrics.questions.version_adoption import VersionAdoption
from pullstats.metrics.questions.version_lag import VersionLag
from pullstats.metrics.time.releases import Release
from pullstats.metrics.versions.survival import find_quantile, follow
from pullstats.reports import Report
from support.crowd import NOON, Row, ask, ask_of, make_events, make_id, request
from support.effort import SOAK, some
from support.oracle import find_downloads_2, with_releases
from support.released import DAY, VERSIONS, World, answered, as_read, make_life

TICK = timedelta(microseconds=1)


def flat(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def lag(rows: list[Row], *given: Any, **options: Any) -> Report:
    return ask(VersionLag, rows, *given, **{"metrics": ("downloads",), **options})


def adoption(rows: list[Row], release: str | None = None, **options: Any) -> Report:
    return ask(VersionAdoption, rows, release, **{"metrics": ("downloads",), **options})


def make_world(seed: int, *, images: bool) -> World:
    return make_life(seed, people=1800 if SOAK else 45, images=images)


# Lags


def follow_people(world: World, version: str, active: int) -> list[tuple[float, bool, datetime, int]]:
    """In plain Python: days until each moved (True), or until it was last seen (False); the last request, and whose."""
    at, place = world.moments[version].replace(second=0), VERSIONS.index(version)
    seen: dict[int, list[tuple[datetime, int]]] = {}
    for row in answered(with_releases(as_read(world.rows))):
        if row["release"] in VERSIONS:
            seen.setdefault(row["who"], []).append((row["time"], VERSIONS.index(row["release"])))
    found = []
    for who, asks in seen.items():
        newer = [time for time, rank in asks if rank >= place]
        before = [time for time, rank in asks if rank < place and at - active * DAY <= time < at]
        if not before or (newer and min(newer) < at):
            continue
        last = max(time for time, _ in asks)
        end = min(newer) if newer else last
        found.append((max((end - at) // timedelta(seconds=1), 0) / 86_400, bool(newer), last, who))
    return found


def median_of(people: list[tuple[float, bool, datetime, int]], part: float) -> float | None:
    """Kaplan and Meier, person by person."""
    left, times = 1.0, sorted({days for days, moved, *_ in people if moved})
    for time in times:
        risk = sum(days >= time for days, *_ in people)
        left *= 1 - sum(moved and days == time for days, moved, *_ in people) / risk
        if left <= 1 - part + 1e-9:
            return time
    return None


@pytest.mark.parametrize("seed", some(range(12)))
def test_lags_are_as_followed_person_by_person(seed: int) -> None:
    world = make_world(seed, images=bool(seed % 2))
    report = lag(world.rows, 14, releases=world.releases)
    end = max(row["time"] for row in world.rows) + TICK
    told = {row["release"]: row for row in flat(report)}
    assert list(told) == ["2.0.0", "1.10.0", "1.9.0"]
    for version, row in told.items():
        people = follow_people(world, version, 14)
        stuck = [who for _, moved, last, who in people if not moved and last >= end - 14 * DAY]
        moved = sum(one[1] for one in people)
        assert (row["origins"], row["moved"], row["stuck"]) == (len(people), moved, len(stuck))
        assert row["gone"] == len(people) - moved - len(stuck)
        for name, part in (("median_days", 0.5), ("p90_days", 0.9)):
            expected = median_of(people, part)
            assert row[name] == (None if expected is None else pytest.approx(expected))
        listed = lag(world.rows, 14, version, releases=world.releases)
        assert {row["origin"] for row in flat(listed)} == {f"{make_id({'who': who}, 'origin') % 2**64:016x}" for who in stuck}  # type: ignore[operator]
        assert listed.frame["origins"].sum() == len(stuck)


def test_a_median_lies_in_its_interval_nineteen_times_in_twenty() -> None:
    """Over 400 worlds of 60 people each, of whom a part is lost from sight."""
    hits = 0
    for seed in range(400):
        chance = random.Random(seed)
        times = [(min(move := chance.expovariate(0.2), lost := chance.expovariate(0.08)), move <= lost) for _ in range(60)]
        _, low, high = find_quantile(follow(times), 0.5)
        truth = math.log(2) / 0.2
        hits += low is not None and low <= truth and (high is None or truth < high)
    assert 0.92 <= hits / 400 <= 0.98


def test_half_is_a_sentence_only_where_half_had_moved() -> None:
    old = [request(NOON + hour * timedelta(hours=1), hour, path="/old", reference="1.0") for hour in range(4)]
    listed = (Release("1.1", NOON + DAY),)
    new = [request(NOON + (1 + days) * DAY, who, path="/new", reference="1.1") for who, days in ((0, 1), (1, 3))]
    rest = [request(NOON + 10 * DAY, who, path="/old", reference="1.0") for who in (2, 3)]
    moved = lag([*old, *new, *rest], 5, releases=listed).headline
    assert moved == "half of the 4 origins on a version before 1.1 had moved to it or a newer one after 3.0 days; 2 are stuck, 0 not seen again"
    assert lag([*old, new[0], *rest], 5, releases=listed).headline == (
        "fewer than half of the 4 origins on a version before 1.1 were seen to move to it or a newer one; 2 are stuck, 1 not seen again"
    )
    nobody = lag(new, 5, releases=listed)
    assert nobody.headline == ""
    assert "no release in this window came out while somebody was on an older version" in nobody.meta["warnings"]
    stuck = lag([*old, *new, *rest], 5, "v1.1", releases=listed)
    assert stuck.headline == "2 of 4 origins that were on a version before 1.1 are still there; 2 moved, 0 were not seen again"


# Adoption


@pytest.mark.parametrize("seed", some(range(12)))
def test_adoption_is_as_counted_day_by_day(seed: int) -> None:
    world = make_world(seed, images=bool(seed % 2))
    last = max(row["time"] for row in world.rows) + TICK
    taken = [(row["time"].replace(second=0, microsecond=0), row["release"]) for row in find_downloads_2(with_releases(as_read(world.rows)))]
    rows = flat(adoption(world.rows, releases=world.releases))
    assert {row["release"] for row in rows} == {"1.9.0", "1.10.0", "2.0.0"}
    for version in ("1.9.0", "1.10.0", "2.0.0", "2.0.0-rc.1"):
        at, place = world.moments[version].replace(second=0), VERSIONS.index(version)
        week = Counter(release for time, release in taken if at - 7 * DAY <= time < at and VERSIONS.index(release) < place)
        old = max(week, key=lambda release: (week[release], VERSIONS.index(release)))
        every = sum(at - 7 * DAY <= time < at for time, _ in taken)
        expected, reached, half = [], dict.fromkeys((0.1, 0.5, 0.9)), None
        for day in range((last - at) // DAY):
            inside = [release for time, release in taken if at + day * DAY <= time < at + (day + 1) * DAY]
            newer, still = sum(VERSIONS.index(one) >= place for one in inside), inside.count(old)
            expected.append((day + 1, len(inside), newer, still))
            for part in reached:
                if inside and newer / len(inside) >= part and reached[part] is None:
                    reached[part] = day + 1
            if inside and still / len(inside) <= week[old] / every / 2 and half is None:
                half = day + 1
        report = adoption(world.rows, version, releases=world.releases)
        assert [(row["day"], row["downloads"], row["newer"], row["old"]) for row in flat(report)] == expected
        told = report.meta["adoption"]
        assert (told["day_of_10"], told["day_of_50"], told["day_of_90"], told["half_life"]) == (*reached.values(), half)
        assert told["old_version"] == old
        assert ("on day" in report.headline) == (reached[0.5] is not None)
        if version != "2.0.0-rc.1":
            assert [(row["day"], row["downloads"], row["newer"], row["old"]) for row in rows if row["release"] == version] == expected


def test_a_window_may_begin_with_the_release_and_a_limit_cuts_days_off() -> None:
    world = make_life(4, people=12)
    whole = adoption(world.rows, "1.10.0", releases=world.releases)
    after = adoption(world.rows, "1.10.0", releases=world.releases, window="14d after 1.10.0")
    assert [row["newer"] for row in flat(after)] == [row["newer"] for row in flat(whole)][:14]
    assert after.meta["adoption"]["old_version"] is None
    cut = adoption(world.rows, "1.10.0", releases=world.releases, limit=5)
    assert cut.frame.height == 5
    assert f"these are the first 5 of {whole.frame.height} days (--limit 0 shows all)" in cut.meta["warnings"]
    assert not [text for text in whole.meta["warnings"] if "--limit 0" in text]


def test_several_packages_have_a_sentence_of_their_releases() -> None:
    """False where none came to half, and of one package, which has a sentence of its own."""
    old = [request(NOON + hour * timedelta(hours=1), hour, path=f"/{hour}", reference="1.0", package=name) for hour in range(6) for name in "fg"]
    new = [request(NOON + (8 + who) * DAY, who, path=f"/new{who}", reference="1.1", package="f") for who in range(5)]
    late = [request(NOON + (9 + who) * DAY, who, path=f"/old{who}", reference="1.0", package="g") for who in range(5)]
    rest = [request(NOON + 9 * DAY, 9, path="/g", reference="1.1", package="g")]
    rows, listed = [*old, *new, *late, *rest], (Release("1.1", NOON + 7 * DAY),)
    assert (
        adoption(rows, releases=listed).headline == "of 2 releases of 2 packages 2 made up half of a day's downloads or more, in the middle on day 2"
    )
    assert adoption([*old, *late, rest[0] | {"time": NOON + 13 * DAY}], releases=listed).headline.startswith("1.1 and newer made up half of no day's")
    told = lag(rows, 30, releases=listed).headline
    assert told == "to 1 of 2 releases of 2 packages or newer ones half of those on a version before had moved, in the middle after 3.0 days"
    few = lag([*old, rest[0] | {"package": "f"}, *(row | {"package": "f"} for row in late), *late, *rest], 30, releases=listed).headline
    assert few == "to none of 2 releases of 2 packages had half of those on a version before moved"


def test_where_half_was_not_reached_nothing_says_so() -> None:
    rows = [request(NOON + hour * timedelta(hours=6), hour, path=f"/{hour}", reference="1.0") for hour in range(60)]
    rows += [request(NOON + 10 * DAY, 99, path="/new", reference="1.1")]
    listed = (Release("1.1", NOON + 9 * DAY),)
    told = adoption(rows, "1.1", releases=listed).headline
    assert told == "1.1 and newer made up half of no day's downloads in 5 days since 2025-03-12 12:00 UTC; the share of 1.0 has not halved"
    rows = [row for row in rows if row["reference"] == "1.1" or row["time"] < NOON + 9 * DAY] + [
        request(NOON + 13 * DAY, 3, path="/1.1", reference="1.1")
    ]
    told = adoption(rows, "1.1", releases=listed).headline
    assert told == "1.1 and newer made up half of a day's downloads or more on day 2 since 2025-03-12 12:00 UTC; the share of 1.0 had halved by day 2"


def test_a_date_is_first_seen_only_where_it_could_have_been_seen_before() -> None:
    rows = [request(NOON, 1, path="/a", reference="1.0"), request(NOON + 6 * DAY, 1, path="/b", reference="1.1")]
    rows += [request(NOON + 9 * DAY, 1, path="/c", reference="1.2"), request(NOON + 12 * DAY, 1, path="/d", reference="1.2")]
    report = adoption(rows)
    assert {(row["release"], row["told_by"]) for row in flat(report)} == {("1.2", "first seen")}
    assert "dates that no list tells are those of the first request in these logs (--releases names better ones)" in report.meta["warnings"]
    listed = (Release("1.1", NOON + 2 * DAY), Release("1.3", NOON + 3 * DAY), Release("9.0", NOON + 99 * DAY))
    report = adoption(rows, releases=listed)
    assert {(row["release"], row["told_by"]) for row in flat(report)} == {("1.2", "first seen"), ("1.1", "list")}
    assert {"1.3 are listed, but nobody asked for them here", "9.0 came out after these logs end"} <= {*report.meta["warnings"]}


def adopted_in_log(rows: list[Row]) -> Report:
    """Ask of one log that is known, so that it can be told when it was silent."""
    frame, ends = make_events(rows), {"first": rows[0]["time"], "last": rows[-1]["time"]}
    sources = pl.DataFrame({"source_id": "log", "name": "access.log"} | ends, schema_overrides=dict.fromkeys(ends, pl.Datetime("us", "UTC")))

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy().filter(pl.col("timestamp") >= start) if start else frame.lazy()
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    question = VersionAdoption(Query(metrics=("downloads",), window="all", is_shifting=False))
    return ask_of(question, scan, Extent(ends["first"], ends["last"], sources, len(rows)), ends["last"])


def test_what_is_first_seen_after_a_silence_of_the_logs_may_be_older() -> None:
    """Twenty requests an hour, then three days of nothing, then the same with a version that was not seen before."""
    hours = [hour for hour in range(24 * 30) if not 24 * 15 <= hour < 24 * 18]
    versions = [("1.0" if hour < 24 * 15 else "1.1" if hour < 24 * 27 else "1.2", hour) for hour in hours]
    rows = [
        request(NOON + timedelta(hours=hour, minutes=3 * one), one, path=f"/{version}", reference=version)
        for version, hour in versions
        for one in range(20)
    ]
    report = adopted_in_log(rows)
    assert any(text.startswith("gap: ") for text in report.meta["warnings"])
    assert {row["release"] for row in flat(report)} == {"1.2"}
    whole = [request(NOON + timedelta(hours=hour), 1, path="/1.0", reference="1.0") for hour in range(24 * 15, 24 * 18)]
    spoken = sorted(
        [*rows, *whole, *(row | {"time": row["time"] + 72 * timedelta(hours=1)} for row in rows if NOON + 12 * DAY <= row["time"] < NOON + 15 * DAY)],
        key=lambda row: row["time"],
    )
    assert {row["release"] for row in flat(adopted_in_log(spoken))} == {"1.1", "1.2"}


def test_a_release_that_cannot_be_followed_is_refused_in_a_sentence() -> None:
    rows = [request(NOON + day * DAY, 1, path=f"/{day}", reference="1.0", package=name) for day in (0, 9) for name in ("f", "g")]
    rows += [request(NOON + 8 * DAY, 1, path="/x", reference="1.1", package=name) for name in ("f", "g")]
    for version, told in (
        ("1.0", "when 1.0 came out is not known"),
        ("7", "nobody asked for a version '7' in this window"),
        ("1.1", "several packages have a version 1.1: write f@1.1, g@1.1"),
    ):
        with pytest.raises(UsageError, match=told):
            adoption(rows, version)
        with pytest.raises(UsageError, match=told):
            lag(rows, 30, version)
    assert adoption(rows, "g@1.1").meta["adoption"]["package"] == "g"
    assert adoption([]).frame.height == 0
    assert lag([request(NOON, 1)]).frame.height == 0
    digests = [request(NOON + day * DAY, 1, kind="digest", reference="sha256:" + "a" * 64) for day in (0, 9)]
    assert "no release came out a day or more before the end of these logs, as far as is known (--releases)" in adoption(digests).meta["warnings"]
