"""Alarms: what is one, what is none, and what is said where nothing can be told; numbers and verdicts are those of a comparison."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from pullstats.errors import UsageError
from pullstats.metrics import METRICS, Query
from pullstats.metrics.alarms.condition import Condition, Kind, parse_condition
from pullstats.metrics.alarms.finding import Finding
from pullstats.metrics.alarms.judging import Alarm
from pullstats.metrics.alarms.windows import find_before
from pullstats.metrics.comparing.noise import Evidence, judge_windows
from pullstats.metrics.questions.alarms import Alarms
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.time.windows import Window
from pullstats.reports import Report
from support.crowd import Row, ask, request
from support.effort import SOAK

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MONDAY = datetime(2025, 6, 2, tzinfo=UTC)
"""The day that is looked at."""
NOW = MONDAY + DAY + timedelta(hours=2)


def on(day: datetime, count: int, **other: Any) -> list[Row]:
    """Make so many requests over a day."""
    return [request(day + DAY * number / max(count, 1), number % 7, **other) for number in range(count)]


def mondays(*counts: int, **other: Any) -> list[Row]:
    """Make so many requests on each of the last Mondays, and some after the last of them."""
    days = [MONDAY - WEEK * number for number in reversed(range(len(counts)))]
    return [*(row for day, count in zip(days, counts, strict=True) for row in on(day, count, **other)), *on(MONDAY + DAY, 3, package="later")]


def look(rows: list[Row], kind: Kind = "drop", size: str = "30%", *, against: str | None = None, now: datetime = NOW, **options: Any) -> Report:
    def make(query: Query) -> Alarms:
        return Alarms((Alarm(query, kind, size, against),))

    return ask(make, rows, now=now, **{"metrics": ("downloads",), "window": "yesterday"} | options)


def say(rows: list[Row], *words: Any, **options: Any) -> str:
    """Give the one sentence."""
    sentence: str = look(rows, *words, **options).frame["sentence"].item()
    return sentence


STEADY = (100, 104, 97, 101, 99, 103)


def test_a_fall_that_is_large_and_more_than_noise_is_an_alarm() -> None:
    report = look(mondays(*STEADY, 50))
    assert report.meta["fired"] == 1
    assert report.frame.row(0, named=True)["sentence"] == (
        "alarm: downloads, yesterday (2025-06-02): 50 after 103 (2025-05-26), -51.5 %; a drop of 30 % or more, beyond the noise of 5 past periods "
        "(provisional: logs of it may still come in)"
    )


def test_the_sentence_says_why_it_is_none() -> None:
    assert say(mondays(*STEADY, 80)).startswith(
        "quiet: downloads, yesterday (2025-06-02): 80 after 103 (2025-05-26), -22.3 %; no drop of 30 % or more"
    )
    wild = say(mondays(20, 190, 60, 150, 10, 103, 50))
    assert wild.startswith("quiet")
    assert "a drop of 30 % or more, but within the noise of 5 past periods" in wild
    assert say(mondays(*STEADY, 210), "rise", "100%").startswith("alarm")
    assert say(mondays(*STEADY, 210), "drop", "1%").startswith("quiet")
    assert say(mondays(*STEADY, 50), "rise", "1%").startswith("quiet")


def test_too_little_past_is_said_and_no_alarm() -> None:
    said = say(mondays(100, 102, 103, 5))
    assert said.startswith("not judged: downloads")
    assert "; too little past to tell, 2 of at least 3 earlier periods" in said
    assert "lies outside of the logs" in say(mondays(5))


def test_what_the_logs_do_not_hold_whole_is_no_alarm() -> None:
    rows = mondays(*STEADY, 50)
    running = say(rows, window="today", now=MONDAY + timedelta(hours=20))
    assert running.startswith("not judged")
    assert "'today' is not over" in running
    cut = say([row for row in rows if row["time"] < MONDAY + timedelta(hours=9)])
    assert cut.startswith("not judged")
    assert "do not reach over all of 'yesterday'" in cut
    assert "(--" not in cut + running
    for bound in (("below", "60"), ("above", "1")):
        assert say(rows, *bound, window="today", now=MONDAY + timedelta(hours=20)).startswith("not judged")
        assert say([row for row in rows if row["time"] < MONDAY + timedelta(hours=9)], *bound).startswith("not judged")


def test_a_day_of_which_logs_may_still_come_in_says_so() -> None:
    young = say(mondays(*STEADY, 50))
    assert young.endswith("(provisional: logs of it may still come in)")
    old = say([*mondays(*STEADY, 50), *on(MONDAY + 2 * DAY, 9, package="later")])
    assert old.startswith("alarm")
    assert "provisional" not in old


def test_a_bound_needs_no_past() -> None:
    rows = [*mondays(5), *on(MONDAY + 2 * DAY, 9, package="later")]
    assert say(rows, "below", "6").endswith("yesterday (2025-06-02): 5; below 6")
    assert say(rows, "below", "5") == "quiet: downloads, yesterday (2025-06-02): 5; not below 5"
    assert say(rows, "above", "4").startswith("alarm")
    refused = [*on(MONDAY, 4, status=404), *on(MONDAY, 96), *on(MONDAY + 2 * DAY, 9)]
    assert say(refused, "above", "3.9%", metrics=("error-rate",)).endswith("4.0 % of 100 requests; above 3.9 %")
    assert say(refused, "above", "4%", metrics=("error-rate",)).startswith("quiet")


def test_a_name_that_nothing_has_is_no_fall_to_nothing() -> None:
    report = look(mondays(*STEADY, 50), "below", "10", where="package=typo")
    assert (report.meta["fired"], report.frame["state"].item()) == (0, "not judged")
    assert any("typo" in warning for warning in report.meta["warnings"])
    gone = [*mondays(*STEADY, 0), *on(MONDAY, 50, package="other")]
    assert say(gone, "drop", "99%", where="package=f").startswith("alarm")


def test_numbers_and_verdicts_are_those_of_a_comparison() -> None:
    rows = [*mondays(90, 110, 100, 95, 105, 60, 100), *(row for day in range(100) for row in on(MONDAY - DAY * day, 5))]
    for window, against in (("2025-06-02", None), ("2025-06-02", "2025-06-01"), ("2025-05-26..2025-06-01", None), ("2025-05", "2025-04")):
        found = look(rows, window=window, against=against, metrics=("requests",)).frame.row(0, named=True)
        left = against or {"2025-06-02": "2025-05-26"}.get(window, "2025-05-19..2025-05-25")
        compared = ask(Comparison, rows, left, window, now=NOW, metrics=("requests",)).frame.row(0, named=True)
        assert (found["before"], found["now"]) == (compared["a"], compared["b"])
        assert found["verdict"] == compared["verdict"].removeprefix("no verdict: ")


def test_each_value_of_a_dimension_is_looked_at_and_all_keep_one_level() -> None:
    rows = [*mondays(*STEADY, 50), *mondays(*STEADY, 101, package="g"), *mondays(7, 8, 6, 7, 9, 8, 7, package="h")]
    frame = look(rows, dimensions=("package",)).frame
    assert dict(frame.filter(frame["group"] != "package later").select("group", "state").rows()) == {
        "package f": "alarm",
        "package g": "quiet",
        "package h": "quiet",
    }
    assert look(rows, dimensions=("package",), limit=1).frame["group"].to_list() == ["package g"]


def test_months_of_different_lengths_are_compared_by_the_day() -> None:
    first = datetime(2024, 11, 1, tzinfo=UTC)
    days = [first + DAY * number for number in range(212)]
    rows = [row for number, day in enumerate(days) for row in on(day, 4 + (number % 5 == 0) if day < datetime(2025, 5, 1, tzinfo=UTC) else 2)]
    found = look([*rows, *on(MONDAY, 3)], window="last-month", metrics=("requests",)).frame.row(0, named=True)
    april, may = (sum(row["time"].month == month and row["time"].year == 2025 for row in rows) for month in (4, 5))
    assert (found["before"], found["now"], found["against"]) == (april, may, "the span before last-month")
    assert found["change"] == pytest.approx(may / 31 / (april / 30) - 1)
    assert found["state"] == "alarm"
    origins = look([*rows, *on(MONDAY, 3)], window="last-month", metrics=("origins",)).frame["sentence"].item()
    assert "of days do not add up" in origins


def judge(a: int, b: int, past: list[int], kind: Kind, size: str) -> bool:
    """Tell whether two counts are an alarm by past ones."""
    day = Window(MONDAY, MONDAY + DAY, "yesterday")
    (verdict,) = judge_windows([Evidence(a, b, tuple((float(count),) for count in past))])
    condition = parse_condition(kind, size, METRICS["downloads"])
    return Finding("", METRICS["downloads"], condition, find_before(day), day, old=a, new=b, verdict=verdict).state == "alarm"


def test_where_nothing_changed_at_most_5_per_cent_are_alarms_and_half_is_seen() -> None:
    """Even where any change will do: each way half of the level is meant."""
    runs = 4000 if SOAK else 300
    counts = {"fell": 0, "rose": 0, "halved": 0}
    for seed in range(runs):
        chance = random.Random(seed)
        *past, a, b = (draw(chance, 120) for _ in range(8))
        counts["fell"] += judge(a, b, past, "drop", "0.1%")
        counts["rose"] += judge(a, b, past, "rise", "0.1%")
        counts["halved"] += judge(a, sum(chance.random() < 0.5 for _ in range(b)), past, "drop", "30%")
    assert runs * 0.01 <= counts["fell"] + counts["rose"] <= runs * 0.07, counts
    assert counts["halved"] >= runs * 0.9, counts


def test_of_logs_few_quiet_days_are_alarms_and_half_is_seen() -> None:
    runs = 200 if SOAK else 6
    fired, seen = 0, 0
    for seed in range(runs):
        chance = random.Random(seed)
        rows = mondays(*(draw(chance, 120) for _ in range(8)))
        halved = [row for row in rows if row["time"] < MONDAY or row["time"] >= MONDAY + DAY or chance.random() < 0.5]
        fired += look(rows, "drop", "1%").meta["fired"]
        seen += look(halved, "drop", "30%").meta["fired"]
    assert fired <= max(1, runs * 0.05)
    assert seen >= runs * 0.9


def draw(chance: random.Random, mean: int) -> int:
    """Draw a count, nearly Poisson's."""
    return sum(chance.random() < 0.1 for _ in range(mean * 10))


