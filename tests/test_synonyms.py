"""What people call metrics and dimensions is understood, or answered with the name we use."""

from __future__ import annotations

import pytest
from crowd import NOON, Row, ask, request

from pullstats.errors import UsageError
from pullstats.metrics import DIMENSIONS, METRICS, answer_query
from pullstats.metrics.dimensions import find_dimension
from pullstats.metrics.synonyms import DIMENSION_NAMES, METRIC_NAMES

ROWS = [
    request(NOON, 1, client="pip", country="DE", status=200),
    request(NOON, 2, client="uv", country=None, status=404),
    request(NOON, 3, client=None, country="unknown", status=200),
    request(NOON, 4, client="unknown", country="FR", status=None),
]


def test_every_synonym_means_something_we_have_and_hides_nothing() -> None:
    assert set(DIMENSION_NAMES.values()) <= set(DIMENSIONS)
    assert set(METRIC_NAMES.values()) <= set(METRICS)
    assert not set(DIMENSION_NAMES) & (set(DIMENSIONS) | set(METRICS))
    assert not set(METRIC_NAMES) & set(METRICS)


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("browser", "client"),
        ("user-agent", "client"),
        ("User_Agent", "client"),
        ("url", "path"),
        ("ip", "endpoint"),
    ],
)
def test_dimensions_are_found_by_what_people_call_them(called: str, name: str) -> None:
    assert find_dimension(called) is DIMENSIONS[name]
    found = ask(answer_query, ROWS, dimensions=(called,), metrics=("requests",)).frame
    assert found.rows() == ask(answer_query, ROWS, dimensions=(name,), metrics=("requests",)).frame.rows()


def test_metrics_are_found_by_what_people_call_them_and_counted_once() -> None:
    report = ask(answer_query, ROWS, dimensions=("country",), metrics=("visitors", "hits", "origins"), sort="hits")
    assert report.frame.columns == ["country", "origins", "requests"]


@pytest.mark.parametrize(("called", "size"), [("date", "d"), ("day", "d"), ("month", "mo"), ("Week", "w"), ("year", "y")])
def test_time_is_answered_with_how_to_ask_for_it(called: str, size: str) -> None:
    with pytest.raises(UsageError, match=f"no dimension '{called}': time is no dimension but goes in buckets: pullstats series --every {size}"):
        find_dimension(called)


def test_a_dimension_named_twice_in_two_ways_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        ask(answer_query, ROWS, dimensions=("browser", "client"))


def is_shown_unknown(row: Row, name: str) -> bool:
    return row[name] is None or row[name] == "unknown"


@pytest.mark.parametrize("name", ["client", "country", "status"])
def test_unknown_can_be_typed_as_tables_show_it(name: str) -> None:
    def count(where: str) -> int:
        return int(ask(answer_query, ROWS, dimensions=(), metrics=("requests",), where=where).frame["requests"].sum())

    expected = sum(is_shown_unknown(row, name) for row in ROWS)
    assert count(f"{name}=unknown") == count(f"{name} in (Unknown)") == expected > 0
    assert count(f"{name}!=unknown") == count(f"{name} not in (unknown)") == len(ROWS) - expected
    if name != "status":
        other = next(row[name] for row in ROWS if not is_shown_unknown(row, name))
        assert count(f"{name} in ({other}, unknown)") == expected + 1
        assert count(f'{name}="unknown"') == sum(row[name] == "unknown" for row in ROWS)
