"""Windows: the whole grammar against dates written by hand, and against days walked minute by minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import UsageError
from pullstats.metrics.time.calendars import Calendar
from pullstats.metrics.time.window_grammar import GRAMMAR, parse_window
from support import clock_oracle
from support.command import pullstats, take_into
from support.effort import across, examples, some

NOW = datetime(2024, 5, 15, 11, 30, tzinfo=UTC)  # a Wednesday
TICK = timedelta(microseconds=1)

DAYS = {
    "today": ("2024-05-15", "2024-05-15"),
    "Yesterday": ("2024-05-14", "2024-05-14"),
    "1d": ("2024-05-15", "2024-05-15"),
    "7d": ("2024-05-09", "2024-05-15"),
    "30D": ("2024-04-16", "2024-05-15"),
    "4w": ("2024-04-18", "2024-05-15"),
    "this-week": ("2024-05-13", "2024-05-15"),
    "last-week": ("2024-05-06", "2024-05-12"),
    "Last Week": ("2024-05-06", "2024-05-12"),
    "this-month": ("2024-05-01", "2024-05-15"),
    "last-month": ("2024-04-01", "2024-04-30"),
    "this-quarter": ("2024-04-01", "2024-05-15"),
    "last-quarter": ("2024-01-01", "2024-03-31"),
    "this-year": ("2024-01-01", "2024-05-15"),
    "last-year": ("2023-01-01", "2023-12-31"),
    "2021": ("2021-01-01", "2021-12-31"),
    "2024-Q1": ("2024-01-01", "2024-03-31"),
    "2024-q2": ("2024-04-01", "2024-06-30"),
    "2023-Q4": ("2023-10-01", "2023-12-31"),
    "2024-02": ("2024-02-01", "2024-02-29"),
    "2023-02": ("2023-02-01", "2023-02-28"),
    "2024-12": ("2024-12-01", "2024-12-31"),
    "2024-04-16": ("2024-04-16", "2024-04-16"),
    "2024-02-29": ("2024-02-29", "2024-02-29"),
    "2024-04-01..2024-04-16": ("2024-04-01", "2024-04-16"),
    "2024-04-01 .. 2024-04-16": ("2024-04-01", "2024-04-16"),
    "2023..2024-Q1": ("2023-01-01", "2024-03-31"),
    "2024-04..2024-05-02": ("2024-04-01", "2024-05-02"),
    "2024-04 and 2024-04-16..2024-06": ("2024-04-16", "2024-04-30"),
    "30d last-month": ("2024-04-16", "2024-04-30"),
    "since 2024-05-02 and 2024": ("2024-05-02", "2024-12-31"),
    "past week": ("2024-05-09", "2024-05-15"),
    "Past Month": ("2024-04-16", "2024-05-15"),
    "past quarter": ("2024-02-16", "2024-05-15"),
    "past year": ("2023-05-17", "2024-05-15"),
    "last 7 days": ("2024-05-09", "2024-05-15"),
    "the last 7 days": ("2024-05-09", "2024-05-15"),
    "past seven days": ("2024-05-09", "2024-05-15"),
    "7 days": ("2024-05-09", "2024-05-15"),
    "30days": ("2024-04-16", "2024-05-15"),
    "last 2 weeks": ("2024-05-02", "2024-05-15"),
    "2 weeks": ("2024-05-02", "2024-05-15"),
    "last 3 months": ("2024-02-16", "2024-05-15"),
    "1 month": ("2024-04-16", "2024-05-15"),
    "2 years": ("2022-05-16", "2024-05-15"),
    "previous month": ("2024-04-01", "2024-04-30"),
    "current week": ("2024-05-13", "2024-05-15"),
    "last day": ("2024-05-14", "2024-05-14"),
    "day before yesterday": ("2024-05-13", "2024-05-13"),
    "last tuesday": ("2024-05-14", "2024-05-14"),
    "last wed": ("2024-05-08", "2024-05-08"),
    "past thursday": ("2024-05-09", "2024-05-09"),
    "wednesday": ("2024-05-15", "2024-05-15"),
    "Monday": ("2024-05-13", "2024-05-13"),
    "Q2 2021": ("2021-04-01", "2021-06-30"),
    "2021 Q2": ("2021-04-01", "2021-06-30"),
    "q2/2021": ("2021-04-01", "2021-06-30"),
    "2021Q2": ("2021-04-01", "2021-06-30"),
    "Q3": ("2023-07-01", "2023-09-30"),
    "Q1 to Q2 2021": ("2021-01-01", "2021-06-30"),
    "may 2021": ("2021-05-01", "2021-05-31"),
    "May, 2021": ("2021-05-01", "2021-05-31"),
    "2021 may": ("2021-05-01", "2021-05-31"),
    "may-2021": ("2021-05-01", "2021-05-31"),
    "in february 2024": ("2024-02-01", "2024-02-29"),
    "sept 2021": ("2021-09-01", "2021-09-30"),
    "may": ("2024-05-01", "2024-05-31"),
    "june": ("2023-06-01", "2023-06-30"),
    "jan-mar 2024": ("2024-01-01", "2024-03-31"),
    "jan to mar 2024": ("2024-01-01", "2024-03-31"),
    "nov to feb 2024": ("2023-11-01", "2024-02-29"),
    "from may to july 2021": ("2021-05-01", "2021-07-31"),
    "between may and july 2021": ("2021-05-01", "2021-07-31"),
    "2021-05 to 2021-07": ("2021-05-01", "2021-07-31"),
    "2021-05 - 2021-07": ("2021-05-01", "2021-07-31"),
    "2021 through 2023": ("2021-01-01", "2023-12-31"),
    "16 april 2024": ("2024-04-16", "2024-04-16"),
    "April 16, 2024": ("2024-04-16", "2024-04-16"),
    "16th of april 2024": ("2024-04-16", "2024-04-16"),
    "1 apr": ("2024-04-01", "2024-04-01"),
    "3 apr to 5 apr 2024": ("2024-04-03", "2024-04-05"),
    "2024/04/16": ("2024-04-16", "2024-04-16"),
    "2024/04": ("2024-04-01", "2024-04-30"),
    "04/2024": ("2024-04-01", "2024-04-30"),
    "16/04/2024": ("2024-04-16", "2024-04-16"),
    "04/16/2024": ("2024-04-16", "2024-04-16"),
    "05/05/2024": ("2024-05-05", "2024-05-05"),
    "16.04.2024": ("2024-04-16", "2024-04-16"),
    "04.05.2024": ("2024-05-04", "2024-05-04"),
    "20240416": ("2024-04-16", "2024-04-16"),
    "2024-W16": ("2024-04-15", "2024-04-21"),
    "since may and this-year": ("2024-05-01", "2024-05-15"),
    "since monday and this-year": ("2024-05-13", "2024-05-15"),
    "since last week and 2024": ("2024-05-06", "2024-12-31"),
    "since 2024 until may": ("2024-01-01", "2024-05-31"),
    "2024 before may": ("2024-01-01", "2024-04-30"),
    "2024 after 2024-05-02": ("2024-05-03", "2024-12-31"),
}
AMBIGUOUS = {
    "04/05/2024": "'04/05/2024' may be 4 May or 5 April 2024; write 2024-05-04 or 2024-04-05",
    "30d and 1/2/2024": "'1/2/2024' may be 1 February or 2 January 2024; write 2024-02-01 or 2024-01-02",
    "since 04-05-2024": "'04-05-2024' may be 4 May or 5 April 2024; write 2024-05-04 or 2024-04-05",
    "3m": "'3m' may be minutes or months; write 3 minutes or 3 months",
}
LISTS = {
    "every tuesday and thursday 2021": {2, 4},
    "tuesday and thursday 2021": {2, 4},
    "every tue, thu 2021": {2, 4},
    "mondays, wednesdays and fridays 2021": {1, 3, 5},
    "saturday or sunday 2021": {6, 7},
    "every mon-fri 2021": {1, 2, 3, 4, 5},
    "monday to friday 2021": {1, 2, 3, 4, 5},
    "fri-mon 2021": {1, 5, 6, 7},
    "2021 weekdays and every friday": {5},
    "2021 every day": {1, 2, 3, 4, 5, 6, 7},
}
COMPLETE = {
    "7d": ("2024-05-08", "2024-05-14"),
    "1d": ("2024-05-14", "2024-05-14"),
    "2w": ("2024-05-01", "2024-05-14"),
    "this-week": ("2024-05-13", "2024-05-14"),
    "this-month": ("2024-05-01", "2024-05-14"),
    "last-week": ("2024-05-06", "2024-05-12"),
    "weekdays 30d": ("2024-04-15", "2024-05-14"),
    "2024": ("2024-01-01", "2024-05-14"),
    "since 2024-05-02": ("2024-05-02", "2024-05-14"),
}


def calendar(zone: str = "UTC", now: datetime = NOW, **options: Any) -> Calendar:
    return Calendar(ZoneInfo(zone), now, **options)


def span(days: tuple[str, str], zone: str) -> tuple[datetime, datetime]:
    first, last = (date.fromisoformat(day) for day in days)
    return clock_oracle.day_start(first, zone), clock_oracle.day_start(last + clock_oracle.DAY, zone)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize("text", DAYS)
def test_a_window_has_the_days_written_by_hand(text: str, zone: str) -> None:
    now = datetime(2024, 5, 15, 12, tzinfo=ZoneInfo(zone))
    found = parse_window(text, calendar(zone, now))
    assert (found.start, found.end) == span(DAYS[text], zone)


@pytest.mark.parametrize("text", COMPLETE)
def test_complete_leaves_the_unfinished_day_out(text: str) -> None:
    found = parse_window(text, calendar("Europe/Berlin", is_complete=True))
    assert (found.start, found.end) == span(COMPLETE[text], "Europe/Berlin")


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_may_mean_two_things_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_window(text, calendar())
    assert str(caught.value) == AMBIGUOUS[text]


@pytest.mark.parametrize("text", LISTS)
def test_days_of_the_week_in_a_list_are_a_union(text: str) -> None:
    assert set(parse_window(text, calendar()).weekdays or ()) == LISTS[text]
    events = pl.LazyFrame(
        {"timestamp": [datetime(2021, 3, day, 12, tzinfo=UTC) for day in range(1, 8)]}, schema={"timestamp": pl.Datetime("us", "UTC")}
    )
    assert [moment.isoweekday() for moment in parse_window(text, calendar()).keep(events).collect()["timestamp"]] == sorted(LISTS[text])


@pytest.mark.parametrize(
    ("text", "is_relative"),
    [
        ("7d", True),
        ("past week", True),
        ("may", True),
        ("since may", True),
        ("monday", True),
        ("mondays 2021", False),
        ("may 2021", False),
        ("all", False),
    ],
)
def test_a_window_knows_whether_it_depends_on_what_day_it_is(text: str, is_relative: bool) -> None:  # noqa: FBT001 - a column of the table above
    assert parse_window(text, calendar()).is_relative is is_relative


def test_hours_count_back_from_now_and_stay_so_when_complete() -> None:
    for is_complete in (False, True):
        for text in ("12h", "12H", "12 hours", "last 12 hours", "past twelve hours", "720 minutes"):
            found = parse_window(text, calendar(is_complete=is_complete))
            assert (found.start, found.end) == (NOW - timedelta(hours=12), NOW + TICK)


def test_all_has_no_bounds() -> None:
    found = parse_window("all", calendar())
    assert (found.start, found.end, found.recurring) == (None, None, None)


@pytest.mark.parametrize(("start", "first"), [("sunday", "2024-05-05"), ("wednesday", "2024-05-08"), ("thursday", "2024-05-02")])
def test_the_last_week_begins_on_the_day_asked_for(start: str, first: str) -> None:
    found = parse_window("last-week", calendar(week_start=start))
    last = date.fromisoformat(first) + timedelta(days=6)
    assert (found.start, found.end) == span((first, last.isoformat()), "UTC")


def test_a_day_that_does_not_exist_is_empty_and_its_neighbours_whole() -> None:
    """Samoa went from 29 to 31 December 2011 over the date line."""
    for text, hours in (("2011-12-29", 24), ("2011-12-30", 0), ("2011-12-31", 24), ("2011-12-29..2011-12-31", 48)):
        found = parse_window(text, calendar("Pacific/Apia"))
        assert found.start is not None
        assert found.end is not None
        assert found.end - found.start == timedelta(hours=hours)
        assert found.is_empty == (not hours)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2025-03-30", 23),
        ("Europe/Berlin", "2025-10-26", 25),
        ("Australia/Lord_Howe", "2025-10-05", 23.5),
        ("Australia/Lord_Howe", "2025-04-06", 24.5),
        ("Africa/Cairo", "2024-04-26", 23),
        ("Africa/Cairo", "2024-10-31", 25),
        ("America/Santiago", "2024-09-08", 23),
        ("America/Santiago", "2024-04-06", 25),
        ("America/Havana", "2024-11-03", 25),
    ],
)
def test_a_day_on_which_the_clock_changes_has_the_hours_it_has(zone: str, day: str, hours: float) -> None:
    found = parse_window(day, calendar(zone))
    assert found.start is not None
    assert found.end is not None
    assert found.end - found.start == timedelta(hours=hours)
    assert (found.start, found.end) == span((day, day), zone)


MALFORMED = {
    "soon": 0,
    "": 0,
    "0d": 0,
    "d": 0,
    "-7d": 0,
    "7.5d": 0,
    "999999d": 0,
    "999999w": 0,
    "2025-13": 0,
    "2025-02-29": 0,
    "2025-Q5": 0,
    "25": 0,
    "0001": 0,
    "9999-12-31": 0,
    "2025-4-1": 0,
    "2025-04-02..2025-04-01": 0,
    "2025-04-01..": 0,
    "..2025-04-01": 0,
    "2025-04-01..x": 0,
    "30d and soon": 8,
    "every": 0,
    "every soon": 6,
    "30d every moon": 10,
    "weekdays 09:00-25:00": 9,
    "09:00-09:00": 0,
    "9-17": 0,
    "and 30d": 0,
    "30d and": 4,
    "since": 0,
    "since v1.4.0": 6,
    "30d since 0001": 10,
    "last fortnight": 0,
}


@pytest.mark.parametrize("text", MALFORMED)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_a_malformed_window_shows_the_grammar_and_a_caret_under_the_place(text: str, zone: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_window(text, calendar(zone))
    told, shown, caret = str(caught.value).split("\n")
    assert GRAMMAR in told
    assert shown == f"  {text}"
    assert caret == f"  {' ' * MALFORMED[text]}^"


@given(st.lists(st.sampled_from([*"0123456789dhw-.:Qq ", "every ", "and ", "since ", "tue", "..", "2024", "all"]), max_size=14).map("".join))
def test_any_window_is_read_or_refused_with_the_grammar(text: str) -> None:
    try:
        told = parse_window(text, calendar("Asia/Kolkata")).label
    except UsageError as error:
        told = str(error)
    assert told.replace(" ", "") == text.replace(" ", "") or GRAMMAR in told


# Each part of a window as text, and as plain Python that tells whether an instant lies in it.
Part = tuple[str, Callable[[datetime, str], bool]]


def local_minute(moment: datetime, zone: str) -> int:
    local = moment.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


def is_between(start: int, end: int) -> Callable[[datetime, str], bool]:
    if start < end:
        return lambda moment, zone: start <= local_minute(moment, zone) < end
    return lambda moment, zone: local_minute(moment, zone) >= start or local_minute(moment, zone) < end


def is_from_to(first: date, last: date) -> Callable[[datetime, str], bool]:
    return lambda moment, zone: first <= clock_oracle.local_day(moment, zone) <= last


def is_weekday(*names: str) -> Callable[[datetime, str], bool]:
    return lambda moment, zone: moment.astimezone(ZoneInfo(zone)).strftime("%A").lower() in names


def write_minute(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


AROUND = st.sampled_from([moment.date() for moment in clock_oracle.CHANGES]).flatmap(
    lambda day: st.builds(lambda before, after: (day - timedelta(days=before), day + timedelta(days=after)), st.integers(0, 3), st.integers(0, 3))
)
SPANS = AROUND.map(lambda days: (f"{days[0]}..{days[1]}", is_from_to(*days)))
MONTHS = AROUND.map(lambda days: (f"{days[0]:%Y-%m}", lambda moment, zone: f"{clock_oracle.local_day(moment, zone):%Y-%m}" == f"{days[0]:%Y-%m}"))
HOURS = st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda ends: ends[0] != ends[1] and ends[1] > 0)
RECURRING = st.one_of(
    st.sampled_from(clock_oracle.WEEKDAYS).map(lambda name: (f"every {name}", is_weekday(name))),
    st.just(("weekdays", is_weekday(*clock_oracle.WEEKDAYS[:5]))),
    st.just(("weekends", is_weekday(*clock_oracle.WEEKDAYS[5:]))),
    HOURS.map(lambda ends: (f"{write_minute(ends[0])}-{write_minute(ends[1])}", is_between(*ends))),
)
INSTANTS = st.builds(
    lambda change, seconds, rest: change + timedelta(seconds=seconds, microseconds=rest),
    st.sampled_from(clock_oracle.CHANGES),
    st.integers(-3 * 86_400, 3 * 86_400) | st.integers(-7_200, 7_200) | st.sampled_from([-3600, -60, -1, 0, 1, 60, 3600]),
    st.sampled_from([-1, 0, 0, 1]),
)


@examples(150)
@given(
    st.lists(SPANS | MONTHS, max_size=2),
    st.lists(RECURRING, max_size=2),
    st.sampled_from(clock_oracle.ZONES),
    st.lists(INSTANTS, min_size=1, max_size=30),
)
def test_a_random_window_keeps_what_plain_python_keeps(spans: list[Part], recurring: list[Part], zone: str, moments: list[datetime]) -> None:
    parts = [*recurring, *spans] or [("all", is_from_to(date.min, date.max))]
    window = parse_window(" and ".join(text for text, _ in parts), calendar(zone))
    events = pl.LazyFrame({"timestamp": moments}, schema={"timestamp": pl.Datetime("us", "UTC")})
    kept = window.keep(events).collect()["timestamp"].to_list()
    assert kept == [moment for moment in moments if all(holds(moment, zone) for _, holds in parts)]
    assert not (kept and window.is_empty)


# The command line, over logs of one's own.


def line(moment: datetime, path: str = "/simple/acme/acme-1.0.tar.gz", address: str = "192.0.2.1") -> str:
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "GET {path} HTTP/1.1" 200 10 "-" "pip/24.0"\n'


Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Path]:
    """Ingest lines, those of one log once."""
    folder = tmp_path_factory.mktemp("windows")

    def take_in(lines: list[str]) -> Path:
        store = folder / sha256("".join(lines).encode()).hexdigest()
        if not store.exists():
            log = folder / "access.log"
            log.write_text("".join(lines))
            take_into(store, log, key_file=folder / "key")
        return store

    return take_in


@pytest.fixture
def ask(stores: Callable[[list[str]], Path]) -> Ask:
    """Ask about a log's lines; gives exit code, stdout and stderr."""

    def run_over(lines: list[str], *arguments: str) -> tuple[int, str, str]:
        said = pullstats(*arguments, "--store", stores(lines), code=(0, 2, 4))
        return said.code, said.out, said.err

    return run_over


