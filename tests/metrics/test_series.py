"""Series: which buckets are shown, what lies in them, what looks back, and what is known of each."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.events import EVENT_SCHEMA, conform
from pullstats.metrics import Annotation, Breakdown, Extent, Query
from pullstats.reports import Report
from support import clock_oracle
from support.command import pullstats
from support.crowd import ask_of
from support.effort import across, examples, some
from support.places import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import gaps

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


class Event(NamedTuple):
    """One request."""

    moment: datetime
    origin: int = 1
    client: str | None = "pip"
    source: str = "a"


def ask(events: Sequence[Event], *, names: dict[str, str] | None = None, epochs: dict[datetime, int] | None = None, **options: Any) -> Report:
    """Ask for a series over events; sources have names where gaps and what is final matter."""
    columns = {
        "timestamp": [event.moment for event in events],
        "origin_id": [event.origin for event in events],
        "user_agent_name": [event.client for event in events],
        "http_response_status_code": [200] * len(events),
        "source_id": [event.source for event in events],
        "key_epoch": [(epochs or {}).get(event.moment, 1) for event in events],
    }
    frame = conform(pl.DataFrame(columns, schema={name: EVENT_SCHEMA[name] for name in columns}))

    def scan(wanted: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        lazy = lazy.filter(pl.col("timestamp") < end) if end else lazy
        return lazy.select(wanted)

    sources = None
    if names is not None:
        spans = frame.group_by("source_id").agg(first=pl.col("timestamp").min(), last=pl.col("timestamp").max())
        sources = spans.with_columns(name=pl.col("source_id").replace_strict(names))
    moments = sorted(event.moment for event in events)
    extent = Extent(moments[0] if moments else None, moments[-1] if moments else None, sources)
    query = Query(**{"metrics": ("requests", "origins"), "window": "all", "every": "d", "is_shifting": False, **options})
    return ask_of(Breakdown(query), scan, extent, moments[-1] if moments else datetime(2024, 1, 1, tzinfo=UTC))


def tell_notes(report: Report) -> list[str]:
    """Give what is said besides of buckets that are cut or provisional (see test_cuts)."""
    return [one for one in report.meta["warnings"] if "is cut short" not in one and not one.startswith("provisional")]


def rows(report: Report) -> list[dict[str, Any]]:
    frame = report.flat[0] if report.flat else report.frame
    return frame.to_dicts()


# Every bucket, its numbers, and its look back, against plain Python.

EVENTS = st.sampled_from(clock_oracle.CHANGES).flatmap(
    lambda change: st.lists(
        st.builds(
            lambda minutes, seconds, origin, client: Event(change + timedelta(minutes=minutes, seconds=seconds), origin, client),
            st.integers(-3 * 1440, 3 * 1440) | st.integers(-120, 120),
            st.sampled_from([0, 0, 30]),
            st.integers(1, 4),
            st.sampled_from(["pip", "docker", None]),
        ),
        min_size=1,
        max_size=25,
    )
)
SIZES = st.sampled_from(["30m", "h", "6h", "12h", "d", "2d", "w", "mo"])
RECURRING: dict[str, Callable[[datetime], bool]] = {
    "all": lambda _: True,
    "weekdays": lambda local: local.weekday() < 5,
    "every sunday": lambda local: local.weekday() == 6,
    "09:00-17:00": lambda local: 9 <= local.hour < 17,
    "23:30-01:00 weekends": lambda local: local.weekday() >= 5 and (local.hour == 0 or (local.hour, local.minute) >= (23, 30)),
}


def split(every: str) -> tuple[int, str]:
    match = re.fullmatch(r"([0-9]*)([a-z]+)", every)
    assert match is not None
    return int(match[1] or 1), match[2]


@examples(40)
@given(EVENTS, SIZES, st.sampled_from(clock_oracle.ZONES), st.sampled_from(list(RECURRING)), st.sampled_from([1, 2, 3, 7]), st.integers(0, 2))
@example([Event(datetime(2025, 10, 26, hour, tzinfo=UTC)) for hour in (0, 3, 6, 12)], "6h", "Europe/Berlin", "all", 3, 0)
def test_a_series_is_what_plain_python_counts(events: list[Event], every: str, zone: str, recurring: str, reach: int, cut: int) -> None:
    """Sums, and unions of uniques, of each bucket and of the buckets it looks back over, with and without a dimension."""
    first, last = min(event.moment for event in events), max(event.moment for event in events)
    days = clock_oracle.local_day(first, zone) + cut * DAY, clock_oracle.local_day(last, zone)
    if days[0] > days[1]:
        return
    start = clock_oracle.day_start(days[0], zone)
    size = split(every)

    def label(event: Event) -> str:
        return clock_oracle.bucket_label(event.moment, *size, zone)

    counts = [event for event in events if RECURRING[recurring](event.moment.astimezone(ZoneInfo(zone)))]
    inside = [event for event in counts if event.moment >= start]
    listed = clock_oracle.list_buckets(first, last, *size, zone)
    options: dict[str, Any] = {
        "every": every,
        "tz": zone,
        "window": f"{recurring} and {days[0]}..{days[1]}",
        "rolling": f"{size[0] * reach}{size[1]}" if reach > 1 else None,
    }
    found = rows(ask(events, **options))
    labels = [row["bucket"] for row in found]
    assert labels == [one for one in listed if one in set(labels)]
    assert {label(event) for event in inside} <= set(labels)
    by_client = {(row["bucket"], row["client"]): row for row in rows(ask(events, dimensions=("client",), **options))}
    for row in found:
        place = listed.index(row["bucket"])
        reached = set(listed[max(place - reach + 1, 0) : place + 1])
        seen = [event for event in (counts if reach > 1 else inside) if label(event) in reached]
        assert (row["requests"], row["origins"]) == (len(seen), len({event.origin for event in seen}))
        for client in {event.client for event in inside}:
            own = [event for event in seen if event.client == client]
            cell = by_client[row["bucket"], client]
            assert (cell["requests"], cell["origins"]) == (len(own), len({event.origin for event in own}))


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_window_shows_no_bucket_beyond_its_end() -> None:
    events = [Event(at("2015-05-17T10:00")), Event(at("2015-05-31T23:59:59")), Event(at("2015-06-01T00:00")), Event(at("2018-01-01"))]
    found = rows(ask(events, window="2015-05"))
    assert (found[0]["bucket"], found[-1]["bucket"]) == ("2015-05-17", "2015-05-31")
    assert sum(row["requests"] for row in found) == 2


def test_before_the_first_and_after_the_newest_event_there_are_no_buckets() -> None:
    found = rows(ask([Event(at("2024-03-05T10:00")), Event(at("2024-03-07T10:00"))], window="2024"))
    assert [(row["bucket"], row["requests"]) for row in found] == [("2024-03-05", 1), ("2024-03-06", 0), ("2024-03-07", 1)]


def test_a_look_back_reaches_before_the_window_and_says_where_the_logs_begin() -> None:
    events = [Event(at(f"2024-03-{day:02}T12:00"), origin=day % 2) for day in range(1, 11)]
    whole = ask(events, window="2024-03-08..2024-03-10", rolling="7d")
    assert [(row["requests"], row["origins"]) for row in rows(whole)] == [(7, 2)] * 3
    assert whole.headline == "3 requests; 2 origins asked"
    assert not tell_notes(whole)
    assert tell_notes(ask(events, window="2024-03-06..2024-03-10", rolling="7d")) == [
        "the first value looks back over less than 7d: the logs begin later"
    ]
    short = ask(events, window="2024-03-05..2024-03-10", rolling="7d")
    assert [row["requests"] for row in rows(short)] == [5, 6, 7, 7, 7, 7]
    assert tell_notes(short) == ["the first 2 values look back over less than 7d: the logs begin later"]


def test_a_window_without_events_is_empty_even_if_its_look_back_is_not() -> None:
    events = [Event(at("2024-03-01T12:00")), Event(at("2024-03-09T12:00"))]
    report = ask(events, window="2024-03-03..2024-03-04", rolling="7d")
    assert report.is_empty
    assert [row["requests"] for row in rows(report)] == [1, 1]
    assert report.meta["excluded"]["events"] == 0


def test_six_hours_of_the_day_the_clock_changes_are_looked_back_over() -> None:
    """A look back in hours of the clock, not of the sun: the bucket before 6:00 begins at midnight."""
    zone = "Europe/Berlin"
    events = [Event(at(f"2025-03-30T{hour:02}:30", zone)) for hour in (0, 4, 7, 13)]
    found = rows(ask(events, window="2025-03-30 and 06:00-24:00", every="6h", rolling="12h", tz=zone))
    assert [(row["bucket"], row["requests"]) for row in found] == [("2025-03-30T06:00:00+02:00", 1), ("2025-03-30T12:00:00+02:00", 2)]
    found = rows(ask(events, window="2025-03-30", every="6h", rolling="12h", tz=zone))
    assert [(row["bucket"][11:13], row["requests"]) for row in found] == [("00", 2), ("06", 3), ("12", 2)]


def test_half_years_look_back_over_half_years() -> None:
    events = [Event(at(f"{year}-{month:02}-15")) for year in (2022, 2023) for month in range(1, 13)]
    found = rows(ask(events, window="2023-07..2023-12", every="2q", rolling="4q"))
    assert [(row["bucket"], row["requests"]) for row in found] == [("2023-07-01", 12)]


def test_a_long_look_back_stops_where_the_logs_begin() -> None:
    found = rows(ask([Event(at("2024-03-01T12:00")), Event(at("2024-03-03T12:00"))], rolling="99999w"))
    assert [row["requests"] for row in found] == [1, 1, 2]


@pytest.mark.parametrize(
    ("rolling", "every"), [("7", "d"), ("0d", "d"), ("1mo", "d"), ("3d", "2d"), ("h", "d"), ("12h", "d"), ("90m", "h"), ("1d", "w")]
)
def test_a_look_back_that_is_no_whole_number_of_buckets_is_refused(rolling: str, every: str) -> None:
    with pytest.raises(UsageError, match="--rolling"):
        ask([Event(at("2024-03-01T12:00"))], rolling=rolling, every=every)


def test_uniques_do_not_look_back_to_hashes_of_another_key() -> None:
    moments = [at("2024-03-01T12:00"), at("2024-03-05T12:00")]
    epochs = {moments[0]: 1, moments[1]: 2}
    assert rows(ask([Event(moment) for moment in moments], window="2024-03-05", epochs=epochs))[0]["origins"] == 1
    with pytest.raises(UsageError, match="different keys"):
        ask([Event(moment) for moment in moments], window="2024-03-05", epochs=epochs, rolling="7d")


# The others.


@pytest.mark.parametrize("rolling", [None, "2d"])
def test_what_the_limit_cuts_off_is_one_row_of_its_own_unions(rolling: str | None) -> None:
    """Origin 7 asks with two clients that are cut off: among the others it is one."""
    days = [at("2024-03-01T12:00"), at("2024-03-02T12:00")]
    events = [Event(day, origin, "pip") for day in days for origin in (1, 2, 3)]
    events += [Event(days[0], 7, "npm"), Event(days[0], 7, "docker"), Event(days[1], 8, "npm"), Event(days[1], 7, None)]
    report = ask(events, dimensions=("client",), limit=1, rolling=rolling)
    assert report.frame.select("client", "requests", "origins").rows() == [("pip", 6, 3), ("other", 4, 2)]
    others = [(row["bucket"], row["requests"], row["origins"]) for row in rows(report) if row["client"] == "other"]
    assert others == [("2024-03-01", 2, 1), ("2024-03-02", *((4, 2) if rolling else (2, 2)))]
    assert {row["client"] for row in rows(ask(events, dimensions=("client",), limit=1, has_other=False, rolling=rolling))} == {"pip"}


def test_others_beside_a_client_that_is_called_so_have_another_name() -> None:
    events = [Event(at("2024-03-01T12:00"), 1, client) for client in ("other", "other", "pip", "npm")]
    assert ask(events, dimensions=("client",), limit=1).frame["client"].to_list() == ["other", "all others"]


# Final or provisional.


@pytest.mark.parametrize(("last", "is_final"), [("2024-03-04T00:00:00", False), ("2024-03-04T00:00:01", True), ("2024-03-03T23:59:59", False)])
def test_a_bucket_is_final_once_every_log_is_a_day_beyond_its_end(last: str, is_final: bool) -> None:  # noqa: FBT001 - a column of the table above
    events = [Event(at("2024-03-01T12:00")), Event(at("2024-03-02T12:00")), Event(at(last))]
    final = {row["bucket"]: row["final"] for row in rows(ask(events))}
    assert final["2024-03-02"] is is_final
    assert final["2024-03-01"] is True
    assert final["2024-03-03"] is False


def test_the_slowest_log_decides_what_is_final() -> None:
    fast = [Event(at(f"2024-03-{day:02}T12:00"), source="a") for day in range(1, 10)]
    slow = [Event(at(f"2024-03-{day:02}T13:00"), source="b") for day in range(1, 6)]
    names = {"a": "one/access.log", "b": "two/access.log"}
    assert [row["bucket"] for row in rows(ask(fast, names=names)) if row["final"]][-1] == "2024-03-07"
    assert [row["bucket"] for row in rows(ask(fast + slow, names=names)) if row["final"]][-1] == "2024-03-03"


def test_a_piece_that_the_next_one_continues_holds_nothing_up() -> None:
    for form in ("access.log.{}.gz", "access-2024-03-{:02}.log", "2024/03/{:02}/access.log"):
        names = {str(day): form.format(10 - day if "gz" in form else day) for day in range(1, 8)}
        events = [Event(at(f"2024-03-{day:02}T12:00"), source=str(day)) for day in range(1, 8)]
        assert [row["bucket"] for row in rows(ask(events, names=names)) if row["final"]][-1] == "2024-03-05"


def test_a_day_of_the_zone_ends_where_the_zone_says() -> None:
    """Of the day with 25 hours, the 24 h of grace begin an hour later."""
    end = at("2025-10-27T00:00", "Europe/Berlin")
    for beyond, is_final in ((DAY, False), (DAY + TICK, True)):
        events = [Event(at("2025-10-26T12:00", "Europe/Berlin")), Event(end + beyond)]
        assert rows(ask(events, tz="Europe/Berlin"))[0]["final"] is is_final


def test_a_bucket_shortened_by_the_clock_ends_where_the_next_begins() -> None:
    """Half an hour that comes twice ends half an hour later, not an hour."""
    start = datetime(2025, 4, 5, 15, tzinfo=UTC)
    for beyond, is_final in ((DAY, False), (DAY + TICK, True)):
        found = rows(ask([Event(start), Event(start + HOUR / 2 + beyond)], every="h", tz="Australia/Lord_Howe"))
        assert (found[0]["bucket"], found[0]["final"]) == ("2025-04-06T01:30:00+10:30", is_final)


def test_no_two_columns_of_lines_are_called_alike() -> None:
    for rolling, title in ((None, "requests over time"), ("7d", "requests (7d) over time")):
        titles = [column.title for column in ask([Event(at("2024-03-01T12:00"))], dimensions=("client",), rolling=rolling).columns]
        assert titles == ["client", "requests", "origins", title]


# Pauses.


def hourly(first: str, last: str, silent: Callable[[datetime], bool], source: str = "a", count: int = 6) -> list[Event]:
    """Make a log with some events an hour, but for those that are silent."""
    moment, found = at(first), []
    while moment <= at(last):
        if not silent(moment):
            found += [Event(moment + number * timedelta(minutes=60 / count), origin=number, source=source) for number in range(count)]
        moment += HOUR
    return found


def is_between(start: str, end: str) -> Callable[[datetime], bool]:
    return lambda moment: at(start) <= moment < at(end)


NAMES = {"a": "one/access.log", "b": "two/access.log"}


def test_a_gap_is_told_and_never_drawn_as_zero() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12T06:00", "2024-03-14T15:00"))
    report = ask(events, names=NAMES, window="2024-03-10..2024-03-16")
    assert tell_notes(report) == ["gap: no events of one/access.log from 2024-03-12 06:00 to 2024-03-14 15:00 UTC"]
    assert [(row["bucket"][-2:], row["requests"], row["gap"]) for row in rows(report)] == [
        ("10", 144, False),
        ("11", 144, False),
        ("12", 36, False),
        ("13", None, True),
        ("14", 54, False),
        ("15", 144, False),
        ("16", 144, False),
    ]
    assert [(row["partial"], row["missing_hours"]) for row in rows(report)][2:5] == [(True, 18), (False, 24), (True, 15)]
    assert not any(row["partial"] or row["missing_hours"] for row in (*rows(report)[:2], *rows(report)[5:]))
    cells = rows(ask(events, names=NAMES, window="2024-03-10..2024-03-16", dimensions=("client",)))
    assert [(row["requests"], row["gap"]) for row in cells] == [(row["requests"], row["gap"]) for row in rows(report)]
    trend = ask(events, names=NAMES, window="2024-03-10..2024-03-16", dimensions=("client",)).frame["trend"].to_list()
    assert trend == [[144, 144, 36, None, 54, 144, 144]]


def test_a_window_that_ends_in_a_gap_sees_it() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12T06:00", "2024-03-14T15:00"))
    found = rows(ask(events, names=NAMES, window="2024-03-12", every="6h"))
    assert [(row["requests"], row["gap"]) for row in found] == [(36, False), (None, True), (None, True), (None, True)]
    found = rows(ask(events, names=NAMES, window="2024-03-13"))
    assert [(row["requests"], row["gap"]) for row in found] == [(None, True)]


def test_quiet_nights_within_a_gap_are_no_zeros_either() -> None:
    """A log that is silent every night, and then for two whole days: the days are unknown, though their nights are not missed."""

    def is_silent(moment: datetime) -> bool:
        return moment.hour < 8 or moment.hour >= 22 or is_between("2024-03-12", "2024-03-14")(moment)

    report = ask(hourly("2024-03-01", "2024-03-20", is_silent), names=NAMES, window="2024-03-11..2024-03-15")
    assert [row["requests"] for row in rows(report)] == [84, None, None, 84, 84]
    assert tell_notes(report) == ["gap: no events of one/access.log from 2024-03-12 08:00 to 2024-03-13 22:00 UTC"]


def test_weekends_without_work_are_no_gaps() -> None:
    report = ask(hourly("2024-02-01", "2024-03-20", lambda moment: moment.weekday() >= 5), names=NAMES, window="2024-03")
    assert not tell_notes(report)
    assert [row["requests"] for row in rows(report)][:4] == [144, 0, 0, 144]
    events = hourly("2024-02-01", "2024-03-20", lambda moment: moment.weekday() >= 5 or moment.date() == date(2024, 3, 12))
    assert [row["bucket"] for row in rows(ask(events, names=NAMES, window="2024-03")) if row["gap"]] == ["2024-03-12"]


@pytest.mark.parametrize("length", [7, 60])
def test_logs_that_were_never_down_have_no_gaps(length: int) -> None:
    """Twenty logs, of 5 to 50 lines an hour, evenly or in bursts, with quiet nights and weekends or without."""
    chance = random.Random(length)
    kinds = [*product(gaps.RATES, gaps.BURSTS, gaps.RHYTHMS), (8, 3, "nights"), (30, 5, "offices")]
    flagged = [kind for kind in some(kinds, 2, first=length % 2) if gaps.is_flagged(chance, *kind, length)]
    assert len(kinds) == 20
    assert len(flagged) <= 1, flagged


def test_a_day_without_a_log_is_a_gap() -> None:
    """Of logs of 20 lines an hour or more, a Tuesday to Thursday is missing; all of it is told and no more than the hours beside it."""
    chance, found = random.Random(1), []
    kinds = [*product((20,), gaps.BURSTS, gaps.RHYTHMS), (50, 10, "flat")]
    for kind in kinds:
        down, told = gaps.lose_a_day(chance, *kind)
        found.append(gaps.is_seen(down, told))
        assert all(down - DAY < gap.start < gap.end < down + 2 * DAY for gap in told)
    assert sum(found) >= 0.95 * len(kinds)


def test_the_tables_of_simulations_hold_what_is_claimed() -> None:
    """Docs: of logs that were never down at most one in twenty has a gap, of those that lost a day all but one in twenty, kind by kind at most twice that."""
    page = (ROOT / "docs" / "gaps.md").read_text(encoding="utf-8")
    tables = [[line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")][2:] for part in page.split("\n## ")[1:]]
    false, found = ([float(cell.strip(" %")) for row in table for cell in row[3:]] for table in tables)
    assert len(false) == len([*product(gaps.RATES, gaps.BURSTS, gaps.RHYTHMS, gaps.LENGTHS)])
    assert len(found) == len([*product(gaps.RATES[1:], gaps.BURSTS, gaps.RHYTHMS)])
    assert fmean(false) <= 5
    assert max(false) <= 10
    assert fmean(found) >= 95
    assert min(found) >= 90


def test_a_gap_of_months_is_seen_by_every_window_in_it() -> None:
    """However far away its ends are: what is unknown in the window of everything is so in any other, and nothing else is."""
    begin, chance = datetime(2024, 1, 1, tzinfo=UTC), random.Random(1)
    days = [*range(40), *range(240, 280)]
    events = [Event(begin + day * DAY + hour * HOUR) for day in days for hour in range(24)]
    whole = {row["bucket"]: row["gap"] for row in rows(ask(events, names=NAMES))}
    assert sum(whole.values()) == 200
    for first, last in [(100, 130), (35, 45), (60, 239), (235, 245), *(sorted(chance.sample(range(280), 2)) for _ in range(4))]:
        window = f"{begin + first * DAY:%Y-%m-%d}..{begin + last * DAY:%Y-%m-%d}"
        for hours in ("", "09:00-17:00 "):
            found = rows(ask(events, names=NAMES, window=hours + window))
            assert {row["bucket"]: row["gap"] for row in found} == {day: gap for day, gap in whole.items() if day in {row["bucket"] for row in found}}
            assert len(found) == last - first + 1
            assert all((row["requests"] is None) == row["gap"] for row in found)


def test_null_and_gap_stand_together_in_every_bucket() -> None:
    """Of a filter that finds nobody, every bucket is 0; what no log tells of is null, and nothing else."""
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12T06:00", "2024-03-14T15:00"))
    others: list[dict[str, Any]] = [{}, {"where": "client=nobody"}, {"rolling": "2w"}, {"dimensions": ("client",)}]
    for every, options in product(("h", "6h", "d", "w"), others):
        found = rows(ask(events, names=NAMES, every=every, **options))
        assert all((row["requests"] is None) == row["gap"] and not (row["gap"] and row["partial"]) for row in found), (every, options)
        assert any(row["gap"] or row["partial"] for row in found), (every, options)


def test_a_log_that_was_silent_for_weeks_is_missed_all_the_time() -> None:
    events = hourly("2024-03-01", "2024-04-05", is_between("2024-03-10", "2024-04-01"))
    found = rows(ask(events, names=NAMES, window="2024-03-08..2024-04-02"))
    assert [row["requests"] for row in found] == [144, 144, *[None] * 22, 144, 144]


def test_where_another_log_spoke_its_events_are_shown_and_the_gap_is_marked() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12", "2024-03-13")) + hourly("2024-03-01", "2024-03-20", lambda _: False, "b")
    found = {
        row["bucket"]: (row["requests"], row["gap"], row["missing_hours"]) for row in rows(ask(events, names=NAMES, window="2024-03-11..2024-03-13"))
    }
    assert found == {"2024-03-11": (288, False, 0), "2024-03-12": (144, False, 24), "2024-03-13": (288, False, 0)}
    nobody = rows(ask(events, names=NAMES, window="2024-03-12", where="client=nobody"))
    assert [(row["requests"], row["gap"], row["partial"]) for row in nobody] == [(0, False, True)]


def test_years_between_two_logs_are_no_zeros() -> None:
    events = [Event(at("2015-05-20T12:00"), source="a"), Event(at("2018-01-02T12:00"), source="b")]
    report = ask(events, names=NAMES, every="y")
    assert [(row["bucket"][:4], row["requests"], row["gap"]) for row in rows(report)] == [
        ("2015", 1, False),
        ("2016", None, True),
        ("2017", None, True),
        ("2018", 1, False),
    ]
    assert tell_notes(report) == ["gap: no events of any log from 2015-05-20 12:00 to 2018-01-02 12:00 UTC"]
    assert ask(events, names=NAMES, window="2016-05").is_empty
    assert [row["requests"] for row in rows(ask(events, names=NAMES, window="2016-05"))] == [None] * 31


def test_what_a_log_has_not_delivered_yet_is_provisional_and_no_gap() -> None:
    events = hourly("2024-03-01", "2024-03-20T12:00", lambda _: False, "a") + hourly("2024-03-01", "2024-03-18T12:00", lambda _: False, "b")
    report = ask(events, names=NAMES, window="2024-03-15..2024-03-20")
    assert not tell_notes(report)
    assert [row["bucket"] for row in rows(report) if row["final"]] == ["2024-03-15", "2024-03-16"]


def test_a_gap_outside_the_days_and_hours_that_recur_is_not_told() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12T03:00", "2024-03-12T06:00"))  # a Tuesday
    for window, is_told in (
        ("2024-03", True),
        ("2024-03 weekends", False),
        ("2024-03 09:00-17:00", False),
        ("2024-03 every tuesday 05:30-06:00", True),
    ):
        report = ask(events, names=NAMES, window=window)
        assert bool(tell_notes(report)) is is_told
        assert any(row["gap"] or row["partial"] for row in rows(report)) is is_told


def test_a_look_back_over_a_gap_is_marked() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12", "2024-03-13"))
    found = rows(ask(events, names=NAMES, window="2024-03-11..2024-03-16", rolling="3d"))
    marks = [(row["requests"], row["gap"], row["partial"]) for row in found]
    assert marks == [(432, False, False), *[(288, False, True)] * 3, *[(432, False, False)] * 2]


def test_a_look_back_over_nothing_but_a_gap_is_unknown() -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12", "2024-03-15"))
    for dimensions in ((), ("client",)):
        found = rows(ask(events, names=NAMES, window="2024-03-11..2024-03-16", rolling="2d", dimensions=dimensions))
        assert [(row["requests"], row["origins"]) for row in found] == [(288, 6), (144, 6), (None, None), (None, None), (144, 6), (288, 6)]


def test_a_sparkline_has_a_dot_for_what_is_unknown(tell: Callable[..., Any]) -> None:
    events = hourly("2024-03-01", "2024-03-20", is_between("2024-03-12", "2024-03-13"))
    arguments = ("series", "--by", "client", "--metric", "requests", "--window", "2024-03-11..2024-03-13", "--format", "table")
    assert "█·█" in tell({"access.log": [event.moment for event in events]}, *arguments)


@pytest.mark.parametrize(
    ("metric", "rolling"), across(["first-seen", "last-seen,requests", "error-rate", "bytes", "sessions"], [[], ["--rolling", "2d"]])
)
def test_every_kind_of_metric_is_drawn_by_value(tell: Callable[..., Any], metric: str, rolling: list[str]) -> None:
    arguments = ("series", "--by", "client", "--metric", metric, "--window", "all", *rolling)
    first = metric.split(",", maxsplit=1)[0].replace("-", "_")
    assert {first, "bucket", "client", "final", "gap"} <= set(tell(LOGS, *arguments)[0])
    assert "pip" in tell(LOGS, *arguments, "--format", "table")


# What happened.


def test_annotations_stand_beside_the_bucket_they_fall_into() -> None:
    zone = "Europe/Berlin"
    notes = tuple(
        Annotation(at(moment, zone), label) for moment, label in [("2024-03-02", "talk"), ("2024-03-02T23:59", "release"), ("2024-03-09", "late")]
    )
    events = [Event(at(f"2024-03-0{day}T12:00")) for day in (1, 2, 3)]
    assert [row["note"] for row in rows(ask(events, annotations=notes, tz=zone))] == [None, "talk; release", None]
    report = ask(events, annotations=notes, tz=zone, dimensions=("client",))
    assert tell_notes(report) == ["2024-03-02: talk", "2024-03-02: release"]
    assert [row["note"] for row in rows(report)] == [None, "talk; release", None]


# The command line.


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, list[datetime]]], Path]:
    folder = tmp_path_factory.mktemp("series")

    def take_in(logs: dict[str, list[datetime]]) -> Path:
        place = folder / sha256(repr(logs).encode()).hexdigest()[:8]
        if not place.exists():
            for name, moments in logs.items():
                (place / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
                lines = [
                    f'192.0.2.{n % 5} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "GET /a HTTP/1.1" 200 10 "-" "pip/24.0"\n'
                    for n, moment in enumerate(moments)
                ]
                (place / "logs" / name).write_text("".join(lines))
            assert run(["ingest", str(place / "logs"), "--store", str(place / "store"), "--key-file", str(folder / "key"), "--quiet"]) == 0
        return place / "store"

    return take_in


@pytest.fixture
def tell(stores: Callable[[dict[str, list[datetime]]], Path]) -> Callable[..., Any]:
    """Ask on the command line about logs; gives JSON's rows, or text for other formats."""

    def ask_store(logs: dict[str, list[datetime]], *arguments: str) -> Any:
        said = pullstats(*arguments, "--store", stores(logs), *([] if "--format" in arguments else ["--format", "json"]), code=(0, 4))
        return said.out if "--format" in arguments else said.rows

    return ask_store


