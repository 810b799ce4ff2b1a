"""What people call metrics and dimensions is understood, or answered with the name we use."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.events import EVENT_SCHEMA, ID_COLUMNS, conform
from pullstats.metrics import DIMENSIONS, METRICS, Breakdown, Extent, Query
from pullstats.metrics.definitions import find_metric
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import find_dimension
from pullstats.metrics.levels import find_levels
from pullstats.metrics.synonyms import DIMENSION_NAMES, METRIC_NAMES
from pullstats.metrics.vocabulary import ACTIONS, ECOSYSTEMS, KINDS
from pullstats.render import RenderOptions, render
from pullstats.render.cells import format_cell
from pullstats.reports import Report
from support.crowd import NOON, Row, ask, ask_of, request
from support.effort import some

ROWS = [
    request(NOON, 1, client="pip", country="DE", status=200),
    request(NOON, 2, client="uv", country=None, status=404),
    request(NOON, 3, client=None, country="unknown", status=200),
    request(NOON, 4, client="unknown", country="FR", status=None),
]


def test_every_name_can_be_written_as_columns_are() -> None:
    """CSV and JSON say `instances_low`; what is read there can be asked for."""
    assert all(find_metric(name.replace("-", "_")) is metric for name, metric in METRICS.items())
    assert all(find_dimension(name.replace("-", "_").upper()) is dimension for name, dimension in DIMENSIONS.items())
    with pytest.raises(UsageError, match="no metric 'instances_lower'; did you mean 'instances-low'"):
        find_metric("instances_lower")


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
    found = ask(Breakdown, ROWS, dimensions=(called,), metrics=("requests",)).frame
    assert found.rows() == ask(Breakdown, ROWS, dimensions=(name,), metrics=("requests",)).frame.rows()


def test_metrics_are_found_by_what_people_call_them_and_counted_once() -> None:
    report = ask(Breakdown, ROWS, dimensions=("country",), metrics=("visitors", "hits", "origins"), sort="hits")
    assert report.frame.columns == ["country", "origins", "requests"]


@pytest.mark.parametrize(("called", "size"), [("date", "d"), ("day", "d"), ("month", "mo"), ("Week", "w"), ("year", "y")])
def test_time_is_answered_with_how_to_ask_for_it(called: str, size: str) -> None:
    with pytest.raises(UsageError, match=f"no dimension '{called}': time is no dimension but goes in buckets: pullstats series --every {size}"):
        find_dimension(called)


def test_a_dimension_named_twice_in_two_ways_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        ask(Breakdown, ROWS, dimensions=("browser", "client"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"dimensions": ("visitors",)}, "'visitors', here 'origins', is a metric"),
        ({"dimensions": ("hits",)}, "'hits', here 'requests', is a metric"),
        ({"metrics": ("url",)}, "'url' is no metric but a dimension, 'path'"),
        ({"metrics": ("browser",)}, "--by client"),
        ({"where": "month=2025-03"}, "days are chosen with --window"),
        ({"where": "hits>3"}, "is a metric"),
    ],
)
def test_what_is_asked_for_in_the_wrong_place_is_answered_with_our_name(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        ask(Breakdown, ROWS, **{"metrics": ("requests",), **asked})


@pytest.mark.parametrize(
    ("called", "level"), [("ip", "endpoint"), ("ips", "endpoint"), ("visitors", "origin"), ("origins", "origin"), ("organisation", "org")]
)
def test_unique_levels_are_found_by_what_people_call_them(called: str, level: str) -> None:
    report = ask(Breakdown, ROWS, dimensions=(), metrics=("downloaders",), unique_by=called)
    assert (report.headline, report.meta["unique_level"]) == (
        ask(Breakdown, ROWS, dimensions=(), metrics=("downloaders",), unique_by=level).headline,
        level,
    )


# What tables show, typed.

NASTY = [None, None, "unknown", "null", "other", "a b", 'say "hi"', "it's", "c:\\d", "(x)", "a,b", "größe", "", "and", "50%", "ok", "yes", "total"]
OF_VOCABULARY = {"user_agent_kind": KINDS, "package_type": ECOSYSTEMS, "action": ACTIONS, "user_agent_name": ("pip", "docker", "unknown", "other")}


def make_values(seed: int, count: int) -> pl.DataFrame:
    """Make events of any values in any column, as far as ingest gives them."""
    chance = random.Random(seed)
    numbers = {"http_response_status_code": [None, 200, 304, 404], "as_number": [None, 1, 15169]}
    columns: dict[str, list[Any]] = {}
    for name, dtype in EVENT_SCHEMA.items():
        if name == "geo_country_iso_code":
            values: Sequence[Any] = [None, "DE", "JP"]
        elif name in OF_VOCABULARY:
            values = [one for one in OF_VOCABULARY[name] if name in {"user_agent_kind", "user_agent_name"} or one != "unknown"]
            values = values if name in {"user_agent_kind", "user_agent_name", "action"} else [None, *values]
        elif dtype == pl.String:
            values = ["tag", "digest", "version", None] if name == "reference_kind" else [None] if name == "labels" else NASTY
        elif name in ID_COLUMNS:
            values = [None, *range(-2, 2)]
        elif dtype == pl.Boolean:
            values = [None, True, False]
        elif name == "timestamp":
            values = [NOON + timedelta(hours=hours) for hours in range(0, 200, 7)]
        else:
            values = numbers.get(name, [1])
        columns[name] = [chance.choice(values) for _ in range(count)]
    return conform(pl.DataFrame(columns, schema=EVENT_SCHEMA)).sort("timestamp")


def write_label(label: str, dimension: Dimension) -> str:
    """Type what a table shows: out of quotes where it is a word or a number."""
    is_plain = re.fullmatch(r"[\w./:@+-]+", label) or (label == '"unknown"' and not dimension.has_unknown)
    return label if is_plain and label != "null" else '"' + re.sub(r'(["\\])', r"\\\1", label) + '"'


@pytest.mark.parametrize("name", some(DIMENSIONS, 2, first=1))
def test_every_label_can_be_typed_back_and_gives_the_numbers_of_its_row(name: str) -> None:
    """As tables print it, as JSON spells it, and `is null` where both have nothing."""
    events = make_values(1, 120)

    def scan(columns: Any, start: Any, end: Any) -> pl.LazyFrame:
        assert start is None
        return events.lazy().select(columns)

    extent = Extent(events["timestamp"].min(), events["timestamp"].max(), None, events.height)  # type: ignore[arg-type]

    def answer(**options: Any) -> Report:
        query = Query(("requests", "bytes", "origins", "first-seen"), **{"window": "all", "limit": 0, **options})
        return ask_of(Breakdown(query), scan, extent, NOON)

    report = answer(dimensions=(name,))
    assert report.frame.height > 1
    labels = [format_cell(value, report.columns[0]) for value in report.frame[report.columns[0].name]]
    assert len(set(labels)) == len(labels)
    for row, label in some(zip(report.frame.rows(), labels, strict=True), 999 if len(name) % 2 else 9):
        spelled = "null" if row[0] is None else json.dumps(row[0], ensure_ascii=False) if isinstance(row[0], str) else str(row[0]).lower()
        for typed in (write_label(label, DIMENSIONS[name]), spelled):
            found = answer(where=f"{name}={typed}")
            assert found.frame.rows() == [row[1:]], typed
            assert answer(where=f"{name} not in ({typed})").frame["requests"].item() == events.height - row[1], typed


def is_shown_unknown(row: Row, name: str) -> bool:
    """Nobody is called so in our own words, and a stranger may be called as he likes."""
    return row[name] is None or (name == "client" and row[name] == "unknown")


@pytest.mark.parametrize("name", ["client", "country", "status"])
def test_unknown_can_be_typed_as_tables_show_it(name: str) -> None:
    def count(where: str) -> int:
        return int(ask(Breakdown, ROWS, dimensions=(), metrics=("requests",), where=where).frame["requests"].sum())

    expected = sum(is_shown_unknown(row, name) for row in ROWS)
    assert count(f"{name}=unknown") == count(f"{name} in (Unknown)") == expected > 0
    assert count(f"{name}!=unknown") == count(f"{name} not in (unknown)") == len(ROWS) - expected
    if name != "status":
        other = next(row[name] for row in ROWS if not is_shown_unknown(row, name))
        assert count(f"{name} in ({other}, unknown)") == expected + 1
        assert count(f'{name}="unknown"') == sum(row[name] == "unknown" for row in ROWS)


def test_a_table_of_what_nobody_knows_says_what_would_tell_it() -> None:
    """Programs get the row, for rows add up; people are told what they lack."""
    report = ask(Breakdown, ROWS, dimensions=("city",), metrics=("requests",))
    assert report.frame.rows() == [(None, len(ROWS))]
    assert json.loads(render(report, "json", RenderOptions())) == [{"city": None, "requests": len(ROWS)}]
    table = " ".join(str(render(report, "table", RenderOptions())).split())
    assert "no request here tells its city: a geo database with cities tells it" in table
    assert "unknown" not in table
    both = ask(Breakdown, ROWS, dimensions=("country", "city"), metrics=("requests",))
    assert both.frame.height == len(ROWS)
    assert any("tells its city" in warning for warning in both.meta["warnings"])
    assert "unknown" in render(both, "table", RenderOptions())


def test_what_a_limit_cut_off_is_no_value() -> None:
    report = ask(Breakdown, ROWS, dimensions=("client",), metrics=("requests",), where="country=other")
    assert "what --limit cuts off" in report.meta["warnings"][0]


def test_levels_of_uniques_are_found_by_what_people_call_them() -> None:
    assert find_levels(("ip", "visitors", "organisations", "networks")) == ("endpoint", "origin", "org", "network")
    with pytest.raises(UsageError, match="no unique level 'moon'"):
        find_levels(("moon",))