HALF_DAYS = [datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=12 * n + 1) for n in range(80)]  # to 9 April, 13:00
LOG = [line(moment) for moment in HALF_DAYS]


def count(ask: Ask, lines: list[str], *arguments: str) -> int:
    code, out, _ = ask(lines, "report", "--by", "", "--metric", "requests", "--format", "json", *arguments)
    rows = json.loads(out)
    assert code == (0 if rows and rows[0]["requests"] else 4)
    return rows[0]["requests"] if rows else 0


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        ("7d", "2024-03-25", "2024-03-31"),
        ("last-week", "2024-03-18", "2024-03-24"),
        ("last-month", "2024-02-01", "2024-02-29"),
        ("all", "2000-01-01", "2024-03-31"),
        ("2024", "2024-01-01", "2024-03-31"),
        ("2024-03-30..2024-04-02", "2024-03-30", "2024-03-31"),
        ("since 2024-03-20", "2024-03-20", "2024-03-31"),
    ],
)
def test_as_of_a_day_counts_nothing_after_it(ask: Ask, window: str, first: str, last: str) -> None:
    start, end = span((first, last), "Europe/Berlin")
    expected = sum(start <= moment < end for moment in HALF_DAYS)
    assert count(ask, LOG, "--window", window, "--as-of", "2024-03-31", "--tz", "Europe/Berlin") == expected


