"""`versions`: shares, who is active on what, and which version is newer, as counted in plain Python over made-up lives of packages."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest

from pullstats.errors import UsageError
from pullstats.metrics.questions.versions import Versions
from pullstats.reports import Report
from support.crowd import NOON, Row, ask, make_id, manifest, request
from support.effort import SOAK, some
from support.oracle import find_downloads_2, with_releases
from support.released import DAY, VERSIONS, answered, as_read, make_life

DIGESTS = ["sha256:" + letter * 64 for letter in "abcdef"]


def versions(rows: list[Row], *given: Any, **options: Any) -> Report:
    return ask(Versions, rows, *given, **{"metrics": ("downloads",), **options})


def rows_of(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def count(rows: list[Row], active: int, until: Any) -> dict[Any, tuple[Any, ...]]:
    """Count in plain Python: downloads, requests, askers and active askers of each version, with the share of its package's downloads."""
    named = with_releases(as_read(rows))
    downloads = Counter((row["ecosystem"], row["package"], row["release"]) for row in find_downloads_2(named))
    asks = defaultdict(list)
    for row in answered(named):
        asks[row["ecosystem"], row["package"], row["release"]].append(row)
    whole: Counter[Any] = Counter()
    for (ecosystem, package, _), value in downloads.items():
        whole[ecosystem, package] += value
    found = {}
    for key in {*downloads, *asks}:
        if not downloads[key] and key[2] is None:
            continue
        people = {make_id(row, "origin") for row in asks[key]} - {None}
        alive = {make_id(row, "origin") for row in asks[key] if row["time"] >= until - active * DAY} - {None}
        taken = whole[key[:2]]
        found[key] = (downloads[key], downloads[key] / taken if taken else None, len(asks[key]), len(people), len(alive))
    return found


def make_mixed(seed: int) -> list[Row]:
    """A life of an image and one of a Python package, tags that float, digests, and people without an address."""
    image, wheel = make_life(seed), make_life(seed + 1000, people=15, images=False)
    rows = [*image.rows, *wheel.rows]
    for number, digest in enumerate(DIGESTS):
        time = NOON + (3 + 9 * number) * DAY
        rows += [manifest(time, 5000 + number, "GET", reference) for reference in (VERSIONS[number % 5], digest)] if number < 4 else []
        rows += [
            manifest(time + DAY, 5100, "GET", "latest"),
            manifest(time + DAY, 5100, "GET", digest),
            manifest(time + 2 * DAY, None, "GET", "latest"),
        ]
    return sorted(rows, key=lambda row: row["time"])


@pytest.mark.parametrize("seed", some(range(10)))
def test_shares_and_who_is_active_are_as_counted_by_other_means(seed: int) -> None:
    rows = make_mixed(seed) if not SOAK else [*make_mixed(seed), *make_life(seed + 50, people=1500, days=70).rows]
    rows.sort(key=lambda row: row["time"])
    report = versions(rows, 20)
    until = max(row["time"] for row in rows) + timedelta(microseconds=1)
    expected = count(rows, 20, until)
    found = {
        (row["ecosystem"], row["package"], row["release"]): tuple(
            row[name] for name in ("downloads", "downloads_share", "requests", "origins", "active")
        )
        for row in rows_of(report)
    }
    assert found == expected
    cut = versions(rows, 20, limit=3)
    *shown, other = rows_of(cut)
    assert len(shown) == 3
    assert sum(row["downloads"] for row in (*shown, other)) == sum(row[0] for row in expected.values())
    assert cut.meta["other_row"] == 3
    few = versions(rows, 20, memory=1_000_000)
    assert rows_of(few) == rows_of(report)


@pytest.mark.parametrize(
    ("where", "packages"),
    [
        ("package=acme/app", {"acme/app"}),
        ("ecosystem=oci", {"acme/app"}),
        ("ecosystem!=oci", {"f"}),
        ("not (package=f) and action is not null", {"acme/app"}),
        ("(package=f or package=acme/app)", {"f", "acme/app"}),
        ("package=f or action is null", {"f"}),
    ],
)
def test_what_is_asked_of_some_packages_alone_is_what_is_told_of_them_among_all(where: str, packages: set[str]) -> None:
    """Names and pulls of other packages are left out before they are looked at, where a filter asks of nothing but the package."""
    rows, told = make_mixed(2), ("release", "kind", "downloads", "requests", "origins", "active", "first_seen", "last_seen")
    for rule in ("pullstats@2", "pullstats@1", "raw@1"):
        everything = [row for row in rows_of(versions(rows, 20, count_as=(rule,))) if row["package"] in packages]
        found = rows_of(versions(rows, 20, count_as=(rule,), where=where))
        assert [[row[name] for name in told] for row in found] == [[row[name] for name in told] for row in everything]


