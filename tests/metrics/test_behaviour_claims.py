"""What behaviour must not claim: a rhythm where there is none, production where there is a person; and what it must see in spite of all."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
from support.effort import SOAK, some
from support.labelled import moments
from support.labelled.answers import ask, find_origins, judge, take_in
from support.labelled.build import lines_of
from support.labelled.moments import DAY, HOUR, MINUTE
from support.labelled.scenes import WITHOUT_RHYTHM, add_checks, each_morning, make_scene
from support.labelled.scoring import Judged
from support.labelled.town import Town

MANY = 40 if SOAK else 8
MACHINES = {1: 20, 2: 21, 3: 22, 6: 23}
"""Machines behind one address, and the number of the image that they poll."""
MOVED, SHARED = 24, 25


def image(number: int) -> str:
    """Name an image of the scenes."""
    return f"acme/svc{number:02d}x"


def add_who_comes_without_rhythm(town: Town) -> None:
    for name, draw in WITHOUT_RHYTHM.items():
        for _ in range(MANY):
            times = draw(town, round(moments.log_uniform(town.chance, 4, 200)))
            add_checks(town, "development", times, kind=name, number=town.chance.randrange(4))


def add_mornings(town: Town) -> None:
    for spread in (4, 6, 10, 15, 25, 40):
        add_checks(town, "development", each_morning(town, spread), kind="mornings", number=4)


def add_failing_polls(town: Town) -> None:
    for period in (60, 300, 900, 1800, 3600, 2 * HOUR):
        span = (max(town.span[0], town.span[1] - 250 * period), town.span[1])
        times = moments.timer(town.chance, span, period, delay=period * 0.02)
        add_checks(town, "production", [time for time in times if town.chance.random() < 0.5], kind="half of the polls", number=5)


def add_cron(town: Town) -> None:
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Sydney"):
        for hours in ([4], [6, 18], [1, 7, 13, 19]):
            add_checks(town, "production", moments.cron_daily(town.chance, town.span, zone, hours), kind="cron", number=6)


def add_too_few_polls(town: Town) -> None:
    for polls in (1, 2, 3):
        add_checks(town, "production", moments.timer(town.chance, town.span, 6 * HOUR)[-polls:], kind="too few", number=7)


def add_machines(town: Town) -> None:
    """Put machines behind one address, one that moves, and one that shares address and agent with a developer."""
    for count, number in MACHINES.items():
        who = (town.address("hosting"), town.agent("docker"))
        for _ in range(count):
            times = moments.timer(town.chance, (town.span[1] - 7 * DAY, town.span[1]), HOUR, delay=5)
            add_checks(town, "production", times, who, kind="behind NAT", number=number)
    times = moments.timer(town.chance, (town.span[1] - 7 * DAY, town.span[1]), 15 * MINUTE, delay=5)
    address, agent = town.address("hosting"), town.agent("docker")
    for piece in range(4):
        part = times[len(times) * piece // 4 : len(times) * (piece + 1) // 4]
        add_checks(town, "production", part, (address if piece == 0 else town.addresses.beside(address), agent), kind="moving", number=MOVED)
    who = add_checks(town, "production", moments.timer(town.chance, town.span, HOUR, delay=2), kind="shared", number=SHARED)
    for number in range(1, 5):
        add_checks(town, "development", moments.at_work(town.chance, town.span, "Europe/Berlin", 1), who, kind="shared", number=SHARED + number)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Path]:
    """Ingest all scenes at once."""
    town = make_scene(42, packages=30)
    for add in (add_who_comes_without_rhythm, add_mornings, add_failing_polls, add_cron, add_too_few_polls, add_machines):
        add(town)
    return town, take_in(town, tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def said(scene: tuple[Town, Path]) -> dict[str, list[str]]:
    """Give what is said of the origins of each kind."""
    found: dict[str, list[str]] = {}
    for one in judge(*scene):
        found.setdefault(one.kind, []).append(one.said)
    return found


@pytest.fixture(scope="module")
def instances(scene: tuple[Town, Path]) -> dict[str, dict[str, float]]:
    """Give the estimate of machines of each package."""
    rows = ask(scene[1], "report", "--by", "package", "--metric", "instances", "--window", "all", "--limit", "0")
    return {row["package"]: row for row in rows}


@pytest.mark.parametrize("name", WITHOUT_RHYTHM)
def test_who_comes_without_rhythm_is_no_production(name: str, said: dict[str, list[str]]) -> None:
    assert len(said[name]) == MANY
    assert "production" not in said[name]


def test_a_person_who_looks_each_morning_is_no_production(said: dict[str, list[str]]) -> None:
    assert len(said["mornings"]) == 6
    assert "production" not in said["mornings"]


@pytest.mark.parametrize(("kind", "count"), [("half of the polls", 6), ("cron", 9), ("behind NAT", 4), ("moving", 4)])
def test_polls_are_seen_through_what_hides_them(kind: str, count: int, said: dict[str, list[str]]) -> None:
    """Half of them fail; clocks turn in spring; several machines are one origin; one machine is several origins."""
    assert said[kind] == ["production"] * count


def test_a_log_shorter_than_a_few_periods_claims_nothing(said: dict[str, list[str]]) -> None:
    assert said["too few"] == ["unknown"] * 3


def test_one_origin_has_a_class_for_each_package(scene: tuple[Town, Path]) -> None:
    """A deployment and a developer behind one address, with the same docker: each package has its own answer."""
    classes: dict[str, set[str]] = {}
    for row in ask(scene[1], "report", "--by", "package,class", "--metric", "requests", "--window", "all", "--limit", "0"):
        classes.setdefault(row["package"], set()).add(row["class"])
    assert classes[image(SHARED)] == {"production"}
    assert "production" not in set().union(*(classes[image(SHARED + number)] for number in range(1, 5)))


@pytest.mark.parametrize("machines", MACHINES)
def test_machines_behind_one_address_are_counted_by_their_phases(machines: int, instances: dict[str, dict[str, float]]) -> None:
    row = instances[image(MACHINES[machines])]
    assert row["instances_low"] <= machines <= row["instances_high"] <= 2 * machines


def test_an_address_that_changes_is_one_machine(instances: dict[str, dict[str, float]]) -> None:
    row = instances[image(MOVED)]
    assert row["instances_low"] <= 1 <= row["instances_high"] <= 2


def classes_of(town: Town, folder: Path) -> list[Judged]:
    """Ingest a scene and give what is said of everybody in it."""
    return judge(town, take_in(town, folder))


def test_hours_that_all_logs_miss_hide_no_poller(tmp_path: Path) -> None:
    """The log is kept from 8:00 to 20:00 only: a silence of the log is none of the clients."""
    town = make_scene(14)
    for period in (60, 300, 900, 3600):
        span = (max(town.span[0], town.span[1] - 400 * period), town.span[1])
        add_checks(town, "production", moments.timer(town.chance, span, period, delay=3), kind=f"{period:g} s")
    for _ in range(12):  # others, so that the log speaks in all hours it is kept
        add_checks(town, "development", moments.at_work(town.chance, town.span, "UTC", 6, begin=8, end=20), number=3)
    town.sent = [sent for sent in town.sent if 8 * HOUR <= sent.time % DAY < 20 * HOUR]
    pollers = [one for one in classes_of(town, tmp_path) if one.label == "production"]
    assert [(one.kind, one.said) for one in pollers if one.said != "production"] == []


Classes = dict[tuple[str, str], str]


def small_town() -> Town:
    """Make a scene of pollers and people."""
    town = make_scene(14)
    for period in (120, 600, 3600):
        span = (max(town.span[0], town.span[1] - 300 * period), town.span[1])
        add_checks(town, "production", moments.sleep_loop(town.chance, span, period), kind=f"{period} s")
    for number in range(5):
        add_checks(town, "development", moments.at_work(town.chance, town.span, "Europe/Berlin", 5), number=number)
    town.sent.sort(key=lambda sent: sent.time)
    return town


def answer_of(store: Path) -> Classes:
    """Give the class of every address and agent."""
    said = {row["origin"]: row["class"] for row in ask(store, "behaviour", "--window", "all", "--limit", "0")}
    rows = find_origins(store).iter_rows(named=True)
    return {(row["client_address"], row["user_agent_original"]): said.get(row["origin"], "unknown") for row in rows}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Classes:
    """Give the classes of the small town, read as it is."""
    return answer_of(take_in(small_town(), tmp_path_factory.mktemp("usual")))


def test_the_small_town_is_told_apart(usual: Classes) -> None:
    assert usual == {who: labels.most_common(1)[0][0] for who, labels in small_town().labels().items()}


def shuffle(town: Town) -> None:
    random.Random(1).shuffle(town.sent)


def next_week(town: Town) -> None:
    town.sent = [sent._replace(time=sent.time + 7 * DAY) for sent in town.sent]


def seven_years_ago(town: Town) -> None:
    town.sent = [sent._replace(time=sent.time - 365 * 7 * DAY) for sent in town.sent]


def rename(town: Town) -> None:
    new = {address: town.addresses.beside(address) for address in sorted({sent.address for sent in town.sent})}
    town.sent = [sent._replace(address=new[sent.address]) for sent in town.sent]


def all_at_once(town: Town) -> None:
    rename(town)
    seven_years_ago(town)
    shuffle(town)


@pytest.mark.parametrize("change", some([all_at_once, shuffle, next_week, seven_years_ago, rename], of=5))
@pytest.mark.parametrize("pieces", [4])
def test_what_is_no_behaviour_changes_no_class(change: Callable[[Town], None], pieces: int, usual: Classes, tmp_path: Path) -> None:
    """Order of the lines, files, the date by whole weeks, and which addresses they are."""
    town, logs = small_town(), tmp_path / "logs"
    change(town)
    logs.mkdir()
    lines = lines_of(town.sent)
    for piece in range(pieces):
        (logs / f"{piece}.log").write_text("".join(lines[len(lines) * piece // pieces : len(lines) * (piece + 1) // pieces]))
    ingest(IngestPlan((str(logs),), tmp_path / "store", keep_addresses=True))
    assert sorted(answer_of(tmp_path / "store").values()) == sorted(usual.values())


def one_event(town: Town) -> set[str]:
    town.sent = town.sent[:1]
    return {"unknown"}


def one_second(town: Town) -> set[str]:
    town.sent = [sent._replace(time=town.span[0]) for sent in town.sent[:200]]
    return {"unknown"}


def clocks_that_jump_back(town: Town) -> set[str]:
    town.sent = [sent for sent in town.sent if sent.label == "production"]
    half = len(town.sent) // 2
    town.sent = town.sent[:half] + [sent._replace(time=sent.time - 2 * HOUR) for sent in town.sent[half:]]
    return {"production"}


@pytest.mark.parametrize("spoil", some([one_second, one_event, clocks_that_jump_back], of=3))
def test_a_spoilt_log_gets_an_honest_answer(spoil: Callable[[Town], set[str]], tmp_path: Path) -> None:
    town = small_town()
    honest = spoil(town)
    assert {one.said for one in classes_of(town, tmp_path)} == honest


def test_what_comes_later_changes_no_class(tmp_path: Path) -> None:
    """A class is as of the window's end: a store that was cut there gives the same answer."""
    town = small_town()
    end = town.span[0] + 6 * DAY
    whole = ask(take_in(town, tmp_path / "whole"), "behaviour", "--window", "all", "--as-of", "2025-03-08")
    town.sent = [sent for sent in town.sent if sent.time < end]
    assert ask(take_in(town, tmp_path / "cut"), "behaviour", "--window", "all") == whole != []