def test_as_of_with_hours_ends_with_the_day(ask: Ask) -> None:
    start, end = datetime(2024, 3, 31, 10, tzinfo=UTC), datetime(2024, 3, 31, 22, tzinfo=UTC)
    assert count(ask, LOG, "--window", "12h", "--as-of", "2024-03-31", "--tz", "Europe/Berlin") == sum(start <= moment < end for moment in HALF_DAYS)


def test_as_of_the_newest_event_counts_back_from_its_day(ask: Ask) -> None:
    days = {moment.date() for moment in HALF_DAYS}
    last = max(days)
    assert count(ask, LOG, "--window", "7d", "--as-of", "newest") == sum(moment.date() > last - timedelta(days=7) for moment in HALF_DAYS)
    whole = count(ask, LOG, "--window", "7d", "--as-of", "newest", "--complete")
    assert whole == sum(last - timedelta(days=8) < moment.date() < last for moment in HALF_DAYS) == 14


LOOKS = [
    ["report", "--by", "", "--metric", "requests"],
    ["series", "--metric", "requests"],
    ["uniques"],
    ["uniques", "--every", "d"],
    ["origins"],
    ["concentration", "--metric", "requests"],
    ["demand"],
    ["explain"],
    ["compare", "client=pip", "client=uv", "--metric", "requests"],
]


