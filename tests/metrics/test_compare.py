"""Two sides compared: differences, noise and like-for-like cuts, each worked out a second time by hand."""

from __future__ import annotations

import json
import math
import random
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, stdev
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.metrics.comparing import grounds
from pullstats.metrics.comparing import verdicts as judging
from pullstats.metrics.comparing.student import find_quantile
from pullstats.metrics.questions import compare as comparing
from pullstats.metrics.questions.compare import Comparison
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, make_crowd, manifest, request
from support.effort import SOAK, some
from support.places import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import verdicts

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def compare(rows: list[Row], left: str, right: str, *, like: bool = False, **options: Any) -> Report:
    return ask(Comparison, rows, left, right, like, **{"metrics": ("requests",)} | options)


def days(counts: list[int], start: datetime = NOON) -> list[Row]:
    """Make so many requests on each of the days."""
    return [request(start + number * DAY, 1) for number, count in enumerate(counts) for _ in range(count)]


def test_differences_are_absolute_and_relative() -> None:
    rows = [*days([4, 6]), request(NOON + DAY, 2, status=404)]
    report = compare(rows, "2025-03-03", "2025-03-04", metrics=("requests", "origins", "errors"))
    assert report.frame.select("metric", "a", "b", "difference", "change").rows() == [
        ("requests", 4, 7, 3, 0.75),
        ("origins", 1, 2, 1, 1.0),
        ("errors", 0, 1, 1, None),
    ]
    assert report.headline == "requests 4 → 7 (+75.0 %), origins 1 → 2 (+100.0 %), errors 0 → 1"
    assert "where 2025-03-03 has nothing, there is no relative change" in report.meta["warnings"]


def test_beside_uniques_stands_how_many_stayed_for_a_day_of_each_side() -> None:
    """By hand; not where nobody is counted, nor of single days."""
    rows = make_crowd(400)
    report = compare(rows, "2025-03-04..2025-03-08", "2025-03-10..2025-03-14", metrics=("requests", "origins"))
    shares = []
    for first in (4, 10):
        days: dict[int, set[int]] = {}
        for row in rows:
            if row["status"] != 401 and row["endpoint"] is not None and first <= row["time"].day < first + 5 and row["time"].month == 3:
                days.setdefault(row["endpoint"], set()).add(row["time"].day)
        shares.append(sum(len(seen) == 1 for seen in days.values()) / len(days))
    assert [report.meta[side]["one_day_share"] for side in "ab"] == pytest.approx(shares)
    told = " and ".join(f"{share * 100:.1f} % ({side})" for share, side in zip(shares, "ab", strict=True))
    assert f"{told} of the endpoints were seen on one day only" in report.footer
    for options in ({"metrics": ("requests",)}, {"metrics": ("requests", "packages")}):
        assert "on one day only" not in compare(rows, "2025-03-04..2025-03-08", "2025-03-10..2025-03-14", **options).footer


def test_shares_are_compared_as_shares() -> None:
    rows = [request(NOON + day * DAY, 1, status=404 if number < bad else 200) for day, bad in enumerate((1, 3)) for number in range(4)]
    report = compare(rows, "2025-03-03", "2025-03-04", metrics=("error-rate", "requests"))
    assert report.frame.select("a", "b", "difference", "change").rows() == [(0.25, 0.75, 0.5, 2.0), (4.0, 4.0, 0.0, 0.0)]
    assert report.headline == "errors of requests 25.0 % → 75.0 % (+200.0 %), requests 4 → 4 (+0.0 %)"
    same = compare(rows, "2025-03-03", "2025-03-03", metrics=("error-rate",))
    assert same.headline == "errors of requests 25.0 % → 25.0 % (+0.0 %)"


def weeks(counts: list[int], start: datetime = NOON) -> list[Row]:
    """Make so many requests on the same day of each week."""
    return [request(start + 7 * number * DAY, 1) for number, count in enumerate(counts) for _ in range(count)]


