"""A second opinion on days, buckets and gaps: clocks walked minute by minute. It shares nothing with pullstats."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
    "Africa/Casablanca",
    "Pacific/Apia",
]
CHANGES = [
    datetime(2025, 3, 30, 1, tzinfo=UTC),  # Berlin, forward at 2:00
    datetime(2025, 10, 26, 1, tzinfo=UTC),  # Berlin, back at 3:00
    datetime(2025, 10, 4, 15, 30, tzinfo=UTC),  # Lord Howe, half an hour forward
    datetime(2025, 4, 5, 15, tzinfo=UTC),  # Lord Howe, half an hour back
    datetime(2024, 4, 25, 22, tzinfo=UTC),  # Cairo, forward at midnight
    datetime(2024, 10, 31, 21, tzinfo=UTC),  # Cairo, back at midnight
    datetime(2024, 9, 8, 4, tzinfo=UTC),  # Santiago, forward at midnight
    datetime(2024, 4, 7, 3, tzinfo=UTC),  # Santiago, back at midnight
    datetime(2024, 11, 3, 5, tzinfo=UTC),  # Havana, back at 1:00 to midnight
    datetime(2011, 3, 13, 3, 31, tzinfo=UTC),  # St. John's, forward a minute after midnight
    datetime(2010, 11, 7, 2, 31, tzinfo=UTC),  # St. John's, back a minute after midnight, into the day before
    datetime(2024, 11, 3, 4, 30, tzinfo=UTC),  # St. John's, back at 2:00
    datetime(2025, 2, 23, 2, tzinfo=UTC),  # Casablanca, back for Ramadan
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia, over the date line: no 30 December
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2023, 12, 31, 23, tzinfo=UTC),
]
"""Instants at which a clock changes, or a calendar is odd."""


@cache
def day_start(day: date, zone: str) -> datetime:
    """Give the first minute whose local date is the day, or later where there is no such day."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=27)
    while moment.astimezone(ZoneInfo(zone)).date() < day:
        moment += MINUTE
    return moment


def local_day(moment: datetime, zone: str) -> date:
    """Give the latest day that has begun: a clock put back over midnight does not bring yesterday back."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    return day + DAY if day_start(day + DAY, zone) <= moment else day


def bucket_day(day: date, count: int, unit: str, week_start: str) -> date:
    """Give the day on which a bucket of whole days begins; multiples count from 1970."""
    if unit == "d":
        return date(1970, 1, 1) + count * ((day - date(1970, 1, 1)).days // count) * DAY
    if unit == "w":
        first = date(1970, 1, 1)
        while WEEKDAYS[first.weekday()] != week_start:
            first += DAY
        return first + 7 * count * ((day - first).days // (7 * count)) * DAY
    months = count * {"mo": 1, "q": 3, "y": 12}[unit]
    number = ((day.year - 1970) * 12 + day.month - 1) // months * months
    return date(1970 + number // 12, number % 12 + 1, 1)


def next_bucket_day(day: date, count: int, unit: str) -> date:
    """Give the day on which the bucket after one begins."""
    if unit in {"d", "w"}:
        return day + count * (7 if unit == "w" else 1) * DAY
    for _ in range(count * {"mo": 1, "q": 3, "y": 12}[unit]):
        day += monthrange(day.year, day.month)[1] * DAY
    return day


@cache
def walk_buckets(day: date, minutes: int, zone: str) -> list[datetime]:
    """List the instants at which buckets shorter than a day begin, from two days before a day to three after it."""
    moment = day_start(day - 2 * DAY, zone)
    end = day_start(day + 3 * DAY, zone)
    starts: list[datetime] = []
    offset, reached = None, -1
    while moment < end:
        local = moment.astimezone(ZoneInfo(zone))
        number = (local.toordinal() * 1440 + local.hour * 60 + local.minute) // minutes
        # Up to an hour, each change of the clock begins a bucket, so that an hour that comes twice is two.
        # Beyond it, the clock has to show a time that it has not shown.
        is_new = (number != reached or local.utcoffset() != offset) if minutes <= 60 else number > reached
        if is_new:
            starts.append(moment)
            reached = number
        offset = local.utcoffset()
        moment += MINUTE
    return starts


def bucket_start(moment: datetime, count: int, unit: str, zone: str, week_start: str = "monday") -> datetime:
    """Give the instant at which the bucket of an instant begins."""
    day = local_day(moment, zone)
    if unit in {"m", "h"}:
        starts = walk_buckets(day, count * {"m": 1, "h": 60}[unit], zone)
        return starts[bisect_right(starts, moment) - 1]
    return day_start(bucket_day(day, count, unit, week_start), zone)


def bucket_label(moment: datetime, count: int, unit: str, zone: str, week_start: str = "monday") -> str:
    """Give a bucket's label: a date, or a time with the zone's offset."""
    if unit in {"m", "h"}:
        return bucket_start(moment, count, unit, zone).astimezone(ZoneInfo(zone)).isoformat()
    return bucket_day(local_day(moment, zone), count, unit, week_start).isoformat()


def list_buckets(first: datetime, last: datetime, count: int, unit: str, zone: str, week_start: str = "monday") -> list[str]:
    """List the labels of all buckets from that of one instant to that of another."""
    labels: list[str] = []
    moment = bucket_start(first, count, unit, zone, week_start)
    while moment <= last:
        labels.append(bucket_label(moment, count, unit, zone, week_start))
        if unit in {"m", "h"}:
            starts = walk_buckets(local_day(moment, zone), count * {"m": 1, "h": 60}[unit], zone)
            moment = starts[bisect_right(starts, moment)]
        else:
            day = date.fromisoformat(labels[-1])
            while day_start(day, zone) <= moment:  # a day that does not exist begins when the next one does
                day = next_bucket_day(day, count, unit)
            moment = day_start(day, zone)
    return labels