@pytest.mark.parametrize(("command", "window"), some(across(LOOKS, ["7d", "past week", "weekdays 90d", "every tuesday this year"]), 2))
def test_an_old_log_is_counted_back_from_its_newest_event_and_says_so_first(ask: Ask, command: list[str], window: str) -> None:
    code, out, told = ask(LOG, *command, "--window", window, "--format", "json")
    assert code == 0
    note = f"all events are older than {window}; counted back from the newest, 2024-04-09 (--as-of newest)"
    assert told.splitlines()[0] == f"pullstats: {note}"
    newest = ask(LOG, *command, "--window", window, "--as-of", "newest", "--format", "json")[1]
    assert out == newest or (command == ["explain"] and note in out)
    for form in some(["table", "md"], 2, first=LOOKS.index(command) % 2):
        _, shown, _ = ask(LOG, *command, "--window", window, "--format", form)
        assert " ".join(shown.replace("\\", "").split()).startswith(note)
        assert shown.count("counted back") == 1 + (command == ["explain"])  # which lists its notes, too


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_an_as_of_that_is_given_is_obeyed(ask: Ask, command: list[str]) -> None:
    for moment in some(["now", "2025-06-30"], 2, first=LOOKS.index(command) % 2):
        code, out, told = ask(LOG, *command, "--window", "7d", "--as-of", moment)
        assert code == 4
        assert "counted back" not in out + told