LOGS = {"access.log": [datetime(2025, 10, 24, tzinfo=UTC) + timedelta(minutes=17 * number) for number in range(500)]}


@pytest.mark.parametrize(
    ("every", "zone"), across(["15m", "h", "6h", "d", "2d", "w", "mo"], ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])
)
def test_a_series_of_a_log_is_counted_by_plain_python(tell: Callable[..., Any], zone: str, every: str) -> None:
    found = tell(LOGS, "series", "--every", every, "--metric", "requests", "--window", "all", "--tz", zone)
    moments = LOGS["access.log"]
    expected = dict.fromkeys(clock_oracle.list_buckets(moments[0], moments[-1], *split(every), zone), 0)
    for moment in moments:
        expected[clock_oracle.bucket_label(moment, *split(every), zone)] += 1
    assert {row["bucket"]: row["requests"] for row in found} == expected


def test_windows_of_days_sum_up_to_the_window_of_all_of_them(tell: Callable[..., Any]) -> None:
    days = [f"2025-10-{day}" for day in range(24, 31)]
    whole = tell(LOGS, "report", "--by", "", "--metric", "requests,bytes", "--window", f"{days[0]}..{days[-1]}", "--tz", "Europe/Berlin")[0]
    parts = [tell(LOGS, "report", "--by", "", "--metric", "requests,bytes", "--window", day, "--tz", "Europe/Berlin") for day in days]
    for name in ("requests", "bytes"):
        assert whole[name] == sum(row[name] for part in parts for row in part)


