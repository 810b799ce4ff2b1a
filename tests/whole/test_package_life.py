"""One package's life, told by five commands from its log: each number is the one it was made with."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.command import pullstats
from support.crowd import Row
from support.effort import across
from support.oracle import find_downloads_2
from support.places import ROOT
from support.released import DAY, VERSIONS, World, answered, as_read, make_life, take_in

sys.path.insert(0, str(ROOT / "tools"))
import package_life

ACTIVE = 14


@pytest.fixture(scope="module", name="life")
def _life(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, tuple[Any, ...]]:
    """A log of a package, its releases as a list, and the words that ask of them."""
    folder, world = tmp_path_factory.mktemp("life"), make_life(11, people=30)
    take_in(world, folder)
    return world, ("--store", folder / "store", "--releases", folder / "releases.csv", "--active", ACTIVE)


def ask(life: tuple[World, tuple[Any, ...]], *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(pullstats("versions", *words, *life[1], "--format", "json").out)
    return found


def rank(row: Row) -> int:
    return VERSIONS.index(row["reference"])


def test_which_versions_are_taken(life: Any) -> None:
    taken = Counter(row["reference"] for row in find_downloads_2(as_read(life[0].rows)))
    rows = ask(life, "--window", "all")
    assert {row["release"]: row["downloads"] for row in rows} == taken
    assert [row["release"] for row in rows] == ["2.0.0", "1.10.0", "1.9.0", "1.0.0", "2.0.0-rc.1"]


def test_how_a_release_was_taken_up(life: Any) -> None:
    at = life[0].moments["1.10.0"].replace(second=0)
    days = ask(life, "--adoption", "v1.10.0")
    taken = [row for row in find_downloads_2(as_read(life[0].rows)) if at <= row["time"] < at + len(days) * DAY]
    assert sum(row["downloads"] for row in days) == len(taken)
    assert sum(row["newer"] for row in days) == sum(rank(row) >= VERSIONS.index("1.10.0") for row in taken)


def test_who_moved_and_who_is_stuck(life: Any) -> None:
    world = life[0]
    asks, at, place = answered(world.rows), world.moments["1.10.0"].replace(second=0), VERSIONS.index("1.10.0")
    newer: dict[int, Any] = {}
    for row in asks:
        if rank(row) >= place:
            newer.setdefault(row["who"], row["time"])
    before = {row["who"] for row in asks if rank(row) < place and at - ACTIVE * DAY <= row["time"] < at}
    people = {who for who in before if who not in newer or newer[who] >= at}
    told = next(row for row in ask(life, "--lag") if row["release"] == "1.10.0")
    assert (told["origins"], told["moved"]) == (len(people), len(people & {*newer}))
    since = max(row["time"] for row in world.rows) - ACTIVE * DAY
    stuck = {row["who"] for row in asks if row["time"] > since} & people - {*newer}
    assert told["stuck"] == len(stuck) == len(ask(life, "--stuck", "1.10.0"))


def test_who_would_miss_a_version(life: Any) -> None:
    since = max(row["time"] for row in life[0].rows) + timedelta(microseconds=1) - ACTIVE * DAY
    asked = [row for row in answered(life[0].rows) if row["time"] >= since and row["reference"] == "1.10.0"]
    rows = ask(life, "--would-miss", "1.10.0")
    assert sum(row["requests"] for row in rows) == len(asked)
    assert sum(row["origins"] for row in rows) == len({row["who"] for row in asked})


def test_echo_and_demand_make_up_all(life: Any) -> None:
    rows = ask(life, "--echo")
    assert sum(row["echo"] + row["demand"] for row in rows) == len(find_downloads_2(as_read(life[0].rows)))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--echo", "--lag"), "--lag and --echo are two questions; ask one"),
        (("--adoption", "--by", "minor"), "--adoption takes no --by"),
        (("--adoption", "3.0"), "nobody asked for a version '3.0' in this window; pullstats versions lists those that were"),
        (("--stuck", "1.0.0"), "when 1.0.0 came out is not known"),
        (("--min-origins", "5"), "takes no --min-origins"),
        (("--would-miss", ""), "--would-miss names no version"),
        (("--by", "patch"), "no line of versions 'patch'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(words: tuple[str, ...], told: str, life: Any) -> None:
    assert told in pullstats("versions", *words, *life[1], code=2).err


def test_every_format_tells_it_and_nothing_hostile_passes(life: Any) -> None:
    for form, words in across(("table", "csv", "md", "json"), ((), ("--adoption",), ("--lag",), ("--echo",), ("--stuck", "1.10.0"))):
        assert "1.10.0" in pullstats("versions", "--window", "all", *words, *life[1], "--format", form).out or words[:1] == ("--stuck",)
    said = pullstats("versions", "--would-miss", "\x1b[31m<b>", *life[1])
    assert "\x1b" not in said.out + said.err


def test_the_page_is_what_the_commands_print_and_their_numbers_are_those_it_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "page").mkdir()
    page = package_life.write_page(tmp_path / "page")
    assert page == (ROOT / "docs" / "package-life.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in page
    taken, adopted, moved, missed, echo = re.findall(r"^Made with: (.*)\.$", page, re.MULTILINE)
    tables = [dict(re.findall(r"^    (\S+) +(.*)$", part, re.MULTILINE)) for part in page.split("\n## ")[1:]]
    for version, count in re.findall(r"(\S+): ([0-9]+)", taken):
        assert f" {count} " in f"{tables[0][version]} "
    days = [re.findall(r"[0-9]+", tables[1][str(day)])[:2] for day in range(1, 15)]
    total, newer = (sum(int(day[place]) for day in days) for place in (0, 1))
    assert adopted.startswith(f"{total} downloads ")
    assert adopted.endswith(f" {newer} of them of 1.10.0 or newer")
    for version, before, people in re.findall(r"(\S+): ([0-9]+) before it, ([0-9]+) moved", moved):
        assert re.search(rf"^\S+ \S+ +{before} +{people} ", tables[2][version])
    assert f"\n    {missed.split()[0]} origins asked for 1.10.0 in the last 14 days" in page
    assert f"\n    {echo.split()[0]} downloads of 1 package in 5 versions, " in page