def test_two_relative_windows_of_an_old_log_are_counted_back_alike(ask: Ask) -> None:
    code, out, told = ask(LOG, "compare", "last-month", "this-month", "--metric", "requests", "--format", "json")
    assert (code, [(row["a"], row["b"]) for row in json.loads(out)]) == (0, [(62, 18)])
    assert told.splitlines()[0].startswith("pullstats: all events are older than ")
    assert (
        json.loads(ask(LOG, "compare", "last-month", "this-month", "--metric", "requests", "--format", "json", "--as-of", "2024-03-31")[1])[0]["b"]
        == 62
    )
    assert ask(LOG, "compare", "last-month", "this-month", "--as-of", "now")[0] == 4


def test_where_logs_end_is_told_where_a_window_is_counted_back_from_there(ask: Ask) -> None:
    whole = [*LOG, line(datetime(2024, 4, 9, 23, 59, 30, tzinfo=UTC))]
    cut = "the logs end on 2024-04-09 at 13:00; what came later that day is not counted (--complete leaves the day out)"
    assert cut in ask(LOG, "report", "--window", "7d", "--format", "json")[2]
    told = ask(whole, "report", "--window", "7d", "--format", "json")[2]
    assert "the logs end on 2024-04-09 at 23:59" in told
    assert "not counted" not in told
    for arguments in (["--window", "7d", "--complete"], ["--window", "last-week"], ["--window", "12h"], ["--window", "2024-04-09"]):
        assert "the logs end" not in ask(LOG, "report", *arguments, "--format", "json")[2]


