"""Streams: one machine at several addresses, one after the other or in turn; and people and machines that only look like one."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from pullstats.metrics import Breakdown
from pullstats.metrics.questions.explain import Explanation
from support.crowd import Row, ask
from support.effort import across, some
from support.polls import START, every, judge_all, poll

PERIODS = [300 * 1.03**step for step in range(12)]
"""Close enough for any bounds between like periods to fall between two of them."""


def count_instances(rows: list[Row]) -> tuple[int, int, int]:
    """Give the estimate and its range."""
    (row,) = ask(Breakdown, rows, metrics=("instances",)).frame.to_dicts()
    return row["instances"], row["instances_low"], row["instances_high"]


def move(period: float, ratio: float = 1.0, pause: float = 1.0) -> list[Row]:
    """Let a machine poll forty times at one address, and after so many periods at another, at a period so much longer."""
    first = every(period, 40)
    return poll(100, first) + poll(110, every(period * ratio, 40, first[-1] + timedelta(seconds=pause * period)))


@pytest.mark.parametrize(("period", "ratio"), across(some(PERIODS, of=4), [1.0, 1.03, 0.97]))
def test_periods_that_differ_by_little_are_one(period: float, ratio: float) -> None:
    assert count_instances(move(period, ratio)) == (1, 1, 1)


@pytest.mark.parametrize("pause", [1, 2])
def test_a_missed_poll_does_not_part_a_stream(pause: float) -> None:
    assert count_instances(move(600, pause=pause)) == (1, 1, 1)


@pytest.mark.parametrize(("ratio", "pause"), [(1.5, 1), (0.6, 1), (1, 4), (1, 40)])
def test_another_period_or_a_long_pause_is_another_machine(ratio: float, pause: float) -> None:
    rows = move(600, ratio, pause)
    assert count_instances(rows)[0] == 2
    assert not any("one stream" in row["evidence"] for row in judge_all(rows))


def each_working_morning(seed: int, days: int = 42) -> list[datetime]:
    """Give nine o'clock, more or less, of each working day but some."""
    chance = random.Random(seed)
    return [START + timedelta(days=day, minutes=chance.gauss(0, 5)) for day in range(days) if day % 7 < 5 and chance.random() > 0.08]


@pytest.mark.parametrize("seed", some(range(3), 3))
def test_two_people_who_both_come_each_morning_are_no_stream(seed: int) -> None:
    rows = poll(100, each_working_morning(2 * seed)) + poll(110, each_working_morning(2 * seed + 1))
    for row in judge_all(rows):
        assert row["class"] != "production"
        assert "one stream" not in row["evidence"]


def leave_by(addresses: int, period: float = 600, polls: int = 400) -> list[Row]:
    """Let one job poll from whichever of some addresses of a network owner has room."""
    chance = random.Random(addresses)
    chosen: dict[int, list[datetime]] = {}
    for moment in every(period, polls):
        chosen.setdefault(100 + 10 * chance.randrange(addresses), []).append(moment + timedelta(seconds=chance.uniform(0, 10)))
    return [row for who, moments in chosen.items() for row in poll(who, moments)]


@pytest.mark.parametrize("addresses", [2, 3])
def test_a_job_that_starts_now_here_now_there_is_one_stream_in_turn(addresses: int) -> None:
    rows = leave_by(addresses)
    said = judge_all(rows)
    assert [row["class"] for row in said] == ["production"] * addresses
    assert all(f"one stream that leaves by {addresses} addresses in turn" in row["evidence"] for row in said)
    assert not any("one after the other" in row["evidence"] for row in said)
    assert count_instances(rows)[0] == 1


@pytest.mark.parametrize("hours", [(2, 5, 11, 12, 19, 23), (1, 9, 10, 17)])
def test_a_job_at_odd_hours_that_starts_now_here_now_there_is_one_stream_in_turn(hours: tuple[int, ...]) -> None:
    """No node sees a period: each has now this hour's run and now another's. Together they have every hour's, each day."""
    chance = random.Random(sum(hours))
    chosen: dict[int, list[datetime]] = {100: [], 110: [], 120: []}
    for day in range(14):
        for hour in hours:
            chosen[chance.choice(list(chosen))].append(START + timedelta(days=day, hours=hour, seconds=chance.uniform(0, 20)))
    rows = [row for who, moments in chosen.items() for row in poll(who, moments)]
    assert {row["class"] for row in judge_all(rows)} == {"production"}
    assert count_instances(rows)[1] == 1


