"""Hours and days of the week stand in their order, limits keep what is largest, and rows of nothing are not shown."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.metrics import Breakdown
from pullstats.metrics.questions.compare import Comparison
from pullstats.render import RenderOptions, render
from support.crowd import NOON, Row, ask, request
from support.effort import examples

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Requests an hour and day, so that no order by number is an order by time.
BUSY = [
    request(NOON + timedelta(days=day, hours=hour), number)
    for day, hour, count in ((0, 9, 1), (2, 3, 5), (4, 10, 2), (6, 0, 4))
    for number in range(count)
]


def report(rows: list[Row] = BUSY, **options: Any) -> Any:
    return ask(Breakdown, rows, **{"metrics": ("requests",), **options})


@pytest.mark.parametrize(
    ("week_start", "expected"),
    [
        ("monday", [("mon", 3), ("tue", 0), ("wed", 5), ("thu", 0), ("fri", 2), ("sat", 0), ("sun", 4)]),
        ("sunday", [("sun", 4), ("mon", 3), ("wed", 5), ("fri", 2)]),
    ],
)
def test_days_of_the_week_stand_in_their_order_in_every_format(week_start: str, expected: list[tuple[str, int]]) -> None:
    rows = [*BUSY, *(request(NOON, number) for number in range(2))]
    found = report(rows, dimensions=("weekday",), week_start=week_start)
    shown = [(day, count) for day, count in expected if count]
    assert found.frame.rows() == shown
    assert [(row["weekday"], row["requests"]) for row in json.loads(render(found, "json", RenderOptions()))] == shown
    assert [tuple(line.split(",")) for line in str(render(found, "csv", RenderOptions())).splitlines()[1:]] == [
        (day, str(count)) for day, count in shown
    ]
    table = render(found, "table", RenderOptions()).splitlines()
    assert [line.split()[0] for line in table if line.split()[0] in DAYS] == [day for day, _ in shown]


def test_a_limit_keeps_the_largest_hours_in_their_order() -> None:
    found = report(dimensions=("hour",), limit=2)
    assert found.frame.rows() == [("12", 4), ("15", 5), ("other", 3)]  # 12 + 3, 12 + 0
    assert report(dimensions=("hour",), limit=2, has_other=False).frame.rows() == [(12, 4), (15, 5)]
    assert report(dimensions=("hour",), sort="-requests").frame["requests"].to_list() == [1, 2, 4, 5]
    assert report(dimensions=("hour",), sort="-hour").frame["hour"].to_list() == [22, 21, 15, 12]


def test_an_order_holds_within_the_rows_before_it() -> None:
    rows = [
        request(NOON + timedelta(hours=hour), number, client=client)
        for client, hour, count in (("uv", 1, 1), ("uv", 0, 6), ("pip", 3, 4), ("pip", 0, 5))
        for number in range(count)
    ]
    assert report(rows, dimensions=("client", "hour")).frame.rows() == [("pip", 12, 5), ("pip", 15, 4), ("uv", 12, 6), ("uv", 13, 1)]
    assert report(rows, dimensions=("hour", "client")).frame.rows() == [(12, "uv", 6), (12, "pip", 5), (13, "uv", 1), (15, "pip", 4)]


def test_lines_of_a_series_stand_in_the_order_of_the_week() -> None:
    assert report(dimensions=("weekday",), every="d").frame["weekday"].to_list() == ["mon", "wed", "fri", "sun"]


def test_what_is_compared_stands_in_the_order_of_the_week() -> None:
    found = ask(Comparison, BUSY, "client=pip", "client=uv", metrics=("requests",), dimensions=("weekday",))
    assert found.frame["weekday"].to_list() == ["mon", "wed", "fri", "sun"]


counts = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 23), st.sampled_from(["GET", "HEAD"]), st.integers(1, 4)), min_size=1, max_size=12
)


@examples(40)
@given(counts, st.integers(1, 5))
def test_what_a_limit_keeps_is_what_it_would_keep_without_an_order(given_counts: list[tuple[str | None, int, str, int]], limit: int) -> None:
    rows = [
        request(NOON + timedelta(hours=hour), number, client=client, method=method)
        for client, hour, method, count in given_counts
        for number in range(count)
    ]
    in_order = report(rows, dimensions=("client", "hour"), limit=limit, has_other=False).frame
    by_size = report(rows, dimensions=("client", "hour"), limit=limit, has_other=False, sort="requests").frame
    assert sorted(in_order.rows(), key=str) == sorted(by_size.rows(), key=str)
    whole = report(rows, dimensions=("client", "hour"), limit=0).frame.rows()
    assert [row for row in whole if row in in_order.rows()] == in_order.rows()


def test_rows_of_nothing_are_not_shown_and_totals_stay() -> None:
    rows = [request(NOON, 1, client="pip"), request(NOON, 2, client="curl", method="HEAD"), request(NOON, 3, client="none", status=404)]
    found = report(rows, metrics=("downloads", "bytes"), dimensions=("client",))
    assert found.frame.rows() == [("pip", 1, 10), ("none", 0, 10)]
    assert report(rows, metrics=("downloads", "users"), dimensions=("client",)).frame.rows() == [("pip", 1, 0)]
    assert report(rows, metrics=("error-rate",), dimensions=("client",)).frame.height == 3  # none of two failed: that is said, too
    assert report(rows, metrics=("downloads", "users"), dimensions=("client",)).meta["totals"] == {"downloads": 1, "users": 0}
    empty = report(rows, metrics=("pulls",), dimensions=("client",))
    assert not empty.frame.height
    assert not empty.is_empty
    assert "every row would be 0" in empty.meta["warnings"][0]
    assert report(rows, metrics=("pulls",)).frame.rows() == [(0,)]


def test_a_comparison_leaves_out_what_neither_side_has() -> None:
    rows = [
        request(NOON, number, client=client, method=method)
        for number, (client, method) in enumerate((("pip", "GET"), ("uv", "GET"), ("curl", "HEAD")))
    ]
    found = ask(Comparison, rows, "method=GET", "method!=GET", metrics=("downloads",), dimensions=("client",))
    assert set(found.frame["client"]) == {"pip", "uv"}
