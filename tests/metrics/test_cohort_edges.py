"""`cohorts` at its edges: beginnings, silences, windows, keys, what cannot be asked, and how it looks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.metrics import Extent, Query
from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.render import RenderOptions, render
from pullstats.reports import Report
from support.crowd import NOON, Row, ask_of, make_events, request
from support.following import DAY, cohorts, drawn, flat, warnings
from support.returning import make_visitors


def weekly(who: int, *weeks: int) -> list[Row]:
    return [request(NOON + week * 7 * DAY, who) for week in weeks]


STEADY = [request(NOON - 12 * timedelta(hours=1) + day * DAY, 99) for day in range(12 * 7 + 3)]
"""Logs of twelve whole weeks and three days, in which one comes daily."""


def test_who_was_there_at_the_beginning_is_in_no_cohort_and_who_comes_back_is_no_newcomer() -> None:
    report = cohorts([*STEADY, *weekly(1, 0, 6), *weekly(2, 5, 6, 9), *weekly(3, 3)])
    assert [(row["cohort"], row["age"], row["retained"]) for row in flat(report) if row["members"] and row["retained"]] == [
        ("2025-04-07", 0, 1),
        ("2025-04-07", 1, 1),
        ("2025-04-07", 4, 1),
    ]
    assert "no cohort of 2025-03-03 to 2025-03-24: not all of the 4 weeks before are whole" in warnings(report)
    assert "1 origin first seen in 9 weeks; of 1 whose next week is known, 100.0 % came in it" in report.headline


def test_a_short_look_back_takes_more_and_logs_shorter_than_it_none() -> None:
    rows = [*STEADY, *weekly(3, 3, 4)]
    assert {row["cohort"] for row in flat(cohorts(rows, 3)) if row["members"]} == {"2025-03-24"}
    report = cohorts(rows, 20)
    assert not flat(report)
    assert report.headline == ""
    assert "no cohort of 2025-03-03 to 2025-05-26" in warnings(report)
    assert "+1, +2" not in warnings(report)
    assert "no rows" in drawn(report)
    one = cohorts(weekly(1, 0))
    assert not flat(one)
    assert not one.is_empty
    assert cohorts([]).is_empty


def test_the_window_chooses_cohorts_and_not_who_is_new() -> None:
    rows = [*STEADY, *weekly(1, 0, 6), *weekly(2, 5, 6, 9), *weekly(4, 6, 7)]
    report = cohorts(rows, window="2025-04-14..2025-05-04")
    assert {row["cohort"]: row["members"] for row in flat(report)} == {"2025-04-14": 1, "2025-04-21": 0, "2025-04-28": 0}
    assert "no cohort" not in warnings(report)
    assert max(row["age"] for row in flat(report)) == 2
    assert [row["cohort"] for row in flat(cohorts(rows, limit=1))] == ["2025-05-26"]


def with_logs(rows: list[Row], logs: list[tuple[str, datetime, datetime]], **options: Any) -> Report:
    """Ask of a store whose logs are known."""
    frame = make_events(rows)

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy().filter(pl.col("timestamp") >= start) if start else frame.lazy()
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    sources = pl.DataFrame(
        [(name, name, first, last) for name, first, last in logs],
        schema={"source_id": pl.String, "name": pl.String, "first": pl.Datetime("us", "UTC"), "last": pl.Datetime("us", "UTC")},
        orient="row",
    )
    times = [row["time"] for row in rows]
    query = Query(**{"metrics": ("requests",), "window": "all", "limit": 0, "is_shifting": False, "every": "w", **options})
    return ask_of(Cohorts(query), scan, Extent(min(times), max(times), sources, len(rows)), max(times))


def test_after_a_silence_there_is_no_cohort_and_in_it_nothing_is_known() -> None:
    early = [row for row in [*STEADY, *weekly(2, 4, 5, 6)] if row["time"] < NOON + 34 * DAY]
    late = [row | {"time": row["time"] + 49 * DAY, "source": "later"} for row in STEADY]
    again = [
        request(NOON + 9 * 7 * DAY, 2, source="later"),
        request(NOON + 9 * 7 * DAY, 5, source="later"),
        request(NOON + 12 * 7 * DAY, 6, source="later"),
    ]
    rows = sorted([*early, *late, *again], key=lambda row: row["time"])
    spans = [[row["time"] for row in rows if row["source"] == name] for name in ("log", "later")]
    report = with_logs(rows, [(name, min(span), max(span)) for name, span in zip(("log", "later"), spans, strict=True)])
    mine = [row for row in flat(report) if row["cohort"] == "2025-03-31"]
    assert {row["age"]: (row["retained"], row["state"]) for row in mine if row["age"] in {1, 2, 5}} == {
        1: (None, "gap"),
        2: (None, "gap"),
        5: (1, "whole"),
    }
    assert {row["cohort"] for row in flat(report) if row["members"]} == {"2025-03-31", "2025-05-26"}
    assert "no cohort of 2025-03-03 to 2025-03-24, 2025-04-07 to 2025-05-12" in warnings(report)
    assert "·: the logs were silent" in warnings(report)
    assert "gap: no events of any log" in warnings(report)
    assert "·" in drawn(report)


def test_logs_of_two_keys_are_not_followed_over_the_change() -> None:
    old = [row | {"epoch": 1} for row in [*STEADY, *weekly(1, 5)]]
    new = [request(NOON + 91 * DAY + day * DAY, 99, epoch=2) for day in range(50)] + [request(NOON + 130 * DAY, 1, epoch=2)]
    with pytest.raises(UsageError, match="2 different keys"):
        cohorts([*old, *new])
    report = cohorts([*old, *new], window="2025-06-02..2025-12-31")
    assert {row["cohort"] for row in flat(report) if row["members"]} == {"2025-07-07"}
    assert "hashed with another key" in warnings(report)
    assert "no cohort of 2025-06-02 to 2025-06-30" in warnings(report)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"every": "h"}, "--every 'h' is too short for a cohort"),
        ({"every": "x"}, "is no size"),
        ({"min_origins": 5}, "takes no --min-origins"),
        ({"window": "every tuesday"}, "takes no days of the week or hours"),
        ({"unique_by": "person"}, "person"),
    ],
)
def test_what_cannot_be_asked_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        cohorts(STEADY, **options)


def test_people_read_it_in_eighty_columns_without_colour() -> None:
    report = cohorts(make_visitors(7, 300, 130), limit=20)
    text = drawn(report)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("+1 ") == 1  # it is one table
    lines = text.splitlines()
    first = next(line for line in lines if line.startswith("2025-04-07")).split()
    own = {row["age"]: row for row in flat(report) if row["cohort"] == "2025-04-07"}
    assert first[1:4] == [str(own[0]["members"]), str(round(own[1]["share"] * 100)), str(round(own[2]["share"] * 100))]
    assert "then or later" in text
    assert "~" in text
    assert "| cohort |" in drawn(report, "md")
    coloured = render(report, "table", RenderOptions(width=80, color=True))
    assert "\x1b[37;4" in str(coloured)
    assert "\x1b" not in text
