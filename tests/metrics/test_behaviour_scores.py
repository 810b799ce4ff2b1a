"""How often behaviour is read right in made-up worlds whose truth is known, what its scores are worth, and the patterns one must know first."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
from support.effort import SOAK, some
from support.labelled import scoring
from support.labelled.answers import ask, count_instances, find_origins, judge, take_in
from support.labelled.build import build
from support.labelled.builders import WITH_CACHE, add_builder
from support.labelled.habits import build_habits
from support.labelled.people import add_developer
from support.labelled.scoring import Judged
from support.labelled.town import Town
from support.labelled.world import WORLDS, World
from support.places import CAPTURE

DOCKER = "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/24.0.7 \\x5C(linux\\x5C))"
PIP = "pip/23.3 {\\x22ci\\x22:null,\\x22installer\\x22:{\\x22name\\x22:\\x22pip\\x22,\\x22version\\x22:\\x2223.3\\x22},\\x22python\\x22:\\x223.11.4\\x22}"
TRIED = WORLDS if SOAK else [world.smaller(0.2, 10) for world in WORLDS if world.name in ("rough", "all alike")]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Town, Path]]:
    """Build some worlds and ingest their logs."""
    towns = {world.name: build(world, 7) for world in TRIED}
    return {name: (town, take_in(town, tmp_path_factory.mktemp("world"))) for name, town in towns.items()}


@pytest.fixture(scope="module")
def judged(worlds: dict[str, tuple[Town, Path]]) -> dict[str, list[Judged]]:
    """Give what is said of every origin of each world."""
    return {name: judge(*world) for name, world in worlds.items()}


@pytest.fixture(scope="module")
def enough(judged: dict[str, list[Judged]]) -> list[Judged]:
    """Give the origins of all worlds that one can be right about."""
    return scoring.judge_enough(one for found in judged.values() for one in found)


def test_classes_are_right_in_all_worlds_together(enough: list[Judged]) -> None:
    found = scoring.confusion(enough)
    drawn = "\n".join(scoring.render_confusion(found))
    assert scoring.macro_f1(found) >= 0.9, drawn
    assert (scoring.precision(found, "production") or 0) >= 0.95, drawn
    assert (scoring.recall(found, "production") or 0) >= 0.85, drawn


def test_scores_are_worth_what_they_say(enough: list[Judged]) -> None:
    sure = [one for one in enough if one.said != "unknown" and 0.85 <= one.score < 0.95]
    assert sum(one.said == one.label for one in sure) >= 0.9 * len(sure), scoring.render_reliability(enough)
    surest = [one for one in enough if one.said != "unknown" and one.score >= 0.95]
    assert sum(one.said == one.label for one in surest) >= 0.95 * len(surest), scoring.render_reliability(enough)


def test_who_comes_once_is_never_called_production(judged: dict[str, list[Judged]]) -> None:
    said = [one.said for found in judged.values() for one in found if one.label == "tryer"]
    assert "production" not in said
    assert len(said) > 10


def test_the_pattern_adds_to_agent_and_network(judged: dict[str, list[Judged]]) -> None:
    alike = scoring.judge_enough(judged["all alike"])
    by_pattern, by_agent = scoring.confusion(alike), scoring.confusion(alike, baseline=True)
    assert (scoring.f1(by_agent, "production") or 0) < 0.5
    assert (scoring.f1(by_pattern, "production") or 0) > 0.85
    assert scoring.macro_f1(by_pattern) > scoring.macro_f1(by_agent) + 0.1


@pytest.mark.parametrize("seed", some(range(1, 10), of=9))
def test_other_habits_are_read_as_well(seed: int, tmp_path: Path) -> None:
    """Odd periods, delays of every shape, half of the polls missed, caches, monorepos, scripts, holidays."""
    town = build_habits(seed, 0.5 if SOAK else 0.2)
    found = scoring.confusion(scoring.judge_enough(judge(town, take_in(town, tmp_path))))
    drawn = "\n".join(scoring.render_confusion(found))
    assert scoring.macro_f1(found) >= 0.9, drawn
    assert (scoring.precision(found, "production") or 0) >= 0.95, drawn
    assert (scoring.recall(found, "production") or 0) >= 0.85, drawn


@pytest.mark.parametrize("seed", some(range(10, 16), of=6))
def test_a_build_whose_cache_has_its_few_images_is_no_developer(seed: int, tmp_path: Path) -> None:
    """It looks at the same tags at no pace, by day and on workdays, and takes them again now and then."""
    world = replace(next(one for one in WORLDS if one.name == "all alike"), images=1.0, days=21)
    town = Town(world, random.Random(seed))
    for _ in range(20):
        add_builder(town, WITH_CACHE)
        add_developer(town)
    town.sent.sort(key=lambda sent: sent.time)
    said = Counter((one.label, one.said) for one in scoring.judge_enough(judge(town, take_in(town, tmp_path))))
    builds, people = (sum(count for (label, _), count in said.items() if label == name) for name in ("ci", "development"))
    assert said["ci", "ci"] >= 0.85 * builds, said
    assert said["ci", "development"] <= 0.1 * builds, said
    assert said["development", "ci"] <= 0.05 * people, said


@pytest.mark.skipif(not SOAK, reason="nine seeds of each world over weeks: make soak")
@pytest.mark.parametrize("days", [7, 14, 30])
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_ranges_of_instances_hold_the_truth_over_any_time(world: World, days: int, tmp_path: Path) -> None:
    estimates = []
    for seed in range(1, 10):
        town = build(world.smaller(0.35, days), seed)
        estimates += count_instances(town, take_in(town, tmp_path / str(seed)), by_version=False)
    assert scoring.coverage(estimates) >= 0.9, [one for one in estimates if not one.is_covered]
    assert median(one.high / max(one.low, 1) for one in estimates) <= 3


def test_ranges_of_instances_hold_the_truth(worlds: dict[str, tuple[Town, Path]]) -> None:
    estimates = [one for world in worlds.values() for one in count_instances(*world, by_version=False)]
    assert len(estimates) > 10
    assert scoring.coverage(estimates) >= 0.9, [one for one in estimates if not one.is_covered]


def line(time: datetime, method: str, path: str, status: int, agent: str, address: str) -> str:
    return f'{address} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "{method} {path} HTTP/1.1" {status} 900 "-" "{agent}"\n'


NOON = datetime(2025, 5, 6, 12, tzinfo=UTC)
IMAGE = "/v2/acme/app/manifests/"
WHEEL = "/packages/django/Django-5.0.6-py3-none-any.whl"
HUB = "unknown/None; hf_hub/0.20.0; python/3.11.4"
DEVELOPMENT = [("06 13:10", "v1.1.0", True), ("06 15:42", "v1.2.0", False), ("07 09:01", "latest", True)]
"""Day and time, tag, whether it was taken."""
MORE = [
    ("07 11:37", "v1.2.0", True),
    ("07 16:20", "v1.1.0", False),
    ("08 10:14", "v1.3.0", True),
    ("09 14:52", "latest", True),
    ("12 09:47", "v1.3.0", False),
]


def poll_with_docker(address: str) -> list[str]:
    """A tag every five minutes, taken once."""
    lines = [line(NOON, method, IMAGE + "latest", 200, DOCKER, address) for method in ("HEAD", "GET")]
    return lines + [line(NOON + timedelta(minutes=5 * n), "HEAD", IMAGE + "latest", 200, DOCKER, address) for n in range(1, 54)]


def poll_with_pip(address: str) -> list[str]:
    """An index every hour, which is as it was."""
    lines = [line(NOON, "GET", "/simple/django/", 200, PIP, address), line(NOON + timedelta(seconds=1), "GET", WHEEL, 200, PIP, address)]
    return lines + [line(NOON + timedelta(hours=n), "GET", "/simple/django/", 304, PIP, address) for n in range(1, 40)]


def develop(visits: list[tuple[str, str, bool]], address: str) -> list[str]:
    """Now one version and then another, with long pauses."""
    lines = []
    for clock, tag, takes in visits:
        time = datetime.strptime(f"2025-05-{clock}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        lines.append(line(time, "HEAD", IMAGE + tag, 200, DOCKER, address))
        later = time + timedelta(minutes=1 if clock == "07 09:01" else 0)
        lines += [line(later, "GET", IMAGE + tag, 200, DOCKER, address)] if takes else []
    return lines


def poll_files(address: str, method: str, status: int) -> list[str]:
    """A model's configuration every ten minutes, by HEAD or with If-None-Match."""
    return [
        line(NOON + timedelta(minutes=10 * n), method, f"/acme/{method.lower()}/resolve/main/config.json", status, HUB, address) for n in range(60)
    ]


