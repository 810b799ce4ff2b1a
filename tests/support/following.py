"""Cohorts as tests ask for them in memory, and as plain Python counts them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.render import RenderOptions, render
from pullstats.reports import Report
from support.crowd import Row, ask

DAY = timedelta(days=1)
GRACE = timedelta(hours=24)
REST = 0.02
LEVELS = ("origin", "endpoint", "network", "org", "user")


def cohorts(rows: list[Row], look_back: int = 4, **options: Any) -> Report:
    return ask(Cohorts, rows, look_back, **{"metrics": ("requests",), "every": "w", **options})


def flat(report: Report) -> list[dict[str, Any]]:
    assert report.flat is not None
    return report.flat[0].to_dicts()


def warnings(report: Report) -> str:
    return "\n".join(report.meta["warnings"])


def drawn(report: Report, form: str = "table") -> str:
    text = render(report, form, RenderOptions(width=80))
    assert isinstance(text, str)
    return text


# The same in plain Python


def begin_bucket(day: date, every: str) -> date:
    return day - timedelta(days=day.weekday()) if every == "w" else day.replace(day=1) if every == "mo" else day


def next_bucket(day: date, every: str) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) if every == "mo" else day + timedelta(days=7 if every == "w" else 1)


def list_whole(rows: list[Row], every: str, zone: ZoneInfo) -> dict[date, bool]:
    """List the buckets from the first event to the last; whether each is whole."""
    times = [row["time"] for row in rows]
    first, newest = min(times), max(times)
    day, found = begin_bucket(first.astimezone(zone).date(), every), {}
    while day <= newest.astimezone(zone).date():
        start, end = (datetime(one.year, one.month, one.day, tzinfo=zone).astimezone(UTC) for one in (day, next_bucket(day, every)))
        is_whole = end < newest - GRACE and first - start <= (end - start) * REST and end - newest <= (end - start) * REST
        found[day] = is_whole
        day = next_bucket(day, every)
    return found


def count_plainly(
    rows: list[Row], every: str, zone: str, level: str, look_back: int, keeps: Callable[[Row], bool]
) -> list[tuple[str, int, int, int]]:
    """Give cohort, age, members and how many came again."""
    whole = list_whole(rows, every, ZoneInfo(zone))
    order = list(whole)
    seen: dict[Any, set[int]] = {}
    for row in rows:
        who = row["who" if level == "origin" else level]
        if keeps(row) and row["package"] is not None and (row["status"] or 0) < 400 and who is not None:
            seen.setdefault(who, set()).add(order.index(begin_bucket(row["time"].astimezone(ZoneInfo(zone)).date(), every)))
    found = []
    for born, name in enumerate(order):
        if born < look_back or not all(whole[one] for one in order[born - look_back : born]):
            continue
        members = [places for places in seen.values() if min(places) == born]
        found += [(name.isoformat(), at - born, len(members), sum(at in places for places in members)) for at in range(born, len(order))]
    return found
