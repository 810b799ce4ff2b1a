"""Who is behind the numbers: the list, the states, one's timeline; each counted a second time by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pullstats.errors import UsageError
from pullstats.ids import write_id
from pullstats.metrics.questions.origins import Origins
from pullstats.metrics.time.spans import span_before, spans_before
from pullstats.metrics.time.windows import Window
from pullstats.reports import Report
from support.command import pullstats
from support.crowd import NOON, Row, ask, make_crowd, make_id, request
from support.effort import across

DAY = timedelta(days=1)
FIELDS = {"origin": "who", "endpoint": "endpoint", "network": "network", "user": "user", "org": "org"}


def origins(rows: list[Row], who: str | None = None, state: str | None = None, **options: Any) -> Report:
    return ask(Origins, rows, who, state, **options)


def flat(report: Report) -> pl.DataFrame:
    assert report.flat is not None
    frame, columns = report.flat
    assert frame.columns == [column.name for column in columns]
    return frame


def name_of(row: Row, level: str = "origin") -> str | None:
    """Give the id of a row's holder as exports write it."""
    if level == "org":
        return str(row["org"]) if row["org"] else None
    found = make_id(row, level)
    return None if found is None else write_id(found)


def states_by_hand(rows: list[Row], level: str, start: datetime, end: datetime, before: datetime) -> dict[str, str]:
    """Compare [start, end) with [before, start), one person at a time."""
    times: dict[Any, list[datetime]] = {}
    for row in rows:
        if row["status"] != 401 and row[FIELDS[level]] is not None:
            times.setdefault(name_of(row, level), []).append(row["time"])
    found = {}
    for who, seen in times.items():
        is_inside = any(start <= time < end for time in seen)
        was_before = any(before <= time < start for time in seen)
        was_long_ago = any(time < before for time in seen)
        if is_inside:
            found[who] = "returning" if was_before else "resurrected" if was_long_ago else "new"
        elif was_before:
            found[who] = "churned"
    return found


@pytest.mark.parametrize(("level", "memory"), across(FIELDS, [3_000_000_000, 25_000]))
def test_states_and_counts_by_hand(level: str, memory: int) -> None:
    rows = make_crowd(900)
    start, end = datetime(2025, 3, 13, tzinfo=UTC), datetime(2025, 3, 18, tzinfo=UTC)
    expected = states_by_hand(rows, level, start, end, start - 5 * DAY)
    options: dict[str, Any] = {"window": "2025-03-13..2025-03-17", "unique_by": level, "memory": memory, "metrics": ("requests", "errors")}
    listed = flat(origins(rows, **options))
    inside = [row for row in rows if start <= row["time"] < end]
    assert dict(listed.select(level, "state").rows()) == {who: state for who, state in expected.items() if state != "churned"}
    for who, requests, errors, days, first, last in listed.select(level, "requests", "errors", "days", "first_seen", "last_seen").rows():
        mine = [row for row in inside if name_of(row, level) == who]
        seen = [row["time"] for row in mine if row["status"] != 401]
        assert (requests, errors) == (len(mine), sum(row["status"] >= 400 for row in mine))
        assert (days, first, last) == (len({time.date() for time in seen}), min(seen), max(seen))
    for state in ("new", "returning", "resurrected", "churned"):
        chosen = origins(rows, state=state, **options)
        assert set(flat(chosen)[level]) == {who for who, found in expected.items() if found == state}
        assert f" {state} " in chosen.headline
    assert level in {"network", "org", "user"} or len(set(expected.values())) == 4


def test_the_largest_come_first_and_ties_in_a_fixed_order() -> None:
    rows = make_crowd()
    listed = flat(origins(rows, metrics=("requests",)))
    assert listed["requests"].to_list() == sorted(listed["requests"], reverse=True)
    assert listed.equals(flat(origins(rows[::-1], metrics=("requests",))).select(listed.columns))
    by_client = flat(origins(rows, sort="client"))["client"].to_list()
    assert by_client == sorted(by_client, key=lambda name: (name is None, name or ""))
    rising = flat(origins(rows, sort="-requests"))["requests"].to_list()
    assert rising == sorted(rising)


