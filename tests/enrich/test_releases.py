"""Which release a request was for, and in which order releases came."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.metrics import Breakdown
from pullstats.metrics.release_names import choose_tag
from pullstats.metrics.time.dates import read_releases
from pullstats.metrics.time.releases import Release
from pullstats.metrics.version_order import LONGEST, place_version
from support.crowd import NOON, Row, ask, manifest, request
from support.effort import examples

DIGESTS = ["sha256:" + letter * 64 for letter in "abcd"]


def pull(minute: int, who: int, *references: str, status: int = 200) -> list[Row]:
    return [manifest(NOON + timedelta(minutes=minute), who, "GET", reference, status) for reference in references]


def count(rows: list[Row], metric: str = "downloads", **options: Any) -> dict[str | None, int]:
    return dict(ask(Breakdown, rows, **{"metrics": (metric,), "dimensions": ("release",), **options}).frame.rows())


def test_a_floating_tag_is_what_it_stood_for_at_the_time() -> None:
    rows = [*pull(0, 1, "1.0.0", DIGESTS[0]), *pull(10, 2, "latest", DIGESTS[0]), *pull(20, 3, "latest")]
    rows += [*pull(30, 4, "1.1.0", DIGESTS[1]), *pull(40, 5, "latest", DIGESTS[1]), *pull(50, 6, "latest")]
    assert count(rows) == {"1.0.0": 3, "1.1.0": 3}
    assert count(pull(0, 1, "latest")) == {"latest": 1}  # nothing tells
    assert count([*pull(0, 1, "latest"), *pull(10, 2, "latest", DIGESTS[0]), *pull(20, 3, "1.0.0", DIGESTS[0])]) == {"latest": 1, "1.0.0": 2}


def test_of_an_index_and_the_manifests_behind_it_all_are_the_release() -> None:
    rows = [*pull(0, 1, "1.0.0", DIGESTS[0], DIGESTS[1]), *pull(10, 2, DIGESTS[1]), *pull(20, 3, DIGESTS[0])]
    assert count(rows) == {"1.0.0": 3}
    assert count(rows, "requests") == {"1.0.0": 5}


def test_a_digest_is_a_row_only_where_somebody_took_it_by_its_digest() -> None:
    assert count(pull(0, 1, DIGESTS[0], DIGESTS[1]), "requests") == {DIGESTS[0]: 2}
    assert count(pull(0, 1, DIGESTS[0], status=404), "requests") == {None: 1}
    looked = [manifest(NOON, 1, "HEAD", DIGESTS[0])]
    assert count(looked, "requests") == {None: 1}


def test_a_digest_that_a_list_names_is_its_version() -> None:
    """Of that package or of any; also the manifest behind it and the tag that stood for it; what logs say more exactly goes before."""
    rows = [*pull(0, 1, DIGESTS[0], DIGESTS[1]), *pull(10, 2, "latest", DIGESTS[0]), *pull(20, 3, "latest"), *pull(30, 4, DIGESTS[2])]
    for package in (None, "acme/app"):
        listed = (Release("v1.4.2", NOON, package, DIGESTS[0]),)
        assert count(rows, releases=listed) == {"1.4.2": 3, DIGESTS[2]: 1}
    assert count(rows, releases=(Release("1.4.2", NOON, "other", DIGESTS[0]),)) == {"latest": 3, DIGESTS[2]: 1}
    assert count([*rows, *pull(40, 5, "1.4.3", DIGESTS[0])], releases=(Release("1.4", NOON, None, DIGESTS[0]),)) == {"1.4.3": 4, DIGESTS[2]: 1}


@pytest.mark.parametrize("digest", ["", DIGESTS[0].replace("a", "A"), "sha256:beef", "1.4.2"])
def test_the_digests_of_a_list_are_read_or_refused(digest: str, tmp_path: Path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text(f"version,date,digest\n1.4.2,2025-03-03,{digest}\n")
    if digest in {"sha256:beef", "1.4.2"}:
        with pytest.raises(InputError, match=f"releases.csv:2: '{digest}' is no digest; write sha256: and 64 hexadecimal digits"):
            read_releases(path, "UTC")
        return
    assert [one.digest for one in read_releases(path, "UTC")] == [digest.replace("A", "a") or None]


def test_what_was_asked_for_exactly_stays_what_it_is() -> None:
    rows = [*pull(0, 1, "1.4.2", DIGESTS[0]), *pull(10, 2, "1.4.3", DIGESTS[0]), *pull(20, 3, "1.4", DIGESTS[0]), *pull(30, 4, "v1.4.2", DIGESTS[0])]
    assert count(rows) == {"1.4.2": 2, "1.4.3": 2}


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        (["latest", "1", "1.4", "1.4.2"], "1.4.2"),
        (["1.4.2", "1.4.2-alpine"], "1.4.2"),
        (["1.4.2-alpine", "1.4"], "1.4.2-alpine"),
        (["1.9.0", "1.10.0"], "1.10.0"),
        (["2.0.0-rc.2", "2.0.0-rc.10"], "2.0.0-rc.10"),
        (["latest", "edge"], "edge"),
        (["latest"], "latest"),
        (["main", "2024", "sha-12ab"], "2024"),
    ],
)
def test_of_several_tags_the_most_specific_version_is_the_release(tags: list[str], chosen: str) -> None:
    assert choose_tag(tags) == choose_tag(reversed(tags)) == chosen


LISTED = tuple(
    Release(version, NOON + timedelta(hours=hour), package)
    for version, hour, package in (("1.4.1", -5, "acme/app"), ("1.5.0", -3, None), ("1.4.2", 1, "acme/app"), ("2.0.0-rc.1", 2, "acme/app"))
)


def test_a_list_of_releases_tells_what_no_digest_does() -> None:
    rows = [*pull(0, 1, "latest"), *pull(0, 2, "1.4"), *pull(90, 3, "1.4"), *pull(180, 4, "stable"), *pull(180, 5, "main"), *pull(180, 6, "1.5")]
    assert count(rows, releases=LISTED) == {"1.4.1": 2, "1.4.2": 2, "main": 1, "1.5.0": 1}
    seen = [*pull(0, 1, "latest", DIGESTS[0]), *pull(1, 2, "1.3.9", DIGESTS[0])]
    assert count(seen, releases=LISTED) == {"1.3.9": 2}
    golang = [request(NOON, 1, ecosystem="golang", package="acme/app", reference="latest", kind="tag", action="metadata", path="/acme/app/@latest")]
    assert count(golang, "requests", releases=LISTED) == {"1.4.1": 1}


def test_releases_are_chosen_and_compared_like_any_dimension() -> None:
    rows = [*pull(0, 1, "1.0.0", DIGESTS[0]), *pull(10, 2, "latest", DIGESTS[0]), *pull(20, 3, "2.0.0")]
    assert ask(Breakdown, rows, metrics=("downloads",), dimensions=(), where="release=1.0.0").frame.item() == 2
    assert count(rows, where="release!=1.0.0") == {"2.0.0": 1}
    series = ask(Breakdown, rows, metrics=("downloads",), dimensions=("release",), every="d")
    assert series.frame.select("release", "downloads").rows() == [("1.0.0", 2), ("2.0.0", 1)]


def test_what_comes_after_a_given_date_does_not_count() -> None:
    rows = [*pull(0, 1, DIGESTS[0]), *pull(48 * 60, 2, "1.0.0", DIGESTS[0])]
    assert count(rows, window="all") == {"1.0.0": 2}
    assert count(rows, as_of="2025-03-03") == {DIGESTS[0]: 1}


def test_releases_stand_in_the_order_of_their_ecosystem() -> None:
    rows = [*pull(0, 1, "1.10.0"), *pull(0, 2, "1.9.0"), *pull(0, 3, "1.9.0-rc.1"), *pull(0, 4, "main"), *pull(1, 5, "1.9.0")]
    report = ask(Breakdown, rows, metrics=("downloads",), dimensions=("release",), sort="release")
    assert report.frame["release"].to_list() == ["1.9.0-rc.1", "1.9.0", "1.10.0", "main"]
    assert report.meta["warnings"] == ["these releases have no place in the order of versions and stand last: main"]
    down = ask(Breakdown, rows, metrics=("downloads",), dimensions=("release",), sort="-release")
    assert down.frame["release"].to_list() == ["1.10.0", "1.9.0", "1.9.0-rc.1", "main"]
    assert count(rows) == {"1.9.0": 2, "1.10.0": 1, "1.9.0-rc.1": 1, "main": 1}
    mixed = [*rows, request(NOON, 9, reference="1.0rc1"), request(NOON, 9, reference="1.0", path="/g.whl")]
    report = ask(Breakdown, mixed, metrics=("downloads",), dimensions=("release",), sort="release")
    assert report.frame["release"].to_list() == ["1.9.0-rc.1", "1.9.0", "1.10.0", "1.0rc1", "1.0", "main"]
    assert "stand by ecosystem" in report.meta["warnings"][1]


# As the ecosystems' own documents and test suites order them.
ORDERED = {
    "npm": [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.10.0",
    ],
    "oci": ["1.4.0-rc.1", "1.4", "1.4.1", "v1.10", "2"],
    "golang": ["v0.0.0-20191109021931-daa7c04131f5", "v0.1.0", "v1.2.0"],
    "pypi": ["1.0.dev1", "1.0a1", "1.0b2.post345.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0.post1", "1!0.1"],
    "gem": ["1.0.a", "1.0.b1", "1.0", "1.0.1.pre", "1.0.1", "1.0.10"],
    "deb": ["1.0~rc1", "1.0", "1.0-1", "1.0-1ubuntu1", "1.0-2", "1.0+dfsg-1", "1.2", "1.10", "1:0.1"],
    "rpm": ["1.0~rc1-1", "1.0-1", "1.0^git1-1", "1.0a-1", "1.0.1-1", "1.1-1", "1.1-2", "1:0.1-1"],
}


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_versions_are_in_the_order_of_their_ecosystem(ecosystem: str) -> None:
    places = [place_version(ecosystem, version) for version in ORDERED[ecosystem]]
    known = [place for place in places if place is not None]
    assert len(known) == len(places)
    assert all(low < high and not high < low for low, high in pairwise(known))


@examples(80)
@given(st.sampled_from([*ORDERED, "maven", None]), st.text("0123456789.~^+-:ab\u0661é", max_size=12))
def test_any_text_has_a_place_or_none(ecosystem: str | None, text: str) -> None:
    place = place_version(ecosystem, text)
    assert place is None or (place == place_version(ecosystem, text) and not place < place_version(ecosystem, text))
    assert place_version("npm", "1" * (LONGEST + 1)) is None