@pytest.mark.parametrize(
    ("kind", "text", "metric", "limit"),
    [
        ("drop", "30%", "downloads", Fraction(3, 10)),
        ("rise", "250 %", "downloads", Fraction(5, 2)),
        ("below", "1.5k", "downloads", 1500),
        ("above", "4.5GB", "bytes", 4_500_000_000),
        ("above", "5%", "error-rate", Fraction(1, 20)),
    ],
)
def test_limits_are_read(kind: Kind, text: str, metric: str, limit: Fraction) -> None:
    assert parse_condition(kind, text, METRICS[metric]) == Condition(kind, Fraction(limit))


@pytest.mark.parametrize(
    ("kind", "text", "metric"),
    [
        ("drop", "30", "downloads"),
        ("drop", "130%", "downloads"),
        ("drop", "0%", "downloads"),
        ("below", "5%", "downloads"),
        ("above", "5", "error-rate"),
    ]
    + [("drop", text, "downloads") for text in ("", "x", "-3%", "nan%", "1e3%", "९%")],
)
def test_what_is_no_limit_is_said(kind: Kind, text: str, metric: str) -> None:
    with pytest.raises(UsageError):
        parse_condition(kind, text, METRICS[metric])


def test_a_tenth_less_is_a_drop_of_ten_per_cent() -> None:
    for whole in range(10, 2000, 10):
        assert Condition("drop", Fraction(1, 10)).is_met(Fraction(whole), Fraction(whole - whole // 10))
    assert not Condition("rise", Fraction(1, 10)).is_met(Fraction(0), Fraction(0))


@pytest.mark.parametrize(
    ("start", "end", "before"),
    [
        (datetime(2025, 6, 2, tzinfo=UTC), datetime(2025, 6, 3, tzinfo=UTC), datetime(2025, 5, 26, tzinfo=UTC)),
        (datetime(2025, 6, 2, tzinfo=UTC), datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 5, 26, tzinfo=UTC)),
        (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)),
        (datetime(2025, 6, 2, 8, tzinfo=UTC), datetime(2025, 6, 2, 9, tzinfo=UTC), datetime(2025, 5, 26, 8, tzinfo=UTC)),
    ],
)
def test_a_window_is_set_beside_what_is_like_it(start: datetime, end: datetime, before: datetime) -> None:
    assert find_before(Window(start, end, "w")).start == before


@pytest.mark.parametrize(
    "options",
    [
        {"window": "all"},
        {"metrics": ("first-seen",)},
        {"metrics": ("downloads", "bytes")},
        {"count_as": ("pullstats", "docker-hub")},
        {"min_origins": 3},
    ],
)
def test_what_cannot_be_watched_is_said(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        look(mondays(*STEADY), **options)