def test_uniques_over_time_have_the_buckets_of_the_series(tell: Callable[..., Any]) -> None:
    logs = {
        "access.log": [datetime(2015, 5, day, 12, tzinfo=UTC) for day in (17, 18, 31)]
        + [datetime(2015, 6, 1, tzinfo=UTC), datetime(2015, 7, 1, tzinfo=UTC)]
    }
    for window in ("2015-05", "2015-05-18..2015-05-31", "2015-06", "all"):
        arguments = ("--every", "d", "--window", window)
        found = tell(logs, "uniques", *arguments)
        assert [row["bucket"] for row in found] == [row["bucket"] for row in tell(logs, "series", *arguments)]
    assert tell(logs, "uniques", "--every", "d", "--window", "2015-05")[-1]["bucket"] == "2015-05-31"


def test_the_table_marks_what_is_final_what_is_missing_and_what_happened(tell: Callable[..., Any], tmp_path: Path) -> None:
    moments = [event.moment for event in hourly("2024-03-01", "2024-03-20T12:00", is_between("2024-03-12", "2024-03-13"))]
    notes = tmp_path / "notes.csv"
    notes.write_text("date,label\n2024-03-13,talk in Ghent\n")
    arguments = ("series", "--metric", "requests", "--window", "2024-03-11..2024-03-20", "--annotate", str(notes), "--format", "table")
    table = tell({"access.log": moments}, *arguments).splitlines()
    lines = {line[:10]: line.split() for line in reversed(table)}  # a footer may begin with a day, too, wherever it breaks
    assert lines["2024-03-11"][3:7] == ["yes", "no", "no", "0"]
    assert lines["2024-03-12"][1:6] == ["–", "yes", "yes", "no", "24"]
    assert lines["2024-03-13"][3:] == ["yes", "no", "no", "0", "–", "talk", "in", "Ghent"]
    assert lines["2024-03-19"][3:7] == ["no", "no", "no", "0"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("date\n2024-03-01\n", "lacks the column label"),
        ("date,label\nsoon,x\n", ":2: 'soon' is no date"),
        ("date,label\n2024-02-30,x\n", ":2: '2024-02-30' is no date"),
        ("date,label\n0001-01-01T00:00:00,x\n", ":2: '0001-01-01T00:00:00' is no date"),
        ("date,label\n2024-03-01\n", ":2 does not have 2 cells"),
    ],
)
def test_a_file_of_dates_that_cannot_be_read_says_where(
    stores: Callable[[dict[str, list[datetime]]], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, told: str
) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text(content)
    store = stores(LOGS)
    capsys.readouterr()
    assert told in pullstats("series", "--window", "all", "--tz", "Asia/Kolkata", "--annotate", notes, "--store", store, code=2).err
