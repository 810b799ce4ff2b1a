"""What a benchmark says of its figures: goals that were reached or not, and the README's tables."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.places import ROOT

BENCH = ROOT / "bench"
NAMES = ("answers", "clickhouse", "goals", "measure", "questions", "readme", "run", "runs")


@pytest.fixture(scope="module", name="bench")
def _bench() -> Iterator[dict[str, Any]]:
    """The modules of `bench/`, imported the way running one as a script does."""
    sys.path.insert(0, str(BENCH))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(BENCH))


def series(bench: dict[str, Any], walls: list[float], lines: int = 0) -> list[Any]:
    """Contestants that took so many seconds each."""
    measure = bench["measure"]
    return [measure.Series(f"contestant {place}", lines, [measure.Run(wall, wall, 500_000_000, 0, "")]) for place, wall in enumerate(walls)]


@pytest.fixture(name="seen")
def _seen(bench: dict[str, Any]) -> dict[str, list[Any]]:
    """A run in which everything takes a second but for GoAccess."""
    groups = bench["run"].GROUPS
    seen = {name: series(bench, [1.0] * 6, 3_000_000) for name in groups}
    seen["ingest"] = series(bench, [3.0, 30.0, 6.0, 2.0, 5.0, 4.0], 3_000_000)
    seen["short"] = series(bench, [0.41, 0.95, 0.35, 0.1])
    return seen


def test_a_goal_is_reached_by_what_was_measured_alone(bench: dict[str, Any], seen: dict[str, list[Any]]) -> None:
    found = {goal.text: goal for goal in bench["goals"].goals(seen, {"country": "equal, 3 rows", "year": "DIFFERENT in 1 rows"})}
    lead = found["ingest of 3,000,000 lines ≥ 9 × GoAccess's pace (12)"]
    assert (lead.result, lead.reached) == ("10.0 ×", True)
    assert found["a log that is known ≤ 0.6 s (0.4)"].reached
    assert found["200 lines into a new store ≤ 0.9 s (0.5)"].reached is False
    assert found["every format ≥ 300,000 lines/s, whole process"].reached is None
    assert {goal.reached for goal in bench["goals"].goals({}, {})} == {None}


def test_every_goal_of_a_question_has_its_answer_beside_it(bench: dict[str, Any], seen: dict[str, list[Any]]) -> None:
    reached = [goal.reached for goal in bench["goals"].goals(seen, {"country": "equal, 3 rows"}) if goal.text == "… the same answer"]
    assert reached.count(True) == 1
    assert len(reached) == sum(bool(question.query) for question in bench["questions"].QUESTIONS.values())


def test_the_readme_gets_the_figures_of_a_whole_run(bench: dict[str, Any], seen: dict[str, list[Any]], tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(ROOT.joinpath("README.md").read_text(encoding="utf-8"), encoding="utf-8")
    assert bench["readme"].update(readme, seen) == "README.md has the figures of this run"
    text = readme.read_text(encoding="utf-8")
    assert "| pullstats ingest | 3.0 s | 3.0 s | 500 MB |" in text
    assert "10.0 times as fast as GoAccess" in text
    assert "0.41 s" in text
    assert text.partition("<!-- measured -->")[0] == ROOT.joinpath("README.md").read_text(encoding="utf-8").partition("<!-- measured -->")[0]
    assert text.endswith(ROOT.joinpath("README.md").read_text(encoding="utf-8").partition("<!-- /measured -->")[2])


def test_the_readme_stays_where_something_was_not_measured(bench: dict[str, Any], seen: dict[str, list[Any]], tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- measured -->old<!-- /measured -->", encoding="utf-8")
    del seen["growth"]
    assert bench["readme"].update(readme, seen) == "README.md stays as it is: not measured were growth"
    assert "old" in readme.read_text(encoding="utf-8")


def test_no_line_of_the_log_of_distinct_values_has_a_value_of_another(bench: dict[str, Any], tmp_path: Path) -> None:
    log = tmp_path / "distinct.log"
    bench["runs"].write_distinct(log, 2_000, 1)
    lines = log.read_text().splitlines()
    cells = [(line.split(" ", 1)[0], line.split('"')[1], line.split('"')[5]) for line in lines]
    assert all(len(set(column)) == 2_000 for column in zip(*cells, strict=True))


@pytest.mark.parametrize("name", ["country", "dimensions", "sessions", "year"])
def test_clickhouse_is_asked_what_duckdb_is(name: str, bench: dict[str, Any], tmp_path: Path) -> None:
    """Names and window of the answer; that it is the same is told by every run of the bench."""
    query, other = bench["clickhouse"].QUERIES[name], bench["questions"].QUESTIONS[name].query
    for word in ("country", "package", "client", "requests", "origins", "endpoints", "networks", "sessions"):
        assert (f" {word}" in query) == (f" {word}" in other), word
    (contestant,) = bench["clickhouse"].clickhouse_question(name, tmp_path)
    assert contestant.missing in ("", bench["clickhouse"].NEEDS)


def test_what_differs_from_our_answer_is_said_of_whomever_it_is(bench: dict[str, Any]) -> None:
    ours = json.dumps([{"country": "DE", "requests": 2}])
    other = json.dumps([{"country": "DE", "requests": 3}])
    assert bench["answers"].same_answers([ours, ours, ours]) == "equal, 1 row"
    assert bench["answers"].same_answers([ours, ours, other]).startswith("DIFFERENT")


def test_the_peak_of_a_command_is_its_own(bench: dict[str, Any], tmp_path: Path) -> None:
    """Whatever the measuring program holds itself."""
    held = bytes(bytearray(b"x") * 200_000_000)
    run = bench["measure"].run_once(["sh", "-c", "echo said; echo wrong >&2; exit 3"], tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path)
    assert (run.code, run.stdout, run.complaint) == (3, "said\n", "wrong")
    assert run.peak < len(held) / 2