def test_an_unfinished_day_is_told(ask: Ask) -> None:
    today = [line(datetime.now(UTC))]
    note = "is not over: what is counted of it is provisional (--complete leaves it out)"
    assert note in ask(today, "report", "--window", "7d", "--format", "json")[2]
    assert note not in ask(today, "report", "--window", "7d", "--complete", "--format", "json")[2]


def test_a_window_that_is_not_relative_is_never_shifted(ask: Ask) -> None:
    for window in ("2025", "since 2025-01-01", "every tuesday 2025"):
        assert count(ask, LOG, "--window", window) == 0


def test_an_export_never_shifts(ask: Ask) -> None:
    code, out, _ = ask(LOG, "export", "--window", "30d", "--format", "json")
    assert (code, json.loads(out)) == (4, [])
    assert ask(LOG, "export", "--window", "30d", "--as-of", "newest", "--format", "json")[0] == 0


@pytest.mark.parametrize("value", ["foo", "7d", "2024-13", "all", "2024-01-01..2024-02-01", "0001", "yesterday"])
def test_as_of_takes_dates_alone(ask: Ask, value: str) -> None:
    code, _, told = ask(LOG, "report", "--as-of", value)
    assert code == 2
    assert told.strip() == f"pullstats: --as-of '{value}' is no date; write 2025-04-16, newest or now"