def test_ids_are_lower_case_hex_and_short_for_people() -> None:
    report = origins([request(NOON, 1), request(NOON, 2)])
    assert all(len(name) == 16 and name == name.lower() and int(name, 16) >= 0 for name in flat(report)["origin"])
    assert report.frame["origin"].to_list() == [name[:10] for name in flat(report)["origin"]]
    assert set(flat(report)["origin"]) == {name_of(request(NOON, who)) for who in (1, 2)}


def test_who_was_only_ever_refused_is_nobody_and_others_keep_their_refusals() -> None:
    rows = [request(NOON, 1, status=401), request(NOON, 1), request(NOON, 2, status=401)]
    listed = flat(origins(rows, metrics=("requests", "errors")))
    assert listed.select("requests", "errors").rows() == [(2, 1)]


def test_a_window_without_a_before_has_no_states() -> None:
    report = origins([request(NOON, 1)])
    assert "state" not in report.frame.columns
    assert flat(report)["state"].to_list() == [None]
    with pytest.raises(UsageError, match="'all' has none"):
        origins([request(NOON, 1)], state="new")


def test_new_is_told_to_mean_first_seen_in_these_logs() -> None:
    rows = [request(NOON, 1), request(NOON + 5 * DAY, 2)]
    assert "they begin on 2025-03-03 12:00 UTC" in origins(rows, window="2025-03-04..2025-03-08").meta["warnings"][0]
    assert not origins(rows, window="2025-03-08").meta["warnings"]


def test_a_window_that_has_no_end_ends_with_the_newest_event() -> None:
    rows = [request(NOON - DAY, 1), request(NOON, 1), request(NOON, 2), request(NOON - 9 * DAY, 3), request(NOON + DAY, 3)]
    assert sorted(flat(origins(rows, window="since 2025-03-03"))["state"]) == ["new", "resurrected", "returning"]


def test_columns_that_every_list_has_may_be_asked_for() -> None:
    rows = [request(NOON, 1), request(NOON + DAY, 2)]
    listed = flat(origins(rows, metrics=("first-seen", "last-seen")))
    assert listed["first_seen"].to_list() == [NOON + DAY, NOON]
    gone = flat(origins(rows, state="churned", window="2025-03-04", metrics=("error-rate", "requests")))
    assert gone.select("error_rate", "requests").rows() == [(0.0, 1)]


