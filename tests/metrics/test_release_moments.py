"""When versions came out: lists, git tags, what a series shows of them, and spans laid beside them."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pullstats.errors import InputError, UsageError
from pullstats.metrics import Breakdown
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.version_adoption import VersionAdoption
from pullstats.metrics.questions.versions import Versions
from pullstats.metrics.time.dates import annotate_releases, read_releases
from pullstats.metrics.time.releases import Release
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, ask, manifest, request

DAY = timedelta(days=1)


def flat(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def git(folder: Path, *words: str, at: str = "2025-03-03T12:00:00+00:00") -> None:
    who = {f"GIT_{role}_{what}": "somebody@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=os.environ | who | quiet | {"GIT_COMMITTER_DATE": at})


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    for tag in ("v1.0.0", "release-1.1.0", "@acme/app@2.0.0", "nightly", "before-the-move"):
        git(folder, "tag", tag)
    git(folder, "tag", "-a", "-m", "later", "1.2.0", at="2025-03-10T08:00:00+02:00")
    return folder


def test_tags_of_a_checkout_are_releases(checkout: Path) -> None:
    found = {(one.package, one.version): one.moment for one in read_releases(Path(f"@{checkout}"), "Europe/Berlin")}
    made = datetime(2025, 3, 3, 12, tzinfo=UTC)
    assert found == {
        (None, "1.0.0"): made,
        (None, "1.1.0"): made,
        ("@acme/app", "2.0.0"): made,
        (None, "1.2.0"): datetime(2025, 3, 10, 6, tzinfo=UTC),
    }


def test_what_tells_of_no_release_is_refused_in_a_sentence(checkout: Path, tmp_path: Path, monkeypatch: Any) -> None:
    bare, strange = tmp_path / "bare", tmp_path / "strange"
    for folder in (bare, strange):
        folder.mkdir()
        git(folder, "init", "-q")
    git(strange, "commit", "-q", "--allow-empty", "-m", "first")
    git(strange, "tag", "nightly")
    (tmp_path / "plain").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for path, told in (
        (bare, "tells of no release: it has no tags"),
        (strange, "none of its 1 tags names a version, such as v1.4.0"),
        (tmp_path / "plain", "git cannot list the tags of .*not a git repository"),
        (tmp_path / "nowhere", "is no folder; write @ and the folder of a git checkout"),
    ):
        with pytest.raises(InputError, match=told):
            read_releases(Path(f"@{path}"), "UTC")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="needs git, which is not installed; write a CSV"):
        read_releases(Path(f"@{checkout}"), "UTC")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version,date\n,2025-03-03\n", "releases.csv:2 names no version"),
        ("version,date\n1.0,soon\n", "releases.csv:2: 'soon' is no date"),
        ("version\n1.0\n", "lacks the column date"),
        ("", "lacks the column version"),
        ("version,date\n1.0,2025-03-03,x\n", "does not have 2 cells"),
    ],
)
def test_a_bad_list_is_refused_by_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_releases(path, "UTC")


def test_a_list_may_begin_with_a_mark_and_name_a_version_twice(tmp_path: Path) -> None:
    path = tmp_path / "releases.csv"
    path.write_bytes("\ufeffversion,date\nv1.0,2025-03-04\n1.0,2025-03-03\n".encode())
    listed = read_releases(path, "UTC")
    rows = [request(NOON - 2 * DAY, 1), request(NOON + DAY, 1, path="/g")]
    found = ask(Breakdown, rows, metrics=("requests",), window="since 1.0", releases=listed)
    assert found.meta["window"]["start"].startswith("2025-03-03")  # the earliest counts


def test_a_span_beside_a_release_begins_or_ends_with_it() -> None:
    listed = (Release("1.4.0", NOON), Release("1.5.0", NOON + 20 * DAY, "f"))
    rows = [request(NOON + timedelta(hours=hours), hours, path=f"/{hours}") for hours in (-1, 0, 47, 48, 480, 490, 528)]

    def count(window: str) -> int:
        return int(ask(Breakdown, rows, metrics=("requests",), window=window, releases=listed).frame.item())

    assert [count(window) for window in ("2d after v1.4.0", "48h after 1.4.0", "1d before 1.4.0", "2d after f@1.5.0", "1w after 1.4.0")] == [
        2,
        2,
        1,
        2,
        3,
    ]
    compared = ask(Comparison, rows, "2d after 1.5.0", "2d after 1.4.0", metrics=("requests",), releases=listed)
    assert compared.frame.select("a", "b").row(0) == (2, 2)
    for window, told in (("2d after 9.9", "'9.9' is no version that --releases or the store knows"), ("2d after", "'after' needs a version")):
        with pytest.raises(UsageError, match=told):
            count(window)
    assert count("9999w after 1.4.0") == 6


def test_a_series_shows_the_releases_of_the_list(tmp_path: Path, few_store: Path) -> None:
    path = tmp_path / "releases.csv"
    path.write_text("version,date,package\n1.4,2015-05-18,\n1.5,2015-05-19T03:00:00,acme\n1.6,2015-05-19,\n")
    rows = [request(NOON + number * DAY, 1, path=f"/{number}") for number in range(3)]
    shown = annotate_releases((Release("1.4", NOON + DAY), Release("1.5", NOON + 40 * DAY)))
    assert ask(Breakdown, rows, every="d", annotations=shown).frame["note"].to_list() == [None, "1.4", None]
    words = ("series", "--store", few_store, "--window", "2015-05-17..2015-05-19", "--annotate", "releases", "--format", "csv")
    lines = pullstats(*words, "--releases", path).out.splitlines()
    assert [line.rpartition(",")[2] for line in lines[2:]] == ["1.4", "acme 1.5; 1.6"]


def test_a_series_without_a_list_shows_when_versions_of_one_package_were_first_seen() -> None:
    """Only those that these logs could have named before, and in all of the logs, not in the window alone."""
    days = {"1.0": range(12), "1.1": range(8, 12), "1.2rc1": [9], "nightly": [10]}
    rows = [request(NOON + day * DAY, 1, reference=version, path=f"/{version}/{day}") for version, those in days.items() for day in those]
    told = ask(Breakdown, rows, every="d", is_marking_releases=True)
    assert told.frame["note"].to_list() == [None] * 8 + ["1.1 (first seen)", "1.2rc1 (first seen)", None, None]
    assert [text for text in told.meta["warnings"] if text.startswith("releases are marked where these logs first name them")]
    late = ask(Breakdown, rows, every="d", is_marking_releases=True, window="2025-03-13..2025-03-14")
    assert "note" not in late.frame.columns or not late.frame["note"].drop_nulls().len()
    assert not [text for text in ask(Breakdown, rows[:8], every="d", is_marking_releases=True).meta["warnings"] if "are marked" in text]
    with pytest.raises(UsageError, match="marks the first requests of one package, and 2 are asked for; choose one with --where package="):
        ask(Breakdown, [*rows, request(NOON, 1, package="g")], every="d", is_marking_releases=True)


def test_a_tag_that_a_list_names_is_a_version_and_not_the_one_that_is_more_exact() -> None:
    """1.4 of a list dates the tag 1.4, however many more exact ones are asked for, and says nothing of 1.4.0."""
    rows = [manifest(NOON + hour * timedelta(hours=1), hour, "GET", name) for hour, name in enumerate(["1.3", "1.4", "1.4.0", "1.4.2", "1.4"] * 60)]
    listed = (Release("1.4", NOON + 2 * DAY), Release("1.4.2", NOON + 5 * DAY))
    found = {row["release"]: row for row in flat(ask(Versions, rows, metrics=("downloads",), releases=listed))}
    assert {name: row["kind"] for name, row in found.items()} == {"1.3": "release", "1.4": "release", "1.4.0": "release", "1.4.2": "release"}
    assert {name: row["downloads"] for name, row in found.items()} == {"1.3": 60, "1.4": 120, "1.4.0": 60, "1.4.2": 60}
    dated = {row["release"]: row["released"] for row in flat(ask(VersionAdoption, rows, metrics=("downloads",), releases=listed))}
    assert dated == {"1.4": NOON + 2 * DAY, "1.4.2": NOON + 5 * DAY}
    exact = {row["release"]: row["kind"] for row in flat(ask(Versions, rows, metrics=("downloads",), releases=listed[1:]))}
    assert exact == {"1.3": "release", "1.4": "floating", "1.4.0": "release", "1.4.2": "release"}  # from its release on 1.4 stood for 1.4.2
