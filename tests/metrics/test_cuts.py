"""The first and the last bucket of a series hold less where the window or the logs begin or end in them, and every format says so."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.metrics import Breakdown
from pullstats.metrics.levels import LEVELS
from pullstats.metrics.questions.uniques import Uniques
from pullstats.render import RenderOptions, render
from pullstats.reports import Report
from support.crowd import ask, request
from support.effort import examples

DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
MIDNIGHT = datetime(2025, 3, 3, tzinfo=UTC)
"""A Monday."""
LENGTHS = {"d": DAY, "w": 7 * DAY, "h": HOUR, "6h": 6 * HOUR}


def report_of_cells(report: Report) -> Report:
    assert report.flat is not None
    return Report(*report.flat)


def tell(report: Report) -> list[str]:
    return [one for one in report.meta["warnings"] if one.startswith("provisional")]


def series(first: datetime, newest: datetime, every: str, **options: Any) -> Report:
    """Ask for a series over logs that speak every hour, and at their two ends."""
    times = {first, newest, *(first + number * HOUR for number in range((newest - first) // HOUR))}
    return ask(Breakdown, [request(time) for time in sorted(times)], every=every, metrics=("requests",), **options)


@examples(25)
@given(st.integers(0, 20 * 24 * 60), st.integers(0, 20 * 24 * 60), st.integers(0, 19), st.integers(0, 19), st.sampled_from(list(LENGTHS)))
def test_a_bucket_is_cut_where_window_or_logs_reach_over_a_part_of_it(one: int, other: int, day: int, last: int, every: str) -> None:
    """By hand: logs from one minute to another, a window of some whole days; more than a fiftieth must be lost to the logs, anything to the window."""
    first, newest = (MIDNIGHT + timedelta(minutes=minute) for minute in sorted((one, other)))
    start, end = MIDNIGHT + min(day, last) * DAY, MIDNIGHT + (max(day, last) + 1) * DAY
    report = series(first, newest, every, window=f"{start:%Y-%m-%d}..{end - DAY:%Y-%m-%d}")
    found = report.frame.select("bucket", "cut").rows()
    for number, (label, cut) in enumerate(found):
        begin = datetime.fromisoformat(label).replace(tzinfo=UTC)
        until, least, expected, said = begin + LENGTHS[every], LENGTHS[every] / 50, [], []
        if number == 0 and (start > max(begin, first) or first - begin > least):
            expected.append("begin")
            said.append(f"the {'window' if start > first else 'logs'} begin{'s' if start > first else ''}")
        if number == len(found) - 1 and (end < min(until, newest) or until - newest > least):
            expected.append("end")
            said.append(f"the {'window' if end <= newest else 'logs'} end{'s' if end <= newest else ''}")
        assert cut == (", ".join(expected) or None), label
        told = f"{label} is cut short: {' and '.join(said)} in it"
        assert (told in report.meta["warnings"]) == bool(expected)
    assert sum("is cut short" in one for one in report.meta["warnings"]) == sum(cut is not None for _, cut in found)


def test_every_format_says_so() -> None:
    report = series(MIDNIGHT, MIDNIGHT + 20 * DAY, "w", window="2025-03-05..2025-03-18", dimensions=("client",))
    assert [row["cut"] for row in json.loads(str(render(report_of_cells(report), "json", RenderOptions())))] == ["begin", None, "end"]
    rows = list(csv.DictReader(io.StringIO(str(render(report_of_cells(report), "csv", RenderOptions())))))
    assert [row["cut"] for row in rows] == ["begin", "", "end"]
    shown = str(render(report, "table", RenderOptions()))
    assert "2025-03-03 is cut short: the window begins in it\n2025-03-17 is cut short: the window ends in it\n" in shown
    plain = str(render(series(MIDNIGHT, MIDNIGHT + 20 * DAY, "w", window="2025-03-05..2025-03-18"), "table", RenderOptions()))
    assert [line.split()[-1] for line in plain.splitlines() if line.startswith("2025-03-") and "cut" not in line] == ["begin", "–", "end"]
    assert "is cut short" not in str(render(series(MIDNIGHT, MIDNIGHT + 14 * DAY - TICK, "w", dimensions=("client",)), "table", RenderOptions()))


def test_what_looks_back_before_the_window_is_not_cut_by_its_beginning() -> None:
    for rolling, cut in ((None, "begin"), ("2w", None)):
        report = series(MIDNIGHT, MIDNIGHT + 28 * DAY, "w", window="2025-03-19..2025-03-30", rolling=rolling)
        assert report.frame["cut"].to_list() == [cut, None]


@pytest.mark.parametrize(("window", "cut"), [("09:00-17:00 2025-03-03..2025-03-05", None), ("2025-03-03..2025-03-05", "end")])
def test_hours_that_do_not_count_are_not_missed(window: str, cut: str | None) -> None:
    """The logs end at 17:00 of the last day, when the window's hours are over."""
    report = series(MIDNIGHT, MIDNIGHT + 2 * DAY + 17 * HOUR - TICK, "d", window=window)
    assert report.frame["cut"].to_list() == [None, None, cut]


def test_uniques_over_time_are_marked_alike() -> None:
    rows = [request(MIDNIGHT + number * HOUR) for number in range(24 * 20)]
    report = ask(Uniques, rows, LEVELS, False, every="w", metrics=(), window="2025-03-05..2025-03-18")
    assert report.frame["cut"].to_list() == ["begin", None, "end"]


@pytest.mark.parametrize("later", [HOUR, 3 * DAY])
def test_lines_of_a_table_say_from_when_on_they_are_provisional(later: timedelta) -> None:
    """A table of sparklines has no column for it: a day is final a day after its end."""
    report = series(MIDNIGHT, MIDNIGHT + 9 * DAY + later, "d", window="2025-03-03..2025-03-12", dimensions=("client",))
    assert tell(report) == (["provisional from 2025-03-11 on: logs of it may still come in"] if later == HOUR else [])
    assert tell(series(MIDNIGHT, MIDNIGHT + 9 * DAY + later, "d")) == []
