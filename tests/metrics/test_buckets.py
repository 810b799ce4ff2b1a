"""Buckets of every size and zone: each event lies where clocks walked minute by minute put it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.errors import UsageError
from pullstats.metrics.time.buckets import Buckets, parse_every
from pullstats.metrics.time.calendars import Calendar
from pullstats.metrics.time.clock_changes import find_changes
from pullstats.metrics.time.window_grammar import parse_window
from support import clock_oracle
from support.effort import SOAK, examples

SHORT = ["5m", "6m", "15m", "20m", "30m", "40m", "45m", "h", "80m", "90m", "2h", "3h", "6h", "12h", "24h"]
LONG = ["d", "2d", "3d", "7d", "w", "2w", "mo", "2mo", "3mo", "5mo", "q", "2q", "y", "3y"]
SIZE = re.compile(r"([0-9]*)([a-z]+)")
INSTANTS = st.builds(
    lambda change, seconds, rest: change + timedelta(seconds=seconds, microseconds=rest),
    st.sampled_from(clock_oracle.CHANGES),
    st.integers(-86_400, 86_400) | st.integers(-7_200, 7_200) | st.sampled_from([-3600, -1800, -60, -1, 0, 1, 60, 1800, 3600]),
    st.sampled_from([-1, 0, 0, 1]),
)


def split(every: str) -> tuple[int, str]:
    match = SIZE.fullmatch(every)
    assert match is not None
    return int(match[1] or 1), match[2]


def frame(moments: list[datetime]) -> pl.DataFrame:
    return pl.DataFrame({"timestamp": moments}, schema={"timestamp": pl.Datetime("us", "UTC")})


def put(buckets: Buckets, moments: list[datetime]) -> list[str]:
    """Label the bucket of each instant, as the streaming engine does it for a series."""
    found = frame(moments).lazy().select(bucket=buckets.expr).collect(engine="streaming")
    return buckets.label(found["bucket"]).to_list()


@examples(60)
@given(st.sampled_from(SHORT), st.sampled_from(clock_oracle.ZONES), st.lists(INSTANTS, min_size=1, max_size=20))
@example("h", "America/St_Johns", [datetime(2011, 3, 13, 3, 40, tzinfo=UTC)])
@example("40m", "Europe/Berlin", [datetime(2025, 3, 30, 1, 10, tzinfo=UTC)])
@example("80m", "America/St_Johns", [datetime(2024, 11, 3, 4, 59, tzinfo=UTC)])
@example("80m", "Europe/Berlin", [datetime(2025, 10, 26, 1, 10, tzinfo=UTC)])
def test_a_short_bucket_is_that_of_a_walked_clock(every: str, zone: str, moments: list[datetime]) -> None:
    assert put(parse_every(every, zone), moments) == [clock_oracle.bucket_label(moment, *split(every), zone) for moment in moments]


@examples(150)
@given(
    st.sampled_from(LONG),
    st.sampled_from(clock_oracle.ZONES),
    st.sampled_from(["monday", "sunday", "saturday", "wednesday"]),
    st.lists(INSTANTS | st.datetimes(datetime(1999, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)), min_size=1, max_size=10),  # noqa: DTZ001
)
def test_a_long_bucket_is_the_local_date_it_begins_with(every: str, zone: str, start: str, moments: list[datetime]) -> None:
    assert put(parse_every(every, zone, start), moments) == [clock_oracle.bucket_label(moment, *split(every), zone, start) for moment in moments]


@examples(60)
@given(st.sampled_from(SHORT + LONG), st.sampled_from(clock_oracle.ZONES), INSTANTS)
def test_buckets_follow_one_another_without_hole_or_overlap(every: str, zone: str, moment: datetime) -> None:
    buckets, reach = parse_every(every, zone), timedelta(hours=6) if every.endswith("m") else timedelta(days=2)
    listed = buckets.range(moment - reach, moment + reach)["bucket"]
    starts, ends = buckets.start_of(listed).to_list(), buckets.end_of(listed).to_list()
    assert starts[0] <= moment - reach
    assert ends[-1] > moment + reach
    assert starts[1:] == ends[:-1]
    for start, end, label in zip(starts, ends, buckets.label(listed), strict=True):
        if start < end:  # a day that does not exist is no span
            inside = [start, start + (end - start) / 2, end - timedelta(microseconds=1)]
            assert {clock_oracle.bucket_label(each, *split(every), zone) for each in inside} == {label}


def listed(every: str, zone: str, first: str, last: str, window: str = "all", start: str = "monday") -> list[str]:
    buckets = parse_every(every, zone, start)
    calendar = Calendar(ZoneInfo(zone), datetime(2024, 1, 1, tzinfo=UTC))
    begin, end = (datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for text in (first, last))
    return buckets.label(buckets.range(begin, end, parse_window(window, calendar))["bucket"]).to_list()


def test_an_hour_that_comes_twice_is_two_buckets_with_their_offsets() -> None:
    assert listed("h", "Europe/Berlin", "2025-10-26T01:00", "2025-10-26T03:30") == [
        "2025-10-26T01:00:00+02:00",
        "2025-10-26T02:00:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T03:00:00+01:00",
    ]
    assert listed("15m", "Europe/Berlin", "2025-10-26T02:45", "2025-10-26T03:00")[:6] == [
        "2025-10-26T02:45:00+02:00",
        "2025-10-26T02:00:00+01:00",
        "2025-10-26T02:15:00+01:00",
        "2025-10-26T02:30:00+01:00",
        "2025-10-26T02:45:00+01:00",
        "2025-10-26T03:00:00+01:00",
    ]


def test_an_hour_that_comes_twice_lengthens_a_bucket_of_several_hours() -> None:
    assert listed("6h", "Europe/Berlin", "2025-10-26T00:00", "2025-10-26T23:59") == [
        "2025-10-26T00:00:00+02:00",
        "2025-10-26T06:00:00+01:00",
        "2025-10-26T12:00:00+01:00",
        "2025-10-26T18:00:00+01:00",
    ]


def test_a_bucket_that_would_begin_in_an_hour_left_out_begins_where_the_clock_goes_on() -> None:
    assert listed("h", "Europe/Berlin", "2025-03-30T01:00", "2025-03-30T04:00") == [
        "2025-03-30T01:00:00+01:00",
        "2025-03-30T03:00:00+02:00",
        "2025-03-30T04:00:00+02:00",
    ]
    assert listed("6h", "Africa/Cairo", "2024-04-25T18:00", "2024-04-26T06:00") == [
        "2024-04-25T18:00:00+02:00",
        "2024-04-26T01:00:00+03:00",
        "2024-04-26T06:00:00+03:00",
    ]
    assert listed("d", "America/Santiago", "2024-09-07T12:00", "2024-09-09T12:00") == ["2024-09-07", "2024-09-08", "2024-09-09"]


def test_half_an_hour_that_comes_twice_is_two_buckets() -> None:
    assert listed("h", "Australia/Lord_Howe", "2025-04-06T01:00", "2025-04-06T02:30") == [
        "2025-04-06T01:00:00+11:00",
        "2025-04-06T01:30:00+10:30",
        "2025-04-06T02:00:00+10:30",
    ]


def test_a_day_that_does_not_exist_has_no_bucket() -> None:
    assert listed("d", "Pacific/Apia", "2011-12-29T00:00", "2011-12-31T12:00") == ["2011-12-29", "2011-12-31"]
    assert listed("12h", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T00:00") == ["2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00"]


def test_half_hour_zones_and_leap_days() -> None:
    assert listed("12h", "Asia/Kolkata", "2024-02-29T00:00", "2024-02-29T13:00") == ["2024-02-29T00:00:00+05:30", "2024-02-29T12:00:00+05:30"]
    assert listed("d", "Asia/Kolkata", "2024-02-28T23:59", "2024-03-01T00:00") == ["2024-02-28", "2024-02-29", "2024-03-01"]


def test_weeks_are_iso_weeks_unless_they_begin_elsewhere() -> None:
    assert listed("w", "UTC", "2024-12-31T00:00", "2025-01-06T00:00") == ["2024-12-30", "2025-01-06"]
    assert date.fromisoformat("2024-12-30").isocalendar()[:2] == (2025, 1)
    assert listed("w", "UTC", "2024-12-31T00:00", "2025-01-06T00:00", start="sunday") == ["2024-12-29", "2025-01-05"]


@pytest.mark.parametrize(
    ("start", "first"),
    [
        # By a calendar: whole numbers of fortnights after the first such weekday of 1970, which began on a Thursday.
        ("monday", "2024-04-29"), ("tuesday", "2024-04-30"), ("wednesday", "2024-05-01"), ("thursday", "2024-04-25"), ("friday", "2024-04-26"),
        ("saturday", "2024-04-27"), ("sunday", "2024-04-28"),
    ],
)  # fmt: skip
def test_fortnights_are_counted_from_the_first_week_that_begins_in_1970(start: str, first: str) -> None:
    began = date.fromisoformat(first)
    anchor = next(day for day in range(1, 8) if f"{date(1970, 1, day):%A}".lower() == start)
    assert (began - date(1970, 1, anchor)).days % 14 == 0
    assert listed("2w", "UTC", f"{first}T00:00", f"{began + timedelta(days=27)}T23:59", start=start) == [first, str(began + timedelta(days=14))]


@pytest.mark.parametrize("every", ["2d", "3d", "2w", "2mo", "5mo", "2q", "2y"])
def test_multiples_do_not_depend_on_where_a_window_begins(every: str) -> None:
    whole = listed(every, "Europe/Berlin", "2023-12-25T00:00", "2024-12-31T00:00")
    for day in range(1, 28, 5):
        part = listed(every, "Europe/Berlin", f"2024-02-{day:02}T00:00", "2024-12-31T00:00")
        assert part == whole[-len(part) :]


def test_a_few_minutes_that_recur_are_found_however_the_window_begins() -> None:
    """Three minutes a day lie between the instants of a five-minute raster."""
    buckets = listed("5m", "UTC", "2024-03-01T00:04:30", "2024-03-03T23:59", window="09:01-09:04")
    assert buckets == [f"2024-03-0{day}T09:00:00+00:00" for day in (1, 2, 3)]
    assert listed("d", "UTC", "2024-03-01T00:04:30", "2024-03-03T09:01", window="09:01-09:04 weekends") == ["2024-03-02", "2024-03-03"]


@examples(40)
@given(
    st.sampled_from(["5m", "15m", "h", "6h", "d", "w"]),
    st.sampled_from(clock_oracle.ZONES),
    st.sampled_from(["all", "weekends", "09:01-09:04", "23:30-00:30", "every sunday 01:00-03:00"]),
    st.lists(INSTANTS, min_size=1, max_size=20),
)
def test_every_event_of_a_window_has_its_bucket_in_the_list(every: str, zone: str, window: str, moments: list[datetime]) -> None:
    buckets = parse_every(every, zone)
    found = parse_window(window, Calendar(ZoneInfo(zone), moments[0]))
    near = [moment for moment in moments if abs(moment - moments[0]) < timedelta(days=4)]
    kept = found.keep(frame(near).lazy()).select(bucket=buckets.expr).collect()["bucket"]
    assert set(kept) <= set(buckets.range(min(near), max(near), found)["bucket"])


@pytest.mark.parametrize("zone", clock_oracle.ZONES)
def test_the_changes_of_a_clock_are_those_of_the_standard_library(zone: str) -> None:
    """Every hour of a few years has the offset that the last change gave."""
    changes = find_changes(zone)
    for year in (2011, 2024):
        for hour in range(0, 366 * 24, 7 if SOAK else 41):
            moment = datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            last = [change.after for change in changes if change.moment <= moment][-1:]
            assert last in ([], [moment.astimezone(ZoneInfo(zone)).utcoffset()])


def test_without_changes_an_offset_is_constant() -> None:
    assert find_changes("UTC") == ()
    assert Counter(change.moment.year for change in find_changes("Europe/Berlin"))[2025] == 2


@pytest.mark.parametrize("every", ["", "0d", "m", "1m", "4m", "7m", "25h", "5h", "d2", "1.5h", "-1d", "days2", "fortnight", "99999d", "D"])
def test_a_size_that_is_none_is_one_sentence(every: str) -> None:
    with pytest.raises(UsageError, match=f"--every '{every}'"):
        parse_every(every, "UTC")


def test_too_many_buckets_are_refused() -> None:
    with pytest.raises(UsageError, match="more than 100,000 buckets"):
        parse_every("5m", "UTC").range(datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("called", "every"),
    [
        *(("hour", "h"), ("day", "d"), ("week", "w"), ("month", "mo"), ("quarter", "q"), ("year", "y")),
        *(("2 weeks", "2w"), ("15min", "15m"), ("6 hours", "6h"), ("30 minutes", "30m"), ("monthly", "mo"), ("daily", "d")),
    ],
)
def test_sizes_may_be_written_out(called: str, every: str) -> None:
    assert parse_every(called, "UTC") == parse_every(every, "UTC")