PATTERNS = {
    "docker": poll_with_docker("203.0.113.7"),
    "pip": poll_with_pip("203.0.113.8"),
    "as it stands": develop(DEVELOPMENT, "203.0.113.9"),
    "for a week": develop(DEVELOPMENT + MORE, "203.0.113.10"),
    "files by HEAD": poll_files("203.0.113.11", "HEAD", 200),
    "files unchanged": poll_files("203.0.113.12", "GET", 304),
}
"""Lines of one address each."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ingest the patterns."""
    folder = tmp_path_factory.mktemp("patterns")
    (folder / "access.log").write_text("".join(one for lines in PATTERNS.values() for one in lines))
    ingest(IngestPlan((str(folder / "access.log"),), folder / "store", keep_addresses=True))
    return folder / "store"


@pytest.fixture(scope="module")
def patterns(store: Path) -> dict[str, dict[str, Any]]:
    """Give what is said of each pattern."""
    said = {row["origin"]: row for row in ask(store, "behaviour", "--window", "all")}
    origins = {row["client_address"]: said[row["origin"]] for row in find_origins(store).iter_rows(named=True)}
    return {name: origins[lines[0].split()[0]] for name, lines in PATTERNS.items()}


def test_who_polls_a_file_by_head_or_unchanged_is_an_instance(store: Path, patterns: dict[str, dict[str, Any]]) -> None:
    rows = ask(store, "report", "--by", "package", "--metric", "instances", "--where", "ecosystem=huggingface", "--window", "all")
    assert {row["package"]: row["instances"] for row in rows} == {"acme/head": 1, "acme/get": 1}
    assert {patterns[name]["class"] for name in ("files by HEAD", "files unchanged")} == {"production"}