def root(count: float) -> float:
    """The scale of Freeman and Tukey, written once more."""
    return (math.sqrt(count) + math.sqrt(count + 1)) / 2


def test_two_mondays_by_hand() -> None:
    """The Mondays before had 9, 12, 10, 13 and 11 requests; t with 4 degrees of freedom exceeds 2.776 once in twenty times."""
    past = [root(count) for count in (9, 12, 10, 13, 11)]
    margin = 2.776445 * stdev(past) * 2**0.5
    seen = {}
    for today in some(range(40), 8, first=1):
        row = compare(weeks([9, 12, 10, 13, 11, 11, today]), "2025-04-07", "2025-04-14").frame.row(0, named=True) if today else None
        if row is None:
            continue
        assert row["verdict"].startswith("beyond" if abs(root(today) - root(11)) > margin else "within"), today
        assert (row["low"] > 0 or row["high"] < 0) == row["verdict"].startswith("beyond")
        seen_from = root(11) + margin + 0.940965 * stdev(past) * 2**0.5  # which t with 4 degrees of freedom exceeds once in five times
        assert 11 + row["smallest"] == pytest.approx((seen_from - 1 / (4 * seen_from)) ** 2)
        seen[row["verdict"][:6]] = row
    assert set(seen) == {"within", "beyond"}
    assert seen["beyond"]["verdict"] == "beyond the noise of 5 past periods"


MISSED = "would be missed more often than 1 time in 5 (level 5 %, power 80 %)"


def test_what_would_be_missed_is_told_with_level_and_power() -> None:
    """In percent of what is expected, and not in fractions of requests; the column has the same number."""
    row = compare(weeks([9, 12, 10, 13, 11, 11, 11]), "2025-04-07", "2025-04-14").frame.row(0, named=True)
    found = re.fullmatch(
        rf"within the noise of 5 past periods; a rise below ([0-9.]+) % or a fall below ([0-9.]+) % {re.escape(MISSED)}", row["verdict"]
    )
    assert found is not None
    assert float(found[1]) == pytest.approx(row["smallest"] / 11 * 100, abs=0.05)
    assert 0 < float(found[2]) < 100


@pytest.mark.parametrize("kind", verdicts.KINDS)
def test_what_is_said_to_be_seen_is_seen_in_four_runs_of_five(kind: str) -> None:
    """Simulated: the change that a verdict names is made, and the verdict asked again; docs/verdicts.md has each by itself."""
    chance = random.Random(kind)
    seen = [verdicts.is_seen(chance, mean, kind, periods) for mean in (200, 1000) for periods in (4, 8, 20) for _ in range(80 if SOAK else 30)]
    assert 0.74 <= fmean(seen) <= 0.9
    seen = [verdicts.is_seen_of_days(chance, 200, kind, days) for days in (8, 30) for _ in range(150 if SOAK else 60)]
    assert 0.73 <= fmean(seen) <= 0.87


def test_a_fall_that_could_not_be_seen_is_not_promised() -> None:
    text = compare(weeks([1, 9, 2, 8, 1, 3, 3]), "2025-04-07", "2025-04-14").frame["verdict"].item()
    assert text.endswith(f"or any fall {MISSED}")


def test_different_days_of_the_week_are_judged_by_what_they_usually_differ() -> None:
    """Sundays have a third of what Saturdays have: that it is so once more is nothing new; that they are alike is."""
    saturdays, sundays = [30, 33, 27, 31, 29, 30], [10, 11, 9, 11, 10]
    first = NOON + 5 * DAY
    for last, side in ((10, "within"), (30, "beyond")):
        row = compare(weeks(saturdays, first) + weeks([*sundays, last], first + DAY), "2025-04-12", "2025-04-13").frame.row(0, named=True)
        assert row["verdict"].startswith(f"{side} the noise of 5 past periods, usually -6")
        assert (row["low"] > 0) == (side == "beyond")


