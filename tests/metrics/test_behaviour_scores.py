"""How often behaviour is read right in made-up worlds whose truth is known, what its scores are worth, and the patterns one must know first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
from support.effort import SOAK
from support.labelled import scoring
from support.labelled.answers import ask, judge, take_in
from support.labelled.build import build
from support.labelled.scoring import Judged
from support.labelled.town import Town
from support.labelled.world import WORLDS
from support.places import CAPTURE

DOCKER = "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/24.0.7 \\x5C(linux\\x5C))"
PIP = "pip/23.3 {\\x22ci\\x22:null,\\x22installer\\x22:{\\x22name\\x22:\\x22pip\\x22,\\x22version\\x22:\\x2223.3\\x22},\\x22python\\x22:\\x223.11.4\\x22}"
TRIED = WORLDS if SOAK else [world.smaller(0.25, 12) for world in WORLDS if world.name in ("rough", "all alike")]


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


def line(time: datetime, method: str, path: str, status: int, agent: str, address: str) -> str:
    return f'{address} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "{method} {path} HTTP/1.1" {status} 900 "-" "{agent}"\n'


def row_of(folder: Path, lines: list[str]) -> dict[str, Any]:
    """Ingest the lines of one origin and give what is said of it."""
    (folder / "access.log").write_text("".join(lines))
    ingest(IngestPlan((str(folder / "access.log"),), folder / "store"))
    rows: list[dict[str, Any]] = ask(folder / "store", "behaviour", "--window", "all")
    assert len(rows) == 1
    return rows[0]


NOON = datetime(2025, 5, 6, 12, tzinfo=UTC)


def test_the_pattern_of_production(tmp_path: Path) -> None:
    lines = [line(NOON, method, "/v2/acme/app/manifests/latest", 200, DOCKER, "203.0.113.7") for method in ("HEAD", "GET")]
    lines += [line(NOON + timedelta(minutes=5 * n), "HEAD", "/v2/acme/app/manifests/latest", 200, DOCKER, "203.0.113.7") for n in range(1, 54)]
    row = row_of(tmp_path, lines)
    assert row["class"] == "production"
    assert "53 of 53 gaps were 300 s" in row["evidence"]
    assert "1 GET, 54 HEAD" in row["evidence"]


def test_the_pattern_of_production_with_pip(tmp_path: Path) -> None:
    wheel = "/packages/django/Django-5.0.6-py3-none-any.whl"
    lines = [line(NOON, "GET", "/simple/django/", 200, PIP, "203.0.113.8"), line(NOON + timedelta(seconds=1), "GET", wheel, 200, PIP, "203.0.113.8")]
    lines += [line(NOON + timedelta(hours=n), "GET", "/simple/django/", 304, PIP, "203.0.113.8") for n in range(1, 40)]
    row = row_of(tmp_path, lines)
    assert row["class"] == "production"
    assert "39 of 39 gaps were 60 min" in row["evidence"]


DEVELOPMENT = [
    ("06 13:10", "v1.1.0", True),
    ("06 15:42", "v1.2.0", False),
    ("07 09:01", "latest", True),
]
MORE = [
    ("07 11:37", "v1.2.0", True),
    ("07 16:20", "v1.1.0", False),
    ("08 10:14", "v1.3.0", True),
    ("09 14:52", "latest", True),
    ("12 09:47", "v1.3.0", False),
]


@pytest.mark.parametrize("visits", [DEVELOPMENT, DEVELOPMENT + MORE], ids=["as it stands", "for a week"])
def test_the_pattern_of_development(visits: list[tuple[str, str, bool]], tmp_path: Path) -> None:
    lines = []
    for clock, tag, takes in visits:
        time = datetime.strptime(f"2025-05-{clock}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        lines.append(line(time, "HEAD", f"/v2/acme/app/manifests/{tag}", 200, DOCKER, "203.0.113.9"))
        later = time + timedelta(minutes=1 if clock == "07 09:01" else 0)
        lines += [line(later, "GET", f"/v2/acme/app/manifests/{tag}", 200, DOCKER, "203.0.113.9")] if takes else []
    row = row_of(tmp_path, lines)
    assert row["class"] == "development", row
    assert f"{len({tag for _, tag, _ in visits})} versions" in row["evidence"]


@pytest.mark.parametrize("part", ["raw", "auth", "redirect", "edge"])
def test_recorded_minutes_are_no_production(part: str, tmp_path: Path) -> None:
    """Real clients, recorded for minutes: whatever they are, nobody can say that they run in production."""
    ingest(IngestPlan((str(CAPTURE / part / "access.combined.log"),), tmp_path / "store"))
    rows = ask(tmp_path / "store", "behaviour", "--window", "all", "--limit", "0")
    assert rows
    assert [row for row in rows if row["class"] == "production"] == []