def test_who_is_gone_is_shown_with_what_it_had() -> None:
    """By hand, for everybody who is gone: requests, errors and days of the span before, and never a row of zeros."""
    rows = make_crowd(900)
    start = datetime(2025, 3, 13, tzinfo=UTC)
    expected = states_by_hand(rows, "origin", start, start + 5 * DAY, start - 5 * DAY)
    report = origins(rows, state="churned", window="2025-03-13..2025-03-17", metrics=("requests", "errors"))
    before = [row for row in rows if start - 5 * DAY <= row["time"] < start]
    listed = flat(report).select("origin", "requests", "errors", "days").rows()
    assert {row[0] for row in listed} == {who for who, state in expected.items() if state == "churned"}
    for who, requests, errors, days in listed:
        mine = [row for row in before if name_of(row) == who]
        assert (requests, errors) == (len(mine), sum(row["status"] >= 400 for row in mine))
        assert days == len({row["time"].date() for row in mine if row["status"] != 401}) > 0
    told = "their numbers and days are of the span before the window, from 2025-03-08 00:00 to 2025-03-13 00:00: in it they have none"
    assert told in report.meta["warnings"]
    assert not any("span before the window" in one for one in origins(rows, state="new", window="2025-03-13..2025-03-17").meta["warnings"])


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        ({"state": "retruning"}, {}, "did you mean 'returning'?"),
        ({}, {"sort": "colour"}, "--sort 'colour' is not in this report"),
        ({}, {"min_origins": 3}, "takes no --min-origins"),
        ({"who": "192.0.2.1"}, {}, "is no id"),
        ({"who": "abc"}, {}, "is no id"),
        ({"who": "abcdabcd"}, {}, "no origin 'abcdabcd' in this store"),
        ({"who": "abcd"}, {"unique_by": "org"}, "a timeline needs an id"),
        ({"who": "abcd", "state": "new"}, {}, "neither --state nor --sort"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(given: dict[str, str], options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match="^[^\n]*$") as caught:
        origins([request(NOON)], **given, **options)
    assert says in str(caught.value)


def test_a_timeline_has_everything_of_one_by_time() -> None:
    rows = [
        request(NOON + timedelta(minutes=minute % 7), 1 + minute % 2, path=f"/{minute}", status=401 if minute == 3 else 200) for minute in range(20)
    ]
    mine = sorted((row for row in rows if row["who"] == 2), key=lambda row: (row["time"], rows.index(row)))
    name = name_of(mine[0])
    assert name is not None
    report = origins(rows, who=name[:12].upper())
    frame = flat(report)
    assert frame.columns[:4] == ["time", "origin", "method", "path"]
    assert frame.select("time", "origin", "path", "status").rows() == [(row["time"], name, row["path"], row["status"]) for row in mine]
    assert report.headline.startswith(f"origin {name}: 10 requests, 10 shown; ci, score ")
    assert ": 10 requests, 3 shown; " in origins(rows, who=name, limit=3).headline
    assert origins(rows, who=name, window="2001").is_empty


def test_the_beginning_of_several_ids_names_them() -> None:
    rows = [request(NOON, who) for who in range(1000)]
    names = sorted(name for row in rows if (name := name_of(row)))
    short = next(name[:4] for name, following in pairwise(names) if name[:4] == following[:4])
    with pytest.raises(UsageError, match="give more digits"):
        origins(rows, who=short)


def test_the_list_leads_to_the_timeline(take_in: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "".join(
            f'192.0.2.{host} - - [01/Mar/2025:10:0{minute}:00 +0000] "GET /simple/f{minute}/ HTTP/1.1" 200 1 "-" "pip/24.0"\n'
            for minute in range(3)
            for host in range(1, 2 + minute)
        )
    )
    take_in(tmp_path / "a.log")
    where = ["--store", str(tmp_path / "store"), "--window", "2025-03-01", "--quiet"]
    listed = pullstats("origins", *where, "--format", "json", "--metric", "requests").rows
    assert [row["requests"] for row in listed] == [3, 2, 1]
    shown = pullstats("origins", listed[1]["origin"][:10], *where, "--format", "json").rows
    assert [(row["time"], row["path"], row["origin"]) for row in shown] == [
        (f"2025-03-01T10:0{minute}:00+00:00", f"/simple/f{minute}/", listed[1]["origin"]) for minute in (1, 2)
    ]
    assert len(pullstats("origins", *where, "--format", "csv", "--limit", "1", "--no-other").out.splitlines()) == 2
    for output in ("json", "csv", "md", "table"):
        shown_text = pullstats("origins", "--store", tmp_path / "store", "--window", "2001", "--format", output, code=4).out
        assert shown_text == "[]\n" if output == "json" else "downloads" in shown_text


# --- the span before a window ---


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Africa/Cairo", "Australia/Lord_Howe"])
@pytest.mark.parametrize("length", [1, 7, 30])
def test_the_days_before_are_days_whatever_the_clock_does(zone: str, length: int) -> None:
    """Walked day by day over two years, so over every change of the clock."""
    local = ZoneInfo(zone)
    for number in range(0, 730, 1 if length == 1 else 5):
        days = [datetime(2024, 1, 1) + timedelta(days=number + shift * length) for shift in (0, 1, 2)]  # noqa: DTZ001 - a local clock
        earlier, start, end = (day.replace(tzinfo=local).astimezone(UTC) for day in days)
        found = span_before(Window(start, end, "w", zone))
        assert found is not None
        assert (found.start, found.end) == (earlier, start)


def test_the_tuesdays_before_lie_a_week_back() -> None:
    window = Window(NOON, NOON + DAY, "w", weekdays=frozenset({1, 2}))
    found = spans_before(window, NOON - 15 * DAY, 9)
    assert [(one.start, one.end) for one in found] == [(NOON - 7 * number * DAY, NOON - (7 * number - 1) * DAY) for number in (1, 2)]
    assert spans_before(Window(None, NOON, "w"), NOON - 9 * DAY, 9) == []