def test_filters_are_paired_by_day_by_hand() -> None:
    """Over ten days one client has 1 to 3 requests a day more than the other, or now more, now fewer."""
    for extra, side in (((1, 3, 2, 1, 3, 2, 1, 3, 2, 2), "beyond"), ((1, -3, 2, -1, 3, -2, 1, -3, 2, 1), "within")):
        rows = [{**row, "client": "pip"} for row in days([10] * 10)] + [{**row, "client": "uv"} for row in days([10 + more for more in extra])]
        row = compare(rows, "client=pip", "client=uv").frame.row(0, named=True)
        margin = 2.262157 * stdev(extra) / 10**0.5
        error = stdev(extra) / 10**0.5
        assert (row["low"], row["high"]) == pytest.approx((fmean(extra) - margin, fmean(extra) + margin))
        assert row["smallest"] == pytest.approx(margin + 0.883404 * error, rel=1e-5)
        if side == "within":
            assert row["verdict"] == f"within the noise of 10 days; a change below ±{row['smallest'] / 10 * 100:.1f} % {MISSED}"
        assert row["verdict"].startswith(f"{side} the noise of 10 days")
        assert (row["a"], row["b"], row["per"]) == (100, 100 + sum(extra), "day")


@pytest.mark.parametrize("count", [1, 3, 40])
def test_no_fall_by_more_than_all_is_spoken_of(count: int) -> None:
    """Where days differ by as much as there is, any fall would be missed; where they do not, none of all is named."""
    swings = [6 * count * (number % 6 == 5) for number in range(12)] if count < 40 else [count + number % 3 - 1 for number in range(12)]
    rows = [{**row, "client": "pip"} for row in days([count] * 12)] + [{**row, "client": "uv"} for row in days(swings)]
    row = compare(rows, "client=pip", "client=uv").frame.row(0, named=True)
    found = re.fullmatch(
        rf"within the noise of 12 days; (a rise below|a change below ±) ?([0-9,.]+) %( or any fall)? {re.escape(MISSED)}", row["verdict"]
    )
    assert found is not None
    assert (found[1] == "a rise below") == bool(found[3]) == (row["smallest"] >= count) == (count < 40)
    assert found[3] or float(found[2]) < 100


def test_the_level_is_told_where_there_is_a_verdict_alone() -> None:
    assert "verdicts at the 5 % level" in compare(weeks([9, 12, 10, 13, 11, 11, 11]), "2025-04-07", "2025-04-14").footer
    assert "verdicts at" not in compare(weeks([9, 12]), "2025-03-03", "2025-03-10").footer


def test_filters_over_fewer_than_eight_days_get_no_verdict() -> None:
    rows = [{**row, "client": name} for name in ("pip", "uv") for row in days([3] * 7)]
    assert compare(rows, "client=pip", "client=uv").frame["verdict"].item() == "no verdict: 7 of at least 8 days to compare"


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("2025-03-03..2025-03-09", "2025-03-09..2025-03-15", "the windows overlap"),
        ("2025-04-14", "2025-04-14", "the windows overlap"),
        ("2025-03-03..2025-03-04", "2025-03-10", "the windows are not equally long"),
        ("every monday 2025-03", "every tuesday 2025-03", "the windows overlap"),
        ("every monday 2025-03", "2025-04", "the windows hold different days or hours"),
        ("all", "2025-04-14", "a window without a beginning or an end"),
        ("2025-04-07", "2025-04-15", "the logs do not reach over all of '2025-04-15'"),
        ("2025-03-08", "2025-04-07", "nothing was logged in '2025-03-08'"),
        ("2025-03-10", "2025-03-17", "too little past to tell, 0 of at least 3"),
    ],
)
def test_no_verdict_where_none_would_hold(left: str, right: str, reason: str) -> None:
    """One day is cut short in the forenoon; everything before it is whole."""
    rows = weeks([5, 6, 5, 4, 6, 5, 5]) + [
        request(NOON + number * DAY + hour * HOUR, 1) for number in (29, 36, 43) for hour in (range(-11, 11) if number < 43 else (-11,))
    ]
    assert reason in compare(rows, left, right).frame["verdict"].item()


