"""In which order versions came: as the ecosystems' own documents and test suites have it; what comes before a release, and which line is whose."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.metrics.version_order import is_coming, name_line, place_version
from support.effort import examples

ORDERED = {
    # ComparableVersionTest of Maven, VERSIONS_QUALIFIER and VERSIONS_NUMBER.
    "maven": [
        *("1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11", "1-rc", "1-cr2", "1-rc123", "1-SNAPSHOT", "1"),
        *("1-sp", "1-sp2", "1-sp123", "1-abc", "1-def", "1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123"),
        *("2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1", "2.1.0.1", "2.2", "2.123"),
        *("11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11", "11", "11.a", "11b", "11c", "11m"),
    ],
    # conda.models.version.VersionOrder, without those that end in _.
    "conda": [
        *("0.4", "0.4.1.rc", "0.4.1", "0.5a1", "0.5b3", "0.5C1", "0.5", "0.9.6", "0.960923", "1.0", "1.1dev1", "1.1a1", "1.1.0rc1", "1.1.0"),
        *("1.1.0post1", "1996.07.12", "1!0.4.1", "1!3.1.1.6", "2!0.4.1"),
    ],
    "apk": [
        *(
            "0.1.0_alpha",
            "0.1.0_alpha2",
            "0.1.0_beta",
            "0.1.0_rc1",
            "0.1.0",
            "0.1.0-r1",
            "0.1.0_git20240101",
            "0.1.0_p1",
            "0.1.0a",
            "0.1.1",
            "0.1.10",
        ),
        "1.0",
    ],
    "composer": ["1.0.0-alpha1", "1.0.0-beta2", "1.0.0-RC1", "1.0.0-RC2", "1.0.0", "1.0.0-patch1", "v1.0.1", "1.10"],
    "nuget": ["1.0.0-Alpha", "1.0.0-alpha.1", "1.0.0-BETA", "1.0.0", "1.0.0.1", "1.0.1"],
    "oci": [
        *("1.4.0-rc.1", "1.4.0-rc.1-alpine", "1.4", "1.4-alpine", "1.4.1", "1.4.1-bookworm", "1.4.2-dev", "2", "2024-01-02"),
        *("RELEASE.2024-01-03T10-00-00Z", "2024.1.4", "2024.11"),
    ],
    "github": ["v1.0.0-beta", "v1.0.0", "v1.0.0-linux-amd64", "1.0.1"],
}
SAME = [
    ("maven", *pair) for pair in (("1", "1.0"), ("1", "1-0"), ("1a", "1.0-a"), ("1.0a", "1.0.a"), ("1x", "1.0.0-x"), ("1GA", "1"), ("1Final", "1"))
]
SAME += [
    ("maven", "1cr", "1rc"),
    ("maven", "1a1", "1alpha1"),
    ("maven", "1m3", "1MileStone3"),
    ("maven", "1.0.RELEASE", "1"),
    ("oci", "v1.4", "1.4.0"),
]
SAME += [("composer", "1.0-rc1", "v1.0.0RC1"), ("nuget", "1.0-RC1", "1.0.0-rc1")]


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_versions_stand_as_their_ecosystem_has_them(ecosystem: str) -> None:
    for low, high in combinations(ORDERED[ecosystem], 2):
        left, right = (place_version(ecosystem, version) for version in (low, high))
        assert left is not None, low
        assert right is not None, high
        assert left < right, (low, high)
        assert not right < left, (low, high)


@pytest.mark.parametrize(("ecosystem", "one", "other"), SAME)
def test_spellings_of_one_version_stand_in_one_place(ecosystem: str, one: str, other: str) -> None:
    left, right = place_version(ecosystem, one), place_version(ecosystem, other)
    assert left is not None
    assert left == right


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        *(("maven", text) for text in ("", "LATEST", "${project.version}", "1 0", "1/2")),
        *(("apk", text) for text in ("1.01", "1.0_new1", "edge", "1.0-r")),
        *(("conda", text) for text in ("1..0", "1.1_", "*", "dev")),
        *(("composer", text) for text in ("dev-main", "1.x-dev", "1.0-foo")),
        *(("oci", text) for text in ("latest", "sha-12ab", "main", "1.4-")),
        *(("huggingface", text) for text in ("main", "1.0")),
        (None, "1.0"),
    ],
)
def test_what_the_rules_do_not_know_has_no_place(ecosystem: str | None, text: str) -> None:
    assert place_version(ecosystem, text) is None
    assert not is_coming(ecosystem, text)


@pytest.mark.parametrize(
    ("ecosystem", "coming", "not_coming"),
    [
        ("pypi", ["1.0rc1", "1.0.dev3", "1.0a1", "1!1.0b2"], ["1.0", "1.0.post1", "1!1.0", "1.0+local"]),
        ("npm", ["1.0.0-0", "1.0.0-next.3"], ["1.0.0", "1.0.0+build.5"]),
        ("gem", ["1.0.pre", "1.0.a"], ["1.0", "1.0.1"]),
        ("maven", ["1.0-SNAPSHOT", "1.0-M1", "1.0-rc-1"], ["1.0", "31.1-jre", "1.0.Final", "1.0-1"]),
        ("deb", ["1.0~rc1-1", "2:1.0~beta"], ["1.0-1", "1.0+dfsg-1", "2:1.0-1ubuntu1"]),
        ("rpm", ["1.0~rc1-1"], ["1.0-1", "1.0^git1-1"]),
        ("oci", ["1.4.0-rc.1", "1.4-beta1", "1.4.2-dev", "1.4-m1"], ["1.4.0", "1.4.2-alpine", "1.4-bookworm", "2024-01-02", "1.4-main"]),
        ("apk", ["1.0_rc1", "1.0_alpha"], ["1.0-r3", "1.0_p1", "1.0a"]),
        ("conda", ["1.0rc1", "1.0.dev1"], ["1.0", "1.0post1"]),
        ("composer", ["1.0.0-RC1", "1.0-alpha"], ["1.0", "1.0-p1"]),
    ],
)
def test_what_comes_before_its_release_is_told(ecosystem: str, coming: list[str], not_coming: list[str]) -> None:
    assert [text for text in (*coming, *not_coming) if is_coming(ecosystem, text)] == coming


@pytest.mark.parametrize(
    ("text", "minor", "major"),
    [
        ("1.4.2", "1.4", "1"),
        ("v1.4.2-rc.1", "1.4", "1"),
        ("2", "2", "2"),
        ("1!2.3.4", "1!2.3", "1!2"),
        ("2:1.10-3", "2:1.10", "2:1"),
        ("2024.04.1", "2024.04", "2024"),
        ("2024-04-01", "2024-04", "2024"),
        ("RELEASE.2024-01-03T10-00-00Z", "2024-01", "2024"),
        ("main", None, None),
        ("sha256:12", None, None),
    ],
)
def test_a_version_belongs_to_a_line(text: str, minor: str | None, major: str | None) -> None:
    assert (name_line(text), name_line(text, 1)) == (minor, major)


def _place(ecosystem: str | None, text: str) -> Any:
    return place_version(ecosystem, text)


@examples(120)
@given(
    st.sampled_from([*ORDERED, "pypi", "gem", "deb", "rpm", None]),
    st.lists(st.text("0123456789.~^+-_:!rcabmTZ\u0661é\u202e", max_size=14), max_size=5),
)
def test_of_any_texts_those_that_have_a_place_can_be_put_in_order(ecosystem: str | None, texts: list[str]) -> None:
    """Whatever the order they come in."""
    placed = [text for text in texts if place_version(ecosystem, text) is not None]
    there, back = (sorted(listed, key=partial(_place, ecosystem)) for listed in (placed, placed[::-1]))
    assert [place_version(ecosystem, text) for text in there] == [place_version(ecosystem, text) for text in back]