def test_versions_stand_by_their_order_and_what_has_none_apart() -> None:
    names = ["1.9.0", "1.10.0", "1.10.0-rc.1", "1.10.0-alpine", "latest", "1.10", "main", DIGESTS[0]]
    rows = [manifest(NOON + timedelta(hours=place), place, "GET", name) for place, name in enumerate(names)]
    found = [(row["release"], row["kind"]) for row in rows_of(versions(rows))]
    assert found == [
        ("1.10.0-alpine", "release"),
        ("1.10.0", "release"),
        ("1.9.0", "release"),
        ("1.10.0-rc.1", "pre-release"),
        ("1.10", "floating"),
        ("latest", "floating"),
        ("main", "floating"),
        (DIGESTS[0], "digest"),
    ]
    assert [row["release"] for row in rows_of(versions([manifest(NOON, 1, "GET", "1.10")]))] == ["1.10"]
    assert rows_of(versions([manifest(NOON, 1, "GET", "1.10")]))[0]["kind"] == "release"  # nobody names one more exactly
    strange = rows_of(versions([request(NOON, 1, reference="nightly")]))
    assert [(row["release"], row["kind"]) for row in strange] == [("nightly", "unordered")]


def test_lines_hold_their_versions_once() -> None:
    rows = [
        *(
            request(NOON + timedelta(hours=hour), 1, reference=version, path=f"/{version}")
            for hour, version in enumerate(["1.4.1", "1.4.2", "1.5.0"])
        ),
        request(NOON, 2, reference="1.5.0rc1", path="/rc"),
    ]
    found = rows_of(versions(rows, 30, "minor"))
    assert [(row["release"], row["downloads"], row["origins"]) for row in found] == [("1.5", 2, 2), ("1.4", 2, 1)]
    assert [(row["release"], row["downloads"], row["origins"]) for row in rows_of(versions(rows, 30, "major"))] == [("1", 4, 2)]
    with pytest.raises(UsageError, match="no line of versions 'patch'"):
        versions(rows, 30, "patch")


def test_only_the_newest_of_one_package_is_a_sentence() -> None:
    """False for several packages, for none that has an order, and for who asked too long ago."""
    old, new = request(NOON, 1, reference="1.9"), request(NOON + 10 * DAY, 2, reference="1.10", path="/g")
    assert versions([old, new], 5).headline == (
        "2 downloads of 1 package in 2 versions, 50.0 % of them of the newest, 1.10; of 1 origin that asked within 5 days 1 asked for it"
    )
    assert "of 2 origins that asked within 30 days 1 asked for it" in versions([old, new], 30).headline
    assert versions([old, request(NOON, 1, package="g")]).headline == "2 downloads of 2 packages in 2 versions"
    assert versions([request(NOON, 1, reference="main")]).headline == "1 download of 1 package in 0 versions"
    moved = "whoever comes from another address is another origin: of those no longer active some only moved"
    assert moved in versions([old, new]).meta["warnings"]
    assert moved not in versions([old]).meta["warnings"]
    assert moved not in versions([old, new], unique_by="user").meta["warnings"]


def test_shares_over_time_have_a_row_a_bucket_and_are_those_of_the_bucket() -> None:
    world = make_life(3, images=False)
    report = versions(world.rows, 30, every="w")
    taken = Counter((row["time"].date() - timedelta(days=row["time"].weekday()), row["reference"]) for row in find_downloads_2(as_read(world.rows)))
    whole: Counter[Any] = Counter()
    for (week, _), value in taken.items():
        whole[week] += value
    for row in rows_of(report):
        week = NOON.fromisoformat(row["bucket"]).date()
        assert row["downloads"] == taken[week, row["release"]]
        assert row["downloads_share"] == pytest.approx(taken[week, row["release"]] / whole[week])
    assert {row["release"] for row in rows_of(report)} == {reference for _, reference in taken}


def test_what_tells_of_few_and_what_cannot_be_compared_is_refused() -> None:
    rows = [request(NOON, 1, epoch=1), request(NOON + DAY, 1, epoch=2)]
    with pytest.raises(UsageError, match="different keys"):
        versions(rows)
    with pytest.raises(UsageError, match="takes no --min-origins"):
        versions(rows[:1], min_origins=3)
    with pytest.raises(UsageError, match="one counting rule"):
        versions(rows[:1], count_as=("pullstats@2", "raw@1"))
    empty = versions([])
    assert empty.is_empty
    assert empty.frame.height == 0