@pytest.mark.parametrize("seed", some(range(10), of=3))
def test_origins_that_come_by_chance_are_no_stream_together(seed: int) -> None:
    chance = random.Random(seed)
    rows = [row for who in (100, 110, 120) for row in poll(who, sorted(START + timedelta(hours=chance.uniform(0, 24 * 14)) for _ in range(25)))]
    assert not any("one stream" in row["evidence"] for row in judge_all(rows))


@pytest.mark.parametrize("machines", [2, 3, 4])
def test_machines_that_take_turns_at_nearly_equal_distances_are_counted(machines: int) -> None:
    """Their visits follow each other at one pace within a tenth; but each machine's own are a hundred times as sharp."""
    chance = random.Random(machines)
    period, phases = 600.0 * machines, [600.0 * place + (0, 35, 20, 50)[place] for place in range(machines)]
    moments = sorted(START + timedelta(seconds=turn * period + phase + chance.uniform(0, 0.5)) for turn in range(60) for phase in phases)
    estimate, low, high = count_instances(poll(100, moments))
    assert (estimate, high) == (machines, machines)
    assert low <= machines


@pytest.mark.parametrize("seed", some(range(20), of=5))
def test_a_machine_that_sleeps_now_longer_and_now_shorter_is_one(seed: int) -> None:
    chance = random.Random(seed)
    moments = [START]
    for _ in range(120):
        moments.append(moments[-1] + timedelta(seconds=600 * chance.uniform(0.92, 1.08)))
    assert count_instances(poll(100, moments)) == (1, 1, 1)


def test_a_pace_that_bears_out_part_of_the_visits_alone_leaves_room_for_another_machine() -> None:
    chance = random.Random(3)
    slower = [START + timedelta(seconds=2300 * turn + chance.uniform(0, 200)) for turn in range(40)]
    estimate, low, high = count_instances(poll(100, sorted(every(600, 150) + slower)))
    assert low <= estimate < high
    assert low <= 2 <= high


def test_all_addresses_of_a_stream_have_its_class_and_score() -> None:
    pieces, begin = (60, 8, 45, 12), START
    rows: list[Row] = []
    for place, polls in enumerate(pieces):
        rows += poll(100 + 10 * place, every(900, polls, begin))
        begin += timedelta(seconds=900 * polls)
    said = judge_all(rows)
    assert {row["class"] for row in said} == {"production"}
    assert len({row["score"] for row in said}) == 1
    assert all("one stream over 4 addresses, one after the other" in row["evidence"] for row in said)


def test_a_window_chooses_as_of_when_and_the_streams_are_read_from_all_that_is_kept() -> None:
    """Yesterday, the 12th, holds two polls of each machine, of which nobody could tell a pace."""
    half_a_day = 43_000
    rows = poll(100, every(half_a_day, 30), tag="1.4") + poll(2100, every(half_a_day, 30), tag="1.4")
    rows += poll(4100, every(half_a_day, 12), tag="1.3")  # until the 8th
    rows += poll(6100, every(300, 400, START + timedelta(days=11)), tag="1.5")  # from noon of the 13th on
    asked: dict[str, Any] = {"metrics": ("instances",), "dimensions": ("package", "version"), "window": "yesterday"}
    now = START + timedelta(days=11, hours=6)
    report = ask(Breakdown, rows, now=now, **asked)
    assert [(row["version"], row["instances"]) for row in report.frame.to_dicts()] == [("1.4", 2)]
    assert "as of 2026-03-13 00:00 UTC, from events since 2026-03-02 12:00" in report.meta["class_by"]
    alone = [row for row in rows if START + timedelta(days=9, hours=12) <= row["time"] < START + timedelta(days=10, hours=12)]
    assert len(alone) >= 4
    assert ask(Breakdown, alone, now=now, **asked).frame["instances"].sum() == 0


def test_explain_says_what_the_estimate_assumes() -> None:
    rows = poll(1, every(300, 60))
    told = ask(Explanation, rows, metrics=("instances",)).frame
    assert told.filter(told["part"] == "assumes").height == 4
    plain = ask(Explanation, rows, metrics=("requests",)).frame
    assert "assumes" not in plain["part"].to_list()