def test_months_are_compared_by_the_day() -> None:
    """Ten a day in every month: February has fewer for being short, which is no change."""
    rows = [request(NOON + number * DAY + minute * timedelta(minutes=1), minute) for number in range(-335, 28) for minute in range(9 + number % 3)]
    found = compare(rows, "2025-01", "2025-02", metrics=("requests", "origins", "error-rate")).frame
    assert found["per"].to_list() == ["day", "window", "window"]
    assert found["verdict"][0].startswith("within the noise of 9 past periods")
    assert abs(found["low"][0]) < 1
    assert found["verdict"][1] == "no verdict: the windows are not equally long, and origins of days do not add up"
    assert compare(rows, "2024-07", "2024-08").frame["per"].item() == "window"


def test_a_gap_in_the_logs_is_no_quiet_period() -> None:
    assert compare(weeks([5, 0, 0, 0, 0, 0, 7, 8]), "2025-04-14", "2025-04-21").frame["verdict"].item() == (
        "no verdict: too little past to tell, 1 of at least 3 earlier periods"
    )


def test_what_is_provisional_is_told() -> None:
    told = compare(weeks([5, 6, 5, 4, 6, 5]), "2025-03-31", "2025-04-07").meta["warnings"]
    assert "'2025-04-07' is provisional: logs of it may still come in" in told
    assert not any("provisional" in one for one in compare(weeks([5, 6, 5, 4, 6, 5, 5]), "2025-03-31", "2025-04-07").meta["warnings"])


def test_a_period_with_two_keys_tells_nothing_of_uniques() -> None:
    rows = [*weeks([1] * 10), request(NOON + 21 * DAY, 1, epoch=2)]
    found = compare(rows, "2025-04-28", "2025-05-05", metrics=("origins", "requests")).frame
    assert [text.split(";")[0] for text in found["verdict"]] == ["within the noise of 7 past periods", "within the noise of 8 past periods"]
    with pytest.raises(UsageError, match="2 different keys"):
        compare(rows, "2025-03-17", "2025-03-24", metrics=("origins",))


@pytest.mark.parametrize("kind", verdicts.KINDS)
def test_of_runs_in_which_nothing_changed_few_say_so(kind: str) -> None:
    """Five of a hundred are meant, all metrics together, however much past there is; docs/verdicts.md has each by itself."""
    chance = random.Random(kind)
    runs = 200 if SOAK else 80
    told = [sum(verdicts.is_told(chance, 200, kind, periods) for _ in range(runs)) / runs for periods in verdicts.PERIODS]
    assert 0.03 <= fmean(told) <= 0.07
    assert max(told) < 0.1


