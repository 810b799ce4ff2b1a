"""The made-up traffic that behaviour is judged by: it is what it says, and the marks that are given for it are right."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pullstats.store.store import open_store
from support.effort import some
from support.labelled import moments, scoring
from support.labelled.answers import find_origins, take_in
from support.labelled.build import build, lines_of
from support.labelled.scoring import CLASSES, Estimate, Judged
from support.labelled.town import Town
from support.labelled.world import WORLDS

WORLD = {world.name: world.smaller(0.1, 10) for world in WORLDS}


def test_a_seed_gives_the_same_log_and_another_seed_another() -> None:
    first, again, other = (lines_of(build(WORLD["rough"].smaller(0.05, 3), seed).sent) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", WORLD)
def test_everybody_is_there_in_time_order(name: str) -> None:
    town = build(WORLD[name], 1)
    busy = Counter(labels.most_common(1)[0][0] for labels in town.labels().values() if labels.total() >= scoring.ENOUGH)
    assert all(busy[label] for label in CLASSES), busy
    assert [sent.time for sent in town.sent] == sorted(sent.time for sent in town.sent)


@pytest.mark.parametrize("name", some(WORLD, of=7, first=1))
def test_every_line_is_read_and_the_truth_names_what_is_stored(name: str, tmp_path: Path) -> None:
    town = build(WORLD[name], 3)
    store = take_in(town, tmp_path)
    events = open_store(store).scan_events(["client_address", "user_agent_original", "package_name"]).collect()
    stored = Counter(events.rows())
    assert stored == Counter((sent.address, sent.agent, sent.step.package) for sent in town.sent)
    assert set(find_origins(store).select("client_address", "user_agent_original").rows()) == set(town.labels())


def test_cron_keeps_local_time_over_a_change_of_the_clock() -> None:
    span = (datetime(2025, 3, 20, tzinfo=UTC).timestamp(), datetime(2025, 4, 10, tzinfo=UTC).timestamp())
    times = moments.cron_daily(random.Random(1), span, "Europe/Berlin", [4], lag=1)
    assert len(times) == 21
    assert {datetime.fromtimestamp(time, ZoneInfo("Europe/Berlin")).hour for time in times} == {4}
    assert {datetime.fromtimestamp(time, UTC).hour for time in times} == {2, 3}


def test_schedulers_differ_as_schedulers_do() -> None:
    span = (0.0, 10 * moments.DAY)
    loop = moments.sleep_loop(random.Random(1), span, 300, lag=3)
    grid = moments.timer(random.Random(1), span, 300, delay=30)
    cron = moments.cron_every(random.Random(4), span, 5, lag=2)
    drift = (loop[-1] - loop[0]) - 300 * (len(loop) - 1)
    assert drift > 300  # whatever a run takes adds up
    assert max((time - grid[0]) % 300 for time in grid if (time - grid[0]) % 300 < 150) <= 30
    assert len({round(time // 60) % 5 for time in cron}) == 1
    assert len(moments.miss(random.Random(1), cron, 0.4)) == pytest.approx(len(cron) * 0.6, rel=0.05)


def test_people_work_by_day_and_rest_at_weekends() -> None:
    span = (datetime(2025, 5, 5, tzinfo=UTC).timestamp(), datetime(2025, 6, 30, tzinfo=UTC).timestamp())
    local = [datetime.fromtimestamp(time, ZoneInfo("Asia/Kolkata")) for time in moments.at_work(random.Random(1), span, "Asia/Kolkata", 5)]
    assert sum(8 <= time.hour < 20 for time in local) / len(local) > 0.95
    assert sum(time.weekday() > 4 for time in local) / len(local) < 0.1


def test_where_only_the_pattern_tells_agents_and_networks_are_the_same() -> None:
    town = build(WORLD["all at home"], 1)
    seen: dict[str, set[tuple[str, str]]] = {}
    for sent in town.sent:
        seen.setdefault(sent.label, set()).add((sent.agent, ".".join(sent.address.split(".")[:2])))
    agents = [{agent for agent, _ in seen[label]} for label in ("production", "ci", "development")]
    assert all(len(some) <= 2 and some <= set().union(*agents) for some in agents)
    assert len(set().union(*agents)) <= 2


def test_few_packages_are_asked_for_by_most() -> None:
    town = Town(replace(WORLD["slow and old"], concentration=1.3), random.Random(1))
    asked = Counter(town.pick(town.images)[0].name for _ in range(3000))
    assert asked.most_common(1)[0][1] > 10 * asked[town.images[15].name] > 0


def test_marks_are_those_of_a_count_by_hand() -> None:
    def said(label: str, answer: str, score: float) -> Judged:
        return Judged("0", label, "k", 30, answer, score, "ci")

    judged = [
        said("production", "production", 0.97),
        said("production", "production", 0.9),
        said("production", "unknown", 0.0),
        said("ci", "production", 0.9),
        said("ci", "ci", 0.7),
        Judged("0", "ci", "k", 19, "production", 1.0, "ci"),
        Judged("0", "tryer", "k", 90, "production", 1.0, "ci"),
    ]
    enough = scoring.judge_enough(judged)
    found = scoring.confusion(enough)
    assert (scoring.recall(found, "production"), scoring.precision(found, "production")) == (2 / 3, 2 / 3)
    assert scoring.f1(found, "ci") == 2 / 3
    assert scoring.macro_f1(found) == 2 / 3
    assert scoring.f1(found, "bot") is None
    assert scoring.reliability(enough) == [(0.7, 0.8, 1, 1.0), (0.85, 0.95, 2, 0.5), (0.95, 1.0, 1, 1.0)]
    assert scoring.coverage([Estimate("a", None, 3, 2, 2, 4), Estimate("b", None, 5, 2, 2, 4)]) == 0.5
    assert scoring.label_of(Counter(ci=9, bot=1)) == "ci"
    assert scoring.label_of(Counter(ci=8, bot=2)) == "mixed"