@pytest.mark.parametrize(
    ("arguments", "output"),
    across(
        [["report"], ["report", "--by", ""], ["series"], ["series", "--by", "client"], ["series", "--rolling", "7d"]],
        ["table", "csv", "json", "ndjson", "md"],
    ),
)
def test_an_empty_window_prints_its_header_and_is_exit_4(ask: Ask, arguments: list[str], output: str) -> None:
    for window in some(["2023", "2030", "2024-03 and 2024-05"], 3, first=len(output) % 3):
        code, out, _ = ask(LOG, *arguments, "--window", window, "--format", output)
        assert code == 4
        if output in {"table", "md"}:
            assert "downloads" in out
            assert "logs reach from 2024-03-01T01:00 to 2024-04-09T13:00 UTC" in " ".join(out.split())
        elif output == "csv":
            assert out.count("\n") == 1
            assert "downloads" in out
        else:
            assert out.strip() == ("[]" if output == "json" else "")


def test_the_footer_tells_the_window_in_the_zone_of_its_days(ask: Ask) -> None:
    _, out, _ = ask(LOG, "report", "--window", "2024-03-31", "--tz", "Europe/Berlin")
    assert "window 2024-03-31 from 2024-03-31T00:00 to 2024-04-01T00:00 (Europe/Berlin)" in " ".join(out.split())
    _, out, _ = ask(LOG, "report", "--window", "2024-03-31", "--tz", "Europe/Berlin", "--format", "json", "--meta")
    window = json.loads(out)["meta"]["window"]
    assert (window["start"], window["end"]) == ("2024-03-30T23:00:00+00:00", "2024-03-31T22:00:00+00:00")