def test_the_pattern_of_production(patterns: dict[str, dict[str, Any]]) -> None:
    assert patterns["docker"]["class"] == "production"
    assert "53 of 53 gaps were 300 s" in patterns["docker"]["evidence"]
    assert "1 GET, 54 HEAD" in patterns["docker"]["evidence"]


def test_the_pattern_of_production_with_pip(patterns: dict[str, dict[str, Any]]) -> None:
    assert patterns["pip"]["class"] == "production"
    assert "39 of 39 gaps were 60 min" in patterns["pip"]["evidence"]


@pytest.mark.parametrize(("name", "versions"), [("as it stands", 3), ("for a week", 4)])
def test_the_pattern_of_development(name: str, versions: int, patterns: dict[str, dict[str, Any]]) -> None:
    assert patterns[name]["class"] == "development"
    assert f"{versions} versions" in patterns[name]["evidence"]


def test_recorded_minutes_are_no_production(tmp_path: Path) -> None:
    """Real clients, recorded for minutes: whatever they are, nobody can say that they run in production."""
    logs = [str(CAPTURE / part / "access.combined.log") for part in ("raw", "auth", "redirect", "edge")]
    ingest(IngestPlan(tuple(logs), tmp_path / "store"))
    rows = ask(tmp_path / "store", "behaviour", "--window", "all", "--limit", "0")
    assert len(rows) > 20
    assert [row for row in rows if row["class"] == "production"] == []
