"""`cohorts`: the triangle as plain Python makes it of made-up visitors, of events and of a log."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pullstats.reports import Report
from support.command import pullstats, take_into
from support.crowd import Row
from support.effort import SOAK, across
from support.following import DAY, LEVELS, begin_bucket, cohorts, count_plainly, flat, list_whole
from support.returning import make_visitors

KEEPS: dict[str | None, Callable[[Row], bool]] = {
    None: lambda _: True,
    "package=g": lambda row: row["package"] == "g",
    "status=200": lambda row: row["status"] == 200,
}


@pytest.fixture(scope="module")
def visitors() -> list[Row]:
    return make_visitors(7, 18_000 if SOAK else 300, 130)


@pytest.mark.parametrize(
    ("level", "every", "zone", "where", "look_back"),
    across(LEVELS, ["w", "mo", "d"], ["UTC", "Asia/Tokyo", "America/New_York"], KEEPS, [4, 1, 2])[:: 7 if SOAK else 1],
)
def test_a_triangle_is_what_plain_python_counts(visitors: list[Row], level: str, every: str, zone: str, where: str | None, look_back: int) -> None:
    report = cohorts(visitors, look_back, unique_by=level, every=every, tz=zone, where=where)
    expected = count_plainly(visitors, every, zone, level, look_back, KEEPS[where])
    assert [(row["cohort"], row["age"], row["members"], row["retained"]) for row in flat(report)] == expected
    assert expected or (every, look_back) == ("mo", 4)
    assert every == "mo" or sum(row[3] for row in expected) > 0  # of five months, few are whole
    check_intervals(report)


def check_intervals(report: Report) -> None:
    """A bound of Wilson's interval is a share from which what was seen is 1.96 standard errors away."""
    for row in [*flat(report), *report.meta["pooled"]]:
        if not row["members"] or row["age"] == 0:
            assert row["low"] is None
            continue
        assert row["share"] == row["retained"] / row["members"]
        for bound in ("low", "high"):
            away = abs(row["share"] - row[bound])
            assert away == pytest.approx(1.959964 * math.sqrt(row[bound] * (1 - row[bound]) / row["members"]), abs=1e-6)
        assert row["low"] <= row["share"] <= row["high"]


@pytest.mark.parametrize("every", ["w", "d"])
def test_all_cohorts_together_are_those_of_whole_buckets(visitors: list[Row], every: str) -> None:
    report = cohorts(visitors, every=every)
    whole = list_whole(visitors, every, ZoneInfo("UTC"))
    sums: dict[int, list[int]] = {}
    for cohort, age, members, retained in count_plainly(visitors, every, "UTC", "origin", 4, KEEPS[None]):
        at = date.fromisoformat(cohort) + age * (DAY if every == "d" else 7 * DAY)
        if age and whole[at] and members:
            told = sums.setdefault(age, [0, 0])
            told[0], told[1] = told[0] + members, told[1] + retained
    assert {row["age"]: [row["members"], row["retained"]] for row in report.meta["pooled"]} == sums
    head = sums[1]
    assert f"of {head[0]:,} whose next {'day' if every == 'd' else 'week'} is known, {head[1] / head[0]:.1%}".replace("%", " %") in report.headline


def test_who_stayed_is_what_kaplan_and_meier_estimate(visitors: list[Row]) -> None:
    """By the product of those left, and Greenwood's sum, over everybody one by one."""
    report = cohorts(visitors)
    whole = list_whole(visitors, "w", ZoneInfo("UTC"))
    order = list(whole)
    until = [place for place, one in enumerate(whole.values()) if one][-4] - 1
    places: dict[int, list[int]] = {}
    for row in visitors:
        if row["who"] is not None and row["package"] is not None and (row["status"] or 0) < 400:
            places.setdefault(row["who"], []).append(order.index(begin_bucket(row["time"].date(), "w")))
    formed = {place for place in range(4, len(order)) if all(whole[one] for one in order[place - 4 : place])}
    times = [(min(max(seen), until) - min(seen), max(seen) <= until) for seen in places.values() if min(seen) in formed and min(seen) <= until]
    assert report.meta["survival_members"] == len(times)
    share, variance = 1.0, 0.0
    for row in report.meta["survival"]:
        risk, lost = sum(time >= row["age"] - 1 for time, _ in times), sum(time == row["age"] - 1 and is_lost for time, is_lost in times)
        share, variance = share * (1 - lost / risk), variance + lost / risk / max(risk - lost, 1e-9)
        assert row["share"] == pytest.approx(share)
        if 0 < share < 1:
            reach = 1.959964 * math.sqrt(variance) / math.log(share)
            assert [row["low"], row["high"]] == pytest.approx([share ** math.exp(-reach), share ** math.exp(reach)], abs=1e-6)
    assert len(report.meta["survival"]) > 5


LINE = '198.18.{net}.{host} - - [{time:%d/%b/%Y:%H:%M:%S +0000}] "GET /packages/{package}-1.0-py3-none-any.whl HTTP/1.1" {status} 10 "-" "pip/23.1"\n'


def test_a_log_is_followed_as_its_requests_are_and_network_by_network_alike(tmp_path: Path) -> None:
    """Through the command: each format has the counts of plain Python, a little memory gives the same, and what is wrong ends with 2."""
    rows = [row for row in make_visitors(3, 200) if row["who"] is not None and row["package"] is not None]
    told = {name: f"198.18.{number // 200}.{number % 200}" for number, name in enumerate(sorted({row["who"] for row in rows}))}
    lines = [
        LINE.format(
            net=told[row["who"]].split(".")[2],
            host=told[row["who"]].split(".")[3],
            time=row["time"],
            package=row["package"],
            status=row["status"] or 200,
        )
        for row in rows
    ]
    (tmp_path / "access.log").write_text("".join(lines))
    take_into(tmp_path / "store", tmp_path / "access.log", key_file=tmp_path / "key")
    words = ("cohorts", "--store", tmp_path / "store", "--tz", "Europe/Berlin")
    found = pullstats(*words, "--format", "json").rows
    expected = count_plainly(rows, "w", "Europe/Berlin", "origin", 4, KEEPS[None])
    assert [(row["cohort"], row["age"], row["members"], row["retained"]) for row in found] == expected
    assert expected
    assert pullstats(*words, "--format", "json", "--memory", "1MB").rows == found
    csv = pullstats(*words, "--format", "csv").out.splitlines()
    assert csv[0] == "cohort,age,members,retained,share,low,high,state"
    assert len(csv) == len(found) + 1
    assert pullstats(*words, "--format", "json", "--meta").rows["meta"]["look_back"] == 4
    assert "| cohort |" in pullstats(*words, "--format", "md").out
    assert "first seen in" in pullstats(*words).words
    for wrong in (("--every", "h"), ("--look-back", "0"), ("--unique-by", "person"), ("--min-origins", "5")):
        assert "Traceback" not in pullstats(*words, *wrong, code=2).err
    assert pullstats(*words, "--where", "package=nothing", code=4).out