def test_parts_that_shut_each_other_out_are_told(ask: Ask) -> None:
    for window in ("every tuesday and every friday", "2024-03 and 2024-05", "09:00-10:00 11:00-12:00"):
        code, _, told = ask(LOG, "report", "--window", window, "--format", "json")
        assert code == 4
        assert f"no instant can lie in {window}" in told


def test_a_malformed_window_is_exit_2_with_grammar_and_caret(ask: Ask) -> None:
    code, out, told = ask(LOG, "report", "--window", "30d and every moon")
    assert (code, out) == (2, "")
    assert "every tuesday" in told
    assert told.endswith(f"  30d and every moon\n  {' ' * 14}^\n")


RELEASED = [
    line(datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=day), f"/packages/{name}-{version}.tar.gz")
    for day, name, version in [
        (0, "acme", "1.0.0"),
        (1, "acme", "1.0.0"),
        (2, "acme", "1.4.0"),
        (3, "other", "1.4.0"),
        (4, "acme", "1.0.0"),
        (5, "acme", "1.4.0"),
    ]
]


@pytest.mark.parametrize(("since", "expected"), [("v1.4.0", 4), ("1.4.0", 4), ("acme@1.4.0", 4), ("other@1.4.0", 3), ("1.0.0", 6)])
def test_since_a_version_begins_with_the_first_request_for_it(ask: Ask, since: str, expected: int) -> None:
    assert count(ask, RELEASED, "--window", f"since {since}") == expected


def test_since_a_release_of_a_file_begins_with_its_day_or_instant(ask: Ask, tmp_path: Path) -> None:
    releases = tmp_path / "releases.csv"
    releases.write_text("version,date,package\nv1.4.0,2024-03-05,acme\n1.4.0,2024-03-06T00:00:00Z,other\n2.0,2024-03-02T02:00:00+02:00,\n")
    for since, expected in (("1.4.0", 2), ("v1.4.0", 2), ("other@1.4.0", 1), ("2.0", 5), ("acme@2.0", 5), ("1.0.0", 6)):
        assert count(ask, RELEASED, "--window", f"since {since}", "--releases", str(releases)) == expected
    # In Berlin the day begins an hour earlier, but no event lies in that hour.
    assert count(ask, RELEASED, "--window", "since acme@1.4.0", "--releases", str(releases), "--tz", "Europe/Berlin") == 2
    assert count(ask, RELEASED, "--window", "since acme@1.4.0", "--releases", str(releases), "--tz", "America/Havana") == 1


def test_since_a_version_that_nobody_knows_is_exit_2(ask: Ask) -> None:
    code, _, told = ask(RELEASED, "report", "--window", "30d since v9.9")
    assert code == 2
    assert "no version that --releases or the store knows" in told
    assert told.endswith(f"{' ' * 12}^\n")


@examples(40)
@given(st.sampled_from(clock_oracle.ZONES), AROUND, st.lists(INSTANTS, max_size=40))
def test_a_span_holds_what_its_days_hold(zone: str, days: tuple[date, date], moments: list[datetime]) -> None:
    events = pl.LazyFrame({"timestamp": moments}, schema={"timestamp": pl.Datetime("us", "UTC")})
    each = [days[0] + timedelta(days=number) for number in range((days[1] - days[0]).days + 1)]
    parts = [parse_window(day.isoformat(), calendar(zone)).keep(events).collect().height for day in each]
    assert parse_window(f"{days[0]}..{days[1]}", calendar(zone)).keep(events).collect().height == sum(parts)