def watch(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[tuple[tuple[Any, ...], Any]]:
    """Note what a function is given and gives."""
    seen: list[tuple[tuple[Any, ...], Any]] = []
    real = getattr(module, name)

    def call(*given: Any, **named: Any) -> Any:
        seen.append((given, real(*given, **named)))
        return seen[-1][1]

    monkeypatch.setattr(module, name, call)
    return seen


def test_of_comparisons_in_which_nothing_changed_few_print_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two Mondays with eight before them: what is printed of them, all metrics together, all the way from the counts of the periods."""
    metrics = ("requests", "downloads", "origins")
    asked = watch(monkeypatch, comparing, "judge_comparison")
    measured, active = watch(monkeypatch, judging, "measure_periods"), watch(monkeypatch, grounds, "measure_activity")
    printed = compare(weeks([9, 14, 8, 12, 10, 7, 11, 13, 10, 9]), "2025-04-28", "2025-05-05", metrics=metrics).frame["verdict"].to_list()
    given, found = asked[0]
    assert [one.text for one in found.verdicts] == printed
    periods, activity = measured[0][1], active[0][1]
    monkeypatch.setattr(grounds, "measure_activity", lambda *_: activity)
    monkeypatch.setattr(judging, "measure_periods", lambda *_: periods)
    again = judging.judge_comparison(*given)
    assert [one.text for one in again.verdicts] == printed
    chance, told = random.Random(1), 0
    runs = 300 if SOAK else 25
    for number in range(runs):
        kind = ("poisson", "overdispersed")[number % 2]
        drawn = [dict(zip(metrics, map(float, verdicts.draw_metrics(chance, 200, kind)), strict=True)) for _ in range(len(periods) + 2)]
        monkeypatch.setattr(judging, "measure_periods", lambda *_, past=drawn[2:]: past)
        judgement = judging.judge_comparison(*given[:2], drawn[:2])  # type: ignore[call-arg, arg-type]
        told += any("beyond the noise" in one.text for one in judgement.verdicts)
    assert 0.02 <= told / runs <= 0.08  # 5 % is meant; 300 runs may be off by 2.5


@pytest.mark.parametrize("kind", verdicts.KINDS)
def test_of_filters_that_are_alike_few_are_told_apart(kind: str) -> None:
    chance = random.Random(f"days of {kind}")
    assert 0.03 <= sum(verdicts.is_told_of_days(chance, 200, kind, 14) for _ in range(400)) / 400 <= 0.07


def test_the_tables_of_simulations_hold_what_is_claimed() -> None:
    """Every cell of a null table is 3 to 7 %, of what is said to be seen about 80 %, and a fifth more of 1,000 is seen with eight even periods."""
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    tables = [[line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")][1:] for part in page.split("\n## ")[1:]]
    null, fifth, told, filters = (
        {(row[0].strip(), row[1].strip()): [float(cell.strip(" %")) for cell in row[2:]] for row in table if "---" not in row[0]} for table in tables
    )
    assert len(null) == len(fifth) == 4 * len(verdicts.KINDS)
    assert len(told) == len(filters) == 3 * len(verdicts.KINDS)
    for cell in [*(cell for row in null.values() for cell in row), *(row[0] for row in filters.values())]:
        assert 3 <= cell <= 7
    for cell in [*(cell for row in told.values() for cell in row), *(row[2] for row in filters.values())]:
        assert 75 <= cell <= 90
    assert fifth["1,000", "poisson"][verdicts.PERIODS.index(8)] >= 90


def test_the_page_of_simulations_is_written_by_its_tool() -> None:
    """The same tables under the same heads, whatever the runs."""
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    shape = re.compile(r"[0-9,]+(?:\.[0-9]+)?(?= %|\b)")
    made = verdicts.write_page(1).splitlines()
    assert [shape.sub("", line) for line in made if line.startswith(("#", "|"))] == [
        shape.sub("", line) for line in page.splitlines() if line.startswith(("#", "|"))
    ]


def test_a_fifth_more_is_seen() -> None:
    chance = random.Random(1)
    assert sum(verdicts.is_told(chance, 1000, "poisson", 8, factor=1.2) for _ in range(300)) / 300 >= 0.9


@pytest.mark.parametrize(
    ("level", "freedom", "expected"), [(0.05, 1, 12.706), (0.05, 2, 4.303), (0.01, 6, 3.707), (0.001, 2, 31.599), (0.05, 19, 2.093)]
)
def test_quantiles_of_t_are_those_of_the_tables(level: float, freedom: int, expected: float) -> None:
    assert find_quantile(level, freedom) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize(
    "now", [datetime(2025, 4, 16, 13, 30, tzinfo=UTC), datetime(2025, 11, 5, 3, tzinfo=UTC), datetime(2025, 3, 31, 23, 59, tzinfo=UTC)]
)
def test_like_for_like_months_hold_whole_weeks_of_the_same_days(zone: str, now: datetime) -> None:
    """Walked hour by hour on the local clock: as many whole weeks as this month has, from the first of both months."""
    rows = [request(now - number * HOUR, 1) for number in range(24 * 75)]
    local = ZoneInfo(zone)
    here = now.astimezone(local)
    this = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    last = (this - DAY).replace(day=1)
    elapsed = here.replace(tzinfo=None) - this + timedelta(microseconds=1)
    shorter = min(elapsed, this - last)
    report = compare(rows, "last-month", "this-month", like=True, tz=zone)
    times = [row["time"].astimezone(local).replace(tzinfo=None) for row in rows]
    if shorter >= timedelta(days=7):
        weeks = shorter // timedelta(days=7) * timedelta(days=7)
        expected = tuple(sum(start <= time < start + weeks for time in times) for start in (last, this))
        assert "whole weeks" in report.meta["warnings"][0]
    else:
        span = timedelta(days=shorter.days) or shorter  # these months begin on different weekdays
        assert last.weekday() != this.weekday()
        held = [{(start + timedelta(days=number)).weekday() for number in range(-(-span // DAY))} for start in (last, this)]
        expected = tuple(
            sum(start <= time < start + span and time.weekday() in (held[0] & held[1] or held[0] | held[1]) for time in times)
            for start in (last, this)
        )
    assert report.frame.select("a", "b").row(0) == expected


def test_like_for_like_weeks_end_at_the_same_hour() -> None:
    """It is Wednesday noon: of last week Monday to Wednesday noon count, the day the clock changes or not."""
    rows = [request(NOON + number * HOUR, 1) for number in range(-12, 24 * 9 + 1)]
    report = compare(rows, "last-week", "this-week", like=True)
    assert report.frame.select("a", "b").row(0) == (61, 61)
    assert report.meta["warnings"][0] == (
        "like for like: 2025-03-03 00:00–2025-03-05 12:00 and 2025-03-10 00:00–2025-03-12 12:00 (UTC), the weekdays both hold"
    )


def test_like_for_like_days_without_a_common_weekday_keep_the_elapsed_part() -> None:
    rows = [request(NOON + number * HOUR, 1) for number in range(-12, 25)]
    report = compare(rows, "yesterday", "today", like=True)
    assert report.frame.select("a", "b").row(0) == (13, 13)
    assert "no weekday in common" in report.meta["warnings"][0]


def test_windows_that_are_unlike_are_told() -> None:
    rows = [request(NOON, 1), request(NOON + 5 * DAY, 1)]
    warnings = compare(rows, "2025-03-04..2025-03-05", "2025-03-06..2025-03-09").meta["warnings"]
    assert warnings[0] == "'2025-03-06..2025-03-09' is unfinished: the logs reach from 2025-03-03 12:00 to 2025-03-08 12:00 UTC"
    assert warnings[1] == "'2025-03-04..2025-03-05' spans 2 days, '2025-03-06..2025-03-09' spans 4 days; --like-for-like cuts both to the same"
    assert "lies outside of the logs" in compare(rows, "2024", "2025-03-04").meta["warnings"][0]
    assert "is not whole" in compare(rows, "2025-03-01..2025-03-04", "2025-03-05..2025-03-07").meta["warnings"][0]
    assert compare(rows, "2025-03-04", "2025-03-05").meta["warnings"] == []


# --- versions, hosts, filters ---

RELEASES = [
    request(NOON, who, reference=version, domain=host) for who, version, host in ((1, "1.0", "a.org"), (2, "v1.0", "b.org"), (3, "v1.1", "b.org"))
]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("version=1.0", "version=v1.1", (1, 1)),
        ("v1.0", "v1.1", (2, 1)),
        ("1.0", "1.1", (2, 1)),
        ("domain=a.org", "domain=b.org", (1, 2)),
        ("a.org", "b.org", (1, 2)),
        ("v1.0", "domain=b.org", (2, 2)),
        ("version=1.0", "version=9.9", (1, 0)),
    ],
)
def test_versions_hosts_and_filters(left: str, right: str, expected: tuple[int, int]) -> None:
    assert compare(RELEASES, left, right).frame.select("a", "b").row(0) == expected


def test_words_are_values_of_one_dimension_where_one_has_both() -> None:
    rows = [request(NOON, 1, reference="edge", domain="edge"), request(NOON, 2, domain="core"), request(NOON, 3, domain="edge")]
    assert compare(rows, "edge", "core").frame.select("a", "b").row(0) == (2, 1)


def test_a_value_with_quotes_is_found() -> None:
    rows = [request(NOON, 1, reference='a"b\\c'), request(NOON, 2, reference="2")]
    assert compare(rows, 'a"b\\c', "version=2").frame.select("a", "b").row(0) == (1, 1)


def test_a_filter_of_the_question_holds_for_both_sides() -> None:
    rows = make_crowd(200)
    found = compare(rows, "client=pip", "client=uv", where="status=200 or status=404").frame.row(0, named=True)
    for name, client in (("a", "pip"), ("b", "uv")):
        assert found[name] == sum(row["client"] == client and row["status"] in {200, 404} for row in rows)


def test_a_window_that_was_counted_back_is_told() -> None:
    rows = [request(NOON, 1, client="pip"), request(NOON, 2, client="uv")]
    report = compare(rows, "client=pip", "client=uv", window="7d", now=NOON + 400 * DAY, is_shifting=True)
    assert report.frame.select("a", "b").row(0) == (1, 1)
    assert "counted back from the newest" in report.meta["warnings"][0]


def test_pulls_of_a_tag_and_of_a_digest_that_it_names() -> None:
    rows = [
        manifest(NOON, 1, "HEAD", "1.0"),
        manifest(NOON, 1, "GET", "sha256:a"),
        manifest(NOON + HOUR, 2, "GET", "sha256:a"),
        manifest(NOON, 3, "GET", "2.0"),
    ]
    assert compare(rows, "1.0", "2.0", metrics=("pulls",)).frame.select("a", "b").row(0) == (2, 1)


# --- by dimensions ---


def test_rows_by_hand_and_those_of_one_side_alone() -> None:
    rows = make_crowd(300)
    rows += [request(NOON + 4 * DAY, 1, client="new"), request(NOON + 3 * DAY, 1, client="gone")]
    report = compare(rows, "2025-03-06", "2025-03-07", dimensions=("client",), metrics=("requests", "origins"))

    def count(day: int, client: str | None) -> tuple[int, int]:
        found = [row for row in rows if row["time"].day == day and row["client"] == client]
        return len(found), len({row["who"] for row in found if row["status"] != 401 and row["who"] is not None})

    for client, metric, first, second, difference, change in report.frame.rows():
        expected = [count(day, client)[metric == "origins"] for day in (6, 7)]
        assert [first, second] == expected
        assert difference == expected[1] - expected[0]
        assert change == (pytest.approx(expected[1] / expected[0] - 1) if expected[0] else None)
    assert set(report.frame["client"]) == {"pip", "uv", None, "new", "gone"}
    sizes = [abs(row[4]) for row in report.frame.rows() if row[1] == "requests"]
    assert sizes == sorted(sizes, reverse=True)


def test_what_the_limit_cuts_off_is_one_union() -> None:
    rows = [request(NOON + day * DAY, who % 3, client=f"c{who}") for day in (0, 1) for who in range(9) for _ in range(1 + day * who)]
    report = compare(rows, "2025-03-03", "2025-03-04", dimensions=("client",), metrics=("requests", "origins"), limit=2)
    assert [row[0] for row in report.frame.rows()] == ["c8", "c8", "c7", "c7", "other", "other"]
    assert report.frame.row(4)[1:4] == ("requests", 7, sum(1 + who for who in range(7)))
    assert report.frame.row(5)[1:4] == ("origins", 3, 3)
    assert report.headline.startswith(f"requests 9 → {sum(1 + who for who in range(9))}")


def test_what_a_rule_says_nothing_of_is_not_zero() -> None:
    rows = [request(NOON, 1), request(NOON + DAY, 1)]
    report = compare(rows, "2025-03-03", "2025-03-04", metrics=("checks", "requests"), count_as=("npm",))
    assert report.frame.select("a", "b", "verdict").row(0) == (None, None, "one side says nothing of it")
    assert report.headline == "requests 1 → 1 (+0.0 %)"


@pytest.mark.parametrize("dimensions", [(), ("client",)])
@pytest.mark.parametrize(
    ("left", "right", "known"), [("2025-03-03", "2025-03-10", ("a",)), ("2025-02-01", "2025-03-03", ("b",)), ("2025-01", "2025-02", ())]
)
def test_outside_of_the_logs_nothing_is_known(left: str, right: str, known: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
    """Zero would be a claim, and a fall by 100 % the loudest there is."""
    report = compare([request(NOON, 1), request(NOON + DAY, 1)], left, right, metrics=("requests", "origins"), dimensions=dimensions)
    for row in report.frame.to_dicts():
        assert [side for side in "ab" if row[side] is not None] == list(known)
        assert (row["difference"], row["change"]) == (None, None)
        assert dimensions or row["verdict"].endswith("lies outside of the logs")
    assert report.headline.startswith("nothing is known of '2025-")
    assert "%" not in report.headline


@pytest.mark.parametrize(
    ("left", "right", "options", "says"),
    [
        ("2025-03-03", "status=200", {}, "are a window and a filter"),
        ("version=1.0", "9.9", {}, "'9.9' is no window, no version, host or backend of this window, and no filter"),
        ("contry=DE", "country=FR", {}, "did you mean 'country'?"),
        ("2025", "2024", {"metrics": ("requests", "last-seen")}, "last-seen is a time"),
        ("2025", "2024", {"min_origins": 3}, "takes no --min-origins"),
        ("2025", "2024", {"metrics": ("requets",)}, "did you mean 'requests'?"),
        ("2001", "2025", {"like": True}, "'2001' holds no time that the logs reach"),
    ],
)
def test_what_cannot_be_compared_is_told(left: str, right: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        compare(RELEASES, left, right, **options)
    assert says in str(caught.value)


def test_numbers_are_whole_in_every_format(take_in: Callable[..., Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = '192.0.2.{} - - [0{}/Mar/2025:10:00:00 +0000] "GET /simple/f/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
    (tmp_path / "a.log").write_text("".join(line.format(host, day) for day in (1, 2) for host in range(1, 3 * day)))
    take_in(tmp_path / "a.log")
    where = ["--store", str(tmp_path / "store"), "--metric", "requests,origins", "--format"]
    shown = pullstats("compare", "2025-03-01", "2025-03-02", *where, "json").out
    assert [(row["a"], row["b"], row["difference"], row["change"]) for row in json.loads(shown)] == [(2, 5, 3, 1.5)] * 2
    assert '"a": 2,' in shown
    for output in ("json", "csv", "md", "table"):
        assert run(["compare", "2001", "2002", *where, output]) == 4
        captured = capfd.readouterr()
        assert "requests" in captured.out
        if output in {"json", "csv"}:
            assert "lies outside of the logs" in captured.err


@pytest.mark.parametrize("count", [3, 60])
def test_a_day_that_is_not_over_gets_no_verdict_however_little_it_usually_holds(count: int) -> None:
    rows = [request(NOON + day * DAY + number * timedelta(minutes=9), number) for day in range(22) for number in range(-count // 2, count // 2)]
    now = NOON + 21 * DAY + timedelta(hours=7)
    (verdict,) = compare(rows, "yesterday", "today", metrics=("requests",), now=now).frame["verdict"]
    assert verdict == "no verdict: 'today' is not over (--complete, --like-for-like)"
